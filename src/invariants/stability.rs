//! What holds across every step: T1 to T9. What a message may do to an attempt (T4, T6, T8) stands
//! in [`messages`].

use crate::model::id::Seat;
use crate::model::view::{AttemptView, Event, Started, StepView, TaskView, View};
use crate::model::worker::WorkerState;

use super::{Described, Found, any_attempt, any_placed, any_task, is_healthy, job, worker};

mod messages;
#[cfg(test)]
mod tests;

pub(super) use messages::{T4, T6, T8, t4, t4_hard, t6, t6_hard, t8, t8_hard};

const fn describe(id: &'static str, name: &'static str, sentence: &'static str) -> Described {
    Described { id, name, sentence, class: "stability" }
}

pub(super) const T1: Described = describe(
    "T1",
    "what_has_ended_never_changes",
    "state, outcome and cause of what has ended never change; it may only be confirmed gone",
);

pub(super) fn t1<V: View>(step: &StepView<'_, V>) -> Option<Found> {
    let StepView { before, after, .. } = *step;
    before.jobs().find_map(|old| {
        let new = job(after, old.id)?;
        if old.told.has_ended() && new.told != old.told {
            return Some(format!("{} had ended {} and is {} now", old.id, old.told, new.told));
        }
        let mut tasks = before.tasks(old.id).zip(after.tasks(old.id));
        tasks.find_map(|(old, new)| {
            let TaskView { id, state, spent, .. } = old;
            if state.is_finished() && state != new.state {
                return Some(format!("{id} was finished as {state} and is {} now", new.state));
            }
            if state.is_finished() && spent != new.spent {
                return Some(format!("{id} was finished as {state} and is charged now"));
            }
            before.attempts(id).find_map(|attempt| changed_end(attempt, after))
        })
    })
}

/// What is wrong with an attempt that had ended, if it is still listed.
fn changed_end<V: View>(old: AttemptView, after: &V) -> Option<Found> {
    let (outcome, cause) = old.end?;
    let new = after.attempt(old.id)?;
    let id = old.id;
    match new.end {
        None => Some(format!("{id} had ended {outcome} ({cause}) and is live now")),
        Some((now, why)) if (now, why) != (outcome, cause) => {
            Some(format!("{id} had ended {outcome} ({cause}) and is {now} ({why}) now"))
        }
        Some(_) => (old.gone && !new.gone)
            .then(|| format!("{id} was confirmed gone and may be there again now")),
    }
}

/// Something has ended before.
pub(super) fn t1_hard<V: View>(step: &StepView<'_, V>) -> bool {
    any_task(step.before, |_, task| task.state.is_finished())
        || any_attempt(step.before, |attempt| attempt.end.is_some())
}

pub(super) const T2: Described = describe(
    "T2",
    "attempt_lists_only_grow",
    "attempt lists only grow, and no attempt moves to another worker; no job loses a task, and no \
     job is forgotten that has not ended",
);

pub(super) fn t2<V: View>(step: &StepView<'_, V>) -> Option<Found> {
    let StepView { before, after, .. } = *step;
    before.jobs().find_map(|old| {
        let id = old.id;
        if job(after, id).is_none() {
            let open = !old.told.has_ended();
            return open.then(|| format!("{id} was {} and is not there any more", old.told));
        }
        let mut tasks = after.tasks(id);
        before.tasks(id).find_map(|task| {
            if tasks.next().map(|task| task.id) != Some(task.id) {
                return Some(format!("{} is not there any more", task.id));
            }
            let mut attempts = after.attempts(task.id);
            before.attempts(task.id).find_map(|old| {
                let (id, seat) = (old.id, old.seat);
                match attempts.next().filter(|new| new.id == id) {
                    None => Some(format!("{id} is not listed any more")),
                    Some(new) => (new.seat != seat)
                        .then(|| format!("{id} was on {seat} and is on {} now", new.seat)),
                }
            })
        })
    })
}

/// A task that had an attempt gets another one, or its attempt ends.
pub(super) fn t2_hard<V: View>(step: &StepView<'_, V>) -> bool {
    let ends = |old: AttemptView| {
        old.end.is_none() && step.after.attempt(old.id).is_some_and(|new| new.end.is_some())
    };
    any_attempt(step.before, ends)
        || any_placed(step, |new| step.before.attempts(new.id.task).next().is_some())
}

pub(super) const T3: Described = describe(
    "T3",
    "an_attempt_that_was_started_is_not_started_again",
    "an attempt is started at most once, over all incarnations",
);

pub(super) fn t3<V: View>(step: &StepView<'_, V>) -> Option<Found> {
    let Started::Launch(id) = step.started else { return None };
    let starts = step.before.starts(id);
    (starts > 0).then(|| format!("{id} is started again; it had been started {starts} times"))
}

