//! A run as a value: what a check found, as people read it and as a file that can be replayed.
//!
//! A [`Trace`] carries all that a replay needs (each step's [`Act`] and the whole scope) and all
//! that a reader needs (who did what, and what changed, as [`diff`] tells it). `text` writes it for
//! people, `json` reads and writes it as a file. Only the acts are replayed; the words beside them
//! are what was said when the trace was found.

pub mod diff;
mod json;
mod text;

pub use json::BadTrace;

use serde::{Deserialize, Serialize};

use crate::model::operation::Act;

/// The version of the file format that is written, and the only one that is read.
pub const FORMAT_VERSION: u32 = 1;

/// A run that breaks a claim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trace {
    /// [`FORMAT_VERSION`].
    pub version: u32,
    /// The claim that it breaks, such as `T8`.
    pub claim: String,
    /// The name of the claim.
    pub name: String,
    /// The claim as a sentence.
    pub sentence: String,
    /// How this run breaks it.
    pub found: String,
    /// The name of the scope.
    pub scope: String,
    /// The scope in one line.
    pub about: String,
    /// The whole scope as TOML, so that the run can be replayed where its file is unknown.
    pub scope_text: String,
    /// What happens, in order; none when the first state breaks the claim.
    pub steps: Vec<TraceStep>,
    /// The first step of the endless part; `steps.len()` when the run just stops; none when finite.
    pub cycle_from: Option<usize>,
    /// The step after which the goal cannot be reached any more.
    pub no_return: Option<usize>,
}

/// One step of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TraceStep {
    /// What a replay does.
    pub act: Act,
    /// Who does it.
    pub who: String,
    /// What is done, in words.
    pub did: String,
    /// What changed by it. An entry that begins with its subject and two spaces (`j1.0  …`) is
    /// aligned with the others.
    pub changed: Vec<String>,
}

impl TraceStep {
    /// A step in the words of its own act.
    pub fn new(act: Act, changed: Vec<String>) -> Self {
        let (who, mut did) = act.operation.told();
        if act.dies {
            did.push_str("; the controller dies before it acts on it");
        }
        Self { act, who, did, changed }
    }
}

#[cfg(test)]
mod tests;
