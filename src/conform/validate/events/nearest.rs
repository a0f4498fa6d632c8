//! What is told beside a guard that is false: the state that the event met, and events that may
//! stand in its place.

use crate::model::job::JobState;
use crate::model::task::{Outcome, Phase, TaskState};

use super::super::mismatch::Refusal;
use super::Events;
use super::line::{
    Ended, JobIs, OfAttempt, OfPhase, Placed, Raw, Submitted, TaskIs, TaskName, VmIs, WorkerIs,
    WorkerName,
};

const OUTCOMES: [Outcome; 3] = [Outcome::Succeeded, Outcome::Failed, Outcome::WorkerFailed];
const JOBS: [JobState; 7] = [
    JobState::Pending,
    JobState::Running,
    JobState::Succeeded,
    JobState::Failed,
    JobState::Killed,
    JobState::WorkerFailed,
    JobState::Unschedulable,
];

impl Events {
    /// The refusal with what the event met, and what may stand there instead.
    pub(super) fn explain(&self, raw: &Raw, mut refusal: Refusal) -> Refusal {
        let at = raw.at.max(self.last);
        let new = || Raw { at, ..Raw::default() };
        let mut near = Vec::new();
        if let Some((job, index)) = task_of(raw) {
            self.describe_task(job, index, &mut refusal.state);
            near.extend(self.next_of_task(job, index, raw).into_iter().map(|it| Raw { at, ..it }));
        }
        if let Some(name) = job_of(raw) {
            refusal.state.extend(self.describe_job(name));
            for state in JOBS {
                let is = JobIs { job: name.to_owned(), state };
                near.push(Raw { job: Some(is), ..new() });
            }
            if !self.jobs.contains_key(name) {
                near.push(Raw { submitted: Some(submitted(name)), ..new() });
            }
        }
        if let Some(name) = worker_of(raw) {
            refusal.state.extend(self.describe_worker(name));
        }
        if let Some(is) = &raw.worker {
            let known = self.fleet.workers.get(&is.worker).and_then(|it| it.incarnation);
            for incarnation in [known, known.map(|it| it + 1)] {
                for state in [WorkerName::Healthy, WorkerName::Degraded, WorkerName::Dead] {
                    let is = WorkerIs { incarnation, state, ..is.clone() };
                    near.push(Raw { worker: Some(is), ..new() });
                }
            }
        }
        if let Some(is) = &raw.vm {
            for state in self.fleet.vm_may_become(&is.vm) {
                let is = VmIs { vm: is.vm.clone(), state, slice: None, group: None };
                near.push(Raw { vm: Some(is), ..new() });
            }
        }
        // What is always possible, for want of anything nearer.
        for number in 2..4 {
            let name = job_of(raw).unwrap_or("job");
            near.push(Raw { submitted: Some(submitted(&format!("{name}-{number}"))), ..new() });
        }
        let written = near.iter().filter_map(|raw| serde_json::to_string(raw).ok());
        refusal.nearest.extend(written);
        refusal
    }

    fn next_of_task(&self, job: &str, index: u16, raw: &Raw) -> Vec<Raw> {
        let Some(it) = self.jobs.get(job) else { return Vec::new() };
        let Some(task) = it.tasks.get(usize::from(index)) else { return Vec::new() };
        let name = job.to_owned();
        let mut near = Vec::new();
        let last = task.placed.saturating_sub(1);
        if !task.gone {
            let it = OfAttempt { job: name.clone(), task: index, attempt: last };
            near.push(Raw { gone: Some(it), ..Raw::default() });
        }
        for phase in [Phase::Building, Phase::Running] {
            let it = OfPhase { job: name.clone(), task: index, attempt: last, phase, worker: None };
            near.push(Raw { phase: Some(it), ..Raw::default() });
        }
        for outcome in OUTCOMES {
            let (job, cause) = (name.clone(), None);
            let it = Ended { job, task: index, attempt: last, outcome, cause };
            near.push(Raw { ended: Some(it), ..Raw::default() });
        }
        let wanted = raw.placed.as_ref().map(|it| it.worker.as_str());
        let others = self.fleet.workers.keys().map(String::as_str);
        for worker in wanted.into_iter().chain(others.take(2)) {
            let (job, worker) = (name.clone(), worker.to_owned());
            let attempt = task.placed;
            let it = Placed { job, task: index, attempt, worker, incarnation: None };
            near.push(Raw { placed: Some(it), ..Raw::default() });
        }
        for state in task.states.iter() {
            let state = TaskName::of(state);
            let it = TaskIs { job: name.clone(), task: index, state, spent: None };
            near.push(Raw { task: Some(it), ..Raw::default() });
        }
        near
    }

