//! A search that ended early never says that all is well: 100 random graphs, every limit, every way
//! to keep the states.

mod common;
#[path = "explore_stateright/paths.rs"]
mod paths;

use std::sync::atomic::{AtomicU64, Ordering};

use common::job::{Fair, Job};
use common::lcg::Lcg;
use common::unlimited;
use iris_check::explore::{Limits, Memory, Report, Stop, Verdict, search, search_coded};
use paths::Paths;

/// Both searches by code and the one by fingerprint of states.
const WAYS: [Option<Memory>; 3] = [None, Some(Memory::Codes), Some(Memory::Fingerprints)];

fn by(way: Option<Memory>, model: &Paths, limits: &Limits) -> Report<u16, u16> {
    way.map_or_else(|| search(model, limits), |memory| search_coded(model, memory, limits))
}

#[test]
fn every_limit_ends_incomplete_in_100_generated_runs() {
    let mut early = [0; 5];
    for seed in 0..100 {
        let mut lcg = Lcg::new(seed);
        let count = u16::try_from(500 + lcg.below(3_000)).expect("small");
        let mut model = Paths::random(&mut lcg, count);
        // Nothing is broken, and an obligation arises nowhere: only the limit can spoil it.
        model.broken = Some(u16::MAX);
        model.open.clear();
        let share = 1 + lcg.below(9) as u64;
        for way in WAYS {
            let whole = by(way, &model, &unlimited(1));
            assert_eq!(whole.verdicts, [Verdict::Holds, Verdict::Holds], "seed {seed}");
            let calls = AtomicU64::new(0);
            let after = |stop| {
                let calls = calls.fetch_add(1, Ordering::Relaxed);
                (calls >= share % 4).then_some(stop)
            };
            let (time, interrupted) = (|| after(Stop::Time), || after(Stop::Interrupted));
            let depth = u64::from(whole.depth) * share / 10;
            let none = unlimited(1);
            let states = whole.states * share / 10;
            // An empty search takes some memory too, and what it takes is not for states.
            let least = by(way, &model, &Limits { max_states: Some(1), ..none }).memory;
            let memory = least + (whole.memory - least) * share / 10;
            let rows = [
                (Stop::States, Limits { max_states: Some(states), ..none }),
                (Stop::Depth, Limits { max_depth: u32::try_from(depth).ok(), ..none }),
                (Stop::Memory, Limits { max_memory: Some(memory), ..none }),
                (Stop::Time, Limits { stop: &time, ..none }),
                (Stop::Interrupted, Limits { stop: &interrupted, ..none }),
            ];
            for (early, (stop, limits)) in early.iter_mut().zip(rows) {
                for threads in [1, 2] {
                    calls.store(0, Ordering::Relaxed);
                    let report = by(way, &model, &Limits { threads, ..limits });
                    let said = format!("seed {seed} {way:?} {stop:?} {threads}: {report:?}");
                    assert_eq!(report.stopped, Some(stop), "{said}");
                    let verdict = Verdict::Incomplete(stop);
                    assert_eq!(report.verdicts, [verdict.clone(), verdict], "{said}");
                    *early += u32::from(report.states < whole.states);
                }
            }
        }
    }
    // Most of them ended before all states were found: the limits were real ones.
    assert!(early.iter().all(|count| *count > 300), "{early:?}");
}

#[test]
fn progress_of_job_dispatch_is_decided_without_stored_edges() {
    for (job, states) in [(Job::new(1, 1, 1), 49), (Job::new(2, 1, 2), 83_166)] {
        for threads in [1, 2] {
            let fair = Fair { job, fair: true };
            let unfair = Fair { job, fair: false };
            for (model, holds) in [(fair, true), (unfair, false)] {
                let stored = search(&model, &unlimited(threads));
                let mut again = search_coded(&model, Memory::Codes, &unlimited(threads));
                assert_eq!((again.states, again.verdicts[1] == Verdict::Holds), (states, holds));
                assert!(again.memory < stored.memory, "{} {}", again.memory, stored.memory);
                (again.memory, again.collision_odds) = (stored.memory, stored.collision_odds);
                assert_eq!(again, stored);
            }
        }
    }
}
