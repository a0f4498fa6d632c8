//! Heartbeats and reports: results before absence, and who is listened to.

use smallvec::SmallVec;

use crate::model::exit::Final;
use crate::model::id::{AttemptId, Incarnation, Seat, WorkerId};
use crate::model::resources::Resources;
use crate::model::task::{Ending, Phase};
use crate::model::timer::Timer;
use crate::model::wire::{Attempts, BeatReply, Clock, Heartbeat, Report, Running, Word};
use crate::model::worker::{WorkerEvent, WorkerState};

use super::ControllerSm;
use super::input::Effect;
use super::records::{Slot, Stage, Standing, Worker};
use super::turn::Turn;

/// What the sender of a heartbeat is to the controller.
#[derive(PartialEq, Eq)]
enum Sender {
    /// The incarnation that is listened to.
    Current,
    /// A newer one than any before.
    Newer,
    /// A newer one of a name that takes nobody: it ends the older one all the same.
    Closed,
    /// Older, removed, or of a VM that is gone.
    Unknown,
}

impl ControllerSm {
    pub(super) fn beat(&mut self, turn: &mut Turn, beat: &Heartbeat) {
        let seat = beat.seat;
        let sender = self.sender(seat);
        if sender == Sender::Unknown {
            return turn.order(Effect::ReplyBeat(BeatReply::default()));
        }
        for (attempt, word) in &beat.finished {
            self.final_word_of(turn, *attempt, seat, *word);
        }
        if sender == Sender::Closed {
            self.end_incarnation(turn, seat.worker, Ending::Lost);
            return turn.order(Effect::ReplyBeat(BeatReply::default()));
        }
        if sender == Sender::Newer {
            self.end_incarnation(turn, seat.worker, Ending::Lost);
            self.register(turn, beat);
        }
        for (attempt, phase) in &beat.running {
            if self.is_wanted(*attempt, seat) {
                self.heard(turn, *attempt, *phase, beat.clock);
            }
        }
        self.miss(turn, seat, beat.clock, &beat.running);
        self.worker_event(turn, seat.worker, WorkerEvent::Beat);
        turn.arm(Timer::Silent(seat.worker), self.policy.silence());
        turn.arm(Timer::Dead(seat.worker), self.policy.worker_timeout);
        let reply = self.answer(beat);
        turn.order(Effect::ReplyBeat(reply));
    }

    fn sender(&self, seat: Seat) -> Sender {
        let slot = self.workers.get(seat.worker);
        let newer = slot.is_none_or(|slot| slot.highest < seat.incarnation);
        if newer {
            let vm_gone = self.is_vm_worker(seat.worker) && !self.has_vm_of(seat.worker);
            if vm_gone || seat.incarnation < Incarnation::FIRST {
                return Sender::Unknown;
            }
            let drained = slot.is_some_and(|slot| slot.drained);
            return if drained { Sender::Closed } else { Sender::Newer };
        }
        match slot {
            Some(slot) if slot.highest == seat.incarnation && slot.live.is_some() => {
                Sender::Current
            }
            Some(_) | None => Sender::Unknown,
        }
    }

    fn register(&mut self, turn: &mut Turn, beat: &Heartbeat) {
        let Seat { worker: id, incarnation } = beat.seat;
        let drained = self.workers.get(id).is_some_and(|slot| slot.drained);
        let live = Some(Worker {
            state: WorkerState::Healthy,
            failed_launches: 0,
            total: beat.capacity,
            held: Resources::NONE,
            attributes: beat.attributes.clone(),
            attempts: SmallVec::new(),
        });
        *self.workers.entry(id, || Slot { highest: incarnation, drained, live: None }) =
            Slot { highest: incarnation, drained, live };
        turn.changes();
        turn.replace = true;
        self.vm_first_beat(turn, id);
    }

    /// Whether the worker should go on with this attempt.
    fn is_wanted(&self, id: AttemptId, seat: Seat) -> bool {
        self.attempt(id).is_some_and(|attempt| attempt.is_live() && attempt.seat == seat)
    }

    /// Ends what the worker has accepted and does not list any more.
    fn miss(&mut self, turn: &mut Turn, seat: Seat, clock: Clock, running: &Running) {
        let Some(worker) = self.live(seat.worker) else { return };
        let missing: Attempts = worker
            .attempts
            .iter()
            .copied()
            .filter(|id| running.binary_search_by_key(id, |entry| entry.0).is_err())
            .filter(|id| match self.attempt(*id).map(|attempt| attempt.standing) {
                Some(Standing::Accepted(since)) => since <= clock,
                Some(Standing::Offered(_) | Standing::Ended { .. }) | None => false,
            })
            .collect();
        for id in missing {
            self.end(turn, id, Ending::Lost);
        }
    }

    fn answer(&self, beat: &Heartbeat) -> BeatReply {
        let acked = beat.finished.iter().map(|(id, _)| *id).collect();
        let unwanted = |id: &AttemptId| !self.is_wanted(*id, beat.seat);
        let mut stop: Attempts = beat.running.iter().map(|(id, _)| *id).filter(unwanted).collect();
        let mut fence = Attempts::new();
        let held = self.live(beat.seat.worker).map_or(&[][..], |worker| &worker.attempts);
        for id in held {
            match self.attempt(*id).map(|attempt| attempt.standing) {
                Some(Standing::Ended { .. }) if !stop.contains(id) => stop.push(*id),
                Some(Standing::Offered(delivery)) if delivery.stage == Stage::InDoubt => {
                    fence.push(*id);
                }
                Some(Standing::Ended { .. } | Standing::Offered(_) | Standing::Accepted(_))
                | None => {}
            }
        }
        stop.sort_unstable();
        BeatReply { known: true, acked, stop, fence }
    }

    pub(super) fn report(&mut self, turn: &mut Turn, report: Report) {
        match report.word {
            Word::Final(word) => self.final_word_of(turn, report.attempt, report.seat, word),
            Word::Phase(phase) => {
                if self.is_wanted(report.attempt, report.seat) {
                    self.heard(turn, report.attempt, phase.max(Phase::Building), report.clock);
                }
            }
        }
        turn.order(Effect::ReplyReport);
    }

    /// A last word counts for the attempt that this worker was given: by the incarnation that was
    /// given it, or by a later one that carries the result.
    fn final_word_of(&mut self, turn: &mut Turn, id: AttemptId, from: Seat, word: Final) {
        let given = |seat: Seat| seat.worker == from.worker && seat.incarnation <= from.incarnation;
        if self.attempt(id).is_some_and(|attempt| given(attempt.seat)) {
            self.final_word(turn, id, word);
        }
    }

    /// The live worker of this name.
    pub(super) fn live(&self, id: WorkerId) -> Option<&Worker> {
        self.workers.get(id)?.live.as_ref()
    }
}
