//! What several tests share: processes (`bench`), chance (`lcg`), models for the exploration
//! engine (`commit`, `job`, `paxos`), several processes of one search (`hosts`), and here helpers
//! for it.
#![allow(dead_code, reason = "each test uses its part")]

pub mod bench;
pub mod commit;
pub mod hosts;
pub mod job;
pub mod lcg;
pub mod paxos;

use iris_check::explore::{Limits, Progress, Stop};

pub fn never() -> Option<Stop> {
    None
}

pub fn silent(_: Progress) {}

/// No limit at all.
pub fn unlimited(threads: usize) -> Limits<'static> {
    Limits {
        max_states: None,
        max_depth: None,
        max_memory: None,
        threads,
        stop: &never,
        progress: &silent,
    }
}
