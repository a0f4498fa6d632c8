//! A whole cluster: `up`, and what survives of what.

use std::fs;

use crate::common::bench::{Bench, found, signal, until};

/// The controller of the cluster in this folder.
fn controller(bench: &Bench) -> u32 {
    let journal = bench.path().canonicalize().expect("it exists").join("iris-cluster/journal");
    let journal = journal.to_str().expect("it is text").to_owned();
    let pids = found(|read| {
        let text = String::from_utf8_lossy(&read("cmdline")).into_owned();
        text.split('\0').any(|part| part == "controller") && text.contains(&journal)
    });
    let [pid] = pids[..] else { panic!("one controller, not {pids:?}") };
    pid
}

#[test]
fn the_quick_tour() {
    let bench = Bench::new();
    let mut up = bench.up("2");
    let echo = "echo hello from $IRIS_ATTEMPT; echo oh >&2";
    assert_eq!(bench.ask(&["submit", "--name", "hi", "--", "sh", "-c", echo]), "j1");
    assert_eq!(bench.answer(&["wait", "j1"]).0, 0);
    assert_eq!(bench.ask(&["logs", "j1"]), "hello from j1.0#0");
    assert_eq!(bench.ask(&["logs", "j1.0#0", "--stderr"]), "oh");

    assert_eq!(bench.ask(&["submit", "--", "sleep", "3"]), "j2");
    bench.until_field("j2", "/tasks/0/state", "RUNNING");
    let (_, worker) = bench.attempts("j2").remove(0);
    let worker = worker.split_once('@').expect("it has an incarnation").0.to_owned();
    signal(bench.pid(&worker), "KILL");
    let ended = up.hear(" has ended (");
    assert_eq!(ended, "signal: 9 (SIGKILL)); so has all that it ran; a new one comes");
    assert_eq!(bench.answer(&["wait", "j2"]).0, 0);
    let outcomes: Vec<String> = bench.attempts("j2").into_iter().map(|(state, _)| state).collect();
    assert_eq!(outcomes, ["PREEMPTED", "SUCCEEDED"]);
    assert_eq!(bench.field("j2", "/tasks/0/spent/preemption"), "1");
    let table = bench.ask(&["list"]);
    let expected = "job  state      succeeded  name\nj1   SUCCEEDED  1 of 1     hi\n\
                    j2   SUCCEEDED  1 of 1";
    assert_eq!(table, expected);

    up.signal("INT");
    assert_eq!(up.end().code(), Some(0));
    bench.assert_nothing_runs();
    assert!(!bench.path().join("iris-cluster/address").exists());
}

#[test]
fn what_is_cancelled_and_what_fails_leaves_nothing() {
    let bench = Bench::new();
    let _up = bench.up("1");
    let stays = "(setsid sleep 1000 &) ; sleep 1000";
    let job = bench.ask(&["submit", "--", "sh", "-c", stays]);
    bench.until_field(&job, "/tasks/0/state", "RUNNING");
    let sleeps = || {
        let mark = format!("IRIS_TASK={job}.0");
        found(|read| {
            let (environ, line) = (read("environ"), read("cmdline"));
            let marked = String::from_utf8_lossy(&environ).contains(&mark);
            let here = bench.path().to_str().expect("it is text");
            marked && String::from_utf8_lossy(&environ).contains(here) && line.starts_with(b"sleep")
        })
    };
    assert!(until(|| sleeps().len() == 2), "{:?}", sleeps());
    bench.ask(&["cancel", &job]);
    assert_eq!(bench.state(&job), "KILLED");
    assert!(until(|| sleeps().is_empty()), "{:?}", sleeps());

    let (code, out, err) = bench.answer(&["submit", "--wait", "--", "false"]);
    assert_eq!((code, out.as_str()), (1, "j2\n"), "{err}");
    assert!(err.ends_with("j2 FAILED\n"), "{err}");
    let (code, _, err) =
        bench.answer(&["submit", "--wait", "--timeout", "200ms", "--", "sleep", "9"]);
    assert_eq!(code, 1, "{err}");
    assert_eq!(bench.field("j3", "/tasks/0/reason"), "timeout");
}

#[test]
fn after_sigkill_of_up_nothing_runs_and_the_next_one_goes_on() {
    let bench = Bench::new();
    let mut up = bench.up("1");
    let job = bench.ask(&["submit", "--", "sleep", "2"]);
    bench.until_field(&job, "/tasks/0/state", "RUNNING");
    up.signal("KILL");
    up.end();
    bench.assert_nothing_runs();

    let mut up = bench.up("1");
    assert_eq!(bench.answer(&["wait", &job]).0, 0);
    let expected = [("PREEMPTED", "w1@1"), ("SUCCEEDED", "w2@1")];
    let expected = expected.map(|(state, worker)| (state.to_owned(), worker.to_owned()));
    assert_eq!(bench.attempts(&job), expected);
    up.signal("TERM");
    assert_eq!(up.end().code(), Some(0));
    bench.assert_nothing_runs();
}

#[test]
fn a_controller_that_dies_comes_back_and_its_workers_go_on() {
    let bench = Bench::new();
    let up = bench.up("1");
    let waits = bench.start(&["submit", "--wait", "--", "sleep", "2"]);
    let job = waits.hear("j");
    assert_eq!(job, "1");
    bench.until_field("j1", "/tasks/0/state", "RUNNING");
    let address = fs::read_to_string(bench.path().join("iris-cluster/address"));
    signal(controller(&bench), "KILL");
    up.hear("the controller has ended (signal: 9 (SIGKILL))");
    waits.hear("j1 SUCCEEDED");
    assert_eq!(bench.attempts("j1"), [("SUCCEEDED".to_owned(), "w1@1".to_owned())]);
    let now = fs::read_to_string(bench.path().join("iris-cluster/address"));
    assert_eq!(now.expect("it serves"), address.expect("it served"));
}
