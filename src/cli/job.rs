//! The main job: one scope after the other, each with its verdict.

use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::args::{Asked, Format};
use super::engine::{self, Limits, Outcome, Stop, Trace};
use super::interrupt::{self, interrupted};
use super::progress::Line;
use super::verdict::{Judged, judge, worst};
use super::{Exit, Failure, clock, complain, findings, json, sources, table};
use crate::check::scope::Scope;

/// What the verdicts of a search up to symmetry are about.
const SYMMETRY: &str = "symmetry: of states that differ only in which of several equal workers is \
    which, one is visited; progress claims (L) stay undecided";

/// A scope whose turn is over.
pub(super) struct Done {
    pub scope: Scope,
    /// None if its turn never came.
    pub outcome: Option<Outcome>,
    pub took: Duration,
    pub judged: Judged,
    /// Where each of the outcome's findings was saved.
    pub files: Vec<Option<PathBuf>>,
}

/// Everything that there is to report.
pub(super) struct Report {
    pub done: Vec<Done>,
    /// What was said about the sources.
    pub notes: Vec<String>,
    pub took: Duration,
    pub exit: Exit,
}

/// Explores what was asked for and reports it.
pub(super) fn check(asked: &Asked, out: &mut dyn Write) -> Result<Exit, Failure> {
    let mut sources = sources::read(&asked.which)?;
    if asked.symmetry {
        sources.notes.push(SYMMETRY.to_owned());
    }
    interrupt::listen()?;
    let begun = clock::now();
    let text = asked.format == Format::Text;
    let width = sources.scopes.iter().map(|scope| scope.name.len()).max().unwrap_or(0);
    if text {
        for note in &sources.notes {
            writeln!(out, "{note}")?;
        }
        if !sources.notes.is_empty() {
            writeln!(out)?;
        }
        writeln!(out, "{}", table::head(width))?;
        out.flush()?;
    }
    let mut report =
        Report { done: Vec::new(), notes: sources.notes, took: Duration::ZERO, exit: Exit::Fine };
    for scope in sources.scopes {
        let left = asked.time.map(|time| time.saturating_sub(begun.elapsed()));
        let done = one(scope, asked, left);
        if text {
            writeln!(out, "{}", table::row(width, &done))?;
            out.flush()?;
        }
        report.done.push(done);
    }
    report.took = begun.elapsed();
    let exits = report.done.iter().map(|done| done.judged.exit);
    let unsaved = report.done.iter().flat_map(|done| &done.files).any(Option::is_none);
    report.exit = worst(exits.chain(unsaved.then_some(Exit::Bad)));
    match asked.format {
        Format::Text => table::rest(&report, out)?,
        Format::Json => writeln!(out, "{}", json::write(&report))?,
    }
    Ok(report.exit)
}

/// Explores one scope, unless the time is up.
fn one(scope: Scope, asked: &Asked, left: Option<Duration>) -> Done {
    let line = Line::new(&scope.name);
    let begun = line.begun();
    let stop = until(begun, left);
    let outcome = stop().is_none().then(|| {
        let limits = Limits {
            max_states: asked.max_states,
            max_depth: asked.max_depth,
            max_memory: asked.max_memory,
            threads: asked.threads.map_or_else(processors, usize::from),
            stop: &stop,
            progress: &|progress| line.show(progress),
        };
        let search = match (asked.symmetry, asked.exact) {
            (true, _) => engine::run_symmetric,
            (false, true) => engine::run_exact,
            (false, false) => engine::run,
        };
        search(&scope, &limits)
    });
    drop(line);
    let judged = judge(&scope, outcome.as_ref());
    let traces = outcome.iter().flat_map(|outcome| &outcome.findings);
    let files = traces.map(|trace| save(asked, trace)).collect();
    Done { scope, outcome, took: begun.elapsed(), judged, files }
}

/// Whether a search that began then must end: somebody wants it to, or what was left of the time is
/// over.
pub(super) fn until(begun: Instant, left: Option<Duration>) -> impl Fn() -> Option<Stop> + Sync {
    move || {
        if interrupted() {
            return Some(Stop::Interrupted);
        }
        left.filter(|left| begun.elapsed() >= *left).map(|_| Stop::Time)
    }
}

fn save(asked: &Asked, trace: &Trace) -> Option<PathBuf> {
    findings::save(&asked.findings, trace).map_err(|says| complain(&says)).ok()
}

pub(super) fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
