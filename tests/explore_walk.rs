//! Random walks: what they find is real and becomes short, the same seed finds the same, and what
//! they do not find they say nothing about.

mod common;
#[path = "sabotage/harness.rs"]
#[allow(dead_code, reason = "walks take the machines that are wrong, and judge them themselves")]
mod harness;
#[path = "explore_differential/random.rs"]
mod random;
#[path = "sabotage/safety.rs"]
#[allow(clippy::wildcard_enum_match_arm, reason = "a sabotage is about one input")]
mod safety;
#[path = "sabotage/stability.rs"]
#[allow(clippy::wildcard_enum_match_arm, reason = "a sabotage is about one input")]
mod stability;
#[path = "sabotage/surgery.rs"]
mod surgery;
#[path = "explore_walk/wrong.rs"]
mod wrong;

use std::sync::atomic::{AtomicU64, Ordering};

use common::lcg::Lcg;
use common::unlimited;
use iris_check::explore::{
    Counterexample, Draw, Found, Kind, Path, Report, Stop, Subject, Verdict, WalkProgress, Walks,
    search, shorten, walk,
};
use random::{Place, Random};
use stateright::Model;

const MODELS: u64 = 3_000;

fn never() -> Option<Stop> {
    None
}

fn silent(_: WalkProgress) {}

/// So many walks of at most 40 steps, that end where every claim is broken or all are taken.
pub fn walks(walks: u64, seed: u64, threads: usize) -> Walks<'static> {
    Walks {
        walks: Some(walks),
        depth: 40,
        seed,
        draw: Draw::Swarm,
        until: 0,
        threads,
        stop: &never,
        progress: &silent,
    }
}

fn shortest(report: &Report<Place, u8>, claim: usize) -> Option<usize> {
    match &report.verdicts[claim] {
        Verdict::Violated(Counterexample::Finite(path)) => Some(path.steps.len()),
        Verdict::Violated(_) | Verdict::Holds | Verdict::Vacuous | Verdict::Incomplete(_) => None,
    }
}

#[test]
fn what_a_walk_finds_is_real_and_becomes_as_short_as_it_can_be() {
    let (mut broken, mut missed, mut longer) = (0, 0, 0);
    for seed in 0..MODELS {
        let mut model = Random::new(&mut Lcg::new(seed));
        let whole = search(&model, &unlimited(1));
        let draw = if seed % 2 == 0 { Draw::Swarm } else { Draw::Uniform };
        let report = walk(&model, &Walks { draw, ..walks(60, seed, 1) });
        assert_eq!(report.stopped, None);
        for claim in 0..model.claims().len() {
            let found = report.found.iter().find(|found| found.claim == claim);
            let really = shortest(&whole, claim);
            assert!(found.is_none() || really.is_some(), "seed {seed}, claim {claim}");
            broken += u32::from(really.is_some());
            missed += u32::from(really.is_some() && found.is_none());
            let exercised = report.exercised >> claim & 1 == 1;
            assert!(!exercised || whole.witnesses[claim].is_some(), "seed {seed}, claim {claim}");
        }
        for found in report.found {
            assert_eq!(model.claims()[found.claim].kind, Kind::Safety);
            is_real(&model, &found.path, found.claim, seed);
            let short = shorten(&model, found.claim, &found.path, 1_000_000);
            is_real(&model, &short, found.claim, seed);
            for steps in [0, 3, 30] {
                let hasty = shorten(&model, found.claim, &found.path, steps);
                is_real(&model, &hasty, found.claim, seed);
                assert!(hasty.steps.len() <= found.path.steps.len(), "seed {seed}");
            }
            longer += u32::from(found.path.steps.len() > short.steps.len());
            // From the state where this walk began, nothing shorter breaks the claim.
            let inits = std::mem::replace(&mut model.inits, vec![short.init.node]);
            let least = shortest(&search(&model, &unlimited(1)), found.claim);
            model.inits = inits;
            assert_eq!(Some(short.steps.len()), least, "seed {seed}, claim {}", found.claim);
        }
    }
    // Walks miss little here, and there was something to make shorter.
    assert!(broken > 1_000 && missed * 50 < broken, "{missed} of {broken} missed");
    assert!(longer > 100, "{longer}");
}

