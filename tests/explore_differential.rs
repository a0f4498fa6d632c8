//! Thousands of small random models, decided by the engine and by enumerating everything.
//!
//! The oracle shares no idea with the engine: distances are relaxed to a fixed point, and an
//! endless run is looked for in every one of the up to 512 sets of states.

mod common;
#[path = "explore_differential/oracle.rs"]
mod oracle;
#[path = "explore_differential/random.rs"]
mod random;

use common::lcg::Lcg;
use common::unlimited;
use iris_check::explore::{
    Counterexample, Fairness, Kind, Limits, Memory, Path, Report, Stop, Subject, Verdict, search,
    search_coded,
};
use oracle::{Expected, Oracle};
use random::{Place, Random};
use stateright::Model;

const MODELS: u64 = 20_000;

#[test]
fn every_verdict_and_trace_agrees_with_enumeration() {
    let mut seen = [0_u32; 7];
    for seed in 0..MODELS {
        let model = Random::new(&mut Lcg::new(seed));
        let oracle = Oracle::new(&model);
        let report = search(&model, &unlimited(1));
        same_by_code(&model, &unlimited(1), &report, seed);
        assert_eq!(report.states, oracle.states(), "states, seed {seed}");
        assert_eq!(report.transitions, oracle.transitions(), "transitions, seed {seed}");
        assert_eq!(report.depth, oracle.depth(), "depth, seed {seed}");
        assert_eq!(report.stopped, None);
        for claim in 0..model.claims().len() {
            let expected = oracle.expect(claim);
            seen[compare(&model, &oracle, claim, &expected, &report, seed)] += 1;
            let witness = report.witnesses[claim].as_ref().map(|path| path.steps.len());
            assert_eq!(witness, oracle.exercised(claim), "witness, seed {seed}, claim {claim}");
        }
    }
    // Each kind of outcome occurs often enough for agreement to mean something.
    assert!(seen.iter().all(|count| *count > 200), "{seen:?}");
}

#[test]
fn a_limited_search_says_nothing_that_enumeration_denies() {
    let mut stops = 0;
    for seed in 0..MODELS / 2 {
        let mut lcg = Lcg::new(seed);
        let model = Random::new(&mut lcg);
        let oracle = Oracle::new(&model);
        let limits = match lcg.below(2) {
            0 => Limits { max_states: Some(lcg.below(6) as u64), ..unlimited(1) },
            _ => Limits { max_depth: Some(u32::from(lcg.once_in(2))), ..unlimited(1) },
        };
        let report = search(&model, &limits);
        same_by_code(&model, &limits, &report, seed);
        let whole = report.states == oracle.states() && report.stopped.is_none();
        stops += u32::from(report.stopped.is_some());
        for claim in 0..model.claims().len() {
            let expected = oracle.expect(claim);
            match &report.verdicts[claim] {
                Verdict::Violated(found) => {
                    validate(&model, (&oracle, whole), claim, found, seed);
                    let violated = matches!(
                        expected,
                        Expected::Broken(_) | Expected::Endless(_) | Expected::Unreachable
                    );
                    assert!(violated, "claim {claim}, seed {seed}");
                }
                Verdict::Holds if !whole => {
                    assert_eq!(model.claims()[claim].kind, Kind::Reachable, "seed {seed}");
                    assert_eq!(expected, Expected::Holds, "seed {seed}");
                }
                Verdict::Vacuous => assert!(whole, "seed {seed}"),
                Verdict::Holds => assert_eq!(expected, Expected::Holds, "seed {seed}"),
                Verdict::Incomplete(stop) => {
                    assert!(report.stopped == Some(*stop) || *stop == Stop::Boundary);
                }
            }
        }
    }
    assert!(stops > 3000, "{stops}");
}

/// A search by code says the same of everything, whether it stores edges or generates them again.
fn same_by_code(model: &Random, limits: &Limits, report: &Report<Place, u8>, seed: u64) {
    for memory in [Memory::Codes, Memory::Fingerprints] {
        let mut found = search_coded(model, memory, limits);
        let is_exact = found.collision_odds < f64::MIN_POSITIVE;
        assert!(is_exact || memory == Memory::Fingerprints, "seed {seed}");
        (found.collision_odds, found.memory) = (report.collision_odds, report.memory);
        assert_eq!(&found, report, "seed {seed}, {memory:?}");
    }
}

