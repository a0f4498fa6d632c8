//! All that the command line knows of how a scope is explored.
//!
//! For now nothing is explored: every claim comes out as undecided. The types have the shape of
//! those that will be imported here from `explore`, `check`, `trace` and `invariants`.

#![expect(dead_code, reason = "nothing is explored yet, so nothing reads every limit")]

use serde::{Deserialize, Serialize};

use crate::check::scope::{CLAIMS as IDS, Scope};

/// When a search must end, and whom it tells.
#[derive(Clone, Copy)]
pub(super) struct Limits<'a> {
    pub max_states: Option<u64>,
    pub max_depth: Option<u32>,
    pub max_memory: Option<u64>,
    pub threads: usize,
    pub stop: &'a (dyn Fn() -> Option<Stop> + Sync),
    pub progress: &'a (dyn Fn(Progress) + Sync),
}

/// Why something was left undecided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    States,
    Depth,
    Memory,
    Time,
    Interrupted,
    Boundary,
}

/// How far a search is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Progress {
    pub phase: Phase,
    pub states: u64,
    pub transitions: u64,
    pub depth: u32,
    pub frontier: u64,
}

/// What a search is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Search,
    Progress,
}

/// What became of a scope.
#[derive(Debug, Clone)]
pub(super) struct Outcome {
    pub states: u64,
    pub transitions: u64,
    pub depth: u32,
    pub stopped: Option<Stop>,
    pub rows: Vec<Row>,
    pub findings: Vec<Trace>,
}

/// What became of a claim.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    pub id: &'static str,
    pub name: &'static str,
    pub verdict: Verdict,
}

/// What became of a claim, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Holds,
    Vacuous,
    Violated,
    Incomplete,
}

/// What there is to say of a claim.
#[derive(Debug, Clone, Copy)]
pub(super) struct Described {
    pub id: &'static str,
    pub name: &'static str,
    pub sentence: &'static str,
}

/// A run that breaks a claim.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Trace {
    pub version: u32,
    pub claim: String,
    pub name: String,
    pub sentence: String,
    pub found: String,
    pub scope: String,
    pub about: String,
    pub scope_text: String,
}

impl Trace {
    pub fn to_text(&self, replay: Option<&str>) -> String {
        let replay = replay.map(|file| format!("  replay  iris-check replay {file}\n"));
        let Self { claim, name, found, about, .. } = self;
        let head = format!("VIOLATED  {claim} {name}\n  found   {found}\n  scope   {about}\n");
        head + &replay.unwrap_or_default()
    }

    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("a trace is strings and numbers") + "\n"
    }

    pub fn from_json(text: &str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|error| {
            let hint = if error.is_eof() { "the file is cut off" } else { "this is no trace" };
            format!("line {}, column {}: {error}; {hint}", error.line(), error.column())
        })
    }
}

/// All claims in the order of the contract.
pub(super) fn claims() -> Vec<Described> {
    IDS.into_iter().map(|id| Described { id, name: "", sentence: "" }).collect()
}

/// Explores a scope.
pub(super) fn run(scope: &Scope, limits: &Limits<'_>) -> Outcome {
    let zero = Progress { phase: Phase::Search, states: 0, transitions: 0, depth: 0, frontier: 0 };
    (limits.progress)(zero);
    let judged = claims().into_iter().filter(|claim| scope.claims.iter().any(|id| id == claim.id));
    let verdict = Verdict::Incomplete;
    let rows = judged.map(|claim| Row { id: claim.id, name: claim.name, verdict }).collect();
    let stopped = (limits.stop)().or(Some(Stop::States));
    Outcome { states: 0, transitions: 0, depth: 0, stopped, rows, findings: Vec::new() }
}

/// Repeats a finding, and says of each step that it went as recorded.
pub(super) fn replay(trace: &Trace) -> Result<Vec<String>, String> {
    Err(format!("{} cannot be repeated yet", trace.claim))
}

/// Serves a scope for stepping by hand; returns when the server ends.
pub(super) fn serve(scope: &Scope, address: &str) -> Result<(), String> {
    Err(format!("{} cannot be served at {address} yet", scope.name))
}
