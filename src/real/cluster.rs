//! A whole cluster in one process: controller, workers, and a simulated cloud, over real gRPC; in
//! virtual time over pipes, or in real time over pipes or loopback TCP. For tests, scenarios,
//! benchmarks, and embedding.
//!
//! Nodes crash as processes do: their tasks end, their connections break, and what was durable
//! stays.

mod nodes;

use std::path::PathBuf;
use std::sync::Arc;

use crate::controller_sm::{ControllerSm, GroupConfig};
use crate::model::id::WorkerId;
use crate::model::policy::Policy;
use crate::model::resources::{Attributes, Resources};
use crate::model::time::Millis;

use super::chaos::Chaos;
use super::client::Client;
use super::clock::Clock;
use super::cloud::{Cloud, Pace};
use super::controller::{BadJournal, Limits};
use super::journal::{self, Folder};
use super::net::{BadAddress, Network};
use super::observe::{Nobody, Observer};
use super::stage::Stage;
use super::work::Closures;

pub(super) use nodes::ChaoticWork;
use nodes::Nodes;

/// What a cluster is to be.
#[derive(Clone)]
pub struct Plan {
    /// Its policy.
    pub policy: Policy,
    /// Workers that belong to no group.
    pub workers: Vec<WorkerPlan>,
    /// Scale groups, in the order of their names, and how the cloud treats each.
    pub groups: Vec<(GroupConfig, Pace)>,
    /// Decides everything random.
    pub seed: u64,
    /// In virtual or real time, over pipes or sockets.
    pub medium: Medium,
    /// What may run besides commands.
    pub closures: Closures,
    /// Where commands run, a folder for each worker; none may run without.
    pub folder: Option<PathBuf>,
    /// Where the journal is; in memory without.
    pub journal: Option<PathBuf>,
    /// Who is told of everything.
    pub observer: Arc<dyn Observer>,
    /// Whether the observer is told of each of the controller's inputs by itself.
    pub one_by_one: bool,
    /// After a crash that a rule of chaos ordered, a node comes up again this much later.
    pub restart_after: Option<Millis>,
    /// What callers may take.
    pub limits: Limits,
}

impl Plan {
    /// This many workers, `w1` and on, of 4 CPUs each, in virtual time.
    pub fn workers(count: u32) -> Self {
        let plan = |id| WorkerPlan {
            id: WorkerId(id),
            capacity: Resources::cpus(4),
            attributes: Attributes::default(),
            waits: false,
        };
        Self {
            policy: Policy::LOCAL,
            workers: (1..=count).map(plan).collect(),
            groups: Vec::new(),
            seed: 0,
            medium: Medium::Virtual,
            closures: Closures::new(),
            folder: None,
            journal: None,
            observer: Arc::new(Nobody),
            one_by_one: true,
            restart_after: Some(Millis::seconds(1)),
            limits: Limits::default(),
        }
    }
}

/// A worker that belongs to no group.
#[derive(Debug, Clone)]
pub struct WorkerPlan {
    /// Its name.
    pub id: WorkerId,
    /// What it has.
    pub capacity: Resources,
    /// What it says of itself.
    pub attributes: Attributes,
    /// Whether it only starts when asked to.
    pub waits: bool,
}

/// When and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Medium {
    /// Virtual time, over pipes in memory. The runtime's clock must be paused.
    Virtual,
    /// Real time, over pipes in memory.
    Pipes,
    /// Real time, over loopback TCP.
    Tcp,
}

/// Why a cluster did not start.
#[derive(Debug)]
pub enum StartError {
    /// Its policy cannot keep what the protocol promises.
    Policy(crate::model::policy::BadPolicy),
    /// Its journal cannot be used.
    Journal(BadJournal),
    /// The folder of its journal cannot be used.
    Folder(journal::JournalError),
    /// A node cannot listen.
    Listen(std::io::Error),
    /// An address is none.
    Address(BadAddress),
}