/// The path can be taken, and breaks the claim at its end and not before.
fn is_real(model: &Random, path: &Path<Place, u8>, claim: usize, seed: u64) {
    let breaks = |place: &Place| (model.broken(place) | model.broken_by_step(place)) >> claim & 1;
    let mut from = &path.init;
    assert!(model.init_states().contains(from) && model.within_boundary(from), "seed {seed}");
    for (action, to) in &path.steps {
        assert_eq!(breaks(from), 0, "seed {seed}: it goes on after the claim is broken");
        let mut actions = Vec::new();
        model.actions(from, &mut actions);
        assert!(actions.contains(action), "seed {seed}");
        let next = model.next_state(from, *action).expect("the step is enabled");
        assert!(next.node == to.node && next.step == to.step, "seed {seed}: another state");
        assert!(model.within_boundary(to), "seed {seed}: over the boundary");
        from = to;
    }
    assert_eq!(breaks(from), 1, "seed {seed}: nothing is broken at the end");
}

#[test]
fn the_same_seed_finds_the_same_with_one_two_and_three_threads() {
    let (mut early, mut differ) = (0, 0);
    for seed in 0..300 {
        let model = Random::new(&mut Lcg::new(seed));
        let until = if seed % 3 == 0 { 0 } else { 3 };
        let [one, two, three] =
            [1, 2, 3].map(|threads| walk(&model, &Walks { until, ..walks(40, seed, threads) }));
        assert_eq!(one, two, "seed {seed}");
        assert_eq!(one, three, "seed {seed}");
        early += u32::from(one.done.walks < 40);
        let other = walk(&model, &Walks { until, ..walks(40, seed + 1, 1) });
        differ += u32::from(one != other);
    }
    assert!(early > 50 && differ > 50, "{early} ended early, {differ} differ by their seed");
}

#[test]
fn what_is_found_first_has_the_lowest_number_and_ends_the_walks() {
    let mut later = 0;
    for seed in 0..500 {
        let model = Random::new(&mut Lcg::new(seed));
        let all = walk(&model, &walks(40, seed, 1));
        assert_eq!(all.done.walks, 40);
        for Found { claim, walk: number, path } in &all.found {
            let to = |n| walk(&model, &walks(n, seed, 2)).found;
            let here = |found: &Found<Place, u8>| found.claim == *claim;
            assert!(!to(*number).iter().any(here), "seed {seed}: a lower walk breaks it");
            let ended = walk(&model, &Walks { until: 1 << claim, ..walks(40, seed, 2) });
            assert_eq!(ended.done.walks, number + 1);
            let last = ended.found.iter().find(|found| here(found)).expect("it is found again");
            assert_eq!((&last.path, last.walk), (path, *number));
            later += u32::from(*number > 0);
        }
    }
    assert!(later > 20, "{later}");
}

#[test]
fn walks_that_are_stopped_say_so_and_keep_what_they_found() {
    // One claim is broken by the first step, and the way goes on.
    let model = common::job::Job::new(2, 2, 4);
    for threads in [1, 2] {
        let calls = AtomicU64::new(0);
        let stop = || (calls.fetch_add(1, Ordering::Relaxed) >= 9).then_some(Stop::Interrupted);
        let report = walk(
            &iris_check::explore::Plain::new(model),
            &Walks { walks: None, stop: &stop, ..walks(0, 1, threads) },
        );
        assert_eq!(report.stopped, Some(Stop::Interrupted));
        assert!(report.done.walks <= 9 && report.done.steps > 0, "{:?}", report.done);
    }
    // An end that comes when all is done stops nothing; none at all are walks, too.
    let report = walk(&iris_check::explore::Plain::new(model), &walks(0, 1, 2));
    assert_eq!((report.done, report.stopped), (WalkProgress::default(), None));
}
