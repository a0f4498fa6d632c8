//! A running cluster as an outside observer sees it: the same view that the claims are judged on
//! in the model. It is put together from what the drivers tell, as copies of their machines.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::controller_sm::{Attempt, ControllerSm};
use crate::model::budget::Budget;
use crate::model::id::{AttemptId, Incarnation, JobId, Seat, TaskId, WorkerId};
use crate::model::view::{
    AttemptView, GroupView, JobView, ProcessStage, ProcessView, SliceView, TaskView, View,
    WorkerView,
};
use crate::worker_sm::{Exit, Local, WorkerEffect, WorkerInput, WorkerSm};

/// What is known of a running cluster. Copies share what does not change.
#[derive(Debug, Clone)]
pub struct Live {
    controller: Arc<ControllerSm>,
    nodes: Arc<BTreeMap<WorkerId, Arc<Node>>>,
    exits: Arc<BTreeMap<AttemptId, Seat>>,
    starts: Arc<BTreeMap<AttemptId, u32>>,
}

/// A worker and what it runs.
#[derive(Debug, Clone)]
struct Node {
    machine: WorkerSm,
    processes: BTreeMap<AttemptId, (Seat, ProcessStage)>,
}

impl Live {
    /// A cluster whose controller is this machine, and of whose workers nothing is known.
    pub fn new(controller: ControllerSm) -> Self {
        Self {
            controller: Arc::new(controller),
            nodes: Arc::default(),
            exits: Arc::default(),
            starts: Arc::default(),
        }
    }

    /// The controller, as it is durable.
    pub fn controller(&self) -> &ControllerSm {
        &self.controller
    }

    /// Whether nothing at all has changed between the two.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.controller, &other.controller)
            && self.nodes.keys().eq(other.nodes.keys())
            && self.nodes.values().zip(other.nodes.values()).all(|(a, b)| Arc::ptr_eq(a, b))
            && self.exits == other.exits
    }

    /// Whether the view shows the same of both: what else a worker keeps to itself is not looked
    /// at by any claim.
    pub fn looks_same(&self, other: &Self) -> bool {
        let same = |a: &Arc<Node>, b: &Arc<Node>| {
            Arc::ptr_eq(a, b)
                || (a.processes == b.processes
                    && a.machine.has_unacknowledged() == b.machine.has_unacknowledged())
        };
        Arc::ptr_eq(&self.controller, &other.controller)
            && self.nodes.keys().eq(other.nodes.keys())
            && self.nodes.values().zip(other.nodes.values()).all(|(a, b)| same(a, b))
            && self.exits == other.exits
            && self.starts == other.starts
    }

    /// What a worker does about an attempt.
    pub fn local(&self, worker: WorkerId, id: AttemptId) -> Option<Local> {
        self.nodes.get(&worker)?.machine.local(id)
    }

    /// The controller has taken an input.
    pub fn controller_took(&mut self, machine: &ControllerSm) {
        if *self.controller != *machine {
            self.controller = Arc::new(machine.clone());
            let live = |id| self.controller.attempt(id).is_some_and(Attempt::is_live);
            if !self.exits.keys().all(|id| live(*id)) {
                let exits = self.exits.iter().filter(|(id, _)| live(**id));
                self.exits = Arc::new(exits.map(|(id, seat)| (*id, *seat)).collect());
            }
        }
    }

    /// A worker was started.
    pub fn worker_up(&mut self, machine: &WorkerSm) {
        let node = Node { machine: machine.clone(), processes: BTreeMap::new() };
        Arc::make_mut(&mut self.nodes).insert(machine.seat().worker, Arc::new(node));
    }

    /// A worker and all that it ran are gone.
    pub fn worker_down(&mut self, worker: WorkerId) {
        Arc::make_mut(&mut self.nodes).remove(&worker);
    }

    /// A worker, which was this incarnation, has taken an input.
    pub fn worker_took(
        &mut self,
        seat: Seat,
        input: &WorkerInput,
        effects: &[WorkerEffect],
        machine: &WorkerSm,
    ) {
        // What does not change stays shared: whoever compares views sees that at once.
        let known = self.nodes.get(&seat.worker);
        if known.is_none_or(|node| effects.is_empty() && node.machine == *machine) {
            return;
        }
        let nodes = Arc::make_mut(&mut self.nodes);
        let Some(node) = nodes.get_mut(&seat.worker).map(Arc::make_mut) else { return };
        if let WorkerInput::Exited(id, exit) = input
            && node.processes.remove(id).is_some()
            && matches!(exit, Exit::Success | Exit::Error)
            && self.controller.attempt(*id).is_some_and(Attempt::is_live)
        {
            Arc::make_mut(&mut self.exits).insert(*id, seat);
        }
        match input {
            WorkerInput::LaunchFailed(id, _) => {
                node.processes.remove(id);
            }
            WorkerInput::Launched(id) if machine.local(*id) == Some(Local::Running) => {
                node.processes.insert(*id, (seat, ProcessStage::Alive));
            }
            WorkerInput::Launched(_)
            | WorkerInput::Exited(..)
            | WorkerInput::Run(..)
            | WorkerInput::Kill(_)
            | WorkerInput::BeatDue
            | WorkerInput::BeatAnswered(..)
            | WorkerInput::ReportAcked(_)
            | WorkerInput::MonitorDied(_)
            | WorkerInput::Fired(_) => {}
        }
        for effect in effects {
            match effect {
                WorkerEffect::Launch(id) => {
                    node.processes.insert(*id, (seat, ProcessStage::Launching));
                    *Arc::make_mut(&mut self.starts).entry(*id).or_default() += 1;
                }
                WorkerEffect::AbortLaunch(id) => {
                    node.processes.remove(id);
                }
                WorkerEffect::Terminate(id) => {
                    if let Some((_, stage)) = node.processes.get_mut(id) {
                        *stage = ProcessStage::Stopping;
                    }
                }
                WorkerEffect::AnswerRun(_)
                | WorkerEffect::AnswerKill(_)
                | WorkerEffect::SendBeat(_)
                | WorkerEffect::SendReport(_)
                | WorkerEffect::Destroy(_)
                | WorkerEffect::RenewLease
                | WorkerEffect::ArmKill(_)
                | WorkerEffect::BecomeIncarnation(_) => {}
            }
        }
        node.machine = machine.clone();
    }
}

