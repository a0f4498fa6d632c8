//! Renaming, as the controller's: for explorers only.

use super::{Local, WorkerSm};
use crate::model::id::{AttemptId, Seat};
use crate::model::wire::Clock;

impl WorkerSm {
    /// Gives everything its new name. Attempts without one are forgotten: they must be over, no
    /// longer listed, and mentioned nowhere else.
    pub fn rename(
        &mut self,
        seat: Seat,
        clock: Clock,
        attempt: impl Fn(AttemptId) -> Option<AttemptId>,
    ) {
        self.seat = seat;
        self.clock = clock;
        self.entries.retain(|entry| match attempt(entry.attempt) {
            Some(id) => {
                entry.attempt = id;
                true
            }
            None => !matches!(entry.local, Local::Done { listed: false, .. }),
        });
        for (id, _) in &mut self.carried {
            *id = attempt(*id).expect("invariant: a result that is still carried keeps its name");
        }
        self.entries.sort_unstable_by_key(|entry| entry.attempt);
        self.carried.sort_unstable();
    }
}
