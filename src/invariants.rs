//! What must hold: every claim of the contract (its section "What must hold") as one named row.
//!
//! Claims are judged on nothing but a [`View`], so a state of the model and the cluster that runs
//! are held against the very same rows. They know no machine: what a machine computes (a job's
//! state, what fits where, which budget an end is charged to) is computed here a second time, from
//! the contract, so that one mistake cannot hide in both.
//!
//! Reading order: [`Claim`] and [`Judge`], then `safety` (S, in every state), `stability` (T,
//! across every step), `progress` (L, sooner or later).

mod progress;
mod safety;
mod stability;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

use std::fmt;
use std::marker::PhantomData;

use crate::model::id::{AttemptId, JobId, Seat, TaskId, VmId, WorkerId};
use crate::model::resources::Resources;
use crate::model::spec::Terms;
use crate::model::task::TaskState;
use crate::model::view::{AttemptView, JobView, StepView, TaskView, View, WorkerView};
use crate::model::worker::WorkerState;

/// What was found: one sentence for people, built only when a claim is violated.
pub type Found = String;

/// Whether an obligation is open for a subject.
pub type Open<V> = fn(&V, Subject) -> bool;

/// What an obligation is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// A job.
    Job(JobId),
    /// A task.
    Task(TaskId),
    /// A VM.
    Vm(VmId),
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Job(id) => id.fmt(f),
            Self::Task(id) => id.fmt(f),
            Self::Vm(id) => id.fmt(f),
        }
    }
}

/// What the subjects of an obligation are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Per {
    /// One obligation for each job.
    Job,
    /// One for each task.
    Task,
    /// One for each VM.
    Vm,
}

impl Per {
    /// Whether some subject that there is in a view is as wanted. A task may come up twice: tasks
    /// of which only a process is left, because their job was forgotten, are subjects too.
    pub fn any<V: View>(self, view: &V, mut wanted: impl FnMut(Subject) -> bool) -> bool {
        match self {
            Self::Job => view.jobs().any(|job| wanted(Subject::Job(job.id))),
            Self::Task => {
                any_task(view, |_, task| wanted(Subject::Task(task.id)))
                    || view.processes().any(|process| wanted(Subject::Task(process.attempt.task)))
            }
            Self::Vm => {
                view.slices().any(|slice| slice.vms.iter().any(|(vm, _)| wanted(Subject::Vm(*vm))))
            }
        }
    }
}

/// How a claim is judged.
pub enum Judge<V: View + 'static> {
    /// In every state.
    State(fn(&V) -> Option<Found>),
    /// Across every step.
    Step(fn(&StepView<'_, V>) -> Option<Found>),
    /// Sooner or later: no endless run stays in states in each of which the same one of `open` is
    /// open for the same subject.
    Progress {
        /// What the subjects are.
        per: Per,
        /// The conditions, each with its name and on its own: one that is open in some states of a
        /// run and another one that is open in the others do not add up.
        open: &'static [(&'static str, Open<V>)],
        /// What to say of a subject for which one of them is open for ever.
        found: fn(&V, Subject) -> Found,
    },
}

/// A claim: one row of the table.
pub struct Claim<V: View + 'static> {
    /// As the contract numbers it: `T8`.
    pub id: &'static str,
    /// Positive, with its precondition in it.
    pub name: &'static str,
    /// For people.
    pub sentence: &'static str,
    /// `safety`, `stability` or `progress`.
    pub class: &'static str,
    /// Whether the claim's hard case (the contract's "Vacuous") occurs in this step or in the state
    /// that it leads to: a claim whose hard case never occurred was not exercised.
    pub hard: fn(&StepView<'_, V>) -> bool,
    /// How it is judged.
    pub judge: Judge<V>,
}

/// What there is to say of a claim without a cluster to judge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Described {
    /// As the contract numbers it: `T8`.
    pub id: &'static str,
    /// Positive, with its precondition in it.
    pub name: &'static str,
    /// For people.
    pub sentence: &'static str,
    /// `safety`, `stability` or `progress`.
    pub class: &'static str,
}

/// All claims in the order of the contract, as people are told of them.
#[rustfmt::skip]
pub const DESCRIBED: [Described; 23] = [
    safety::S1, safety::S2, safety::S3, safety::S4, safety::S5,
    safety::S6, safety::S7, safety::S8, safety::S9,
    stability::T1, stability::T2, stability::T3, stability::T4, stability::T5,
    stability::T6, stability::T7, stability::T8, stability::T9,
    progress::L1, progress::L2, progress::L3, progress::L4, progress::L5,
];

/// The table of claims for one kind of view.
pub struct Table<V>(PhantomData<V>);

