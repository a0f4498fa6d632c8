//! What can happen in a state of the modelled cluster.

use crate::controller_sm::Attempt;
use crate::model::id::{AttemptId, JobId, WorkerId};
use crate::model::operation::{Direction, Fate, FaultKind, Launch, Operation, RunFate};
use crate::model::timer::Timer;
use crate::model::view::ProcessStage;
use crate::model::wire::Word;
use crate::model::worker::Reasons;
use crate::worker_sm::Lease;

use super::menu::{self, Way};
use super::scope::{Beats, Scope};
use super::state::{CloudSlice, Message, Node, State};
use super::world::listened;

/// The operations that a state offers, gathered.
pub(super) struct Offered<'a> {
    scope: &'a Scope,
    state: &'a State,
    pub(super) operations: Vec<Operation>,
}

impl<'a> Offered<'a> {
    /// Nothing yet.
    pub(super) fn new(scope: &'a Scope, state: &'a State) -> Self {
        Self { scope, state, operations: Vec::with_capacity(24) }
    }

    /// Everything that can happen.
    pub(super) fn all(scope: &'a Scope, state: &'a State) -> Vec<Operation> {
        let mut offered = Self::new(scope, state);
        if offered.beginning() {
            return offered.operations;
        }
        for message in &state.net {
            offered.message(message);
        }
        for node in &state.nodes {
            offered.machine(node);
        }
        for cloud in &state.cloud {
            offered.cloud(cloud);
        }
        offered.client();
        offered.controller();
        offered.operations
    }

    fn always(&mut self, operation: Operation) {
        self.operations.push(operation);
    }

    /// A fault, as far as the menu goes.
    fn fault(&mut self, operation: Operation) {
        let kind = operation.fault();
        if kind.is_some_and(|kind| menu::may(&self.scope.faults, self.state.left, kind)) {
            self.operations.push(operation);
        }
    }

    fn faults(&mut self, operations: &[Operation]) {
        for operation in operations {
            self.fault(*operation);
        }
    }

    /// Jobs that are there from the start are submitted before anything else happens.
    pub(super) fn beginning(&mut self) -> bool {
        let next = self.scope.jobs.get(usize::from(self.state.submitted));
        if next.is_some_and(|plan| plan.at_start) {
            self.always(Operation::Submit(self.next_job()));
            return true;
        }
        false
    }

    fn next_job(&self) -> JobId {
        JobId(u32::from(self.state.submitted) + 1)
    }

    /// What may become of a message.
    pub(super) fn message(&mut self, message: &Message) {
        let id = message.attempt();
        let way = Way::of(self.state, message.seat().worker);
        match message {
            Message::Run { awaited: true, .. } => self.run(id, way),
            Message::Run { awaited: false, .. } => {
                if way.worker_down {
                    self.always(Operation::StrayRun(id, Fate::RequestLost));
                } else if !way.cut_to {
                    self.always(Operation::StrayRun(id, Fate::Done));
                }
            }
            Message::RunAnswer { .. } => {
                if !way.deaf {
                    self.always(Operation::RunAnswer(id, Fate::Done));
                }
                self.lossy(way.deaf, Operation::RunAnswer(id, Fate::RequestLost));
            }
            Message::Kill(_) => {
                if way.worker_down || way.cut_to {
                    return self.always(Operation::Kill(id, Fate::RequestLost));
                }
                if !way.deaf {
                    self.always(Operation::Kill(id, Fate::Done));
                }
                self.lossy(way.deaf, Operation::Kill(id, Fate::AnswerLost));
                self.fault(Operation::Kill(id, Fate::RequestLost));
            }
            Message::Report(report) => {
                let again = Fate::Duplicated;
                if matches!(report.word, Word::Final(_)) {
                    self.worker_message(way, again, |fate| Operation::FinalReport(id, fate));
                } else {
                    self.worker_message(way, again, |fate| Operation::Report(id, fate));
                }
            }
        }
    }

    /// What must happen, or else a fault.
    fn lossy(&mut self, must: bool, operation: Operation) {
        if must {
            self.always(operation);
        } else {
            self.fault(operation);
        }
    }

