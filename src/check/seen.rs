//! A state of the model, as an outside observer sees it.

use crate::model::budget::{Budget, Tally};
use crate::model::id::{AttemptId, Incarnation, JobId, Seat, TaskId, WorkerId};
use crate::model::view::{
    AttemptView, GroupView, JobView, ProcessView, SliceView, TaskView, View, WorkerView,
};
use crate::worker_sm::WorkerSm;

use super::state::State;

impl View for State {
    fn jobs(&self) -> impl Iterator<Item = JobView<'_>> {
        self.controller.seen_jobs()
    }

    fn tasks(&self, job: JobId) -> impl Iterator<Item = TaskView> {
        self.controller.seen_tasks(job).map(|task| {
            let forgotten = self.forgotten.iter().find(|(id, _)| *id == task.id);
            TaskView { forgotten: forgotten.map_or(Tally::default(), |(_, it)| *it), ..task }
        })
    }

    fn attempts(&self, task: TaskId) -> impl Iterator<Item = AttemptView> {
        self.controller.seen_attempts(task)
    }

    fn attempt(&self, id: AttemptId) -> Option<AttemptView> {
        self.controller.seen_attempt(id)
    }

    fn workers(&self) -> impl Iterator<Item = WorkerView<'_>> {
        self.controller.seen_workers()
    }

    fn highest(&self, worker: WorkerId) -> Option<Incarnation> {
        self.controller.highest(worker)
    }

    fn groups(&self) -> impl Iterator<Item = GroupView> {
        self.controller.seen_groups()
    }

    fn slices(&self) -> impl Iterator<Item = SliceView<'_>> {
        self.controller.seen_slices()
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
        let workers = self.nodes.iter().filter_map(|node| node.worker.as_ref());
        workers.into_iter().any(WorkerSm::has_unacknowledged)
    }

    fn charges(&self, budget: Budget) -> bool {
        self.controller.charges(budget)
    }

    fn delivery_tries(&self) -> u8 {
        self.controller.policy().delivery_tries
    }

    fn clocks_are_kept(&self) -> bool {
        self.clocks_are_kept
    }
}
