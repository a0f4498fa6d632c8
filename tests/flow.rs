//! Searches by several processes as their users call them: what they answer, and that a process
//! that is lost ends the others, which never take that for an answer.

mod common;

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use common::bench::{Bench, Node, pause, until};
use common::hosts::clusters;
use common::lcg::Lcg;
use common::unlimited;
use iris_check::check::{self, Outcome, Scope};
use iris_check::explore::{Limits, Stop};

/// Scopes, and how much of each: all that breaks a claim of each class, a part of what holds.
const PARTS: [(&str, Option<u64>); 5] = [
    ("as_reported.reconcile", None),
    ("as_reported.retry", None),
    ("as_reported.delivery_errors", None),
    ("lease", Some(3_000)),
    ("gang", Some(3_000)),
];

/// A scope that takes far longer than any test waits.
const LONG: [&str; 3] = ["check", "mix.wide", "--deep"];

/// How often a process is killed.
const ROUNDS: u64 = 6;

fn of(scope: &Scope, limits: &Limits, processes: usize) -> Outcome {
    std::thread::scope(|threads| {
        let each = |cluster| threads.spawn(|| check::run_flow(scope, limits, cluster));
        let all: Vec<_> = clusters(processes, 1).into_iter().map(each).collect();
        let ended = all.into_iter().map(|it| it.join().expect("it does not panic"));
        let outcomes: Vec<_> = ended.map(|it| it.expect("nobody is lost")).collect();
        outcomes.into_iter().flatten().next().expect("process 0 has the outcome")
    })
}

#[test]
fn scopes_come_out_as_in_one_process() {
    for (name, max_states) in PARTS {
        let scope = Scope::named(name).expect("it is built in");
        let limits = Limits { max_states, ..unlimited(2) };
        let expected = check::run(&scope, &limits);
        assert_eq!(expected.stopped, max_states.map(|_| Stop::States), "{name}");
        assert_eq!(of(&scope, &limits, 2), expected, "{name}");
    }
}

/// What it says, without how long it took.
fn timeless(out: &str) -> serde_json::Value {
    let mut said: serde_json::Value = serde_json::from_str(out).expect("it is JSON");
    said["seconds"].take();
    said["scopes"][0]["seconds"].take();
    said
}

#[test]
fn two_processes_print_and_save_what_one_does() {
    let (one, two) = (Bench::new(), Bench::new());
    let name = "as_reported.retry";
    let expected = one.answer(&["check", name, "--format", "json"]);
    let found = two.answer(&["check", name, "--format", "json", "--processes", "2"]);
    assert_eq!((found.0, found.2.as_str()), (expected.0, ""));
    assert_eq!(timeless(&found.1), timeless(&expected.1));
    let saved = |bench: &Bench| {
        let files = fs::read_dir(bench.path().join("findings")).expect("something was found");
        let mut files: Vec<PathBuf> = files.map(|file| file.expect("it is there").path()).collect();
        files.sort();
        files.into_iter().map(|file| fs::read(file).expect("it can be read")).collect::<Vec<_>>()
    };
    assert_eq!(saved(&two), saved(&one));
}

#[test]
fn a_call_that_makes_no_sense_is_refused() {
    let bench = Bench::new();
    fs::write(bench.path().join("hosts"), "127.0.0.1:1\n127.0.0.1:2\n").expect("it is written");
    fs::write(bench.path().join("bad"), "127.0.0.1:1\nlocalhost\n").expect("it is written");
    let rows: [(&[&str], &str); 6] = [
        (&["--processes", "2"], "several processes search one scope, not 16: name it"),
        (&["lease", "--processes", "1"], "1 is not in 2..=64"),
        (&["lease", "--processes", "2", "--symmetry"], "cannot be used with '--symmetry'"),
        (&["lease", "--hosts", "hosts"], "--process <K>"),
        (&["lease", "--hosts", "hosts", "--process", "2"], "--process counts them from 0"),
        (&["lease", "--hosts", "bad", "--process", "0"], "`localhost` is not host:port"),
    ];
    for (args, expected) in rows {
        let (code, out, err) = bench.answer(&[&["check"], args].concat());
        assert_eq!((code, out.as_str()), (1, ""), "{args:?}: {err}");
        assert!(err.contains(expected), "{args:?}: {err}");
    }
}

/// A file of so many hosts of this machine, whose ports were free a moment ago.
fn hosts(bench: &Bench, processes: usize) -> Vec<String> {
    let hosts = clusters(processes, 1).swap_remove(0).hosts;
    fs::write(bench.path().join("hosts"), hosts.join("\n")).expect("it is written");
    hosts
}

