//! A cluster in this process as a cluster under test: over real gRPC, in virtual time or over
//! loopback TCP, watched by the monitors.

mod logged;
mod twice;
mod watch;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::id::{JobId, SliceId, WorkerId};
use crate::model::operation::Direction;
use crate::model::spec::{Entrypoint, JobSpec, Payload};
use crate::model::time::Millis;
use crate::model::view::View;
use crate::real::chaos::{BadRule, Point, Rule, RuleHandle, Verb};
use crate::real::client::Error;
use crate::real::clock::At;
use crate::real::cluster::{Cluster, Medium, Plan, WorkerPlan};
use crate::real::stage::Stage;
use crate::real::work::{Closures, Context};

use super::run::{Exit, JobPlan, Run, Step};
use super::seen::{Seen, told};
use super::subject::{Abilities, Found, Kind, Reply, STEP, Stand, Subject, Trouble};
use watch::Watch;

pub use logged::logged;

/// The variable that tells a task how its attempts end.
const EXITS: &str = "EXITS";

/// Where clusters in this process come from.
#[derive(Debug, Clone)]
pub struct InProcess {
    medium: Medium,
    abilities: Abilities,
    log: Option<logged::Kept>,
}

impl InProcess {
    /// In virtual time, over pipes.
    pub fn virtual_time() -> Self {
        Self::new(Medium::Virtual, Millis(0))
    }

    /// In real time, over loopback TCP.
    pub fn tcp() -> Self {
        Self::new(Medium::Tcp, Millis::seconds(2))
    }

    fn new(medium: Medium, slack: Millis) -> Self {
        let abilities = Abilities { steps: Kind::ALL.to_vec(), slack };
        Self { medium, abilities, log: None }
    }
}

impl Stand for InProcess {
    fn abilities(&self) -> &Abilities {
        &self.abilities
    }

    fn start(&self, run: &Run) -> Result<Box<dyn Subject>, Trouble> {
        let stage = match self.medium {
            Medium::Virtual => Stage::virtual_time(),
            Medium::Tcp | Medium::Pipes => Stage::real_time().map_err(odd)?,
        };
        let mut plan = plan(run, self.medium);
        let controller = Cluster::fresh_controller(&plan);
        let next = logged::next(self.log.as_ref(), &controller);
        let watch = Arc::new(Watch::new(controller, next));
        plan.observer = Arc::clone(&watch) as _;
        let cluster = stage.wait(Cluster::start(plan)).map_err(odd)?;
        let began = stage.wait(async { cluster.clock().now() });
        Ok(Box::new(Running {
            stage,
            cluster,
            watch,
            abilities: self.abilities.clone(),
            began,
            plans: Vec::new(),
            jobs: BTreeMap::new(),
            rules: Vec::new(),
            cuts: BTreeMap::new(),
            closed: Vec::new(),
            run: run.clone(),
        }))
    }
}

fn odd(error: impl std::fmt::Display) -> Trouble {
    Trouble(format!("the cluster in this process does not start: {error}"))
}

fn plan(run: &Run, medium: Medium) -> Plan {
    let worker = |(id, shape): (WorkerId, &super::run::WorkerShape)| WorkerPlan {
        id,
        capacity: shape.capacity(),
        attributes: shape.attributes(),
        waits: shape.waits,
    };
    Plan {
        policy: run.shape.policy.0,
        workers: run.shape.worker_ids().map(worker).collect(),
        groups: run.shape.groups.iter().map(super::run::GroupShape::config).collect(),
        seed: run.seed,
        medium,
        closures: Closures::new().with("work", work),
        ..Plan::workers(0)
    }
}

/// What every attempt runs: it ends as its plan says.
async fn work(context: Context) -> Result<(), String> {
    let plan = JobPlan {
        tasks: context
            .env
            .get(EXITS)
            .and_then(|it| serde_json::from_str(it).ok())
            .unwrap_or_default(),
        ..JobPlan::default()
    };
    let exit = plan.exit(context.attempt.task.index, context.attempt.number);
    let Exit { after, ok } = exit.unwrap_or(Exit { after: Millis(u32::MAX), ok: true });
    context.sleep(after).await;
    if ok { Ok(()) } else { Err("so its plan says".to_owned()) }
}

/// How a job of a run is submitted: under its number in the run, by a request of its own.
pub(super) fn spec(job: JobId, plan: &JobPlan) -> JobSpec {
    let exits = serde_json::to_string(&plan.tasks).expect("invariant: exits are plain values");
    JobSpec {
        terms: plan.terms(),
        payload: Payload {
            name: job.to_string(),
            entrypoint: Entrypoint::Closure("work".to_owned()),
            env: [(EXITS.to_owned(), exits)].into(),
            ..Payload::default()
        },
        request_id: Some(format!("run-{job}").into()),
    }
}

