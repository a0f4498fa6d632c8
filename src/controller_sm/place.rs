//! Placement and the queue of tasks that may be placed.

use std::cell::Cell;

use smallvec::SmallVec;

use crate::model::id::{JobId, TaskId};
use crate::model::scheduler::{self, Chooser, Item, Offer, Wish};
use crate::model::worker::WorkerState;

use super::ControllerSm;
use super::records::{Job, Task};
use super::turn::Turn;

impl ControllerSm {
    pub(super) fn waiting_add(&mut self, id: TaskId) {
        if let Err(at) = self.waiting.binary_search(&id) {
            self.waiting.insert(at, id);
        }
    }

    pub(super) fn waiting_remove(&mut self, id: TaskId) {
        if let Ok(at) = self.waiting.binary_search(&id) {
            self.waiting.remove(at);
        }
    }

    /// Places what fits: by submit, then index; what does not fit is skipped.
    pub(super) fn place_waiting(&mut self, turn: &mut Turn, chooser: &mut Chooser) {
        if self.waiting.is_empty() {
            return;
        }
        let mut offers = self.offers();
        if offers.is_empty() {
            return;
        }
        let misfit = Cell::new(None);
        let items = self.items(&self.waiting, &misfit);
        let placed =
            scheduler::place(items, &mut offers, chooser, |item| misfit.set(job_of(&item)));
        drop(offers);
        // All at once: a queue of thousands must not be shifted once for each task that leaves it.
        if placed.len() > 8 {
            let mut gone: Vec<TaskId> = placed.iter().map(|(task, _)| *task).collect();
            gone.sort_unstable();
            self.waiting.retain(|id| gone.binary_search(id).is_err());
        }
        for (task, worker) in placed {
            self.begin(turn, task, worker);
        }
    }

    /// What the HEALTHY workers have to offer, in their order.
    pub(super) fn offers(&self) -> SmallVec<[Offer<'_>; 4]> {
        let live = self.workers.iter().filter_map(|(id, slot)| Some((id, slot.live.as_ref()?)));
        live.filter(|(_, worker)| worker.state == WorkerState::Healthy)
            .map(|(worker, w)| Offer { worker, room: w.room(), attributes: &w.attributes })
            .collect()
    }

    /// The items that these sorted tasks make up, in their order: a gang is one item, and none as
    /// long as a member is missing. Tasks of one job need the same: of the job that the caller
    /// names as a misfit, none further is looked at, so that a long queue costs no more than its
    /// jobs.
    fn items<'a>(
        &'a self,
        tasks: &'a [TaskId],
        misfit: &'a Cell<Option<JobId>>,
    ) -> impl Iterator<Item = Item<'a>> {
        let mut rest = tasks;
        std::iter::from_fn(move || {
            while let [first, ..] = rest {
                let of_job = || rest.partition_point(|id| id.job <= first.job);
                if misfit.get() == Some(first.job) {
                    rest = &rest[of_job()..];
                    continue;
                }
                let job = self.jobs.get(first.job).expect("invariant: waiting tasks have a job");
                let size = if job.terms.is_gang() { of_job() } else { 1 };
                let (members, behind) = rest.split_at(size);
                rest = behind;
                if !job.terms.is_gang() || size == job.tasks.len() {
                    return Some(item(job, members));
                }
            }
            None
        })
    }

    /// Calls for what a dry run of placing these sorted tasks on these offers leaves over: of each
    /// job the first item, as the others need the same.
    pub(super) fn unmet(
        &self,
        tasks: &[TaskId],
        offers: &mut [Offer<'_>],
        mut left: impl FnMut(&Item<'_>),
    ) {
        let misfit = Cell::new(None);
        let items = self.items(tasks, &misfit);
        scheduler::place(items, offers, &mut Chooser::LOWEST.clone(), |item| {
            misfit.set(job_of(&item));
            left(&item);
        });
    }

    /// The record of a task.
    pub fn task(&self, id: TaskId) -> Option<&Task> {
        self.jobs.get(id.job)?.tasks.get(usize::from(id.index))
    }

    pub(super) fn task_mut(&mut self, id: TaskId) -> Option<&mut Task> {
        self.jobs.get_mut(id.job)?.tasks.get_mut(usize::from(id.index))
    }
}

fn job_of(item: &Item<'_>) -> Option<JobId> {
    item.wishes.first().map(|wish| wish.task.job)
}

fn item<'a>(job: &'a Job, members: &[TaskId]) -> Item<'a> {
    let wish = |id: &TaskId| {
        let avoid = job.tasks.get(usize::from(id.index)).and_then(|task| task.avoid);
        Wish { task: *id, avoid }
    };
    Item {
        need: job.terms.resources,
        group_by: job.terms.group_by.as_ref(),
        wishes: members.iter().map(wish).collect(),
    }
}
