//! Heartbeats and reports are lost, late, or never come.

use crate::conform::chronicle::Moment;
use crate::model::budget::Budget;
use crate::model::id::AttemptId;
use crate::model::job::JobState;
use crate::model::task::{Cause, FailedBy, Outcome as End, TaskState};
use crate::model::worker::WorkerState;
use crate::real::chaos::{Code, Point};
use crate::real::cluster::Plan;

use super::stage::{Stage, W1};
use super::{Env, Outcome};

pub(super) async fn temporary(env: Env) -> Outcome {
    let mut stage = Stage::usual(env).await?;
    let job = stage.submit(&stage.nap(60_000)).await?;
    let rule = stage.chaos().at(Point::WorkerHeartbeat).on(W1).drop_request().first(3);
    let rule = stage.keep(rule);
    let status = stage.ended(job).await?;
    stage.outcome(&status, (JobState::Succeeded, TaskState::Succeeded, 1))?;
    stage.same("beats lost", &rule.fired(), &3)?;
    stage.same("the worker", &status.tasks[0].attempts[0].seat.worker, &W1)?;
    let chronicle = stage.monitor.chronicle();
    let degraded = |it| matches!(it, Moment::Worker(id, WorkerState::Degraded(_)) if id == W1);
    stage.same("DEGRADED", &chronicle.ever(degraded), &true)?;
    let dead = chronicle.ever(|it| matches!(it, Moment::Worker(_, WorkerState::Dead)));
    stage.same("DEAD", &dead, &false)?;
    stage.end("SUCCEEDED, 1 attempt, DEGRADED, never DEAD").await
}

/// Twice: once nothing of the workers comes through, as when the network is cut; once only their
/// heartbeats fail. Then the report that the process was stopped tells the end before DEAD does.
pub(super) async fn permanent(env: Env) -> Outcome {
    let mut told = String::new();
    let mut faults = 0;
    let mut took = 0;
    for cut in [true, false] {
        let mut stage = Stage::usual(env).await?;
        // The last beats were answered at the beginning.
        let last = stage.when("a beat", |it| it == Moment::Worker(W1, WorkerState::Healthy))?;
        let rule = stage.chaos().at(Point::WorkerHeartbeat).fail(Code::Unavailable);
        stage.keep(rule);
        let job = stage.submit(&stage.nap(120_000)).await?;
        let attempt = job.task(0).attempt(0);
        if cut {
            stage.until("the task runs", 5000, |it| it == Moment::Accepted(attempt)).await?;
            let rule = stage.chaos().at(Point::WorkerReportTaskState).drop_request();
            stage.keep(rule);
        }
        let status = stage.ended(job).await?;
        let exhausted = TaskState::Failed(FailedBy::WorkersExhausted);
        stage.outcome(&status, (JobState::Failed, exhausted, 1))?;
        stage.same("losses", &status.tasks[0].spent.of(Budget::Preemption), &1)?;
        let stopped = stage.when("it is stopped", |it| it == Moment::Stopped(attempt))?;
        stage.took("the lease", last, stopped, 50_000)?;
        let (outcome, ended) = ending(&stage, attempt)?;
        if cut {
            let dead = |it| it == Moment::Worker(W1, WorkerState::Dead);
            stage.same("outcome", &outcome, &(End::WorkerFailed, Cause::Loss))?;
            stage.same("ended when DEAD", &ended, &stage.when("DEAD", dead)?)?;
            stage.took("worker_timeout", last, ended, 60_000)?;
        } else {
            stage.same("outcome", &outcome, &(End::Killed, Cause::Loss))?;
            stage.took("the lease", last, ended, 50_000)?;
        }
        let failed = stage.when("the job ends", |it| it == Moment::Job(job, JobState::Failed))?;
        stage.took("the end", last, failed, 80_000)?;
        let got = stage.end("").await?;
        if cut {
            told = format!(
                "stopped after {} ms, WORKER_FAILED after {} ms, FAILED after {} ms",
                stopped.since(last),
                ended.since(last),
                failed.since(last)
            );
        }
        took += got.took;
        faults += got.faults;
    }
    Ok(super::Got { told, took, faults })
}

