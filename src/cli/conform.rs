//! `conform`, `shrink` and `merge`: generated runs on a cluster, held against the reference.

mod stands;
mod told;

use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};

use crate::conform::campaign::{Campaign, Finding, Report, Shard};
use crate::conform::in_process::logged;
use crate::conform::play::{Outcome, play};
use crate::conform::run::Run;
use crate::conform::shortest::{Shortest, shortest};
use crate::conform::shrink::Limits;
use crate::conform::shrink::note::Note;

use super::interrupt::{self, interrupted};
use super::{Exit, Failure, clock, sources};

/// Runs of a campaign that was not told how many, or for how long.
const RUNS: u64 = 1000;

/// What the runs are played on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum On {
    /// A cluster in this process, in virtual time.
    #[default]
    Virtual,
    /// The same in real time, over loopback TCP.
    Tcp,
    /// A cluster of processes on this machine, everything ten times faster.
    Processes,
}

/// What the runs are played on, and how it is reached.
#[derive(Debug, Args)]
pub(super) struct Target {
    /// What the runs are played on.
    #[arg(long, value_enum, default_value_t)]
    pub on: On,
    /// A program that speaks for a cluster of your own, as the shell starts it: `python3 drv.py`.
    #[arg(long, value_name = "COMMAND", conflicts_with = "on")]
    pub driver: Option<String>,
}

/// Which runs.
#[derive(Debug, Args)]
pub(super) struct Asked {
    #[command(flatten)]
    pub target: Target,
    /// How many runs the whole campaign has; 1000 unless there is a --time.
    #[arg(long, value_name = "N")]
    pub runs: Option<u64>,
    /// Stop after this time: `90s`, `10m`, `2h`.
    #[arg(long, value_name = "TIME", value_parser = super::args::time)]
    pub time: Option<Duration>,
    /// Decides all runs.
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub seed: u64,
    /// Play only part k of n of the runs: many machines can share a campaign (see `merge`).
    #[arg(long, value_name = "k/n", default_value = "1/1")]
    pub shard: Shard,
    /// How many runs are played at once; as many as there are processors.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    /// Go on after a run that does not agree; only the first is made shorter.
    #[arg(long)]
    pub keep_going: bool,
    /// Save the report here, for `merge`.
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Where runs that do not agree are saved.
    #[arg(long, value_name = "DIR", default_value = "findings")]
    pub findings: PathBuf,
    /// List the edges of the model that were never taken.
    #[arg(long)]
    pub edges: bool,
    /// The report as JSON.
    #[arg(long)]
    pub json: bool,
}

/// What to make shorter.
#[derive(Debug, Args)]
pub(super) struct Shrinking {
    /// A run that does not agree.
    pub file: PathBuf,
    #[command(flatten)]
    pub target: Target,
    /// Runs that the search may take: 6000 in virtual time and 1000 elsewhere, if not named.
    #[arg(long, value_name = "N")]
    pub runs: Option<usize>,
    /// Where the shortest run is saved; the file itself, if not named.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// What to put together.
#[derive(Debug, Args)]
pub(super) struct Merging {
    /// Reports of shards, as `conform --report` saved them.
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// Save the report of all.
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// List the edges of the model that no shard has taken.
    #[arg(long)]
    pub edges: bool,
    /// The report as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Plays a campaign.
pub(super) fn conform(asked: &Asked, out: &mut dyn Write) -> Result<Exit, Failure> {
    let stand = stands::stand(&asked.target)?;
    let name = stands::name(&asked.target);
    interrupt::listen()?;
    let begun = clock::now();
    let runs = asked.runs.or_else(|| asked.time.is_none().then_some(RUNS));
    let late = || asked.time.is_some_and(|time| begun.elapsed() >= time);
    let line = Line::new(begun, runs.map(|runs| asked.shard.share(runs)));
    let stop = |played: u64| {
        line.show(played);
        interrupted() || late()
    };
    let mut report = Report::new(&name, asked.seed, asked.shard, runs);
    let threads = asked.threads.map_or_else(processors, u64::from);
    let keep_going = asked.keep_going;
    let (seed, shard) = (asked.seed, asked.shard);
    Campaign { stand: &*stand, seed, shard, runs, threads, stop: &stop, keep_going }
        .lead(&mut report);
    line.erase();
    let took = begun.elapsed();
    let first = report.findings.iter().find(|it| !matches!(it.outcome, Outcome::Troubled(_)));
    let short = first.map(|finding| {
        let limits = stands::limits(&asked.target);
        shortest(&finding.run, &finding.outcome, &*stand, limits, &mut |note| line.note(note))
    });
    line.erase();
    if let Some(path) = &asked.report {
        save(path, &told::json(&report))?;
    }
    let files = keep(&report.findings, short.as_ref(), &asked.findings)?;
    if asked.json {
        writeln!(out, "{}", told::shown(&report, short.as_ref()))?;
    } else {
        let again = stands::again(&asked.target);
        let (short, files, edges) = (short.as_ref(), files.as_slice(), asked.edges);
        let told = told::Told { short, files, again: &again, took, missing: Vec::new(), edges };
        told::text(&report, &told, out)?;
    }
    Ok(exit(&report, short.as_ref()))
}

fn processors() -> u64 {
    std::thread::available_parallelism().map_or(1, |it| it.get() as u64)
}

/// The exit code of a campaign.
fn exit(report: &Report, short: Option<&Shortest>) -> Exit {
    let flaky = short.is_some_and(|it| it.shrunk.flaky.is_some());
    let differs = report.findings.iter().any(|it| matches!(it.outcome, Outcome::Differs { .. }));
    if differs && !flaky {
        Exit::Disagree
    } else if !report.findings.is_empty() || !report.cut_short().is_empty() || report.runs() == 0 {
        Exit::Incomplete
    } else {
        Exit::Fine
    }
}

/// Saves the runs that do not agree; the first of them as short as it became.
fn keep(
    findings: &[Finding],
    short: Option<&Shortest>,
    folder: &Path,
) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for finding in findings {
        let path = folder.join(format!("run-{}.json", finding.index));
        save(&path, &finding.run.to_json())?;
        files.push(path);
    }
    if let (Some(short), Some(finding)) = (short, findings.first()) {
        let path = folder.join(format!("run-{}-shortest.json", finding.index));
        save(&path, &short.shrunk.case.to_json())?;
        files.insert(0, path);
    }
    Ok(files)
}

fn save(path: &Path, text: &str) -> Result<(), Failure> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let written = fs::create_dir_all(folder).and_then(|()| fs::write(path, text));
    written
        .map_err(|error| Failure::Bad(format!("{}: it cannot be written: {error}", path.display())))
}