impl std::fmt::Display for StartError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Policy(error) => error.fmt(f),
            Self::Journal(error) => error.fmt(f),
            Self::Folder(error) => error.fmt(f),
            Self::Listen(error) => write!(f, "it cannot listen: {error}"),
            Self::Address(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for StartError {}

/// A cluster that runs.
pub struct Cluster {
    nodes: Arc<Nodes>,
    client: Client,
}

impl Cluster {
    /// Starts the controller and the workers that do not wait. They register by themselves.
    ///
    /// # Errors
    /// Its plan or its journal is not what it should be.
    pub async fn start(plan: Plan) -> Result<Self, StartError> {
        plan.policy.validate().map_err(StartError::Policy)?;
        let (clock, network) = match plan.medium {
            Medium::Virtual => (Clock::virtual_time(), Network::memory()),
            Medium::Pipes => (Clock::real(), Network::memory()),
            Medium::Tcp => (Clock::real(), Network::tcp()),
        };
        let starts: Vec<WorkerId> =
            plan.workers.iter().filter(|it| !it.waits).map(|it| it.id).collect();
        let nodes = Nodes::new(plan, clock, network.clone());
        let address = nodes.start_controller().await?;
        let client = Client::new(&network, &address, clock).map_err(StartError::Address)?;
        for worker in starts {
            nodes.start_worker(worker).await?;
        }
        Ok(Self { nodes, client })
    }

    /// A machine as the controller's is before anything has happened.
    pub fn fresh_controller(plan: &Plan) -> ControllerSm {
        let groups = plan.groups.iter().map(|(group, _)| group.clone()).collect();
        ControllerSm::new(plan.policy, groups, nodes::first_vm(plan))
    }

    /// A client of it.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Its registry of faults.
    pub fn chaos(&self) -> &Chaos {
        self.nodes.chaos()
    }

    /// Its clock.
    pub fn clock(&self) -> Clock {
        self.nodes.clock()
    }

    /// Calls that its nodes and its client have made so far, answered or not.
    pub fn calls(&self) -> u64 {
        self.nodes.network().calls()
    }

    /// The simulated cloud.
    pub fn cloud(&self) -> &Cloud {
        self.nodes.cloud()
    }

    /// Waits until this many workers are HEALTHY.
    ///
    /// # Errors
    /// The controller does not answer.
    pub async fn registered(&self, count: usize) -> Result<(), super::client::Error> {
        loop {
            let cluster = self.client.cluster().await?;
            if cluster.workers.iter().filter(|it| it.state == "HEALTHY").count() >= count {
                return Ok(());
            }
            self.clock().sleep(Millis(1)).await;
        }
    }

    /// Starts a worker, as its next incarnation.
    ///
    /// # Errors
    /// It cannot listen.
    pub async fn start_worker(&self, worker: WorkerId) -> Result<(), StartError> {
        self.nodes.start_worker(worker).await
    }

    /// A worker and all that it runs die.
    pub async fn crash_worker(&self, worker: WorkerId) {
        self.nodes.crash_worker(worker).await;
    }

    /// The controller dies.
    pub async fn crash_controller(&self) {
        self.nodes.crash_controller().await;
    }

    /// The controller starts again, with its journal.
    ///
    /// # Errors
    /// Its journal cannot be used.
    pub async fn start_controller(&self) -> Result<(), StartError> {
        self.nodes.start_controller().await.map(drop)
    }

    /// Ends it all.
    pub async fn end(self) {
        self.nodes.end().await;
    }
}

/// Runs a future in virtual time: an hour in which nothing happens takes no time at all.
pub fn in_virtual_time<F: Future>(future: F) -> F::Output {
    Stage::virtual_time().wait(future)
}

/// Runs a future in real time.
///
/// # Errors
/// The operating system gives no threads or no way to wait for sockets.
pub fn in_real_time<F: Future>(future: F) -> std::io::Result<F::Output> {
    Ok(Stage::real_time()?.wait(future))
}

/// Runs futures side by side, and gives what came of each, in their order. A panic goes on.
pub async fn all_of<F>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    let tasks: Vec<_> = futures.into_iter().map(tokio::spawn).collect();
    let mut outputs = Vec::with_capacity(tasks.len());
    for task in tasks {
        let done = task.await.map_err(tokio::task::JoinError::into_panic);
        outputs.push(done.unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
    }
    outputs
}

/// The journal's place.
fn store(plan: &Plan, memory: &journal::Memory) -> Result<Box<dyn journal::Store>, StartError> {
    Ok(match &plan.journal {
        None => Box::new(memory.clone()),
        Some(path) => Box::new(Folder::open(path).map_err(StartError::Folder)?),
    })
}
