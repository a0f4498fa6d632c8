//! Scopes whose states are kept on disk, as users ask for it: they answer what they answer in
//! memory, and go on after whatever ended them.

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use common::bench::{Bench, answer, until};
use iris_check::check::{self, Outcome, Place, Scope, Verdict};
use iris_check::explore::{Limits, Stop};
use serde_json::Value;

/// Searched in a moment.
const SMALL: [&str; 2] = ["delivery", "lease"];
/// Large enough that one can come in between, and of many levels.
const LONG: &str = "lease";

fn limits() -> Limits<'static> {
    common::unlimited(2)
}

#[test]
fn scopes_come_out_as_in_memory() {
    let slow = std::env::var_os("IRIS_CHECK_SLOW").is_some();
    for scope in Scope::standard() {
        if !slow && !SMALL.contains(&scope.name.as_str()) {
            continue;
        }
        let expected = check::run(&scope, &limits());
        let dir = tempfile::tempdir().expect("a folder can be made");
        let memory = if slow { 4 << 30 } else { 64 << 20 };
        let place = Place { dir: &dir.path().join("a"), memory, program: "this one" };
        let found = check::run_on_disk(&scope, &limits(), &place).expect("the disk takes it");
        assert_eq!(found, expected, "{}", scope.name);
        if scope.name != SMALL[0] {
            continue;
        }
        // With next to nothing everything spills, and progress needs more.
        let place = Place { dir: &dir.path().join("b"), memory: 16 << 10, ..place };
        let found = check::run_on_disk(&scope, &limits(), &place).expect("the disk takes it");
        without_progress(&found, &expected);
    }
}

/// All the same, but that claims about progress are left undecided.
fn without_progress(found: &Outcome, expected: &Outcome) {
    assert_eq!((found.states, found.transitions), (expected.states, expected.transitions));
    assert_eq!((found.depth, found.stopped), (expected.depth, None));
    let undecided = |at: usize| found.rows[at].verdict == Verdict::Incomplete(Stop::Memory);
    for (at, row) in expected.rows.iter().enumerate() {
        let is_same = found.rows[at].verdict == row.verdict;
        assert!(is_same != undecided(at), "{}", row.id);
        // One that nothing is asked of needs nothing.
        let is_asked = row.id.starts_with('L') && row.verdict != Verdict::Vacuous;
        assert!(undecided(at) || !is_asked, "{}", row.id);
        assert!(row.id.starts_with('L') || !undecided(at), "{}", row.id);
    }
}

/// What `check --format json` says, but for the time it took.
fn said(text: &str) -> Value {
    let mut said: Value = serde_json::from_str(text).expect("it is JSON");
    said["seconds"] = Value::Null;
    for scope in said["scopes"].as_array_mut().expect("a list") {
        scope["seconds"] = Value::Null;
        for finding in scope["findings"].as_array_mut().expect("a list") {
            finding["file"] = Value::Null;
        }
    }
    said
}

#[test]
fn a_killed_search_is_resumed_to_the_same_answer() {
    let bench = Bench::new();
    let (code, out, _) = bench.answer(&["check", LONG, "delivery", "--format", "json"]);
    let expected = (code, said(&out));
    let manifest = bench.path().join("kept").join(LONG).join("manifest");
    let levels = || {
        let text = fs::read_to_string(&manifest).unwrap_or_default();
        let levels = text.lines().find_map(|line| line.strip_prefix("levels").map(str::to_owned));
        levels.map_or(0, |levels| levels.split_whitespace().count())
    };
    let mut args: Vec<&str> = vec!["check", LONG, "delivery", "--disk", "kept"];
    let mut before = 0;
    for _ in 0..3 {
        let mut search = bench.start(&args);
        assert!(until(|| levels() > before + 1), "it comes further");
        let said = search.kill().expect("it was in the middle of it");
        before = levels();
        assert!(!said.iter().any(|line| line.contains("delivery ")), "{said:?}");
        args = vec!["check", "--resume", "kept"];
    }
    args.extend(["--format", "json"]);
    let (code, out, err) = bench.answer(&args);
    assert_eq!((code, said(&out)), expected, "{err}");
    let (again, out, err) = bench.answer(&args);
    assert_eq!((again, said(&out)), expected, "what is complete just says so again: {err}");
}

