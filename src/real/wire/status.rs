//! What a client is told.

use std::fmt::Display;

use tonic::Status;

use crate::model::budget::Tally;
use crate::model::job::JobState;
use crate::model::resources::Resources;
use crate::model::task::{Cause, FailedBy, Outcome, Phase, TaskState};
use crate::real::status::{
    AttemptState, AttemptStatus, ClusterStatus, GroupStatus, JobStatus, JobSummary, SliceStatus,
    TaskStatus, WorkerStatus,
};

use super::proto::{self, State};
use super::{id, malformed, resources_from, resources_to, small};

/// One of a list, by the text that it is printed as.
fn named<T: Copy + Display>(field: &str, all: &[T], text: &str) -> Result<T, Status> {
    let found = all.iter().find(|it| it.to_string() == text);
    found.copied().ok_or_else(|| malformed(field, &format!("`{text}` is none that there is")))
}

fn odd(field: &str, state: State) -> Status {
    malformed(field, &format!("{} does not belong here", state.as_str_name()))
}

fn job_state_to(state: JobState) -> State {
    match state {
        JobState::Pending => State::Pending,
        JobState::Running => State::Running,
        JobState::Succeeded => State::Succeeded,
        JobState::Failed => State::Failed,
        JobState::Killed => State::Killed,
        JobState::WorkerFailed => State::WorkerFailed,
        JobState::Unschedulable => State::Unschedulable,
    }
}

fn job_state_from(state: State) -> Result<JobState, Status> {
    Ok(match state {
        State::Pending => JobState::Pending,
        State::Running => JobState::Running,
        State::Succeeded => JobState::Succeeded,
        State::Failed => JobState::Failed,
        State::Killed => JobState::Killed,
        State::WorkerFailed => JobState::WorkerFailed,
        State::Unschedulable => JobState::Unschedulable,
        State::Unspecified
        | State::Building
        | State::Assigned
        | State::Preempted
        | State::CoschedFailed
        | State::Missing => return Err(odd("state of a job", state)),
    })
}

fn phase_to(phase: Phase) -> State {
    match phase {
        Phase::Assigned => State::Assigned,
        Phase::Building => State::Building,
        Phase::Running => State::Running,
    }
}

fn task_state_to(state: TaskState) -> State {
    match state {
        TaskState::Pending => State::Pending,
        TaskState::Active(phase) => phase_to(phase),
        TaskState::Succeeded => State::Succeeded,
        TaskState::Failed(_) => State::Failed,
        TaskState::Killed => State::Killed,
        TaskState::WorkerFailed => State::WorkerFailed,
        TaskState::Unschedulable => State::Unschedulable,
    }
}

fn task_state_from(state: State, reason: &str) -> Result<TaskState, Status> {
    Ok(match state {
        State::Pending => TaskState::Pending,
        State::Assigned => TaskState::Active(Phase::Assigned),
        State::Building => TaskState::Active(Phase::Building),
        State::Running => TaskState::Active(Phase::Running),
        State::Succeeded => TaskState::Succeeded,
        State::Failed => TaskState::Failed(named("reason", &FailedBy::ALL, reason)?),
        State::Killed => TaskState::Killed,
        State::WorkerFailed => TaskState::WorkerFailed,
        State::Unschedulable => TaskState::Unschedulable,
        State::Unspecified | State::Preempted | State::CoschedFailed | State::Missing => {
            return Err(odd("state of a task", state));
        }
    })
}

fn outcome_to(outcome: Outcome) -> State {
    match outcome {
        Outcome::Succeeded => State::Succeeded,
        Outcome::Failed => State::Failed,
        Outcome::Killed => State::Killed,
        Outcome::WorkerFailed => State::WorkerFailed,
        Outcome::Preempted => State::Preempted,
        Outcome::CoschedFailed => State::CoschedFailed,
    }
}

fn attempt_to(it: &AttemptStatus) -> proto::AttemptStatus {
    let (state, cause) = match it.state {
        AttemptState::Live(phase) => (phase_to(phase), String::new()),
        AttemptState::Ended(outcome, cause) => (outcome_to(outcome), cause.to_string()),
    };
    proto::AttemptStatus { worker: it.seat.to_string(), state: state.into(), cause, gone: it.gone }
}

fn attempt_from(it: &proto::AttemptStatus) -> Result<AttemptStatus, Status> {
    let outcome = match it.state() {
        State::Assigned => Err(Phase::Assigned),
        State::Building => Err(Phase::Building),
        State::Running => Err(Phase::Running),
        State::Succeeded => Ok(Outcome::Succeeded),
        State::Failed => Ok(Outcome::Failed),
        State::Killed => Ok(Outcome::Killed),
        State::WorkerFailed => Ok(Outcome::WorkerFailed),
        State::Preempted => Ok(Outcome::Preempted),
        State::CoschedFailed => Ok(Outcome::CoschedFailed),
        State::Unspecified | State::Pending | State::Unschedulable | State::Missing => {
            return Err(odd("state of an attempt", it.state()));
        }
    };
    let state = match outcome {
        Err(phase) => AttemptState::Live(phase),
        Ok(outcome) => AttemptState::Ended(outcome, named("cause", &Cause::ALL, &it.cause)?),
    };
    Ok(AttemptStatus { seat: id("worker", &it.worker)?, state, gone: it.gone })
}

