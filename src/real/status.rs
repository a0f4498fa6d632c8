//! What a client is told: jobs with their tasks and attempts, and the cluster.

use std::collections::BTreeMap;

use crate::controller_sm::{ControllerSm, GroupState, Job, Standing};
use crate::model::budget::Tally;
use crate::model::id::{AttemptId, GroupId, JobId, Seat, SliceId, VmId};
use crate::model::job::JobState;
use crate::model::resources::Resources;
use crate::model::task::{Cause, Outcome, Phase, TaskState};
use crate::model::vm::VmState;

/// One job in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobSummary {
    /// Which.
    pub job: JobId,
    /// Its name, for people.
    pub name: String,
    /// Where it stands.
    pub state: JobState,
    /// How many tasks it has.
    pub replicas: u32,
    /// How many of them SUCCEEDED.
    pub succeeded: u32,
}

/// A job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobStatus {
    /// Which.
    pub job: JobId,
    /// Its name, for people.
    pub name: String,
    /// Where it stands.
    pub state: JobState,
    /// Its tasks, in order.
    pub tasks: Vec<TaskStatus>,
    /// Why it is not placed, while it is not.
    pub pending_reason: Option<String>,
}

/// A task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskStatus {
    /// Where it stands.
    pub state: TaskState,
    /// What it has spent.
    pub spent: Tally,
    /// All its tries, in order.
    pub attempts: Vec<AttemptStatus>,
}

/// An attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttemptStatus {
    /// Where.
    pub seat: Seat,
    /// How it stands.
    pub state: AttemptState,
    /// Whether it is confirmed that no process of it runs or ever will.
    pub gone: bool,
}

/// How an attempt stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttemptState {
    /// It lives and has come this far.
    Live(Phase),
    /// It has ended.
    Ended(Outcome, Cause),
}

/// The cluster, as its controller sees it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ClusterStatus {
    /// The live workers.
    pub workers: Vec<WorkerStatus>,
    /// The scale groups.
    pub groups: Vec<GroupStatus>,
    /// The slices that are not gone.
    pub slices: Vec<SliceStatus>,
}

/// A live worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerStatus {
    /// Which, and its incarnation.
    pub seat: Seat,
    /// HEALTHY or DEGRADED, the latter with its reasons.
    pub state: String,
    /// What it has in all.
    pub total: Resources,
    /// What its attempts hold.
    pub held: Resources,
    /// What it says of itself.
    pub attributes: BTreeMap<String, String>,
    /// Its attempts that are not confirmed gone.
    pub attempts: Vec<AttemptId>,
    /// Whether an operator has closed it.
    pub drained: bool,
}

/// A scale group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupStatus {
    /// Which.
    pub group: GroupId,
    /// AVAILABLE, BACKOFF, `QUOTA_EXCEEDED` or `AT_MAX_SLICES`.
    pub state: String,
    /// Slices that it has.
    pub slices: u32,
    /// Slices that it may have at once.
    pub max_slices: u32,
}

/// A slice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SliceStatus {
    /// Which.
    pub slice: SliceId,
    /// Whether it is to go.
    pub closed: bool,
    /// Its machines.
    pub vms: Vec<(VmId, String)>,
}

impl JobStatus {
    /// What a client is told of a job now.
    pub fn of(machine: &ControllerSm, id: JobId) -> Option<Self> {
        let job = machine.job(id)?;
        let state = job.state();
        let waits = !state.has_ended() && job.census().pending() > 0;
        let reason = waits.then(|| machine.pending_reason(id)).flatten();
        let tasks = job.tasks.iter().map(|task| TaskStatus {
            state: task.state,
            spent: task.spent,
            attempts: attempts(task),
        });
        Some(Self {
            job: id,
            name: name(job),
            state,
            tasks: tasks.collect(),
            pending_reason: reason.map(|it| it.to_string()),
        })
    }
}

fn attempts(task: &crate::controller_sm::Task) -> Vec<AttemptStatus> {
    let live = match task.state {
        TaskState::Active(phase) => phase,
        TaskState::Pending
        | TaskState::Succeeded
        | TaskState::Failed(_)
        | TaskState::Killed
        | TaskState::WorkerFailed
        | TaskState::Unschedulable => Phase::Assigned,
    };
    let seen = |it: &crate::controller_sm::Attempt| AttemptStatus {
        seat: it.seat,
        state: match it.standing {
            Standing::Offered(_) => AttemptState::Live(Phase::Assigned),
            Standing::Accepted(_) => AttemptState::Live(live),
            Standing::Ended { outcome, cause, .. } => AttemptState::Ended(outcome, cause),
        },
        gone: it.is_gone(),
    };
    task.attempts.iter().map(seen).collect()
}

fn name(job: &Job) -> String {
    job.payload.as_ref().map_or_else(String::new, |payload| payload.name.clone())
}

/// All jobs that are kept, in order of submission.
pub(super) fn list(machine: &ControllerSm) -> Vec<JobSummary> {
    let summary = |(id, job): (JobId, &Job)| JobSummary {
        job: id,
        name: name(job),
        state: job.state(),
        replicas: u32::from(job.terms.replicas),
        succeeded: u32::from(job.census().succeeded()),
    };
    machine.jobs().map(summary).collect()
}

/// All jobs that are kept, in order of submission, and the cluster.
pub(super) fn snapshot(machine: &ControllerSm) -> (Vec<JobStatus>, ClusterStatus) {
    let jobs = machine.jobs().filter_map(|(id, _)| JobStatus::of(machine, id));
    (jobs.collect(), cluster(machine))
}

/// The cluster now.
pub(super) fn cluster(machine: &ControllerSm) -> ClusterStatus {
    let workers = machine.workers().filter_map(|(worker, slot)| {
        let live = slot.live.as_ref()?;
        Some(WorkerStatus {
            seat: Seat { worker, incarnation: slot.highest },
            state: live.state.to_string(),
            total: live.total,
            held: live.held,
            attributes: live
                .attributes
                .iter()
                .map(|(key, value)| (key.to_string(), value.to_string()))
                .collect(),
            attempts: live.attempts.to_vec(),
            drained: slot.drained,
        })
    });
    let groups = machine.groups().map(|(group, it)| {
        let slices = machine.slices().filter(|(id, _)| id.group == group).count();
        let full = slices >= usize::from(it.config.max_slices);
        let state = match it.state {
            GroupState::Available if full => "AT_MAX_SLICES",
            GroupState::Available => "AVAILABLE",
            GroupState::Backoff => "BACKOFF",
            GroupState::QuotaExceeded => "QUOTA_EXCEEDED",
        };
        GroupStatus {
            group,
            state: state.to_owned(),
            slices: u32::try_from(slices).unwrap_or(u32::MAX),
            max_slices: it.config.max_slices.into(),
        }
    });
    let slices = machine.slices().map(|(slice, it)| SliceStatus {
        slice,
        closed: it.closed,
        vms: it.vms.iter().map(|(vm, state): &(VmId, VmState)| (*vm, state.to_string())).collect(),
    });
    ClusterStatus { workers: workers.collect(), groups: groups.collect(), slices: slices.collect() }
}
