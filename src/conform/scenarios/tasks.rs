//! Tasks that fail, wait, take too long, or depend on each other.

use crate::conform::chronicle::Moment;
use crate::model::budget::Budget;
use crate::model::job::JobState;
use crate::model::resources::{Attributes, Resources};
use crate::model::spec::Entrypoint;
use crate::model::task::{FailedBy, TaskState};
use crate::real::chaos::{Code, Point};
use crate::real::cluster::Plan;

use super::stage::Stage;
use super::{Env, Outcome};

const SUCCEEDED: (JobState, TaskState) = (JobState::Succeeded, TaskState::Succeeded);
const FAILED: (JobState, TaskState) = (JobState::Failed, TaskState::Failed(FailedBy::Exit));

pub(super) async fn smoke(env: Env) -> Outcome {
    let stage = Stage::usual(env).await?;
    let from = stage.now();
    let status = stage.play(&stage.nap(500)).await?;
    stage.outcome(&status, (SUCCEEDED.0, SUCCEEDED.1, 1))?;
    stage.took("the task", from, stage.now(), 500)?;
    stage.end("SUCCEEDED, 1 attempt").await
}

pub(super) async fn monitor_dies(env: Env) -> Outcome {
    let mut stage = Stage::usual(env).await?;
    let rule = stage.chaos().at(Point::WorkerTaskMonitor).fail(Code::Internal).nth(1);
    stage.keep(rule);
    let job = stage.submit(&stage.nap(60_000)).await?;
    let status = stage.ended(job).await?;
    stage.outcome(&status, (FAILED.0, FAILED.1, 1))?;
    let attempt = job.task(0).attempt(0);
    stage.when("it was launched", |it| it == Moment::Launched(attempt))?;
    stage.when("it was stopped", |it| it == Moment::Stopped(attempt))?;
    stage.at_rest()?;
    stage.end("FAILED, 1 attempt, no process left").await
}

pub(super) async fn sequential(env: Env) -> Outcome {
    let stage = Stage::usual(env).await?;
    for _ in 0..3 {
        let status = stage.play(&stage.nap(500)).await?;
        stage.outcome(&status, (SUCCEEDED.0, SUCCEEDED.1, 1))?;
        stage.at_rest()?;
    }
    stage.end("3 x SUCCEEDED, nothing held between them").await
}

pub(super) async fn fails_once(env: Env) -> Outcome {
    let stage = Stage::usual(env).await?;
    let mut spec = stage.nap(500);
    spec.payload.entrypoint = Entrypoint::Closure("fails_first".to_owned());
    spec.terms.budgets.failure = 1;
    let status = stage.play(&spec).await?;
    stage.outcome(&status, (SUCCEEDED.0, SUCCEEDED.1, 2))?;
    stage.same("failures", &status.tasks[0].spent.of(Budget::Failure), &1)?;
    stage.end("SUCCEEDED, 2 attempts, 1 failure").await
}

pub(super) async fn bundle(env: Env) -> Outcome {
    let mut stage = Stage::usual(env).await?;
    let rule = stage.chaos().at(Point::WorkerBundleDownload).fail(Code::Unavailable);
    let rule = stage.keep(rule.rate(0.5).first(2));
    stage.by_chance = true;
    let mut spec = stage.nap(500);
    spec.terms.budgets.failure = 3;
    let status = stage.play(&spec).await?;
    let firings = usize::try_from(rule.fired()).unwrap_or(usize::MAX);
    stage.outcome(&status, (SUCCEEDED.0, SUCCEEDED.1, firings + 1))?;
    stage.end(format!("SUCCEEDED, {firings} firings, {} attempts", firings + 1)).await
}

pub(super) async fn timeout(env: Env) -> Outcome {
    let stage = Stage::usual(env).await?;
    let mut spec = stage.nap(60_000);
    spec.terms.timeout = Some(stage.ms(5000));
    spec.terms.budgets.failure = 3; // there is no retry after a timeout
    let job = stage.submit(&spec).await?;
    let status = stage.ended(job).await?;
    let failed = (JobState::Failed, TaskState::Failed(FailedBy::Timeout), 1);
    stage.outcome(&status, failed)?;
    let attempt = job.task(0).attempt(0);
    let accepted = stage.when("it was accepted", |it| it == Moment::Accepted(attempt))?;
    let ended = stage.when("the end", |it| it == Moment::Job(job, JobState::Failed))?;
    stage.took("the timeout", accepted, ended, 5000)?;
    stage.until("it was stopped", 10_000, |it| it == Moment::Stopped(attempt)).await?;
    let told = format!("FAILED (timeout) after {} ms, process stopped", ended.since(accepted));
    stage.end(told).await
}

