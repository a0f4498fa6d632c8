//! Our own cluster as processes: a whole run, what is seen of it, and that nothing is left.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use iris_check::conform::play::{self, Outcome};
use iris_check::conform::processes::Processes;
use iris_check::conform::run::{Run, Shape, Step};
use iris_check::conform::seen::Seen;
use iris_check::conform::subject::{Reply, Stand};
use serde_json::{Value, json};

use super::script::step;
use crate::common::bench::{Bench, until};

fn stand(folder: &Path) -> Processes {
    Processes::new(env!("CARGO_BIN_EXE_iris-check").into(), folder.to_owned())
}

/// A job of two tasks: one fails once, the other never ends.
const STORY: [&str; 8] = [
    r#"{"submit":{"replicas":2,"cpus":3,"failure":1,
        "tasks":[[{"after":500,"ok":false},{"after":500,"ok":true}],[]]}}"#,
    r#"{"pass":30000}"#,
    r#""controller_crashes""#,
    r#""controller_starts""#,
    r#"{"worker_crashes":"w2"}"#,
    r#"{"pass":10000}"#,
    r#"{"worker_starts":"w2"}"#,
    r#"{"pass":40000}"#,
];

fn run() -> Run {
    Run::new(0, Shape::of_workers(2), STORY.map(step).to_vec())
}

/// What is seen, without the time, which is real.
fn told(seen: Option<Seen>) -> Value {
    let mut value = serde_json::to_value(seen).expect("it is plain values");
    if let Some(fields) = value.as_object_mut() {
        fields.remove("at");
    }
    value
}

fn attempt(worker: &str, incarnation: u32, rest: Value) -> Value {
    let mut all = json!({"worker": worker, "incarnation": incarnation});
    let Value::Object(rest) = rest else { panic!("{rest} is no object") };
    all.as_object_mut().expect("it is one").extend(rest);
    all
}

fn worker(name: &str, incarnation: u32, held: u32, attempts: &[&str]) -> Value {
    json!({"worker": name, "incarnation": incarnation, "healthy": true, "cpu_milli": 4000,
           "held_milli": held, "zone": "a", "attempts": attempts})
}

#[test]
fn processes_are_killed_and_started_and_all_of_it_is_seen() {
    let bench = Bench::new();
    let mut cluster = stand(bench.path()).start(&run()).unwrap_or_else(|it| panic!("{it}"));
    let mut seen = Vec::new();
    for step in &run().steps {
        let reply = cluster.apply(step).unwrap_or_else(|it| panic!("{it}"));
        let submits = matches!(step, Step::Submit(_));
        let job = "j1".parse().expect("it is a job");
        let expected = if submits { Reply::Job(job) } else { Reply::Done };
        assert_eq!(reply, expected, "{step}");
        seen.push(told(cluster.see().unwrap_or_else(|it| panic!("{it}"))));
    }
    let failed = attempt("w1", 1, json!({"outcome": "FAILED", "cause": "exit", "gone": true}));
    let done = attempt("w1", 1, json!({"outcome": "SUCCEEDED", "cause": "exit", "gone": true}));
    let first = json!({"state": "SUCCEEDED", "attempts": [failed, done],
                       "spent": {"failure": 1, "delivery": 0, "preemption": 0}});
    let live =
        |name, incarnation| attempt(name, incarnation, json!({"phase": "RUNNING", "gone": false}));
    let lost = attempt("w2", 1, json!({"outcome": "WORKER_FAILED", "cause": "loss", "gone": true}));
    let job = |preemption, attempts: Value| {
        let spent = json!({"failure": 0, "delivery": 0, "preemption": preemption});
        let second = json!({"state": "RUNNING", "attempts": attempts, "spent": spent});
        json!([{"job": "j1", "state": "RUNNING", "tasks": [first, second]}])
    };
    let before = json!({
        "jobs": job(0, json!([live("w2", 1)])), "slices": [], "runs": ["j1.1#0"],
        "workers": [worker("w1", 1, 0, &[]), worker("w2", 1, 3000, &["j1.1#0"])],
    });
    assert_eq!(seen[1], before);
    assert_eq!(seen[2], Value::Null, "nobody answers");
    let after = json!({
        "jobs": job(1, json!([lost, live("w1", 1)])), "slices": [], "runs": ["j1.1#1"],
        "workers": [worker("w1", 1, 3000, &["j1.1#1"]), worker("w2", 2, 0, &[])],
    });
    assert_eq!(seen[7], after);
    let found = cluster.end().unwrap_or_else(|it| panic!("{it}"));
    assert_eq!(serde_json::to_value(found.strays).expect("it is text"), json!(["j1.1#1"]));
    bench.assert_nothing_runs();
    assert_eq!(fs::read_dir(bench.path()).expect("it is there").count(), 0, "no folder is left");
}

#[test]
fn processes_agree_with_the_reference() {
    let bench = Bench::new();
    let played = play::play(&run(), &stand(bench.path()));
    assert_eq!(played.outcome, Outcome::Agrees, "{:#?}", played.last);
    assert!(played.followed >= 5, "{}", played.followed);
    bench.assert_nothing_runs();
}

#[test]
fn a_cluster_that_is_dropped_leaves_nothing() {
    let bench = Bench::new();
    let mut cluster = stand(bench.path()).start(&run()).unwrap_or_else(|it| panic!("{it}"));
    cluster.apply(&step(r#"{"submit":{}}"#)).unwrap_or_else(|it| panic!("{it}"));
    let runs = |cluster: &mut dyn iris_check::conform::subject::Subject| {
        cluster.see().unwrap_or_else(|it| panic!("{it}")).and_then(|seen| seen.runs)
    };
    assert!(until(|| runs(cluster.as_mut()).is_some_and(|runs| runs.len() == 1)));
    drop(cluster);
    bench.assert_nothing_runs();
    assert_eq!(fs::read_dir(bench.path()).expect("it is there").count(), 0, "no folder is left");
}

#[test]
fn nodes_that_do_not_work_and_steps_that_cannot_be_done_are_trouble() {
    let bench = Bench::new();
    let says = |program: &str| {
        let stand = Processes::new(program.into(), bench.path().to_owned());
        stand.start(&run()).err().expect("it is no program of ours").to_string()
    };
    let head = "the cluster of processes does not work: ";
    let program = bench.path().join("program");
    let text = "#!/bin/sh\nif [ $1 = controller ]; then echo no >&2; exit 7; fi\nexec sleep 1000\n";
    fs::write(&program, text).expect("it can be written");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).expect("it is ours");
    let ended = format!("{head}a node: controller has ended by itself (exit status: 7): no");
    assert_eq!(says(program.to_str().expect("it is text")), ended);
    let missing = says("/no/such/program");
    assert!(missing.starts_with(head) && missing.ends_with("(os error 2)"), "{missing}");
    let mut cluster = stand(bench.path()).start(&run()).unwrap_or_else(|it| panic!("{it}"));
    let trouble = cluster.apply(&Step::FaultsEnd).expect_err("there is no such switch");
    let advice = "processes cannot do this: play the run on the cluster in one process";
    assert_eq!(trouble.to_string(), format!("{head}chaos ends: {advice}"));
}