struct Running {
    stage: Stage,
    cluster: Cluster,
    watch: Arc<Watch>,
    abilities: Abilities,
    began: At,
    plans: Vec<JobPlan>,
    /// The cluster's number of each job of the run that it has acknowledged.
    jobs: BTreeMap<JobId, JobId>,
    rules: Vec<RuleHandle>,
    cuts: BTreeMap<(WorkerId, Direction), Vec<RuleHandle>>,
    closed: Vec<WorkerId>,
    run: Run,
}

impl Running {
    fn submit(&mut self, number: usize) -> Reply {
        let Some(plan) = number.checked_sub(1).and_then(|at| self.plans.get(at)) else {
            return Reply::NotFound;
        };
        let job = JobId(u32::try_from(number).expect("invariant: a run has few jobs"));
        let spec = spec(job, plan);
        match self.stage.wait(self.cluster.client().submit(&spec)) {
            Ok(id) => {
                self.jobs.insert(job, id);
                Reply::Job(job)
            }
            Err(error) => reply(error),
        }
    }

    fn cut(&mut self, worker: WorkerId, way: Direction) -> Result<Reply, Trouble> {
        let rules = cut(worker, way).map(|rule| self.cluster.chaos().add(rule));
        let rules: Result<_, _> = rules.into_iter().collect();
        self.cuts.insert((worker, way), rules.map_err(|error| unruly(&error))?);
        Ok(Reply::Done)
    }

    fn fault(&mut self, rule: &Rule) -> Result<Reply, Trouble> {
        self.rules.push(self.cluster.chaos().add(rule.clone()).map_err(|error| unruly(&error))?);
        Ok(Reply::Done)
    }

    fn look(&self) -> Option<Seen> {
        let client = self.cluster.client();
        self.stage.wait(async {
            let at = self.cluster.clock().now().since(self.began);
            told::look(client, at).await
        })
    }
}

/// What a client is answered that failed.
pub(super) fn reply(error: Error) -> Reply {
    match error {
        Error::Invalid(says) => Reply::Invalid(says),
        Error::NotFound(_) => Reply::NotFound,
        Error::Unavailable(_)
        | Error::TooMuch(_)
        | Error::Unauthenticated(_)
        | Error::Internal(_) => Reply::Unavailable,
    }
}

fn unruly(error: &BadRule) -> Trouble {
    Trouble(format!("the registry of chaos refuses a rule that was checked: {error}"))
}

/// How often it is looked until a look takes no time.
const LOOKS: usize = 50;

/// A way that is cut: requests that way never arrive, nor do answers to requests the other way.
fn cut(worker: WorkerId, way: Direction) -> [Rule; 4] {
    let (lost, unanswered) = match way {
        Direction::ToWorker => (
            [Point::ControllerDispatch, Point::ControllerKill],
            [Point::WorkerHeartbeat, Point::WorkerReportTaskState],
        ),
        Direction::FromWorker => (
            [Point::WorkerHeartbeat, Point::WorkerReportTaskState],
            [Point::ControllerDispatch, Point::ControllerKill],
        ),
    };
    [
        Rule::new(lost[0], Verb::DropRequest).on(worker),
        Rule::new(lost[1], Verb::DropRequest).on(worker),
        Rule::new(unanswered[0], Verb::DropResponse).on(worker),
        Rule::new(unanswered[1], Verb::DropResponse).on(worker),
    ]
}

impl Subject for Running {
    fn abilities(&self) -> &Abilities {
        &self.abilities
    }

