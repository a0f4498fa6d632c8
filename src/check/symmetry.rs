//! Workers and tasks that are equal but for their names: which state stands for all that differ in
//! those.
//!
//! Machines never look at a name but to tell it from others, and what is equal to them is told
//! apart by a choice that comes in. Three things of the controller go by the order of tasks, and
//! [`Alike::of`] leaves out whatever they matter to:
//!
//! - In a job the task with the lower index is placed first. Where every worker has room for all
//!   tasks at once, no task takes anything from another, and all that may be placed are, at once. A
//!   task is placed again only when its earlier attempts are confirmed gone, so that each holds
//!   room once. The dry run that finds out which machines are missing counts a PENDING task whose
//!   last attempt is not confirmed gone twice: where there are groups, there must be room for that.
//! - Members of a gang choose one after the other among what those before them left, and where one
//!   failed last comes last.
//! - A heartbeat's results are taken in order, and a launch that worked between two that failed
//!   starts the count for the quarantine again. With a count of one it does not matter.
//!
//! Tasks of two jobs are never alike: jobs are submitted one after the other, and nothing stands
//! for a state in which only the second has been.
//!
//! Slices and VMs keep the order in which they were asked for, and so do their workers: a gang
//! takes the first group in the order of names, where a slice is such a group, and a dry run takes
//! the lowest id.
//!
//! `picture` and `order` find the representative: all that a state says of names it says of a
//! worker, of a task, or of a task on a worker, so that it is a matrix, and the least matrix is
//! looked for.

mod order;
mod picture;
#[cfg(test)]
mod tests;

use smallvec::SmallVec;

use crate::controller_sm::Renaming;
use crate::explore::Symmetric;
use crate::model::id::{JobId, TaskId, WorkerId};
use crate::model::resources::Resources;
use crate::model::spec::Terms;

use super::canon::rename;
use super::model::ClusterModel;
use super::scope::{MAX_TASKS, MAX_WORKERS, Scope, WorkerSpec};
use super::state::State;
use super::step::Machines;
use order::order;
use picture::Picture;

/// Failed launches in a row that close a worker, where the order of results is of no matter.
const COUNTED_TOGETHER: u8 = 1;

const CONTEND: &str = "not every worker has room for all of them, and the lower index is placed \
    first";
const COUNTED: &str = "failed launches in a row are counted, and quarantine_after is above 1";
const CHOOSE: &str = "members of a gang choose one after the other";

/// What a search up to symmetry took for equal, and what came of that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Symmetry {
    /// Workers that are equal but for their names, kind by kind.
    pub workers: Vec<Vec<WorkerId>>,
    /// Tasks that are, job by job.
    pub tasks: Vec<Vec<TaskId>>,
    /// Why the tasks of some job keep their places, if it has several.
    pub tasks_kept: Option<&'static str>,
    /// How many states those that were visited stand for: as many as would have been visited
    /// without.
    pub stands_for: u64,
}

/// The names that can be exchanged: those with the same class. Nothing is alone in its class.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Alike {
    /// Workers and their classes, class after class.
    pub(super) workers: SmallVec<[(WorkerId, u8); MAX_WORKERS]>,
    /// Tasks, job after job: their job is their class.
    pub(super) tasks: SmallVec<[TaskId; MAX_TASKS]>,
    /// Why some tasks keep their places.
    tasks_kept: Option<&'static str>,
}

impl Alike {
    /// What is alike in a scope.
    pub(super) fn of(scope: &Scope) -> Self {
        let (tasks, tasks_kept) = tasks(scope);
        Self { workers: workers(scope), tasks, tasks_kept }
    }

    /// The same for people.
    pub(super) fn told(&self, stands_for: u64) -> Symmetry {
        let kinds = self.workers.chunk_by(|one, other| one.1 == other.1);
        let jobs = self.tasks.chunk_by(|one, other| one.job == other.job);
        Symmetry {
            workers: kinds.map(|kind| kind.iter().map(|(worker, _)| *worker).collect()).collect(),
            tasks: jobs.map(<[TaskId]>::to_vec).collect(),
            tasks_kept: self.tasks_kept,
            stands_for,
        }
    }

