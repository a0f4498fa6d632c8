//! Edges of the model: which transitions of tasks a run has taken, out of those that the search of
//! the standard scopes has found.
//!
//! An edge is what a task was, what the controller thought of the worker that its live attempt was
//! on, what the controller heard, and what the task became: `RUNNING w:HEALTHY beat -> SUCCEEDED`.
//! [`edges`] reads it off a step, be it one of the model or one of a cluster that runs, so that
//! both count the same things.

#[cfg(test)]
mod tests;
mod text;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};

use crate::check::{self, ClusterModel, Scope, State};
use crate::explore::{Limits, Stop};
use crate::model::id::TaskId;
use crate::model::policy::Policy;
use crate::model::task::TaskState;
use crate::model::timer::Timer;
use crate::model::view::{Event, StepView, View};
use crate::model::worker::WorkerState;

pub use text::BadEdge;

/// The edges of the standard scopes, one a line, each with the scopes in which it occurs.
const STANDARD: &str = include_str!("edges/standard.txt");

/// Those of them that campaigns hardly ever take, one a line, each with what it needs.
const RARE: &str = include_str!("edges/rare.txt");

/// One transition of a task, or one that could have been and was none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Edge {
    /// What the task was; nothing before it was submitted.
    pub before: Option<TaskState>,
    /// Where its live attempt was.
    pub on: Place,
    /// What the controller heard.
    pub heard: Heard,
    /// What it became; nothing once it is forgotten.
    pub after: Option<TaskState>,
}

/// What the controller thought of the worker that an attempt was on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// No attempt lived.
    Nowhere,
    /// A worker that is HEALTHY.
    Healthy,
    /// One that is DEGRADED, for whatever reason.
    Degraded,
    /// One that is no longer live, or not in this incarnation.
    Dead,
}

/// What the controller heard, without whom it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Heard {
    /// A heartbeat.
    Beat,
    /// A report, or an answer to a KillTask.
    Report,
    /// One that says that the attempt is not there and never will be.
    Missing,
    /// A RunTask was accepted.
    Accepted,
    /// A RunTask was refused.
    Refused,
    /// A try of a RunTask was not sent.
    Unsent,
    /// A try of a RunTask ended, and nobody knows how.
    Unknown,
    /// A worker was silent.
    Silent,
    /// A worker is taken for dead.
    Dead,
    /// A quarantine is over.
    Quarantine,
    /// The pause before the next try is over.
    Retry,
    /// `timeout`.
    Timeout,
    /// `scheduling_timeout`.
    Scheduling,
    /// `no_workers_grace`.
    Grace,
    /// `boot_timeout`.
    Boot,
    /// `init_timeout`.
    Init,
    /// `idle_timeout`.
    Idle,
    /// A group's pause is over.
    Backoff,
    /// A job was kept long enough.
    Forget,
    /// A client or an operator.
    Client,
    /// The provider.
    Provider,
    /// The controller restarted.
    Restarted,
    /// Nothing.
    Elsewhere,
}

/// How many edges could be written down, most of which nothing can take.
const WRITABLE: usize = (TaskState::ALL.len() + 1).pow(2) * Place::ALL.len() * Heard::ALL.len();

impl Place {
    /// All of them, in order.
    pub const ALL: [Self; 4] = [Self::Nowhere, Self::Healthy, Self::Degraded, Self::Dead];
}

impl Heard {
    /// All of them, in order.
    pub const ALL: [Self; 23] = [
        Self::Beat,
        Self::Report,
        Self::Missing,
        Self::Accepted,
        Self::Refused,
        Self::Unsent,
        Self::Unknown,
        Self::Silent,
        Self::Dead,
        Self::Quarantine,
        Self::Retry,
        Self::Timeout,
        Self::Scheduling,
        Self::Grace,
        Self::Boot,
        Self::Init,
        Self::Idle,
        Self::Backoff,
        Self::Forget,
        Self::Client,
        Self::Provider,
        Self::Restarted,
        Self::Elsewhere,
    ];
}

