//! Small clusters in virtual time in which much goes wrong, and their logs.

use std::path::PathBuf;
use std::sync::Arc;

use iris_check::controller_sm::{ControllerSm, GroupConfig};
use iris_check::model::id::WorkerId;
use iris_check::model::resources::{Attributes, Resources};
use iris_check::model::spec::{Entrypoint, JobSpec, Payload, Terms};
use iris_check::model::time::Millis;
use iris_check::real::chaos::{Code, Point};
use iris_check::real::cloud::Pace;
use iris_check::real::cluster::{Cluster, Plan, in_virtual_time};
use iris_check::real::log::Log;
use iris_check::real::observe::Observer;
use iris_check::real::work::{Closures, Context};

use crate::lcg::Lcg;

/// A number below a small one.
pub fn roll(dice: &mut Lcg, below: u32) -> u32 {
    let below = usize::try_from(below).expect("it is small");
    u32::try_from(dice.below(below)).expect("it is below a small number")
}

/// Where calls go wrong.
const CALLS: [Point; 6] = [
    Point::ControllerDispatch,
    Point::ControllerKill,
    Point::ControllerHeartbeatReply,
    Point::WorkerHeartbeat,
    Point::WorkerReportTaskState,
    Point::WorkerSubmitTask,
];

/// Where launches do.
const LAUNCHES: [Point; 3] =
    [Point::WorkerBundleDownload, Point::WorkerCreateContainer, Point::WorkerTaskMonitor];

/// Every fault that there is, each with this share of a chance.
fn disturb(cluster: &Cluster, dice: &mut Lcg, share: f64) {
    let chaos = cluster.chaos();
    for point in CALLS {
        let late = Millis(roll(dice, 15_000));
        chaos.at(point).delay(late).rate(share);
        chaos.at(point).drop_request().rate(share);
        chaos.at(point).drop_response().rate(share);
        chaos.at(point).duplicate().rate(share);
        chaos.at(point).fail(Code::Unavailable).rate(share);
        chaos.at(point).fail(Code::Internal).rate(share);
    }
    for point in LAUNCHES {
        chaos.at(point).fail(Code::Internal).rate(share);
        chaos.at(point).delay(Millis(roll(dice, 3000))).rate(share);
    }
    chaos.at(Point::WorkerCrash).crash().rate(share / 5.0);
    // A controller goes on when its journal takes an input not at once, also the one that it starts
    // with: so it either dies or has such a journal.
    if dice.once_in(2) {
        chaos.at(Point::ControllerCrash).crash().rate(share / 5.0);
        chaos.at(Point::JournalAppend).crash().rate(share / 10.0);
    } else {
        chaos.at(Point::JournalAppend).fail(Code::Unavailable).rate(share / 2.0);
    }
    chaos.at(Point::JournalAppend).delay(Millis(roll(dice, 2000))).rate(share / 2.0);
    chaos.at(Point::ProviderCreateSlice).fail(Code::ResourceExhausted).rate(share);
    chaos.at(Point::ProviderCreateSlice).fail(Code::Internal).rate(share);
    chaos.at(Point::ProviderCreateSlice).drop_response().rate(share);
    chaos.at(Point::ProviderBoot).drop_request().rate(share);
    chaos.at(Point::ProviderInit).drop_request().rate(share);
    chaos.at(Point::ProviderPreempt).delay(Millis(roll(dice, 60_000))).rate(3.0 * share);
}

fn spec(dice: &mut Lcg) -> JobSpec {
    let gang = dice.once_in(4);
    let mut terms = Terms {
        replicas: 1 + u16::try_from(dice.below(2)).expect("it is small"),
        resources: Resources::cpus(1 + roll(dice, 3)),
        scheduling_timeout: (dice.once_in(3)).then(|| Millis(1000 + roll(dice, 60_000))),
        timeout: (dice.once_in(2)).then(|| Millis(1000 + roll(dice, 60_000))),
        group_by: gang.then(|| "zone".into()),
        ..Terms::default()
    };
    terms.budgets.failure = u16::try_from(dice.below(3)).expect("it is small");
    terms.budgets.preemption = u16::try_from(dice.below(4)).expect("it is small");
    let entrypoint = Entrypoint::Closure("work".to_owned());
    let env = [
        ("LENGTH".to_owned(), dice.below(20_000).to_string()),
        ("FAILS".to_owned(), u8::from(dice.once_in(4)).to_string()),
    ];
    let payload = Payload { entrypoint, env: env.into(), ..Payload::default() };
    JobSpec { terms, payload, request_id: None }
}