impl View for Live {
    fn jobs(&self) -> impl Iterator<Item = JobView<'_>> {
        self.controller.seen_jobs()
    }

    fn tasks(&self, job: JobId) -> impl Iterator<Item = TaskView> {
        self.controller.seen_tasks(job)
    }

    fn attempts(&self, task: TaskId) -> impl Iterator<Item = AttemptView> {
        self.controller.seen_attempts(task)
    }

    fn attempt(&self, id: AttemptId) -> Option<AttemptView> {
        self.controller.seen_attempt(id)
    }

    fn workers(&self) -> impl Iterator<Item = WorkerView<'_>> {
        self.controller.seen_workers()
    }

    fn highest(&self, worker: WorkerId) -> Option<Incarnation> {
        self.controller.highest(worker)
    }

    fn groups(&self) -> impl Iterator<Item = GroupView> {
        self.controller.seen_groups()
    }

    fn slices(&self) -> impl Iterator<Item = SliceView<'_>> {
        self.controller.seen_slices()
    }

    fn processes(&self) -> impl Iterator<Item = ProcessView> {
        self.nodes.values().flat_map(|node| {
            node.processes.iter().map(|(attempt, (seat, stage))| ProcessView {
                attempt: *attempt,
                seat: *seat,
                stage: *stage,
            })
        })
    }

    fn exits(&self) -> impl Iterator<Item = (AttemptId, Seat)> {
        self.exits.iter().map(|(id, seat)| (*id, *seat))
    }

    fn starts(&self, id: AttemptId) -> u32 {
        self.starts.get(&id).copied().unwrap_or(0)
    }

    fn has_unacknowledged(&self) -> bool {
        self.nodes.values().any(|node| node.machine.has_unacknowledged())
    }

    fn charges(&self, budget: Budget) -> bool {
        self.controller.charges(budget)
    }

    fn delivery_tries(&self) -> u8 {
        self.controller.policy().delivery_tries
    }

    fn clocks_are_kept(&self) -> bool {
        true
    }
}
