//! What every scenario stands on: a cluster that is watched, tasks that nap, and exact questions.

use std::sync::Arc;

use crate::conform::chronicle::Moment;
use crate::conform::monitor::Monitor;
use crate::model::id::{JobId, WorkerId};
use crate::model::job::JobState;
use crate::model::policy::Policy;
use crate::model::resources::Resources;
use crate::model::spec::{Entrypoint, JobSpec, Payload, Terms};
use crate::model::task::TaskState;
use crate::model::time::Millis;
use crate::model::view::View;
use crate::real::chaos::{Chaos, RuleHandle};
use crate::real::clock::At;
use crate::real::cluster::{Cluster, Medium, Plan};
use crate::real::status::JobStatus;
use crate::real::work::{Closures, Context};

use super::{Env, Got, Outcome};

/// How much later than it should something may be in real time, in milliseconds.
const SLACK: u64 = 2_500;
/// How much earlier it may seem to be.
const EARLY: u64 = 250;
/// How long a job may take where nothing else is said.
const LONG: u32 = 1_000_000;
/// How long a cluster may take to come to rest once nothing fails any more.
const REST: u32 = 120_000;

/// A cluster on which a scenario is played.
pub(super) struct Stage {
    pub(super) env: Env,
    pub(super) cluster: Cluster,
    pub(super) monitor: Arc<Monitor>,
    rules: Vec<RuleHandle>,
    /// Whether a rule may also never fire, because it is left to chance.
    pub(super) by_chance: bool,
    begun: At,
}

pub(super) const W1: WorkerId = WorkerId(1);

impl Stage {
    /// Two static workers, registered.
    pub(super) async fn usual(env: Env) -> Result<Self, String> {
        let stage = Self::set(env, Plan::workers(2)).await?;
        stage.registered(2).await?;
        Ok(stage)
    }

    /// A cluster as planned, in the time of this run.
    pub(super) async fn set(env: Env, plan: Plan) -> Result<Self, String> {
        let policy = divided(env.policy, env.divide);
        let mut plan =
            Plan { policy, seed: env.seed, medium: env.medium, closures: closures(), ..plan };
        let monitor = Arc::new(Monitor::new(Cluster::fresh_controller(&plan)));
        plan.observer = Arc::clone(&monitor) as _;
        let cluster = Cluster::start(plan).await.map_err(|error| error.to_string())?;
        let begun = cluster.clock().now();
        Ok(Self { env, cluster, monitor, rules: Vec::new(), by_chance: false, begun })
    }

    pub(super) async fn registered(&self, count: usize) -> Result<(), String> {
        self.cluster.registered(count).await.map_err(|error| error.to_string())
    }

    pub(super) fn chaos(&self) -> &Chaos {
        self.cluster.chaos()
    }

    /// Takes a rule as one of this scenario's: it must fire, and it is removed before the end.
    pub(super) fn keep(&mut self, rule: RuleHandle) -> RuleHandle {
        self.rules.push(rule.clone());
        rule
    }

    pub(super) fn now(&self) -> At {
        self.cluster.clock().now()
    }

    pub(super) fn ms(&self, length: u32) -> Millis {
        self.env.ms(length)
    }

    /// A job of one task of 1 CPU that takes this long.
    pub(super) fn nap(&self, length: u32) -> JobSpec {
        let entrypoint = Entrypoint::Closure("nap".to_owned());
        let nap = ("NAP".to_owned(), self.ms(length).0.to_string());
        let payload = Payload { entrypoint, env: [nap].into(), ..Payload::default() };
        let terms = Terms { resources: Resources::cpus(1), ..Terms::default() };
        JobSpec { terms, payload, request_id: None }
    }

    pub(super) async fn submit(&self, spec: &JobSpec) -> Result<JobId, String> {
        self.cluster.client().submit(spec).await.map_err(|error| error.to_string())
    }

    pub(super) async fn ended(&self, job: JobId) -> Result<JobStatus, String> {
        self.ends_within(job, LONG).await
    }

    pub(super) async fn ends_within(&self, job: JobId, limit: u32) -> Result<JobStatus, String> {
        let wait = self.cluster.client().wait(job);
        if let Some(ended) = self.cluster.clock().within(self.ms(limit), wait).await {
            return ended.map_err(|error| error.to_string());
        }
        let status = self.status(job).await?;
        let attempts = status.tasks[0].attempts.len();
        let got = format!("{} after {attempts} attempts", status.state);
        Err(self.differs("the job", &got, &format!("its end within {limit} ms")))
    }

    pub(super) async fn status(&self, job: JobId) -> Result<JobStatus, String> {
        self.cluster.client().status(job).await.map_err(|error| error.to_string())
    }

    /// Submits a job and waits for its end.
    pub(super) async fn play(&self, spec: &JobSpec) -> Result<JobStatus, String> {
        let job = self.submit(spec).await?;
        self.ended(job).await
    }

    /// When this first happened.
    pub(super) fn when(&self, what: &str, wanted: impl Fn(Moment) -> bool) -> Result<At, String> {
        let chronicle = self.monitor.chronicle();
        chronicle.first(wanted).ok_or_else(|| self.differs(what, &"never", &"it happens"))
    }

