//! What a message may do to an attempt, and what its silence may: T4, T6, T8.

use std::slice;

use crate::model::id::{AttemptId, Seat, TaskId, VmId, WorkerId};
use crate::model::job::JobState;
use crate::model::task::{Cause, Outcome, Phase, TaskState};
use crate::model::timer::Timer;
use crate::model::view::{AttemptView, Event, StepView, TaskView, View};

use super::super::{Described, Found, job, listened, live_attempt};
use super::describe;

pub(in crate::invariants) const T4: Described = describe(
    "T4",
    "a_message_about_what_is_not_current_changes_no_task",
    "a message about an attempt that is not current or has ended changes no task, job or counter",
);

/// The attempts that a message is about, and the worker whose silence on others counts as well.
struct Message<'a> {
    about: &'a [AttemptId],
    beats: Option<WorkerId>,
}

impl<'a> Message<'a> {
    fn of(event: &'a Event<'_>) -> Option<Self> {
        match event {
            Event::Beat { seat, about } => Some(Self { about, beats: Some(seat.worker) }),
            Event::Report { about, .. }
            | Event::RunAnswer { about, .. }
            | Event::TryFailed { about, .. } => {
                Some(Self { about: slice::from_ref(about), beats: None })
            }
            Event::Fired(_)
            | Event::Client
            | Event::Provider
            | Event::Restarted
            | Event::Elsewhere => None,
        }
    }

    /// The attempts of known tasks that are not current or have ended.
    fn stale<V: View>(&self, view: &V) -> impl Iterator<Item = (AttemptId, TaskView)> {
        self.about.iter().filter_map(|id| {
            let last = view.attempts(id.task).last();
            let current = last.is_some_and(|last| last.id == *id && last.end.is_none());
            if current { None } else { Some((*id, task(view, id.task)?)) }
        })
    }

    /// Whether it may mean something for the live attempt of a task: it names it, or comes from
    /// its worker, which may have left it out or started anew.
    fn concerns<V: View>(&self, view: &V, task: TaskId) -> bool {
        live_attempt(view, task).is_some_and(|live| {
            Some(live.seat.worker) == self.beats || self.about.contains(&live.id)
        })
    }
}

fn task<V: View>(view: &V, id: TaskId) -> Option<TaskView> {
    view.tasks(id.job).find(|task| task.id == id)
}

pub(in crate::invariants) fn t4<V: View>(step: &StepView<'_, V>) -> Option<Found> {
    let StepView { before, after, .. } = *step;
    let message = Message::of(&step.event)?;
    message.stale(before).find_map(|(id, old)| {
        let new = task(after, old.id)?;
        if message.concerns(before, old.id) {
            return None;
        }
        let says = |what: String| Some(format!("a message about {id}, which is over, {what}"));
        if old.spent != new.spent {
            return says(format!("changed what {} has spent", old.id));
        }
        // What it means for a sibling may end the job, or send the gang back.
        if before.tasks(id.task.job).any(|sibling| message.concerns(before, sibling.id)) {
            return None;
        }
        // That it is confirmed gone may be what placement waited for.
        let placed =
            old.state == TaskState::Pending && new.state == TaskState::Active(Phase::Assigned);
        if old.state != new.state && !placed {
            return says(format!("made {} {}, which was {}", old.id, new.state, old.state));
        }
        let (was, is) = (job(before, id.task.job)?, job(after, id.task.job)?);
        let began = was.told == JobState::Pending && is.told == JobState::Running;
        if was.told != is.told && !began {
            return says(format!("made {} {}, which was {}", was.id, is.told, was.told));
        }
        None
    })
}

/// "A stale report."
pub(in crate::invariants) fn t4_hard<V: View>(step: &StepView<'_, V>) -> bool {
    Message::of(&step.event).is_some_and(|message| message.stale(step.before).next().is_some())
}

pub(in crate::invariants) const T6: Described = describe(
    "T6",
    "a_delivery_that_was_not_heard_of_fails_only_after_all_tries_a_refusal_or_a_loss",
    "a delivery ends as failure only for an attempt never heard of, after all its tries, one \
     refusal, or the worker's loss",
);

