//! What is not a message: processes, machines, the client, the provider.

use std::sync::Arc;

use crate::controller_sm::{Attempt, ControllerSm, Input};
use crate::model::exit::Fault;
use crate::model::id::{AttemptId, JobId, Seat, SliceId, VmId, WorkerId};
use crate::model::operation::{Direction, Launch, Operation};
use crate::model::resources::{Attributes, Resources};
use crate::model::spec::{JobSpec, Payload};
use crate::model::timer::WorkerTimer;
use crate::model::view::ProcessStage;
use crate::worker_sm::{Exit, WorkerInput, WorkerSm};

use super::scope::Scope;
use super::state::{CloudSlice, Node, State};
use super::step::{Machines, Move};

/// What the worker of this name has, in a scope: a static worker's own, or its group's.
pub(super) fn equipment(
    scope: &Scope,
    controller: &ControllerSm,
    id: WorkerId,
) -> Option<(Resources, Attributes)> {
    if let Some(worker) = scope.workers.iter().find(|worker| worker.id == id) {
        return Some((worker.total, worker.attributes.clone()));
    }
    let has = |vms: &[(VmId, _)]| vms.iter().any(|(vm, _)| vm.worker() == id);
    let (slice, _) = controller.slices().find(|(_, slice)| has(&slice.vms))?;
    let group = scope.groups.get(usize::from(slice.group.0).checked_sub(1)?)?;
    Some((group.capacity, group.attributes.clone().with("slice", slice.to_string())))
}

