//! Cluster → model: a log of what happened, replayed through the pure machines and lifecycles.
//!
//! [`validate`] reads a log one line at a time and stops at the first event that no run of the
//! model has. What is in memory follows from what is alive in the cluster, not from the length of
//! the log. Two forms are read; the first line says which:
//!
//! - `{"log":"iris-check",…}`, *our full log* (`real::log`): every input of every machine. Each
//!   machine is replayed, and each input must have a cause: nothing arrives that was not sent, no
//!   timer runs out that was not armed.
//! - `{"log":"iris-check-events",…}`, *an event log* of any orchestrator ([`events`] has the table
//!   of its lines): what became of jobs, attempts, workers and VMs, replayed through the lifecycles
//!   of `model`. Steps that nobody logged are allowed.
//!
//! [`validate_journal`] does the same with the journal of a run, which has the controller's inputs
//! alone: what its workers did is unseen.
//!
//! Reading order: `replay` (the controller, replayed), `full` (the whole cluster), `post` (what is
//! under way), `mismatch` (what is said of an event that cannot be), `events`.

mod describe;
pub mod events;
mod full;
mod journal;
mod lines;
mod mismatch;
mod post;
mod replay;

use std::collections::BTreeMap;
use std::fmt;
use std::io::BufRead;

use serde::Deserialize;
use serde::de::DeserializeOwned;

pub use journal::validate_journal;
pub use mismatch::Mismatch;

use events::Events;
use full::Full;
use lines::Lines;
use mismatch::Refusal;

/// What came of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Which form it has.
    pub form: &'static str,
    /// How many events were read before the verdict, the header not among them.
    pub events: u64,
    /// How many of each kind.
    pub kinds: BTreeMap<&'static str, u64>,
    /// How many jobs were submitted.
    pub jobs: u64,
    /// How many attempts were placed.
    pub attempts: u64,
    /// How many events were so late that they were taken on trust: they change nothing.
    pub trusted: u64,
    /// Whether all of it can be.
    pub verdict: Verdict,
}

/// Whether a log is one that the model has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Every event is legal.
    Legal,
    /// One is not.
    Disagrees(Box<Mismatch>),
    /// All that is there is legal, but its end is cut off.
    Truncated {
        /// The line that is cut off.
        line: u64,
        /// What was expected there.
        why: String,
    },
    /// It is no log, or damaged.
    Bad {
        /// The line.
        line: u64,
        /// Where in it, from 1; 0 where that says nothing.
        column: usize,
        /// What was expected.
        why: String,
    },
}

impl Report {
    fn new(form: &'static str) -> Self {
        let (kinds, verdict) = (BTreeMap::new(), Verdict::Legal);
        Self { form, events: 0, kinds, jobs: 0, attempts: 0, trusted: 0, verdict }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let s = |count: u64| if count == 1 { "" } else { "s" };
        let (events, jobs, attempts) = (self.events, self.jobs, self.attempts);
        write!(f, "{}: {events} event{}", self.form, s(events))?;
        let kinds: Vec<String> =
            self.kinds.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
        if !kinds.is_empty() {
            write!(f, " ({})", kinds.join(", "))?;
        }
        write!(f, ", {jobs} job{}, {attempts} attempt{}", s(jobs), s(attempts))?;
        if self.trusted > 0 {
            write!(f, ", {} taken on trust: too late to change anything", self.trusted)?;
        }
        Ok(())
    }
}

/// What the first line says of itself.
#[derive(Deserialize)]
struct Kind {
    log: String,
    version: u32,
}

/// A cluster that is replayed from the lines of its log.
trait Cluster: Clone {
    /// A line.
    type Line: DeserializeOwned;

    /// Takes a line; answers of which kind it is.
    fn take(&mut self, line: Self::Line) -> Result<&'static str, Stop>;

    /// Jobs, attempts, and events that were taken on trust.
    fn counts(&self) -> (u64, u64, u64);
}

/// Why a line is not taken.
enum Stop {
    /// It is no event.
    Bad(String),
    /// It is one that cannot be.
    Refused(Refusal),
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// What is expected of a first line.
const FIRST: &str = "expected a first line with `\"log\":\"iris-check\"` or \
                     `\"log\":\"iris-check-events\"`, and `\"version\":1`";

/// Reads a log and judges it.
pub fn validate(reader: impl BufRead) -> Report {
    let mut report = Report::new("no log");
    if let Err(verdict) = judge(&mut Lines::new(reader), &mut report) {
        report.verdict = verdict;
    }
    report
}

fn judge(lines: &mut Lines<impl BufRead>, report: &mut Report) -> Result<(), Verdict> {
    let bad = |why: String| Verdict::Bad { line: 1, column: 0, why };
    if !lines.next()? {
        return Err(bad(format!("the log is empty: {FIRST}")));
    }
    let Kind { log, version } = lines.parse()?;
    match (log.as_str(), version) {
        ("iris-check", crate::real::log::LOG_VERSION) => {
            report.form = "full log";
            replay(Full::new(lines.parse()?), lines, report)
        }
        ("iris-check-events", 1) => {
            report.form = "event log";
            replay(Events::new(lines.parse()?), lines, report)
        }
        _ => Err(bad(format!("this is log `{log}`, version {version}: {FIRST}"))),
    }
}

fn replay<C: Cluster>(
    mut cluster: C,
    lines: &mut Lines<impl BufRead>,
    report: &mut Report,
) -> Result<(), Verdict> {
    let done = take_all(&mut cluster, lines, report);
    (report.jobs, report.attempts, report.trusted) = cluster.counts();
    done
}

fn take_all<C: Cluster>(
    cluster: &mut C,
    lines: &mut Lines<impl BufRead>,
    report: &mut Report,
) -> Result<(), Verdict> {
    while lines.next()? {
        match cluster.take(lines.parse()?) {
            Ok(kind) => {
                report.events += 1;
                *report.kinds.entry(kind).or_default() += 1;
            }
            Err(Stop::Bad(why)) => {
                return Err(Verdict::Bad { line: lines.number(), column: 0, why });
            }
            Err(Stop::Refused(mut refusal)) => {
                // What is called legal is: it was tried.
                refusal.nearest.retain(|line| {
                    let line = serde_json::from_str(line).ok();
                    line.is_some_and(|line| cluster.clone().take(line).is_ok())
                });
                let mismatch = Mismatch::new(lines.number(), lines.text(), refusal);
                return Err(Verdict::Disagrees(Box::new(mismatch)));
            }
        }
    }
    Ok(())
}
