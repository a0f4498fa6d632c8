//! The driver in `examples/driver`: what its toy does, and that each of its bugs shows.

use std::process::Command;

use iris_check::conform::external::External;
use iris_check::conform::subject::Trouble;
use serde_json::{Value, json};

use super::script::{PATIENT, Played, play, step};

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

fn played(bug: Option<&str>, workers: usize, steps: &[&str]) -> Played {
    let steps: Vec<_> = steps.iter().map(|text| step(text)).collect();
    let played = toy(bug).and_then(|toy| play(&toy, workers, &steps));
    played.unwrap_or_else(|trouble| panic!("{trouble}"))
}

fn seen(bug: Option<&str>, workers: usize, steps: &[&str]) -> Value {
    serde_json::to_value(played(bug, workers, steps).seen).expect("it is plain values")
}

/// A job whose attempts never end by themselves.
const ENDLESS: &str = "{\"submit\":{}}";
/// A job that ends well after half a second.
const SHORT: &str = "{\"submit\":{\"tasks\":[[{\"after\":500,\"ok\":true}]]}}";

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
    let played = played(None, 2, &steps);
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

#[test]
fn each_bug_of_the_toy_shows_and_without_it_the_toy_is_right() {
    let down = "{\"worker_crashes\":\"w1\"}";
    let up = "{\"worker_starts\":\"w1\"}";
    let cancel = "{\"cancel\":\"j1\"}";
    let fails = "{\"submit\":{\"failure\":1,\"tasks\":[[{\"after\":5,\"ok\":false}]]}}";
    let limited = "{\"submit\":{\"cpus\":4,\"timeout\":1000}}";
    let whole = "{\"submit\":{\"cpus\":4,\"tasks\":[[{\"after\":800,\"ok\":true}]]}}";
    let pass = |length: u32| format!("{{\"pass\":{length}}}");
    let [second, silent, long] = [1000, 15_000, 14_999].map(pass);
    let rows: [(&str, &[&str], &str, Value, Value); 8] = [
        ("leaky_worker", &[ENDLESS, down, up], "/workers/0/held_milli", json!(1000), json!(2000)),
        (
            "rerun_completed",
            &[SHORT, &second, down, up],
            "/jobs/0/state",
            json!("SUCCEEDED"),
            json!("RUNNING"),
        ),
        ("generous_budget", &[fails, &second], "/jobs/0/tasks/0/spent/failure", json!(2), json!(3)),
        ("hasty_release", &[ENDLESS, down, cancel], "/workers/0/held_milli", json!(1000), json!(0)),
        (
            "early_timeout",
            &[whole, limited, &second],
            "/jobs/1/state",
            json!("RUNNING"),
            json!("FAILED"),
        ),
        ("blind_placement", &[down, &silent], "/workers/0/healthy", json!(false), json!(true)),
        (
            "forgetful_submit",
            &[ENDLESS, "{\"resubmit\":\"j1\"}"],
            "/jobs/1/job",
            Value::Null,
            json!("j2"),
        ),
        ("quick_burial", &[down, &long, &pass(1)], "/workers/0/worker", json!("w1"), Value::Null),
    ];
    for (bug, steps, pointer, right, wrong) in rows {
        let found = |bug| seen(bug, 1, steps).pointer(pointer).cloned().unwrap_or_default();
        assert_eq!((found(None), found(Some(bug))), (right, wrong), "{bug}: {steps:?}");
    }
}

#[test]
fn a_bug_that_there_is_not_is_refused() {
    let says = toy(Some("none")).err().expect("there is no such bug").to_string();
    assert!(says.contains("it has ended (exit status: 2)\n"), "{says}");
    assert!(says.contains("invalid choice: 'none'"), "{says}");
}
