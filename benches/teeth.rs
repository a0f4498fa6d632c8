//! The hunt for deliberate defects: in how many runs each is found, and how short its failure
//! becomes. `cargo bench --bench teeth [NAME]...` builds a copy of the sources that holds them all;
//! without names it writes `tests/teeth/found.txt` anew.

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

use std::fs;

use teeth::{copy, hunt, table};

/// Where what was found is kept.
const FOUND: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/teeth/found.txt");

fn main() {
    let names: Vec<String> = std::env::args().skip(1).filter(|it| !it.starts_with('-')).collect();
    let wanted = |name: &str| names.is_empty() || names.iter().any(|it| it == name);
    let program = copy::build();
    if let Some(wrong) = hunt::whole(&program) {
        println!("{wrong}");
        return;
    }
    let (mut caught, mut missed) = (Vec::new(), Vec::new());
    for (area, defect) in table::all().filter(|(_, defect)| wanted(defect.name)) {
        missed.extend(hunt::is_blind(&program, defect));
        match hunt::hunt(&program, area, defect) {
            Ok(it) => caught.push(it),
            Err(says) => missed.push(says),
        }
        println!("{} found, {} missed: {}", caught.len(), missed.len(), defect.name);
    }
    let table = hunt::table(&caught, &missed);
    println!("{table}");
    if names.is_empty() {
        fs::write(FOUND, table).expect("the folder of the table is there");
    }
}
