//! What holds in every state: S1 to S9. What is about several at once, gangs (S6) and slices (S7),
//! stands in [`groups`].

use crate::model::budget::{Budget, Tally};
use crate::model::job::JobState;
use crate::model::resources::Resources;
use crate::model::task::{Cause, Outcome, TaskState};
use crate::model::view::{AttemptView, JobView, ProcessStage, StepView, TaskView, View};

use super::{
    Described, Found, any_attempt, any_placed, any_task, listened, may_be_placed, place_for,
};

mod groups;
#[cfg(test)]
mod tests;

pub(super) use groups::{S6, S7, s6, s6_hard, s7, s7_hard};

const fn describe(id: &'static str, name: &'static str, sentence: &'static str) -> Described {
    Described { id, name, sentence, class: "safety" }
}

pub(super) const S1: Described = describe(
    "S1",
    "an_overspent_task_is_finished_and_a_failed_job_has_ended",
    "a task one of whose counters exceeds its maximum is finished; a job with more than \
     max_task_failures FAILED tasks, or an UNSCHEDULABLE one, has ended",
);

pub(super) fn s1<V: View>(view: &V) -> Option<Found> {
    view.jobs().find_map(|job| {
        let mut failed = 0_u32;
        let mut unschedulable = None;
        for task in view.tasks(job.id) {
            match task.state {
                TaskState::Failed(_) => failed += 1,
                TaskState::Unschedulable => unschedulable = Some(task.id),
                TaskState::Pending | TaskState::Active(_) => {
                    if let Some(budget) = overspent(job, task) {
                        let (spent, most) = (task.spent.of(budget), job.terms.budgets.of(budget));
                        let (id, state) = (task.id, task.state);
                        return Some(format!(
                            "{id} has spent {spent} of its {budget} budget of {most} and is {state}"
                        ));
                    }
                }
                TaskState::Succeeded | TaskState::Killed | TaskState::WorkerFailed => {}
            }
        }
        let JobView { id, told, terms } = job;
        let most = terms.max_task_failures;
        if told.has_ended() {
            None
        } else if failed > u32::from(most) {
            Some(format!("{id} is {told} with {failed} of its tasks FAILED, where {most} may"))
        } else {
            unschedulable.map(|task| format!("{task} is UNSCHEDULABLE, and {id} is {told}"))
        }
    })
}

fn overspent(job: JobView<'_>, task: TaskView) -> Option<Budget> {
    Budget::ALL.into_iter().find(|budget| task.spent.of(*budget) > job.terms.budgets.of(*budget))
}

/// "A budget spent."
pub(super) fn s1_hard<V: View>(step: &StepView<'_, V>) -> bool {
    any_task(step.after, |job, task| overspent(job, task).is_some())
}

pub(super) const S2: Described = describe(
    "S2",
    "a_client_is_told_what_the_tasks_add_up_to",
    "what a client is told of a job equals the fold of its tasks",
);

pub(super) fn s2<V: View>(view: &V) -> Option<Found> {
    view.jobs().find_map(|job| {
        let sum = fold(view, job);
        let JobView { id, told, .. } = job;
        (told != sum).then(|| format!("{id} is told to be {told}; its tasks add up to {sum}"))
    })
}

/// The contract's "Job: a fold over its tasks", rule by rule; the first one that applies counts.
fn fold<V: View>(view: &V, job: JobView<'_>) -> JobState {
    let [mut waiting, mut active, mut succeeded] = [0_u32; 3];
    let [mut failed, mut killed, mut lost, mut unschedulable] = [0_u32; 4];
    for task in view.tasks(job.id) {
        *match task.state {
            TaskState::Pending => &mut waiting,
            TaskState::Active(_) => &mut active,
            TaskState::Succeeded => &mut succeeded,
            TaskState::Failed(_) => &mut failed,
            TaskState::Killed => &mut killed,
            TaskState::WorkerFailed => &mut lost,
            TaskState::Unschedulable => &mut unschedulable,
        } += 1;
    }
    let gang = job.terms.group_by.is_some();
    let finished = waiting + active == 0;
    let rules = [
        (succeeded == u32::from(job.terms.replicas), JobState::Succeeded),
        (failed > u32::from(job.terms.max_task_failures), JobState::Failed),
        (gang && failed > 0, JobState::Failed),
        (gang && lost > 0, JobState::WorkerFailed),
        (unschedulable > 0, JobState::Unschedulable),
        (killed > 0, JobState::Killed),
        (finished && lost > 0, JobState::WorkerFailed),
        (finished, JobState::Failed),
        (active + succeeded > 0, JobState::Running),
    ];
    rules.into_iter().find(|rule| rule.0).map_or(JobState::Pending, |rule| rule.1)
}