/// "A repeated `RunTask` arriving after its attempt ended."
pub(super) fn t3_hard<V: View>(step: &StepView<'_, V>) -> bool {
    matches!(step.started, Started::Repeated(_))
}

pub(super) const T5: Described = describe(
    "T5",
    "what_was_acknowledged_is_still_there_after_a_restart",
    "everything acknowledged is still there after a restart of the controller",
);

pub(super) fn t5<V: View>(step: &StepView<'_, V>) -> Option<Found> {
    if !matches!(step.event, Event::Restarted) {
        return None;
    }
    let StepView { before, after, .. } = *step;
    before.jobs().find_map(|old| {
        let id = old.id;
        let Some(new) = job(after, id) else {
            return Some(format!("{id} is forgotten after the restart"));
        };
        if new.terms != old.terms {
            return Some(format!("{id} has other terms after the restart"));
        }
        if old.told.has_ended() && new.told != old.told {
            return Some(format!("{id} was {} and is {} after the restart", old.told, new.told));
        }
        let mut attempts = before.tasks(id).flat_map(|task| before.attempts(task.id));
        attempts.find_map(|old| {
            old.end?;
            if after.attempt(old.id).is_none() {
                return Some(format!("{} is forgotten after the restart", old.id));
            }
            changed_end(old, after).map(|found| format!("{found}, after the restart"))
        })
    })
}

/// "A restart with something unacknowledged."
pub(super) fn t5_hard<V: View>(step: &StepView<'_, V>) -> bool {
    matches!(step.event, Event::Restarted) && step.before.has_unacknowledged()
}

pub(super) const T7: Described = describe(
    "T7",
    "a_task_is_placed_only_on_a_worker_that_was_healthy_before",
    "placement uses only workers that were HEALTHY before it",
);

pub(super) fn t7<V: View>(step: &StepView<'_, V>) -> Option<Found> {
    let mut tasks = step.after.jobs().flat_map(|job| step.after.tasks(job.id));
    tasks.find_map(|task| {
        let mut attempts = step.after.attempts(task.id);
        let bad = |new: &AttemptView| {
            step.before.attempt(new.id).is_none() && !was_healthy(step, new.seat)
        };
        let AttemptView { id, seat, .. } = attempts.find(bad)?;
        Some(format!("{id} is placed on {seat}, which is not HEALTHY"))
    })
}

/// Whether a worker was HEALTHY when this step placed something: before, or by its own heartbeat.
fn was_healthy<V: View>(step: &StepView<'_, V>, seat: Seat) -> bool {
    is_healthy(step.after, seat) && (is_healthy(step.before, seat) || is_beat_of(step, seat))
}

fn is_beat_of<V: View>(step: &StepView<'_, V>, of: Seat) -> bool {
    matches!(step.event, Event::Beat { seat, .. } if seat == of)
}

/// A placement while some live worker is not HEALTHY.
pub(super) fn t7_hard<V: View>(step: &StepView<'_, V>) -> bool {
    let limps = |view: &V| view.workers().any(|worker| worker.state != WorkerState::Healthy);
    (limps(step.after) || limps(step.before)) && any_placed(step, |_| true)
}

pub(super) const T9: Described = describe(
    "T9",
    "a_worker_becomes_healthy_only_by_a_heartbeat_of_its_highest_incarnation",
    "a worker becomes HEALTHY only by a heartbeat of its highest incarnation, received by this run \
     of the controller",
);

pub(super) fn t9<V: View>(step: &StepView<'_, V>) -> Option<Found> {
    step.after.workers().find_map(|worker| {
        let seat = worker.seat;
        if worker.state != WorkerState::Healthy || is_healthy(step.before, seat) {
            return None;
        }
        if !is_beat_of(step, seat) {
            return Some(format!("{seat} became HEALTHY without a heartbeat"));
        }
        let highest = step.before.highest(seat.worker)?;
        (highest > seat.incarnation).then(|| {
            let newer = Seat { incarnation: highest, ..seat };
            format!("{seat} became HEALTHY after {newer} had been heard")
        })
    })
}

/// A heartbeat of a worker that is live but not HEALTHY, or of an incarnation that was removed.
pub(super) fn t9_hard<V: View>(step: &StepView<'_, V>) -> bool {
    let Event::Beat { seat, .. } = step.event else { return false };
    match worker(step.before, seat.worker) {
        Some(worker) => worker.state != WorkerState::Healthy,
        None => step.before.highest(seat.worker).is_some_and(|known| known >= seat.incarnation),
    }
}
