//! What a worker and the supervisor of one attempt say to each other: lines of text.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The hidden command of the program that supervises.
pub(super) const COMMAND: &str = "supervise";

/// Marks all processes of a worker: its folder.
pub(super) const FOLDER: &str = "IRIS_WORKER_FOLDER";
/// Marks all processes of an attempt.
pub(super) const ATTEMPT: &str = "IRIS_ATTEMPT";
/// Marks supervisors, and only them.
pub(super) const ROLE: &str = "IRIS_ROLE";
/// The value of that mark.
pub(super) const SUPERVISOR: &str = "supervisor";

/// Start the user's process.
pub(super) const GO: &str = "go";
/// SIGTERM to its group.
pub(super) const TERMINATE: &str = "terminate";
/// SIGKILL to its group and all that descends from it.
pub(super) const DESTROY: &str = "destroy";

/// What a supervisor is to run once it hears [`GO`]: the first line that it reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Command {
    /// The program and its arguments; never empty.
    pub(super) words: Vec<String>,
    /// All of its environment.
    pub(super) env: BTreeMap<String, String>,
    /// Its working directory.
    pub(super) folder: PathBuf,
    /// Where its output is appended.
    pub(super) stdout: PathBuf,
    /// Where its errors are appended.
    pub(super) stderr: PathBuf,
}

/// What a supervisor says, each once: a line of JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Report {
    /// It waits for [`GO`].
    Ready,
    /// The user's process has ended in this way, and nothing that descends from it is left.
    Ended(End),
}

/// How the user's process ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum End {
    /// By itself, with this code.
    Code(i32),
    /// By a signal.
    Signal {
        /// Which.
        number: i32,
        /// Whether the supervisor had been told to send it, and did.
        ours: bool,
    },
    /// It never started.
    NotStarted(String),
}
