//! Search up to symmetry of clusters against search without: a pinned scope of three equal workers
//! and three equal tasks, and many small scopes drawn at random.
//!
//! `IRIS_CHECK_SLOW=1` looks at a wider scope and at 1,000 drawn ones, larger ones too.

mod common;

use std::collections::BTreeSet;
use std::fmt::Write;

use common::lcg::Lcg;
use common::unlimited;
use iris_check::check::{Outcome, Scope, Verdict, run, run_symmetric};
use iris_check::explore::Limits;

/// Claims about states and steps: the others stay undecided.
const CLAIMS: &str = r#"claims = ["S1", "S2", "S3", "S4", "S5", "S6", "S7", "S9",
    "T1", "T2", "T3", "T4", "T5", "T6", "T7", "T8", "T9"]"#;

fn is_slow() -> bool {
    std::env::var_os("IRIS_CHECK_SLOW").is_some()
}

fn scope(text: &str) -> Scope {
    Scope::parse(text, "drawn").unwrap_or_else(|bad| panic!("{bad}\n{text}"))
}

/// What was found of a claim: its verdict, and the length of the run that breaks it.
#[derive(Debug, PartialEq)]
struct Told(&'static str, Verdict, Option<usize>);

fn found(outcome: &Outcome) -> Vec<Told> {
    let steps = |id: &str| {
        let run = outcome.findings.iter().find(|it| it.claim == id);
        run.map(|it| it.steps.len())
    };
    outcome.rows.iter().map(|row| Told(row.id, row.verdict, steps(row.id))).collect()
}

/// Searches a scope both ways, unless it has too many states; answers what came of it with symmetry
/// and without.
fn agreed(scope: &Scope, most: Option<u64>) -> Option<(Outcome, Outcome)> {
    let whole = run(scope, &Limits { max_states: most, ..unlimited(2) });
    if whole.stopped.is_some() {
        return None;
    }
    let short = run_symmetric(scope, &unlimited(2));
    assert_eq!(found(&short), found(&whole), "{}", scope.text);
    let stands_for = short.symmetry.as_ref().map(|it| it.stands_for);
    assert_eq!((stands_for, short.depth), (Some(whole.states), whole.depth), "{}", scope.text);
    Some((short, whole))
}

fn states(outcomes: Option<(Outcome, Outcome)>) -> Option<(u64, u64)> {
    outcomes.map(|(short, whole)| (short.states, whole.states))
}

fn three_by_three(faults: &str) -> Scope {
    scope(&format!(
        r#"
        name = "three"
        {CLAIMS}
        launches = "one_step"
        [policy_with]
        quarantine_after = 0
        delivery_tries = 1
        [[workers]]
        count = 3
        cpus = 3
        [[jobs]]
        replicas = 3
        max_retries_failure = 0
        max_retries_preemption = 0
        max_dispatch_failures = 0
        {faults}
    "#
    ))
}

/// Six orders of the workers times six of the tasks, but for states in which some are the same.
#[test]
fn of_three_workers_and_three_tasks_one_state_stands_for_more_than_twenty() {
    assert_eq!(states(agreed(&three_by_three(""), None)), Some((1_112, 29_792)));
    if is_slow() {
        let faults = "[faults]\nany = 1\nkinds = [\"run_lost\", \"worker_crash\"]";
        let outcomes = agreed(&three_by_three(faults), None);
        assert_eq!(states(outcomes), Some((34_132, 1_073_943)));
    }
}

const KINDS: [&str; 20] = [
    "run_not_sent",
    "run_lost",
    "run_unexpected",
    "run_late",
    "run_duplicated",
    "run_answer_lost",
    "kill_lost",
    "report_lost",
    "report_answer_lost",
    "report_duplicated",
    "beat_lost",
    "beat_answer_lost",
    "beat_late",
    "worker_crash",
    "controller_crash",
    "exit_error",
    "bundle",
    "cancel",
    "drain",
    "monitor",
];

const POLICIES: [&str; 6] = [
    "hardened",
    "hardened",
    "hardened",
    "as_reported.retry",
    "as_reported.reconcile",
    "as_reported.delivery_errors",
];

/// A small scope; most have something that is alike.
fn drawn(seed: u64) -> Scope {
    let mut lcg = Lcg::new(seed);
    let policy = POLICIES[lcg.below(POLICIES.len())];
    let mut text = format!("name = \"drawn\"\n{CLAIMS}\npolicy = \"{policy}\"\n");
    let settings = [
        ("launches", ["one_step", "two_steps"]),
        ("reports", ["last", "all"]),
        ("clocks", ["kept", "broken"]),
    ];
    for (key, values) in settings {
        let value = values[usize::from(lcg.once_in(4))];
        writeln!(text, "{key} = \"{value}\"").expect("a string takes it");
    }
    let (after, tries) = ([0, 0, 1, 2][lcg.below(4)], 1 + usize::from(lcg.once_in(3)));
    let with = format!("[policy_with]\nquarantine_after = {after}\ndelivery_tries = {tries}\n");
    text.push_str(&with);
    let (workers, replicas) = [(1, 2), (2, 1), (2, 2), (1, 2), (3, 1)][lcg.below(5)];
    let cpus = if lcg.once_in(4) { 1 } else { replicas };
    let registered = !lcg.once_in(4);
    let zone = "attributes = { zone = \"a\" }";
    writeln!(text, "[[workers]]\ncount = {workers}\ncpus = {cpus}\n{zone}").expect("it does");
    writeln!(text, "registered = {registered}").expect("it does");
    writeln!(text, "[[jobs]]\nreplicas = {replicas}").expect("it does");
    if lcg.once_in(6) {
        text.push_str("group_by = \"zone\"\n");
    }
    if lcg.once_in(4) {
        text.push_str("timeout_ms = 60_000\n");
    }
    for budget in ["max_retries_failure", "max_retries_preemption", "max_dispatch_failures"] {
        writeln!(text, "{budget} = {}", lcg.below(2)).expect("it does");
    }
    let kinds: BTreeSet<&str> = (0..=lcg.below(2)).map(|_| KINDS[lcg.below(20)]).collect();
    let kinds: Vec<&str> = kinds.into_iter().collect();
    writeln!(text, "[faults]\nany = 1\nkinds = {kinds:?}").expect("it does");
    scope(&text)
}

#[test]
fn in_scopes_drawn_at_random_every_verdict_agrees() {
    let (scopes, most) = if is_slow() { (1_000, 20_000) } else { (200, 6_000) };
    let (mut tasks, mut workers, mut violated) = (0, 0, 0);
    let (mut visited, mut all) = (0, 0);
    for scope in (0..scopes).map(drawn) {
        let Some((short, whole)) = agreed(&scope, Some(most)) else { continue };
        (visited, all) = (visited + short.states, all + whole.states);
        violated += u32::from(!whole.findings.is_empty());
        let alike = short.symmetry.expect("it was a search up to symmetry");
        workers += u32::from(!alike.workers.is_empty());
        tasks += u32::from(!alike.tasks.is_empty());
    }
    let counts = format!("{workers}, {tasks}, {violated} scopes; {visited} of {all} states");
    assert!(workers > 60 && tasks > 25 && violated > 10 && 10 * visited < 6 * all, "{counts}");
}
