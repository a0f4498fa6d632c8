//! What one turn of the controller gathers until its consequences are drawn.

use smallvec::SmallVec;

use crate::model::id::{AttemptId, JobId, Seat};
use crate::model::time::Millis;
use crate::model::timer::Timer;

use super::input::{Effect, Effects};

/// One turn: an input applied, its consequences not yet drawn.
pub(super) struct Turn {
    effects: Effects,
    changed: bool,
    /// Jobs of which a task changed; their gangs and their ends are judged afterwards.
    pub(super) touched: SmallVec<[JobId; 2]>,
    /// Something may now be placed that could not before, or is demanded that was not.
    pub(super) replace: bool,
    /// Whether PENDING tasks were running out of grace when the turn began.
    pub(super) starved: bool,
}

impl Turn {
    pub(super) fn new(starved: bool) -> Self {
        Self {
            effects: Effects::new(),
            changed: false,
            touched: SmallVec::new(),
            replace: false,
            starved,
        }
    }

    /// The machine's value is another than before: the input must be durable.
    pub(super) fn changes(&mut self) {
        self.changed = true;
    }

    pub(super) fn order(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    pub(super) fn arm(&mut self, timer: Timer, after: Millis) {
        self.effects.push(Effect::Arm(timer, after));
    }

    pub(super) fn disarm(&mut self, timer: Timer) {
        self.effects.push(Effect::Disarm(timer));
    }

    pub(super) fn send_kill(&mut self, attempt: AttemptId, seat: Seat, only_if_not_started: bool) {
        self.effects.push(Effect::SendKill { attempt, seat, only_if_not_started });
    }

    pub(super) fn touch(&mut self, job: JobId) {
        if self.touched.last() != Some(&job) && !self.touched.contains(&job) {
            self.touched.push(job);
        }
    }

    pub(super) fn into_effects(mut self) -> Effects {
        if self.changed {
            self.effects.insert(0, Effect::Persist);
        }
        self.effects
    }
}
