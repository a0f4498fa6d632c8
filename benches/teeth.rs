//! The hunt for deliberate defects: in how many runs each is found, and how short its failure
//! becomes. `cargo bench --bench teeth [NAME]...` builds a copy of the sources that holds them all;
//! what it comes to is written to `tests/teeth/found.txt`, where the other rows stay.

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
    let kept = fs::read_to_string(FOUND).unwrap_or_default();
    let kept = |name: &str| kept.lines().find(|line| hunt::is_about(line, name)).map(str::to_owned);
    let mut rows = Vec::new();
    for (area, defect) in table::all() {
        let row = if wanted(defect.name) {
            let row = hunt::hunt(&program, area, defect);
            println!("{row}");
            Some(row)
        } else {
            kept(defect.name)
        };
        rows.extend(row);
    }
    fs::write(FOUND, hunt::table(&rows)).expect("the folder of the table is there");
}
