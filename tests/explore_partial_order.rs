//! Search by partial-order reduction against search without, on thousands of small random models of
//! processes with shared variables and messages; and what models say of their steps, audited.

mod common;
#[path = "explore_partial_order/lies.rs"]
mod lies;
#[path = "explore_partial_order/mesh.rs"]
mod mesh;

use common::commit::TwoPhase;
use common::lcg::Lcg;
use common::unlimited;
use iris_check::explore::{
    Counterexample, Kind, Limits, Path, Plain, Stop, Subject, Verdict, audit, search,
    search_partial_order,
};
use mesh::{Act, CLAIMS, Lapse, Mesh, Mix};
use stateright::Model;

const MODELS: u64 = 10_000;

/// That a run is one that the model takes, and shows what it is for.
fn check(model: &Mesh, claim: usize, path: &Path<Mix, Act>, breaks: bool) {
    let mut state = model.init_states().remove(0);
    assert_eq!(state, path.init);
    for (action, next) in &path.steps {
        let mut actions = Vec::new();
        model.actions(&state, &mut actions);
        assert!(actions.contains(action));
        state = model.next_state(&state, *action).expect("it can be taken");
        assert_eq!(&state, next);
        assert!(model.within_boundary(&state));
    }
    let broken = model.broken(&state) | model.broken_by_step(&state);
    let exercised = model.exercised(&state) | model.exercised_by_step(&state);
    let found = if breaks { broken } else { exercised };
    assert_eq!(found >> claim & 1, 1);
}

#[test]
fn every_verdict_agrees_with_that_of_the_whole_search() {
    let mut seen = [[0_u32; 3]; CLAIMS.len()];
    let (mut all, mut visited, mut narrowed) = (0_u64, 0_u64, 0_u64);
    for seed in 0..MODELS {
        let model = Mesh::new(&mut Lcg::new(seed));
        let whole = search(&model, &unlimited(1));
        let few = search_partial_order(&model, &unlimited(1));
        let short = few.report;
        assert_eq!(short.stopped, None);
        assert!(short.states <= whole.states && few.narrowed <= short.states, "seed {seed}");
        narrowed += u64::from(few.narrowed > 0);
        (all, visited) = (all + whole.states, visited + short.states);
        for (claim, seen) in seen.iter_mut().enumerate() {
            let context = format!("seed {seed} claim {claim}\n{model:#?}");
            let outcome = match (&whole.verdicts[claim], &short.verdicts[claim]) {
                (_, Verdict::Incomplete(Stop::PartialOrder)) if CLAIMS[claim] == Kind::Progress => {
                    continue;
                }
                (Verdict::Violated(one), Verdict::Violated(other)) => {
                    if let (Counterexample::Finite(one), Counterexample::Finite(other)) =
                        (one, other)
                    {
                        check(&model, claim, other, true);
                        assert!(one.steps.len() <= other.steps.len(), "{context}");
                    } else {
                        assert_eq!(one, other, "{context}");
                    }
                    0
                }
                (Verdict::Holds, Verdict::Holds) => 1,
                (Verdict::Vacuous, Verdict::Vacuous) => 2,
                (one, other) => panic!("{context}: {one:?}, {other:?}"),
            };
            seen[outcome] += 1;
            let (one, other) = (&whole.witnesses[claim], &short.witnesses[claim]);
            assert_eq!(one.is_some(), other.is_some(), "{context}");
            if let Some(path) = other {
                check(&model, claim, path, false);
            }
        }
    }
    // Each outcome occurs often enough for agreement to mean something, and much is left out.
    assert!(seen[0].iter().chain(&seen[1]).all(|count| *count > 1000), "{seen:?}");
    assert!(seen[2][..2].iter().all(|count| *count > 1000), "{seen:?}");
    assert!(seen[3][0] > 1000 && seen[3][2] > 1000, "{seen:?}");
    assert!(narrowed > 7000 && 3 * visited < 2 * all, "{narrowed} models, {visited} of {all}");
}

#[test]
fn what_random_models_say_of_their_steps_is_true() {
    let mut looked = 0;
    for seed in 0..MODELS {
        let model = Mesh::new(&mut Lcg::new(seed));
        match audit(&model, 1000) {
            Ok(states) => looked += states,
            Err(lie) => panic!("seed {seed}: {lie:?}\n{model:#?}"),
        }
    }
    assert!(looked > 300_000, "{looked} states");
}

/// Where a model forgets something and that makes a difference, the audit finds it.
#[test]
fn what_a_model_forgets_is_found() {
    let mut searches = 0;
    for lapse in [Lapse::Reads, Lapse::Writes, Lapse::Guards, Lapse::Hides] {
        let (mut found, mut wrong) = (0, 0);
        for seed in 0..MODELS / 4 {
            let mut lcg = Lcg::new(seed);
            let mut model = Mesh::new(&mut lcg);
            model.forgets = Some((lcg.below(model.rows.len()), lapse));
            let is_found = audit(&model, 5000).is_err();
            let (whole, short) =
                (search(&model, &unlimited(1)), search_partial_order(&model, &unlimited(1)));
            let said = |verdict: &Verdict<_, _>| std::mem::discriminant(verdict);
            let pairs = whole.verdicts.iter().zip(&short.report.verdicts);
            let differs = pairs.take(4).any(|(one, other)| said(one) != said(other));
            assert!(is_found || !differs, "{lapse:?}, seed {seed}\n{model:#?}");
            (found, wrong) = (found + u32::from(is_found), wrong + u32::from(differs));
        }
        assert!(found > 60, "{lapse:?}: {found}");
        searches += wrong;
    }
    assert!(searches > 10, "{searches} searches are wrong");
}

#[test]
fn two_phase_commit_needs_fewer_states() {
    for (managers, visited, all) in [(3, 246, 288), (5, 5_184, 8_832), (7, 102_258, 296_448)] {
        let model = Plain::new(TwoPhase { managers });
        let whole = search(&model, &unlimited(2));
        let few = search_partial_order(&model, &unlimited(1));
        assert_eq!((few.report.states, whole.states), (visited, all));
        assert_eq!(few.report.verdicts, whole.verdicts);
        assert_eq!(few, search_partial_order(&model, &unlimited(2)));
        let limits = |threads| Limits { max_states: Some(visited / 2), ..unlimited(threads) };
        let part = search_partial_order(&model, &limits(1));
        assert_eq!(part.report.stopped, Some(Stop::States));
        assert_eq!(part, search_partial_order(&model, &limits(2)));
    }
    assert_eq!(audit(&Plain::new(TwoPhase { managers: 3 }), usize::MAX), Ok(288));
}
