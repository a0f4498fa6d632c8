//! Where a task may stand after steps that nobody has logged: a bounded search over the events of
//! its lifecycle.
//!
//! A log may leave out what happened in between; what it does tell must follow from some such
//! steps. So a task stands in one of several states, and what it has spent is known as far as ends
//! were logged: each unseen way back to PENDING has spent one unit, of whichever budget.

use std::collections::BTreeSet;

use crate::model::budget::{Budget, Tally};
use crate::model::step::Step;
use crate::model::task::{Ending, Outcome, Phase, TaskEvent, TaskState};

/// The most attempts of one task that may be left out between two lines about it.
pub(super) const UNSEEN_ATTEMPTS: u16 = 64;

/// A set of states.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct States(u16);

impl States {
    pub(super) fn one(state: TaskState) -> Self {
        let at = TaskState::ALL.iter().position(|it| *it == state);
        Self(1 << at.expect("invariant: all states are listed"))
    }

    pub(super) fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) fn bits(self) -> u16 {
        self.0
    }

    pub(super) fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(super) fn iter(self) -> impl Iterator<Item = TaskState> {
        let numbered = TaskState::ALL.iter().enumerate();
        numbered.filter(move |(at, _)| self.0 >> at & 1 == 1).map(|(_, state)| *state)
    }

    pub(super) fn any(self, wanted: impl Fn(TaskState) -> bool) -> bool {
        self.iter().any(wanted)
    }

    pub(super) fn only(self, wanted: impl Fn(TaskState) -> bool) -> Self {
        self.iter().filter(|it| wanted(*it)).map(Self::one).fold(Self::default(), Self::with)
    }

    /// One of the states, if a job that counts its tasks cannot tell them apart: FAILED is FAILED,
    /// whatever the reason.
    pub(super) fn alike(self) -> Option<TaskState> {
        let first = self.iter().next()?;
        let same = |it: TaskState| match (first, it) {
            (TaskState::Failed(_), TaskState::Failed(_))
            | (TaskState::Active(_), TaskState::Active(_)) => true,
            (one, other) => one == other,
        };
        self.iter().all(same).then_some(first)
    }
}

/// What a job lets happen to its tasks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    pub budgets: Tally,
    pub gang: bool,
    pub cancelled: bool,
    /// Whether the job may have ended for another reason.
    pub over: bool,
    pub timeout: Option<u64>,
    pub scheduling: Option<u64>,
}

/// What a task has spent: what is known, and how many units beyond it at least and at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Spent {
    pub known: Tally,
    pub least: u16,
    pub most: u16,
}

impl Spent {
    fn sum(tally: Tally) -> u32 {
        Budget::ALL.iter().map(|budget| u32::from(tally.of(*budget))).sum()
    }

    /// Whether a task that has spent this, and so many units more of any budget, may go on.
    fn may_go_on(&self, rules: &Rules, more: u16) -> bool {
        let within = Budget::ALL.iter().all(|it| self.known.of(*it) <= rules.budgets.of(*it));
        let spent = Self::sum(self.known) + u32::from(self.least) + u32::from(more);
        within && spent <= Self::sum(rules.budgets)
    }

    /// Whether it may have spent more of a budget than it has.
    fn may_be_over(&self, rules: &Rules, budget: Budget, more: u16) -> bool {
        let unknown = u32::from(self.most) + u32::from(more);
        u32::from(self.known.of(budget)) + unknown > u32::from(rules.budgets.of(budget))
    }

    /// Whether this may be what it has spent: what is known, and the rest in any budgets.
    pub(super) fn may_be(&self, told: Tally) -> bool {
        let less = Budget::ALL.iter().any(|it| told.of(*it) < self.known.of(*it));
        let more = Self::sum(told).saturating_sub(Self::sum(self.known));
        !less && (u32::from(self.least)..=u32::from(self.most)).contains(&more)
    }

    /// What it has spent after one unit more of some budget, or perhaps of none.
    pub(super) fn charged_somehow(mut self, perhaps: bool) -> Self {
        self.least += u16::from(!perhaps);
        self.most += 1;
        self
    }

    /// What it has spent after one unit more of a budget that is known.
    pub(super) fn charged(mut self, budget: Budget) -> Self {
        self.known.charge(budget);
        self
    }
}

impl Rules {
    /// Whether an attempt may end so, by what is known of its job.
    pub(super) fn may_end(&self, ending: Ending) -> bool {
        match ending {
            Ending::Succeeded
            | Ending::Failed
            | Ending::Undelivered
            | Ending::Lost
            | Ending::Preempted
            | Ending::KilledUnasked => true,
            Ending::TimedOut => self.timeout.is_some(),
            Ending::Cancelled => self.cancelled,
            Ending::JobOver => self.over,
            Ending::SiblingWentBack | Ending::SiblingFinished => self.gang,
        }
    }

    /// The budget that an end is charged to.
    pub(super) fn charge(ending: Ending, phase: Phase) -> Option<Budget> {
        let (outcome, cause) = ending.verdict(phase);
        cause.charges(outcome)
    }

