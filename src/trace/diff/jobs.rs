//! What changed of jobs, tasks and attempts.

use crate::model::budget::{Budget, Tally};
use crate::model::id::{AttemptId, JobId, TaskId};
use crate::model::job::JobState;
use crate::model::task::{Cause, FailedBy, Outcome, Phase, TaskState};
use crate::model::view::{AttemptView, TaskView, View};

use super::{Pairs, pairs, seat_name};

pub(super) fn changes<V: View>(before: &V, after: &V, entries: &mut Vec<String>) {
    let told = |view: &V| view.jobs().map(|job| (job.id, job.told)).collect::<Vec<_>>();
    for (id, (old, new)) in pairs(told(before).into_iter(), told(after).into_iter()) {
        let Some(new) = new else {
            entries.push(format!("{id}  forgotten"));
            continue;
        };
        let tasks: Vec<Task> =
            pairs(old.iter().flat_map(|_| stands(before, id)), stands(after, id))
                .into_iter()
                .map(|(id, (old, new))| Task { id, old, new })
                .collect();
        match old {
            None => entries.push(format!("{id}  absent → {new}")),
            Some(old) if old == new || follows(&tasks, old, new) => {}
            Some(old) => entries.push(format!("{id}  {old} → {new}")),
        }
        for task in &tasks {
            task.changes(entries);
        }
    }
}

/// Whether the change of a job of one task can be read from that task.
fn follows(tasks: &[Task], old: JobState, new: JobState) -> bool {
    let [task] = tasks else { return false };
    let alone = |stand: &Option<Stand>, told| {
        stand.as_ref().is_some_and(|stand| of_one_task(stand.task.state) == told)
    };
    alone(&task.old, old) && alone(&task.new, new)
}

/// What a job is told as whose only task stands there.
fn of_one_task(state: TaskState) -> JobState {
    match state {
        TaskState::Pending => JobState::Pending,
        TaskState::Active(_) => JobState::Running,
        TaskState::Succeeded => JobState::Succeeded,
        TaskState::Failed(_) => JobState::Failed,
        TaskState::Killed => JobState::Killed,
        TaskState::WorkerFailed => JobState::WorkerFailed,
        TaskState::Unschedulable => JobState::Unschedulable,
    }
}

/// A task with its attempts, in one view.
struct Stand {
    task: TaskView,
    attempts: Vec<AttemptView>,
}

fn stands<V: View>(view: &V, job: JobId) -> impl Iterator<Item = (TaskId, Stand)> {
    view.tasks(job)
        .map(|task| (task.id, Stand { task, attempts: view.attempts(task.id).collect() }))
}

impl Stand {
    /// The attempt that lives.
    fn current(&self) -> Option<&AttemptView> {
        self.attempts.last().filter(|_| self.task.state.is_active())
    }

    /// State and place.
    fn told(&self) -> String {
        match self.current() {
            Some(attempt) => format!("{} {}", self.task.state, place(attempt)),
            None => self.task.state.to_string(),
        }
    }

    fn phase(&self) -> Option<Phase> {
        match self.task.state {
            TaskState::Active(phase) => Some(phase),
            TaskState::Pending
            | TaskState::Succeeded
            | TaskState::Failed(_)
            | TaskState::Killed
            | TaskState::WorkerFailed
            | TaskState::Unschedulable => None,
        }
    }
}

fn place(attempt: &AttemptView) -> String {
    let seat = seat_name(attempt.seat);
    match attempt.id.number {
        0 => seat,
        number => format!("{seat} (#{number})"),
    }
}

/// A task in both views.
struct Task {
    id: TaskId,
    old: Option<Stand>,
    new: Option<Stand>,
}

impl Task {
    fn changes(&self, entries: &mut Vec<String>) {
        let id = self.id;
        let Some(new) = &self.new else {
            entries.push(format!("{id}  forgotten"));
            return;
        };
        let folded = self.folded();
        if let Some(moved) = self.moved(new) {
            let cause = folded.and_then(|(_, cause)| cause);
            let cause = cause.map_or(String::new(), |cause| format!(" ({cause})"));
            entries.push(format!("{id}  {moved}{cause}"));
        }
        let spent = self.old.as_ref().map_or(Tally::default(), |old| old.task.spent);
        for budget in Budget::ALL {
            let (old, new) = (spent.of(budget), new.task.spent.of(budget));
            if old != new {
                entries.push(format!("{id}  {budget} {old} → {new}"));
            }
        }
        let listed = |stand: Option<&Stand>| {
            stand
                .map_or(&[][..], |stand| &stand.attempts)
                .iter()
                .map(|a| (a.id, *a))
                .collect::<Vec<_>>()
        };
        let attempts: Pairs<AttemptId, AttemptView> =
            pairs(listed(self.old.as_ref()).into_iter(), listed(Some(new)).into_iter());
        for (id, (old, new)) in attempts {
            let facts = match (old, new) {
                (Some(old), Some(new)) => {
                    let told = folded.is_some_and(|(folded, _)| folded == id);
                    self.attempt(&old, &new, told)
                }
                (None, Some(new)) => self.placed(&new),
                (Some(_) | None, None) => vec!["forgotten".to_owned()],
            };
            if !facts.is_empty() {
                entries.push(format!("{id}  {}", facts.join(", ")));
            }
        }
    }

