//! Searches that are killed, interrupted, or stopped by a limit, and resumed.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use iris_check::explore::{Limits, Progress, Stop, Verdict, search_on_disk};

use super::common::job::{Fair, Job};
use super::common::lcg::Lcg;
use super::common::{never, silent, unlimited};
use super::random::Random;
use super::{disk, folder, in_memory};

/// A folder as a process that is killed now leaves it.
pub fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).expect("it is there") {
        let entry = entry.expect("it is there");
        fs::copy(entry.path(), to.join(entry.file_name())).expect("there is room");
    }
}

/// The depth of the deepest level that a checkpoint knows.
fn depth_kept(dir: &Path) -> u32 {
    let text = fs::read_to_string(dir.join("manifest")).expect("there is a checkpoint");
    let levels = text.lines().find_map(|line| line.strip_prefix("levels"));
    let levels = levels.expect("it says so").split_whitespace().count();
    u32::try_from(levels).expect("few levels").saturating_sub(1)
}

/// Kills a search whenever it asks whether to end, this often at most, and resumes what was left.
fn killed_anywhere<M>(model: &M, memory: u64, every: usize) -> usize
where
    M: iris_check::explore::Subject + iris_check::explore::Portable,
    M::State: std::fmt::Debug,
    M::Action: std::fmt::Debug,
{
    let expected = in_memory(model, &unlimited(1));
    let dir = folder();
    let (asked, deepest) = (AtomicUsize::new(0), AtomicU32::new(0));
    let kills = std::sync::Mutex::new(Vec::new());
    let stop = || {
        if asked.fetch_add(1, Ordering::Relaxed) % every == 0 {
            let killed = folder();
            copy(dir.path(), killed.path());
            kills.lock().expect("nobody panics").push((killed, deepest.load(Ordering::Relaxed)));
        }
        None
    };
    let progress = |so_far: Progress| {
        deepest.store(so_far.depth, Ordering::Relaxed);
    };
    let limits = Limits { stop: &stop, progress: &progress, ..unlimited(1) };
    let mut found = search_on_disk(model, &limits, &disk(dir.path(), memory, false))
        .expect("the disk takes it");
    found.memory = 0;
    assert_eq!(found, expected);
    let kills = kills.into_inner().expect("nobody panics");
    for (at, (killed, depth)) in kills.iter().enumerate() {
        assert!(depth_kept(killed.path()) >= *depth, "more than a level is lost");
        let disk = disk(killed.path(), memory, true);
        let mut found = search_on_disk(model, &unlimited(2), &disk)
            .unwrap_or_else(|error| panic!("kill {at}: {error}"));
        found.memory = 0;
        assert_eq!(found, expected, "kill {at}");
    }
    kills.len()
}

#[test]
fn whenever_it_is_killed_it_goes_on_to_the_same_report() {
    let mut kills = 0;
    for seed in 0..20 {
        let mut lcg = Lcg::new(seed);
        let count = 20 + lcg.below(200);
        kills += killed_anywhere(&Random::of(&mut lcg, count), 64 << 10, 1);
    }
    assert!(kills > 300, "{kills}");
    let job = Fair { job: Job::new(1, 1, 2), fair: true };
    assert!(killed_anywhere(&job, 512 << 10, 3) > 10);
}

#[test]
fn what_is_interrupted_again_and_again_comes_to_the_same_report() {
    for seed in 0..20 {
        let mut lcg = Lcg::new(seed);
        let count = 50 + lcg.below(200);
        let model = Random::of(&mut lcg, count);
        let expected = in_memory(&model, &unlimited(1));
        let dir = folder();
        for round in 0..1000 {
            let asked = AtomicUsize::new(0);
            let stop = || {
                let late = asked.fetch_add(1, Ordering::Relaxed) > 12;
                late.then_some(Stop::Interrupted)
            };
            let limits = Limits { stop: &stop, ..unlimited(1) };
            let report = search_on_disk(&model, &limits, &disk(dir.path(), 64 << 10, round > 0))
                .unwrap_or_else(|error| panic!("seed {seed}, round {round}: {error}"));
            let Some(stop) = report.stopped else {
                let whole = (expected.states, expected.transitions, expected.depth);
                assert_eq!((report.states, report.transitions, report.depth), whole, "seed {seed}");
                break;
            };
            assert_eq!(stop, Stop::Interrupted);
            assert!(!passes(&report.verdicts), "an early end that looks like a pass, seed {seed}");
        }
        // What takes longer than one round never ends there.
        let disk = disk(dir.path(), 64 << 10, true);
        let mut found = search_on_disk(&model, &unlimited(1), &disk).expect("it goes on");
        found.memory = 0;
        assert_eq!(found, expected, "seed {seed}");
    }
}

/// Does some claim about all states hold? The third is one about some state.
fn passes<S, A>(verdicts: &[Verdict<S, A>]) -> bool {
    let passes = |verdict: &Verdict<S, A>| matches!(verdict, Verdict::Holds | Verdict::Vacuous);
    verdicts.iter().enumerate().any(|(at, verdict)| at != 2 && passes(verdict))
}

#[test]
fn a_limit_can_be_lifted() {
    for seed in 0..40 {
        let mut lcg = Lcg::new(seed);
        let count = 50 + lcg.below(200);
        let model = Random::of(&mut lcg, count);
        let dir = folder();
        let mut resume = false;
        for most in [3, 17, 60] {
            let by_states = lcg.once_in(2);
            let limits = Limits {
                max_states: by_states.then_some(most),
                max_depth: (!by_states).then_some(2),
                max_memory: None,
                threads: 1,
                stop: &never,
                progress: &silent,
            };
            let disk = disk(dir.path(), 64 << 10, resume);
            let mut found = search_on_disk(&model, &limits, &disk).expect("it goes on");
            found.memory = 0;
            // What was found with a wider limit before is known, of course.
            if found.stopped.is_some() && most == 3 {
                assert_eq!(found, in_memory(&model, &limits), "seed {seed}");
            }
            resume = true;
        }
        let disk = disk(dir.path(), 64 << 10, true);
        let mut found = search_on_disk(&model, &unlimited(1), &disk).expect("it goes on");
        found.memory = 0;
        assert_eq!(found, in_memory(&model, &unlimited(1)), "seed {seed}");
    }
}
