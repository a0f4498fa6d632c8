//! The twenty-one scenarios of the chaos analysis, with its names and in its order, each with one
//! exact outcome. "Either outcome" is not an outcome.
//!
//! A scenario runs in virtual time, or in real time over loopback TCP with every length of time
//! divided; what must come out is the same. In virtual time lengths of time are exact to the
//! millisecond. Every scenario is watched by the monitors, and ends with nothing held, no process
//! left, and every rule of chaos fired that was to fire.

mod delivery;
mod fleet;
mod heartbeats;
mod stage;
mod tasks;

use std::future::Future;
use std::pin::Pin;

use crate::model::policy::Policy;
use crate::model::time::Millis;
use crate::real::cluster::Medium;

/// A scenario.
pub struct Scenario {
    /// Its number in the analysis.
    pub number: u8,
    /// Its name there.
    pub name: &'static str,
    /// What must come out.
    pub expected: &'static str,
    /// With how many seeds it is to be run.
    pub seeds: u64,
    /// What lengths of time are divided by in real time.
    pub divide: u32,
    run: fn(Env) -> Story,
}

type Story = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// What came out, or how it differs from what must.
pub type Outcome = Result<Got, String>;

/// What a scenario came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Got {
    /// What came out, in a few words.
    pub told: String,
    /// How long it took, in milliseconds of the cluster's time.
    pub took: u64,
    /// How many faults fired.
    pub faults: u64,
}

/// What a scenario is run with.
#[derive(Debug, Clone, Copy)]
pub struct Env {
    /// Decides everything random.
    pub seed: u64,
    /// In virtual or real time.
    pub medium: Medium,
    /// What lengths of time are divided by.
    pub divide: u32,
    /// The policy; what it says is divided as well.
    pub policy: Policy,
}

impl Env {
    /// Virtual time and the local policy.
    pub fn virtual_time(seed: u64) -> Self {
        Self { seed, medium: Medium::Virtual, divide: 1, policy: Policy::LOCAL }
    }

    /// Loopback TCP and the local policy, faster by what the scenario allows.
    pub fn tcp(seed: u64, scenario: &Scenario) -> Self {
        let divide = scenario.divide;
        Self { seed, medium: Medium::Tcp, divide, policy: Policy::LOCAL }
    }

    /// A length of time as it is here.
    fn ms(&self, length: u32) -> Millis {
        Millis(length / self.divide)
    }
}

impl Scenario {
    /// Runs it. In virtual time the runtime's clock must be paused.
    pub fn run(&self, env: Env) -> impl Future<Output = Outcome> + Send + 'static {
        (self.run)(env)
    }

    /// The scenario of this name or number.
    pub fn named(name: &str) -> Option<&'static Self> {
        SCENARIOS.iter().find(|it| it.name == name || it.number.to_string() == name)
    }
}

/// All scenarios, in order.
#[rustfmt::skip]
pub const SCENARIOS: [Scenario; 21] = [
    row(0, "smoke", "SUCCEEDED, 1 attempt", |env| Box::pin(tasks::smoke(env))),
    Scenario { seeds: 1000, ..row(1, "dispatch_intermittent_failure",
        "SUCCEEDED for each seed", |env| Box::pin(delivery::intermittent(env))) },
    row(2, "dispatch_permanent_failure",
        "FAILED (delivery budget spent), 11 attempts, within 120 s",
        |env| Box::pin(delivery::permanent(env))),
    row(3, "heartbeat_temporary_failure", "SUCCEEDED, 1 attempt, DEGRADED but never DEAD",
        |env| Box::pin(heartbeats::temporary(env))),
    row(4, "heartbeat_permanent_failure",
        "stopped with the lease, WORKER_FAILED when DEAD, FAILED (workers exhausted) after 80 s",
        |env| Box::pin(heartbeats::permanent(env))),
    row(5, "report_task_state_failure", "SUCCEEDED, 1 attempt, by the next heartbeat",
        |env| Box::pin(heartbeats::report(env))),
    row(6, "worker_crash_mid_task", "FAILED, 1 attempt, no process left",
        |env| Box::pin(tasks::monitor_dies(env))),
    row(7, "worker_delayed_registration", "SUCCEEDED, not before 10 s",
        |env| Box::pin(heartbeats::delayed_registration(env))),
    row(8, "worker_sequential_jobs", "3 x SUCCEEDED, nothing held between them",
        |env| Box::pin(tasks::sequential(env))),
    row(9, "all_workers_fail", "FAILED (workers exhausted) at 20 s, 0 attempts",
        |env| Box::pin(heartbeats::nobody(env))),
    row(10, "task_fails_once_then_succeeds", "SUCCEEDED, 2 attempts, 1 failure",
        |env| Box::pin(tasks::fails_once(env))),
    Scenario { seeds: 100, ..row(11, "bundle_download_intermittent",
        "SUCCEEDED, attempts = firings + 1", |env| Box::pin(tasks::bundle(env))) },
    row(12, "task_timeout", "FAILED (timeout) 5 s after it was accepted, process stopped",
        |env| Box::pin(tasks::timeout(env))),
    row(13, "coscheduled_sibling_failure", "FAILED, sibling stopped, nothing held",
        |env| Box::pin(tasks::sibling(env))),
    row(14, "retry_budget_exact", "SUCCEEDED, 3 attempts; with one retry fewer FAILED, 2 attempts",
        |env| Box::pin(tasks::budget(env))),
    row(15, "capacity_wait", "PENDING while full, then SUCCEEDED",
        |env| Box::pin(tasks::capacity(env))),
    row(16, "scheduling_timeout", "UNSCHEDULABLE at 2 s", |env| Box::pin(tasks::scheduling(env))),
    row(17, "dispatch_delayed", "SUCCEEDED 3 s later than undelayed, 1 attempt, fired once",
        |env| Box::pin(delivery::delayed(env))),
    Scenario { divide: 30, ..row(18, "quota_exceeded_retry",
        "first create refused, QUOTA_EXCEEDED, later READY",
        |env| Box::pin(fleet::quota(env))) },
    Scenario { divide: 40, ..row(19, "vm_init_stuck",
        "INITIALIZING until the init timeout, then FAILED and replaced",
        |env| Box::pin(fleet::init_stuck(env))) },
    row(20, "vm_preempted",
        "whole slice gone; running tasks retried on preemption, assigned ones on delivery",
        |env| Box::pin(fleet::preempted(env))),
];

const fn row(
    number: u8,
    name: &'static str,
    expected: &'static str,
    run: fn(Env) -> Story,
) -> Scenario {
    Scenario { number, name, expected, seeds: 1, divide: 10, run }
}
