//! Renaming: what lets an explorer see that two states differ in names only.
//!
//! Attempt numbers, incarnations, logical clocks, slices and VMs are only ever compared. An
//! explorer may give those that are still mentioned their rank instead, and take out ended attempts
//! that are confirmed gone and mentioned nowhere; otherwise an endless retry would never come back
//! to where it was, and no endless run would ever be found. The running cluster never does this.

use smallvec::SmallVec;

use crate::model::id::{AttemptId, Incarnation, JobId, Seat, SliceId, TaskId, VmId, WorkerId};
use crate::model::wire::Clock;

use super::ControllerSm;
use super::records::{Standing, Task};

/// New names for old ones, order kept, but for workers and tasks that change places. What is not
/// listed keeps its name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Renaming {
    /// Attempts that stay, by task: the n-th gets number n. Others of the task are taken out.
    pub attempts: SmallVec<[(TaskId, SmallVec<[u16; 4]>); 2]>,
    /// Incarnations that stay, by worker: the n-th becomes n + 1.
    pub incarnations: SmallVec<[(WorkerId, SmallVec<[Incarnation; 4]>); 2]>,
    /// Clock values that others are compared with, by worker: see [`rank`].
    pub clocks: SmallVec<[(WorkerId, SmallVec<[Clock; 4]>); 2]>,
    /// VMs that stay, with the number of the first; the n-th becomes first + n. Workers go along.
    pub vms: Option<(u32, SmallVec<[VmId; 4]>)>,
    /// Slices that stay, in order: each group's n-th becomes n + 1.
    pub slices: Option<SmallVec<[SliceId; 4]>>,
    /// Workers that change places, each with its new name; none of them is a VM's.
    pub workers: SmallVec<[(WorkerId, WorkerId); 4]>,
    /// Tasks that change places within their job, each with its new name.
    pub tasks: SmallVec<[(TaskId, TaskId); 4]>,
}

/// What a clock value comes to where it is only ever compared with these marks, which are sorted:
/// the number of marks before it. Whether it is later than a mark stays the same.
pub fn rank(marks: &[Clock], clock: Clock) -> Clock {
    let before = marks.partition_point(|mark| *mark < clock);
    Clock(u32::try_from(before).expect("invariant: few heartbeats are under way"))
}

impl Renaming {
    /// Whether it changes nothing.
    pub fn is_identity(&self) -> bool {
        *self == Self::default()
    }

    /// The new name of a task.
    pub fn task(&self, id: TaskId) -> TaskId {
        self.tasks.iter().find(|(old, _)| *old == id).map_or(id, |(_, new)| *new)
    }

    /// The new name of an attempt; nothing for one that is taken out.
    pub fn attempt(&self, id: AttemptId) -> Option<AttemptId> {
        let task = self.task(id.task);
        let Some((_, kept)) = self.attempts.iter().find(|(old, _)| *old == id.task) else {
            return Some(task.attempt(id.number));
        };
        let rank = kept.iter().position(|number| *number == id.number)?;
        Some(task.attempt(u16::try_from(rank).ok()?))
    }

    /// The new name of a worker.
    pub fn worker(&self, id: WorkerId) -> WorkerId {
        let moved = self.workers.iter().find(|(old, _)| *old == id);
        moved.map_or_else(|| WorkerId(self.vm(VmId(id.0)).0), |(_, new)| *new)
    }

    /// The new name of a worker, unless its VM is taken out.
    fn stays(&self, id: WorkerId) -> Option<WorkerId> {
        match &self.vms {
            Some((first, kept)) if id.0 >= *first && !kept.contains(&VmId(id.0)) => None,
            Some(_) | None => Some(self.worker(id)),
        }
    }

    /// The new name of a VM.
    pub fn vm(&self, id: VmId) -> VmId {
        let Some((first, kept)) = &self.vms else { return id };
        let rank = kept.iter().position(|vm| *vm == id).and_then(|at| u32::try_from(at).ok());
        rank.map_or(id, |rank| VmId(first + rank))
    }