    fn run(&mut self, id: AttemptId, way: Way) {
        if way.worker_down {
            return self.always(Operation::Run(id, RunFate::NotSent));
        }
        if way.cut_to {
            return self.always(Operation::Run(id, RunFate::Lost));
        }
        self.always(Operation::Run(id, RunFate::Arrives));
        let fates = [
            RunFate::NotSent,
            RunFate::Lost,
            RunFate::Unexpected,
            RunFate::Late,
            RunFate::Duplicated,
        ];
        self.faults(&fates.map(|fate| Operation::Run(id, fate)));
    }

    /// The fates of a message to the controller; `also` is one that this kind of message may have.
    fn worker_message(&mut self, way: Way, also: Fate, operation: impl Fn(Fate) -> Operation) {
        if way.deaf {
            return self.always(operation(Fate::RequestLost));
        }
        if way.cut_to {
            self.always(operation(Fate::AnswerLost));
        } else {
            self.always(operation(Fate::Done));
            self.fault(operation(Fate::AnswerLost));
        }
        self.faults(&[operation(Fate::RequestLost), operation(also)]);
    }

    /// What a machine and its worker may do.
    pub(super) fn machine(&mut self, node: &Node) {
        self.beats(node);
        self.node(node);
    }

    fn beats(&mut self, node: &Node) {
        let (state, id) = (self.state, node.id);
        if state.up && state.strays.iter().any(|beat| beat.seat.worker == id) {
            self.always(Operation::StrayBeat(id, Fate::Done));
        }
        if node.worker.is_none() {
            return;
        }
        if self.scope.beats == Beats::OneStep {
            return self.beat(node, |fate| Operation::Beat(id, fate));
        }
        if state.beats.iter().any(|beat| beat.seat.worker == id) {
            self.beat(node, |fate| Operation::BeatArrives(id, fate));
        } else if state.answers.iter().any(|(seat, _)| seat.worker == id) {
            if !node.cut_to {
                self.always(Operation::BeatAnswer(id, Fate::Done));
            }
            self.lossy(node.cut_to, Operation::BeatAnswer(id, Fate::RequestLost));
        } else {
            self.always(Operation::BeatSent(id));
        }
    }

    fn beat(&mut self, node: &Node, operation: impl Fn(Fate) -> Operation) {
        self.worker_message(Way::of(self.state, node.id), Fate::Late, operation);
    }

    fn node(&mut self, node: &Node) {
        let id = node.id;
        for process in &node.processes {
            self.process(process.attempt, process.stage);
        }
        let Some(worker) = &node.worker else {
            return self.always(Operation::WorkerStarts(id));
        };
        if worker.lease() != Lease::Lost && node.at_risk {
            self.always(Operation::LeaseEnds(id));
        }
        self.fault(Operation::WorkerCrashes(id));
        for (way, cut) in
            [(Direction::ToWorker, node.cut_to), (Direction::FromWorker, node.cut_from)]
        {
            if cut {
                self.always(Operation::Mended(id, way));
            } else {
                self.fault(Operation::Cut(id, way));
            }
        }
    }

    fn process(&mut self, id: AttemptId, stage: ProcessStage) {
        match stage {
            ProcessStage::Launching => {
                self.always(Operation::Launch(id, Launch::Works));
                self.faults(&[
                    Operation::Launch(id, Launch::BundleFails),
                    Operation::Launch(id, Launch::ContainerFails),
                ]);
            }
            ProcessStage::Alive => {
                self.always(Operation::Exit(id, true));
                self.faults(&[Operation::Exit(id, false), Operation::MonitorDies(id)]);
            }
            ProcessStage::Stopping => {
                self.always(Operation::Reaped(id));
                // It may still end by itself; that matters as long as nobody has decided its end.
                if self.state.controller.attempt(id).is_some_and(Attempt::is_live) {
                    self.always(Operation::Exit(id, true));
                }
            }
        }
    }