    /// Where a task stands after its attempt, which has come this far, has ended so.
    pub(super) fn after(&self, phase: Phase, ending: Ending, spent: &Spent, more: u16) -> States {
        let budget = Self::charge(ending, phase);
        let (goes_on, over) = match budget {
            None => (true, false),
            Some(budget) => (spent.may_go_on(self, more), spent.may_be_over(self, budget, more)),
        };
        let mut after = States::default();
        for (exhausted, may) in [(false, goes_on), (true, over)] {
            let event = TaskEvent::Ended { ending, exhausted };
            if may && let Ok(Step::Moved(next)) = TaskState::Active(phase).on(event) {
                after = after.with(States::one(next));
            }
        }
        after
    }

    /// Where tasks without an attempt go by steps that have no line of their own: what is told of
    /// such a task is the step.
    pub(super) fn told(&self, from: States) -> States {
        let steps = [
            (TaskEvent::GangBroken, self.gang),
            (TaskEvent::SchedulingTimedOut, self.scheduling.is_some()),
            (TaskEvent::WorkersExhausted, true),
            (TaskEvent::Dropped, self.cancelled || self.over || self.gang),
        ];
        let mut told = States::default();
        for (event, _) in steps.into_iter().filter(|(_, may)| *may) {
            for state in from.iter() {
                if let Ok(Step::Moved(next)) = state.on(event) {
                    told = told.with(States::one(next));
                }
            }
        }
        told
    }

    /// The steps that may follow a state unseen: where they lead, and what they cost.
    fn steps(&self, from: TaskState, spent: &Spent, charges: u16) -> Vec<(TaskState, u16, u16)> {
        let mut steps = Vec::new();
        for event in [TaskEvent::Placed, TaskEvent::Accepted, TaskEvent::Started] {
            if let Ok(Step::Moved(next)) = from.on(event) {
                steps.push((next, u16::from(event == TaskEvent::Placed), 0));
            }
        }
        steps.extend(self.told(States::one(from)).iter().map(|next| (next, 0, 0)));
        let TaskState::Active(phase) = from else { return steps };
        for ending in Ending::ALL.into_iter().filter(|it| self.may_end(*it)) {
            let cost = u16::from(Self::charge(ending, phase).is_some());
            let after = self.after(phase, ending, spent, charges + cost);
            steps.extend(after.iter().map(|next| (next, 0, cost)));
        }
        steps
    }
}

/// What unseen steps lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reached {
    pub states: States,
    pub placed: u16,
    pub least: u16,
    pub most: u16,
}

/// Looks for the wanted states behind unseen steps with exactly so many placements, or with as few
/// as lead there.
pub(super) fn search(
    from: States,
    rules: &Rules,
    spent: &Spent,
    placements: Option<u16>,
    wanted: impl Fn(TaskState) -> bool,
) -> Option<Reached> {
    let bounds = match placements {
        Some(exactly) => [exactly, exactly],
        // Nearly always one attempt leads there; a budget that is spent takes as many as it has.
        None => [1, UNSEEN_ATTEMPTS],
    };
    bounds.into_iter().find_map(|most| {
        let seen = within(from, rules, spent, most);
        let first = || seen.iter().find(|it| wanted(it.2)).map(|it| it.0);
        let placed = placements.or_else(first)?;
        let mut found: Option<Reached> = None;
        for (_, charges, state) in seen.into_iter().filter(|it| it.0 == placed && wanted(it.2)) {
            let new = Reached { states: States::default(), placed, least: charges, most: charges };
            let reached = found.get_or_insert(new);
            reached.states = reached.states.with(States::one(state));
            reached.least = reached.least.min(charges);
            reached.most = reached.most.max(charges);
        }
        found
    })
}

/// All states behind unseen steps with at most so many placements.
pub(super) fn reachable(from: States, rules: &Rules, spent: &Spent, most: u16) -> States {
    let seen = within(from, rules, spent, most);
    seen.into_iter().map(|it| States::one(it.2)).fold(from, States::with)
}

/// All states behind unseen steps, each with the placements and the charges that lead there.
fn within(
    from: States,
    rules: &Rules,
    spent: &Spent,
    most: u16,
) -> BTreeSet<(u16, u16, TaskState)> {
    let mut seen: BTreeSet<(u16, u16, TaskState)> = from.iter().map(|it| (0, 0, it)).collect();
    let mut queue: Vec<_> = seen.iter().copied().collect();
    while let Some((placed, charges, state)) = queue.pop() {
        for (next, places, cost) in rules.steps(state, spent, charges) {
            let node = (placed + places, charges + cost, next);
            if node.0 <= most && seen.insert(node) {
                queue.push(node);
            }
        }
    }
    seen
}

/// The ways of ending that are told as this outcome, for this cause if one is told.
pub(super) fn endings(
    phase: Phase,
    outcome: Outcome,
    cause: Option<crate::model::task::Cause>,
) -> impl Iterator<Item = Ending> {
    Ending::ALL.into_iter().filter(move |ending| {
        let (as_outcome, for_cause) = ending.verdict(phase);
        as_outcome == outcome && cause.is_none_or(|cause| cause == for_cause)
    })
}
