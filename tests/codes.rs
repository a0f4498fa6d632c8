//! States of the modelled cluster by code: a code says all of a state and nothing else, and a
//! search by code answers what a search by fingerprints does.

mod common;

use std::collections::BTreeMap;
use std::sync::Arc;

use common::unlimited;
use iris_check::check::{self, ClusterModel, Outcome, Scope, State};
use iris_check::explore::{Coded, Limits, fingerprint};
use stateright::Model;

/// States of each scope that are expanded.
const STATES: usize = 4_000;
/// Scopes with more states than this are searched up to here.
const MOST_STATES: u64 = 60_000;

/// The same with parts of its own.
fn copied(state: &State) -> State {
    let nodes = state.nodes.iter().map(|node| Arc::new((**node).clone())).collect();
    State { controller: Arc::new((*state.controller).clone()), nodes, ..state.clone() }
}

#[test]
fn a_code_says_all_of_a_state_and_nothing_else() {
    for scope in Scope::standard() {
        let name = scope.name.clone();
        let model = ClusterModel::new(scope);
        let mut states = model.init_states();
        let mut by_code: BTreeMap<[u64; 2], State> = BTreeMap::new();
        let mut by_print: BTreeMap<u64, Vec<(State, [u64; 2])>> = BTreeMap::new();
        let (mut next, mut acts, mut again) = (0, Vec::new(), 0_u32);
        while next < states.len().min(STATES) {
            let state = states[next].clone();
            next += 1;
            model.actions(&state, &mut acts);
            for after in acts.drain(..).filter_map(|act| model.next_state(&state, act)) {
                let code = model.encode(&after);
                assert_eq!(model.decode(&code), after, "{name}");
                assert_eq!(model.encode(&model.decode(&code)), code, "{name}");
                assert_eq!(model.encode(&copied(&after)), code, "{name}");
                // Equal codes, equal states.
                let known = by_code.entry(code).or_insert_with(|| after.clone());
                assert_eq!(*known, after, "{name}");
                // Equal states, equal codes.
                let alike = by_print.entry(fingerprint(&after)).or_default();
                if let Some((_, known)) = alike.iter().find(|(known, _)| *known == after) {
                    again += 1;
                    assert_eq!(*known, code, "{name}");
                    continue;
                }
                alike.push((after.clone(), code));
                // Of larger scopes every third, so that they get deep.
                if by_code.len() < 500 || by_code.len().is_multiple_of(3) {
                    states.push(after);
                }
            }
        }
        assert!(by_code.len() >= 30 && again > 0, "{name}: {} states", by_code.len());
    }
}

/// What a search found, how likely it was to be wrong left out.
fn found(outcome: Outcome) -> (f64, Outcome) {
    (outcome.collision_odds, Outcome { collision_odds: 0.0, ..outcome })
}

#[test]
fn a_search_by_code_answers_what_a_search_by_fingerprints_does() {
    for scope in Scope::standard() {
        let (odds, hashed) = found(check::run(&scope, &limits(1)));
        for threads in [1, 2] {
            let (none, exact) = found(check::run_exact(&scope, &limits(threads)));
            assert_eq!(exact, hashed, "{}, {threads} threads", scope.name);
            assert!(none == 0.0 && odds > 0.0, "{}: {none} and {odds}", scope.name);
        }
    }
}

fn limits(threads: usize) -> Limits<'static> {
    Limits { max_states: Some(MOST_STATES), ..unlimited(threads) }
}