    fn cloud(&mut self, cloud: &CloudSlice) {
        for vm in &cloud.vms {
            let idle = self.state.node(vm.id.worker()).is_none();
            if cloud.granted && idle && !vm.stuck {
                if vm.booted {
                    self.always(Operation::WorkerStarts(vm.id.worker()));
                } else if self.state.up {
                    self.always(Operation::VmBoots(vm.id));
                }
                self.fault(Operation::VmStuck(vm.id));
            }
        }
        if !self.state.up {
            return;
        }
        if cloud.ending {
            self.always(Operation::SliceTerminated(cloud.id));
        } else if !cloud.granted {
            self.always(Operation::SliceGranted(cloud.id));
            self.faults(&[
                Operation::SliceRefused(cloud.id, false),
                Operation::SliceRefused(cloud.id, true),
            ]);
        }
        if cloud.granted {
            self.fault(Operation::SlicePreempted(cloud.id));
        }
    }

    pub(super) fn client(&mut self) {
        if !self.state.up {
            return;
        }
        if usize::from(self.state.submitted) < self.scope.jobs.len() {
            self.always(Operation::Submit(self.next_job()));
        }
        for (id, job) in self.state.controller.jobs() {
            if !job.state().has_ended() {
                self.fault(Operation::Cancel(id));
            }
            self.fault(Operation::Resubmit(id));
        }
        if menu::may(&self.scope.faults, self.state.left, FaultKind::Drain) {
            for (id, slot) in self.state.controller.workers() {
                if !slot.drained && slot.live.is_some() {
                    self.fault(Operation::Drain(id));
                }
            }
        }
    }

    fn controller(&mut self) {
        self.controller_itself();
        for timer in self.timers() {
            self.timer(timer);
        }
    }

    /// What becomes of the controller itself.
    pub(super) fn controller_itself(&mut self) {
        if self.state.up {
            self.fault(Operation::ControllerCrashes);
        } else {
            self.always(Operation::ControllerStarts);
        }
    }

    /// Its timers.
    pub(super) fn timers(&self) -> Vec<Timer> {
        if self.state.up { self.state.controller.armed() } else { Vec::new() }
    }

    /// One of them, if it can run out here.
    pub(super) fn timer(&mut self, timer: Timer) {
        if self.runs_out(timer) {
            self.always(Operation::Fires(timer));
        }
    }

    /// Whether a timer that is armed can run out here: those that a message would start anew only
    /// when one failed to come.
    fn runs_out(&self, timer: Timer) -> bool {
        match timer {
            Timer::Silent(id) => self.is_silent(id),
            Timer::Dead(id) => self.is_silent(id) && self.may_be_dead(id),
            Timer::Boot(vm) | Timer::Init(vm) => {
                let machines = self.state.cloud.iter().flat_map(|cloud| &cloud.vms);
                let stuck = machines.into_iter().any(|machine| machine.id == vm && machine.stuck);
                let id = vm.worker();
                stuck
                    || self.state.node(id).is_some_and(|node| node.missed || node.worker.is_none())
            }
            // Days later: no run of a scope is that long.
            Timer::Forget(_) => false,
            Timer::Quarantine(_)
            | Timer::Retry(_)
            | Timer::Timeout(_)
            | Timer::Scheduling(_)
            | Timer::Grace(_)
            | Timer::Idle(_)
            | Timer::Backoff(_) => true,
        }
    }

    fn is_silent(&self, id: WorkerId) -> bool {
        let Some(node) = self.state.node(id) else { return true };
        let newer = listened(self.state, id).is_some_and(|seat| node.last > seat.incarnation);
        let stopping = node.worker.as_ref().is_none_or(|worker| worker.lease() == Lease::Lost);
        node.missed || stopping || newer
    }

    /// `worker_timeout` is longer than the silence; if clocks are kept it is also longer than the
    /// lease and the kill grace, and no acknowledgement is under way any more.
    fn may_be_dead(&self, id: WorkerId) -> bool {
        let silent = self.state.controller.worker_state(id).reasons().contains(Reasons::SILENT);
        if !silent || !self.state.clocks_are_kept {
            return silent;
        }
        let (Some(node), Some(seat)) = (self.state.node(id), listened(self.state, id)) else {
            return true;
        };
        let works = node.worker.as_ref().is_some_and(|worker| worker.lease() == Lease::Held);
        let over = node.last > seat.incarnation || (node.processes.is_empty() && !works);
        over && self.state.answers.iter().all(|(to, reply)| *to != seat || !reply.known)
    }
}
