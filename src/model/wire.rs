//! The messages between controller and worker, as plain values.

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::exit::Final;
use super::id::{AttemptId, Seat};
use super::resources::{Attributes, Resources};
use super::task::Phase;

/// A worker's logical clock: it changes exactly when `running` or `finished` of its heartbeat
/// would.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Clock(pub u32);

impl Clock {
    /// One tick later.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// Attempts that a worker lists as under way.
pub type Running = SmallVec<[(AttemptId, Phase); 2]>;
/// Attempts that a worker lists as over.
pub type Finished = SmallVec<[(AttemptId, Final); 2]>;
/// Attempts named in an answer.
pub type Attempts = SmallVec<[AttemptId; 2]>;

/// Worker → controller, every interval, one outstanding per worker.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Heartbeat {
    /// Who beats.
    pub seat: Seat,
    /// When it was built, on the worker's logical clock.
    pub clock: Clock,
    /// What the worker has in all.
    pub capacity: Resources,
    /// What it says of itself.
    pub attributes: Attributes,
    /// What is under way, sorted.
    pub running: Running,
    /// What is over and not yet acknowledged, sorted; results of former incarnations included.
    pub finished: Finished,
}

/// The answer to a heartbeat.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct BeatReply {
    /// Whether the incarnation is listened to; if not, the worker stops everything.
    pub known: bool,
    /// Entries of `finished` that need not be sent again.
    pub acked: Attempts,
    /// To be stopped; the worker answers each in `finished`.
    pub stop: Attempts,
    /// To be refused from now on unless started: deliveries in doubt.
    pub fence: Attempts,
}

/// What a worker says of one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Word {
    /// It has come this far.
    Phase(Phase),
    /// It is over.
    Final(Final),
}

/// Worker → controller, at each change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Report {
    /// Who reports.
    pub seat: Seat,
    /// Of which attempt.
    pub attempt: AttemptId,
    /// What.
    pub word: Word,
    /// When, on the worker's logical clock.
    pub clock: Clock,
}

/// A worker's answer to `RunTask`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunAnswer {
    /// Started, now or before; only a heartbeat of this clock or a later one can miss it.
    Accepted(Clock),
    /// Not running here, and never will be.
    Refused,
    /// Nothing happened, because the worker has no lease or is another incarnation; a second copy
    /// of the call may still arrive later.
    NotNow,
}

/// How a try of a `RunTask` failed without an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TryError {
    /// No byte left.
    NotSent,
    /// It may have arrived.
    Unknown,
    /// It may have arrived, and the error is of a type that nobody expected.
    Unexpected,
}

/// Controller → worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RunTask {
    /// What to run.
    pub attempt: AttemptId,
    /// For whom this is meant.
    pub seat: Seat,
}

/// Controller → worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct KillTask {
    /// What to stop.
    pub attempt: AttemptId,
    /// For whom this is meant.
    pub seat: Seat,
    /// A fence: leave it alone if it was started.
    pub only_if_not_started: bool,
}

/// A worker's answer to `KillTask`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KillAnswer {
    /// Not running here, and never will be.
    Missing,
    /// It was started here; reports tell the rest. With the clock of the answer.
    Started(Clock),
    /// Meant for another incarnation: nothing happened.
    Refused,
}
