//! The search on disk says what the search in memory says, whatever the memory, the threads, and
//! wherever it is killed; and it never goes on with files that are not as it left them.

mod common;
#[path = "explore_disk/damage.rs"]
mod damage;
#[path = "explore_disk/kills.rs"]
mod kills;
#[path = "explore_differential/random.rs"]
mod random;

use std::fmt::Debug;
use std::path::Path;

use common::commit::TwoPhase;
use common::job::{Fair, Job};
use common::lcg::Lcg;
use common::unlimited;
use iris_check::explore::{
    Disk, DiskError, Limits, Plain, Portable, Report, Stop, Subject, Verdict, search,
    search_on_disk,
};
use random::Random;
use tempfile::TempDir;

fn folder() -> TempDir {
    tempfile::tempdir().expect("the folder for temporary files takes a folder")
}

fn disk(dir: &Path, memory: u64, resume: bool) -> Disk<'_> {
    Disk { dir, memory, identity: "a model\nof these tests", resume }
}

/// The report of a search in a folder of its own. What the engine held is its own affair.
fn on_disk<M: Subject + Portable>(
    model: &M,
    limits: &Limits<'_>,
    memory: u64,
) -> Report<M::State, M::Action> {
    let dir = folder();
    let mut report = search_on_disk(model, limits, &disk(dir.path(), memory, false))
        .unwrap_or_else(|error| panic!("{error}"));
    report.memory = 0;
    report
}

fn in_memory<M: Subject>(model: &M, limits: &Limits<'_>) -> Report<M::State, M::Action> {
    Report { memory: 0, ..search(model, limits) }
}

/// The report but for progress claims: where memory is too little for those, they are left open.
fn without_progress<S: Clone, A: Clone>(
    mut report: Report<S, A>,
    model: &impl Subject,
) -> Report<S, A> {
    let some = if report.states == 0 { Vec::new() } else { model.obligations() };
    for obligation in some {
        report.verdicts[obligation.claim] = Verdict::Incomplete(Stop::Memory);
    }
    report
}

/// Enough for progress of a small model, and little enough that all else spills: a cache of two
/// fingerprints does not help.
const SMALL: u64 = 4 << 10;

#[test]
fn random_models_come_out_as_in_memory() {
    let (mut endless, mut broken) = (0, 0);
    for seed in 0..300 {
        let model = Random::new(&mut Lcg::new(seed));
        let expected = in_memory(&model, &unlimited(1));
        assert_eq!(on_disk(&model, &unlimited(1), SMALL), expected, "seed {seed}");
        for verdict in &expected.verdicts {
            let text = format!("{verdict:?}");
            endless += u32::from(text.contains("Endless"));
            broken += u32::from(text.contains("Finite"));
        }
    }
    assert!(endless > 20 && broken > 20, "{endless} endless, {broken} broken");
}

#[test]
fn larger_ones_too_with_so_little_memory_that_everything_spills() {
    for seed in 0..60 {
        let mut lcg = Lcg::new(seed);
        let count = 100 + lcg.below(900);
        let model = Random::of(&mut lcg, count);
        let expected = in_memory(&model, &unlimited(1));
        let some = on_disk(&model, &unlimited(1 + lcg.below(3)), 256 << 10);
        assert_eq!(some, expected, "seed {seed}");
        let next_to_none = on_disk(&model, &unlimited(1 + lcg.below(3)), 1);
        assert_eq!(next_to_none, without_progress(expected, &model), "seed {seed}");
    }
}

#[test]
fn limits_end_it_where_they_end_the_search_in_memory() {
    let mut stops = 0;
    for seed in 0..300 {
        let mut lcg = Lcg::new(seed);
        let count = 1 + lcg.below(40);
        let model = Random::of(&mut lcg, count);
        let limits = match lcg.below(3) {
            0 => Limits { max_depth: Some(u32::from(lcg.once_in(2))), ..unlimited(1) },
            1 => Limits { max_depth: Some(2), max_states: Some(9), ..unlimited(1) },
            _ => Limits { max_states: Some(lcg.below(30) as u64), ..unlimited(1) },
        };
        let expected = in_memory(&model, &limits);
        stops += u32::from(expected.stopped.is_some());
        assert_eq!(on_disk(&model, &limits, 16 << 10), expected, "seed {seed}");
    }
    assert!(stops > 100, "{stops}");
}

/// What the search holds by its own count is within the limit, which is far below what the search
/// in memory holds.
fn within<M: Subject + Portable>(model: &M, memory: u64, times: u64)
where
    Report<M::State, M::Action>: PartialEq + Debug,
{
    let mut expected = search(model, &unlimited(2));
    assert!(expected.memory > times * memory, "{} in memory", expected.memory);
    let dir = folder();
    let disk = disk(dir.path(), memory, false);
    let mut found = search_on_disk(model, &unlimited(2), &disk).expect("the disk takes it");
    assert!(found.memory <= memory, "{} of {memory}", found.memory);
    (expected.memory, found.memory) = (0, 0);
    assert_eq!(found, expected);
}

#[test]
fn it_holds_no_more_than_it_may() {
    within(&Plain::new(Job::new(2, 1, 2)), 1 << 20, 1);
    within(&Plain::new(TwoPhase { managers: 7 }), 1 << 20, 4);
}

#[test]
fn progress_of_job_dispatch_is_decided_where_memory_suffices() {
    let model = Fair { job: Job::new(2, 1, 2), fair: true };
    let expected = in_memory(&model, &unlimited(2));
    assert_eq!(on_disk(&model, &unlimited(2), 32 << 20), expected);
    let left_open = on_disk(&model, &unlimited(2), 1 << 20);
    assert_eq!(left_open, without_progress(expected, &model));
    assert_eq!(left_open.stopped, None);
}

/// The error of a search that must not come to a report.
fn refused<S, A>(result: Result<Report<S, A>, DiskError>) -> String {
    match result {
        Ok(_) => panic!("it came to a report"),
        Err(error) => error.to_string(),
    }
}
