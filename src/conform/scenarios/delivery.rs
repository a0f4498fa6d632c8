//! RunTask is lost, fails, or is late.

use crate::conform::chronicle::Moment;
use crate::model::budget::Budget;
use crate::model::job::JobState;
use crate::model::task::{FailedBy, TaskState};
use crate::real::chaos::{Code, Point};
use crate::real::cluster::Plan;

use super::stage::Stage;
use super::{Env, Outcome};

pub(super) async fn intermittent(env: Env) -> Outcome {
    let mut stage = Stage::usual(env).await?;
    let rule = stage.chaos().at(Point::ControllerDispatch).fail(Code::Unavailable).rate(0.3);
    stage.keep(rule);
    stage.by_chance = true;
    // As many tasks at once as there is room for.
    let mut spec = stage.nap(500);
    spec.terms.replicas = 8;
    let status = stage.play(&spec).await?;
    stage.same("job", &status.state, &JobState::Succeeded)?;
    stage.end("SUCCEEDED").await
}

pub(super) async fn permanent(env: Env) -> Outcome {
    let mut each = Vec::new();
    let (mut took, mut faults) = (0, 0);
    for workers in [2, 1] {
        let mut stage = Stage::set(env, Plan::workers(workers)).await?;
        stage.registered(usize::try_from(workers).unwrap_or(0)).await?;
        let rule = stage.chaos().at(Point::ControllerDispatch).fail(Code::Unavailable);
        stage.keep(rule);
        let job = stage.submit(&stage.nap(500)).await?;
        let status = stage.ends_within(job, 120_000).await?;
        let failed = TaskState::Failed(FailedBy::DeliveryBudget);
        stage.outcome(&status, (JobState::Failed, failed, 11))?;
        stage.same("deliveries", &status.tasks[0].spent.of(Budget::Delivery), &11)?;
        let never_launched =
            !stage.monitor.chronicle().ever(|it| matches!(it, Moment::Launched(_)));
        stage.same("nothing was ever launched", &never_launched, &true)?;
        let got = stage.end("").await?;
        each.push(format!("{:.1} s", std::time::Duration::from_millis(got.took).as_secs_f64()));
        took += got.took;
        faults += got.faults;
    }
    let told = format!("FAILED (delivery budget spent), 11 attempts, {}", each.join(" and "));
    Ok(super::Got { told, took, faults })
}

pub(super) async fn delayed(env: Env) -> Outcome {
    let mut stage = Stage::usual(env).await?;
    let mut lengths = Vec::new();
    let mut rule = None;
    for delayed in [false, true] {
        if delayed {
            let late = stage.ms(3000);
            let added = stage.chaos().at(Point::ControllerDispatch).delay(late).nth(1);
            rule = Some(stage.keep(added));
        }
        let from = stage.now();
        let job = stage.submit(&stage.nap(500)).await?;
        let status = stage.ended(job).await?;
        stage.outcome(&status, (JobState::Succeeded, TaskState::Succeeded, 1))?;
        let is_end = |it| it == Moment::Job(job, JobState::Succeeded);
        let to = stage.when("the job ends", is_end)?;
        stage.took("the job", from, to, if delayed { 3500 } else { 500 })?;
        lengths.push(to.since(from));
    }
    stage.same("firings", &rule.map(|rule| rule.fired()), &Some(1))?;
    let told = format!("SUCCEEDED, 1 attempt, after {} ms and {} ms", lengths[0], lengths[1]);
    stage.end(told).await
}
