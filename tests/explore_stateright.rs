//! The engine beside `stateright`: the same counts where both are right, the right verdict where
//! `stateright` is wrong, the same report for every number of threads, and limits that are told.

mod common;
#[path = "explore_stateright/paths.rs"]
mod paths;

use common::commit::{Act, Commit, TwoPhase};
use common::lcg::Lcg;
use common::paxos::paxos;
use common::unlimited;
use iris_check::explore::{
    Coded, Counterexample, Fairness, Limits, Memory, Phase, Plain, Progress, Report, Stop, Subject,
    Verdict, search, search_coded,
};
use paths::{Paths, Wide, eventually, leads_to};
use stateright::{Checker, Model};
use std::fmt::Debug;
use std::sync::atomic::{AtomicU64, Ordering};

#[test]
fn two_phase_commit_agrees_with_stateright() {
    for (managers, states) in [(3, 288), (5, 8_832)] {
        let theirs = TwoPhase { managers }.checker().spawn_bfs().join();
        let ours = search(&Plain::new(TwoPhase { managers }), &unlimited(1));
        assert_eq!(theirs.unique_state_count(), states);
        assert_eq!(ours.states, states as u64);
        assert_eq!(ours.transitions, theirs.state_count() as u64 - 1, "they count initial states");
        theirs.assert_properties();
        assert_eq!(ours.verdicts, [Verdict::Holds, Verdict::Holds, Verdict::Holds]);
        assert_eq!(u64::from(ours.depth), theirs.max_depth() as u64 - 1, "they count states");
        assert!(ours.collision_odds > 0.0 && ours.collision_odds < 1e-10);
        let witness = ours.witnesses[1].as_ref().expect("commit agreement is reachable");
        assert_eq!(witness.steps.len(), usize::from(managers) * 3 + 1);
    }
}

#[test]
fn an_actor_model_is_searched_as_it_is() {
    let theirs = paxos(3, 2).checker().spawn_bfs().join();
    assert_eq!(theirs.unique_state_count(), 16_668, "pinned by stateright's own example");
    let ours = search(&Plain::new(paxos(3, 2)), &unlimited(2));
    assert_eq!(ours.states, 16_668);
    assert_eq!(ours.transitions, theirs.state_count() as u64 - 1, "they count initial states");
    assert_eq!(ours.verdicts, [Verdict::Holds, Verdict::Holds]);
    let read = ours.witnesses[1].as_ref().expect("a value is read");
    assert_eq!(read.steps.len(), 8, "as many as the other search needs");
}

#[test]
fn the_report_is_the_same_for_every_number_of_threads() {
    let model = Plain::new(TwoPhase { managers: 6 });
    let graph = Paths::random(&mut Lcg::new(7), 30_000);
    let limits = [
        unlimited(1),
        Limits { max_states: Some(17_001), ..unlimited(1) },
        Limits { max_depth: Some(9), ..unlimited(1) },
        Limits { max_memory: Some(1 << 20), ..unlimited(1) },
    ];
    let mut seen = Vec::new();
    for limits in limits {
        let commit = search(&model, &limits);
        let random = search(&graph, &limits);
        for threads in [2, 3] {
            assert_eq!(commit, search(&model, &Limits { threads, ..limits }), "{threads} threads");
            assert_eq!(random, search(&graph, &Limits { threads, ..limits }), "{threads} threads");
        }
        for memory in [Memory::Codes, Memory::Fingerprints] {
            let commit = search_coded(&model, memory, &limits);
            let random = search_coded(&graph, memory, &limits);
            for threads in [2, 3] {
                let limits = Limits { threads, ..limits };
                assert_eq!(commit, search_coded(&model, memory, &limits), "{threads} threads");
                assert_eq!(random, search_coded(&graph, memory, &limits), "{threads} threads");
            }
        }
        seen.push((commit.stopped, random.stopped));
    }
    let (states, depth) = (Some(Stop::States), Some(Stop::Depth));
    let memory = Some(Stop::Memory);
    assert_eq!(seen, [(None, None), (states, states), (depth, depth), (memory, memory)]);
}

/// What a search says of the only claim of a model, whichever way it keeps the states.
fn verdict<M>(model: &M) -> Verdict<M::State, M::Action>
where
    M: Subject + Coded<State: Debug + PartialEq, Action: Debug + PartialEq>,
{
    let mut report = search(model, &unlimited(1));
    assert_eq!(report.verdicts.len(), 1);
    for memory in [Memory::Codes, Memory::Fingerprints] {
        assert_eq!(search_coded(model, memory, &unlimited(1)).verdicts, report.verdicts);
    }
    report.verdicts.remove(0)
}

