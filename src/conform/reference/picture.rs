//! What must hold in every single look, whatever was done before: sums, folds, gangs, and that
//! nothing waits for what is free.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::id::{AttemptId, JobId, WorkerId};
use crate::model::job::{Census, JobState};
use crate::model::task::TaskState;

use super::super::run::JobPlan;
use super::super::seen::{AttemptSeen, JobSeen, Seen, TaskSeen, WorkerSeen};
use super::follow::tally;
use super::{Difference, Rule};

/// Judges one look. `plan` tells what was submitted.
pub(super) fn judge<'a>(
    seen: &Seen,
    plan: &dyn Fn(JobId) -> Option<&'a JobPlan>,
) -> Result<(), Difference> {
    for job in &seen.jobs {
        let Some(plan) = plan(job.job) else {
            let says = format!("there is a job {}, and nobody submitted it", job.job);
            return Err(Difference::new(Rule::Jobs, says));
        };
        of_job(job, plan)?;
    }
    if let Some(workers) = &seen.workers {
        held(seen, workers, plan)?;
        nothing_waits_for_what_is_free(seen, workers, plan)?;
    }
    runs(seen)
}

fn of_job(job: &JobSeen, plan: &JobPlan) -> Result<(), Difference> {
    let id = job.job;
    if job.tasks.len() != usize::from(plan.replicas) {
        let says =
            format!("{id} has {} tasks, and {} were asked for", job.tasks.len(), plan.replicas);
        return Err(Difference::new(Rule::Jobs, says));
    }
    let mut census = Census::default();
    for task in &job.tasks {
        census.add(task.state);
    }
    let terms = plan.terms();
    let folded = census.fold(&terms);
    if folded != job.state {
        let says = format!("{id} is told to be {}; its tasks make it {folded}", job.state);
        return Err(Difference::new(Rule::Fold, says));
    }
    for (index, task) in (0_u16..).zip(&job.tasks) {
        let told =
            |says: String| Difference::new(Rule::Counters, format!("{}: {says}", id.task(index)));
        let spent = tally(&task.attempts);
        if let Some(counters) = task.spent.filter(|counters| *counters != spent)
            && task.attempts.iter().all(|it| it.is_live() || it.cause.is_some())
        {
            return Err(told(format!("it has spent {counters:?}; its attempts make it {spent:?}")));
        }
        let live = task.attempts.iter().filter(|it| it.is_live()).count();
        let last = task.attempts.last().is_some_and(AttemptSeen::is_live);
        if live > 1 || (live == 1 && !last) || task.state.is_active() != (live == 1) {
            let says = format!("it is {} and has {live} live attempts", task.state);
            return Err(Difference::new(Rule::OneAttempt, format!("{}: {says}", id.task(index))));
        }
        let phase = task.attempts.last().and_then(|it| it.phase);
        if let (TaskState::Active(is), Some(phase)) = (task.state, phase)
            && is != phase
        {
            let says = format!("{}: it is {is}, and its attempt is {phase}", id.task(index));
            return Err(Difference::new(Rule::OneAttempt, says));
        }
    }
    if plan.gang {
        gang(job)?;
    }
    let waits = !job.state.has_ended() && job.tasks.iter().any(|it| it.state == TaskState::Pending);
    if job.pending_reason.is_some() && !waits {
        let says = format!("{id} tells why it waits, and no task of it does");
        return Err(Difference::new(Rule::Reason, says));
    }
    Ok(())
}

/// With one member active every member is active or SUCCEEDED, on workers of their own.
fn gang(job: &JobSeen) -> Result<(), Difference> {
    let id = job.job;
    let fails = |says: String| Err(Difference::new(Rule::Gang, format!("{id}: {says}")));
    if !job.tasks.iter().any(|task| task.state.is_active()) {
        return Ok(());
    }
    let mut on = BTreeSet::new();
    for (index, task) in (0_u16..).zip(&job.tasks) {
        if !task.state.is_active() && task.state != TaskState::Succeeded {
            let says = format!("a member is active, and {} is {}", id.task(index), task.state);
            return fails(says);
        }
        if let Some(attempt) = task.attempts.last().filter(|it| it.is_live())
            && !on.insert(attempt.worker)
        {
            return fails(format!("two members are active on {}", attempt.worker));
        }
    }
    Ok(())
}

