//! Cluster → model: a log of what happened, replayed through the pure machines and lifecycles.
//!
//! [`validate`] reads a log one line at a time and stops at the first event that no run of the
//! model has. What is in memory follows from what is alive in the cluster, not from the length of
//! the log. Two forms are read; the first line says which:
//!
//! - `{"log":"iris-check",…}`, *our full log* (`real::log`): every input of every machine. Each
//!   machine is replayed, and each input must have a cause: nothing arrives that was not sent, no
//!   timer runs out that was not armed.
//!
//! Reading order: `replay` (the controller, replayed), `full` (the whole cluster), `post` (what is
//! under way), `mismatch` (what is said of an event that cannot be).

mod describe;
mod full;
mod lines;
mod mismatch;
mod post;
mod replay;

use std::collections::BTreeMap;
use std::fmt;
use std::io::BufRead;

use serde::Deserialize;

pub use mismatch::Mismatch;

use full::{Full, Stop};
use lines::Lines;

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

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} events", self.form, self.events)?;
        for (at, (kind, count)) in self.kinds.iter().enumerate() {
            write!(f, "{} {count} {kind}", if at == 0 { " (" } else { "," })?;
        }
        if !self.kinds.is_empty() {
            f.write_str(")")?;
        }
        write!(f, ", {} jobs, {} attempts", self.jobs, self.attempts)?;
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

/// What is expected of a first line.
const FIRST: &str = "expected a first line with `\"log\":\"iris-check\",\"version\":1`";

/// Reads a log and judges it.
pub fn validate(reader: impl BufRead) -> Report {
    let mut report = Report {
        form: "no log",
        events: 0,
        kinds: BTreeMap::new(),
        jobs: 0,
        attempts: 0,
        trusted: 0,
        verdict: Verdict::Legal,
    };
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
        ("iris-check", crate::real::log::LOG_VERSION) => full(lines, report),
        _ => Err(bad(format!("this is log `{log}`, version {version}: {FIRST}"))),
    }
}

/// Our full log.
fn full(lines: &mut Lines<impl BufRead>, report: &mut Report) -> Result<(), Verdict> {
    report.form = "full log";
    let mut cluster = Full::new(lines.parse()?);
    let mut done = Ok(());
    while done.is_ok() && lines.next()? {
        done = match cluster.take(lines.parse()?) {
            Ok(kind) => {
                report.events += 1;
                *report.kinds.entry(kind).or_default() += 1;
                Ok(())
            }
            Err(Stop::Bad(why)) => Err(Verdict::Bad { line: lines.number(), column: 0, why }),
            Err(Stop::Refused(refusal)) => {
                let mismatch = Mismatch::new(lines.number(), lines.text(), refusal);
                Err(Verdict::Disagrees(Box::new(mismatch)))
            }
        };
    }
    report.jobs = cluster.replay.jobs;
    report.attempts = cluster.replay.attempts;
    report.trusted = cluster.trusted;
    done
}