    /// The new name of a slice.
    pub fn slice(&self, id: SliceId) -> SliceId {
        let Some(kept) = &self.slices else { return id };
        let mut before = (1..).zip(kept.iter().filter(|slice| slice.group == id.group));
        let rank = before.find(|(_, slice)| **slice == id).map(|(rank, _)| rank);
        rank.map_or(id, |number| SliceId { group: id.group, number })
    }

    /// The new incarnation of a worker, who is still called by the old name.
    pub fn incarnation(&self, worker: WorkerId, old: Incarnation) -> Incarnation {
        let kept = self.incarnations.iter().find(|(id, _)| *id == worker);
        let rank = kept.and_then(|(_, kept)| kept.iter().position(|i| *i == old));
        rank.and_then(|at| u32::try_from(at + 1).ok()).map_or(old, Incarnation)
    }

    /// The new name of an incarnation.
    pub fn seat(&self, seat: Seat) -> Seat {
        Seat {
            worker: self.worker(seat.worker),
            incarnation: self.incarnation(seat.worker, seat.incarnation),
        }
    }

    /// The new value of a worker's clock, who is still called by the old name.
    pub fn clock(&self, worker: WorkerId, old: Clock) -> Clock {
        let marks = self.clocks.iter().find(|(id, _)| *id == worker);
        marks.map_or(old, |(_, marks)| rank(marks, old))
    }
}

impl ControllerSm {
    /// Gives everything its new name. Only attempts that are confirmed gone may be taken out.
    pub fn rename(&mut self, names: &Renaming) {
        self.rename_fleet(names);
        for (id, job) in self.jobs.rows_mut() {
            for (index, task) in job.tasks.iter_mut().enumerate() {
                let task_id = super::records::task_id(*id, index);
                if names.attempts.iter().any(|(renamed, _)| *renamed == task_id) {
                    let mut number = 0..;
                    task.attempts.retain(|_| {
                        number.next().is_some_and(|n| names.attempt(task_id.attempt(n)).is_some())
                    });
                }
                for attempt in &mut task.attempts {
                    if let Standing::Accepted(clock) = &mut attempt.standing {
                        *clock = names.clock(attempt.seat.worker, *clock);
                    }
                    attempt.seat = names.seat(attempt.seat);
                }
                task.avoid = task.avoid.and_then(|worker| names.stays(worker));
            }
            change_places(*id, &mut job.tasks, names);
        }
        for (id, slot) in self.workers.rows_mut() {
            slot.highest = names.incarnation(*id, slot.highest);
            *id = names.worker(*id);
            if let Some(worker) = &mut slot.live {
                for attempt in &mut worker.attempts {
                    *attempt = names.attempt(*attempt).expect("invariant: what is held stays");
                }
                worker.attempts.sort_unstable();
            }
        }
        if !names.tasks.is_empty() {
            self.waiting.iter_mut().for_each(|task| *task = names.task(*task));
            self.waiting.sort_unstable();
        }
        if !names.workers.is_empty() {
            self.workers.sort();
        }
    }

    fn rename_fleet(&mut self, names: &Renaming) {
        if let Some((first, kept)) = &names.vms {
            let count = u32::try_from(kept.len()).expect("invariant: few VMs in a model");
            self.next_vm = first + count;
            self.workers.retain(|id| names.stays(id).is_some());
        }
        for (id, slice) in self.slices.rows_mut() {
            *id = names.slice(*id);
            for (vm, _) in &mut slice.vms {
                *vm = names.vm(*vm);
            }
        }
        if let Some(kept) = &names.slices {
            for (at, group) in self.groups.iter_mut().enumerate() {
                let own = |slice: &&SliceId| usize::from(slice.group.0) == at + 1;
                let count = kept.iter().filter(own).count();
                group.next_slice =
                    u32::try_from(count + 1).expect("invariant: few slices in a model");
            }
        }
    }
}

/// Puts the tasks of a job that change places where their new names say.
fn change_places(job: JobId, tasks: &mut [Task], names: &Renaming) {
    let moved = names.tasks.iter().filter(|(old, _)| old.job == job);
    let moved: SmallVec<[(u16, Task); 4]> =
        moved.map(|(old, new)| (new.index, tasks[usize::from(old.index)].clone())).collect();
    for (index, task) in moved {
        tasks[usize::from(index)] = task;
    }
}