/// A run from a file.
pub(super) fn run_of(file: &Path) -> Result<Run, Failure> {
    let text = sources::text(file)?;
    Run::from_json(&text)
        .map_err(|error| Failure::Bad(format!("{}: this is no run: {error}", file.display())))
}

/// Makes a run that does not agree shorter, and saves it.
pub(super) fn shrink(asked: &Shrinking, out: &mut dyn Write) -> Result<Exit, Failure> {
    let run = run_of(&asked.file)?;
    let stand = stands::stand(&asked.target)?;
    let played = play(&run, &*stand);
    if !matches!(played.outcome, Outcome::Differs { .. } | Outcome::Restless(_)) {
        return told::outcome(&run, &played.outcome, out);
    }
    let usual = stands::limits(&asked.target);
    let limits = Limits { runs: asked.runs.unwrap_or(usual.runs), ..usual };
    let mut failed = None;
    let short = shortest(&run, &played.outcome, &*stand, limits, &mut |note| {
        failed = failed.take().or(writeln!(out, "{note}").err());
    });
    if let Some(error) = failed {
        return Err(error.into());
    }
    let path = asked.out.as_ref().unwrap_or(&asked.file);
    if short.shrunk.flaky.is_none() {
        save(path, &short.shrunk.case.to_json())?;
    }
    told::shortened(&run, &short, path, out)?;
    Ok(if short.shrunk.flaky.is_some() { Exit::Incomplete } else { Exit::Disagree })
}

/// Plays a run that was kept, and tells how it ends.
pub(super) fn replay(run: &Run, target: &Target, out: &mut dyn Write) -> Result<Exit, Failure> {
    let stand = stands::stand(target)?;
    let played = play(run, &*stand);
    told::outcome(run, &played.outcome, out)
}

/// Plays a run in virtual time, and replays through the pure machines what its machines were told:
/// where only the first disagrees, the machines are right and what drives them is not.
pub(super) fn on_model(run: &Run, out: &mut dyn Write) -> Result<Exit, Failure> {
    let (played, log) = logged(run);
    let played = told::outcome(run, &played.outcome, out)?;
    let replayed = super::validate::judge("log of the run", &log[..], out)?;
    Ok(if replayed == Exit::Fine { played } else { replayed })
}

/// Puts the reports of shards together.
pub(super) fn merge(asked: &Merging, out: &mut dyn Write) -> Result<Exit, Failure> {
    let mut all: Option<Report> = None;
    for file in &asked.files {
        let shown = file.display();
        let report: Report = serde_json::from_str(&sources::text(file)?)
            .map_err(|error| Failure::Bad(format!("{shown}: this is no report: {error}")))?;
        match &mut all {
            None => all = Some(report),
            Some(all) => {
                all.merge(report).map_err(|says| Failure::Bad(format!("{shown}: {says}")))?;
            }
        }
    }
    let Some(report) = all else { return Err(Failure::Bad("there is no report to merge".into())) };
    if let Some(path) = &asked.report {
        save(path, &told::json(&report))?;
    }
    if asked.json {
        writeln!(out, "{}", told::shown(&report, None))?;
    } else {
        let missing = report.missing();
        let told = told::Told { missing, edges: asked.edges, ..told::Told::default() };
        told::text(&report, &told, out)?;
    }
    let exit = exit(&report, None);
    let part = exit == Exit::Fine && !report.missing().is_empty();
    Ok(if part { Exit::Incomplete } else { exit })
}

/// How far a campaign is, on one line of a terminal.
struct Line {
    begun: Instant,
    runs: Option<u64>,
    /// Milliseconds after which it was shown last; nothing where nobody would see it.
    shown: Option<AtomicU64>,
}

impl Line {
    fn new(begun: Instant, runs: Option<u64>) -> Self {
        let shown = io::stderr().is_terminal().then(|| AtomicU64::new(0));
        Self { begun, runs, shown }
    }

    /// Whether it is time to show it again.
    fn due(&self) -> bool {
        let Some(shown) = &self.shown else { return false };
        let now = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let last = shown.load(Ordering::Relaxed);
        let due = now >= last + 100;
        due && shown.compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    fn show(&self, played: u64) {
        if self.due() {
            let of = self.runs.map_or_else(String::new, |runs| format!(" of {runs}"));
            let time = self.begun.elapsed().as_secs();
            // Whoever closed the terminal does not want to know.
            let _ = write!(io::stderr(), "\r\x1b[2K{played}{of} runs, {time} s");
        }
    }

    fn note(&self, note: &Note) {
        if self.due() {
            let _ = write!(io::stderr(), "\r\x1b[2Kshrinking: {note}");
        }
    }

    fn erase(&self) {
        if self.shown.is_some() {
            let _ = write!(io::stderr(), "\r\x1b[2K");
        }
    }
}
