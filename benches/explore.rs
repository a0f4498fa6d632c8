//! The engine beside `stateright`'s own searches: the same models in the same run, states and
//! transitions counted alike, the best of a few rounds of each in turn.
//!
//! `cargo bench --bench explore` takes all models; names after `--` choose (`2pc7`, `paxos`,
//! `job213`), and a number is that of the rounds. `--one job213 exact 2` runs one engine on one
//! model and prints one line of JSON: `benches/peers/compare` measures such processes beside other
//! checkers.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a bench prints what it measured")]

#[path = "../tests/common/mod.rs"]
mod common;
#[path = "explore/one.rs"]
mod one;

use std::collections::BTreeMap;
use std::hash::Hash;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use common::commit::TwoPhase;
use common::job::{Fair, Job};
use common::paxos::paxos;
use common::unlimited;
use iris_check::explore::{Coded, Memory, Plain, Report, Verdict, search, search_coded};
use stateright::{Checker, Model};

/// Unique states and transitions.
type Counts = (u64, u64);

fn main() -> ExitCode {
    // Cargo adds `--bench`.
    let words: Vec<String> = std::env::args().skip(1).filter(|it| it != "--bench").collect();
    let Some(("--one", rest)) = words.split_first().map(|(first, rest)| (first.as_str(), rest))
    else {
        compare_all(&words);
        return ExitCode::SUCCESS;
    };
    match one::run(rest) {
        Ok(line) => println!("{line}"),
        Err(says) => {
            eprintln!("{says}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn compare_all(words: &[String]) {
    let rounds = words.iter().find_map(|word| word.parse().ok()).unwrap_or(3);
    let names: Vec<&String> = words.iter().filter(|word| word.parse::<u32>().is_err()).collect();
    let chosen = |name: &str| names.is_empty() || names.iter().any(|it| *it == name);
    for (name, managers, counts) in
        [("2pc7", 7, (296_448, 2_744_705)), ("2pc8", 8, (1_745_408, 18_507_777))]
    {
        if chosen(name) {
            compare(name, &TwoPhase { managers }, counts, rounds);
        }
    }
    if chosen("paxos") {
        actors("paxos", (16_668, 32_970), rounds);
    }
    let jobs = [
        ("job212", Job::new(2, 1, 2), (83_166, 827_374)),
        ("job222", Job::new(2, 2, 2), (1_893_408, 22_472_992)),
        ("job213", Job::new(2, 1, 3), (4_947_852, 70_732_952)),
    ];
    for (name, job, counts) in jobs {
        if chosen(name) {
            compare(name, &job, counts, rounds);
            fairness(name, job, rounds);
        }
    }
}

/// Both engines on a model of stateright's actors, which has no code.
fn actors(name: &str, (states, transitions): Counts, rounds: u32) {
    let ours = Plain::new(paxos(3, 2));
    let mut best = Best::default();
    for _ in 0..rounds {
        for threads in [1, 2] {
            let mut time = |what, run: &mut dyn FnMut() -> Counts| {
                assert_eq!(best.time((what, threads), run), (states, transitions), "{name}");
            };
            time("hash", &mut || counts(&search(&ours, &unlimited(threads))));
            let theirs = || paxos(3, 2).checker().threads(threads);
            time("BFS", &mut || theirs_found(&theirs().spawn_bfs().join(), 1));
            time("DFS", &mut || theirs_found(&theirs().spawn_dfs().join(), 1));
        }
    }
    println!("{name}: {states} states, {transitions} transitions");
    show(&best, &["hash"]);
}

/// What one of stateright's checkers has counted: initial states are no transitions.
fn theirs_found<M: Model>(done: &impl Checker<M>, inits: u64) -> Counts {
    (done.unique_state_count() as u64, done.state_count() as u64 - inits)
}

/// Both engines on one model.
fn compare<M>(name: &str, model: &M, (states, transitions): Counts, rounds: u32)
where
    M: Coded<State: Clone + Hash + Eq + Send + Sync, Action: Clone + PartialEq + Send + Sync>
        + Clone
        + Send
        + Sync
        + 'static,
{
    let ours = Plain::new(model.clone());
    let mut best = Best::default();
    let mut bytes = 0;
    for _ in 0..rounds {
        for threads in [1, 2] {
            let limits = unlimited(threads);
            let mut time = |what, run: &mut dyn FnMut() -> Counts| {
                let (found, all) = best.time((what, threads), run);
                assert_eq!(found, states, "{name}: states");
                assert_eq!(all, transitions, "{name}: transitions");
            };
            time("exact", &mut || {
                let report = search_coded(&ours, Memory::Codes, &limits);
                bytes = report.memory;
                (report.states, report.transitions)
            });
            time("hash", &mut || counts(&search(&ours, &limits)));
            let theirs = || model.clone().checker().threads(threads);
            let inits = model.init_states().len() as u64;
            time("BFS", &mut || theirs_found(&theirs().spawn_bfs().join(), inits));
            time("DFS", &mut || theirs_found(&theirs().spawn_dfs().join(), inits));
        }
    }
    println!(
        "{name}: {states} states, {transitions} transitions, {:.1} bytes/state exact with parents",
        ratio_of(bytes, states)
    );
    show(&best, &["exact", "hash"]);
}

fn show(best: &Best, ours: &[&'static str]) {
    for threads in [1, 2] {
        let of = |what| best.of((what, threads));
        for ours in ours.iter().copied() {
            println!(
                "  {threads} thread(s) {ours:5} {:>8.2?}  stateright BFS {:.2?} = {:.1} times, \
                 DFS {:.2?} = {:.1} times",
                of(ours),
                of("BFS"),
                times(of("BFS"), of(ours)),
                of("DFS"),
                times(of("DFS"), of(ours)),
            );
        }
    }
    let gain = |what| times(best.by_clock((what, 1)), best.by_clock((what, 2)));
    for ours in ours {
        println!("  2 threads against 1: {ours} {:.2} times", gain(ours));
    }
}

/// Progress beside the safety run of the same model, without and with fairness.
fn fairness(name: &str, job: Job, rounds: u32) {
    let mut best = Best::default();
    let plain = Plain::new(job);
    for _ in 0..rounds {
        best.time(("safety", 1), &mut || {
            counts(&search_coded(&plain, Memory::Codes, &unlimited(1)))
        });
        for (what, fair) in [("fair", true), ("unfair", false)] {
            best.time((what, 1), &mut || {
                let model = Fair { job, fair };
                let report = search_coded(&model, Memory::Codes, &unlimited(1));
                assert_eq!(fair, report.verdicts[1] == Verdict::Holds, "{name} {what}");
                counts(&report)
            });
        }
    }
    let of = |what| times(best.of((what, 1)), best.of(("safety", 1)));
    println!(
        "  progress: holds in {:.2} times the safety run, is violated in {:.2} times",
        of("fair"),
        of("unfair")
    );
}

fn counts<S, A>(report: &Report<S, A>) -> Counts {
    (report.states, report.transitions)
}

/// The best times of each engine with so many threads: of one thread that of the processor, which
/// others on the machine take least from; of several that of the clock. And that of the clock of
/// both, to hold one against the other.
#[derive(Default)]
struct Best(BTreeMap<(&'static str, usize), (Duration, Duration)>);

/// Time that all threads of this process took from the processors, where the system says it: in
/// hundredths of a second.
fn worked() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/self/stat").ok()?;
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at)?.parse::<u64>().ok();
    Some(Duration::from_millis(10 * (ticks(11)? + ticks(12)?)))
}

impl Best {
    fn time(&mut self, what: (&'static str, usize), run: &mut dyn FnMut() -> Counts) -> Counts {
        #[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
        let start = Instant::now();
        let before = worked();
        let counts = run();
        let clock = start.elapsed();
        let mut spent = clock;
        if let (1, Some(before), Some(after)) = (what.1, before, worked())
            && after > before
        {
            spent = after.checked_sub(before).unwrap_or(spent);
        }
        let best = self.0.entry(what).or_insert((spent, clock));
        *best = (spent.min(best.0), clock.min(best.1));
        counts
    }

    fn of(&self, what: (&'static str, usize)) -> Duration {
        self.0[&what].0
    }

    fn by_clock(&self, what: (&'static str, usize)) -> Duration {
        self.0[&what].1
    }
}

fn times(long: Duration, short: Duration) -> f64 {
    long.as_secs_f64() / short.as_secs_f64()
}

#[expect(clippy::cast_precision_loss, reason = "it is shown with one decimal")]
fn ratio_of(bytes: u64, states: u64) -> f64 {
    bytes as f64 / states as f64
}