/// Stem and cycle of an endless run, as numbers of states.
fn endless(verdict: Verdict<u16, u16>) -> (Vec<u16>, Vec<u16>) {
    let Verdict::Violated(Counterexample::Endless { stem, cycle, .. }) = verdict else {
        panic!("no endless run: {verdict:?}");
    };
    let way = std::iter::once(stem.init).chain(stem.steps.into_iter().map(|step| step.1));
    (way.collect(), cycle.into_iter().map(|step| step.1).collect())
}

#[test]
fn trap_a_cycle_that_avoids_the_goal() {
    // 0 → 1 → 2 → 1, and 2 → 9, the goal. stateright says that 9 is reached eventually.
    let model = eventually(&[(0, 1), (1, 2), (2, 1), (2, 9)]);
    model.clone().checker().spawn_bfs().join().assert_properties();
    assert_eq!(endless(verdict(&Plain::new(model))), (vec![0, 1], vec![2, 1]));
}

#[test]
fn trap_a_join_after_the_goal() {
    // 0 → 9, the goal, → 3, a dead end; 0 → 1 → 3 joins there without the goal.
    let model = eventually(&[(0, 9), (9, 3), (0, 1), (1, 3)]);
    model.clone().checker().spawn_bfs().join().assert_properties();
    assert_eq!(endless(verdict(&Plain::new(model))), (vec![0, 1, 3], vec![]));
}

#[test]
fn trap_a_boundary_is_not_a_dead_end() {
    // 0 → 1 → 100, which is over the boundary. stateright reports 1 as a dead end.
    let model = eventually(&[(0, 1), (1, 100), (100, 9)]);
    let theirs = model.clone().checker().spawn_bfs().join();
    assert!(theirs.discovery("reaches 9").is_some());
    assert_eq!(verdict(&Plain::new(model)), Verdict::Incomplete(Stop::Boundary));
    // If the goal is just beyond, nothing is left open.
    let mut met = leads_to(&[(0, 1, Fairness::Weak(0)), (1, 100, Fairness::Weak(0))], &[0, 1]);
    assert_eq!(verdict(&met), Verdict::Holds);
    // A cycle inside the boundary is a violation all the same.
    met.steps.push((1, 1, Fairness::Weak(0)));
    assert_eq!(endless(verdict(&met)), (vec![0, 1], vec![1]));
}

#[test]
fn trap_nothing_happens_any_more() {
    // Nobody has to take the step to the goal: staying in 0 for ever is a run.
    let mut model = leads_to(&[(0, 9, Fairness::None)], &[0]);
    assert_eq!(endless(verdict(&model)), (vec![0], vec![]));
    model.steps[0].2 = Fairness::Weak(0);
    assert_eq!(verdict(&model), Verdict::Holds);
}

#[test]
fn trap_weak_fairness() {
    // 0 ⇄ 1 for ever. The step to the goal is enabled in 0 alone: weak fairness does not help.
    let toggle = [(0, 1, Fairness::None), (1, 0, Fairness::None), (0, 9, Fairness::Weak(3))];
    let mut model = leads_to(&toggle, &[0, 1]);
    assert_eq!(endless(verdict(&model)), (vec![0], vec![1, 0]));
    // Enabled in 1 too, it must be taken.
    model.steps.push((1, 9, Fairness::Weak(3)));
    assert_eq!(verdict(&model), Verdict::Holds);
}

#[test]
fn trap_strong_fairness() {
    let toggle = [(0, 1, Fairness::None), (1, 0, Fairness::Weak(4)), (0, 9, Fairness::Strong(3))];
    let mut model = leads_to(&toggle, &[0, 1]);
    assert_eq!(verdict(&model), Verdict::Holds);
    // Beside it a cycle 1 ⇄ 2 that never passes 0: the part without the strong class is fair.
    model.steps.push((1, 2, Fairness::None));
    model.steps.push((2, 1, Fairness::Weak(5)));
    model.open.push(2);
    assert_eq!(endless(verdict(&model)), (vec![0, 1], vec![2, 1]));
}