/// Which kind of outcome it was.
fn compare(
    model: &Random,
    oracle: &Oracle,
    claim: usize,
    expected: &Expected,
    report: &Report<Place, u8>,
    seed: u64,
) -> usize {
    let verdict = &report.verdicts[claim];
    let context = format!("seed {seed} claim {claim}\n{model:#?}\n{verdict:?} but {expected:?}");
    if let Verdict::Violated(found) = verdict {
        validate(model, (oracle, true), claim, found, seed);
    }
    match (verdict, expected) {
        (Verdict::Holds, Expected::Holds) => 0,
        (Verdict::Vacuous, Expected::Vacuous) => 1,
        (Verdict::Incomplete(Stop::Boundary), Expected::Cut) => 2,
        (Verdict::Violated(Counterexample::Unreachable), Expected::Unreachable) => 3,
        (Verdict::Violated(Counterexample::Finite(path)), Expected::Broken(length)) => {
            assert_eq!(path.steps.len(), *length, "{context}");
            4
        }
        (Verdict::Violated(Counterexample::Endless { stem, cycle, .. }), Expected::Endless(to)) => {
            assert_eq!(stem.steps.len(), *to, "{context}");
            5 + usize::from(cycle.is_empty())
        }
        (_, _) => panic!("{context}"),
    }
}

/// Runs a counterexample again, and looks whether it shows what it should.
fn validate(
    model: &Random,
    (oracle, whole): (&Oracle, bool),
    claim: usize,
    found: &Counterexample<Place, u8>,
    seed: u64,
) {
    match found {
        Counterexample::Unreachable => {}
        Counterexample::Finite(path) => {
            rerun(model, path);
            let broken = model.broken(path.last()) | model.broken_by_step(path.last());
            assert!(broken & 1 << claim != 0, "seed {seed}: the last state breaks nothing");
        }
        Counterexample::Endless { stem, cycle, no_return, obligation } => {
            rerun(model, stem);
            let round = Path { init: stem.last().clone(), steps: cycle.clone() };
            rerun_steps(model, &round);
            assert_eq!(stem.last().node, round.last().node, "seed {seed}: the cycle is open");
            assert_eq!(model.obligations()[*obligation].claim, claim);
            let bit = 1 << obligation;
            let mut run: Vec<&Place> = states(stem).collect();
            let still_open = |place: &&&Place| model.open(place) & bit != 0;
            let tail = run.iter().rev().take_while(still_open).count();
            let arose = |place: &&Place| model.arises(place) & bit != 0;
            assert!(run[run.len() - tail..].iter().any(arose), "seed {seed}: never arose");
            assert!(states(&round).all(|place| model.open(place) & bit != 0), "seed {seed}");
            assert_fair(model, &round, seed);
            run.extend(states(&round).skip(1));
            let leaves = |place: &&Place| oracle.leaves(place.node, *obligation);
            let last = run.iter().rposition(leaves).unwrap_or(0);
            // Where the search did not go, it cannot rule out a return.
            let right = if whole { *no_return == last } else { *no_return >= last };
            assert!(right, "seed {seed}: no return after {no_return}, not {last}");
        }
    }
}

/// Going round for ever is fair: what stays enabled (weak) or is enabled (strong) is taken.
fn assert_fair(model: &Random, round: &Path<Place, u8>, seed: u64) {
    let classes = |place: &Place| {
        let mut actions = Vec::new();
        model.actions(place, &mut actions);
        actions.retain(|action| model.next_state(place, *action).is_some());
        actions.iter().map(|action| model.fairness(place, action)).collect::<Vec<_>>()
    };
    let mut taken = Vec::new();
    let mut from = &round.init;
    for (action, to) in &round.steps {
        taken.push(model.fairness(from, action));
        from = to;
    }
    for place in states(round) {
        for class in classes(place) {
            let always = states(round).all(|other| classes(other).contains(&class));
            let owed = match class {
                Fairness::None => false,
                Fairness::Weak(_) => always,
                Fairness::Strong(_) => true,
            };
            assert!(!owed || taken.contains(&class), "seed {seed}: unfair to {class:?}");
        }
    }
}

fn states(path: &Path<Place, u8>) -> impl Iterator<Item = &Place> {
    std::iter::once(&path.init).chain(path.steps.iter().map(|(_, place)| place))
}

fn rerun(model: &Random, path: &Path<Place, u8>) {
    assert!(model.init_states().contains(&path.init));
    rerun_steps(model, path);
}

fn rerun_steps(model: &Random, path: &Path<Place, u8>) {
    let mut from = &path.init;
    for (action, to) in &path.steps {
        let mut actions = Vec::new();
        model.actions(from, &mut actions);
        assert!(actions.contains(action));
        let next = model.next_state(from, *action).expect("the step is enabled");
        assert!(next.node == to.node && next.step == to.step, "another state than the trace says");
        from = to;
    }
}