impl<M: Machines> Move<'_, M> {
    /// Applies an operation; nothing where it cannot happen.
    pub(super) fn apply(&mut self, operation: Operation) -> Option<()> {
        match operation {
            Operation::Submit(job) => self.submit(job),
            Operation::Resubmit(job) => self.resubmit(job),
            Operation::Cancel(job) => self.told(Input::Cancel(job)),
            Operation::Drain(worker) => self.told(Input::Drain { worker, closed: true }),
            Operation::Run(id, fate) => self.run(id, fate),
            Operation::StrayRun(id, fate) => self.stray_run(id, fate),
            Operation::RunAnswer(id, fate) => self.run_answer(id, fate),
            Operation::Kill(id, fate) => self.kill(id, fate),
            Operation::Report(id, fate) => self.report_fate(id, false, fate),
            Operation::FinalReport(id, fate) => self.report_fate(id, true, fate),
            Operation::Beat(id, fate) => self.beat(id, fate),
            Operation::StrayBeat(id, fate) => self.stray_beat(id, fate),
            Operation::BeatSent(id) => self.beat_sent(id),
            Operation::BeatArrives(id, fate) => self.beat_arrives_fate(id, fate),
            Operation::BeatAnswer(id, fate) => self.beat_answer_fate(id, fate),
            Operation::Launch(id, launch) => self.launch_ends(id, launch),
            Operation::Exit(id, ok) => self.exit(id, ok),
            Operation::Reaped(id) => self.reaped(id),
            Operation::MonitorDies(id) => self.monitor_dies(id),
            Operation::Fires(timer) => self.told(Input::Fired(timer)),
            Operation::LeaseEnds(id) => {
                self.work(id, WorkerInput::Fired(WorkerTimer::Lease));
                Some(())
            }
            Operation::WorkerCrashes(id) => self.worker_crashes(id),
            Operation::WorkerStarts(id) => self.worker_starts(id),
            Operation::ControllerCrashes => {
                self.controller_down();
                Some(())
            }
            Operation::ControllerStarts => self.controller_starts(),
            Operation::Cut(id, way) => self.cut(id, way, true),
            Operation::Mended(id, way) => self.cut(id, way, false),
            Operation::SliceGranted(id) => self.slice_granted(id),
            Operation::SliceRefused(slice, quota) => {
                self.state.cloud.retain(|cloud| cloud.id != slice);
                self.told(Input::SliceRefused { slice, quota })
            }
            Operation::VmBoots(id) => self.vm_boots(id),
            Operation::VmStuck(id) => self.vm_stuck(id),
            Operation::SlicePreempted(id) => {
                self.slice_gone(id);
                self.told(Input::SlicePreempted(id))
            }
            Operation::SliceTerminated(id) => {
                self.slice_gone(id);
                self.told(Input::SliceTerminated(id))
            }
        }
    }

    #[expect(clippy::unnecessary_wraps, reason = "one of many operations, most of which may fail")]
    fn told(&mut self, input: Input) -> Option<()> {
        self.feed(input);
        Some(())
    }

    fn spec(&self, job: JobId) -> Option<Box<JobSpec>> {
        let plan = self.scope.jobs.get(usize::try_from(job.0).ok()?.checked_sub(1)?)?;
        // Only a client that may ask again needs a name for its request.
        let again = crate::model::operation::FaultKind::Resubmit;
        let request_id = self.scope.faults.offers(again).then(|| job.to_string().into());
        Some(Box::new(JobSpec {
            terms: plan.terms.clone(),
            payload: Payload::default(),
            request_id,
        }))
    }

    fn submit(&mut self, job: JobId) -> Option<()> {
        let spec = self.spec(job)?;
        self.state.submitted += 1;
        self.told(Input::Submit(spec))
    }

    fn resubmit(&mut self, job: JobId) -> Option<()> {
        let spec = self.spec(job)?;
        self.told(Input::Submit(spec))
    }

    fn host(&self, id: AttemptId) -> Option<(WorkerId, ProcessStage)> {
        let node = self.state.host(id)?;
        let process = node.processes.iter().find(|process| process.attempt == id)?;
        Some((node.id, process.stage))
    }

    fn launch_ends(&mut self, id: AttemptId, launch: Launch) -> Option<()> {
        let (worker, _) = self.host(id)?;
        let fault = match launch {
            Launch::Works => {
                self.launch_works(worker, id);
                return Some(());
            }
            Launch::BundleFails => Fault::Bundle,
            Launch::ContainerFails => Fault::Container,
        };
        self.end_process(worker, id);
        self.work(worker, WorkerInput::LaunchFailed(id, fault));
        Some(())
    }

    /// The process of an attempt runs.
    pub(super) fn launch_works(&mut self, worker: WorkerId, id: AttemptId) {
        if let Some(process) = self.state.node_mut(worker).and_then(|n| n.process_mut(id)) {
            process.stage = ProcessStage::Alive;
            self.work(worker, WorkerInput::Launched(id));
        }
    }

    fn exit(&mut self, id: AttemptId, ok: bool) -> Option<()> {
        let (worker, _) = self.host(id)?;
        let seat = self.state.node(worker)?.seat();
        self.end_process(worker, id);
        if self.state.controller.attempt(id).is_some_and(Attempt::is_live) {
            self.state.exits.push((id, seat));
            self.state.exits.sort_unstable();
        }
        let exit = if ok { Exit::Success } else { Exit::Error };
        self.work(worker, WorkerInput::Exited(id, exit));
        Some(())
    }

    fn reaped(&mut self, id: AttemptId) -> Option<()> {
        let (worker, _) = self.host(id)?;
        self.end_process(worker, id);
        self.work(worker, WorkerInput::Exited(id, Exit::Stopped));
        Some(())
    }

    fn monitor_dies(&mut self, id: AttemptId) -> Option<()> {
        let (worker, _) = self.host(id)?;
        self.work(worker, WorkerInput::MonitorDied(id));
        Some(())
    }

    fn worker_crashes(&mut self, id: WorkerId) -> Option<()> {
        let node = self.state.node_mut(id)?;
        node.worker = None;
        node.at_risk = false;
        // A supervisor ends the processes of a worker that dies.
        node.processes.clear();
        self.state.answers.retain(|(seat, _)| seat.worker != id);
        // A heartbeat that has left may still arrive.
        if let Some(at) = self.state.beats.iter().position(|beat| beat.seat.worker == id) {
            let beat = self.state.beats.remove(at);
            self.state.strays.retain(|stray| stray.seat.worker != id);
            self.stray(beat);
        }
        Some(())
    }

    fn worker_starts(&mut self, id: WorkerId) -> Option<()> {
        let (total, attributes) = equipment(self.scope, &self.state.controller, id)?;
        let policy = *self.state.controller.policy();
        if self.state.node(id).is_none() {
            let at = self.state.nodes.partition_point(|node| node.id < id);
            self.state.nodes.insert(at, Arc::new(new_node(id)));
        }
        let node = self.state.node_mut(id)?;
        node.last = node.last.next();
        node.worker = Some(WorkerSm::new(node.seat(), &policy, total, attributes));
        Some(())
    }

    fn controller_starts(&mut self) -> Option<()> {
        self.state.up = true;
        // Its timers start anew.
        for node in self.state.nodes.iter_mut().filter(|node| node.missed) {
            Arc::make_mut(node).missed = false;
        }
        self.told(Input::Restarted)
    }

    fn cut(&mut self, id: WorkerId, way: Direction, cut: bool) -> Option<()> {
        let node = self.state.node_mut(id)?;
        match way {
            Direction::ToWorker => node.cut_to = cut,
            Direction::FromWorker => node.cut_from = cut,
        }
        Some(())
    }

    fn cloud_mut(&mut self, id: SliceId) -> Option<&mut CloudSlice> {
        self.state.cloud.iter_mut().find(|cloud| cloud.id == id)
    }

    pub(super) fn create_slice(&mut self, slice: CloudSlice) {
        if let Err(at) = self.state.cloud.binary_search_by_key(&slice.id, |cloud| cloud.id) {
            self.state.cloud.insert(at, slice);
        }
    }

    /// The controller asks for the end of a slice; of one that the provider never heard of, it only
    /// says so again when it restarts.
    pub(super) fn end_slice(&mut self, id: SliceId, restarted: bool) {
        if let Some(cloud) = self.cloud_mut(id) {
            cloud.ending = true;
        } else if restarted {
            self.create_slice(CloudSlice {
                id,
                vms: smallvec::SmallVec::new(),
                granted: false,
                ending: true,
            });
        }
    }

    fn slice_granted(&mut self, id: SliceId) -> Option<()> {
        self.cloud_mut(id)?.granted = true;
        self.told(Input::SliceGranted(id))
    }

    fn vm_boots(&mut self, id: VmId) -> Option<()> {
        let vms = self.state.cloud.iter_mut().flat_map(|cloud| cloud.vms.iter_mut());
        vms.into_iter().find(|vm| vm.id == id)?.booted = true;
        self.told(Input::VmBooted(id))
    }

    fn vm_stuck(&mut self, id: VmId) -> Option<()> {
        let vms = self.state.cloud.iter_mut().flat_map(|cloud| cloud.vms.iter_mut());
        vms.into_iter().find(|vm| vm.id == id)?.stuck = true;
        Some(())
    }

    /// The machines of a slice are no more.
    fn slice_gone(&mut self, id: SliceId) {
        let Some(at) = self.state.cloud.iter().position(|cloud| cloud.id == id) else { return };
        let cloud = self.state.cloud.remove(at);
        self.state.nodes.retain(|node| !cloud.vms.iter().any(|vm| vm.id.worker() == node.id));
    }
}

/// A machine on which no worker was ever up.
pub(super) fn new_node(id: WorkerId) -> Node {
    Node {
        id,
        worker: None,
        last: crate::model::id::Incarnation(0),
        processes: smallvec::SmallVec::new(),
        missed: false,
        at_risk: false,
        cut_to: false,
        cut_from: false,
    }
}

/// Whether a machine belongs to the provider.
pub(super) fn is_cloud(state: &State, id: WorkerId) -> bool {
    state.cloud.iter().any(|cloud| cloud.vms.iter().any(|vm| vm.id.worker() == id))
}

/// The seat that a worker's name has at the controller, if it is listened to.
pub(super) fn listened(state: &State, id: WorkerId) -> Option<Seat> {
    let (worker, slot) = state.controller.workers().find(|(worker, _)| *worker == id)?;
    slot.live.as_ref().map(|_| Seat { worker, incarnation: slot.highest })
}
