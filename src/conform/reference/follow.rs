//! A task from one look to the next: which of its lifecycle's events lead there, if any do. Steps
//! that nobody looked at are allowed; what the lifecycle does not allow is not.

use crate::model::budget::Tally;
use crate::model::spec::Terms;
use crate::model::step::Step;
use crate::model::task::{Cause, Ending, Outcome, Phase, TaskEvent, TaskState};

use super::super::seen::{AttemptSeen, TaskSeen};

/// What happened to a task between two looks, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Happened {
    /// An attempt was placed.
    Placed { attempt: usize },
    /// An attempt ended: why, and in which phase at the latest.
    Ended { attempt: usize, ending: Ending },
    /// The task ended without an attempt's end.
    Without(TaskEvent),
}

/// The endings that leave this outcome and, where it is told, this cause.
fn endings(outcome: Outcome, cause: Option<Cause>) -> Vec<(Ending, Phase)> {
    let phases = [Phase::Running, Phase::Building, Phase::Assigned];
    let pairs = Ending::ALL.into_iter().flat_map(|ending| phases.map(|phase| (ending, phase)));
    // What was heard of has been delivered.
    let legal = |(ending, phase): &(Ending, Phase)| {
        *ending != Ending::Undelivered || *phase == Phase::Assigned
    };
    let fits = |(ending, phase): &(Ending, Phase)| {
        let (is, why) = ending.verdict(*phase);
        is == outcome && cause.is_none_or(|cause| cause == why)
    };
    pairs.filter(legal).filter(fits).collect()
}

/// A task that is followed.
pub(super) struct Follower<'a> {
    /// What its job asked for.
    pub terms: &'a Terms,
    /// Whether an attempt may have ended so.
    pub may: &'a dyn Fn(usize, Ending) -> Result<(), String>,
}

impl Follower<'_> {
    /// What happened between two looks at a task.
    ///
    /// # Errors
    /// What no sequence of legal events explains.
    pub(super) fn follow(&self, was: &TaskSeen, is: &TaskSeen) -> Result<Vec<Happened>, String> {
        unchanged(was, is)?;
        let mut state = was.state;
        let mut spent = tally(&was.attempts);
        let mut happened = Vec::new();
        let first = was.attempts.iter().position(AttemptSeen::is_live);
        let first = first.unwrap_or(was.attempts.len());
        for (number, attempt) in is.attempts.iter().enumerate().skip(first) {
            if number >= was.attempts.len() {
                state = moved(state, TaskEvent::Placed)?;
                happened.push(Happened::Placed { attempt: number });
            }
            if let Some(outcome) = attempt.outcome {
                let (next, ending) =
                    self.ended(state, number, outcome, attempt.cause, &mut spent)?;
                happened.push(Happened::Ended { attempt: number, ending });
                state = next;
            } else {
                state = reach(state, attempt.phase.unwrap_or(Phase::Assigned))?;
            }
        }
        if state != is.state {
            happened.push(Happened::Without(without_attempt(state, is.state)?));
        }
        Ok(happened)
    }

    fn ended(
        &self,
        state: TaskState,
        number: usize,
        outcome: Outcome,
        cause: Option<Cause>,
        spent: &mut Tally,
    ) -> Result<(TaskState, Ending), String> {
        let TaskState::Active(at_least) = state else {
            return Err(format!("its attempt #{number} ends while the task is {state}"));
        };
        let mut why = format!(
            "no ending of an attempt that is {at_least} leaves {outcome}{}",
            cause.map_or_else(String::new, |cause| format!(" with cause {cause}"))
        );
        let mut refused = None;
        for (ending, phase) in endings(outcome, cause) {
            if phase < at_least {
                continue;
            }
            if let Err(says) = (self.may)(number, ending) {
                // Of several that are refused the first is the plainest.
                why.clone_from(refused.get_or_insert(says));
                continue;
            }
            let (outcome, cause) = ending.verdict(phase);
            let mut charged = *spent;
            let exhausted = cause.charges(outcome).is_some_and(|budget| {
                charged.charge(budget);
                self.terms.exhausted(charged, budget)
            });
            let state = reach(state, phase)?;
            let next = moved(state, TaskEvent::Ended { ending, exhausted })?;
            *spent = charged;
            return Ok((next, ending));
        }
        Err(why)
    }
}

/// Attempts are only added; what has ended stays as it is.
fn unchanged(was: &TaskSeen, is: &TaskSeen) -> Result<(), String> {
    if is.attempts.len() < was.attempts.len() {
        let (had, has) = (was.attempts.len(), is.attempts.len());
        return Err(format!("it had {had} attempts and has {has}: attempts are never forgotten"));
    }
    for (number, (old, new)) in was.attempts.iter().zip(&is.attempts).enumerate() {
        if (old.worker, old.incarnation) != (new.worker, new.incarnation) {
            return Err(format!(
                "its attempt #{number} was on {} and is on {}",
                old.worker, new.worker
            ));
        }
        if !old.is_live() && (old.outcome, old.cause) != (new.outcome, new.cause) {
            return Err(format!(
                "its attempt #{number} had ended and changes its outcome or cause"
            ));
        }
        if old.gone == Some(true) && new.gone != Some(true) {
            return Err(format!("its attempt #{number} was confirmed gone and is not any more"));
        }
    }
    if was.state.is_finished() && was.state != is.state {
        return Err(format!("it was {} and is {}: ended stays ended", was.state, is.state));
    }
    Ok(())
}

/// What is spent, as the causes of the ended attempts say.
pub(super) fn tally(attempts: &[AttemptSeen]) -> Tally {
    let mut spent = Tally::default();
    for attempt in attempts {
        if let (Some(outcome), Some(cause)) = (attempt.outcome, attempt.cause)
            && let Some(budget) = cause.charges(outcome)
        {
            spent.charge(budget);
        }
    }
    spent
}

fn moved(state: TaskState, event: TaskEvent) -> Result<TaskState, String> {
    match state.on(event) {
        Ok(Step::Moved(next)) => Ok(next),
        Ok(Step::Stale) => Err(format!("a task that is {state} does not change by {event:?}")),
        Err(_) => Err(format!("a task that is {state} cannot take {event:?}")),
    }
}

/// The events that bring an active task this far.
fn reach(state: TaskState, phase: Phase) -> Result<TaskState, String> {
    let TaskState::Active(now) = state else {
        return Err(format!("it has a live attempt and is {state}"));
    };
    if phase < now {
        return Err(format!("its attempt was {now} and is {phase}: phases only go forwards"));
    }
    let mut state = state;
    if now < Phase::Building && phase >= Phase::Building {
        state = moved(state, TaskEvent::Accepted)?;
    }
    if now < Phase::Running && phase == Phase::Running {
        state = moved(state, TaskEvent::Started)?;
    }
    Ok(state)
}

/// The one event that ends a task without the end of an attempt.
fn without_attempt(state: TaskState, is: TaskState) -> Result<TaskEvent, String> {
    let events = [
        TaskEvent::SchedulingTimedOut,
        TaskEvent::WorkersExhausted,
        TaskEvent::GangBroken,
        TaskEvent::Dropped,
    ];
    let leads = |event: &TaskEvent| moved(state, *event).is_ok_and(|next| next == is);
    events.into_iter().find(leads).ok_or_else(|| {
        format!("by its attempts it must be {state}, and it is {is}: no event leads there")
    })
}
