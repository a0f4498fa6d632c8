//! Watching a cluster from outside: every input of every machine, in the order in which they were
//! taken.

use crate::controller_sm::{ControllerSm, Input};
use crate::model::id::{Seat, WorkerId};
use crate::worker_sm::{WorkerEffect, WorkerInput, WorkerSm};

use super::clock::At;

/// Who is told of all that happens. Calls come from within the drivers: they must be quick.
pub trait Observer: Send + Sync {
    /// The controller has taken an input, and it is durable.
    fn controller(&self, at: At, input: &Input, machine: &ControllerSm);

    /// A worker, which was this incarnation, has taken an input.
    fn worker(
        &self,
        at: At,
        seat: Seat,
        input: &WorkerInput,
        effects: &[WorkerEffect],
        machine: &WorkerSm,
    );

    /// A worker was started, and nothing of an older incarnation runs.
    fn worker_up(&self, at: At, machine: &WorkerSm);

    /// A worker is no more, and so is all that it ran.
    fn worker_down(&self, at: At, worker: WorkerId);

    /// The controller is no more; its journal is.
    fn controller_down(&self, at: At);

    /// Whether nothing more need happen: each node then ends after its next input, and none comes
    /// up again by itself. So a cluster that never comes to rest at one instant of virtual time, or
    /// whose nodes die over and over, can be ended from outside.
    fn has_seen_enough(&self) -> bool {
        false
    }
}

/// Nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nobody;

impl Observer for Nobody {
    fn controller(&self, _: At, _: &Input, _: &ControllerSm) {}

    fn worker(&self, _: At, _: Seat, _: &WorkerInput, _: &[WorkerEffect], _: &WorkerSm) {}

    fn worker_up(&self, _: At, _: &WorkerSm) {}

    fn worker_down(&self, _: At, _: WorkerId) {}

    fn controller_down(&self, _: At) {}
}
