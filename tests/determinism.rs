//! One seed decides everything: equal seeds give equal logs, byte for byte, whatever goes wrong.
//! And whatever goes wrong, no claim is violated, and everything comes to its end.

use std::sync::Arc;

use iris_check::conform::monitor::Monitor;
use iris_check::controller_sm::GroupConfig;
use iris_check::model::resources::{Attributes, Resources};
use iris_check::model::spec::{Entrypoint, JobSpec, Payload, Terms};
use iris_check::model::time::Millis;
use iris_check::model::view::View;
use iris_check::real::chaos::{Code, Point, RuleHandle};
use iris_check::real::cloud::Pace;
use iris_check::real::cluster::{Cluster, Plan, in_virtual_time};
use iris_check::real::log::Log;
use iris_check::real::work::{Closures, Context};

/// Numbers that look like chance, from a seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }

    fn small(&mut self, below: u16) -> u16 {
        u16::try_from(self.roll(below.into())).expect("it is below a small number")
    }

    fn length(&mut self, below: u32) -> Millis {
        Millis(u32::try_from(self.roll(below.into())).expect("it is below a small number"))
    }
}

/// What one run leaves behind.
struct Run {
    log: Vec<u8>,
    violation: Option<String>,
    left: Vec<String>,
    faults: u64,
}

fn spec(dice: &mut Dice) -> JobSpec {
    let gang = dice.roll(4) == 0;
    let mut terms = Terms {
        // A gang of more would fit nowhere, and wait for ever.
        replicas: 1 + dice.small(if gang { 2 } else { 3 }),
        resources: Resources::cpus(1 + u32::from(dice.small(3))),
        scheduling_timeout: (dice.roll(3) == 0).then(|| Millis(1000 + dice.length(60_000).0)),
        timeout: Some(Millis(1000 + dice.length(60_000).0)),
        group_by: gang.then(|| "zone".into()),
        ..Terms::default()
    };
    terms.budgets.failure = dice.small(3);
    terms.budgets.delivery = dice.small(4);
    terms.budgets.preemption = dice.small(4);
    let entrypoint = Entrypoint::Closure("work".to_owned());
    let env = [
        ("LENGTH".to_owned(), dice.length(30_000).0.to_string()),
        ("FAILS".to_owned(), u64::from(dice.roll(4) == 0).to_string()),
    ];
    let payload = Payload { entrypoint, env: env.into(), ..Payload::default() };
    JobSpec { terms, payload, request_id: None }
}

async fn work(context: Context) -> Result<(), String> {
    let length = context.env["LENGTH"].parse().expect("the workload says how long");
    context.sleep(Millis(length)).await;
    if context.env["FAILS"] == "1" && context.attempt.number == 0 {
        return Err("the first time".to_owned());
    }
    Ok(())
}

/// Faults at every point, each with a small chance.
fn faults(cluster: &Cluster, dice: &mut Dice) -> Vec<RuleHandle> {
    let chaos = cluster.chaos();
    let mut rules = Vec::new();
    for point in [
        Point::ControllerDispatch,
        Point::ControllerKill,
        Point::ControllerHeartbeatReply,
        Point::WorkerHeartbeat,
        Point::WorkerReportTaskState,
        Point::WorkerSubmitTask,
    ] {
        let site = chaos.at(point);
        let late = dice.length(15_000);
        rules.push(site.drop_request().rate(0.07));
        rules.push(site.drop_response().rate(0.07));
        rules.push(site.duplicate().rate(0.07));
        rules.push(site.delay(late).rate(0.07));
        rules.push(site.fail(Code::Unavailable).rate(0.07));
        rules.push(site.fail(Code::Internal).rate(0.03));
    }
    for point in
        [Point::WorkerBundleDownload, Point::WorkerCreateContainer, Point::WorkerTaskMonitor]
    {
        let late = dice.length(3000);
        rules.push(chaos.at(point).fail(Code::Internal).rate(0.05));
        rules.push(chaos.at(point).delay(late).rate(0.2));
    }
    rules.push(chaos.at(Point::WorkerCrash).crash().rate(0.01));
    rules.push(chaos.at(Point::ControllerCrash).crash().rate(0.01));
    rules.push(chaos.at(Point::JournalAppend).crash().rate(0.005));
    rules.push(chaos.at(Point::JournalAppend).fail(Code::Unavailable).rate(0.02));
    let quota = chaos.at(Point::ProviderCreateSlice).fail(Code::ResourceExhausted);
    rules.push(quota.rate(0.1));
    rules.push(chaos.at(Point::ProviderCreateSlice).drop_response().rate(0.2));
    rules.push(chaos.at(Point::ProviderBoot).drop_request().rate(0.1));
    rules.push(chaos.at(Point::ProviderInit).drop_request().rate(0.1));
    let late = dice.length(60_000);
    rules.push(chaos.at(Point::ProviderPreempt).delay(late).rate(0.3));
    rules
}

