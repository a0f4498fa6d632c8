//! The nodes of a cluster in one process: how each starts, and how it dies.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::model::id::{Incarnation, Seat, SliceId, VmId, WorkerId};
use crate::model::resources::{Attributes, Resources};
use crate::real::chaos::{Chaos, Node, Point, Verb};
use crate::real::clock::Clock;
use crate::real::cloud::{Cloud, Hosts};
use crate::real::net::{Cut, Network};
use crate::real::work::{Faults, Settings, Step, Verdict, Workshop};
use crate::real::{controller, journal, worker};

use super::{Plan, StartError};

/// All nodes, up or down.
pub(super) struct Nodes {
    plan: Plan,
    clock: Clock,
    network: Network,
    chaos: Chaos,
    cloud: Cloud,
    memory: journal::Memory,
    state: Mutex<State>,
    itself: Weak<Self>,
}

#[derive(Default)]
struct State {
    /// Where the controller listens, once it has: it comes back to the same place.
    address: Option<String>,
    controller: Option<Running>,
    workers: BTreeMap<WorkerId, Host>,
    /// Nothing is started any more.
    over: bool,
}

/// A machine for one worker.
struct Host {
    capacity: Resources,
    attributes: Attributes,
    /// The last incarnation that was up: this is what survives a crash.
    last: Arc<Mutex<Incarnation>>,
    running: Option<Running>,
}

/// A node that is up.
struct Running {
    tasks: Vec<JoinHandle<()>>,
    cut: Arc<Cut>,
}

impl Running {
    /// Breaks its connections and lets its tasks end where they next wait.
    fn sever(&self) {
        self.cut.now();
        self.tasks.iter().for_each(JoinHandle::abort);
    }

    /// As [`Running::sever`], and returns when its tasks have ended.
    async fn kill(self) {
        self.sever();
        for task in self.tasks {
            // It was aborted; how it took that does not matter.
            let _ = task.await;
        }
    }
}

/// Workers with lower numbers belong to no group.
pub(super) fn first_vm(plan: &Plan) -> u32 {
    plan.workers.iter().map(|it| it.id.0 + 1).max().unwrap_or(1)
}

impl Nodes {
    pub(super) fn new(plan: Plan, clock: Clock, network: Network) -> Arc<Self> {
        let chaos = Chaos::new(plan.seed, clock);
        let nodes = Arc::new_cyclic(|itself: &Weak<Self>| {
            let hosts = Arc::new(Machines(itself.clone()));
            let paces = plan.groups.iter().map(|(_, pace)| *pace).collect();
            let cloud = Cloud::new(hosts, paces, clock, chaos.clone(), plan.policy.rpc_timeout);
            let host = |it: &super::WorkerPlan| Host {
                capacity: it.capacity,
                attributes: it.attributes.clone(),
                last: Arc::new(Mutex::new(Incarnation(0))),
                running: None,
            };
            let workers = plan.workers.iter().map(|it| (it.id, host(it))).collect();
            let state = Mutex::new(State { workers, ..State::default() });
            let memory = journal::Memory::default();
            let itself = itself.clone();
            Self { plan, clock, network, chaos, cloud, memory, state, itself }
        });
        let itself = Arc::downgrade(&nodes);
        nodes.chaos.set_on_crash(Arc::new(move |point, node| {
            if let Some(nodes) = itself.upgrade() {
                nodes.crash_at(point, node);
            }
        }));
        nodes
    }

    pub(super) fn chaos(&self) -> &Chaos {
        &self.chaos
    }

    pub(super) fn clock(&self) -> Clock {
        self.clock
    }

    pub(super) fn cloud(&self) -> &Cloud {
        &self.cloud
    }

