//! Placement and the queue of tasks that may be placed.

use smallvec::SmallVec;

use crate::model::id::TaskId;
use crate::model::scheduler::{self, Chooser, Item, Offer, Placement, Wish};
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
        let placed = scheduler::place(self.items(&self.waiting), &mut offers, chooser, |_| ());
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

    /// The items that these tasks make up, in their order: a gang is one item, and none as long as a
    /// member is missing.
    pub(super) fn items<'a>(&'a self, tasks: &'a [TaskId]) -> impl Iterator<Item = Item<'a>> {
        let mut rest = tasks;
        std::iter::from_fn(move || {
            while let [first, ..] = rest {
                let job = self.jobs.get(first.job).expect("invariant: waiting tasks have a job");
                let size = if job.terms.is_gang() {
                    rest.iter().take_while(|id| id.job == first.job).count()
                } else {
                    1
                };
                let (members, behind) = rest.split_at(size);
                rest = behind;
                if !job.terms.is_gang() || size == job.tasks.len() {
                    return Some(item(job, members));
                }
            }
            None
        })
    }

    /// Where the PENDING tasks that cannot be placed now would go if these offers were there too.
    pub(super) fn unmet<'a>(
        &'a self,
        tasks: &'a [TaskId],
        offers: &mut [Offer<'a>],
    ) -> (Vec<Item<'a>>, SmallVec<[Placement; 2]>) {
        let mut left = Vec::new();
        let mut chooser = Chooser::LOWEST;
        let placed =
            scheduler::place(self.items(tasks), offers, &mut chooser, |item| left.push(item));
        (left, placed)
    }

    /// The record of a task.
    pub fn task(&self, id: TaskId) -> Option<&Task> {
        self.jobs.get(id.job)?.tasks.get(usize::from(id.index))
    }

    pub(super) fn task_mut(&mut self, id: TaskId) -> Option<&mut Task> {
        self.jobs.get_mut(id.job)?.tasks.get_mut(usize::from(id.index))
    }
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
