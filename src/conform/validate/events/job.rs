//! A job of an event log, and its tasks: where each may stand, and the fold over all of them.

use std::collections::BTreeMap;

use crate::model::budget::Tally;
use crate::model::job::{Census, JobState};
use crate::model::resources::Resources;
use crate::model::spec::Terms;
use crate::model::task::TaskState;

use super::line::{Budgets, Submitted};
use super::unseen::{Rules, Spent, States, UNSEEN_ATTEMPTS, reachable};

/// A job.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own; no two exclude")]
pub(super) struct Job {
    pub terms: Terms,
    pub timeout: Option<u64>,
    pub scheduling_timeout: Option<u64>,
    pub tasks: Vec<Task>,
    pub cancelled: bool,
    /// What it ended as.
    pub ended: Option<JobState>,
    /// Whether it has ended as something.
    pub over: bool,
    /// Whether no step of it is left out.
    complete: bool,
    /// How many tasks stand where, of those of which that is certain.
    census: Census,
    /// How many are uncertain.
    vague: usize,
    unfinished: usize,
    /// Whether it is only kept to be known.
    pub kept: bool,
    /// Where the members of a gang run, as far as was logged, and as which attempt: they are placed
    /// together, so each has as many.
    pub gang_on: BTreeMap<String, u16>,
}

/// A task.
#[derive(Debug, Clone)]
pub(super) struct Task {
    /// Where it may stand.
    pub states: States,
    pub spent: Spent,
    /// How many attempts were placed.
    pub placed: u16,
    /// Whether more may have been placed: a line about the task alone does not say which attempt.
    pub loose: bool,
    /// Where the last one was placed, if that was logged.
    pub seat: Option<Seat>,
    /// Whether the last attempt is confirmed gone.
    pub gone: bool,
    /// When it was last heard to become PENDING.
    pub pending_since: u64,
}

/// Where and when an attempt was placed.
#[derive(Debug, Clone)]
pub(super) struct Seat {
    pub worker: String,
    pub generation: u32,
    pub at: u64,
}

/// Budgets with what is not given taken from others.
pub(super) fn budgets(own: Budgets, other: Tally) -> Tally {
    Tally {
        failure: own.failure.unwrap_or(other.failure),
        delivery: own.delivery.unwrap_or(other.delivery),
        preemption: own.preemption.unwrap_or(other.preemption),
    }
}

impl Job {
    pub(super) fn new(at: u64, asked: &Submitted, default: Tally, complete: bool) -> Self {
        let terms = Terms {
            replicas: asked.tasks,
            resources: Resources { cpu_milli: asked.cpu_milli, memory_bytes: asked.memory_bytes },
            budgets: budgets(asked.budgets, default),
            max_task_failures: asked.max_task_failures,
            group_by: asked.gang.then(|| "gang".into()),
            ..Terms::default()
        };
        let task = Task {
            states: States::one(TaskState::Pending),
            spent: Spent::default(),
            placed: 0,
            loose: false,
            seat: None,
            gone: true,
            pending_since: at,
        };
        let tasks = vec![task; usize::from(asked.tasks)];
        let mut census = Census::default();
        for task in &tasks {
            task.states.iter().for_each(|state| census.add(state));
        }
        Self {
            unfinished: tasks.len(),
            terms,
            timeout: asked.timeout_ms,
            scheduling_timeout: asked.scheduling_timeout_ms,
            tasks,
            cancelled: false,
            ended: None,
            over: false,
            complete,
            census,
            vague: 0,
            kept: false,
            gang_on: BTreeMap::new(),
        }
    }

    /// What may happen to its tasks. A job of several may have ended unseen.
    pub(super) fn rules(&self, complete: bool) -> Rules {
        Rules {
            budgets: self.terms.budgets,
            gang: self.terms.is_gang(),
            cancelled: self.cancelled,
            over: self.over || (!complete && self.tasks.len() > 1),
            timeout: self.timeout,
            scheduling: self.scheduling_timeout,
        }
    }