    pub(super) fn network(&self) -> &Network {
        &self.network
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts the controller and says where it listens; one that is up stays so.
    pub(super) async fn start_controller(&self) -> Result<String, StartError> {
        {
            let state = self.state();
            if let (Some(_), Some(address)) = (&state.controller, &state.address) {
                return Ok(address.clone());
            }
        }
        let usual = match self.plan.medium {
            super::Medium::Tcp => "127.0.0.1:0",
            super::Medium::Virtual | super::Medium::Pipes => "controller",
        };
        let address = self.state().address.clone().unwrap_or_else(|| usual.to_owned());
        let listener = self.network.listen(&address).await.map_err(StartError::Listen)?;
        let (address, cut) = (listener.address().to_owned(), listener.cut());
        let setup = controller::Setup {
            policy: self.plan.policy,
            groups: self.plan.groups.iter().map(|(group, _)| group.clone()).collect(),
            first_vm: first_vm(&self.plan),
            store: super::store(&self.plan, &self.memory)?,
            clock: self.clock,
            network: self.network.clone(),
            chaos: self.chaos.clone(),
            observer: Arc::clone(&self.plan.observer),
            one_by_one: self.plan.one_by_one,
        };
        let cloud = self.cloud.clone();
        let started = controller::Driver::start(setup, move |it| cloud.speaks_to(Arc::new(it)))
            .map_err(StartError::Journal)?;
        let door = controller::Door::new(
            started.to_controller,
            self.chaos.clone(),
            self.clock,
            self.plan.limits,
        );
        let network = self.network.clone();
        let serving = tokio::spawn(async move {
            // A listener that fails is a controller that nobody reaches: the same as a dead one.
            let _ = controller::serve(door, network, listener).await;
        });
        let nodes = self.itself.clone();
        // Whatever ends waits until it is known that it ran.
        let mut state = self.state();
        let driving = tokio::spawn(async move {
            let end = started.driver.run().await;
            if let Some(nodes) = nodes.upgrade() {
                nodes.controller_ended(&end);
            }
        });
        state.address = Some(address.clone());
        state.controller = Some(Running { tasks: vec![driving, serving], cut });
        Ok(address)
    }

    /// Starts a worker as its next incarnation; one that is up stays so.
    pub(super) async fn start_worker(&self, id: WorkerId) -> Result<(), StartError> {
        // Whoever listens takes the place of who listened there before.
        if self.state().workers.get(&id).is_none_or(|host| host.running.is_some()) {
            return Ok(());
        }
        let usual = match self.plan.medium {
            super::Medium::Tcp => "127.0.0.1:0".to_owned(),
            super::Medium::Virtual | super::Medium::Pipes => id.to_string(),
        };
        let listener = self.network.listen(&usual).await.map_err(StartError::Listen)?;
        let cut = listener.cut();
        let (setup, workshop, news) = {
            let state = self.state();
            let Some(host) = state.workers.get(&id).filter(|host| host.running.is_none()) else {
                return Ok(());
            };
            if state.over {
                return Ok(());
            }
            let incarnation = {
                let mut last = host.last.lock().unwrap_or_else(PoisonError::into_inner);
                *last = last.next();
                *last
            };
            let last = Arc::clone(&host.last);
            let setup = worker::Setup {
                seat: Seat { worker: id, incarnation },
                capacity: host.capacity,
                attributes: host.attributes.clone(),
                policy: self.plan.policy,
                address: listener.address().to_owned(),
                controller: state.address.clone().unwrap_or_default(),
                remember: Box::new(move |next| {
                    *last.lock().unwrap_or_else(PoisonError::into_inner) = next;
                    Ok(())
                }),
                clock: self.clock,
                network: self.network.clone(),
                chaos: self.chaos.clone(),
                observer: Arc::clone(&self.plan.observer),
            };
            let (tell, news) = mpsc::unbounded_channel();
            (setup, Workshop::new(self.settings(id), tell), news)
        };
        let (driver, to_worker) =
            worker::Driver::new(setup, workshop, news).map_err(StartError::Address)?;
        let door = worker::Door::new(to_worker, id, self.chaos.clone());
        let network = self.network.clone();
        let serving = tokio::spawn(async move {
            let _ = worker::serve(door, network, listener).await;
        });
        let nodes = self.itself.clone();
        // As above: it may end before its first turn is over.
        let mut state = self.state();
        let driving = tokio::spawn(async move {
            let end = driver.run().await;
            if let Some(nodes) = nodes.upgrade() {
                nodes.worker_ended(id, &end);
            }
        });
        if let Some(host) = state.workers.get_mut(&id) {
            host.running = Some(Running { tasks: vec![driving, serving], cut });
        }
        Ok(())
    }

    fn settings(&self, id: WorkerId) -> Settings {
        Settings {
            folder: self.plan.folder.as_ref().map(|folder| folder.join(id.to_string())),
            closures: self.plan.closures.clone(),
            supervisor: None,
            clock: self.clock,
            faults: Arc::new(ChaoticWork { chaos: self.chaos.clone(), worker: id }),
        }
    }

    pub(super) async fn crash_controller(&self) {
        let running = self.state().controller.take();
        if let Some(running) = running {
            running.kill().await;
            self.plan.observer.controller_down(self.clock.now());
        }
    }

    pub(super) async fn crash_worker(&self, id: WorkerId) {
        let running = self.state().workers.get_mut(&id).and_then(|host| host.running.take());
        if let Some(running) = running {
            running.kill().await;
            self.plan.observer.worker_down(self.clock.now(), id);
        }
    }

    /// The controller's driver has ended by itself.
    fn controller_ended(&self, _: &controller::End) {
        if let Some(running) = self.state().controller.take() {
            running.sever();
            self.plan.observer.controller_down(self.clock.now());
            self.again(None);
        }
    }

    fn worker_ended(&self, id: WorkerId, _: &worker::End) {
        let running = self.state().workers.get_mut(&id).and_then(|host| host.running.take());
        if let Some(running) = running {
            running.sever();
            self.plan.observer.worker_down(self.clock.now(), id);
            self.again(Some(id));
        }
    }

    /// A rule of chaos says that a node dies where a call of it stands.
    fn crash_at(&self, point: Point, node: Option<Node>) {
        let itself = self.itself.clone();
        let worker = match node {
            Some(Node::Worker(id)) if point.name().starts_with("worker.") => Some(id),
            Some(Node::Worker(_) | Node::Group(_) | Node::Slice(_) | Node::Vm(_)) | None => None,
        };
        // It is called from within a task of that node, which cannot wait for its own end.
        tokio::spawn(async move {
            let Some(nodes) = itself.upgrade() else { return };
            match worker {
                Some(id) => nodes.crash_worker(id).await,
                None => nodes.crash_controller().await,
            }
            nodes.again(worker);
        });
    }

    /// What a rule of chaos killed comes up again, if the plan says so.
    fn again(&self, worker: Option<WorkerId>) {
        let Some(after) = self.plan.restart_after else { return };
        let (itself, clock) = (self.itself.clone(), self.clock);
        tokio::spawn(async move {
            clock.sleep(after).await;
            let Some(nodes) = itself.upgrade() else { return };
            if nodes.state().over || nodes.plan.observer.has_seen_enough() {
                return;
            }
            // What cannot start stays down; whoever waits for it sees that.
            let _ = match worker {
                Some(id) => nodes.start_worker(id).await,
                None => nodes.start_controller().await.map(drop),
            };
        });
    }

    pub(super) async fn end(&self) {
        self.state().over = true;
        self.crash_controller().await;
        let ids: Vec<WorkerId> = self.state().workers.keys().copied().collect();
        for id in ids {
            self.crash_worker(id).await;
        }
    }
}

/// The machines of the simulated cloud.
struct Machines(Weak<Nodes>);

#[tonic::async_trait]
impl Hosts for Machines {
    async fn start(&self, vm: VmId, slice: SliceId) {
        let Some(nodes) = self.0.upgrade() else { return };
        let at = usize::from(slice.group.0).checked_sub(1);
        let Some((group, _)) = at.and_then(|at| nodes.plan.groups.get(at)) else { return };
        let host = Host {
            capacity: group.capacity,
            attributes: group.attributes.clone().with("slice", slice.to_string()),
            last: Arc::new(Mutex::new(Incarnation(0))),
            running: None,
        };
        nodes.state().workers.insert(vm.worker(), host);
        // One that cannot listen is a machine that never gets ready.
        let _ = nodes.start_worker(vm.worker()).await;
    }

    async fn stop(&self, vm: VmId) {
        let Some(nodes) = self.0.upgrade() else { return };
        nodes.crash_worker(vm.worker()).await;
        nodes.state().workers.remove(&vm.worker());
    }
}

/// The faults of one worker's launches.
pub(in crate::real) struct ChaoticWork {
    pub(in crate::real) chaos: Chaos,
    pub(in crate::real) worker: WorkerId,
}

impl Faults for ChaoticWork {
    fn check(&self, step: Step, _: crate::model::id::AttemptId) -> Verdict {
        let point = match step {
            Step::Bundle => Point::WorkerBundleDownload,
            Step::Container => Point::WorkerCreateContainer,
            Step::Monitor => Point::WorkerTaskMonitor,
        };
        match self.chaos.decide(point, Some(Node::Worker(self.worker))) {
            Some(Verb::Fail(code)) => Verdict::Fail(format!("{point}: {code}")),
            Some(Verb::Delay(length)) => Verdict::Delay(length),
            Some(Verb::DropRequest | Verb::DropResponse | Verb::Duplicate | Verb::Crash) | None => {
                Verdict::Go
            }
        }
    }
}
