//! A second opinion on the modelled cluster: stateright's own checker counts the same states and
//! breaks the same claims, what was found replays step by step, and what the three reported
//! findings show is gone with the hardened policy.

mod common;

use std::collections::BTreeSet;

use common::unlimited;
use iris_check::check::scope::Scope;
use iris_check::check::{ClusterModel, Outcome, Verdict, replay, run};
use iris_check::explore::{Limits, Stop};
use iris_check::model::operation::{Act, Fate, Operation};
use iris_check::trace::Trace;
use stateright::{Checker, Model};

/// Scopes with more states are left to our engine.
const MOST_STATES: u64 = 60_000;

/// The unique states of every standard scope that has no more than that.
const STATES: [(&str, u64); 11] = [
    ("delivery", 769),
    ("copies", 18_804),
    ("crash", 56_399),
    ("capacity", 611),
    ("cancel", 836),
    ("timeouts", 17_045),
    ("restart", 2_407),
    ("fleet", 7_672),
    ("as_reported.retry", 40),
    ("as_reported.reconcile", 142),
    ("as_reported.delivery_errors", 35),
];

/// The three reported findings, and the claim that each breaks.
const REPORTED: [(&str, &str); 3] = [
    ("as_reported.retry", "L1"),
    ("as_reported.reconcile", "T8"),
    ("as_reported.delivery_errors", "T6"),
];

fn violated(outcome: &Outcome) -> BTreeSet<&'static str> {
    let rows = outcome.rows.iter().filter(|row| row.verdict == Verdict::Violated);
    rows.map(|row| row.id).collect()
}

fn reported(name: &str) -> Scope {
    Scope::named(name).expect("it is a standard scope")
}

/// What stateright's checker counts, and the ids of the claims that it breaks.
fn theirs(scope: &Scope) -> (u64, BTreeSet<&'static str>) {
    let ids = run(scope, &Limits { max_states: Some(1), ..unlimited(1) }).rows;
    let checker = ClusterModel::new(scope.clone()).checker().spawn_bfs().join();
    let found = checker.discoveries().into_keys().map(|name| {
        ids.iter().find(|row| row.name == name).expect("a property is a judged claim").id
    });
    (checker.unique_state_count() as u64, found.collect())
}

#[test]
fn stateright_counts_the_same_states_and_breaks_the_same_claims() {
    let mut counts = Vec::new();
    for scope in Scope::standard() {
        let ours = run(&scope, &Limits { max_states: Some(MOST_STATES), ..unlimited(1) });
        if ours.stopped == Some(Stop::States) {
            continue;
        }
        assert_eq!(ours.stopped, None, "{}", scope.name);
        let (states, broken) = theirs(&scope);
        assert_eq!(ours.states, states, "{}", scope.name);
        compare(&scope.name, &violated(&ours), &broken);
        counts.push((scope.name.clone(), states));
    }
    let pinned = STATES.map(|(name, states)| (name.to_owned(), states));
    assert_eq!(counts, pinned);
}

/// A step claim is judged on the step that first led to a state, which need not be the same step in
/// both searches: there they may miss what we find. What they find we must.
fn compare(scope: &str, ours: &BTreeSet<&str>, theirs: &BTreeSet<&str>) {
    let of_states = |ids: &BTreeSet<&str>| -> Vec<String> {
        ids.iter().filter(|id| id.starts_with('S')).map(ToString::to_string).collect()
    };
    assert_eq!(of_states(ours), of_states(theirs), "{scope}");
    assert!(theirs.is_subset(ours), "{scope}: {theirs:?} are not all in {ours:?}");
}

#[test]
fn stateright_breaks_the_reported_claims_about_steps_as_well() {
    let broken = REPORTED.map(|(name, _)| theirs(&reported(name)).1);
    assert_eq!(broken, [BTreeSet::new(), BTreeSet::from(["T8"]), BTreeSet::from(["T6"])]);
}

