//! The main job: one scope after the other, each with its verdict.

use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::args::{Asked, Format};
use super::disk::Places;
use super::engine::{self, Limits, Outcome, Progress, Stop, Trace};
use super::flow::{self, Part, Team};
use super::interrupt::{self, interrupted};
use super::progress::Line;
use super::verdict::{Judged, judge, worst};
use super::{Exit, Failure, clock, complain, disk, findings, json, table};
use crate::check::scope::Scope;

/// What the verdicts of a search up to symmetry are about.
const SYMMETRY: &str = "symmetry: of states that differ only in which of several equal workers or \
    tasks is which, one is visited; progress claims (L) are about each by name and stay undecided";

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
    let (mut sources, places) = disk::sources(asked)?;
    if asked.symmetry {
        sources.notes.push(SYMMETRY.to_owned());
    }
    interrupt::listen()?;
    let mut team = Team::of(asked, &sources.scopes)?;
    let begun = clock::now();
    if let Some(team) = team.take_if(|team| !team.reports()) {
        return others(team, &sources.scopes[0], asked, out);
    }
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
        let how = How::of(asked, places.as_ref(), team.take());
        let done = one(scope, asked, left, how)?;
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

/// How a scope is searched.
enum How<'a> {
    InMemory,
    Exact,
    UpToSymmetry,
    OnDisk(&'a Places),
    Together(Team),
}

impl<'a> How<'a> {
    fn of(asked: &Asked, places: Option<&'a Places>, team: Option<Team>) -> Self {
        match (team, places) {
            (Some(team), _) => Self::Together(team),
            (None, Some(places)) => Self::OnDisk(places),
            (None, None) if asked.symmetry => Self::UpToSymmetry,
            (None, None) if asked.exact => Self::Exact,
            (None, None) => Self::InMemory,
        }
    }

    fn search(self, scope: &Scope, asked: &Asked, limits: &Limits) -> Result<Outcome, Failure> {
        Ok(match self {
            Self::InMemory => engine::run(scope, limits),
            Self::Exact => engine::run_exact(scope, limits),
            Self::UpToSymmetry => engine::run_symmetric(scope, limits),
            Self::OnDisk(places) => places.search(scope, limits, asked.max_memory)?,
            Self::Together(team) => match team.search(scope, limits)? {
                Part::All(outcome) => outcome,
                Part::Done => unreachable!("invariant: process 0 has the report"),
            },
        })
    }
}

/// Explores one scope, unless the time is up.
fn one(scope: Scope, asked: &Asked, left: Option<Duration>, how: How<'_>) -> Result<Done, Failure> {
    let line = Line::new(&scope.name);
    let begun = line.begun();
    let stop = until(begun, left);
    let show = |progress| line.show(progress);
    let limits = limits(asked, &stop, &show);
    let outcome = if stop().is_none() { Some(how.search(&scope, asked, &limits)) } else { None };
    drop(line);
    let outcome = outcome.transpose()?;
    let judged = judge(&scope, outcome.as_ref());
    let traces = outcome.iter().flat_map(|outcome| &outcome.findings);
    let files = traces.map(|trace| save(asked, trace)).collect();
    Ok(Done { scope, outcome, took: begun.elapsed(), judged, files })
}

/// What was asked for, for a search.
fn limits<'a>(
    asked: &Asked,
    stop: &'a (dyn Fn() -> Option<Stop> + Sync),
    progress: &'a (dyn Fn(Progress) + Sync),
) -> Limits<'a> {
    Limits {
        max_states: asked.max_states,
        max_depth: asked.max_depth,
        max_memory: asked.max_memory,
        threads: asked.threads.map_or_else(processors, usize::from),
        stop,
        progress,
    }
}

/// Does the part of a process that is not the one that reports.
fn others(team: Team, scope: &Scope, asked: &Asked, out: &mut dyn Write) -> Result<Exit, Failure> {
    let stop = until(clock::now(), asked.time);
    flow::assist(team, scope, &limits(asked, &stop, &|_| {}), out)
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
