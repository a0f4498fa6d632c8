//! Slices are refused, stuck, or taken away.

use crate::conform::chronicle::Moment;
use crate::controller_sm::{GroupConfig, GroupState};
use crate::model::budget::Budget;
use crate::model::id::{GroupId, VmId};
use crate::model::job::JobState;
use crate::model::resources::{Attributes, Resources};
use crate::model::task::{Cause, Outcome as End, Phase, TaskState};
use crate::model::time::Millis;
use crate::model::vm::VmState;
use crate::real::chaos::{Code, Point};
use crate::real::cloud::Pace;
use crate::real::cluster::Plan;
use crate::real::status::{AttemptState, JobStatus, TaskStatus};

use super::stage::Stage;
use super::{Env, Outcome};

const GROUP: GroupId = GroupId(1);

/// A group of at most two slices of this many machines of this many CPUs.
fn group(env: Env, vms: u8, cpus: u32) -> (GroupConfig, Pace) {
    let config = GroupConfig {
        min_slices: 0,
        max_slices: 2,
        vms_per_slice: vms,
        capacity: Resources::cpus(cpus),
        attributes: Attributes::default(),
    };
    let second: Millis = env.ms(1000);
    let pace = Pace { grant: second, boot: second, init: second, end: second, quota: u16::MAX };
    (config, pace)
}

/// The group's machines are the only ones that are large enough.
async fn large(env: Env) -> Result<Stage, String> {
    let plan = Plan { groups: vec![group(env, 1, 8)], ..Plan::workers(2) };
    let stage = Stage::set(env, plan).await?;
    stage.registered(2).await?;
    Ok(stage)
}

pub(super) async fn quota(env: Env) -> Outcome {
    let mut stage = large(env).await?;
    let quota = Code::ResourceExhausted;
    let rule = stage.chaos().at(Point::ProviderCreateSlice).on(GROUP).fail(quota).nth(1);
    stage.keep(rule);
    let mut spec = stage.nap(500);
    spec.terms.resources = Resources::cpus(8);
    let from = stage.now();
    let job = stage.submit(&spec).await?;
    let status = stage.ended(job).await?;
    stage.outcome(&status, (JobState::Succeeded, TaskState::Succeeded, 1))?;
    let is = |state| move |it| it == Moment::Group(GROUP, state);
    let refused = stage.when("QUOTA_EXCEEDED", is(GroupState::QuotaExceeded))?;
    stage.took("the refusal", from, refused, 0)?;
    let available = stage.when("AVAILABLE", is(GroupState::Available))?;
    stage.took("the pause", refused, available, 300_000)?;
    let ready = stage.when("READY", |it| matches!(it, Moment::Vm(_, VmState::Ready)))?;
    stage.took("grant, boot and init", available, ready, 3000)?;
    let told = format!("QUOTA_EXCEEDED, READY after {} ms", ready.since(from));
    stage.end(told).await
}

pub(super) async fn init_stuck(env: Env) -> Outcome {
    let mut stage = large(env).await?;
    let rule = stage.chaos().at(Point::ProviderInit).drop_request().nth(1);
    stage.keep(rule);
    let mut spec = stage.nap(500);
    spec.terms.resources = Resources::cpus(8);
    let job = stage.submit(&spec).await?;
    let status = stage.ended(job).await?;
    stage.outcome(&status, (JobState::Succeeded, TaskState::Succeeded, 1))?;
    let (first, second) = (VmId(3), VmId(4));
    let is = |vm, state| move |it| it == Moment::Vm(vm, state);
    let stuck = stage.when("INITIALIZING", is(first, VmState::Initializing))?;
    let failed = stage.when("FAILED", is(first, VmState::Failed))?;
    stage.took("the init timeout", stuck, failed, 600_000)?;
    let ever_ready = stage.monitor.chronicle().ever(is(first, VmState::Ready));
    stage.same("the first is READY", &ever_ready, &false)?;
    let ready = stage.when("its replacement is READY", is(second, VmState::Ready))?;
    stage.same("replaced after it failed", &(ready > failed), &true)?;
    let told = format!(
        "INITIALIZING for {} ms, FAILED, replaced after {} ms",
        failed.since(stuck),
        ready.since(failed)
    );
    stage.end(told).await
}