pub(super) async fn sibling(env: Env) -> Outcome {
    let mut plan = Plan::workers(2);
    for worker in &mut plan.workers {
        worker.attributes = Attributes::new([("zone", "a")]);
    }
    let mut stage = Stage::set(env, plan).await?;
    stage.registered(2).await?;
    let rule = stage.chaos().at(Point::WorkerCreateContainer).fail(Code::Internal).nth(1);
    stage.keep(rule);
    let mut spec = stage.nap(60_000);
    spec.terms.replicas = 2;
    spec.terms.group_by = Some("zone".into());
    let job = stage.submit(&spec).await?;
    let status = stage.ended(job).await?;
    stage.same("job", &status.state, &JobState::Failed)?;
    let mut tasks: Vec<TaskState> = status.tasks.iter().map(|task| task.state).collect();
    tasks.sort_unstable();
    let expected = vec![TaskState::Failed(FailedBy::Exit), TaskState::Killed];
    stage.same("tasks", &tasks, &expected)?;
    let killed = status.tasks.iter().position(|task| task.state == TaskState::Killed);
    let killed = u16::try_from(killed.unwrap_or(0)).unwrap_or(0);
    let attempt = job.task(killed).attempt(0);
    stage.when("the sibling was launched", |it| it == Moment::Launched(attempt))?;
    stage.until("it was stopped", 10_000, |it| it == Moment::Stopped(attempt)).await?;
    stage.end("FAILED, sibling stopped, nothing held").await
}

pub(super) async fn budget(env: Env) -> Outcome {
    let (mut took, mut faults) = (0, 0);
    for (retries, expected) in [(2, (SUCCEEDED.0, SUCCEEDED.1, 3)), (1, (FAILED.0, FAILED.1, 2))] {
        let mut stage = Stage::usual(env).await?;
        let rule = stage.chaos().at(Point::WorkerCreateContainer).fail(Code::Internal).first(2);
        let rule = stage.keep(rule);
        let mut spec = stage.nap(500);
        spec.terms.budgets.failure = retries;
        let status = stage.play(&spec).await?;
        stage.outcome(&status, expected)?;
        stage.same("faults", &rule.fired(), &2)?;
        let got = stage.end("").await?;
        took += got.took;
        faults += got.faults;
    }
    let told = "SUCCEEDED, 3 attempts; FAILED, 2 attempts".to_owned();
    Ok(super::Got { told, took, faults })
}

pub(super) async fn capacity(env: Env) -> Outcome {
    let stage = Stage::usual(env).await?;
    let mut full = stage.nap(5000);
    full.terms.replicas = 8;
    let full = stage.submit(&full).await?;
    let waits = stage.submit(&stage.nap(500)).await?;
    let status = stage.status(waits).await?;
    stage.same("while full", &status.state, &JobState::Pending)?;
    stage.same("the reason", &status.pending_reason, &Some("no room".to_owned()))?;
    let status = stage.ended(waits).await?;
    stage.outcome(&status, (SUCCEEDED.0, SUCCEEDED.1, 1))?;
    stage.same("the others", &stage.ended(full).await?.state, &JobState::Succeeded)?;
    let room = stage.when("room", |it| it == Moment::Stopped(full.task(0).attempt(0)))?;
    let launched = |it| it == Moment::Launched(waits.task(0).attempt(0));
    stage.took("the wait", room, stage.when("it is launched", launched)?, 0)?;
    stage.end("PENDING (no room), then SUCCEEDED").await
}

pub(super) async fn scheduling(env: Env) -> Outcome {
    let stage = Stage::usual(env).await?;
    let mut spec = stage.nap(500);
    spec.terms.resources = Resources::cpus(5);
    spec.terms.scheduling_timeout = Some(stage.ms(2000));
    let from = stage.now();
    let job = stage.submit(&spec).await?;
    let reason = stage.status(job).await?.pending_reason.unwrap_or_default();
    stage.same("the reason", &reason.starts_with("fits nowhere"), &true)?;
    let status = stage.ended(job).await?;
    stage.outcome(&status, (JobState::Unschedulable, TaskState::Unschedulable, 0))?;
    let ended = stage.when("the end", |it| it == Moment::Job(job, JobState::Unschedulable))?;
    stage.took("scheduling_timeout", from, ended, 2000)?;
    stage.end(format!("UNSCHEDULABLE after {} ms", ended.since(from))).await
}