    fn describe_task(&self, job: &str, index: u16, to: &mut Vec<String>) {
        let Some(task) = self.jobs.get(job).and_then(|it| it.tasks.get(usize::from(index))) else {
            return;
        };
        let is: Vec<String> = task.states.iter().map(|it: TaskState| it.to_string()).collect();
        let last = match (task.placed.checked_sub(1), &task.seat) {
            (None, _) => "never placed".to_owned(),
            (Some(last), Some(seat)) => {
                format!("its last attempt {job}.{index}#{last} was placed on {}", seat.worker)
            }
            (Some(last), None) => format!("its last attempt is {job}.{index}#{last}"),
        };
        to.push(format!("{job}.{index} is {}, {last}", is.join(" or ")));
        let (spent, budgets) = (task.spent.known, self.jobs[job].terms.budgets);
        to.push(format!(
            "it has spent failure {} of {}, delivery {} of {}, preemption {} of {}",
            spent.failure,
            budgets.failure,
            spent.delivery,
            budgets.delivery,
            spent.preemption,
            budgets.preemption
        ));
    }

    fn describe_job(&self, name: &str) -> Option<String> {
        let job = self.jobs.get(name)?;
        let cancelled = if job.cancelled { ", cancelled" } else { "" };
        Some(match (job.ended, job.certain()) {
            (Some(ended), _) => format!("{name} has ended {ended}{cancelled}"),
            (None, Some(is)) => format!("{name} is {is} as far as was logged{cancelled}"),
            (None, None) => format!("{name} has not ended{cancelled}"),
        })
    }

    fn describe_worker(&self, name: &str) -> Option<String> {
        let worker = self.fleet.workers.get(name)?;
        let is = worker.incarnation.map_or_else(|| name.to_owned(), |it| format!("{name}@{it}"));
        Some(format!("{is} is {}, with {} taken", worker.state, worker.held))
    }
}

fn submitted(job: &str) -> Submitted {
    Submitted {
        job: job.to_owned(),
        tasks: 1,
        budgets: super::line::Budgets::default(),
        max_task_failures: 0,
        gang: false,
        cpu_milli: 0,
        memory_bytes: 0,
        timeout_ms: None,
        scheduling_timeout_ms: None,
    }
}

/// The task that an event is about.
fn task_of(raw: &Raw) -> Option<(&str, u16)> {
    let placed = raw.placed.as_ref().map(|it| (it.job.as_str(), it.task));
    let phase = raw.phase.as_ref().map(|it| (it.job.as_str(), it.task));
    let ended = raw.ended.as_ref().map(|it| (it.job.as_str(), it.task));
    let gone = raw.gone.as_ref().map(|it| (it.job.as_str(), it.task));
    let task = raw.task.as_ref().map(|it| (it.job.as_str(), it.task));
    placed.or(phase).or(ended).or(gone).or(task)
}

/// The job.
fn job_of(raw: &Raw) -> Option<&str> {
    let job = raw.job.as_ref().map(|it| it.job.as_str());
    let submitted = raw.submitted.as_ref().map(|it| it.job.as_str());
    let cancelled = raw.cancelled.as_ref().map(|it| it.job.as_str());
    job.or(submitted).or(cancelled).or_else(|| task_of(raw).map(|it| it.0))
}

/// The worker.
fn worker_of(raw: &Raw) -> Option<&str> {
    let placed = raw.placed.as_ref().map(|it| it.worker.as_str());
    let phase = raw.phase.as_ref().and_then(|it| it.worker.as_deref());
    let worker = raw.worker.as_ref().map(|it| it.worker.as_str());
    placed.or(phase).or(worker)
}
