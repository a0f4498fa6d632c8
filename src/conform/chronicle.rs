//! When what happened: the moments of a run that people ask for, taken from the live view.

use crate::controller_sm::GroupState;
use crate::model::id::{AttemptId, GroupId, JobId, VmId, WorkerId};
use crate::model::job::JobState;
use crate::model::task::{Cause, Outcome};
use crate::model::view::View;
use crate::model::vm::VmState;
use crate::model::worker::WorkerState;
use crate::real::clock::At;

use super::live::Live;

/// Something that changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// A worker became this to the controller.
    Worker(WorkerId, WorkerState),
    /// A job became this.
    Job(JobId, JobState),
    /// A worker has accepted an attempt, and the controller knows it.
    Accepted(AttemptId),
    /// An attempt was ended.
    Ended(AttemptId, Outcome, Cause),
    /// A process of an attempt came to be, at first as a launch.
    Launched(AttemptId),
    /// A process of an attempt is no more.
    Stopped(AttemptId),
    /// A VM became this.
    Vm(VmId, VmState),
    /// A scale group became this.
    Group(GroupId, GroupState),
}

/// The moments of a run, in order.
#[derive(Debug, Clone, Default)]
pub struct Chronicle(Vec<(At, Moment)>);

impl Chronicle {
    /// Notes what changed from one view to the next.
    pub(super) fn note(&mut self, at: At, before: &Live, after: &Live) {
        self.workers(at, before, after);
        self.jobs(at, before, after);
        let was = |id| before.processes().any(|it| it.attempt == id);
        let is = |id| after.processes().any(|it| it.attempt == id);
        for process in after.processes().filter(|it| !was(it.attempt)) {
            self.0.push((at, Moment::Launched(process.attempt)));
        }
        for process in before.processes().filter(|it| !is(it.attempt)) {
            self.0.push((at, Moment::Stopped(process.attempt)));
        }
        for (id, group) in after.controller().groups() {
            let old = before.controller().groups().find(|(old, _)| *old == id);
            if old.is_some_and(|(_, old)| old.state != group.state) {
                self.0.push((at, Moment::Group(id, group.state)));
            }
        }
        let vms = |live: &Live| -> Vec<(VmId, VmState)> {
            live.slices().flat_map(|slice| slice.vms.to_vec()).collect()
        };
        let old = vms(before);
        for (id, state) in vms(after) {
            if !old.contains(&(id, state)) {
                self.0.push((at, Moment::Vm(id, state)));
            }
        }
    }

    fn workers(&mut self, at: At, before: &Live, after: &Live) {
        for (id, _) in after.controller().workers() {
            let state = after.controller().worker_state(id);
            if before.controller().worker_state(id) != state {
                self.0.push((at, Moment::Worker(id, state)));
            }
        }
    }

    fn jobs(&mut self, at: At, before: &Live, after: &Live) {
        for (id, job) in after.controller().jobs() {
            for task in after.tasks(id) {
                for attempt in after.attempts(task.id) {
                    let old = before.attempt(attempt.id);
                    if attempt.heard && old.is_none_or(|old| !old.heard) {
                        self.0.push((at, Moment::Accepted(attempt.id)));
                    }
                    if let Some((outcome, cause)) = attempt.end
                        && old.is_none_or(|old| old.end.is_none())
                    {
                        self.0.push((at, Moment::Ended(attempt.id, outcome, cause)));
                    }
                }
            }
            if before.controller().status(id) != Some(job.state()) {
                self.0.push((at, Moment::Job(id, job.state())));
            }
        }
    }

    /// When this first happened.
    pub fn first(&self, wanted: impl Fn(Moment) -> bool) -> Option<At> {
        self.0.iter().find(|(_, moment)| wanted(*moment)).map(|(at, _)| *at)
    }

    /// Whether this ever happened.
    pub fn ever(&self, wanted: impl Fn(Moment) -> bool) -> bool {
        self.first(wanted).is_some()
    }

    /// All moments, in order.
    pub fn all(&self) -> &[(At, Moment)] {
        &self.0
    }
}