    /// From where to where it went; a task that was not there was PENDING.
    fn moved(&self, new: &Stand) -> Option<String> {
        let (from, to) = (self.old.as_ref(), new.told());
        let now = |stand: &Stand| stand.current().map(|attempt| (attempt.id, attempt.seat));
        let Some(from) = from else {
            let waits = new.task.state == TaskState::Pending;
            return (!waits).then(|| format!("{} → {to}", TaskState::Pending));
        };
        if now(from) == now(new) && from.task.state == new.task.state {
            None
        } else if now(from) == now(new) && now(new).is_some() {
            Some(format!("{} → {}", from.task.state, new.task.state))
        } else {
            Some(format!("{} → {to}", from.told()))
        }
    }

    /// The attempt whose end gives its task the same name, with its cause unless that follows.
    fn folded(&self) -> Option<(AttemptId, Option<Cause>)> {
        let (old, new) = (self.old.as_ref()?, self.new.as_ref()?);
        let id = old.current()?.id;
        let (outcome, cause) = new.attempts.iter().find(|attempt| attempt.id == id)?.end?;
        // What was never heard of can only have been lost in delivery.
        let taken =
            if old.phase() == Some(Phase::Assigned) { Cause::Delivery } else { Cause::Loss };
        let usual = match (new.task.state, outcome) {
            (TaskState::Succeeded, Outcome::Succeeded) => cause == Cause::Exit,
            (TaskState::WorkerFailed, Outcome::WorkerFailed) => cause == taken,
            (TaskState::Killed, Outcome::Killed) => false,
            // Its own words for why would stand beside the attempt's.
            (TaskState::Failed(by), Outcome::Failed) => {
                let same = [(FailedBy::Exit, Cause::Exit), (FailedBy::Timeout, Cause::Timeout)];
                return same.contains(&(by, cause)).then_some((id, None));
            }
            _ => return None,
        };
        Some((id, (!usual).then_some(cause)))
    }

    /// What changed of an attempt that was there; `told` when its end was told with its task.
    fn attempt(&self, old: &AttemptView, new: &AttemptView, told: bool) -> Vec<String> {
        let mut facts = Vec::new();
        if old.seat != new.seat {
            facts.push(format!("{} → {}", seat_name(old.seat), seat_name(new.seat)));
        }
        match (old.end, new.end) {
            (None, Some(end)) if !told => facts.push(ended(end)),
            (Some(old), Some(new)) if old != new => {
                facts.push(format!("{} → {}", ended(old), ended(new)));
            }
            (Some(old), None) => facts.push(format!("{} → not ended", ended(old))),
            (None | Some(_), None | Some(_)) => {}
        }
        if old.gone != new.gone {
            facts.push(if new.gone { "gone" } else { "no longer gone" }.to_owned());
        }
        // Of an ended attempt nobody asks, and a phase beyond ASSIGNED says that it was heard of.
        let lives = old.end.is_none() && new.end.is_none();
        let phase = |stand: &Option<Stand>| stand.as_ref().and_then(Stand::phase);
        if lives && old.heard != new.heard && phase(&self.old) == phase(&self.new) {
            facts.push(if new.heard { "heard of" } else { "no longer heard of" }.to_owned());
        }
        if lives && old.tries != new.tries && !(new.heard && new.tries == 0) {
            facts.push(format!("tries {} → {}", old.tries, new.tries));
        }
        facts
    }

    /// What an attempt that is new does not owe to its task.
    fn placed(&self, new: &AttemptView) -> Vec<String> {
        let mut facts = Vec::new();
        let current = self.new.as_ref().and_then(Stand::current).map(|attempt| attempt.id);
        if current != Some(new.id) {
            facts.push(format!("placed on {}", seat_name(new.seat)));
        }
        facts.extend(new.end.map(ended));
        if new.gone {
            facts.push("gone".to_owned());
        }
        if new.tries > 1 {
            facts.push(format!("tries 0 → {}", new.tries));
        }
        facts
    }
}

fn ended((outcome, cause): (Outcome, Cause)) -> String {
    format!("{outcome} ({cause})")
}
