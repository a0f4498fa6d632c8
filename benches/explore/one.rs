//! One engine on one model in a process of its own, for whoever measures whole processes.

use std::fmt::{self, Debug, Display};
use std::hash::Hash;
use std::time::{Duration, Instant};

use iris_check::explore::{Coded, Memory, Plain, Report, Verdict, search, search_coded};
use stateright::{Checker, Model};

use crate::common::commit::TwoPhase;
use crate::common::job::{Fair, Job};
use crate::common::unlimited;

/// What may stand after `--one`.
pub const USAGE: &str = "\
--one MODEL ENGINE THREADS: a model is job and its tasks (1 or 2), workers and attempts (1 to 4 \
each, their product at most 16), as in job213, or 2pc and its managers (1 to 8), as in 2pc7; an \
engine is exact, hash, progress (of job dispatch only), or stateright's bfs or dfs; threads are 1 \
or more";

/// Runs one engine on one model, and tells of it in one line of JSON.
pub fn run(words: &[String]) -> Result<String, String> {
    let [model, engine, threads] = words else { return Err(USAGE.to_owned()) };
    let wrong = |word: &str| format!("`{word}` is none of these. {USAGE}");
    let count = threads.parse().ok().filter(|&it| it > 0).ok_or_else(|| wrong(threads))?;
    let found = match subject(model).ok_or_else(|| wrong(model))? {
        Subject::Job(job) if engine == "progress" => Some(progress(job, count)),
        Subject::Job(job) => take(job, engine, count),
        Subject::Commit(commit) => take(commit, engine, count),
    };
    let found = found.ok_or_else(|| wrong(engine))?;
    Ok(format!(r#"{{"model":"{model}","engine":"{engine}","threads":{count},{found}}}"#))
}

enum Subject {
    Job(Job),
    Commit(TwoPhase),
}

fn subject(name: &str) -> Option<Subject> {
    let digits = |text: &str| text.bytes().map(|it| it.wrapping_sub(b'0')).collect::<Vec<_>>();
    if let Some(rest) = name.strip_prefix("job") {
        let [tasks, workers, attempts] = digits(rest)[..] else { return None };
        let fits = (1..=2).contains(&tasks)
            && (1..=4).contains(&workers)
            && (1..=4).contains(&attempts)
            && tasks * workers * attempts <= 16;
        return fits.then(|| Subject::Job(Job::new(tasks, workers, attempts)));
    }
    let [managers] = digits(name.strip_prefix("2pc")?)[..] else { return None };
    (1..=8).contains(&managers).then_some(Subject::Commit(TwoPhase { managers }))
}

/// What an engine found, and in which time of the search alone.
struct Found {
    states: u64,
    transitions: u64,
    /// Whether everything was looked at and all claims hold.
    holds: bool,
    time: Duration,
    /// What the engine held at the end, where it says so.
    bytes: Option<u64>,
}

impl Display for Found {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { states, transitions, holds, time, bytes } = self;
        write!(out, r#""states":{states},"transitions":{transitions},"holds":{holds},"#)?;
        write!(out, r#""seconds":{:.6},"bytes":"#, time.as_secs_f64())?;
        let bytes = bytes.map_or_else(|| "null".to_owned(), |bytes| bytes.to_string());
        out.write_str(&bytes)
    }
}

/// Ours, or stateright's own.
fn take<M>(model: M, engine: &str, threads: usize) -> Option<Found>
where
    M: Coded<State: Debug + Clone + Hash + Eq + Send + Sync>
        + Model<Action: Debug + Clone + PartialEq + Send + Sync>
        + Send
        + Sync
        + 'static,
{
    let limits = unlimited(threads);
    let inits = model.init_states().len() as u64;
    let theirs = |model: M| model.checker().threads(threads);
    Some(match engine {
        "exact" => ours(|| search_coded(&Plain::new(model), Memory::Codes, &limits)),
        "hash" => ours(|| search(&Plain::new(model), &limits)),
        "bfs" => stateright(inits, || theirs(model).spawn_bfs().join()),
        "dfs" => stateright(inits, || theirs(model).spawn_dfs().join()),
        _ => return None,
    })
}

/// Safety, and that every task ends where time runs out and tasks are dispatched.
fn progress(job: Job, threads: usize) -> Found {
    let model = Fair { job, fair: true };
    ours(|| search_coded(&model, Memory::Codes, &unlimited(threads)))
}

fn ours<S: PartialEq, A: PartialEq>(run: impl FnOnce() -> Report<S, A>) -> Found {
    let (report, time) = clocked(run);
    let holds = report.verdicts.iter().all(|verdict| *verdict == Verdict::Holds);
    Found {
        states: report.states,
        transitions: report.transitions,
        holds: holds && report.stopped.is_none(),
        time,
        bytes: Some(report.memory),
    }
}

fn stateright<M, C>(inits: u64, run: impl FnOnce() -> C) -> Found
where
    M: Model<State: Debug + Clone + PartialEq, Action: Debug + Clone + PartialEq>,
    C: Checker<M>,
{
    let (done, time) = clocked(run);
    done.assert_properties();
    Found {
        states: done.unique_state_count() as u64,
        transitions: done.state_count() as u64 - inits,
        holds: done.is_done(),
        time,
        bytes: None,
    }
}

fn clocked<T>(run: impl FnOnce() -> T) -> (T, Duration) {
    #[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
    let start = Instant::now();
    let found = run();
    (found, start.elapsed())
}