    /// Waits until this has happened.
    pub(super) async fn until(
        &self,
        what: &str,
        limit: u32,
        wanted: impl Fn(Moment) -> bool,
    ) -> Result<At, String> {
        let last = self.now().plus(self.ms(limit));
        loop {
            if let Some(at) = self.monitor.chronicle().first(&wanted) {
                return Ok(at);
            }
            if self.now() > last {
                return Err(self.differs(what, &"not in time", &format!("within {limit} ms")));
            }
            self.cluster.clock().sleep(Millis(5)).await;
        }
    }

    /// What came out is what must.
    pub(super) fn same<T: PartialEq + std::fmt::Debug>(
        &self,
        what: &str,
        got: &T,
        expected: &T,
    ) -> Result<(), String> {
        if got == expected { Ok(()) } else { Err(self.differs(what, got, expected)) }
    }

    /// A job's state, its only task's state, and its number of attempts are these.
    pub(super) fn outcome(
        &self,
        status: &JobStatus,
        expected: (JobState, TaskState, usize),
    ) -> Result<(), String> {
        let task = &status.tasks[0];
        self.same("job", &(status.state, task.state, task.attempts.len()), &expected)
    }

    /// From one instant to the other it took this long: exactly so in virtual time.
    pub(super) fn took(&self, what: &str, from: At, to: At, length: u32) -> Result<(), String> {
        let (got, expected) = (to.since(from), u64::from(self.ms(length).0));
        let fine = match self.env.medium {
            Medium::Virtual => got == expected,
            // What begins with a message begins a little earlier where it was sent.
            Medium::Pipes | Medium::Tcp => got + EARLY >= expected && got <= expected + SLACK,
        };
        let (got, expected) = (format!("{got} ms"), format!("{expected} ms"));
        if fine { Ok(()) } else { Err(self.differs(what, &got, &expected)) }
    }

    pub(super) fn differs(
        &self,
        what: &str,
        got: &dyn std::fmt::Debug,
        expected: &dyn std::fmt::Debug,
    ) -> String {
        // A claim that is violated tells how it came to be; otherwise the whole story does.
        let how = self.monitor.violation().unwrap_or_else(|| self.monitor.story());
        format!("{what}: expected {expected:?}, got {got:?}\n{how}")
    }

    /// Nothing is held and nothing runs, now.
    pub(super) fn at_rest(&self) -> Result<(), String> {
        let live = self.monitor.live();
        let held: Vec<String> = live
            .workers()
            .filter(|worker| worker.held != Resources::NONE)
            .map(|worker| format!("{} holds {}", worker.seat, worker.held))
            .collect();
        let runs: Vec<String> =
            live.processes().map(|it| format!("{} runs on {}", it.attempt, it.seat)).collect();
        self.same("left over", &[held, runs].concat(), &Vec::new())
    }

    /// Nothing fails any more, the cluster comes to rest, and no claim was violated.
    pub(super) async fn end(self, told: impl Into<String>) -> Outcome {
        let took = self.now().since(self.begun);
        let unfired = if self.by_chance { Vec::new() } else { self.chaos().unfired() };
        self.same("rules that never fired", &unfired, &Vec::new())?;
        for rule in &self.rules {
            rule.remove();
        }
        let last = self.now().plus(self.ms(REST));
        while let Err(left) = self.at_rest() {
            if self.now() > last {
                return Err(left);
            }
            self.cluster.clock().sleep(self.ms(100)).await;
        }
        let faults = self.chaos().firings();
        let monitor = Arc::clone(&self.monitor);
        self.cluster.end().await;
        match monitor.violation() {
            Some(violation) => Err(violation),
            None => Ok(Got { told: told.into(), took, faults }),
        }
    }
}

/// The same policy with everything this many times faster.
fn divided(policy: Policy, by: u32) -> Policy {
    let fast = |length: Millis| Millis((length.0 / by).max(1));
    Policy {
        heartbeat: fast(policy.heartbeat),
        worker_timeout: fast(policy.worker_timeout),
        worker_lease: fast(policy.worker_lease),
        rpc_timeout: fast(policy.rpc_timeout),
        delivery_backoff: fast(policy.delivery_backoff),
        kill_grace: fast(policy.kill_grace),
        boot_timeout: fast(policy.boot_timeout),
        init_timeout: fast(policy.init_timeout),
        idle_timeout: fast(policy.idle_timeout),
        quarantine: fast(policy.quarantine),
        no_workers_grace: fast(policy.no_workers_grace),
        create_backoff: fast(policy.create_backoff),
        create_backoff_max: fast(policy.create_backoff_max),
        quota_backoff: fast(policy.quota_backoff),
        ..policy
    }
}

fn closures() -> Closures {
    Closures::new().with("nap", nap).with("fails_first", |context: Context| async move {
        if context.attempt.number == 0 { Err("the first time".to_owned()) } else { Ok(()) }
    })
}

async fn nap(context: Context) -> Result<(), String> {
    let length = context.env.get("NAP").and_then(|text| text.parse().ok());
    context.sleep(Millis(length.ok_or("NAP is missing")?)).await;
    Ok(())
}