async fn work(context: Context) -> Result<(), String> {
    let length = context.env["LENGTH"].parse().expect("the workload says how long");
    context.sleep(Millis(length)).await;
    let fails = context.env["FAILS"] == "1" && context.attempt.number == 0;
    if fails { Err("the first time".to_owned()) } else { Ok(()) }
}

/// How much happens in a run.
#[derive(Clone, Copy)]
pub struct Size {
    /// Workers that are there from the start.
    pub workers: u32,
    /// Slices of a group that comes and goes.
    pub slices: u16,
    /// Jobs.
    pub jobs: u32,
    /// The chance of each fault.
    pub faults: f64,
    /// How long it goes on after the last job was submitted, in seconds.
    pub rest: u32,
}

/// The log of a run.
pub fn log(seed: u64, size: Size) -> Vec<u8> {
    run(seed, size, None)
}

/// The log of a run whose journal is kept in a folder.
pub fn run(seed: u64, size: Size, journal: Option<PathBuf>) -> Vec<u8> {
    let begin = |fresh| Log::begin(Vec::new(), &fresh).expect("memory takes all");
    play(seed, size, journal, begin, |log| log.end().expect("memory takes all"))
}

/// What another observer tells of a run.
#[allow(dead_code, reason = "the benchmark takes the other ones")]
pub fn told<O: Observer + 'static, T>(
    seed: u64,
    size: Size,
    begin: impl FnOnce(ControllerSm) -> O,
    end: impl FnOnce(&O) -> T,
) -> T {
    play(seed, size, None, begin, end)
}

fn play<O: Observer + 'static, T>(
    seed: u64,
    size: Size,
    journal: Option<PathBuf>,
    begin: impl FnOnce(ControllerSm) -> O,
    end: impl FnOnce(&O) -> T,
) -> T {
    let group = GroupConfig {
        min_slices: 0,
        max_slices: size.slices,
        vms_per_slice: 2,
        capacity: Resources::cpus(4),
        attributes: Attributes::new([("zone", "b")]),
    };
    let groups = if size.slices > 0 { vec![(group, Pace::default())] } else { Vec::new() };
    let mut plan = Plan { seed, groups, journal, ..Plan::workers(size.workers) };
    for worker in &mut plan.workers {
        worker.attributes = Attributes::new([("zone", "a")]);
    }
    plan.closures = Closures::new().with("work", work);
    let observer = Arc::new(begin(Cluster::fresh_controller(&plan)));
    plan.observer = Arc::clone(&observer) as _;
    in_virtual_time(async move {
        let cluster = Cluster::start(plan).await.expect("the plan is sound");
        let mut dice = Lcg::new(seed);
        if size.faults > 0.0 {
            disturb(&cluster, &mut dice, size.faults);
        }
        let clock = cluster.clock();
        for at in 0..size.jobs {
            let submitted = cluster.client().submit(&spec(&mut dice)).await;
            if let Ok(job) = submitted
                && dice.once_in(5)
            {
                let _ = cluster.client().cancel(job).await;
            }
            if size.faults > 0.0 && dice.once_in(9) {
                let worker = WorkerId(1 + at % size.workers.max(1));
                let _ = cluster.client().drain(worker, dice.once_in(2)).await;
            }
            clock.sleep(Millis(roll(&mut dice, 15_000))).await;
        }
        clock.sleep(Millis::seconds(size.rest)).await;
        cluster.end().await;
    });
    end(&observer)
}