    /// Puts a task where it may stand from now on.
    pub(super) fn put(&mut self, index: usize, states: States) {
        let task = &mut self.tasks[index];
        let before = std::mem::replace(&mut task.states, states);
        for (states, comes) in [(before, false), (states, true)] {
            match states.alike() {
                Some(state) if comes => self.census.add(state),
                Some(state) => self.census.remove(state),
                None if comes => self.vague += 1,
                None => self.vague -= 1,
            }
        }
        let open = |states: States| usize::from(states.any(|it| !it.is_finished()));
        self.unfinished = self.unfinished + open(states) - open(before);
        if self.vague == 0 && self.ended.is_none() {
            let state = self.fold();
            self.over |= state.has_ended();
            // Others that finished unseen may have ended it as something else before. FAILED stays:
            // what fails after the end of its job is KILLED.
            let stays = self.complete || self.unfinished == 0 || state == JobState::Failed;
            self.ended = Some(state).filter(|it| it.has_ended() && stays);
        }
    }

    /// Whether nothing of it will ever change.
    pub(super) fn is_settled(&self) -> bool {
        self.ended.is_some() && self.unfinished == 0
    }

    /// The fold over its tasks, if all are certain.
    pub(super) fn certain(&self) -> Option<JobState> {
        self.ended.or_else(|| (self.vague == 0).then(|| self.fold()))
    }

    fn fold(&self) -> JobState {
        self.census.fold(&self.terms)
    }

    /// Whether unseen steps of its tasks lead to this fold. Nearly always a few do.
    pub(super) fn may_be(&self, state: JobState) -> bool {
        [1, UNSEEN_ATTEMPTS].into_iter().any(|most| self.may_be_within(state, most))
    }

    fn may_be_within(&self, state: JobState, most: u16) -> bool {
        let rules = self.rules(false);
        let mut known: BTreeMap<(u16, Spent), States> = BTreeMap::new();
        let mut reach = Vec::with_capacity(self.tasks.len());
        for task in &self.tasks {
            let all = known.entry((task.states.bits(), task.spent));
            let all = all.or_insert_with(|| reachable(task.states, &rules, &task.spent, most));
            reach.push(*all);
        }
        let can = |it: &dyn Fn(TaskState) -> bool| reach.iter().filter(|all| all.any(it)).count();
        let is = |it: &dyn Fn(TaskState) -> bool| {
            self.tasks.iter().filter(|task| !task.states.any(|state| !it(state))).count()
        };
        let is_failed = |it| matches!(it, TaskState::Failed(_));
        let is_succeeded = |it| it == TaskState::Succeeded;
        let is_lost = |it| it == TaskState::WorkerFailed;
        let is_nowhere = |it| it == TaskState::Unschedulable;
        let is_killed = |it| it == TaskState::Killed;
        let is_pending = |it| it == TaskState::Pending;
        let (all, gang) = (reach.len(), self.terms.is_gang());
        let allowed = if gang { 0 } else { usize::from(self.terms.max_task_failures) };
        let failed = is(&is_failed) > allowed;
        let lost = gang && is(&is_lost) > 0;
        let nowhere = is(&is_nowhere) > 0;
        let killed = is(&is_killed) > 0;
        let goes_on = !failed && !lost && !nowhere && !killed;
        match state {
            JobState::Succeeded => can(&is_succeeded) == all,
            JobState::Failed => {
                can(&is_failed) > allowed
                    || (!lost && can(&|it| is_failed(it) || is_succeeded(it)) == all)
            }
            JobState::WorkerFailed => {
                let ends = gang || (can(&TaskState::is_finished) == all && !nowhere && !killed);
                can(&is_lost) > 0 && !failed && ends
            }
            JobState::Unschedulable => can(&is_nowhere) > 0 && !failed && !lost,
            JobState::Killed => can(&is_killed) > 0 && !failed && !lost && !nowhere,
            JobState::Running => {
                let stays = can(&|it: TaskState| !it.is_finished()) > 0;
                goes_on && stays && can(&|it| it.is_active() || is_succeeded(it)) > 0
            }
            JobState::Pending => {
                let waits = can(&|it| is_pending(it) || is_failed(it) || is_lost(it)) == all;
                goes_on && waits && can(&is_pending) > 0
            }
        }
    }
}