/// "A retry": some task that has an attempt has had another one before. An attempt that is not
/// listed any more is known by its charge.
pub(super) fn retried<V: View>(step: &StepView<'_, V>) -> bool {
    any_task(step.after, |_, task| is_retried(step.after, task))
}

fn is_retried<V: View>(view: &V, task: TaskView) -> bool {
    let mut attempts = view.attempts(task.id);
    let Some(first) = attempts.next() else { return false };
    first.id.number > 0 || task.forgotten != Tally::default() || attempts.next().is_some()
}

pub(super) const S3: Described = describe(
    "S3",
    "an_active_task_has_exactly_one_live_attempt",
    "at most one attempt of a task is live: its last one, while the task is active",
);

pub(super) fn s3<V: View>(view: &V) -> Option<Found> {
    view.jobs().flat_map(|job| view.tasks(job.id)).find_map(|task| {
        let (mut live, mut last_is_live) = (0_u32, false);
        for attempt in view.attempts(task.id) {
            last_is_live = attempt.end.is_none();
            live += u32::from(last_is_live);
        }
        let TaskView { id, state, .. } = task;
        match live {
            0 if state.is_active() => Some(format!("{id} is {state} and has no live attempt")),
            0 => None,
            1 if !last_is_live => Some(format!("the live attempt of {id} is not its last one")),
            1 if state.is_active() => None,
            1 => Some(format!("{id} is {state} and has a live attempt")),
            _ => Some(format!("{id} has {live} live attempts")),
        }
    })
}

pub(super) const S4: Described = describe(
    "S4",
    "what_runs_on_a_listened_to_worker_is_held_there",
    "all that runs on an incarnation that is listened to is held there; what a worker holds is \
     what its attempts need that are not confirmed gone, and never more than it has",
);

pub(super) fn s4<V: View>(view: &V) -> Option<Found> {
    for process in view.processes() {
        let (id, seat) = (process.attempt, process.seat);
        let is_held = |attempt: AttemptView| attempt.seat == seat && !attempt.gone;
        if listened(view, seat).is_some() && !view.attempt(id).is_some_and(is_held) {
            return Some(format!("{id} runs on {seat}, and nothing is held for it there"));
        }
    }
    view.workers().find_map(|worker| {
        let (seat, held, total) = (worker.seat, worker.held, worker.total);
        let mut sum = Some(Resources::NONE);
        for job in view.jobs() {
            for attempt in view.tasks(job.id).flat_map(|task| view.attempts(task.id)) {
                if attempt.seat == seat && !attempt.gone {
                    sum = sum.and_then(|sum| sum.plus(job.terms.resources));
                }
            }
        }
        match sum {
            None => Some(format!("the attempts on {seat} need more than can be counted")),
            Some(sum) if sum != held => {
                Some(format!("{seat} is said to hold {held}; its attempts need {sum}"))
            }
            Some(_) if !held.fits(total) => Some(format!("{seat} holds {held} and has {total}")),
            Some(_) => None,
        }
    })
}

/// "An ended attempt still held."
pub(super) fn s4_hard<V: View>(step: &StepView<'_, V>) -> bool {
    any_attempt(step.after, |attempt| {
        attempt.end.is_some() && !attempt.gone && listened(step.after, attempt.seat).is_some()
    })
}

pub(super) const S5: Described = describe(
    "S5",
    "each_counter_is_the_number_of_attempts_with_its_cause",
    "each counter of a task equals the attempts with its cause and is at most its maximum + 1",
);