#[test]
fn an_interrupted_search_is_incomplete_and_resumed() {
    let bench = Bench::new();
    let args = ["check", "delivery", "--disk", "kept", "--max-states", "500", "--format", "json"];
    let (code, out, err) = bench.answer(&args);
    let stopped = said(&out);
    assert_eq!((code, &stopped["complete"]), (5, &Value::Bool(false)), "{err}");
    let (code, _, err) = bench.answer(&["check", "delivery", "--disk", "kept"]);
    assert_eq!(code, 1, "{err}");
    assert!(err.contains("go on with it by --resume kept"), "{err}");
    let (code, out, _) = bench.answer(&["check", "--resume", "kept", "--format", "json"]);
    let (expected, all, _) = bench.answer(&["check", "delivery", "--format", "json"]);
    assert_eq!((code, said(&out)), (expected, said(&all)));
}

#[test]
fn what_cannot_be_resumed_ends_with_1_and_says_why() {
    let bench = Bench::new();
    bench.answer(&["check", "delivery", "--disk", "kept"]);
    let resume = |what: &str| {
        let (code, out, err) = bench.answer(&["check", "--resume", what]);
        assert_eq!(code, 1, "{out}{err}");
        err
    };
    assert!(resume("nowhere").contains("nowhere/plan.json: there is no such file"));
    let plan = bench.path().join("kept/plan.json");
    let text = fs::read_to_string(&plan).expect("it is text");
    fs::write(&plan, text.replace("delivery", "delivers")).expect("there is room");
    assert!(resume("kept").contains("kept/plan.json: damaged: "));
    fs::write(&plan, text.replace("\"version\":1", "\"version\":2")).expect("there is room");
    assert!(resume("kept").contains("expected version 1, found 2"));
    fs::write(&plan, &text).expect("there is room");
    let manifest = bench.path().join("kept/delivery/manifest");
    let text = fs::read_to_string(&manifest).expect("it is text");
    let flip = text.replacen("levels 0 1 ", "levels 0 2 ", 1);
    assert_ne!(flip, text);
    fs::write(&manifest, flip).expect("there is room");
    assert!(resume("kept").contains("kept/delivery/manifest: damaged: expected "));
}

#[test]
fn a_full_disk_is_an_error_and_loses_nothing() {
    let bench = Bench::new();
    let whole = bench.command(&[]);
    let program = whole.get_program().to_str().expect("its name is text");
    // No file may be larger than 64 blocks of 512 bytes.
    let script = format!("trap '' XFSZ; ulimit -f 64; exec {program} check delivery --disk kept");
    let mut full = Command::new("/bin/sh");
    full.args(["-c", &script]).current_dir(bench.path());
    let (code, out, err) = answer(full);
    assert_eq!(code, 1, "{out}{err}");
    assert!(err.contains("kept/delivery/") && err.contains(": cannot "), "{err}");
    let (code, out, _) = bench.answer(&["check", "--resume", "kept", "--format", "json"]);
    let (expected, all, _) = bench.answer(&["check", "delivery", "--format", "json"]);
    assert_eq!((code, said(&out)), (expected, said(&all)));
}

#[test]
fn each_scope_has_a_folder() {
    let bench = Bench::new();
    bench.answer(&["check", "delivery", "crash", "--disk", "kept"]);
    let names = fs::read_dir(bench.path().join("kept")).expect("it is there");
    let names: BTreeSet<String> = names
        .map(|entry| entry.expect("it is there").file_name().into_string().expect("text"))
        .collect();
    assert_eq!(names, ["crash", "delivery", "plan.json"].map(str::to_owned).into());
}
