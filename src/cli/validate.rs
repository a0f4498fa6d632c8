//! `validate`: a log of what a cluster did, replayed through the model.

use std::fs::{self, File};
use std::io::{self, BufReader, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use crate::conform::validate::{Report, Verdict, validate as replay, validate_journal};
use crate::real::journal::{Memory, Store};

use super::{Exit, Failure, clock};

/// Which log, and how the answer is written.
#[derive(Debug, Args)]
pub(super) struct Asked {
    /// A log (JSON lines), or the folder of a controller's journal; `-` reads standard input.
    #[arg(value_name = "LOG")]
    pub log: PathBuf,
    /// As one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// Replays a log and says what came of it.
pub(super) fn validate(asked: &Asked, out: &mut dyn Write) -> Result<Exit, Failure> {
    let start = clock::now();
    let stdin = asked.log.as_os_str() == "-";
    let name = if stdin { "standard input".to_owned() } else { asked.log.display().to_string() };
    let unread = |error: io::Error| Failure::Bad(format!("{name}: it cannot be read: {error}"));
    let report = if stdin {
        replay(io::stdin().lock())
    } else if asked.log.is_dir() {
        validate_journal(Box::new(copy(&asked.log).map_err(unread)?))
    } else {
        let file = File::open(&asked.log).map_err(unread)?;
        replay(BufReader::with_capacity(1 << 16, file))
    };
    let took = start.elapsed();
    if asked.json {
        writeln!(out, "{}", as_json(&name, &report, took))?;
    } else {
        tell(&name, &report, took, out)?;
    }
    Ok(exit(&report))
}

/// Replays a log that is at hand, and says what came of it.
pub(super) fn judge(name: &str, log: &[u8], out: &mut dyn Write) -> Result<Exit, Failure> {
    let start = clock::now();
    let report = replay(log);
    tell(name, &report, start.elapsed(), out)?;
    Ok(exit(&report))
}

fn exit(report: &Report) -> Exit {
    match report.verdict {
        Verdict::Legal => Exit::Fine,
        Verdict::Disagrees(_) => Exit::Disagree,
        Verdict::Truncated { .. } => Exit::Incomplete,
        Verdict::Bad { .. } => Exit::Bad,
    }
}

/// A copy of a journal: opening one settles its end, and a log is only looked at.
fn copy(folder: &Path) -> io::Result<Memory> {
    let mut memory = Memory::default();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            let name = entry.file_name().to_string_lossy().into_owned();
            memory.create(&name)?;
            memory.write(&name, 0, &fs::read(entry.path())?)?;
        }
    }
    Ok(memory)
}

fn tell(name: &str, report: &Report, took: Duration, out: &mut dyn Write) -> Result<(), Failure> {
    let verdict = match &report.verdict {
        Verdict::Bad { .. } => return Err(Failure::Bad(trouble(name, &report.verdict))),
        Verdict::Disagrees(mismatch) => {
            write!(out, "{}", mismatch.to_text(name))?;
            "model and cluster DISAGREE"
        }
        Verdict::Truncated { .. } => {
            writeln!(out, "TRUNCATED  {}", trouble(name, &report.verdict))?;
            "legal as far as it goes, INCOMPLETE"
        }
        Verdict::Legal => "legal",
    };
    writeln!(out, "{report}, {:.1} s: {verdict}", took.as_secs_f64())?;
    Ok(())
}

/// What is wrong with the log itself, and where.
fn trouble(name: &str, verdict: &Verdict) -> String {
    match verdict {
        Verdict::Bad { line: 0, why, .. } => format!("{name}: {why}"),
        Verdict::Bad { line, column: 0, why } => format!("{name}:{line}: {why}"),
        Verdict::Bad { line, column, why } => format!("{name}:{line}:{column}: {why}"),
        Verdict::Truncated { line, why } => format!("{name}:{line}: the log is cut off: {why}"),
        Verdict::Legal | Verdict::Disagrees(_) => String::new(),
    }
}

fn as_json(name: &str, report: &Report, took: Duration) -> Value {
    let verdict = match &report.verdict {
        Verdict::Legal => json!({ "is": "legal" }),
        Verdict::Disagrees(it) => json!({
            "is": "disagrees",
            "line": it.line,
            "event": it.event,
            "guard": it.guard,
            "state": it.state,
            "nearest": it.nearest,
        }),
        Verdict::Truncated { line, why } => {
            json!({ "is": "truncated", "line": line, "why": why })
        }
        Verdict::Bad { line, column, why } => {
            json!({ "is": "bad", "line": line, "column": column, "why": why })
        }
    };
    json!({
        "log": name,
        "form": report.form,
        "events": report.events,
        "kinds": report.kinds,
        "jobs": report.jobs,
        "attempts": report.attempts,
        "trusted": report.trusted,
        "ms": u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        "verdict": verdict,
    })
}