pub(super) async fn preempted(env: Env) -> Outcome {
    let plan = Plan { groups: vec![group(env, 2, 4)], ..Plan::workers(0) };
    let mut stage = Stage::set(env, plan).await?;
    // A task fills a machine. The second machine never hears of its task: that stays ASSIGNED.
    let (v1, v2) = (VmId(1), VmId(2));
    let rule = stage.chaos().at(Point::ControllerDispatch).on(v2.worker()).drop_request();
    stage.keep(rule);
    let late = stage.ms(10_000);
    let rule = stage.chaos().at(Point::ProviderPreempt).delay(late).nth(1);
    stage.keep(rule);
    let mut spec = stage.nap(60_000);
    spec.terms.replicas = 2;
    spec.terms.resources = Resources::cpus(4);
    let job = stage.submit(&spec).await?;
    let is = |vm, state| move |it| it == Moment::Vm(vm, state);
    stage.until("both are READY", 60_000, is(v2, VmState::Ready)).await?;
    stage.cluster.clock().sleep(stage.ms(8000)).await;
    // Which of the tasks came to which machine is left to the order in which these registered.
    let before = stage.status(job).await?;
    let on = |vm: VmId| {
        let is_there = |it: &TaskStatus| it.attempts.iter().any(|a| a.seat.worker == vm.worker());
        before.tasks.iter().position(is_there).ok_or_else(|| format!("no task on {vm}"))
    };
    let (runs, waits) = (on(v1)?, on(v2)?);
    let states = [runs, waits].map(|at| before.tasks[at].state);
    let expected = [Phase::Running, Phase::Assigned].map(TaskState::Active);
    stage.same("before", &states, &expected)?;
    let status = stage.ended(job).await?;
    stage.same("job", &status.state, &JobState::Succeeded)?;
    let left = |vms: &[(VmId, VmState)]| vms.iter().any(|(vm, _)| *vm == v1 || *vm == v2);
    let left = stage.monitor.live().controller().slices().any(|(_, slice)| left(&slice.vms));
    stage.same("the slice is still there", &left, &false)?;
    check(&stage, &status, runs, waits)?;
    stage.end("PREEMPTED on preemption, WORKER_FAILED on delivery, both retried").await
}

fn check(stage: &Stage, status: &JobStatus, runs: usize, waits: usize) -> Result<(), String> {
    let ends = |task: usize| -> Vec<AttemptState> {
        status.tasks[task].attempts.iter().map(|it| it.state).collect()
    };
    let done = AttemptState::Ended(End::Succeeded, Cause::Exit);
    let lost = AttemptState::Ended(End::Preempted, Cause::Loss);
    let undelivered = AttemptState::Ended(End::WorkerFailed, Cause::Delivery);
    stage.same("the running task", &ends(runs), &vec![lost, done])?;
    stage.same("the assigned task", &ends(waits), &vec![undelivered, done])?;
    let spent = |task: usize, budget| status.tasks[task].spent.of(budget);
    let charged = [
        spent(runs, Budget::Preemption),
        spent(runs, Budget::Delivery),
        spent(waits, Budget::Preemption),
        spent(waits, Budget::Delivery),
    ];
    stage.same("charged", &charged, &[1, 0, 0, 1])?;
    let elsewhere = status.tasks.iter().all(|task| {
        task.attempts.first().map(|it| it.seat.worker)
            != task.attempts.last().map(|it| it.seat.worker)
    });
    stage.same("retried elsewhere", &elsewhere, &true)
}
