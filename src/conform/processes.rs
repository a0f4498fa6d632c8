//! A cluster of processes as a cluster under test: a controller and workers, each a process of the
//! program `iris-check` on this machine, with a journal in a folder and commands as work.
//!
//! Crashes are SIGKILL. Time is real, and ten times faster than the run says: each length of a run
//! is a tenth of it here (policy, jobs, passing), and `at` is ten times the time that has really
//! passed. So a run that takes minutes takes seconds; what the machine itself takes (a process
//! starts in some 20 ms, which look like 200) is what the slack is for.

mod scale;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::model::id::{AttemptId, JobId, WorkerId};
use crate::model::time::Millis;
use crate::real::client::{Client, Error};
use crate::real::clock::{At, Clock};
use crate::real::net::Network;
use crate::real::nodes::{Nodes, NodesPlan};
use crate::real::stage::Stage;

use super::in_process::reply;
use super::run::{JobPlan, Run, Step};
use super::seen::{Seen, told};
use super::subject::{Abilities, Found, Kind, Reply, Stand, Subject, Trouble};
use scale::{FASTER, command, faster};

/// What the machine itself may take, in the time of runs.
const SLACK: Millis = Millis::seconds(30);
/// How long a client waits for an answer, really.
const ANSWER: Millis = Millis::seconds(5);
/// How long nodes may take until they work, really.
const START: Millis = Millis::seconds(30);
/// Between two looks at what is waited for, really.
const PAUSE: Millis = Millis(10);

/// Where clusters of processes come from.
#[derive(Debug)]
pub struct Processes {
    program: PathBuf,
    folder: PathBuf,
    abilities: Abilities,
}

/// How many clusters were started, so that no two of this process have the same folder.
static STARTED: AtomicU32 = AtomicU32::new(0);

impl Processes {
    /// Of this program, each in a folder of its own below this one.
    pub fn new(program: PathBuf, folder: PathBuf) -> Self {
        let steps = vec![
            Kind::Submit,
            Kind::Gang,
            Kind::Resubmit,
            Kind::Cancel,
            Kind::Drain,
            Kind::Worker,
            Kind::Controller,
            Kind::Pass,
        ];
        let abilities = Abilities { steps, slack: SLACK };
        Self { program, folder, abilities }
    }
}

impl Stand for Processes {
    fn abilities(&self) -> &Abilities {
        &self.abilities
    }

    fn start(&self, run: &Run) -> Result<Box<dyn Subject>, Trouble> {
        let policy = faster(&run.shape.policy.0);
        policy.validate().map_err(|bad| odd("its policy, made ten times faster", &bad))?;
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let name = format!("iris-check-{}-{number}", std::process::id());
        let workers = run.shape.worker_ids();
        let plan = NodesPlan {
            program: self.program.clone(),
            folder: self.folder.join(name),
            policy,
            workers: workers.map(|(id, it)| (id, (it.capacity(), it.attributes()))).collect(),
        };
        let folder = plan.folder.display().to_string();
        let nodes = Nodes::new(plan).map_err(|error| odd(&folder, &error))?;
        let stage = Stage::real_time().map_err(|error| odd("no threads", &error))?;
        let clock = Clock::real();
        // A connection belongs to the runtime in which it was made.
        let client = stage.wait(async { Client::new(&Network::tcp(), nodes.address(), clock) });
        let client = client.map_err(|error| odd("its address", &error))?;
        let began = clock.now();
        let mut cluster = Running {
            stage,
            nodes,
            client,
            clock,
            began,
            abilities: self.abilities.clone(),
            plans: Vec::new(),
            jobs: BTreeMap::new(),
            closed: Vec::new(),
            run: run.clone(),
        };
        cluster.begin()?;
        Ok(Box::new(cluster))
    }
}

fn odd(what: &str, error: &dyn std::fmt::Display) -> Trouble {
    Trouble(format!("the cluster of processes does not work: {what}: {error}"))
}

/// A cluster that runs.
struct Running {
    stage: Stage,
    nodes: Nodes,
    client: Client,
    clock: Clock,
    began: At,
    abilities: Abilities,
    plans: Vec<JobPlan>,
    /// The cluster's number of each job of the run that it has acknowledged.
    jobs: BTreeMap<JobId, JobId>,
    closed: Vec<WorkerId>,
    run: Run,
}

impl Running {
    /// Starts all that does not wait, and begins the run once it works.
    fn begin(&mut self) -> Result<(), Trouble> {
        self.nodes.start_controller().map_err(|error| odd("controller", &error))?;
        let shape = self.run.shape.clone();
        let starts: Vec<WorkerId> =
            shape.worker_ids().filter(|(_, it)| !it.waits).map(|(id, _)| id).collect();
        for id in &starts {
            self.nodes.start_worker(*id).map_err(|error| odd(&id.to_string(), &error))?;
        }
        self.until("not all workers are HEALTHY", async |client| {
            let cluster = client.cluster().await?;
            Ok(cluster.workers.iter().filter(|it| it.state == "HEALTHY").count() == starts.len())
        })?;
        self.began = self.clock.now();
        Ok(())
    }

    /// Asks until the answer is yes.
    fn until(
        &mut self,
        else_says: &str,
        mut is_so: impl AsyncFnMut(&Client) -> Result<bool, Error>,
    ) -> Result<(), Trouble> {
        let end = self.clock.now().plus(START);
        loop {
            if self.ask(async |client| is_so(client).await) == Ok(true) {
                return Ok(());
            }
            if let Some(says) = self.nodes.fallen() {
                return Err(odd("a node", &says));
            }
            if self.clock.now() >= end {
                return Err(odd(else_says, &format_args!("after {START}")));
            }
            self.stage.wait(self.clock.sleep(PAUSE));
        }
    }

