//! How an attempt ends: why, as what, and which budget pays.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Phase;
use crate::model::budget::Budget;

/// What an attempt ended as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Outcome {
    /// Exited 0.
    Succeeded,
    /// Exited otherwise, could not start, or took too long.
    Failed,
    /// Stopped on request, or by somebody unknown.
    Killed,
    /// Undeliverable, missing, or lost with its worker.
    WorkerFailed,
    /// Its VM was reclaimed.
    Preempted,
    /// A sibling of its gang went back to PENDING.
    CoschedFailed,
}

/// Why an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The process ended by itself, or could not be started.
    Exit,
    /// Nobody ever heard of it.
    Delivery,
    /// It had been heard of and was taken away.
    Loss,
    /// It took longer than the job's `timeout`.
    Timeout,
    /// The client cancelled the job.
    Cancel,
    /// A sibling of its gang.
    Gang,
    /// The job ended for another reason.
    JobOver,
}

impl Cause {
    /// All of them, in order.
    pub const ALL: [Self; 7] = [
        Self::Exit,
        Self::Delivery,
        Self::Loss,
        Self::Timeout,
        Self::Cancel,
        Self::Gang,
        Self::JobOver,
    ];

    /// The budget that attempts of this cause and outcome are charged to.
    pub fn charges(self, outcome: Outcome) -> Option<Budget> {
        match self {
            Self::Exit => (outcome == Outcome::Failed).then_some(Budget::Failure),
            Self::Delivery => Some(Budget::Delivery),
            Self::Loss => Some(Budget::Preemption),
            Self::Timeout | Self::Cancel | Self::Gang | Self::JobOver => None,
        }
    }
}

/// Why an attempt ends: one row of the contract's task table each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// Its worker reports SUCCEEDED.
    Succeeded,
    /// Its worker reports FAILED.
    Failed,
    /// The delivery failed.
    Undelivered,
    /// Its worker is DEAD or has a newer incarnation, or does not list it any more.
    Lost,
    /// Its VM was preempted.
    Preempted,
    /// Its worker reports KILLED, and nobody had asked for it.
    KilledUnasked,
    /// The job's `timeout` since it was accepted.
    TimedOut,
    /// The client cancelled.
    Cancelled,
    /// The job ended for another reason.
    JobOver,
    /// A sibling of its gang went back to PENDING.
    SiblingWentBack,
    /// A sibling of its gang finished as anything but SUCCEEDED.
    SiblingFinished,
}

impl Ending {
    /// All of them, in order.
    pub const ALL: [Self; 11] = [
        Self::Succeeded,
        Self::Failed,
        Self::Undelivered,
        Self::Lost,
        Self::Preempted,
        Self::KilledUnasked,
        Self::TimedOut,
        Self::Cancelled,
        Self::JobOver,
        Self::SiblingWentBack,
        Self::SiblingFinished,
    ];

    /// What an attempt of this phase ends as, and the cause that it stores.
    pub fn verdict(self, phase: Phase) -> (Outcome, Cause) {
        // What was never heard of can only have been lost in delivery.
        let taken = if phase == Phase::Assigned { Cause::Delivery } else { Cause::Loss };
        match self {
            Self::Succeeded => (Outcome::Succeeded, Cause::Exit),
            Self::Failed => (Outcome::Failed, Cause::Exit),
            Self::Undelivered => (Outcome::WorkerFailed, Cause::Delivery),
            Self::Lost => (Outcome::WorkerFailed, taken),
            Self::Preempted if phase == Phase::Assigned => (Outcome::WorkerFailed, taken),
            Self::Preempted => (Outcome::Preempted, taken),
            Self::KilledUnasked => (Outcome::Killed, taken),
            Self::TimedOut => (Outcome::Failed, Cause::Timeout),
            Self::Cancelled => (Outcome::Killed, Cause::Cancel),
            Self::JobOver => (Outcome::Killed, Cause::JobOver),
            Self::SiblingWentBack => (Outcome::CoschedFailed, Cause::Gang),
            Self::SiblingFinished => (Outcome::Killed, Cause::Gang),
        }
    }
}

impl Outcome {
    /// The number of the outcome on the wire.
    pub fn wire(self) -> u8 {
        match self {
            Self::Succeeded => 4,
            Self::Failed => 5,
            Self::Killed => 6,
            Self::WorkerFailed => 7,
            Self::Preempted => 10,
            Self::CoschedFailed => 11,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Succeeded => "SUCCEEDED",
            Self::Failed => "FAILED",
            Self::Killed => "KILLED",
            Self::WorkerFailed => "WORKER_FAILED",
            Self::Preempted => "PREEMPTED",
            Self::CoschedFailed => "COSCHED_FAILED",
        })
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Exit => "exit",
            Self::Delivery => "delivery",
            Self::Loss => "loss",
            Self::Timeout => "timeout",
            Self::Cancel => "cancel",
            Self::Gang => "gang",
            Self::JobOver => "job over",
        })
    }
}