    fn apply(&mut self, step: &Step) -> Result<Reply, Trouble> {
        let known = |job: &JobId| self.jobs.get(job).copied();
        let answered = |done: Result<(), Error>| done.map_or_else(reply, |()| Reply::Done);
        let answer = match step {
            Step::Submit(plan) => {
                self.plans.push(plan.clone());
                self.submit(self.plans.len())
            }
            Step::Resubmit(job) => self.submit(usize::try_from(job.0).unwrap_or(usize::MAX)),
            // A job that nobody has acknowledged has no name that a client could use.
            Step::Cancel(job) => match known(job) {
                None => Reply::NotFound,
                Some(id) => answered(self.stage.wait(self.cluster.client().cancel(id))),
            },
            Step::Drain(worker) => {
                self.closed.push(*worker);
                answered(self.stage.wait(self.cluster.client().drain(*worker, true)))
            }
            Step::Open(worker) => {
                let reply = answered(self.stage.wait(self.cluster.client().drain(*worker, false)));
                if reply != Reply::Unavailable {
                    self.closed.retain(|closed| closed != worker);
                }
                reply
            }
            Step::WorkerCrashes(worker) => {
                self.stage.wait(self.cluster.crash_worker(*worker));
                Reply::Done
            }
            Step::WorkerStarts(worker) => {
                self.stage.wait(self.cluster.start_worker(*worker)).map_err(odd)?;
                Reply::Done
            }
            Step::ControllerCrashes => {
                self.stage.wait(self.cluster.crash_controller());
                Reply::Done
            }
            Step::ControllerStarts => {
                self.stage.wait(self.cluster.start_controller()).map_err(odd)?;
                Reply::Done
            }
            Step::Cut(worker, way) => self.cut(*worker, *way)?,
            Step::Mended(worker, way) => {
                let rules = self.cuts.remove(&(*worker, *way)).unwrap_or_default();
                rules.iter().for_each(RuleHandle::remove);
                Reply::Done
            }
            Step::SlicePreempted(slice) => self.preempt(*slice),
            Step::VmLost(vm) => {
                self.stage.wait(self.cluster.cloud().lose(*vm));
                Reply::Done
            }
            Step::Fault(rule) => self.fault(rule)?,
            Step::FaultsEnd => {
                self.rules.drain(..).for_each(|rule| rule.remove());
                Reply::Done
            }
            Step::Pass(length) => return self.pass(*length).map(|()| Reply::Done),
        };
        self.pass(STEP)?;
        Ok(answer)
    }

    fn pass(&mut self, length: Millis) -> Result<(), Trouble> {
        let clock = self.cluster.clock();
        // Virtual time is known only where it runs.
        self.stage.wait(async { clock.until_settled(clock.now().plus(length)).await });
        Ok(())
    }

    fn see(&mut self) -> Result<Option<Seen>, Trouble> {
        let is_virtual = self.cluster.clock().is_virtual();
        let mut seen = if is_virtual { self.look_at_once() } else { told::settled(|| self.look()) };
        if let Some(seen) = &mut seen {
            seen.runs = Some(self.runs());
        }
        Ok(seen)
    }

    fn heal(&mut self) -> Result<(), Trouble> {
        self.rules.drain(..).for_each(|rule| rule.remove());
        for rules in std::mem::take(&mut self.cuts).into_values() {
            rules.iter().for_each(RuleHandle::remove);
        }
        self.stage.wait(self.cluster.start_controller()).map_err(odd)?;
        for (worker, _) in self.run.shape.worker_ids() {
            self.stage.wait(self.cluster.start_worker(worker)).map_err(odd)?;
        }
        self.watch.healed();
        self.pass(STEP)?;
        for worker in std::mem::take(&mut self.closed) {
            // One that was never heard of is open.
            let _ = self.stage.wait(self.cluster.client().drain(worker, false));
        }
        self.pass(STEP)
    }

    fn end(self: Box<Self>) -> Result<Found, Trouble> {
        let (strays, twice) = (self.runs(), self.asked_twice());
        let calls = self.cluster.calls();
        self.stage.wait(self.cluster.end());
        let monitor = &self.watch.monitor;
        Ok(Found {
            violation: monitor.violation().or(twice),
            strays,
            restless: self.watch.restless(),
            exercised: monitor.exercised().map(str::to_owned).collect(),
            edges: monitor.edges(),
            calls,
        })
    }
}

impl Running {
    /// A controller that waits for its journal lets its callers wait: what they are told then is
    /// of later, so it is looked again.
    fn look_at_once(&self) -> Option<Seen> {
        let now = || self.stage.wait(async { self.cluster.clock().now() });
        let mut seen = None;
        for _ in 0..LOOKS {
            let before = now();
            seen = self.look();
            if now() == before {
                break;
            }
        }
        seen
    }

    fn preempt(&self, slice: SliceId) -> Reply {
        let there = self.stage.wait(self.cluster.cloud().preempt(slice));
        if there { Reply::Done } else { Reply::NotFound }
    }

    /// What really runs, by the run's own numbers.
    fn runs(&self) -> Vec<crate::model::id::AttemptId> {
        let live = self.watch.monitor.live();
        let name = |id| {
            let payload = live.controller().job(id)?.payload.as_ref()?;
            payload.name.parse().ok()
        };
        let mut runs: Vec<_> = live.processes().map(|it| it.attempt).collect();
        for attempt in &mut runs {
            // Also of a job whose submitter was never answered.
            let job = &mut attempt.task.job;
            *job = name(*job).unwrap_or(*job);
        }
        runs.sort_unstable();
        runs
    }
}
