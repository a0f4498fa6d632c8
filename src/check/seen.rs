//! A state of the model, as an outside observer sees it.

use crate::controller_sm::{Attempt, Standing};
use crate::model::budget::{Budget, Tally};
use crate::model::id::{AttemptId, Incarnation, JobId, Seat, TaskId, WorkerId};
use crate::model::policy::Retry;
use crate::model::task::{Cause, Outcome};
use crate::model::view::{
    AttemptView, GroupView, JobView, ProcessView, SliceView, TaskView, View, WorkerView,
};
use crate::worker_sm::Local;

use super::state::State;

impl View for State {
    fn jobs(&self) -> impl Iterator<Item = JobView<'_>> {
        self.controller.jobs().map(|(id, job)| JobView { id, terms: &job.terms, told: job.state() })
    }

    fn tasks(&self, job: JobId) -> impl Iterator<Item = TaskView> {
        let tasks = self.controller.job(job).map_or(&[][..], |job| &job.tasks);
        (0..).zip(tasks).map(move |(index, task)| {
            let id = job.task(index);
            let forgotten = self.forgotten.iter().find(|(task, _)| *task == id);
            TaskView {
                id,
                state: task.state,
                spent: task.spent,
                forgotten: forgotten.map_or(Tally::default(), |(_, tally)| *tally),
                avoid: task.avoid,
            }
        })
    }

    fn attempts(&self, task: TaskId) -> impl Iterator<Item = AttemptView> {
        let attempts = self.controller.task(task).map_or(&[][..], |task| &task.attempts);
        (0..).zip(attempts).map(move |(number, attempt)| seen(task.attempt(number), attempt))
    }

    fn attempt(&self, id: AttemptId) -> Option<AttemptView> {
        self.controller.attempt(id).map(|attempt| seen(id, attempt))
    }

    fn workers(&self) -> impl Iterator<Item = WorkerView<'_>> {
        self.controller.workers().filter_map(|(worker, slot)| {
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

    fn highest(&self, worker: WorkerId) -> Option<Incarnation> {
        self.controller.highest(worker)
    }

    fn groups(&self) -> impl Iterator<Item = GroupView> {
        let seen = |(id, group): (_, &crate::controller_sm::Group)| GroupView {
            id,
            max_slices: group.config.max_slices,
        };
        self.controller.groups().map(seen)
    }

    fn slices(&self) -> impl Iterator<Item = SliceView<'_>> {
        let slices = self.controller.slices();
        slices.map(|(id, slice)| SliceView { id, vms: &slice.vms, closed: slice.closed })
    }

    fn processes(&self) -> impl Iterator<Item = ProcessView> {
        self.nodes.iter().flat_map(|node| {
            let seat = node.seat();
            let seen = move |process: &super::state::Process| ProcessView {
                attempt: process.attempt,
                seat,
                stage: process.stage,
            };
            node.processes.iter().map(seen)
        })
    }

    fn exits(&self) -> impl Iterator<Item = (AttemptId, Seat)> {
        self.exits.iter().copied()
    }

    fn starts(&self, id: AttemptId) -> u32 {
        u32::from(self.started.contains(&id))
    }

    fn has_unacknowledged(&self) -> bool {
        self.nodes.iter().filter_map(|node| node.worker.as_ref()).any(|worker| {
            let listed = |local: Local| matches!(local, Local::Done { listed: true, .. });
            !worker.carried().is_empty() || worker.entries().iter().any(|e| listed(e.local))
        })
    }

    fn charges(&self, budget: Budget) -> bool {
        match self.controller.policy().retry {
            Retry::Budgeted => true,
            Retry::Unbounded => budget == Budget::Failure,
        }
    }

    fn delivery_tries(&self) -> u8 {
        self.controller.policy().delivery_tries
    }

    fn clocks_are_kept(&self) -> bool {
        self.clocks_are_kept
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