#[test]
fn trap_a_fair_step_in_part_of_a_component() {
    // 0 → 1 → 2 → 0; the fair step 1 → 2 is inside, so going round is fair, staying in 1 is not.
    let round = [(0, 1, Fairness::Weak(1)), (1, 2, Fairness::Weak(2)), (2, 0, Fairness::Weak(0))];
    let mut model = leads_to(&round, &[0, 1, 2]);
    assert_eq!(endless(verdict(&model)), (vec![0], vec![1, 2, 0]));
    // With a way out in 1 of the class that goes round, that class is still satisfied inside.
    model.steps.push((1, 9, Fairness::Weak(2)));
    assert_eq!(endless(verdict(&model)), (vec![0], vec![1, 2, 0]));
    // A way out of a strong class of its own must be taken.
    model.steps.push((1, 9, Fairness::Strong(2)));
    assert_eq!(verdict(&model), Verdict::Holds);
}

#[test]
fn trap_leads_to() {
    // The obligation arises in 2 alone. 0 ⇄ 1 is open but nothing arose; 2 → 9 ends it.
    let steps = [
        (0, 1, Fairness::None),
        (1, 0, Fairness::None),
        (1, 2, Fairness::None),
        (2, 9, Fairness::Weak(0)),
    ];
    let mut model = leads_to(&steps, &[0, 1, 2]);
    model.arises = vec![2];
    assert_eq!(verdict(&model), Verdict::Holds);
    // 9 → 3 → 3: open again, but what arose in 2 was met in 9.
    model.steps.push((9, 3, Fairness::Weak(0)));
    model.open.push(3);
    assert_eq!(verdict(&model), Verdict::Holds);
    // A second way from 2 to 3 that stays open is another matter.
    model.steps.push((2, 3, Fairness::Weak(0)));
    let Verdict::Violated(Counterexample::Endless { stem, cycle, no_return, obligation }) =
        verdict(&model)
    else {
        panic!("2 → 3 for ever is a run");
    };
    assert_eq!((stem.steps.len(), stem.last(), cycle.len()), (3, &3, 0));
    assert_eq!((no_return, obligation), (2, 0), "in 2 the goal could still be reached");
}

#[test]
fn each_limit_leaves_claims_incomplete() {
    let spoken = AtomicU64::new(0);
    let hear = |progress: Progress| {
        assert!(progress.phase == Phase::Search);
        spoken.fetch_max(progress.states, Ordering::Relaxed);
    };
    let time = || Some(Stop::Time);
    let interrupted = || Some(Stop::Interrupted);
    let rows = [
        (Stop::States, Limits { max_states: Some(4_000), progress: &hear, ..unlimited(1) }),
        (Stop::Depth, Limits { max_depth: Some(7), progress: &hear, ..unlimited(1) }),
        (Stop::Memory, Limits { max_memory: Some(200_000), progress: &hear, ..unlimited(1) }),
        (Stop::Time, Limits { stop: &time, progress: &hear, ..unlimited(1) }),
        (Stop::Interrupted, Limits { stop: &interrupted, ..unlimited(1) }),
    ];
    let model = Plain::new(TwoPhase { managers: 5 });
    for (stop, limits) in rows {
        for threads in [1, 2] {
            let report = search(&model, &Limits { threads, ..limits });
            assert_eq!(report.stopped, Some(stop));
            assert!(report.states < 8_832);
            // Aborting takes six steps: a witness found before the limit is a witness.
            let early = matches!(stop, Stop::Time | Stop::Interrupted);
            let abort = if early { Verdict::Incomplete(stop) } else { Verdict::Holds };
            let rest = Verdict::Incomplete(stop);
            assert_eq!(report.verdicts, [abort, rest.clone(), rest], "{stop:?}");
        }
    }
    assert!(spoken.into_inner() > 1000);
}

#[test]
fn a_state_at_the_limit_is_still_judged() {
    // 3 is the deepest state allowed, and the last one allowed: that it is broken is not lost.
    let mut model = leads_to(&[(0, 1, Fairness::None), (1, 3, Fairness::None)], &[]);
    model.broken = Some(3);
    model.steps.push((3, 4, Fairness::None));
    let by_depth = Limits { max_depth: Some(2), ..unlimited(1) };
    let by_states = Limits { max_states: Some(3), ..unlimited(1) };
    for (limits, stop) in [(by_depth, Stop::Depth), (by_states, Stop::States)] {
        let report = search(&model, &limits);
        assert_eq!((report.stopped, report.states), (Some(stop), 3));
        let Verdict::Violated(Counterexample::Finite(path)) = &report.verdicts[1] else {
            panic!("3 is broken");
        };
        assert_eq!(path.last(), &3);
        assert_eq!(report.verdicts[0], Verdict::Incomplete(stop));
    }
}