pub(in crate::invariants) fn t6<V: View>(step: &StepView<'_, V>) -> Option<Found> {
    let StepView { before, after, .. } = *step;
    let mut attempts = before
        .jobs()
        .flat_map(|job| before.tasks(job.id))
        .filter_map(|t| live_attempt(before, t.id));
    attempts.find_map(|old| {
        let (outcome, cause) = after.attempt(old.id)?.end?;
        if cause != Cause::Delivery {
            return None;
        }
        let (id, at) = (old.id, old.seat.worker);
        if old.heard {
            return Some(format!(
                "{id} ended {outcome} as a failed delivery; {at} had been heard of it"
            ));
        }
        let (tries, most) = (old.tries, before.delivery_tries());
        let settled = is_settled(&step.event, old, outcome, most) || ends_with(step, old.seat);
        (!settled).then(|| {
            format!(
                "{id} ended {outcome} as a failed delivery after {tries} of {most} tries; {at} is \
                 alive and has not refused it"
            )
        })
    })
}

/// Whether a message settles that the delivery of an attempt failed (rule 4): its last try is over
/// without having been sent, or its worker says that it is not there and never will be, or that it
/// was killed.
fn is_settled(event: &Event<'_>, old: AttemptView, outcome: Outcome, most: u8) -> bool {
    let all_tried = old.tries >= most;
    match event {
        Event::TryFailed { about, .. } => *about == old.id && all_tried,
        Event::RunAnswer { about, refused } => *about == old.id && (*refused || all_tried),
        Event::Report { about, missing, .. } => {
            *about == old.id && (*missing || outcome == Outcome::Killed)
        }
        Event::Beat { about, .. } => about.contains(&old.id),
        Event::Fired(_) | Event::Client | Event::Provider | Event::Restarted | Event::Elsewhere => {
            false
        }
    }
}

/// Whether nobody listens to an incarnation after the step, or it is on its way out because the
/// slice of its VM is closed or gone.
fn ends_with<V: View>(step: &StepView<'_, V>, seat: Seat) -> bool {
    listened(step.after, seat).is_none()
        || match slice_is_closed(step.after, seat.worker) {
            Some(closed) => closed,
            None => slice_is_closed(step.before, seat.worker).is_some(),
        }
}

/// Whether the slice of a worker's VM is closed; nothing for a worker that belongs to none.
fn slice_is_closed<V: View>(view: &V, worker: WorkerId) -> Option<bool> {
    let vm = VmId(worker.0);
    let mut slices = view.slices();
    slices.find(|slice| slice.vms.iter().any(|(id, _)| *id == vm)).map(|slice| slice.closed)
}

/// "An unknown try."
pub(in crate::invariants) fn t6_hard<V: View>(step: &StepView<'_, V>) -> bool {
    let Event::TryFailed { about, unknown: true } = step.event else { return false };
    step.before.attempt(about).is_some_and(|attempt| attempt.end.is_none() && !attempt.heard)
}

pub(in crate::invariants) const T8: Described = describe(
    "T8",
    "a_completed_task_is_not_blamed_on_its_worker",
    "a completed task is never marked WORKER_FAILED: a step that records WORKER_FAILED, KILLED or \
     PREEMPTED by loss or delivery for an attempt that had exited by itself is the step that ends \
     its incarnation",
);

pub(in crate::invariants) fn t8<V: View>(step: &StepView<'_, V>) -> Option<Found> {
    step.before.exits().find_map(|(id, seat)| {
        let (outcome, cause) = step.after.attempt(id)?.end?;
        let had_ended = step.before.attempt(id).is_some_and(|attempt| attempt.end.is_some());
        let blames = match outcome {
            Outcome::WorkerFailed | Outcome::Killed | Outcome::Preempted => {
                matches!(cause, Cause::Loss | Cause::Delivery)
            }
            Outcome::Succeeded | Outcome::Failed | Outcome::CoschedFailed => false,
        };
        (blames && !had_ended && !ends_with(step, seat)).then(|| {
            format!(
                "{id} exited by itself on {}, which is alive; the controller says {outcome}",
                seat.worker
            )
        })
    })
}

/// "An exit not yet heard of when a heartbeat, deadline or stop comes."
pub(in crate::invariants) fn t8_hard<V: View>(step: &StepView<'_, V>) -> bool {
    step.before.exits().any(|(id, ran)| {
        let comes = match step.event {
            Event::Beat { seat, .. } => seat.worker == ran.worker,
            Event::Fired(timer) => timer == Timer::Dead(ran.worker) || timer == Timer::Timeout(id),
            Event::Client | Event::Provider => true,
            Event::Report { .. }
            | Event::RunAnswer { .. }
            | Event::TryFailed { .. }
            | Event::Restarted
            | Event::Elsewhere => false,
        };
        comes && step.before.attempt(id).is_some_and(|attempt| attempt.end.is_none())
    })
}
