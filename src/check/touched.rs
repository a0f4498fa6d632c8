//! What new names leave alone stays shared with the state before: it is neither copied nor looked
//! at again.

use crate::controller_sm::{Attempt, ControllerSm, Renaming, Standing};
use crate::model::id::AttemptId;
use crate::worker_sm::WorkerSm;

use super::state::Node;

/// Whether new names may change the controller.
pub(super) fn controller(names: &Renaming, controller: &ControllerSm) -> bool {
    let Renaming { attempts, incarnations, clocks, vms, slices, workers, tasks: moved } = names;
    let changes = |attempt: &Attempt| match attempt.standing {
        Standing::Accepted(clock) => names.clock(attempt.seat.worker, clock) != clock,
        Standing::Offered(_) | Standing::Ended { .. } => false,
    };
    let mut tasks = controller.jobs().flat_map(|(_, job)| &job.tasks);
    !(attempts.is_empty() && incarnations.is_empty() && workers.is_empty())
        || vms.is_some()
        || slices.is_some()
        || !moved.is_empty()
        || (!clocks.is_empty() && tasks.any(|task| task.attempts.iter().any(changes)))
}

/// Whether new names may change a node.
pub(super) fn node(names: &Renaming, node: &Node) -> bool {
    let Renaming { attempts, incarnations, clocks, vms, slices: _, workers, tasks } = names;
    let is_renamed = |id: AttemptId| attempts.iter().any(|(task, _)| *task == id.task);
    let knows = |worker: &WorkerSm| {
        worker.entries().iter().any(|entry| is_renamed(entry.attempt))
            || worker.carried().iter().any(|(id, _)| is_renamed(*id))
    };
    vms.is_some()
        || !workers.is_empty()
        || !tasks.is_empty()
        || incarnations.iter().any(|(id, _)| *id == node.id)
        || clocks.iter().any(|(id, _)| *id == node.id)
        || node.processes.iter().any(|process| is_renamed(process.attempt))
        || node.worker.as_ref().is_some_and(knows)
}
