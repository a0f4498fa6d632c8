//! The driver in `examples/driver`: its toy is right, and each of its bugs is found.

use std::process::Command;

use iris_check::conform::external::External;
use iris_check::conform::generate::draw;
use iris_check::conform::play::{self, Outcome};
use iris_check::conform::run::{Run, Shape};
use iris_check::conform::subject::{Stand, Trouble};
use serde_json::json;

use super::script::{PATIENT, play, step};

/// Of all runs that are drawn, those of this seed.
const SEED: u64 = 1;
/// Drawn runs in which each bug has to show.
const ENOUGH: u64 = 100;

/// The command of the driver. Its language is not part of this repository's toolchain.
fn toy(bug: Option<&str>) -> Result<External, Trouble> {
    let found = Command::new("python3").arg("--version").output();
    assert!(
        found.is_ok_and(|output| output.status.success()),
        "the example of a driver is in Python: install python3, version 3.8 or later"
    );
    let bug = bug.map_or_else(String::new, |bug| format!(" --bug {bug}"));
    External::new(&format!("python3 examples/driver/drv.py{bug}"), PATIENT)
}

fn started(bug: Option<&str>) -> External {
    toy(bug).unwrap_or_else(|trouble| panic!("{trouble}"))
}

#[test]
fn a_lost_worker_is_noticed_and_its_task_tried_again() {
    let steps = [
        "{\"submit\":{\"replicas\":2,\"cpus\":3,\"tasks\":[[],[{\"after\":500,\"ok\":false}]]}}",
        "{\"pass\":400}",
        "{\"worker_crashes\":\"w1\"}",
        "{\"resubmit\":\"j1\"}",
        "{\"pass\":59597}",
        "{\"cancel\":\"j7\"}",
    ];
    let played = play(&started(None), 2, &steps.map(step));
    let played = played.unwrap_or_else(|trouble| panic!("{trouble}"));
    let replies = serde_json::to_value(&played.replies).expect("it is plain values");
    assert_eq!(replies, json!([{"job":"j1"}, "done", "done", {"job":"j1"}, "done", "not_found"]));
    // One task failed on w2, and no failure is allowed: the job has ended, and what ran on w1 was
    // to be stopped. Nobody knew that it had until w1 was dead.
    let spent = |failure| json!({"failure":failure,"delivery":0,"preemption":0});
    let expected = json!({
        "at": 60_001,
        "jobs": [{"job":"j1","state":"FAILED","tasks":[
            {"state":"KILLED","spent":spent(0),"attempts":[
                {"worker":"w1","incarnation":1,"outcome":"KILLED","cause":"job_over","gone":true}]},
            {"state":"FAILED","spent":spent(1),"attempts":[
                {"worker":"w2","incarnation":1,"outcome":"FAILED","cause":"exit","gone":true}]},
        ]}],
        "workers": [{"worker":"w2","incarnation":1,"healthy":true,"cpu_milli":4000,
                     "held_milli":0,"zone":"a","attempts":[]}],
        "runs": [],
    });
    assert_eq!(serde_json::to_value(&played.seen).expect("it is plain values"), expected);
}

/// A bug, steps that show it, and what is said of them.
#[rustfmt::skip]
const BUGS: [(&str, &[&str], usize, &str); 8] = [
    ("leaky_worker",
     &[r#"{"submit":{}}"#, r#"{"worker_crashes":"w1"}"#, r#"{"worker_starts":"w1"}"#],
     3, "w1 holds 2000 thousandths of a CPU; its attempts that are not confirmed gone need 1000"),
    ("rerun_completed",
     &[r#"{"submit":{"tasks":[[{"after":500,"ok":true}]]}}"#, r#"{"pass":1000}"#,
       r#"{"worker_crashes":"w1"}"#, r#"{"worker_starts":"w1"}"#],
     4, "j1.0: its attempt #0 had ended and changes its outcome or cause"),
    ("generous_budget",
     &[r#"{"submit":{"failure":1,"tasks":[[{"after":5,"ok":false}]]}}"#, r#"{"pass":1000}"#],
     2, "j1.0: a task that is FAILED cannot take Placed"),
    ("hasty_release",
     &[r#"{"submit":{}}"#, r#"{"worker_crashes":"w1"}"#, r#"{"cancel":"j1"}"#],
     3, "w1 holds 0 thousandths of a CPU; its attempts that are not confirmed gone need 1000"),
    ("early_timeout",
     &[r#"{"submit":{"cpus":4,"tasks":[[{"after":800,"ok":true}]]}}"#,
       r#"{"submit":{"cpus":4,"timeout":1000}}"#, r#"{"pass":797}"#, r#"{"pass":2}"#,
       r#"{"pass":202}"#],
     5, "j2.0: j2.0#0 on w1 ended as if it had taken too long, before 1799 ms"),
    ("missed_exit",
     &[r#"{"submit":{"tasks":[[{"after":0,"ok":true}]]}}"#],
     1, "j1.0#0 on w1 was placed by 1 ms, exits after 0 ms, and nobody has heard of it"),
    ("forgetful_submit",
     &[r#"{"submit":{}}"#, r#"{"resubmit":"j1"}"#],
     2, "client submits j1 again by the same request: it answers Job(j2); expected j1"),
    ("double_charge",
     &[r#"{"submit":{}}"#, r#"{"worker_crashes":"w1"}"#, r#"{"worker_starts":"w1"}"#],
     3, "j1.0: it has spent Tally { failure: 1, delivery: 0, preemption: 1 }; its attempts make it \
         Tally { failure: 0, delivery: 0, preemption: 1 }"),
];

#[test]
fn each_bug_of_the_toy_shows_and_without_it_the_toy_is_right() {
    for (bug, steps, step_at, says) in BUGS {
        let steps = steps.iter().map(|text| step(text)).collect();
        let run = Run::new(0, Shape::of_workers(1), steps);
        assert_eq!(play::play(&run, &started(None)).outcome, Outcome::Agrees, "{bug}");
        match play::play(&run, &started(Some(bug))).outcome {
            Outcome::Differs { step, difference } => {
                assert_eq!((step, difference.says.as_str()), (step_at, says), "{bug}");
            }
            outcome @ (Outcome::Agrees | Outcome::Restless(_) | Outcome::Troubled(_)) => {
                panic!("{bug}: {outcome:?}")
            }
        }
    }
}

#[test]
fn drawn_runs_find_each_bug_of_the_toy_and_nothing_else() {
    let right = started(None);
    for index in 0..ENOUGH {
        let outcome = play::play(&draw(right.abilities(), SEED, index), &right).outcome;
        assert_eq!(outcome, Outcome::Agrees, "run {index}");
    }
    for (bug, ..) in BUGS {
        let wrong = started(Some(bug));
        let mut outcomes = (0..ENOUGH)
            .map(|index| play::play(&draw(wrong.abilities(), SEED, index), &wrong).outcome);
        let found = outcomes.position(|outcome| outcome.rule().is_some());
        assert!(found.is_some(), "{bug}: {ENOUGH} runs agree");
    }
}

#[test]
fn a_bug_that_there_is_not_is_refused() {
    let says = toy(Some("none")).err().expect("there is no such bug").to_string();
    assert!(says.contains("it has ended (exit status: 2)\n"), "{says}");
    assert!(says.contains("invalid choice: 'none'"), "{says}");
}