pub(super) fn s5<V: View>(view: &V) -> Option<Found> {
    for job in view.jobs() {
        for task in view.tasks(job.id) {
            for budget in Budget::ALL.into_iter().filter(|budget| view.charges(*budget)) {
                let spent = task.spent.of(budget);
                let most = job.terms.budgets.of(budget).saturating_add(1);
                let charged =
                    view.attempts(task.id).filter(|attempt| charged_to(*attempt) == Some(budget));
                let count = charged.count() + usize::from(task.forgotten.of(budget));
                let id = task.id;
                if usize::from(spent) != count {
                    return Some(format!(
                        "{id} has spent {spent} of its {budget} budget; {count} of its attempts \
                         ended that way"
                    ));
                }
                if spent > most {
                    return Some(format!(
                        "{id} has spent {spent} of its {budget} budget, which was over at {most}"
                    ));
                }
            }
        }
    }
    None
}

/// The column "charges" of the contract's task table.
fn charged_to(attempt: AttemptView) -> Option<Budget> {
    let (outcome, cause) = attempt.end?;
    match cause {
        Cause::Exit if outcome == Outcome::Failed => Some(Budget::Failure),
        Cause::Delivery => Some(Budget::Delivery),
        Cause::Loss => Some(Budget::Preemption),
        Cause::Exit | Cause::Timeout | Cause::Cancel | Cause::Gang | Cause::JobOver => None,
    }
}

/// "A counter above 0."
pub(super) fn s5_hard<V: View>(step: &StepView<'_, V>) -> bool {
    any_task(step.after, |_, task| task.spent != Tally::default())
}

pub(super) const S8: Described = describe(
    "S8",
    "while_clocks_are_kept_at_most_one_process_of_a_task_runs",
    "at most one process per task runs, in a cluster whose clocks keep what the lease promises",
);

pub(super) fn s8<V: View>(view: &V) -> Option<Found> {
    if !view.clocks_are_kept() {
        return None;
    }
    let running =
        || view.processes().filter(|process| process.stage != ProcessStage::Launching).enumerate();
    running().find_map(|(at, one)| {
        let mut later = running().skip(at + 1).map(|(_, other)| other);
        let other = later.find(|other| other.attempt.task == one.attempt.task)?;
        let (id, seat, two, there) = (one.attempt, one.seat, other.attempt, other.seat);
        Some(format!("{id} runs on {seat} while {two} runs on {there}"))
    })
}

/// "A placement after an unconfirmed end": no worker's word had confirmed it before the step that
/// places again, which ends an incarnation or is that very word.
pub(super) fn s8_hard<V: View>(step: &StepView<'_, V>) -> bool {
    let unconfirmed = |attempt: AttemptView| {
        let by_loss = step.after.attempt(attempt.id).and_then(|now| now.end);
        let presumed = matches!(by_loss, Some((_, Cause::Loss | Cause::Delivery)));
        !attempt.gone && (attempt.end.is_some() || (presumed && attempt.heard))
    };
    step.before.clocks_are_kept()
        && any_placed(step, |new| step.before.attempts(new.id.task).any(unconfirmed))
}

pub(super) const S9: Described = describe(
    "S9",
    "a_task_that_may_be_placed_and_fits_is_placed",
    "no PENDING task that may be placed fits free HEALTHY capacity",
);

pub(super) fn s9<V: View>(view: &V) -> Option<Found> {
    view.jobs().find_map(|job| {
        let task = waiting(view, job)?;
        let at = place_for(view, job.terms, |worker| worker.total.minus(worker.held))?;
        Some(if job.terms.is_gang() {
            format!("{} waits, and the workers like {at} have room for all its tasks", job.id)
        } else {
            format!("{} waits, and {at} has room for it", task.id)
        })
    })
}

/// A task of the job that may be placed; of a gang only if all may.
fn waiting<V: View>(view: &V, job: JobView<'_>) -> Option<TaskView> {
    let first = view.tasks(job.id).find(|task| may_be_placed(view, *task))?;
    let all = || view.tasks(job.id).all(|task| may_be_placed(view, task));
    (!job.terms.is_gang() || all()).then_some(first)
}

/// A task may be placed, and there is somebody who might take it.
pub(super) fn s9_hard<V: View>(step: &StepView<'_, V>) -> bool {
    step.after.workers().next().is_some()
        && step.after.jobs().any(|job| waiting(step.after, job).is_some())
}
