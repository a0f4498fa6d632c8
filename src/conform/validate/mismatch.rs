//! What is said of an event that no run of the machines has.

use std::fmt;

/// How much of an event is shown.
const SHOWN: usize = 600;
/// How many legal events are shown beside it.
const NEAREST: usize = 5;

/// Why an event is refused, as the replay knows it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Refusal {
    /// The guard that was false, in words.
    pub guard: String,
    /// What the event met.
    pub state: Vec<String>,
    /// What could stand there instead, as it would be written.
    pub nearest: Vec<String>,
}

impl Refusal {
    pub(super) fn new(guard: impl Into<String>) -> Self {
        Self { guard: guard.into(), ..Self::default() }
    }
}

/// An event that log and model disagree about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// Where, from 1.
    pub line: u64,
    /// The event as it was written.
    pub event: String,
    /// The guard that was false, in words.
    pub guard: String,
    /// What the event met: the task, the attempt, the worker.
    pub state: Vec<String>,
    /// The nearest legal events, as they would be written.
    pub nearest: Vec<String>,
}

impl Mismatch {
    pub(super) fn new(line: u64, event: String, refusal: Refusal) -> Self {
        let Refusal { guard, state, nearest: all } = refusal;
        let mut nearest: Vec<String> = Vec::new();
        for near in all {
            if nearest.len() < NEAREST && !nearest.contains(&near) {
                nearest.push(near);
            }
        }
        Self { line, event, guard, state, nearest }
    }

    /// The same as people read it, with the name of the log.
    pub fn to_text(&self, name: &str) -> String {
        format!("DISAGREES  {name}:{}\n{self}", self.line)
    }
}

/// The rows of a list under one head.
fn rows(f: &mut fmt::Formatter<'_>, head: &str, rows: &[String]) -> fmt::Result {
    for (at, row) in rows.iter().enumerate() {
        let head = if at == 0 { head } else { "" };
        writeln!(f, "  {head:<8} {}", short(row))?;
    }
    Ok(())
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        rows(f, "event", std::slice::from_ref(&self.event))?;
        rows(f, "guard", std::slice::from_ref(&self.guard))?;
        rows(f, "state", &self.state)?;
        rows(f, "nearest", &self.nearest)
    }
}

/// The beginning of what is too long for people.
fn short(text: &str) -> String {
    if text.len() <= SHOWN {
        return text.to_owned();
    }
    let head: String = text.chars().take(SHOWN).collect();
    format!("{head}… ({} bytes)", text.len())
}