impl From<Event<'_>> for Heard {
    fn from(event: Event<'_>) -> Self {
        match event {
            Event::Beat { .. } => Self::Beat,
            Event::Report { missing: false, .. } => Self::Report,
            Event::Report { missing: true, .. } => Self::Missing,
            Event::RunAnswer { refused: false, .. } => Self::Accepted,
            Event::RunAnswer { refused: true, .. } => Self::Refused,
            Event::TryFailed { unknown: false, .. } => Self::Unsent,
            Event::TryFailed { unknown: true, .. } => Self::Unknown,
            Event::Fired(timer) => match timer {
                Timer::Silent(_) => Self::Silent,
                Timer::Dead(_) => Self::Dead,
                Timer::Quarantine(_) => Self::Quarantine,
                Timer::Retry(_) => Self::Retry,
                Timer::Timeout(_) => Self::Timeout,
                Timer::Scheduling(_) => Self::Scheduling,
                Timer::Grace(_) => Self::Grace,
                Timer::Boot(_) => Self::Boot,
                Timer::Init(_) => Self::Init,
                Timer::Idle(_) => Self::Idle,
                Timer::Backoff(_) => Self::Backoff,
                Timer::Forget(_) => Self::Forget,
            },
            Event::Client => Self::Client,
            Event::Provider => Self::Provider,
            Event::Restarted => Self::Restarted,
            Event::Elsewhere => Self::Elsewhere,
        }
    }
}

/// The edges of a step: those of each task that changed, and of each that what was heard names.
pub fn edges<V: View>(step: &StepView<'_, V>) -> Vec<Edge> {
    let StepView { before, after, event, .. } = *step;
    let heard = Heard::from(event);
    let mut found = Vec::new();
    let mut note = |id: TaskId, old: Option<TaskState>, new: Option<TaskState>| {
        if old != new || names(event, id) {
            found.push(Edge { before: old, on: place(before, id), heard, after: new });
        }
    };
    for job in after.jobs() {
        let mut old = before.tasks(job.id);
        for new in after.tasks(job.id) {
            note(new.id, old.next().map(|task| task.state), Some(new.state));
        }
    }
    for job in before.jobs() {
        if !after.jobs().any(|other| other.id == job.id) {
            before.tasks(job.id).for_each(|old| note(old.id, Some(old.state), None));
        }
    }
    found
}

/// Whether what was heard names a task or an attempt of it.
fn names(event: Event<'_>, id: TaskId) -> bool {
    match event {
        Event::Beat { about, .. } => about.iter().any(|attempt| attempt.task == id),
        Event::Report { about, .. }
        | Event::RunAnswer { about, .. }
        | Event::TryFailed { about, .. } => about.task == id,
        Event::Fired(timer) => match timer {
            Timer::Retry(attempt) | Timer::Timeout(attempt) => attempt.task == id,
            Timer::Scheduling(task) | Timer::Grace(task) => task == id,
            Timer::Forget(job) => id.job == job,
            Timer::Silent(_)
            | Timer::Dead(_)
            | Timer::Quarantine(_)
            | Timer::Boot(_)
            | Timer::Init(_)
            | Timer::Idle(_)
            | Timer::Backoff(_) => false,
        },
        Event::Client | Event::Provider | Event::Restarted | Event::Elsewhere => false,
    }
}

fn place(before: &impl View, id: TaskId) -> Place {
    let Some(attempt) = before.attempts(id).find(|attempt| attempt.end.is_none()) else {
        return Place::Nowhere;
    };
    let worker = before.workers().find(|worker| worker.seat == attempt.seat);
    match worker.map(|worker| worker.state) {
        Some(WorkerState::Healthy) => Place::Healthy,
        Some(WorkerState::Degraded(_)) => Place::Degraded,
        Some(WorkerState::Absent | WorkerState::Dead) | None => Place::Dead,
    }
}

/// How often each edge was taken. As JSON an object, in the order of the edges.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Edges(pub BTreeMap<Edge, u64>);

