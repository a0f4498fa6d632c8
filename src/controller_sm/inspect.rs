//! What others may read of the controller: statuses, records, and why a job waits.

use std::fmt;

use crate::model::id::{AttemptId, GroupId, Incarnation, JobId, SliceId, TaskId, WorkerId};
use crate::model::job::JobState;
use crate::model::resources::Resources;
use crate::model::task::TaskState;
use crate::model::worker::{Reasons, WorkerState};

use super::ControllerSm;
use super::records::{Attempt, Group, Job, Slice, Slot};

/// Why a pending job is not placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PendingReason {
    /// Enough for it exists, but is taken.
    NoRoom,
    /// There is no live worker at all.
    NoLiveWorker,
    /// What could take it is in quarantine, silent or closed.
    Quarantine,
    /// An earlier attempt is not confirmed gone.
    WaitsFor(AttemptId, WorkerId),
    /// No worker is large enough.
    FitsNowhere {
        /// What a task needs.
        needs: Resources,
        /// What the largest worker has.
        largest: Resources,
    },
}

impl fmt::Display for PendingReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRoom => f.write_str("no room"),
            Self::NoLiveWorker => f.write_str("no live worker"),
            Self::Quarantine => f.write_str("quarantine"),
            Self::WaitsFor(attempt, worker) => write!(f, "waits for {attempt} on {worker}"),
            Self::FitsNowhere { needs, largest } => {
                write!(f, "fits nowhere (needs {needs}, largest {largest})")
            }
        }
    }
}

impl ControllerSm {
    /// What a client is told of a job.
    pub fn status(&self, id: JobId) -> Option<JobState> {
        self.jobs.get(id).map(Job::state)
    }

    /// All jobs, in order of submission.
    pub fn jobs(&self) -> impl Iterator<Item = (JobId, &Job)> {
        self.jobs.iter()
    }

    /// The record of a job.
    pub fn job(&self, id: JobId) -> Option<&Job> {
        self.jobs.get(id)
    }

    /// The record of an attempt.
    pub fn attempt(&self, id: AttemptId) -> Option<&Attempt> {
        self.task(id.task)?.attempts.get(usize::from(id.number))
    }

    /// Every worker's name that was ever heard of.
    pub fn workers(&self) -> impl Iterator<Item = (WorkerId, &Slot)> {
        self.workers.iter()
    }

    /// What the controller thinks of a worker.
    pub fn worker_state(&self, id: WorkerId) -> WorkerState {
        match self.workers.get(id) {
            None => WorkerState::Absent,
            Some(slot) => slot.live.as_ref().map_or(WorkerState::Dead, |worker| worker.state),
        }
    }

    /// The highest incarnation of a worker that was ever accepted.
    pub fn highest(&self, id: WorkerId) -> Option<Incarnation> {
        self.workers.get(id).map(|slot| slot.highest)
    }

    /// All scale groups.
    pub fn groups(&self) -> impl Iterator<Item = (GroupId, &Group)> {
        self.groups.iter().enumerate().map(|(at, group)| (super::fleet::group_id(at), group))
    }

    /// All slices that are not gone.
    pub fn slices(&self) -> impl Iterator<Item = (SliceId, &Slice)> {
        self.slices.iter()
    }

    /// How many tasks may be placed as soon as there is room.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// The number of the first VM, and of the next.
    pub fn vm_numbers(&self) -> (u32, u32) {
        (self.first_vm, self.next_vm)
    }

    /// Why a job with a PENDING task is not placed: one reason, that of its first such task.
    pub fn pending_reason(&self, id: JobId) -> Option<PendingReason> {
        let job = self.jobs.get(id)?;
        let index = job.tasks.iter().position(|task| task.state == TaskState::Pending)?;
        // A gang is placed as one, so it waits for whatever one of its members waits for.
        let members = if job.terms.is_gang() { 0..job.tasks.len() } else { index..index + 1 };
        for index in members {
            let task: TaskId = super::records::task_id(id, index);
            let mut attempts = (0..).zip(&job.tasks[index].attempts);
            if let Some((number, attempt)) = attempts.find(|(_, attempt)| !attempt.is_gone()) {
                return Some(PendingReason::WaitsFor(task.attempt(number), attempt.seat.worker));
            }
        }
        let live = || self.workers.iter().filter_map(|(_, slot)| slot.live.as_ref());
        let Some(largest) = live().map(|worker| worker.total).max() else {
            return Some(PendingReason::NoLiveWorker);
        };
        let needs = job.terms.resources;
        let mut able = live().filter(|worker| needs.fits(worker.total)).peekable();
        if able.peek().is_none() {
            return Some(PendingReason::FitsNowhere { needs, largest });
        }
        let closed = |state: WorkerState| state.reasons() != Reasons::NONE;
        Some(if able.all(|worker| closed(worker.state)) {
            PendingReason::Quarantine
        } else {
            PendingReason::NoRoom
        })
    }
}