fn start(bench: &Bench, scope: &[&str], process: usize) -> Node {
    let process = process.to_string();
    let args = ["--hosts", "hosts", "--process", &process, "--patience", "30s", "--silence", "2s"];
    bench.start(&[scope, &args].concat())
}

/// It has ended as one that lost this process, and says so.
fn assert_lost(node: &mut Node, process: usize, host: &str, context: &str) {
    node.hear(&format!("lost process {process} ({host}): "));
    assert_eq!(node.end().code(), Some(5), "{context}");
    let said = node.said();
    let passed = |line: &String| line.ends_with("holds") || line.contains("done its part");
    assert!(!said.iter().any(passed), "{context}: {said:?}");
}

#[test]
fn a_killed_process_ends_the_others() {
    let mut lcg = Lcg::new(7);
    for round in 0..ROUNDS {
        let bench = Bench::new();
        let count = 2 + lcg.below(2);
        let hosts = hosts(&bench, count);
        let mut nodes: Vec<Node> = (0..count).map(|at| start(&bench, &LONG, at)).collect();
        pause(Duration::from_millis(300 + 25 * lcg.below(80) as u64));
        let victim = lcg.below(count);
        let ended = nodes[victim].kill();
        assert!(ended.is_ok(), "round {round}: it had ended before: {ended:?}");
        for (process, node) in nodes.iter_mut().enumerate().filter(|(at, _)| *at != victim) {
            let context = format!("round {round}: {process} of {count}, {victim} was killed");
            assert_lost(node, victim, &hosts[victim], &context);
        }
    }
}

#[test]
fn a_process_that_falls_silent_is_lost() {
    let bench = Bench::new();
    let hosts = hosts(&bench, 2);
    let (mut first, second) = (start(&bench, &LONG, 0), start(&bench, &LONG, 1));
    pause(Duration::from_secs(1));
    second.signal("STOP");
    assert_lost(&mut first, 1, &hosts[1], "it was stopped");
}

#[test]
fn a_process_that_never_comes_is_lost() {
    let bench = Bench::new();
    let hosts = hosts(&bench, 2);
    for (here, other) in [("0", 1), ("1", 0)] {
        let args = ["check", "lease", "--hosts", "hosts", "--process", here, "--patience", "1s"];
        let (code, out, err) = bench.answer(&args);
        assert_eq!(code, 5, "{out}{err}");
        let says = format!("lost process {other} ({}): it did not come within 1 s", hosts[other]);
        assert!(err.contains(&says), "{err}");
        assert!(
            here != "0" || out.contains(&format!("INCOMPLETE (lost process {other})")),
            "{out}"
        );
    }
}

#[test]
fn processes_of_different_searches_refuse_each_other() {
    let bench = Bench::new();
    hosts(&bench, 2);
    let mut first = start(&bench, &["check", "lease"], 0);
    let mut second = start(&bench, &["check", "cancel"], 1);
    for node in [&mut first, &mut second] {
        node.hear("process 1 and process 0 do not search the same");
        assert_eq!(node.end().code(), Some(1));
    }
}

/// The same scope as a file of this bench, whose processes can be told from others by that.
fn long_of(bench: &Bench) -> [&'static str; 4] {
    let folder = bench.path().canonicalize().expect("it exists");
    let file = folder.join("long.toml");
    fs::copy("scopes/mix.wide.toml", &file).expect("it can be written");
    let file = file.to_str().expect("it is text").to_owned();
    ["check", "--scope", file.leak(), "--deep"]
}

#[test]
fn whoever_started_the_others_takes_them_along() {
    let bench = Bench::new();
    let mut first = bench.start(&[&long_of(&bench)[..], &["--processes", "3"]].concat());
    assert!(until(|| bench.processes().len() == 3), "{:?}", bench.processes());
    pause(Duration::from_secs(1));
    assert!(first.kill().is_ok(), "it had not ended before");
    bench.assert_nothing_runs();
}

#[test]
fn time_that_is_up_ends_all_of_them() {
    let bench = Bench::new();
    let limited = [&long_of(&bench)[..], &["--processes", "2", "--time", "2s"]].concat();
    let (code, out, err) = bench.answer(&limited);
    assert_eq!((code, err.as_str()), (5, ""), "{out}");
    assert!(out.contains("INCOMPLETE (time)"), "{out}");
    bench.assert_nothing_runs();
}
