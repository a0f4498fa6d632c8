//! Edges as text, and the list of those that the standard scopes have.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use crate::model::task::TaskState;

use super::{Edge, Heard, Place};

/// What a task is called that is not there.
const ABSENT: &str = "absent";
/// A task's state, if it is there.
type MaybeTask = Option<TaskState>;

/// What stands between an edge and its scopes.
const IN: &str = " in ";
/// What stands between an edge and what it needs.
const BECAUSE: &str = ": ";

/// A text that is no edge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadEdge(String);

impl fmt::Display for BadEdge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let example = "RUNNING w:HEALTHY beat -> SUCCEEDED";
        write!(f, "`{}` is no edge: write one such as `{example}`", self.0)
    }
}

impl std::error::Error for BadEdge {}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nowhere => "none",
            Self::Healthy => "HEALTHY",
            Self::Degraded => "DEGRADED",
            Self::Dead => "DEAD",
        })
    }
}

impl fmt::Display for Heard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Beat => "beat",
            Self::Report => "report",
            Self::Missing => "missing",
            Self::Accepted => "accepted",
            Self::Refused => "refused",
            Self::Unsent => "try_not_sent",
            Self::Unknown => "try_unknown",
            Self::Silent => "silent",
            Self::Dead => "dead",
            Self::Quarantine => "quarantine_over",
            Self::Retry => "retry",
            Self::Timeout => "timeout",
            Self::Scheduling => "scheduling_timeout",
            Self::Grace => "grace",
            Self::Boot => "boot_timeout",
            Self::Init => "init_timeout",
            Self::Idle => "idle",
            Self::Backoff => "backoff_over",
            Self::Forget => "forget",
            Self::Client => "client",
            Self::Provider => "provider",
            Self::Restarted => "restarted",
            Self::Elsewhere => "elsewhere",
        })
    }
}

impl fmt::Display for Edge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let task =
            |state: MaybeTask| state.map_or_else(|| ABSENT.to_owned(), |state| state.to_string());
        let (before, after) = (task(self.before), task(self.after));
        write!(f, "{before} w:{} {} -> {after}", self.on, self.heard)
    }
}

impl FromStr for Edge {
    type Err = BadEdge;

    fn from_str(text: &str) -> Result<Self, BadEdge> {
        let parse = || {
            let (left, after) = text.split_once(" -> ")?;
            let (before, rest) = left.split_once(" w:")?;
            let (on, heard) = rest.split_once(' ')?;
            Some(Self {
                before: task(before)?,
                on: Place::ALL.into_iter().find(|place| place.to_string() == on)?,
                heard: Heard::ALL.into_iter().find(|it| it.to_string() == heard)?,
                after: task(after)?,
            })
        };
        parse().ok_or_else(|| BadEdge(text.to_owned()))
    }
}

/// The states in which a task can be, and that of being absent.
fn task(text: &str) -> Option<MaybeTask> {
    if text == ABSENT {
        return Some(None);
    }
    TaskState::ALL.into_iter().find(|state| state.to_string() == text).map(Some)
}

impl TryFrom<String> for Edge {
    type Error = BadEdge;

    fn try_from(text: String) -> Result<Self, BadEdge> {
        text.parse()
    }
}

impl From<Edge> for String {
    fn from(edge: Edge) -> Self {
        edge.to_string()
    }
}

/// The list as text: one edge a line, in order, with its scopes.
#[cfg(test)]
pub(super) fn list(edges: &BTreeMap<Edge, BTreeSet<String>>) -> String {
    let line = |(edge, scopes): (&Edge, &BTreeSet<String>)| {
        let scopes: Vec<&str> = scopes.iter().map(String::as_str).collect();
        format!("{edge}{IN}{}\n", scopes.join(" "))
    };
    edges.iter().map(line).collect()
}

/// Reads a list.
pub(super) fn parse(text: &str) -> Result<BTreeMap<Edge, BTreeSet<String>>, BadEdge> {
    let line = |line: &str| {
        let (edge, scopes) = line.rsplit_once(IN).ok_or_else(|| BadEdge(line.to_owned()))?;
        Ok((edge.parse()?, scopes.split(' ').map(str::to_owned).collect()))
    };
    text.lines().map(line).collect()
}

/// Reads a list of edges, and of what each needs.
pub(super) fn reasons(text: &str) -> Result<BTreeMap<Edge, String>, BadEdge> {
    let line = |line: &str| {
        // An edge has a colon of its own, without a space after it.
        let (edge, why) = line.split_once(BECAUSE).ok_or_else(|| BadEdge(line.to_owned()))?;
        Ok((edge.parse()?, why.to_owned()))
    };
    text.lines().map(line).collect()
}
