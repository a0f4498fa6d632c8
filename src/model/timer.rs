//! The timers that machines ask for. A machine never knows when: it arms by effect, hears by input.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::id::{AttemptId, GroupId, JobId, SliceId, TaskId, VmId, WorkerId};

/// A timer of the controller. Arming one that is armed starts it anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Timer {
    /// One and a half intervals without a heartbeat.
    Silent(WorkerId),
    /// `worker_timeout` without a heartbeat.
    Dead(WorkerId),
    /// The end of a quarantine.
    Quarantine(WorkerId),
    /// The pause before the next try of a delivery.
    Retry(AttemptId),
    /// The job's `timeout` since the attempt was accepted.
    Timeout(AttemptId),
    /// `scheduling_timeout` of this spell of PENDING.
    Scheduling(TaskId),
    /// `no_workers_grace` without a live worker.
    Grace(TaskId),
    /// `boot_timeout`.
    Boot(VmId),
    /// `init_timeout`.
    Init(VmId),
    /// `idle_timeout`.
    Idle(SliceId),
    /// The end of a group's back-off or quota pause.
    Backoff(GroupId),
    /// An ended job has been kept long enough.
    Forget(JobId),
}

impl Timer {
    /// Whether it keeps its instant across a restart of the controller: what a client or an
    /// operator was promised. The others start anew.
    pub fn keeps_its_instant(self) -> bool {
        match self {
            Self::Timeout(_)
            | Self::Scheduling(_)
            | Self::Boot(_)
            | Self::Init(_)
            | Self::Forget(_) => true,
            Self::Silent(_)
            | Self::Dead(_)
            | Self::Quarantine(_)
            | Self::Retry(_)
            | Self::Grace(_)
            | Self::Idle(_)
            | Self::Backoff(_) => false,
        }
    }
}

impl fmt::Display for Timer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Silent(w) => write!(f, "{w} has been silent for 1.5 intervals"),
            Self::Dead(w) => write!(f, "worker_timeout of {w}"),
            Self::Quarantine(w) => write!(f, "quarantine of {w} is over"),
            Self::Retry(a) => write!(f, "back-off of RunTask {a} is over"),
            Self::Timeout(a) => write!(f, "timeout of {a}"),
            Self::Scheduling(t) => write!(f, "scheduling_timeout of {t}"),
            Self::Grace(t) => write!(f, "no_workers_grace of {t}"),
            Self::Boot(v) => write!(f, "boot timeout of {v}"),
            Self::Init(v) => write!(f, "init timeout of {v}"),
            Self::Idle(s) => write!(f, "idle timeout of {s}"),
            Self::Backoff(g) => write!(f, "back-off of {g} is over"),
            Self::Forget(j) => write!(f, "{j} has been kept long enough"),
        }
    }
}

/// A timer of a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkerTimer {
    /// The next heartbeat is due.
    Beat,
    /// `worker_lease` since the sending of the last acknowledged heartbeat; for an incarnation of
    /// which none was ever acknowledged, since its start.
    Lease,
    /// `kill_grace` since an attempt was asked to stop.
    Kill(AttemptId),
}
