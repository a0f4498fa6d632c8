//! The hunt for deliberate defects: in how many runs each is found, and how short its failure
//! becomes. `cargo bench --bench teeth [NAME]...` builds a copy of the sources that holds them all.

#![allow(clippy::print_stdout, reason = "a benchmark tells what it measured")]

#[path = "../tests/teeth"]
#[allow(dead_code, reason = "the table is held against the sources by the test")]
mod teeth {
    pub mod copy;
    pub mod drivers;
    pub mod hunt;
    pub mod journal;
    pub mod machines;
    pub mod table;
    pub mod transport;
    pub mod unseen;
}

use teeth::{copy, hunt, table};

fn main() {
    let names: Vec<String> = std::env::args().skip(1).filter(|it| !it.starts_with('-')).collect();
    let wanted = |name: &str| names.is_empty() || names.iter().any(|it| it == name);
    let program = copy::build();
    if let Some(wrong) = hunt::whole(&program) {
        println!("{wrong}");
        return;
    }
    let mut caught = Vec::new();
    for (area, defect) in table::all().filter(|(_, defect)| wanted(defect.name)) {
        if let Some(blind) = hunt::is_blind(&program, defect) {
            println!("{blind}");
        }
        match hunt::hunt(&program, area, defect) {
            Ok(it) => caught.push(it),
            Err(missed) => println!("{missed}"),
        }
    }
    println!("{}", hunt::table(&caught));
    for wrong in hunt::too_much(&caught) {
        println!("{wrong}");
    }
}
