//! What one worker has of a state.

use std::sync::Arc;

use crate::controller_sm::{Attempt, ControllerSm, Job, Task};
use crate::model::id::{AttemptId, Incarnation, WorkerId};
use crate::model::wire::{BeatReply, Heartbeat};

use super::super::state::{Node, State};

/// What the worker of one machine has of a state: all that is not another's.
pub(super) fn part_of(state: &State, at: usize) -> State {
    let node = &state.nodes[at];
    let mine = |worker: WorkerId| worker == node.id;
    State {
        controller: Arc::clone(&state.controller),
        nodes: [Arc::clone(node)].into_iter().collect(),
        net: state.net.iter().filter(|it| mine(it.seat().worker)).copied().collect(),
        strays: state.strays.iter().filter(|it| mine(it.seat.worker)).cloned().collect(),
        beats: state.beats.iter().filter(|it| mine(it.seat.worker)).cloned().collect(),
        answers: state.answers.iter().filter(|it| mine(it.0.worker)).cloned().collect(),
        exits: state.exits.iter().filter(|it| mine(it.1.worker)).copied().collect(),
        cloud: state.cloud.clone(),
        forgotten: state.forgotten.clone(),
        started: state.started.clone(),
        up: state.up,
        submitted: state.submitted,
        left: state.left,
        clocks_are_kept: state.clocks_are_kept,
        reports_repeat: state.reports_repeat,
        note: state.note,
    }
}

/// Whether nothing in a part is another worker's, and nothing speaks of an attempt that was placed
/// on another one.
pub(super) fn is_own(part: &State, id: WorkerId) -> bool {
    let is_placed_here = |attempt: AttemptId| {
        part.controller.attempt(attempt).is_none_or(|known| known.seat.worker == id)
    };
    let beat = |beat: &Heartbeat| {
        beat.seat.worker == id
            && beat.running.iter().all(|(attempt, _)| is_placed_here(*attempt))
            && beat.finished.iter().all(|(attempt, _)| is_placed_here(*attempt))
    };
    let reply = |reply: &BeatReply| {
        let mut all = reply.acked.iter().chain(&reply.stop).chain(&reply.fence);
        all.all(|attempt| is_placed_here(*attempt))
    };
    let node = |node: &Arc<Node>| {
        node.id == id
            && node.processes.iter().all(|process| is_placed_here(process.attempt))
            && node.worker.as_ref().is_none_or(|worker| {
                worker.entries().iter().all(|entry| is_placed_here(entry.attempt))
                    && worker.carried().iter().all(|(attempt, _)| is_placed_here(*attempt))
            })
    };
    part.nodes.len() == 1
        && part.nodes.iter().all(node)
        && part.cloud.is_empty()
        && part.net.iter().all(|it| it.seat().worker == id && is_placed_here(it.attempt()))
        && part.strays.iter().chain(&part.beats).all(beat)
        && part.answers.iter().all(|(seat, said)| seat.worker == id && reply(said))
        && part.exits.iter().all(|(attempt, seat)| seat.worker == id && is_placed_here(*attempt))
}

/// Whether a step left alone all that the controller records of attempts on other workers, and what
/// the names and the messages of those depend on.
pub(super) fn others_are_as_before(
    before: &ControllerSm,
    after: &ControllerSm,
    id: WorkerId,
) -> bool {
    let same = |(one, other): (&Task, &Task)| attempts(one, id).eq(attempts(other, id));
    let same_tasks = |one: &Job, other: &Job| {
        one.tasks.len() == other.tasks.len() && one.tasks.iter().zip(&other.tasks).all(same)
    };
    std::ptr::eq(before, after)
        || (slots(before, id).eq(slots(after, id))
            && before.jobs().map(|it| it.0).eq(after.jobs().map(|it| it.0))
            && before.jobs().zip(after.jobs()).all(|(old, new)| same_tasks(old.1, new.1)))
}

/// The attempts of a task on other workers, with their numbers.
fn attempts(task: &Task, id: WorkerId) -> impl Iterator<Item = (usize, &Attempt)> {
    let all = task.attempts.iter().enumerate();
    all.filter(move |(_, attempt)| attempt.seat.worker != id)
}

/// Of other workers, what was heard of them and whether they are listened to.
fn slots(
    controller: &ControllerSm,
    id: WorkerId,
) -> impl Iterator<Item = (WorkerId, Incarnation, bool)> {
    let others = controller.workers().filter(move |(worker, _)| *worker != id);
    others.map(|(worker, slot)| (worker, slot.highest, slot.live.is_some()))
}
