//! A job's state: a fold over its tasks, stored nowhere twice.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::spec::Terms;
use super::task::TaskState;

/// Where a job stands; the numbers on the wire are those of the task states.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum JobState {
    /// No task has a live attempt, none SUCCEEDED.
    Pending,
    /// Some task is active or SUCCEEDED.
    Running,
    /// All tasks SUCCEEDED.
    Succeeded,
    /// More tasks FAILED than allowed.
    Failed,
    /// Cancelled.
    Killed,
    /// Taken away more often than the budgets allow.
    WorkerFailed,
    /// A task found no worker within `scheduling_timeout`.
    Unschedulable,
}

impl JobState {
    /// Whether nothing will ever change it again.
    pub fn has_ended(self) -> bool {
        match self {
            Self::Pending | Self::Running => false,
            Self::Succeeded
            | Self::Failed
            | Self::Killed
            | Self::WorkerFailed
            | Self::Unschedulable => true,
        }
    }

    /// The number of the state on the wire.
    pub fn wire(self) -> u8 {
        match self {
            Self::Pending => 1,
            Self::Running => 3,
            Self::Succeeded => 4,
            Self::Failed => 5,
            Self::Killed => 6,
            Self::WorkerFailed => 7,
            Self::Unschedulable => 8,
        }
    }
}

impl fmt::Display for JobState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pending => "PENDING",
            Self::Running => "RUNNING",
            Self::Succeeded => "SUCCEEDED",
            Self::Failed => "FAILED",
            Self::Killed => "KILLED",
            Self::WorkerFailed => "WORKER_FAILED",
            Self::Unschedulable => "UNSCHEDULABLE",
        })
    }
}

/// How many tasks of a job stand where: kept up to date so that the fold costs the same for ten
/// thousand tasks as for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Census {
    pending: u16,
    active: u16,
    succeeded: u16,
    failed: u16,
    killed: u16,
    worker_failed: u16,
    unschedulable: u16,
}

impl Census {
    /// Counts one task more.
    pub fn add(&mut self, state: TaskState) {
        *self.slot(state) += 1;
    }

    /// Counts one task less.
    pub fn remove(&mut self, state: TaskState) {
        *self.slot(state) -= 1;
    }

    /// How many tasks have SUCCEEDED.
    pub fn succeeded(self) -> u16 {
        self.succeeded
    }

    /// How many tasks are PENDING.
    pub fn pending(self) -> u16 {
        self.pending
    }

    /// How many tasks are active.
    pub fn active(self) -> u16 {
        self.active
    }

    /// Whether some task finished as anything but SUCCEEDED.
    pub fn any_fell(self) -> bool {
        self.failed + self.killed + self.worker_failed + self.unschedulable > 0
    }

    fn slot(&mut self, state: TaskState) -> &mut u16 {
        match state {
            TaskState::Pending => &mut self.pending,
            TaskState::Active(_) => &mut self.active,
            TaskState::Succeeded => &mut self.succeeded,
            TaskState::Failed(_) => &mut self.failed,
            TaskState::Killed => &mut self.killed,
            TaskState::WorkerFailed => &mut self.worker_failed,
            TaskState::Unschedulable => &mut self.unschedulable,
        }
    }

    /// The job's state: the first rule of the contract that applies. "Ended stays ended" needs no
    /// rule here: ended tasks never change, and killing the rest of an ended job moves no rule
    /// above the one that ended it.
    pub fn fold(self, terms: &Terms) -> JobState {
        let unfinished = self.pending + self.active;
        let gang = terms.is_gang();
        if self.succeeded == terms.replicas {
            JobState::Succeeded
        } else if self.failed > terms.max_task_failures || (gang && self.failed > 0) {
            JobState::Failed
        } else if gang && self.worker_failed > 0 {
            JobState::WorkerFailed
        } else if self.unschedulable > 0 {
            JobState::Unschedulable
        } else if self.killed > 0 {
            JobState::Killed
        } else if unfinished == 0 {
            if self.worker_failed > 0 { JobState::WorkerFailed } else { JobState::Failed }
        } else if self.active + self.succeeded > 0 {
            JobState::Running
        } else {
            JobState::Pending
        }
    }
}
