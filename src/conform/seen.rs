//! What a user of a cluster sees at one moment, as plain values: the same whatever shows it.
//!
//! As JSON it is what a driver of another orchestrator answers. What a cluster cannot show is left
//! out, and is then not looked at. Jobs, tasks and attempts are named by the run's own numbers,
//! whatever the cluster calls them. What our own controller says is made into this by [`told`].

pub mod told;

use serde::{Deserialize, Serialize};

use crate::model::budget::Tally;
use crate::model::id::{AttemptId, Incarnation, JobId, SliceId, VmId, WorkerId};
use crate::model::job::JobState;
use crate::model::task::{Cause, Outcome, Phase, TaskState};

/// What is seen at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seen {
    /// Milliseconds since the run began.
    pub at: u64,
    /// Jobs, in order of submission.
    pub jobs: Vec<JobSeen>,
    /// Live workers, in order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workers: Option<Vec<WorkerSeen>>,
    /// Slices that are not gone, in order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slices: Option<Vec<SliceSeen>>,
    /// Attempts of which something really runs, as far as whoever runs them can tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runs: Option<Vec<AttemptId>>,
}

/// A job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobSeen {
    /// Which, by the number of the step that submitted it among those that submit.
    pub job: JobId,
    /// Where it stands.
    pub state: JobState,
    /// Its tasks, in order.
    pub tasks: Vec<TaskSeen>,
    /// Why it is not placed, while it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending_reason: Option<String>,
}

/// A task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskSeen {
    /// Where it stands: a state's name; for FAILED also why, as in `FAILED (timeout)`.
    #[serde(with = "state_text")]
    pub state: TaskState,
    /// What it has spent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spent: Option<Tally>,
    /// Its tries, in order.
    pub attempts: Vec<AttemptSeen>,
}

/// An attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttemptSeen {
    /// Where.
    pub worker: WorkerId,
    /// Of which incarnation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incarnation: Option<Incarnation>,
    /// How far it has come, while it lives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,
    /// What it ended as.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// Why it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// Whether it is confirmed that no process of it runs or ever will.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gone: Option<bool>,
}

/// A live worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkerSeen {
    /// Which.
    pub worker: WorkerId,
    /// Its incarnation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incarnation: Option<Incarnation>,
    /// HEALTHY; else DEGRADED.
    pub healthy: bool,
    /// Thousandths of CPUs that it has.
    pub cpu_milli: u32,
    /// Thousandths of CPUs that its attempts hold.
    pub held_milli: u32,
    /// In which zone it is.
    #[serde(default)]
    pub zone: String,
    /// Its attempts that are not confirmed gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempts: Option<Vec<AttemptId>>,
}

/// A slice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SliceSeen {
    /// Which.
    pub slice: SliceId,
    /// Whether it is to go.
    pub closed: bool,
    /// Its machines and their states.
    pub vms: Vec<(VmId, String)>,
}

impl AttemptSeen {
    /// Whether nobody has decided its end.
    pub fn is_live(&self) -> bool {
        self.outcome.is_none()
    }
}

/// Task states as their names.
pub(super) mod state_text {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    use super::TaskState;

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    pub fn serialize<S: Serializer>(state: &TaskState, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(state)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<TaskState, D::Error> {
        let text = String::deserialize(from)?;
        TaskState::ALL.into_iter().find(|state| state.to_string() == text).ok_or_else(|| {
            let names: Vec<String> = TaskState::ALL.iter().map(ToString::to_string).collect();
            D::Error::custom(format!(
                "`{text}` is no state of a task; there are {}",
                names.join(", ")
            ))
        })
    }
}
