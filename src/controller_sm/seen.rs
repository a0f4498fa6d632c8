//! What an outside observer may see of the controller: the part of a view that is the same for a
//! state of the model and for the cluster that runs.

use crate::model::budget::{Budget, Tally};
use crate::model::id::{AttemptId, JobId, Seat, TaskId};
use crate::model::policy::Retry;
use crate::model::task::{Cause, Outcome};
use crate::model::view::{AttemptView, GroupView, JobView, SliceView, TaskView, WorkerView};

use super::ControllerSm;
use super::records::{Attempt, Standing};

impl ControllerSm {
    /// Its jobs, in order.
    pub fn seen_jobs(&self) -> impl Iterator<Item = JobView<'_>> {
        self.jobs().map(|(id, job)| JobView { id, terms: &job.terms, told: job.state() })
    }

    /// The tasks of a job, in order; nothing of them is forgotten.
    pub fn seen_tasks(&self, job: JobId) -> impl Iterator<Item = TaskView> {
        let tasks = self.job(job).map_or(&[][..], |job| &job.tasks);
        (0..).zip(tasks).map(move |(index, task)| TaskView {
            id: job.task(index),
            state: task.state,
            spent: task.spent,
            forgotten: Tally::default(),
            avoid: task.avoid,
        })
    }

    /// The attempts of a task, in order.
    pub fn seen_attempts(&self, task: TaskId) -> impl Iterator<Item = AttemptView> {
        let attempts = self.task(task).map_or(&[][..], |task| &task.attempts);
        (0..).zip(attempts).map(move |(number, attempt)| seen(task.attempt(number), attempt))
    }

    /// One attempt.
    pub fn seen_attempt(&self, id: AttemptId) -> Option<AttemptView> {
        self.attempt(id).map(|attempt| seen(id, attempt))
    }

    /// The live workers, in order.
    pub fn seen_workers(&self) -> impl Iterator<Item = WorkerView<'_>> {
        self.workers().filter_map(|(worker, slot)| {
            let live = slot.live.as_ref()?;
            Some(WorkerView {
                seat: Seat { worker, incarnation: slot.highest },
                state: live.state,
                total: live.total,
                held: live.held,
                attributes: &live.attributes,
            })
        })
    }

    /// The scale groups, in order.
    pub fn seen_groups(&self) -> impl Iterator<Item = GroupView> {
        self.groups().map(|(id, group)| GroupView { id, max_slices: group.config.max_slices })
    }

    /// The slices that are not gone, in order.
    pub fn seen_slices(&self) -> impl Iterator<Item = SliceView<'_>> {
        let slices = self.slices();
        slices.map(|(id, slice)| SliceView { id, vms: &slice.vms, closed: slice.closed })
    }

    /// Whether its policy charges ends to this budget.
    pub fn charges(&self, budget: Budget) -> bool {
        match self.policy().retry {
            Retry::Budgeted => true,
            Retry::Unbounded => budget == Budget::Failure,
        }
    }
}

fn seen(id: AttemptId, attempt: &Attempt) -> AttemptView {
    let (heard, tries) = match attempt.standing {
        Standing::Offered(delivery) => (false, delivery.tries),
        Standing::Accepted(_) => (true, 0),
        Standing::Ended { .. } => (false, 0),
    };
    let end: Option<(Outcome, Cause)> = match attempt.standing {
        Standing::Ended { outcome, cause, .. } => Some((outcome, cause)),
        Standing::Offered(_) | Standing::Accepted(_) => None,
    };
    AttemptView { id, seat: attempt.seat, end, gone: attempt.is_gone(), heard, tries }
}