/// What a worker holds is what its attempts that are not confirmed gone need.
fn held<'a>(
    seen: &Seen,
    workers: &[WorkerSeen],
    plan: &dyn Fn(JobId) -> Option<&'a JobPlan>,
) -> Result<(), Difference> {
    let mut sums: BTreeMap<WorkerId, u64> = BTreeMap::new();
    let mut tells = true;
    for job in &seen.jobs {
        let need = u64::from(plan(job.job).map_or(0, |plan| plan.terms().resources.cpu_milli));
        for attempt in job.tasks.iter().flat_map(|task| &task.attempts) {
            tells &= attempt.gone.is_some();
            if attempt.gone == Some(false) {
                *sums.entry(attempt.worker).or_default() += need;
            }
        }
    }
    for worker in workers {
        let id = worker.worker;
        if worker.held_milli > worker.cpu_milli {
            let says =
                format!("{id} holds {} of {} thousandths", worker.held_milli, worker.cpu_milli);
            return Err(Difference::new(Rule::Capacity, says));
        }
        let sum = sums.get(&id).copied().unwrap_or(0);
        if tells && sum != u64::from(worker.held_milli) {
            let says = format!(
                "{id} holds {} thousandths of a CPU; its attempts that are not confirmed gone \
                 need {sum}",
                worker.held_milli
            );
            return Err(Difference::new(Rule::Capacity, says));
        }
    }
    Ok(())
}

/// Whether a task may be placed: all its earlier attempts are confirmed gone.
fn may_be_placed(task: &TaskSeen) -> bool {
    task.state == TaskState::Pending && task.attempts.iter().all(|it| it.gone == Some(true))
}

fn nothing_waits_for_what_is_free<'a>(
    seen: &Seen,
    workers: &[WorkerSeen],
    plan: &dyn Fn(JobId) -> Option<&'a JobPlan>,
) -> Result<(), Difference> {
    let free = |worker: &&WorkerSeen, need: u32| {
        worker.healthy && worker.cpu_milli - worker.held_milli.min(worker.cpu_milli) >= need
    };
    for job in seen.jobs.iter().filter(|job| !job.state.has_ended()) {
        let Some(plan) = plan(job.job) else { continue };
        let need = plan.terms().resources.cpu_milli;
        if plan.gang {
            if !job.tasks.iter().all(may_be_placed) {
                continue;
            }
            let mut zones: BTreeMap<&str, usize> = BTreeMap::new();
            for worker in workers.iter().filter(|worker| free(worker, need)) {
                *zones.entry(worker.zone.as_str()).or_default() += 1;
            }
            if let Some((zone, _)) = zones.iter().find(|(_, n)| **n >= job.tasks.len()) {
                let says = format!("the gang {} waits, and zone {zone} has room for it", job.job);
                return Err(Difference::new(Rule::Waits, says));
            }
            continue;
        }
        for (index, _) in (0_u16..).zip(&job.tasks).filter(|(_, task)| may_be_placed(task)) {
            if let Some(worker) = workers.iter().find(|worker| free(worker, need)) {
                let (task, id) = (job.job.task(index), worker.worker);
                let says = format!(
                    "{task} is PENDING and may be placed, and {id}, which is HEALTHY, has room"
                );
                return Err(Difference::new(Rule::Waits, says));
            }
        }
    }
    Ok(())
}

/// Of one task one process runs at most, and only of attempts that are not confirmed gone.
fn runs(seen: &Seen) -> Result<(), Difference> {
    let Some(runs) = &seen.runs else { return Ok(()) };
    let mut tasks = BTreeSet::new();
    for id in runs {
        if !tasks.insert(id.task) {
            let says = format!("two processes of {} run", id.task);
            return Err(Difference::new(Rule::Processes, says));
        }
        if attempt(seen, *id).is_some_and(|attempt| attempt.gone == Some(true)) {
            let says = format!("{id} is confirmed gone, and runs");
            return Err(Difference::new(Rule::Processes, says));
        }
    }
    Ok(())
}

fn attempt(seen: &Seen, id: AttemptId) -> Option<&AttemptSeen> {
    let job = seen.jobs.iter().find(|job| job.job == id.task.job)?;
    job.tasks.get(usize::from(id.task.index))?.attempts.get(usize::from(id.number))
}

/// What has not ended yet, or is still held, or still runs, told for people.
pub(super) fn left_over(seen: &Seen) -> Option<String> {
    let unfinished =
        |job: &&JobSeen| job.state == JobState::Pending || job.state == JobState::Running;
    if let Some(job) = seen.jobs.iter().find(unfinished) {
        let why = job.pending_reason.as_ref().map_or_else(String::new, |it| format!(" ({it})"));
        return Some(format!("{} is still {}{why}", job.job, job.state));
    }
    let mut workers = seen.workers.iter().flatten();
    if let Some(worker) = workers.find(|worker| worker.held_milli > 0) {
        return Some(format!(
            "{} still holds {} thousandths of a CPU",
            worker.worker, worker.held_milli
        ));
    }
    let mut attempts = seen.jobs.iter().flat_map(|job| {
        let tasks = (0_u16..).zip(&job.tasks);
        tasks.flat_map(move |(index, task)| {
            let id = job.job.task(index);
            (0_u16..).zip(&task.attempts).map(move |(number, it)| (id.attempt(number), it))
        })
    });
    if let Some((id, _)) = attempts.find(|(_, attempt)| attempt.gone == Some(false)) {
        return Some(format!("{id} is still not confirmed gone"));
    }
    seen.runs.as_ref().and_then(|runs| runs.first()).map(|id| format!("{id} still runs"))
}