fn ending(
    stage: &Stage,
    attempt: AttemptId,
) -> Result<((End, Cause), crate::real::clock::At), String> {
    let chronicle = stage.monitor.chronicle();
    let found = chronicle.all().iter().find_map(|(at, moment)| match moment {
        Moment::Ended(id, outcome, cause) if *id == attempt => Some(((*outcome, *cause), *at)),
        Moment::Ended(..)
        | Moment::Worker(..)
        | Moment::Job(..)
        | Moment::Accepted(_)
        | Moment::Launched(_)
        | Moment::Stopped(_)
        | Moment::Vm(..)
        | Moment::Group(..) => None,
    });
    found.ok_or_else(|| stage.differs("the attempt's end", &"none", &"one"))
}

pub(super) async fn report(env: Env) -> Outcome {
    let mut stage = Stage::usual(env).await?;
    let begun = stage.when("a beat", |it| it == Moment::Worker(W1, WorkerState::Healthy))?;
    let rule = stage.chaos().at(Point::WorkerReportTaskState).drop_request();
    stage.keep(rule);
    let job = stage.submit(&stage.nap(500)).await?;
    let status = stage.ended(job).await?;
    stage.outcome(&status, (JobState::Succeeded, TaskState::Succeeded, 1))?;
    let ended = stage.when("the end", |it| it == Moment::Job(job, JobState::Succeeded))?;
    stage.took("the next heartbeat", begun, ended, 10_000)?;
    stage.end(format!("SUCCEEDED, 1 attempt, {} ms after the last beat", ended.since(begun))).await
}

pub(super) async fn delayed_registration(env: Env) -> Outcome {
    let mut plan = Plan::workers(1);
    plan.workers[0].waits = true;
    let mut stage = Stage::set(env, plan).await?;
    let begun = stage.now();
    let late = stage.ms(10_000);
    let rule = stage.chaos().at(Point::WorkerHeartbeat).on(W1).delay(late).nth(1);
    stage.keep(rule);
    stage.cluster.start_worker(W1).await.map_err(|error| error.to_string())?;
    let job = stage.submit(&stage.nap(500)).await?;
    let status = stage.ended(job).await?;
    stage.outcome(&status, (JobState::Succeeded, TaskState::Succeeded, 1))?;
    let registered = |it| it == Moment::Worker(W1, WorkerState::Healthy);
    stage.took("registration", begun, stage.when("it registers", registered)?, 10_000)?;
    let ended = stage.when("the end", |it| it == Moment::Job(job, JobState::Succeeded))?;
    let early = ended.since(begun) < u64::from(stage.ms(10_500).0);
    stage.same("before 10.5 s", &early, &false)?;
    stage.end(format!("SUCCEEDED, after {} ms", ended.since(begun))).await
}

pub(super) async fn nobody(env: Env) -> Outcome {
    let mut plan = Plan::workers(2);
    for worker in &mut plan.workers {
        worker.waits = true;
    }
    let mut stage = Stage::set(env, plan).await?;
    let rule = stage.chaos().at(Point::WorkerHeartbeat).fail(Code::Unavailable);
    stage.keep(rule);
    for worker in [1, 2] {
        let worker = crate::model::id::WorkerId(worker);
        stage.cluster.start_worker(worker).await.map_err(|error| error.to_string())?;
    }
    let begun = stage.now();
    let job = stage.submit(&stage.nap(500)).await?;
    let status = stage.ended(job).await?;
    let exhausted = TaskState::Failed(FailedBy::WorkersExhausted);
    stage.outcome(&status, (JobState::Failed, exhausted, 0))?;
    let ended = stage.when("the end", |it| it == Moment::Job(job, JobState::Failed))?;
    stage.took("the grace", begun, ended, 20_000)?;
    let told = format!("FAILED (workers exhausted) after {} ms, 0 attempts", ended.since(begun));
    stage.end(told).await
}
