//! The modelled cluster searched by our engine and by `stateright`'s: the very same model in the
//! same run, states counted alike, the best of a few rounds of each in turn. Ours also decides
//! progress, which theirs cannot; what they decide alike are the claims about states and steps.
//!
//! `cargo bench --bench cluster` takes `mix`; names after `--` choose other scopes (`gang`), and a
//! number is that of the rounds.
#![allow(clippy::print_stdout, reason = "a bench prints what it measured")]

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use iris_check::check::{ClusterModel, Scope, State};
use iris_check::explore::{Coded, Limits, Memory, Subject, fingerprint, search, search_coded};
use stateright::{Checker, Model};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The code of a state.
type Code = <ClusterModel as Coded>::Code;

fn main() {
    // Cargo adds `--bench`.
    let words: Vec<String> = std::env::args().skip(1).filter(|it| it != "--bench").collect();
    let rounds = words.iter().find_map(|word| word.parse().ok()).unwrap_or(1);
    let mut names: Vec<&str> = words.iter().map(String::as_str).collect();
    names.retain(|word| word.parse::<u32>().is_err());
    if names.is_empty() {
        names.push("mix");
    }
    for name in names {
        let scope = Scope::named(name).unwrap_or_else(|| panic!("no scope is called {name}"));
        compare(&scope, rounds);
    }
}

fn limits(threads: usize) -> Limits<'static> {
    Limits {
        max_states: None,
        max_depth: None,
        max_memory: None,
        threads,
        stop: &|| None,
        progress: &|_| (),
    }
}

/// Time by the clock, and what all threads took from the processors.
#[derive(Clone, Copy)]
struct Took {
    clock: Duration,
    worked: Duration,
}

fn time<R>(run: impl FnOnce() -> R) -> (Took, R) {
    #[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
    let start = Instant::now();
    let before = worked();
    let result = run();
    let clock = start.elapsed();
    let spent = worked().zip(before).and_then(|(after, before)| after.checked_sub(before));
    (Took { clock, worked: spent.unwrap_or(clock) }, result)
}

/// Time that all threads of this process took from the processors, where the system says it.
fn worked() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/self/stat").ok()?;
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at)?.parse::<u64>().ok();
    Some(Duration::from_millis(10 * (ticks(11)? + ticks(12)?)))
}

/// The best time of some runs of the same search, each on a model of its own.
fn best(rounds: u32, states: u64, mut run: impl FnMut(ClusterModel) -> u64, scope: &Scope) -> Took {
    let one = |_| {
        let model = ClusterModel::new(scope.clone());
        let (took, found) = time(|| run(model));
        assert_eq!(found, states, "{}: states", scope.name);
        took
    };
    let all: Vec<Took> = (0..rounds.max(1)).map(one).collect();
    let least = |of: fn(&Took) -> Duration| all.iter().map(of).min().unwrap_or_default();
    Took { clock: least(|took| took.clock), worked: least(|took| took.worked) }
}

fn compare(scope: &Scope, rounds: u32) {
    let name = &scope.name;
    let model = ClusterModel::new(scope.clone());
    let codes = reachable(&model);
    let states = codes.len() as u64;
    println!("{name}: {states} states");
    for threads in [1, 2] {
        let limits = limits(threads);
        let exact = best(
            rounds,
            states,
            |model| search_coded(&model, Memory::Codes, &limits).states,
            scope,
        );
        let hash = best(rounds, states, |model| search(&model, &limits).states, scope);
        let theirs = |model: ClusterModel| {
            model.checker().threads(threads).spawn_bfs().join().unique_state_count() as u64
        };
        let bfs = best(rounds, states, theirs, scope);
        for (what, ours) in [("exact", exact), ("hash", hash)] {
            println!(
                "  {threads} thread(s) {what:5} {:>7.2?}, stateright BFS {:>7.2?}: {:.2} times by \
                 the clock, {:.2} times in processor time",
                ours.clock,
                bfs.clock,
                times(bfs.clock, ours.clock),
                times(bfs.worked, ours.worked),
            );
        }
        if threads == 1 {
            for (what, ours, alone) in [
                ("exact", exact, drive(&model, &codes, |state| model.encode(state)[0])),
                ("hash", hash, drive(&model, &codes, fingerprint)),
            ] {
                let share = 100.0 * (1.0 - alone.worked.as_secs_f64() / ours.worked.as_secs_f64());
                println!("  engine beside machines, claims and {what}: {share:.0} % of the search");
            }
        }
    }
}

/// The states that are reached, in the order of a search.
fn reachable(model: &ClusterModel) -> Vec<Code> {
    let mut known = BTreeSet::new();
    let mut found: Vec<Code> = Vec::new();
    let mut next = 0;
    let mut actions = Vec::new();
    let mut add = |state: &State, found: &mut Vec<Code>| {
        let code = model.encode(state);
        if known.insert(code) {
            found.push(code);
        }
    };
    model.init_states().iter().for_each(|state| add(state, &mut found));
    while next < found.len() {
        let state = model.decode(&found[next]);
        next += 1;
        model.actions(&state, &mut actions);
        for action in actions.drain(..) {
            if let Some(after) = model.next_state(&state, action) {
                add(&after, &mut found);
            }
        }
    }
    found
}

/// What the machines, the claims and telling states apart take of a search: all that is asked of
/// the model, for the same states, with nothing kept. On one thread.
fn drive(model: &ClusterModel, codes: &[Code], print: impl Fn(&State) -> u64) -> Took {
    let mut actions = Vec::new();
    let mut sum = 0;
    let (took, ()) = time(|| {
        for code in codes {
            let state = model.decode(code);
            sum ^= model.broken(&state) ^ model.open(&state) ^ model.arises(&state);
            model.actions(&state, &mut actions);
            for action in actions.drain(..) {
                std::hint::black_box(model.fairness(&state, &action));
                if let Some(after) = model.next_state(&state, action) {
                    sum ^= model.broken_by_step(&after)
                        ^ model.exercised_by_step(&after)
                        ^ print(&after);
                }
            }
        }
    });
    std::hint::black_box(sum);
    took
}

fn times(long: Duration, short: Duration) -> f64 {
    long.as_secs_f64() / short.as_secs_f64()
}
