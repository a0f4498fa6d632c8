use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::conform::run::{JobPlan, Step};
use crate::model::policy::Policy;
use crate::model::spec::MAX_BUDGET;
use crate::model::time::Millis;
use crate::real::chaos::{Node, Point, Rule, Verb};

fn all() -> Abilities {
    Abilities { steps: Kind::ALL.to_vec(), slack: Millis(0) }
}

fn runs(count: u64) -> impl Iterator<Item = Run> {
    let abilities = all();
    (0..count).map(move |index| draw(&abilities, 1, index))
}

/// FNV-1a over the bytes of the texts.
fn digest(runs: impl Iterator<Item = Run>) -> u64 {
    let bytes = runs.flat_map(|run| run.to_json().into_bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |sum, byte| {
        (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[test]
fn every_run_is_possible_and_is_read_as_it_was_written() {
    for run in runs(2_000) {
        assert_eq!(World::possible(&run), run.steps, "{}", run.to_json());
        assert!((5..=40).contains(&run.steps.len()), "{}", run.steps.len());
        let length = |step: &Step| if let Step::Pass(length) = step { length.0 } else { 0 };
        let passes = run.steps.iter().map(length);
        assert!(passes.sum::<u32>() <= LONGEST_RUN.0);
        assert_eq!(Run::from_json(&run.to_json()), Ok(run));
    }
}

#[test]
fn the_same_numbers_give_the_same_run_and_others_another() {
    assert_eq!(digest(runs(1_000)), digest(runs(1_000)));
    let abilities = all();
    let by = |seed, index| draw(&abilities, seed, index);
    assert_ne!(by(1, 0), by(1, 1));
    assert_ne!(by(1, 0), by(2, 0));
    assert_ne!(by(1, 2), by(2, 1));
    // Whoever changes what is drawn changes this on purpose: kept numbers of runs are void then.
    assert_eq!(digest(runs(20)), 0xa174_808e_e797_7187);
}

#[test]
fn a_cluster_is_not_asked_for_what_it_cannot_do() {
    for kind in Kind::ALL {
        let steps = vec![Kind::Submit, Kind::Pass, kind];
        let abilities = Abilities { steps: steps.clone(), slack: Millis(0) };
        let drawn: Vec<Run> = (0..200).map(|index| draw(&abilities, 1, index)).collect();
        let done: BTreeSet<Kind> = drawn.iter().flat_map(|run| &run.steps).map(kind_of).collect();
        assert_eq!(done, steps.into_iter().collect(), "{kind:?}");
        let groups = drawn.iter().any(|run| !run.shape.groups.is_empty());
        assert_eq!(groups, kind == Kind::Fleet, "{kind:?}");
    }
}

/// Counts of what occurs in runs, by what is printed of it.
#[derive(Default)]
struct Occurs(BTreeMap<String, u64>);

impl Occurs {
    fn note(&mut self, what: impl Into<String>) {
        *self.0.entry(what.into()).or_default() += 1;
    }

    #[track_caller]
    fn assert_all(&self, expected: impl IntoIterator<Item = String>) {
        let missing: Vec<String> =
            expected.into_iter().filter(|what| !self.0.contains_key(what)).collect();
        assert!(missing.is_empty(), "never drawn: {missing:?}");
    }
}

#[test]
fn each_kind_each_fault_and_each_edge_is_drawn() {
    let mut occurs = Occurs::default();
    for run in runs(20_000) {
        note_shape(&mut occurs, &run.shape);
        let mut now = 0;
        for step in &run.steps {
            note_step(&mut occurs, &run.shape.policy.0, now, step);
            if let Step::Pass(length) = step {
                now += length.0;
            }
        }
        let kinds: BTreeSet<Kind> = run.steps.iter().map(kind_of).collect();
        occurs.note(format!("{} kinds", kinds.len()));
    }
    occurs.assert_all(STEPS.map(String::from));
    occurs.assert_all(faults());
    let edges: [(&str, &[u32]); 14] = [
        ("workers", &[0, 1, 2, 3, 4]),
        ("groups", &[0, 1, 2]),
        ("worker cpus", &[1, 2, 4, 8]),
        ("replicas", &[1, 2, 3, 4]),
        ("gang of", &[1, 2, 3]),
        ("cpus", &[0, 1, 2, 4, 64]),
        ("failure", &[0, 1, 2, 10_000]),
        ("delivery", &[0, 1, 2, 10, 10_000]),
        ("preemption", &[0, 1, 2, 100, 10_000]),
        ("may fail", &[0, 1, 2]),
        ("exits after", &[0, 1, 500, 1000, 9_999, 10_000, 10_001, 60_000]),
        ("timeout", &[1, 499, 501, 1000, 9_999, 10_000, 10_001, 60_000]),
        ("scheduling timeout", &[1, 1000, 9_999, 10_001, 19_999, 20_001, 60_000]),
        ("exits lists", &[0, 1, 2, 3]),
    ];
    for (name, values) in edges {
        occurs.assert_all(values.iter().map(|value| format!("{name} {value}")));
    }
    occurs.assert_all((1..=5).map(|nth| format!("nth {nth}")));
    occurs.assert_all((3..=7).map(|kinds| format!("{kinds} kinds")));
    for length in lengths::named(&Policy::LOCAL) {
        let near = [length.0.saturating_sub(1).max(1), length.0, length.0 + 1];
        occurs.assert_all(near.iter().map(|length| format!("pass {length}")));
    }
    assert_eq!(MAX_BUDGET, 10_000);
}

const STEPS: [&str; 34] = [
    "Submit",
    "Gang",
    "Resubmit",
    "Cancel",
    "Drain",
    "Worker",
    "Controller",
    "Cut",
    "Fault",
    "Fleet",
    "Pass",
    "opens",
    "starts",
    "mends",
    "faults end",
    "controller starts",
    "slice taken away",
    "machine lost",
    "waits",
    "zone b",
    "local policy",
    "other policy",
    "on any",
    "on a worker",
    "on a group",
    "on a slice",
    "on a vm",
    "rate",
    "first",
    "at_most",
    "during",
    "always",
    "fails at exit",
    "ends well",
];

fn faults() -> impl Iterator<Item = String> {
    Point::ALL
        .into_iter()
        .flat_map(|point| point.verbs().iter().map(move |verb| format!("{point} {verb}")))
}

fn note_shape(occurs: &mut Occurs, shape: &Shape) {
    occurs.note(format!("workers {}", shape.workers.len()));
    occurs.note(format!("groups {}", shape.groups.len()));
    for worker in &shape.workers {
        occurs.note(format!("worker cpus {}", worker.cpus));
        if worker.waits {
            occurs.note("waits");
        }
        occurs.note(format!("zone {}", worker.zone));
    }
    assert_eq!(shape.policy.0.validate(), Ok(()));
    let local = shape.policy.0 == Policy::LOCAL;
    occurs.note(if local { "local policy" } else { "other policy" });
}

fn note_step(occurs: &mut Occurs, policy: &Policy, now: u32, step: &Step) {
    occurs.note(format!("{:?}", kind_of(step)));
    match step {
        Step::Submit(plan) => note_plan(occurs, plan),
        Step::Open(_) => occurs.note("opens"),
        Step::WorkerStarts(_) => occurs.note("starts"),
        Step::Mended(..) => occurs.note("mends"),
        Step::FaultsEnd => occurs.note("faults end"),
        Step::ControllerStarts => occurs.note("controller starts"),
        Step::SlicePreempted(_) => occurs.note("slice taken away"),
        Step::VmLost(_) => occurs.note("machine lost"),
        Step::Fault(rule) => note_rule(occurs, now, rule),
        Step::Pass(length) if *policy == Policy::LOCAL => {
            occurs.note(format!("pass {}", length.0));
        }
        Step::Pass(_)
        | Step::Resubmit(_)
        | Step::Cancel(_)
        | Step::Drain(_)
        | Step::WorkerCrashes(_)
        | Step::ControllerCrashes
        | Step::Cut(..) => {}
    }
}

fn note_plan(occurs: &mut Occurs, plan: &JobPlan) {
    occurs.note(format!("{} {}", if plan.gang { "gang of" } else { "replicas" }, plan.replicas));
    occurs.note(format!("cpus {}", plan.cpus));
    occurs.note(format!("failure {}", plan.failure));
    occurs.note(format!("delivery {}", plan.delivery));
    occurs.note(format!("preemption {}", plan.preemption));
    occurs.note(format!("may fail {}", plan.max_task_failures));
    occurs.note(format!("exits lists {}", plan.tasks.len()));
    for (name, limit) in
        [("timeout", plan.timeout), ("scheduling timeout", plan.scheduling_timeout)]
    {
        if let Some(limit) = limit {
            occurs.note(format!("{name} {}", limit.0));
        }
    }
    for exit in plan.tasks.iter().flatten() {
        occurs.note(format!("exits after {}", exit.after.0));
        occurs.note(if exit.ok { "ends well" } else { "fails at exit" });
    }
}

fn note_rule(occurs: &mut Occurs, now: u32, rule: &Rule) {
    occurs.note(format!("{} {}", rule.point, rule.verb.word()));
    occurs.note(match rule.node {
        None => "on any",
        Some(Node::Worker(_)) => "on a worker",
        Some(Node::Group(_)) => "on a group",
        Some(Node::Slice(_)) => "on a slice",
        Some(Node::Vm(_)) => "on a vm",
    });
    let when = rule.when;
    for (name, is_set) in [
        ("rate", when.rate.is_some()),
        ("first", when.first.is_some()),
        ("at_most", when.at_most.is_some()),
        ("during", when.during.is_some()),
        ("always", when == crate::real::chaos::When::default()),
    ] {
        if is_set {
            occurs.note(name);
        }
    }
    if let Some(nth) = when.nth {
        occurs.note(format!("nth {nth}"));
    }
    // A window that is over before it begins to count would hide the rule.
    assert!(when.during.is_none_or(|(_, until)| until.0 > now), "{rule} at {now}");
}

/// A copy of a call that arrives after the next try was sent, and a try that comes in time.
#[test]
fn what_meets_is_drawn_together() {
    let delay = |step: &Step| {
        if let Step::Fault(Rule { point, verb: Verb::Delay(length), .. }) = step {
            (*point == Point::ControllerDispatch).then_some(*length)
        } else {
            None
        }
    };
    let meet = |run: &Run| {
        let patience = run.shape.policy.0.rpc_timeout;
        run.steps.windows(2).any(|pair| {
            delay(&pair[0]).is_some_and(|late| late > patience)
                && delay(&pair[1]).is_some_and(|slow| slow <= patience)
        })
    };
    let count = runs(1_000).filter(meet).count();
    assert!((150..600).contains(&count), "{count} of 1,000 runs");
}