pub(in crate::real) fn job_to(it: &JobStatus) -> proto::JobStatus {
    let task = |task: &TaskStatus| proto::TaskStatus {
        state: task_state_to(task.state).into(),
        reason: match task.state {
            TaskState::Failed(by) => by.to_string(),
            TaskState::Pending
            | TaskState::Active(_)
            | TaskState::Succeeded
            | TaskState::Killed
            | TaskState::WorkerFailed
            | TaskState::Unschedulable => String::new(),
        },
        failures: task.spent.failure.into(),
        delivery_failures: task.spent.delivery.into(),
        preemptions: task.spent.preemption.into(),
        attempts: task.attempts.iter().map(attempt_to).collect(),
    };
    proto::JobStatus {
        job: it.job.to_string(),
        name: it.name.clone(),
        state: job_state_to(it.state).into(),
        tasks: it.tasks.iter().map(task).collect(),
        pending_reason: it.pending_reason.clone().unwrap_or_default(),
    }
}

pub(in crate::real) fn job_from(it: proto::JobStatus) -> Result<JobStatus, Status> {
    let task = |task: &proto::TaskStatus| {
        Ok(TaskStatus {
            state: task_state_from(task.state(), &task.reason)?,
            spent: Tally {
                failure: small("failures", task.failures, "small")?,
                delivery: small("delivery_failures", task.delivery_failures, "small")?,
                preemption: small("preemptions", task.preemptions, "small")?,
            },
            attempts: task.attempts.iter().map(attempt_from).collect::<Result<_, _>>()?,
        })
    };
    Ok(JobStatus {
        job: id("job", &it.job)?,
        state: job_state_from(it.state())?,
        tasks: it.tasks.iter().map(task).collect::<Result<_, Status>>()?,
        name: it.name,
        pending_reason: (!it.pending_reason.is_empty()).then_some(it.pending_reason),
    })
}

pub(in crate::real) fn summary_to(it: &JobSummary) -> proto::JobSummary {
    proto::JobSummary {
        job: it.job.to_string(),
        name: it.name.clone(),
        state: job_state_to(it.state).into(),
        replicas: it.replicas,
        succeeded: it.succeeded,
    }
}

pub(in crate::real) fn summary_from(it: proto::JobSummary) -> Result<JobSummary, Status> {
    Ok(JobSummary {
        job: id("job", &it.job)?,
        state: job_state_from(it.state())?,
        name: it.name,
        replicas: it.replicas,
        succeeded: it.succeeded,
    })
}

pub(in crate::real) fn cluster_to(it: &ClusterStatus) -> proto::ClusterReply {
    let worker = |it: &WorkerStatus| proto::WorkerStatus {
        worker: it.seat.to_string(),
        state: it.state.clone(),
        total: Some(resources_to(it.total)),
        held: Some(resources_to(it.held)),
        attributes: it.attributes.clone(),
        attempts: it.attempts.iter().map(ToString::to_string).collect(),
        drained: it.drained,
    };
    let group = |it: &GroupStatus| proto::GroupStatus {
        group: it.group.to_string(),
        state: it.state.clone(),
        slices: it.slices,
        max_slices: it.max_slices,
    };
    let slice = |it: &SliceStatus| proto::SliceStatus {
        slice: it.slice.to_string(),
        closed: it.closed,
        vms: it
            .vms
            .iter()
            .map(|(vm, state)| proto::VmStatus { vm: vm.to_string(), state: state.clone() })
            .collect(),
    };
    proto::ClusterReply {
        workers: it.workers.iter().map(worker).collect(),
        groups: it.groups.iter().map(group).collect(),
        slices: it.slices.iter().map(slice).collect(),
    }
}

pub(in crate::real) fn cluster_from(it: proto::ClusterReply) -> Result<ClusterStatus, Status> {
    let room = |it: Option<proto::Resources>| -> Resources { resources_from(it) };
    let worker = |it: proto::WorkerStatus| {
        Ok(WorkerStatus {
            seat: id("worker", &it.worker)?,
            state: it.state,
            total: room(it.total),
            held: room(it.held),
            attributes: it.attributes,
            attempts: it
                .attempts
                .iter()
                .map(|text| id("attempts", text))
                .collect::<Result<_, _>>()?,
            drained: it.drained,
        })
    };
    let group = |it: proto::GroupStatus| {
        let group = id("group", &it.group)?;
        let (state, slices, max_slices) = (it.state, it.slices, it.max_slices);
        Ok(GroupStatus { group, state, slices, max_slices })
    };
    let slice = |it: proto::SliceStatus| {
        let vms = it.vms.into_iter().map(|vm| Ok((id("vm", &vm.vm)?, vm.state)));
        Ok(SliceStatus {
            slice: id("slice", &it.slice)?,
            closed: it.closed,
            vms: vms.collect::<Result<_, Status>>()?,
        })
    };
    Ok(ClusterStatus {
        workers: it.workers.into_iter().map(worker).collect::<Result<_, Status>>()?,
        groups: it.groups.into_iter().map(group).collect::<Result<_, Status>>()?,
        slices: it.slices.into_iter().map(slice).collect::<Result<_, Status>>()?,
    })
}