impl<V: View + 'static> Table<V> {
    /// All claims: S1 to S9, T1 to T9, L1 to L5, as in [`DESCRIBED`].
    pub const CLAIMS: [Claim<V>; 23] = [
        always(safety::S1, safety::s1_hard, safety::s1),
        always(safety::S2, safety::retried, safety::s2),
        always(safety::S3, safety::retried, safety::s3),
        always(safety::S4, safety::s4_hard, safety::s4),
        always(safety::S5, safety::s5_hard, safety::s5),
        always(safety::S6, safety::s6_hard, safety::s6),
        always(safety::S7, safety::s7_hard, safety::s7),
        always(safety::S8, safety::s8_hard, safety::s8),
        always(safety::S9, safety::s9_hard, safety::s9),
        across(stability::T1, stability::t1_hard, stability::t1),
        across(stability::T2, stability::t2_hard, stability::t2),
        across(stability::T3, stability::t3_hard, stability::t3),
        across(stability::T4, stability::t4_hard, stability::t4),
        across(stability::T5, stability::t5_hard, stability::t5),
        across(stability::T6, stability::t6_hard, stability::t6),
        across(stability::T7, stability::t7_hard, stability::t7),
        across(stability::T8, stability::t8_hard, stability::t8),
        across(stability::T9, stability::t9_hard, stability::t9),
        progress::l1(),
        progress::l2(),
        progress::l3(),
        progress::l4(),
        progress::l5(),
    ];
}

const fn always<V: View>(
    about: Described,
    hard: fn(&StepView<'_, V>) -> bool,
    judge: fn(&V) -> Option<Found>,
) -> Claim<V> {
    claim(about, hard, Judge::State(judge))
}

const fn across<V: View>(
    about: Described,
    hard: fn(&StepView<'_, V>) -> bool,
    judge: fn(&StepView<'_, V>) -> Option<Found>,
) -> Claim<V> {
    claim(about, hard, Judge::Step(judge))
}

const fn claim<V: View>(
    about: Described,
    hard: fn(&StepView<'_, V>) -> bool,
    judge: Judge<V>,
) -> Claim<V> {
    let Described { id, name, sentence, class } = about;
    Claim { id, name, sentence, class, hard, judge }
}

/// Whether some task is as wanted.
fn any_task<V: View>(view: &V, mut wanted: impl FnMut(JobView<'_>, TaskView) -> bool) -> bool {
    view.jobs().any(|job| view.tasks(job.id).any(|task| wanted(job, task)))
}

/// Whether some listed attempt is as wanted.
fn any_attempt<V: View>(view: &V, mut wanted: impl FnMut(AttemptView) -> bool) -> bool {
    any_task(view, |_, task| view.attempts(task.id).any(&mut wanted))
}

/// Whether in this step some attempt was placed that is as wanted.
fn any_placed<V: View>(
    step: &StepView<'_, V>,
    mut wanted: impl FnMut(AttemptView) -> bool,
) -> bool {
    any_attempt(step.after, |attempt| step.before.attempt(attempt.id).is_none() && wanted(attempt))
}

/// The job of this id.
fn job<V: View>(view: &V, id: JobId) -> Option<JobView<'_>> {
    view.jobs().find(|job| job.id == id)
}

/// The attempt of a task that nobody has ended.
fn live_attempt<V: View>(view: &V, task: TaskId) -> Option<AttemptView> {
    view.attempts(task).find(|attempt| attempt.end.is_none())
}

/// The live worker of this name.
fn worker<V: View>(view: &V, id: WorkerId) -> Option<WorkerView<'_>> {
    view.workers().find(|worker| worker.seat.worker == id)
}

/// The live worker that is listened to under this very incarnation.
fn listened<V: View>(view: &V, seat: Seat) -> Option<WorkerView<'_>> {
    view.workers().find(|worker| worker.seat == seat)
}

/// Whether a worker of this very incarnation is there and HEALTHY.
fn is_healthy<V: View>(view: &V, seat: Seat) -> bool {
    listened(view, seat).is_some_and(|worker| worker.state == WorkerState::Healthy)
}

/// Whether the controller counts on this attempt at this very incarnation.
fn is_wanted<V: View>(view: &V, id: AttemptId, seat: Seat) -> bool {
    view.attempt(id).is_some_and(|attempt| attempt.end.is_none() && attempt.seat == seat)
        && listened(view, seat).is_some()
}

/// Whether a task waits and no process of it runs or ever will ("A task is placed again only when
/// all its earlier attempts are confirmed gone").
fn may_be_placed<V: View>(view: &V, task: TaskView) -> bool {
    task.state == TaskState::Pending && view.attempts(task.id).all(|attempt| attempt.gone)
}

/// A HEALTHY worker on which a task of these terms has a place, where `free` tells what may be
/// used of a worker. For a gang: one of enough such workers that share the attribute's value.
fn place_for<V: View>(
    view: &V,
    terms: &Terms,
    free: impl Fn(WorkerView<'_>) -> Option<Resources>,
) -> Option<WorkerId> {
    let able = |worker: &WorkerView<'_>| {
        worker.state == WorkerState::Healthy
            && free(*worker).is_some_and(|room| terms.resources.fits(room))
    };
    let mut candidates = view.workers().filter(able);
    let Some(key) = &terms.group_by else { return candidates.next().map(|one| one.seat.worker) };
    let has_enough_peers = |one: &WorkerView<'_>| {
        let value = one.attributes.get(key);
        let peer = |other: &WorkerView<'_>| able(other) && other.attributes.get(key) == value;
        value.is_some() && view.workers().filter(peer).count() >= usize::from(terms.replicas)
    };
    candidates.find(has_enough_peers).map(|one| one.seat.worker)
}
