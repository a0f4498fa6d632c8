//! Workers: what they hold, how they go, when they are closed.

use smallvec::SmallVec;

use crate::model::id::{AttemptId, Seat, WorkerId};
use crate::model::resources::Resources;
use crate::model::step::Step;
use crate::model::task::Ending;
use crate::model::timer::Timer;
use crate::model::worker::{Reasons, WorkerEvent, WorkerState};

use super::ControllerSm;
use super::input::{ClientReply, Effect};
use super::records::{Attempt, Worker};
use super::turn::Turn;

impl ControllerSm {
    fn need(&self, id: AttemptId) -> Resources {
        self.jobs.get(id.task.job).map_or(Resources::NONE, |job| job.terms.resources)
    }

    /// An attempt takes its room on a worker.
    pub(super) fn hold(&mut self, id: AttemptId, worker: WorkerId) {
        let need = self.need(id);
        let Some(worker) = self.live_mut(worker) else { return };
        let held = worker.held.plus(need).expect("invariant: what is held fits a worker's total");
        worker.held = held;
        if let Err(at) = worker.attempts.binary_search(&id) {
            worker.attempts.insert(at, id);
        }
    }

    /// A confirmed-gone attempt gives its room back, if its incarnation is still listened to.
    pub(super) fn release(&mut self, id: AttemptId, seat: Seat) {
        let need = self.need(id);
        let Some(slot) = self.workers.get_mut(seat.worker) else { return };
        if slot.highest != seat.incarnation {
            return;
        }
        let Some(worker) = &mut slot.live else { return };
        if let Ok(at) = worker.attempts.binary_search(&id) {
            worker.attempts.remove(at);
            let held = worker.held.minus(need);
            worker.held = held.expect("invariant: an attempt gives back what it took");
        }
    }

    /// Applies an event to a live worker; answers whether it moved.
    pub(super) fn worker_event(
        &mut self,
        turn: &mut Turn,
        id: WorkerId,
        event: WorkerEvent,
    ) -> bool {
        let Some(worker) = self.live_mut(id) else { return false };
        let step = worker.state.on(event).expect("invariant: every event is legal for the living");
        let Step::Moved(next) = step else { return false };
        worker.state = next;
        turn.changes();
        turn.replace = true;
        true
    }

    /// The controller stops listening to a worker: what it had is over and confirmed gone.
    pub(super) fn end_incarnation(&mut self, turn: &mut Turn, id: WorkerId, ending: Ending) {
        let Some(slot) = self.workers.get_mut(id) else { return };
        let Some(worker) = slot.live.take() else { return };
        let quarantined = worker.state.reasons().contains(Reasons::QUARANTINED);
        turn.changes();
        turn.replace = true;
        turn.disarm(Timer::Silent(id));
        turn.disarm(Timer::Dead(id));
        if quarantined {
            turn.disarm(Timer::Quarantine(id));
        }
        for attempt in &worker.attempts {
            self.end(turn, *attempt, ending);
        }
        for attempt in worker.attempts {
            self.confirm_gone(turn, attempt);
        }
    }

    /// One and a half intervals without a heartbeat.
    pub(super) fn silent(&mut self, turn: &mut Turn, id: WorkerId) {
        self.worker_event(turn, id, WorkerEvent::Silent);
    }

    /// `worker_timeout` without a heartbeat: the worker is DEAD, and its slice with it.
    pub(super) fn timed_out(&mut self, turn: &mut Turn, id: WorkerId) {
        if self.live(id).is_none() {
            return;
        }
        self.end_incarnation(turn, id, Ending::Lost);
        self.vm_worker_died(turn, id);
    }