    /// The answer to a question, which does not take for ever.
    fn ask<T>(&self, question: impl AsyncFnOnce(&Client) -> Result<T, Error>) -> Result<T, Error> {
        let answer = self.stage.wait(self.clock.within(ANSWER, question(&self.client)));
        answer.unwrap_or_else(|| Err(Error::Unavailable(format!("no answer in {ANSWER}"))))
    }

    fn submit(&mut self, job: JobId) -> Reply {
        let at = usize::try_from(job.0).ok().and_then(|number| number.checked_sub(1));
        let Some(plan) = at.and_then(|at| self.plans.get(at)) else { return Reply::NotFound };
        let spec = command(job, plan);
        match self.ask(async |client| client.submit(&spec).await) {
            Ok(id) => {
                self.jobs.insert(job, id);
                Reply::Job(job)
            }
            Err(error) => reply(error),
        }
    }

    fn drain(&self, worker: WorkerId, closed: bool) -> Reply {
        let drained = self.ask(async |client| client.drain(worker, closed).await);
        drained.map_or_else(reply, |()| Reply::Done)
    }

    /// Time passes ten times as fast as it is told.
    fn at(&self) -> u64 {
        self.clock.now().since(self.began) * u64::from(FASTER)
    }

    fn start_controller(&mut self) -> Result<(), Trouble> {
        if !self.nodes.has_controller() {
            self.nodes.start_controller().map_err(|error| odd("controller", &error))?;
        }
        self.until("the controller does not answer", async |client| {
            client.list().await.map(|_| true)
        })
    }

    fn start_worker(&mut self, worker: WorkerId) -> Result<(), Trouble> {
        if self.nodes.has_worker(worker) {
            return Ok(());
        }
        self.nodes.start_worker(worker).map_err(|error| odd(&worker.to_string(), &error))
    }

    /// What really runs, by the run's own numbers.
    fn runs(&self) -> Result<Vec<AttemptId>, Trouble> {
        let names: BTreeMap<JobId, JobId> = self.jobs.iter().map(|(run, id)| (*id, *run)).collect();
        let running = self.nodes.running().map_err(|error| odd("/proc", &error))?;
        let named = running.into_iter().map(|mut attempt| {
            let job = &mut attempt.task.job;
            *job = names.get(job).copied().unwrap_or(*job);
            attempt
        });
        Ok(named.collect())
    }
}

impl Subject for Running {
    fn abilities(&self) -> &Abilities {
        &self.abilities
    }

    fn apply(&mut self, step: &Step) -> Result<Reply, Trouble> {
        let killed = |done: std::io::Result<()>| done.map_err(|error| odd("SIGKILL", &error));
        Ok(match step {
            Step::Submit(plan) => {
                self.plans.push(plan.clone());
                self.submit(JobId(u32::try_from(self.plans.len()).unwrap_or(u32::MAX)))
            }
            Step::Resubmit(job) => self.submit(*job),
            // A job that nobody has acknowledged has no name that a client could use.
            Step::Cancel(job) => match self.jobs.get(job).copied() {
                None => Reply::NotFound,
                Some(id) => {
                    let cancelled = self.ask(async |client| client.cancel(id).await);
                    cancelled.map_or_else(reply, |()| Reply::Done)
                }
            },
            Step::Drain(worker) => {
                self.closed.push(*worker);
                self.drain(*worker, true)
            }
            Step::Open(worker) => {
                self.closed.retain(|closed| closed != worker);
                self.drain(*worker, false)
            }
            Step::WorkerCrashes(worker) => {
                killed(self.nodes.kill_worker(*worker)).map(|()| Reply::Done)?
            }
            Step::WorkerStarts(worker) => self.start_worker(*worker).map(|()| Reply::Done)?,
            Step::ControllerCrashes => {
                killed(self.nodes.kill_controller()).map(|()| Reply::Done)?
            }
            Step::ControllerStarts => self.start_controller().map(|()| Reply::Done)?,
            Step::Pass(length) => self.pass(*length).map(|()| Reply::Done)?,
            Step::Cut(..)
            | Step::Mended(..)
            | Step::SlicePreempted(_)
            | Step::VmLost(_)
            | Step::Fault(_)
            | Step::FaultsEnd => {
                let says = "processes cannot do this: play the run on the cluster in one process";
                return Err(odd(&step.to_string(), &says));
            }
        })
    }

    fn pass(&mut self, length: Millis) -> Result<(), Trouble> {
        let length = Millis(length.0.div_ceil(FASTER));
        self.stage.wait(self.clock.sleep(length));
        Ok(())
    }

    fn see(&mut self) -> Result<Option<Seen>, Trouble> {
        if let Some(says) = self.nodes.fallen() {
            return Err(odd("a node", &says));
        }
        let mut seen = told::settled(|| {
            let at = self.at();
            self.ask(async |client| Ok(told::look(client, at).await)).ok().flatten()
        });
        if let Some(seen) = &mut seen {
            seen.runs = Some(self.runs()?);
        }
        Ok(seen)
    }

    fn heal(&mut self) -> Result<(), Trouble> {
        self.start_controller()?;
        let workers: Vec<WorkerId> = self.run.shape.worker_ids().map(|(id, _)| id).collect();
        for worker in workers {
            self.start_worker(worker)?;
        }
        for worker in std::mem::take(&mut self.closed) {
            // A worker that was never heard of is open.
            let _ = self.drain(worker, false);
        }
        Ok(())
    }

    fn end(self: Box<Self>) -> Result<Found, Trouble> {
        let strays = self.runs()?;
        self.nodes.end().map_err(|error| odd("its end", &error))?;
        Ok(Found { strays, ..Found::default() })
    }
}
