//! The standard scopes as a whole: what the main job answers, and that it asks of every claim.

use std::collections::BTreeSet;

use iris_check::check::{self, Outcome, Scope, Verdict};
use iris_check::explore::Limits;
use iris_check::invariants::DESCRIBED;

/// Scopes of millions of states: the main job takes them on.
const LARGE: [&str; 2] = ["mix", "mix.wide"];

fn searched() -> Vec<(Scope, Outcome)> {
    let limits = Limits {
        max_states: None,
        max_depth: None,
        max_memory: None,
        threads: 2,
        stop: &|| None,
        progress: &|_| (),
    };
    let scopes = Scope::standard().into_iter().filter(|it| !LARGE.contains(&it.name.as_str()));
    scopes.map(|scope| (scope.clone(), check::run(&scope, &limits))).collect()
}

fn ids(outcome: &Outcome, wanted: Verdict) -> Vec<&'static str> {
    outcome.rows.iter().filter(|row| row.verdict == wanted).map(|row| row.id).collect()
}

#[test]
fn each_scope_answers_as_it_expects_and_each_claim_is_exercised_in_one() {
    let mut exercised = BTreeSet::new();
    for (scope, outcome) in searched() {
        assert_eq!(outcome.stopped, None, "{}", scope.name);
        assert_eq!(ids(&outcome, Verdict::Violated), scope.violated, "{}", scope.name);
        if scope.violated.is_empty() {
            exercised.extend(ids(&outcome, Verdict::Holds));
        }
    }
    assert_eq!(exercised, DESCRIBED.map(|claim| claim.id).into_iter().collect());
}
