//! The engine and `stateright`'s own breadth-first search on two-phase commit with 7 resource
//! managers: the same model, the same run, 1 and 2 threads. The best of a few rounds counts.
#![allow(clippy::print_stdout, reason = "a bench prints what it measured")]

#[path = "../tests/common/mod.rs"]
mod common;

use std::time::{Duration, Instant};

use common::{TwoPhase, unlimited};
use iris_check::explore::{Plain, search};
use stateright::{Checker, Model};

const MANAGERS: u8 = 7;
const STATES: u64 = 296_448;
const ROUNDS: usize = 3;

fn main() {
    println!("two-phase commit, {MANAGERS} resource managers, {STATES} states");
    for threads in [1, 2] {
        let ours = best(|| search(&Plain::new(model()), &unlimited(threads)).states);
        let theirs = best(|| {
            let checker = model().checker().threads(threads).spawn_bfs().join();
            checker.unique_state_count() as u64
        });
        let ratio = theirs.as_secs_f64() / ours.as_secs_f64();
        println!("{threads} thread(s): ours {ours:.2?}, stateright {theirs:.2?}, {ratio:.1} times");
    }
}

fn model() -> TwoPhase {
    TwoPhase { managers: MANAGERS }
}

fn best(run: impl Fn() -> u64) -> Duration {
    let round = |_| {
        #[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
        let start = Instant::now();
        assert_eq!(run(), STATES);
        start.elapsed()
    };
    (0..ROUNDS).map(round).min().expect("at least one round")
}