#[test]
fn each_reported_finding_breaks_one_claim_and_is_gone_with_the_hardened_policy() {
    for (name, claim) in REPORTED {
        let scope = reported(name);
        assert_eq!(violated(&run(&scope, &unlimited(1))), BTreeSet::from([claim]), "{name}");
        let text = scope.text.replace(&format!("policy = \"{name}\""), "policy = \"hardened\"");
        assert_ne!(text, scope.text, "{name} has a policy of that name");
        let hardened = Scope::parse(&text, name).expect("only the policy is another");
        let outcome = run(&hardened, &unlimited(1));
        assert_eq!((violated(&outcome), outcome.stopped), (BTreeSet::new(), None), "{name}");
    }
}

fn finding(name: &str) -> Trace {
    let mut findings = run(&reported(name), &unlimited(1)).findings;
    assert_eq!(findings.len(), 1, "{name}");
    findings.remove(0)
}

#[test]
fn a_finding_replays_also_when_it_has_been_a_file() {
    for (name, claim) in REPORTED {
        let finding = finding(name);
        assert_eq!((finding.claim.as_str(), finding.scope.as_str()), (claim, name));
        assert_eq!(replay(&finding), Ok(finding.steps.clone()), "{name}");
        let read = Trace::from_json(&finding.to_json()).expect("it was written as it is read");
        assert_eq!(read, finding);
        assert_eq!(replay(&read), Ok(read.steps.clone()), "{name}");
    }
}

/// What is said of a finding after this was done to it.
fn refused(finding: &Trace, tamper: impl FnOnce(&mut Trace)) -> String {
    let mut tampered = finding.clone();
    tamper(&mut tampered);
    assert_ne!(tampered, *finding);
    replay(&tampered).expect_err("it was tampered with").to_string()
}

#[test]
fn a_finding_that_was_tampered_with_is_refused_at_the_step() {
    for (name, _) in REPORTED {
        let finding = finding(name);
        for at in 0..finding.steps.len() {
            let n = at + 1;
            let step = &finding.steps[at];
            let impossible = refused(&finding, |it| {
                let worker = iris_check::model::id::WorkerId(9);
                it.steps[at].act =
                    Act { operation: Operation::Beat(worker, Fate::Done), ..step.act };
            });
            let expected = format!("step {n} ({}) cannot be taken", step.did);
            assert!(impossible.starts_with(&expected), "{impossible}");
            let retold = refused(&finding, |it| it.steps[at].changed.push("j9  up".to_owned()));
            let expected = format!("step {n} ({}) changed {:?}, ", step.did, step.changed);
            assert!(retold.starts_with(&expected), "{retold}");
        }
    }
}

/// Where a finding is refused of which each of its steps in turn is left out: at a step that does
/// not follow any more, or at the end. A heartbeat that changes nothing is not missed in an endless
/// part: a replay shows that it comes back, not that it is fair.
const LEFT_OUT: [(&str, &[&str]); 3] = [
    (
        "as_reported.retry",
        &[
            "step 1",
            "step 3",
            "not missed",
            "step 4",
            "step 5",
            "step 6",
            "step 7",
            "step 8",
            "step 10",
            "step 10",
            "end",
        ],
    ),
    ("as_reported.reconcile", &["step 1", "step 2", "step 5", "step 4", "step 5", "end"]),
    ("as_reported.delivery_errors", &["step 1", "end"]),
];

#[test]
fn a_finding_that_misses_a_step_is_refused() {
    let found = REPORTED.map(|(name, _)| {
        let finding = finding(name);
        let all: Vec<String> = (0..finding.steps.len()).map(|at| left_out(&finding, at)).collect();
        (name, all)
    });
    let expected = LEFT_OUT.map(|(name, all)| (name, all.iter().map(ToString::to_string)));
    assert_eq!(found, expected.map(|(name, all)| (name, all.collect())));
}

/// Where a finding is refused without this step.
fn left_out(finding: &Trace, at: usize) -> String {
    let mut tampered = finding.clone();
    tampered.steps.remove(at);
    let Err(bad) = replay(&tampered) else { return "not missed".to_owned() };
    let says = bad.to_string();
    let words: Vec<&str> = says.split(' ').take(2).collect();
    let at_end = says.starts_with("the endless part does not come back")
        || says.starts_with("the run no longer breaks");
    if at_end { "end".to_owned() } else { words.join(" ") }
}
