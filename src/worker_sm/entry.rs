//! What a worker keeps of each attempt, and whether it may start one.

use serde::{Deserialize, Serialize};

use crate::model::exit::Final;
use crate::model::id::AttemptId;
use crate::model::resources::Resources;

/// Whether the worker may start anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Lease {
    /// No heartbeat of this incarnation was acknowledged yet.
    Awaited,
    /// It was, not too long ago.
    Held,
    /// It ran out, or nobody knows the worker: everything is being stopped.
    Lost,
}

/// What the worker does about an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Local {
    /// Bundle and container are being made.
    Building,
    /// Its process runs.
    Running,
    /// Its process was asked to end, for this last word unless it ends by itself first.
    Stopping(Final),
    /// It is over.
    Done {
        /// As what.
        word: Final,
        /// Whether heartbeats still list it.
        listed: bool,
    },
}

/// An attempt that this incarnation was told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Entry {
    /// Which.
    pub attempt: AttemptId,
    /// What it takes here while it is not over.
    pub need: Resources,
    /// What is done about it.
    pub local: Local,
}
