//! The lines of an event log, as they are read and written.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use crate::model::budget::Tally;
use crate::model::job::JobState;
use crate::model::task::{Cause, Outcome, Phase, TaskState};
use crate::model::vm::VmState;

/// The first line.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::conform::validate) struct Header {
    #[serde(rename = "log")]
    pub _log: String,
    #[serde(rename = "version")]
    pub _version: u32,
    /// Whether every step is logged: then none is unseen.
    #[serde(default)]
    pub complete: bool,
    /// What a job may spend that does not say so itself.
    #[serde(default)]
    pub budgets: Budgets,
    /// How many slices a scale group may have at once.
    #[serde(default)]
    pub max_slices: BTreeMap<String, usize>,
}

/// What each task may spend; what is not given is the contract's default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::conform::validate) struct Budgets {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivery: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preemption: Option<u16>,
}

/// Any other line: `at`, and one of the rest.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::conform::validate) struct Raw {
    pub at: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub submitted: Option<Submitted>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancelled: Option<OfJob>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub placed: Option<Placed>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<OfPhase>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Ended>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gone: Option<OfAttempt>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<TaskIs>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<JobIs>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker: Option<WorkerIs>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vm: Option<VmIs>,
}

impl Raw {
    /// What is there of each kind, and how it is called.
    fn kinds(&self) -> [(bool, &'static str); 10] {
        [
            (self.submitted.is_some(), "submitted"),
            (self.cancelled.is_some(), "cancelled"),
            (self.placed.is_some(), "placed"),
            (self.phase.is_some(), "phase"),
            (self.ended.is_some(), "ended"),
            (self.gone.is_some(), "gone"),
            (self.task.is_some(), "task"),
            (self.job.is_some(), "job"),
            (self.worker.is_some(), "worker"),
            (self.vm.is_some(), "vm"),
        ]
    }

    /// What it tells, if it is one thing.
    pub(super) fn kind(&self) -> Option<&'static str> {
        let mut told = self.kinds().into_iter().filter(|(is, _)| *is);
        let kind = told.next().map(|(_, kind)| kind);
        kind.filter(|_| told.next().is_none())
    }
}

/// A client submitted a job.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::conform::validate) struct Submitted {
    pub job: String,
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub tasks: u16,
    #[serde(default, skip_serializing_if = "is_default")]
    pub budgets: Budgets,
    #[serde(default, skip_serializing_if = "is_default")]
    pub max_task_failures: u16,
    #[serde(default, skip_serializing_if = "is_default")]
    pub gang: bool,
    #[serde(default, skip_serializing_if = "is_default")]
    pub cpu_milli: u32,
    #[serde(default, skip_serializing_if = "is_default")]
    pub memory_bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheduling_timeout_ms: Option<u64>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "it is what serde hands on")]
fn is_one(tasks: &u16) -> bool {
    *tasks == 1
}

fn one() -> u16 {
    1
}

/// Something about a job.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::conform::validate) struct OfJob {
    pub job: String,
}

/// An attempt was given to a worker.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::conform::validate) struct Placed {
    pub job: String,
    pub task: u16,
    pub attempt: u16,
    pub worker: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub incarnation: Option<u32>,
}

/// Its worker says how far it has come.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::conform::validate) struct OfPhase {
    pub job: String,
    pub task: u16,
    pub attempt: u16,
    pub phase: Phase,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub worker: Option<String>,
}

/// An attempt ended.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::conform::validate) struct Ended {
    pub job: String,
    pub task: u16,
    pub attempt: u16,
    pub outcome: Outcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
}

/// Something about an attempt.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::conform::validate) struct OfAttempt {
    pub job: String,
    pub task: u16,
    pub attempt: u16,
}

/// Where a task stands.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::conform::validate) struct TaskIs {
    pub job: String,
    pub task: u16,
    pub state: TaskName,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spent: Option<Tally>,
}

/// Where a job stands.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::conform::validate) struct JobIs {
    pub job: String,
    pub state: JobState,
}

/// What is thought of a worker.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::conform::validate) struct WorkerIs {
    pub worker: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub incarnation: Option<u32>,
    pub state: WorkerName,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_milli: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
}

/// Where a VM stands.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::conform::validate) struct VmIs {
    pub vm: String,
    pub state: VmState,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slice: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
}

/// A task's state by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(in crate::conform::validate) enum TaskName {
    Pending,
    Assigned,
    Building,
    Running,
    Succeeded,
    Failed,
    Killed,
    WorkerFailed,
    Unschedulable,
}

impl TaskName {
    /// The name of a state.
    pub(super) fn of(state: TaskState) -> Self {
        match state {
            TaskState::Pending => Self::Pending,
            TaskState::Active(Phase::Assigned) => Self::Assigned,
            TaskState::Active(Phase::Building) => Self::Building,
            TaskState::Active(Phase::Running) => Self::Running,
            TaskState::Succeeded => Self::Succeeded,
            TaskState::Failed(_) => Self::Failed,
            TaskState::Killed => Self::Killed,
            TaskState::WorkerFailed => Self::WorkerFailed,
            TaskState::Unschedulable => Self::Unschedulable,
        }
    }
}

/// What is thought of a worker, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(in crate::conform::validate) enum WorkerName {
    Healthy,
    Degraded,
    Dead,
}
