//! The modelled cluster searched by our engine and by `stateright`'s: the very same model in the
//! same run, states counted alike, the best of a few rounds of each in turn. Ours also decides
//! progress, which theirs cannot; what they decide alike are the claims about states and steps.
//! Each run has a model of its own, so that none finds remembered what another one asked. The exact
//! search asks it for the steps of whole states and works with codes; theirs asks for one step at a
//! time, as every [`Model`] can be asked, and hashes what it gets.
//!
//! The engine's own share of a search is what is left of its time, in processor time of one
//! thread, without what it asks of the model: the same states are expanded in the same order by a
//! model of its own, told from a record which steps lead to a new state. That counts the actions,
//! the machines, the canonical form, the judging of claims and obligations, fairness, and codes or
//! fingerprints. It leaves out looking states up, storing them and their steps, and deciding
//! progress, which is named apart: they are the engine's.
//!
//! `cargo bench --bench cluster` takes `mix`; names after `--` choose other scopes (`gang`), and a
//! number is that of the rounds.
#![allow(clippy::print_stdout, reason = "a bench prints what it measured")]

use std::collections::{BTreeSet, VecDeque};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use iris_check::check::{ClusterModel, Scope, State};
use iris_check::explore::{
    Coded, Limits, Memory, Phase, Progress, Subject, fingerprint, search, search_coded,
};
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

fn limits(threads: usize, progress: &(dyn Fn(Progress) + Sync)) -> Limits<'_> {
    Limits {
        max_states: None,
        max_depth: None,
        max_memory: None,
        threads,
        stop: &|| None,
        progress,
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

/// The best time of some runs, each on a model of its own.
fn best(rounds: u32, scope: &Scope, mut run: impl FnMut(ClusterModel)) -> Took {
    let one = |_| {
        let model = ClusterModel::new(scope.clone());
        time(|| run(model)).0
    };
    let all: Vec<Took> = (0..rounds.max(1)).map(one).collect();
    let least = |of: fn(&Took) -> Duration| all.iter().map(of).min().unwrap_or_default();
    Took { clock: least(|took| took.clock), worked: least(|took| took.worked) }
}

fn compare(scope: &Scope, rounds: u32) {
    let name = &scope.name;
    let record = Record::of(scope);
    println!("{name}: {} states, {} transitions", record.states, record.fresh.len());
    for threads in [1, 2] {
        let visited = Mutex::new(None);
        let note = |progress: Progress| {
            let mut visited = visited.lock().expect("no thread panics");
            if progress.phase == Phase::Progress && visited.is_none() {
                *visited = worked();
            }
        };
        let limits = limits(threads, &note);
        let mut deciding = Duration::MAX;
        let exact = best(rounds, scope, |model| {
            *visited.lock().expect("no thread panics") = None;
            let states = search_coded(&model, Memory::Codes, &limits).states;
            assert_eq!(states, record.states, "{name}: states");
            let visited = *visited.lock().expect("no thread panics");
            let since = worked().zip(visited).and_then(|(now, then)| now.checked_sub(then));
            deciding = deciding.min(since.unwrap_or_default());
        });
        let hash = best(rounds, scope, |model| {
            assert_eq!(search(&model, &limits).states, record.states, "{name}: states");
        });
        let bfs = best(rounds, scope, |model| {
            let states = model.checker().threads(threads).spawn_bfs().join().unique_state_count();
            assert_eq!(states as u64, record.states, "{name}: states of stateright");
        });
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
            let of = |alone: Took, ours: Took| {
                100.0 * (1.0 - alone.worked.as_secs_f64() / ours.worked.as_secs_f64())
            };
            let by_code = best(rounds, scope, |model| record.drive_codes(&model));
            let by_state = best(rounds, scope, |model| record.drive_states(&model));
            println!(
                "  engine beside machines, claims and codes or fingerprints: exact {:.0} % of the \
                 search ({:.0} % is deciding progress), hash {:.0} %",
                of(by_code, exact),
                100.0 * times(deciding, exact.worked),
                of(by_state, hash),
            );
        }
    }
}

/// Which transitions lead to a new state, in the order of a search.
struct Record {
    states: u64,
    fresh: Vec<bool>,
}

impl Record {
    fn of(scope: &Scope) -> Self {
        let model = ClusterModel::new(scope.clone());
        let (mut known, mut left) = (BTreeSet::new(), VecDeque::new());
        let (mut fresh, mut actions) = (Vec::new(), Vec::new());
        for state in model.init_states() {
            known.insert(model.encode(&state));
            left.push_back(model.encode(&state));
        }
        while let Some(code) = left.pop_front() {
            let state = model.decode(&code);
            model.actions(&state, &mut actions);
            for after in actions.drain(..).filter_map(|action| model.next_state(&state, action)) {
                let code = model.encode(&after);
                fresh.push(known.insert(code));
                if fresh.last() == Some(&true) {
                    left.push_back(code);
                }
            }
        }
        Self { states: known.len() as u64, fresh }
    }

    /// All that an exact search asks of the model.
    fn drive_codes(&self, model: &ClusterModel) {
        let mut left: VecDeque<Code> =
            model.init_states().iter().map(|state| model.encode(state)).collect();
        let mut fresh = self.fresh.iter();
        let (mut steps, mut actions, mut sum) = (Vec::new(), Vec::new(), 0);
        while let Some(code) = left.pop_front() {
            let state = model.decode(&code);
            if let Some(judged) = model.steps(&state, &code, &mut steps) {
                sum ^= judged.broken ^ judged.open ^ judged.arises;
                for step in steps.drain(..) {
                    sum ^= step.broken ^ step.exercised ^ fingerprint(&step.code);
                    if fresh.next() == Some(&true) {
                        left.push_back(step.code);
                    }
                }
                continue;
            }
            sum ^= model.broken(&state) ^ model.open(&state) ^ model.arises(&state);
            model.actions(&state, &mut actions);
            for action in actions.drain(..) {
                std::hint::black_box(model.fairness(&state, &action));
                if let Some(after) = model.next_state(&state, action) {
                    let code = model.encode(&after);
                    sum ^= model.broken_by_step(&after) ^ model.exercised_by_step(&after);
                    sum ^= fingerprint(&code);
                    if fresh.next() == Some(&true) {
                        left.push_back(code);
                    }
                }
            }
        }
        assert!(fresh.next().is_none(), "all transitions were taken");
        std::hint::black_box(sum);
    }

    /// All that a search by fingerprints asks of the model.
    fn drive_states(&self, model: &ClusterModel) {
        let mut left: VecDeque<State> = model.init_states().into();
        let mut fresh = self.fresh.iter();
        let (mut actions, mut sum) = (Vec::new(), 0);
        while let Some(state) = left.pop_front() {
            sum ^= model.broken(&state) ^ model.open(&state) ^ model.arises(&state);
            model.actions(&state, &mut actions);
            for action in actions.drain(..) {
                std::hint::black_box(model.fairness(&state, &action));
                if let Some(after) = model.next_state(&state, action) {
                    sum ^= model.broken_by_step(&after) ^ model.exercised_by_step(&after);
                    sum ^= fingerprint(&after);
                    if fresh.next() == Some(&true) {
                        left.push_back(after);
                    }
                }
            }
        }
        assert!(fresh.next().is_none(), "all transitions were taken");
        std::hint::black_box(sum);
    }
}

fn times(long: Duration, short: Duration) -> f64 {
    long.as_secs_f64() / short.as_secs_f64()
}
