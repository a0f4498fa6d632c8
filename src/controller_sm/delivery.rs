//! The delivery of an attempt: tries, their ends, doubt, and what settles it.

use crate::model::exit::{Fault, Final};
use crate::model::id::{AttemptId, TaskId, WorkerId};
use crate::model::policy::{DeliveryErrors, Retry};
use crate::model::task::{Ending, Phase, TaskEvent};
use crate::model::time::Millis;
use crate::model::timer::Timer;
use crate::model::wire::{Clock, KillAnswer, RunAnswer, TryError};

use super::ControllerSm;
use super::input::Effect;
use super::records::{Attempt, Delivery, Stage, Standing};
use super::turn::Turn;

impl ControllerSm {
    /// Places a task: a new attempt, held from now on, and its first try.
    pub(super) fn begin(&mut self, turn: &mut Turn, id: TaskId, worker: WorkerId) {
        let Some(slot) = self.workers.get(worker) else { return };
        let seat = crate::model::id::Seat { worker, incarnation: slot.highest };
        let Some(task) = self.task_mut(id) else { return };
        let number =
            u16::try_from(task.attempts.len()).expect("invariant: budgets bound the attempts");
        let delivery = Delivery { tries: 1, unknown: false, stage: Stage::Trying };
        task.attempts.push(Attempt { seat, standing: Standing::Offered(delivery) });
        task.avoid = None;
        let attempt = id.attempt(number);
        self.hold(attempt, worker);
        self.apply(turn, id, TaskEvent::Placed);
        turn.order(Effect::SendRun { attempt, seat });
    }

    /// The worker's answer to a try.
    pub(super) fn run_answered(&mut self, turn: &mut Turn, id: AttemptId, answer: RunAnswer) {
        match answer {
            RunAnswer::Accepted(clock) => self.heard(turn, id, Phase::Building, clock),
            // Nothing happened, but a byte left: a second copy may still arrive when the worker has
            // its lease. So it does not count as not sent.
            RunAnswer::NotNow => self.try_failed(turn, id, TryError::Unknown),
            RunAnswer::Refused => self.refused(turn, id),
        }
    }

    /// Not running there, and never will be. Of an attempt that was heard of this can only mean
    /// that its incarnation is over, which the next heartbeat tells.
    fn refused(&mut self, turn: &mut Turn, id: AttemptId) {
        match self.attempt(id).map(|a| a.standing) {
            Some(Standing::Offered(_)) => {
                self.launch_failed(turn, id);
                self.undelivered(turn, id);
                self.confirm_gone(turn, id);
            }
            Some(Standing::Ended { .. }) => self.confirm_gone(turn, id),
            Some(Standing::Accepted(_)) | None => {}
        }
    }

    /// A try ended without an answer. After the attempt was heard of, or ended, that ends the
    /// delivery quietly.
    pub(super) fn try_failed(&mut self, turn: &mut Turn, id: AttemptId, error: TryError) {
        let tries = self.policy.delivery_tries;
        let errors = self.policy.delivery_errors;
        let backoff = self.policy.delivery_backoff.0;
        let Some(attempt) = self.attempt_mut(id) else { return };
        let seat = attempt.seat;
        let Standing::Offered(delivery) = &mut attempt.standing else { return };
        if delivery.stage != Stage::Trying {
            return;
        }
        turn.changes();
        delivery.unknown |= error != TryError::NotSent;
        if error == TryError::Unexpected && errors == DeliveryErrors::Untyped {
            return self.given_up(turn, id);
        }
        if delivery.tries < tries {
            delivery.stage = Stage::Pausing;
            let pause = backoff.saturating_mul(1 << (delivery.tries - 1));
            return turn.arm(Timer::Retry(id), Millis(pause));
        }
        if delivery.unknown {
            delivery.stage = Stage::InDoubt;
            return turn.send_kill(id, seat, true);
        }
        self.launch_failed(turn, id);
        self.given_up(turn, id);
        self.confirm_gone(turn, id);
    }

