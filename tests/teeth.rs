//! Generated runs find what is wrong: at least forty defects, put into drivers, transport, journal
//! and machines one at a time, each found by a campaign and made as short as a person would.
//!
//! Here the table is held against the sources. The hunt itself is `cargo bench --bench teeth`: it
//! needs a build of a copy, and some minutes.

mod teeth {
    #[allow(dead_code, reason = "the hunt is a benchmark")]
    pub mod copy;
    pub mod drivers;
    #[allow(dead_code, reason = "the hunt is a benchmark")]
    pub mod hunt;
    pub mod journal;
    pub mod machines;
    pub mod table;
    pub mod transport;
    pub mod unseen;
}

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use iris_check::conform::run::Run;
use teeth::hunt;
use teeth::table::{AREAS, all, built};

#[test]
fn each_defect_has_its_own_name_and_place() {
    let mut names = BTreeSet::new();
    let mut wrong = Vec::new();
    for (area, rows, places) in AREAS {
        if rows.len() < 8 {
            wrong.push(format!("{area}: {} defects are too few", rows.len()));
        }
        let elsewhere = rows.iter().filter(|it| !places.iter().any(|at| it.file.starts_with(at)));
        wrong.extend(elsewhere.map(|it| format!("{}: {} is not in {area}", it.name, it.file)));
    }
    for defect in built() {
        let name = defect.name;
        if !names.insert(name) {
            wrong.push(format!("{name}: there are two of this name"));
        }
        let text = read(defect.file);
        let count = text.matches(defect.find).count();
        if count != 1 {
            let says = "`find` must name one place; follow what has changed there";
            wrong.push(format!("{name}: it stands {count} times in {}: {says}", defect.file));
        }
        if defect.put.matches(&format!("crate::defect::is(\"{name}\")")).count() != 1 {
            wrong.push(format!("{name}: `put` must ask for it once, by its name"));
        }
        if defect.put.matches("defect::is").count() != 1 {
            wrong.push(format!("{name}: `put` must not ask for another"));
        }
    }
    assert_eq!(wrong, [""; 0]);
    assert!(all().count() >= 40, "{} defects are too few", all().count());
}

#[test]
fn no_two_defects_change_the_same_place() {
    let mut wrong = Vec::new();
    let places: Vec<_> = built()
        .filter_map(|it| {
            let from = read(it.file).find(it.find)?;
            Some((it.file, from, from + it.find.len(), it.name))
        })
        .collect();
    for (at, one) in places.iter().enumerate() {
        let meets = |other: &&(&str, usize, usize, &str)| {
            one.0 == other.0 && one.1 < other.2 && other.1 < one.2
        };
        let meeting = places[at + 1..].iter().filter(meets);
        wrong.extend(meeting.map(|other| format!("{} and {} meet", one.3, other.3)));
    }
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn each_defect_has_a_run_by_hand() {
    let mut wrong = Vec::new();
    for (_, defect) in all() {
        let file = hunt::by_hand(defect);
        match Run::from_json(&read(&file)) {
            Ok(run) if run.steps.len() == defect.least => {}
            Ok(run) => {
                let (steps, least) = (run.steps.len(), defect.least);
                wrong.push(format!("{file}: {steps} steps where the table says {least}"));
            }
            Err(bad) => wrong.push(format!("{file}: {bad}")),
        }
    }
    assert_eq!(wrong, [""; 0]);
}

/// What the last hunt came to: the file is written by the benchmark alone.
#[test]
fn the_last_hunt_found_what_is_asked_for() {
    const AT_LEAST: usize = 40;
    const RUNS: u64 = 1000;
    let text = read("tests/teeth/found.txt");
    let rows = hunt::told(&text);
    let known: Vec<&str> = all().map(|(_, defect)| defect.name).collect();
    let hunted: Vec<&str> =
        text.lines().skip(1).filter_map(|line| line.split_whitespace().nth(1)).collect();
    assert_eq!(hunted, known, "each defect was hunted: hunt those that are new");
    let short = rows.iter().filter(|(_, row)| hunt::is_short(row[2], row[3])).count();
    assert!(short >= AT_LEAST, "{short} defects are too few");
    let mut runs: Vec<u64> = rows.iter().map(|(_, numbers)| numbers[0]).collect();
    runs.sort_unstable();
    assert!(runs[runs.len() / 2] <= RUNS, "the median is {}", runs[runs.len() / 2]);
}

fn read(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}: {error}"))
}