impl Edges {
    /// Counts the edges of a step.
    pub fn note<V: View>(&mut self, step: &StepView<'_, V>) {
        for edge in edges(step) {
            *self.0.entry(edge).or_default() += 1;
        }
    }

    /// Adds what another run took; whether there was anything new.
    pub fn merge(&mut self, other: &Self) -> bool {
        let before = self.0.len();
        for (edge, count) in &other.0 {
            *self.0.entry(*edge).or_default() += count;
        }
        self.0.len() > before
    }

    /// Those that were taken and are none of the standard scopes, and those of the standard scopes
    /// that were not taken.
    pub fn against_standard(&self) -> (Vec<Edge>, Vec<Edge>) {
        let standard = standard();
        let new = self.0.keys().filter(|edge| !standard.contains_key(*edge)).copied().collect();
        let left = standard.into_keys().filter(|edge| !self.0.contains_key(edge)).collect();
        (new, left)
    }
}

/// The edges of the standard scopes, and the names of the scopes in which each occurs.
pub fn standard() -> BTreeMap<Edge, BTreeSet<String>> {
    text::parse(STANDARD).expect("invariant: the list is rewritten as it is read")
}

/// The edges of the standard scopes that campaigns hardly ever take, and what each needs.
pub fn rare() -> BTreeMap<Edge, String> {
    text::reasons(RARE).expect("invariant: a test reads the list")
}

/// The standard scopes whose edges count: in the others machines or clocks are wrong on purpose.
pub fn scopes() -> impl Iterator<Item = Scope> {
    let right = |scope: &Scope| {
        let as_reported =
            Policy::PRESETS.iter().filter(|(name, _)| name.starts_with("as_reported"));
        scope.clocks == check::scope::Clocks::Kept
            && !as_reported.map(|(name, _)| *name).any(|name| scope.name.starts_with(name))
    };
    Scope::standard().into_iter().filter(right)
}

/// The edges of a scope, by visiting all its states; or why that ended early.
///
/// # Errors
/// The search was told to stop.
pub fn explored(scope: &Scope, limits: &Limits<'_>) -> Result<BTreeSet<Edge>, Stop> {
    // Two threads look at millions of steps: a flag for each edge that could be is what they share.
    let seen: Arc<[AtomicBool]> = (0..WRITABLE).map(|_| AtomicBool::new(false)).collect();
    let flags = Arc::clone(&seen);
    // Nothing is judged: every step is looked at once, whatever it breaks.
    let scope = Scope { claims: Vec::new(), ..scope.clone() };
    let model = ClusterModel::new(scope).watched(Arc::new(move |step: &StepView<'_, State>| {
        for edge in edges(step) {
            flags[edge.number()].store(true, Ordering::Relaxed);
        }
    }));
    let outcome = check::run_with(&model, limits);
    let all = Edge::writable().zip(seen.iter());
    let taken = all.filter(|(_, flag)| flag.load(Ordering::Relaxed)).map(|(edge, _)| edge);
    outcome.stopped.map_or_else(|| Ok(taken.collect()), Err)
}

impl Edge {
    /// All that could be written down, in the order of their numbers.
    fn writable() -> impl Iterator<Item = Self> {
        let tasks = || [None].into_iter().chain(TaskState::ALL.map(Some));
        tasks().flat_map(move |before| {
            Place::ALL.into_iter().flat_map(move |on| {
                Heard::ALL.into_iter().flat_map(move |heard| {
                    tasks().map(move |after| Self { before, on, heard, after })
                })
            })
        })
    }

    fn number(self) -> usize {
        let task = |state: Option<TaskState>| {
            let of = |state| TaskState::ALL.iter().position(|other| *other == state);
            state.map_or(0, |state| 1 + of(state).expect("invariant: the list has all states"))
        };
        let tasks = TaskState::ALL.len() + 1;
        let on = task(self.before) * Place::ALL.len() + self.on as usize;
        (on * Heard::ALL.len() + self.heard as usize) * tasks + task(self.after)
    }
}
