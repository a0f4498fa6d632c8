//! How many drawn runs a second one core plays against the cluster in virtual time, and how near
//! its rate of gRPC calls comes to that of calls that do nothing: the same transport, one client,
//! one server that answers at once, in the same rounds.

#![expect(clippy::print_stdout, reason = "numbers are for whoever asked for them")]
#![expect(clippy::disallowed_methods, reason = "time is what is measured")]

#[path = "conform/bare.rs"]
mod bare;

use std::time::Instant;

use iris_check::conform::generate::Runs;
use iris_check::conform::in_process::InProcess;
use iris_check::conform::play::{Outcome, play};
use iris_check::conform::run::Run;
use iris_check::conform::subject::Stand;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// As in the program itself.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Slices of the work, one of each kind after the other: what disturbs one disturbs the next.
const SLICES: usize = 20;
/// Runs of a slice.
const RUNS: usize = 20;
/// Operations of each run.
const STEPS: usize = 20;
/// Calls of a slice that do nothing.
const BARE: u32 = 2_000;

fn main() {
    let stand = InProcess::virtual_time();
    let runs = drawn(&stand);
    let mut slices: Vec<Slice> = runs.chunks(RUNS).map(|runs| slice(&stand, runs)).collect();
    slices.sort_by(|one, other| one.share().total_cmp(&other.share()));
    for (name, at) in [("least", 0), ("median", slices.len() / 2), ("most", slices.len() - 1)] {
        println!("{name}: {}", slices[at]);
    }
    println!("all: {}", Slice::all(&slices));
}

/// Runs of as many operations each.
fn drawn(stand: &InProcess) -> Vec<Run> {
    let strategy = Runs { steps: (STEPS, STEPS), ..Runs::from(stand.abilities()) };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let draw = |_| strategy.new_tree(&mut runner).expect("it filters nothing").current();
    (0..SLICES * RUNS).map(draw).collect()
}

/// What was done, and how long it took in seconds.
#[derive(Default)]
struct Slice {
    runs: f64,
    calls: f64,
    played: f64,
    bare_calls: f64,
    bare: f64,
}

impl Slice {
    fn all(slices: &[Self]) -> Self {
        slices.iter().fold(Self::default(), |all, it| Self {
            runs: all.runs + it.runs,
            calls: all.calls + it.calls,
            played: all.played + it.played,
            bare_calls: all.bare_calls + it.bare_calls,
            bare: all.bare + it.bare,
        })
    }

    fn share(&self) -> f64 {
        (self.calls / self.played) / (self.bare_calls / self.bare)
    }
}

impl std::fmt::Display for Slice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{:.0} runs of {STEPS} operations a second on one core, {:.0} calls each; {:.0} calls \
             a second, bare {:.0}: {:.0} %",
            self.runs / self.played,
            self.calls / self.runs,
            self.calls / self.played,
            self.bare_calls / self.bare,
            self.share() * 100.0
        )
    }
}

#[expect(clippy::cast_precision_loss, reason = "they are some thousands")]
fn slice(stand: &InProcess, runs: &[Run]) -> Slice {
    let mut calls = 0;
    let start = Instant::now();
    for run in runs {
        let played = play(run, stand);
        assert_eq!(played.outcome, Outcome::Agrees, "{}", run.to_json());
        calls += played.found.calls;
    }
    let played = start.elapsed().as_secs_f64();
    let calls = calls as f64;
    let start = Instant::now();
    bare::calls(BARE);
    let bare = start.elapsed().as_secs_f64();
    Slice { runs: runs.len() as f64, calls, played, bare_calls: f64::from(BARE), bare }
}
