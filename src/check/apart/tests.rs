//! What is taken in parts, held against the same taken in the whole state.

use std::collections::BTreeSet;

use super::super::model::judge::HARD_ELSEWHERE;
use super::super::scope::Scope;
use super::*;
use crate::explore::Limits;

/// The steps of a state one after the other.
fn one_by_one(model: &ClusterModel, state: &State) -> Vec<CodedStep<[u64; 2]>> {
    let (mut acts, mut steps) = (Vec::new(), Vec::new());
    model.actions(state, &mut acts);
    for (act, action) in acts.into_iter().zip(0..) {
        if let Some(after) = model.next_state(state, act) {
            steps.push(CodedStep {
                action,
                code: model.encode(&after),
                fairness: model.fairness(state, &act),
                broken: model.broken_by_step(&after),
                exercised: model.exercised_by_step(&after),
            });
        }
    }
    steps
}

/// The same with what may be exercised at another worker left out.
fn at_one_worker(steps: &[CodedStep<[u64; 2]>]) -> Vec<CodedStep<[u64; 2]>> {
    let told = |exercised| exercised & !u64::from(HARD_ELSEWHERE);
    steps.iter().map(|step| CodedStep { exercised: told(step.exercised), ..*step }).collect()
}

/// What was seen on a walk.
#[derive(Default)]
struct Walked {
    /// Steps, and how many of them were taken in parts.
    all: usize,
    apart: usize,
}

/// Some states of a scope: of larger ones every third that is found, so that they get deep.
fn walk(scope: Scope, most: usize) -> Walked {
    let model = ClusterModel::new(scope).telling_all();
    let mut codes: Vec<[u64; 2]> = model.init_states().iter().map(|it| model.encode(it)).collect();
    let (mut known, mut next, mut walked) = (BTreeSet::new(), 0, Walked::default());
    while next < codes.len().min(most) {
        let code = codes[next];
        let state = model.decode(&code);
        next += 1;
        let expected = one_by_one(&model, &state);
        let mut steps = Vec::new();
        walked.all += expected.len();
        if let Some(judged) = model.steps_of_parts(&state, Named::of(&code), &mut steps) {
            let (broken, open) = (model.broken(&state), model.open(&state));
            assert_eq!(judged, Judged { broken, open, arises: model.arises(&state) }, "{state:?}");
            assert_eq!(at_one_worker(&steps), at_one_worker(&expected), "{state:?}");
            walked.apart += steps.len();
        }
        for step in expected {
            let found = known.insert(step.code);
            if found && (known.len() < 500 || known.len() % 3 == 0) {
                codes.push(step.code);
            }
        }
    }
    walked
}

#[test]
fn steps_taken_in_parts_are_the_steps_of_the_whole() {
    for scope in Scope::standard().into_iter().chain(rough()) {
        if scope.groups.is_empty() && scope.workers.len() > 1 {
            let name = scope.name.clone();
            let Walked { all, apart } = walk(scope, 6_000);
            assert!(10 * apart > 9 * all, "{name}: {apart} of {all} steps");
        }
    }
}

/// Also what is told of claims that nothing broke: whether their hard case occurred.
#[test]
fn a_search_by_parts_answers_what_one_by_whole_states_does() {
    let text = Scope::named("mix").expect("a standard scope").text;
    let scope = Scope::parse(&text.replace("any = 2", "any = 1"), "a test").expect("a scope");
    let limits = Limits {
        max_states: None,
        max_depth: None,
        max_memory: None,
        threads: 2,
        stop: &|| None,
        progress: &|_| (),
    };
    let whole = crate::check::run(&scope, &limits);
    let parts = crate::check::run_exact(&scope, &limits);
    assert_eq!((parts.states, parts.transitions), (whole.states, whole.transitions));
    assert_eq!((parts.rows, parts.findings), (whole.rows, whole.findings));
}

/// Scopes of two workers in which nearly all that can happen to workers and calls does: under the
/// policy that keeps the contract, and under one that does not.
fn rough() -> impl Iterator<Item = Scope> {
    let texts = ["hardened", "as_reported.reconcile"].map(|policy| {
        format!(
            r#"
            name = "rough"
            policy = "{policy}"
            beats = "three_steps"
            reports = "all"
            [[workers]]
            count = 2
            [[jobs]]
            replicas = 2
            [faults]
            any = 2
            kinds = [
                "run_lost", "run_unexpected", "run_late", "run_duplicated", "run_answer_lost",
                "kill_lost", "report_lost", "report_duplicated", "beat_lost", "beat_answer_lost",
                "beat_late", "cut_to_worker", "cut_from_worker", "worker_crash",
                "controller_crash", "bundle", "monitor", "exit_error", "cancel", "drain",
            ]
            "#
        )
    });
    texts.into_iter().map(|text| Scope::parse(&text, "a test").expect("a scope"))
}