fn plan(seed: u64) -> Plan {
    let group = GroupConfig {
        min_slices: 0,
        max_slices: 2,
        vms_per_slice: 2,
        capacity: Resources::cpus(4),
        attributes: Attributes::new([("zone", "b")]),
    };
    let mut plan = Plan { seed, groups: vec![(group, Pace::default())], ..Plan::workers(2) };
    for worker in &mut plan.workers {
        worker.attributes = Attributes::new([("zone", "a")]);
    }
    plan.closures = Closures::new().with("work", work);
    plan
}

/// Two minutes of work in which everything may fail; then nothing fails any more. Only a run that
/// is judged knows what is left over.
fn run(seed: u64, judged: bool) -> Run {
    let mut plan = plan(seed);
    let fresh = Cluster::fresh_controller(&plan);
    let log = Arc::new(Log::begin(Vec::new(), &fresh).expect("memory takes all"));
    let monitor = Arc::new(Monitor::and(fresh, Arc::clone(&log) as _));
    plan.observer = if judged { Arc::clone(&monitor) as _ } else { Arc::clone(&log) as _ };
    let watched = Arc::clone(&monitor);
    let (left, faults) = in_virtual_time(async move {
        let cluster = Cluster::start(plan).await.expect("the plan is sound");
        let mut dice = Dice(seed);
        let rules = faults(&cluster, &mut dice);
        let clock = cluster.clock();
        let mut jobs = Vec::new();
        for _ in 0..12 {
            // One that is not taken down, because the controller is down, is not asked for again.
            jobs.extend(cluster.client().submit(&spec(&mut dice)).await);
            if dice.roll(5) == 0
                && let Some(job) = jobs.first()
            {
                let _ = cluster.client().cancel(*job).await;
            }
            clock.sleep(dice.length(20_000)).await;
        }
        for rule in &rules {
            rule.remove();
        }
        let mut left = Vec::new();
        for job in jobs {
            let wait = cluster.client().wait(job);
            if clock.within(Millis::seconds(3600), wait).await.is_none() {
                left.push(format!("{job} has not ended"));
            }
        }
        // The longest that a slice may take to be given up.
        clock.sleep(Millis::seconds(700)).await;
        let live = watched.live();
        left.extend(live.processes().map(|it| format!("{} runs", it.attempt)));
        let held = live.workers().filter(|it| it.held != Resources::NONE);
        left.extend(held.map(|it| format!("{} holds {}", it.seat, it.held)));
        let faults = cluster.chaos().firings();
        cluster.end().await;
        (left, faults)
    });
    let log = log.end().expect("memory takes all");
    Run { log, violation: monitor.violation(), left, faults }
}

#[test]
fn equal_seeds_give_equal_logs_and_no_claim_is_violated() {
    let seeds = if std::env::var_os("IRIS_CHECK_SLOW").is_some() { 1000 } else { 50 };
    let judge = |seed| {
        let (one, other) = (run(seed, true), run(seed, false));
        assert!(one.log == other.log, "seed {seed}: two runs differ");
        assert!(one.violation.is_none(), "seed {seed}: {}", one.violation.unwrap_or_default());
        assert_eq!(one.left, Vec::<String>::new(), "seed {seed}");
        one.faults
    };
    let faults: u64 = std::thread::scope(|scope| {
        let halves = [0, 1]
            .map(|half| scope.spawn(move || (half..seeds).step_by(2).map(judge).sum::<u64>()));
        halves.map(|half| half.join().expect("a seed differs, as told above")).into_iter().sum()
    });
    assert!(faults > 10 * seeds, "only {faults} faults fired");
}

#[test]
fn other_seeds_give_other_logs() {
    assert_ne!(run(1, false).log, run(2, false).log);
}