#[test]
fn an_endless_run_found_before_the_limit_is_reported() {
    let steps = [(0, 0, Fairness::Weak(0)), (0, 1, Fairness::None), (1, 2, Fairness::None)];
    let model = leads_to(&steps, &[0]);
    let report = search(&model, &Limits { max_states: Some(2), ..unlimited(1) });
    assert_eq!(report.stopped, Some(Stop::States));
    assert_eq!(endless(report.verdicts[0].clone()), (vec![0], vec![0]));
    // Where a state was not expanded, nothing is known of what must happen there.
    let model = leads_to(&[(0, 1, Fairness::Weak(0))], &[0, 1]);
    let report = search(&model, &Limits { max_depth: Some(1), ..unlimited(1) });
    assert_eq!(report.verdicts[0], Verdict::Incomplete(Stop::Depth));
}

#[test]
fn progress_can_be_interrupted() {
    let model = Paths::random(&mut Lcg::new(3), 60_000);
    let deciding = AtomicU64::new(0);
    let hear = |progress: Progress| {
        deciding.fetch_or(u64::from(progress.phase == Phase::Progress), Ordering::Relaxed);
    };
    // Asked again and again while deciding: the first time and the twentieth.
    for patience in [1, 20] {
        deciding.store(0, Ordering::Relaxed);
        let stop = || {
            let on = deciding.load(Ordering::Relaxed);
            deciding.fetch_add(on.min(1), Ordering::Relaxed);
            (on > patience - 1 && on > 0).then_some(Stop::Interrupted)
        };
        let limits = Limits { stop: &stop, progress: &hear, ..unlimited(1) };
        let report: Report<u16, u16> = search(&model, &limits);
        assert_eq!(report.stopped, Some(Stop::Interrupted));
        assert_eq!(report.verdicts[0], Verdict::Incomplete(Stop::Interrupted));
    }
}

#[test]
fn the_caller_is_asked_often_and_obeyed_at_once() {
    let model = Plain::new(Wide);
    let calls = AtomicU64::new(0);
    for threads in [1, 2] {
        calls.store(0, Ordering::Relaxed);
        let stop = || {
            calls.fetch_add(1, Ordering::Relaxed);
            None
        };
        let report = search(&model, &Limits { stop: &stop, ..unlimited(threads) });
        let often = calls.load(Ordering::Relaxed) * 4096;
        assert!(often >= report.transitions, "{often} for {}", report.transitions);
        calls.store(0, Ordering::Relaxed);
        let stop = || {
            let call = calls.fetch_add(1, Ordering::Relaxed);
            (call >= 300).then_some(Stop::Time)
        };
        let report = search(&model, &Limits { stop: &stop, ..unlimited(threads) });
        assert_eq!(report.stopped, Some(Stop::Time));
        assert!(calls.load(Ordering::Relaxed) < 310, "it goes on after the stop");
    }
}

#[test]
fn a_panic_in_the_model_ends_the_search() {
    for threads in [1, 2, 3] {
        let mut model = Paths::random(&mut Lcg::new(5), 20_000);
        model.panics = true;
        let search = || search(&model, &unlimited(threads));
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(search)).is_err());
    }
}

#[test]
fn a_shortest_counterexample_survives_many_threads() {
    /// Two-phase commit that is wrong about one thing.
    #[derive(Clone)]
    struct Wrong;
    impl Model for Wrong {
        type State = Commit;
        type Action = Act;
        fn init_states(&self) -> Vec<Commit> {
            TwoPhase { managers: 5 }.init_states()
        }
        fn actions(&self, state: &Commit, actions: &mut Vec<Act>) {
            TwoPhase { managers: 5 }.actions(state, actions);
        }
        fn next_state(&self, state: &Commit, action: Act) -> Option<Commit> {
            TwoPhase { managers: 5 }.next_state(state, action)
        }
        fn properties(&self) -> Vec<stateright::Property<Self>> {
            vec![stateright::Property::always("nobody commits", |_, state: &Commit| {
                state.nobody_committed()
            })]
        }
    }
    for threads in [1, 2, 3] {
        let report = search(&Plain::new(Wrong), &unlimited(threads));
        let Verdict::Violated(Counterexample::Finite(path)) = &report.verdicts[0] else {
            panic!("somebody commits");
        };
        assert_eq!(path.steps.len(), 12, "five prepare, five are known, commit, one hears");
        assert_eq!(report.states, 8_832, "the search goes on to the end");
    }
}
