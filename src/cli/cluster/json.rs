//! Jobs and clusters for programs. States and causes are the texts that people read.

use serde_json::{Value, json};

use crate::model::resources::Resources;
use crate::model::task::{FailedBy, TaskState};
use crate::real::status::{
    AttemptState, AttemptStatus, ClusterStatus, JobStatus, JobSummary, TaskStatus,
};

/// `{"job", "name", "state", "pending_reason", "tasks": […]}`; a task is `{"task", "state",
/// "reason", "spent": {"failure", "delivery", "preemption"}, "attempts": […]}`, an attempt
/// `{"attempt", "worker", "state", "cause", "gone"}`. What there is not is null.
pub(super) fn job(it: &JobStatus) -> Value {
    let tasks = (0..).zip(&it.tasks).map(|(index, task)| {
        let id = it.job.task(index);
        let attempts = (0..).zip(&task.attempts).map(|(number, attempt)| {
            let (state, cause) = standing(attempt);
            json!({
                "attempt": id.attempt(number),
                "worker": attempt.seat,
                "state": state,
                "cause": cause,
                "gone": attempt.gone,
            })
        });
        let (state, reason) = state(task);
        json!({
            "task": id,
            "state": state,
            "reason": reason,
            "spent": {
                "failure": task.spent.failure,
                "delivery": task.spent.delivery,
                "preemption": task.spent.preemption,
            },
            "attempts": attempts.collect::<Vec<_>>(),
        })
    });
    json!({
        "job": it.job,
        "name": it.name,
        "state": it.state.to_string(),
        "pending_reason": it.pending_reason,
        "tasks": tasks.collect::<Vec<_>>(),
    })
}

fn state(task: &TaskStatus) -> (String, Option<String>) {
    let plain = || task.state.to_string();
    match task.state {
        TaskState::Failed(by) => {
            (TaskState::Failed(FailedBy::Exit).to_string(), Some(by.to_string()))
        }
        TaskState::Pending
        | TaskState::Active(_)
        | TaskState::Succeeded
        | TaskState::Killed
        | TaskState::WorkerFailed
        | TaskState::Unschedulable => (plain(), None),
    }
}

fn standing(it: &AttemptStatus) -> (String, Option<String>) {
    match it.state {
        AttemptState::Live(phase) => (phase.to_string(), None),
        AttemptState::Ended(outcome, cause) => (outcome.to_string(), Some(cause.to_string())),
    }
}

/// An array of `{"job", "name", "state", "replicas", "succeeded"}`.
pub(super) fn jobs(jobs: &[JobSummary]) -> Value {
    let one = |it: &JobSummary| {
        json!({
            "job": it.job,
            "name": it.name,
            "state": it.state.to_string(),
            "replicas": it.replicas,
            "succeeded": it.succeeded,
        })
    };
    jobs.iter().map(one).collect()
}

/// `{"workers": […], "groups": […], "slices": […]}`.
pub(super) fn cluster(it: &ClusterStatus) -> Value {
    let room = |it: Resources| json!({"cpu_milli": it.cpu_milli, "memory_bytes": it.memory_bytes});
    let workers = it.workers.iter().map(|it| {
        json!({
            "worker": it.seat,
            "state": it.state,
            "total": room(it.total),
            "held": room(it.held),
            "attributes": it.attributes,
            "attempts": it.attempts,
            "drained": it.drained,
        })
    });
    let groups = it.groups.iter().map(|it| {
        json!({
            "group": it.group,
            "state": it.state,
            "slices": it.slices,
            "max_slices": it.max_slices,
        })
    });
    let slices = it.slices.iter().map(|it| {
        let vms = it.vms.iter().map(|(vm, state)| json!({"vm": vm, "state": state}));
        json!({
            "slice": it.slice,
            "closed": it.closed,
            "vms": vms.collect::<Vec<_>>(),
        })
    });
    json!({
        "workers": workers.collect::<Vec<_>>(),
        "groups": groups.collect::<Vec<_>>(),
        "slices": slices.collect::<Vec<_>>(),
    })
}