    /// The delivery has failed for good.
    fn given_up(&mut self, turn: &mut Turn, id: AttemptId) {
        match self.policy.retry {
            Retry::Budgeted => self.undelivered(turn, id),
            Retry::Unbounded => {
                let worker = self.attempt(id).map(|a| a.seat.worker);
                if let Some(worker) = worker {
                    self.timed_out(turn, worker);
                }
            }
        }
    }

    fn undelivered(&mut self, turn: &mut Turn, id: AttemptId) {
        self.end(turn, id, Ending::Undelivered);
    }

    /// The pause before the next try is over.
    pub(super) fn retry(&mut self, turn: &mut Turn, id: AttemptId) {
        let Some(attempt) = self.attempt_mut(id) else { return };
        let seat = attempt.seat;
        let Standing::Offered(delivery) = &mut attempt.standing else { return };
        if delivery.stage == Stage::Pausing {
            delivery.stage = Stage::Trying;
            delivery.tries += 1;
            turn.changes();
            turn.order(Effect::SendRun { attempt: id, seat });
        }
    }

    /// The answer to a `KillTask`.
    pub(super) fn kill_answered(&mut self, turn: &mut Turn, id: AttemptId, answer: KillAnswer) {
        match answer {
            KillAnswer::Missing => self.final_word(turn, id, Final::Missing),
            KillAnswer::Started(clock) => self.heard(turn, id, Phase::Building, clock),
            // Its incarnation is over; the first heartbeat of the next one says so.
            KillAnswer::Refused => {}
        }
    }

    /// The worker has it, and it has come this far.
    pub(super) fn heard(&mut self, turn: &mut Turn, id: AttemptId, phase: Phase, clock: Clock) {
        let Some(timeout) = self.jobs.get(id.task.job).map(|job| job.terms.timeout) else { return };
        let Some(attempt) = self.attempt_mut(id) else { return };
        let worker = attempt.seat.worker;
        match &mut attempt.standing {
            Standing::Offered(delivery) => {
                if delivery.stage == Stage::Pausing {
                    turn.disarm(Timer::Retry(id));
                }
                attempt.standing = Standing::Accepted(clock);
                turn.changes();
                if let Some(limit) = timeout {
                    turn.arm(Timer::Timeout(id), limit);
                }
            }
            // The earliest clock known is the sharpest: any later heartbeat can miss the attempt.
            Standing::Accepted(known) if clock < *known => {
                *known = clock;
                turn.changes();
            }
            Standing::Accepted(_) => {}
            Standing::Ended { .. } => return,
        }
        match phase {
            // Whatever a worker says of it, it has been heard of: ASSIGNED is over.
            Phase::Assigned | Phase::Building => {
                self.apply(turn, id.task, TaskEvent::Accepted);
            }
            Phase::Running => {
                if self.apply(turn, id.task, TaskEvent::Started) {
                    self.launched(turn, worker);
                }
            }
        }
    }

    /// A worker's last word on an attempt: ends it if nobody had, and confirms it gone.
    pub(super) fn final_word(&mut self, turn: &mut Turn, id: AttemptId, word: Final) {
        let Some(attempt) = self.attempt(id).copied() else { return };
        if attempt.is_live() {
            let ending = match word {
                Final::Succeeded => Ending::Succeeded,
                Final::Failed(_) => Ending::Failed,
                Final::Killed => Ending::KilledUnasked,
                Final::Missing => match attempt.standing {
                    Standing::Offered(_) => Ending::Undelivered,
                    Standing::Accepted(_) | Standing::Ended { .. } => Ending::Lost,
                },
            };
            match word {
                Final::Failed(fault) if fault.is_launch() => self.launch_failed(turn, id),
                // That it exited means that it had been launched.
                Final::Succeeded | Final::Failed(Fault::Exit | Fault::Monitor) => {
                    self.launched(turn, attempt.seat.worker);
                }
                Final::Missing if matches!(attempt.standing, Standing::Offered(_)) => {
                    self.launch_failed(turn, id);
                }
                Final::Failed(_) | Final::Killed | Final::Missing => {}
            }
            self.end(turn, id, ending);
        }
        self.confirm_gone(turn, id);
    }
}