    /// Whether nothing is.
    pub(super) fn is_empty(&self) -> bool {
        self.workers.is_empty() && self.tasks.is_empty()
    }

    fn worker(&self, id: WorkerId) -> Option<usize> {
        self.workers.iter().position(|(worker, _)| *worker == id)
    }

    fn task(&self, id: TaskId) -> Option<usize> {
        self.tasks.iter().position(|task| *task == id)
    }
}

fn workers(scope: &Scope) -> SmallVec<[(WorkerId, u8); MAX_WORKERS]> {
    let mut classes: SmallVec<[SmallVec<[&WorkerSpec; 4]>; 4]> = SmallVec::new();
    for worker in &scope.workers {
        let says = |it: &WorkerSpec| (it.total, it.registered, it.attributes.clone());
        match classes.iter_mut().find(|class| says(class[0]) == says(worker)) {
            Some(class) => class.push(worker),
            None => classes.push(SmallVec::from_slice(&[worker])),
        }
    }
    let several = (0..).zip(&classes).filter(|(_, class)| class.len() > 1);
    several.flat_map(|(n, class)| class.iter().map(move |worker| (worker.id, n))).collect()
}

fn tasks(scope: &Scope) -> (SmallVec<[TaskId; MAX_TASKS]>, Option<&'static str>) {
    let jobs = (1..).map(JobId).zip(scope.jobs.iter().map(|plan| &plan.terms));
    let mut several = jobs.filter(|(_, terms)| terms.replicas > 1).peekable();
    if several.peek().is_none() {
        return (SmallVec::new(), None);
    }
    if scope.policy.quarantine_after > COUNTED_TOGETHER {
        return (SmallVec::new(), Some(COUNTED));
    }
    if !is_roomy(scope) {
        return (SmallVec::new(), Some(CONTEND));
    }
    let (gangs, jobs): (Vec<_>, Vec<_>) = several.partition(|(_, terms)| terms.is_gang());
    let all = |(job, terms): (JobId, &Terms)| (0..terms.replicas).map(move |n| job.task(n));
    (jobs.into_iter().flat_map(all).collect(), (!gangs.is_empty()).then_some(CHOOSE))
}

/// Whether every worker has room for all tasks at once, and for a dry run of all beside them where
/// there is one.
fn is_roomy(scope: &Scope) -> bool {
    let rounds = if scope.groups.is_empty() { 1 } else { 2 };
    let mut needs = scope.jobs.iter().flat_map(|plan| {
        std::iter::repeat_n(plan.terms.resources, rounds * usize::from(plan.terms.replicas))
    });
    let all = needs.try_fold(Resources::NONE, Resources::plus);
    let mut rooms = (scope.workers.iter().map(|worker| worker.total))
        .chain(scope.groups.iter().map(|group| group.capacity));
    all.is_some_and(|all| rooms.all(|room| all.fits(room)))
}

impl<M: Machines> Symmetric for ClusterModel<M> {
    /// Of the states that differ in names that can be exchanged, the one whose matrix is least.
    fn representative(&self, mut state: State) -> State {
        let alike = self.alike();
        if alike.is_empty() {
            return state;
        }
        let (workers, tasks) = order(alike, &Picture::of(alike, &state));
        let mut names = Renaming::default();
        let moved = workers.iter().zip(&alike.workers).filter(|(from, to)| **from != to.0);
        names.workers.extend(moved.map(|(from, to)| (*from, to.0)));
        let moved = tasks.iter().zip(&alike.tasks).filter(|(from, to)| from != to);
        names.tasks.extend(moved.map(|(from, to)| (*from, *to)));
        if !names.is_identity() {
            rename(&mut state, &names);
        }
        state
    }

    fn images(&self, state: &State) -> u64 {
        order::images(self.alike(), &Picture::of(self.alike(), state))
    }
}