    /// A launch failed on the worker of this attempt; too many in a row close it for a while.
    pub(super) fn launch_failed(&mut self, turn: &mut Turn, id: AttemptId) {
        let limit = self.policy.quarantine_after;
        let Some(seat) = self.attempt(id).map(|a| a.seat) else { return };
        let Some(worker) = self.live_mut(seat.worker) else { return };
        if limit == 0 || worker.state.reasons().contains(Reasons::QUARANTINED) {
            return;
        }
        worker.failed_launches += 1;
        let enough = worker.failed_launches >= limit;
        turn.changes();
        if enough {
            self.worker_event(turn, seat.worker, WorkerEvent::Quarantined);
            turn.arm(Timer::Quarantine(seat.worker), self.policy.quarantine);
        }
    }

    /// A launch reached RUNNING.
    pub(super) fn launched(&mut self, turn: &mut Turn, id: WorkerId) {
        let Some(worker) = self.live_mut(id) else { return };
        let closed = worker.state.reasons().contains(Reasons::QUARANTINED);
        if worker.failed_launches > 0 && !closed {
            worker.failed_launches = 0;
            turn.changes();
        }
    }

    pub(super) fn quarantine_over(&mut self, turn: &mut Turn, id: WorkerId) {
        if self.worker_event(turn, id, WorkerEvent::QuarantineOver)
            && let Some(worker) = self.live_mut(id)
        {
            worker.failed_launches = 0;
            // It counts as silent already.
            turn.disarm(Timer::Silent(id));
        }
    }

    /// An operator closes a worker's name, or opens it again. A closed worker lets its attempts end
    /// and is then removed; what else beats under that name is told that nobody knows it.
    pub(super) fn drain(&mut self, turn: &mut Turn, id: WorkerId, closed: bool) {
        let Some(slot) = self.workers.get_mut(id) else {
            return turn.order(Effect::Reply(ClientReply::NotFound));
        };
        if slot.drained != closed {
            slot.drained = closed;
            turn.changes();
            turn.replace = true;
            if closed {
                self.worker_event(turn, id, WorkerEvent::Closed);
            } else if !self.is_in_closed_slice(id)
                && self.worker_event(turn, id, WorkerEvent::Opened)
            {
                // Only a heartbeat makes it HEALTHY again.
                turn.disarm(Timer::Silent(id));
            }
        }
        turn.order(Effect::Reply(ClientReply::Drained(id)));
    }

    /// Removes drained workers that have become empty: of those, this turn can only have emptied
    /// workers of attempts that it confirmed gone, so the search is over the drained ones.
    pub(super) fn remove_drained(&mut self, turn: &mut Turn) {
        let empty = |worker: &Worker| worker.attempts.is_empty();
        let done: SmallVec<[WorkerId; 2]> = self
            .workers
            .iter()
            .filter(|(_, slot)| slot.drained && slot.live.as_ref().is_some_and(empty))
            .map(|(id, _)| id)
            .collect();
        for id in done {
            self.end_incarnation(turn, id, Ending::Lost);
        }
    }

    /// A worker is not to be used any more: its live attempts end and are stopped, one by one.
    pub(super) fn close_worker(&mut self, turn: &mut Turn, id: WorkerId) {
        self.worker_event(turn, id, WorkerEvent::Closed);
        let Some(worker) = self.live(id) else { return };
        for attempt in worker.attempts.clone() {
            self.decide(turn, attempt, Ending::Lost);
        }
    }

    /// The record of an attempt.
    pub(super) fn attempt_mut(&mut self, id: AttemptId) -> Option<&mut Attempt> {
        self.task_mut(id.task)?.attempts.get_mut(usize::from(id.number))
    }

    /// The live worker of this name.
    pub(super) fn live_mut(&mut self, id: WorkerId) -> Option<&mut Worker> {
        self.workers.get_mut(id)?.live.as_mut()
    }

    /// Whether there is any live worker.
    pub(super) fn any_live(&self) -> bool {
        self.workers.iter().any(|(_, slot)| {
            slot.live.as_ref().is_some_and(|worker| WorkerState::is_live(worker.state))
        })
    }
}
