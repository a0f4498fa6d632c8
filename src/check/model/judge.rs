//! What a step of the model breaks and exercises, and what is found wrong, in words.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::invariants::{DESCRIBED, Judge, Table};
use crate::model::operation::Act;
use crate::model::view::StepView;

use super::super::state::{Note, State};
use super::super::step::{Machines, Move};
use super::{CLAIMS, ClusterModel};

/// The claims across steps that are about processes and not about what the controller records: T3.
const OF_PROCESSES: u32 = bits(&["T3"]);
/// Those that look at nothing but what the controller records before and after, and at what it
/// heard: all but T3 and T8.
const OF_CONTROLLER: u32 = bits(&["T1", "T2", "T4", "T5", "T6", "T7", "T9"]);
/// The claims whose hard case may be at another worker than that of the step: L2 and L4.
pub(in crate::check) const HARD_ELSEWHERE: u32 = bits(&["L2", "L4"]);
/// The claims about states that no single worker's part can break: S8. All others, and what they
/// and the progress claims ask, are about the controller alone, or about one process or exit.
pub(in crate::check) const OF_SEVERAL: u32 = bits(&["S8"]);

/// The bits of the claims that are called so.
const fn bits(names: &[&str]) -> u32 {
    let (mut bits, mut next) = (0, 0);
    while next < names.len() {
        let mut at = 0;
        // The end of the table: no claim is called so, and this does not compile.
        while !is_same(DESCRIBED[at].id.as_bytes(), names[next].as_bytes()) {
            at += 1;
        }
        (bits, next) = (bits | 1 << at, next + 1);
    }
    bits
}

const fn is_same(one: &[u8], other: &[u8]) -> bool {
    let mut at = 0;
    while at < one.len() && at < other.len() && one[at] == other[at] {
        at += 1;
    }
    at == one.len() && at == other.len()
}

impl<M: Machines> ClusterModel<M> {
    /// Judges the claims across a step.
    pub(super) fn judge(&self, before: &State, step: &Move<'_, M>, act: Act) -> Note {
        let view = StepView {
            before,
            after: &step.state,
            event: step.event(),
            started: step.started,
            fault: act.dies || act.operation.fault().is_some(),
        };
        if let Some(watch) = &self.watch {
            watch(&view);
        }
        let mut note = Note::default();
        // Across a step that leaves the controller as it was, only processes can break a claim.
        let untouched = Arc::ptr_eq(&before.controller, &step.state.controller);
        let across = |bits: u32| broken_across(self.judged & bits, &view);
        note.broken = match step.turn() {
            Some(turn) if !untouched => {
                turn.broken(|| across(OF_CONTROLLER)) | across(!OF_CONTROLLER)
            }
            Some(_) | None => across(OF_PROCESSES),
        };
        let seen = self.seen.as_ref().map_or(0, |seen| seen.load(Ordering::Relaxed));
        let unseen = self.judged & !seen;
        for (at, claim) in Table::<State>::CLAIMS.iter().enumerate() {
            if unseen >> at & 1 == 1 && (claim.hard)(&view) {
                note.exercised |= 1 << at;
            }
        }
        note
    }

    /// Whoever asked for a step learns what it exercised: that need not be looked for again.
    pub(in crate::check) fn told(&self, exercised: u32) {
        if let Some(seen) = &self.seen
            && exercised & !seen.load(Ordering::Relaxed) != 0
        {
            seen.fetch_or(exercised, Ordering::Relaxed);
        }
    }

    /// Those of these claims that are broken in a state.
    pub(in crate::check) fn broken_of(&self, claims: u32, state: &State) -> u64 {
        let mut bits = 0;
        for (at, claim) in Table::<State>::CLAIMS.iter().enumerate() {
            if let Judge::State(broken) = &claim.judge
                && self.judged & claims & 1 << at != 0
                && broken(state).is_some()
            {
                bits |= 1 << at;
            }
        }
        bits
    }

    /// What a claim finds wrong in a step, in words.
    pub fn found(&self, claim: usize, before: &State, act: Act, after: &State) -> Option<String> {
        match &Table::<State>::CLAIMS[claim].judge {
            Judge::State(broken) => broken(after),
            Judge::Progress { .. } => None,
            Judge::Step(broken) => {
                let mut step = self.take(before.clone(), act);
                step.apply(act.operation)?;
                broken(&StepView {
                    before,
                    after: &step.state,
                    event: step.event(),
                    started: step.started,
                    fault: act.operation.fault().is_some(),
                })
            }
        }
    }

    /// What a claim about states finds wrong in this one, in words.
    pub fn found_in(&self, claim: usize, state: &State) -> Option<String> {
        match &Table::<State>::CLAIMS[claim].judge {
            Judge::State(broken) => broken(state),
            Judge::Step(_) | Judge::Progress { .. } => None,
        }
    }
}

/// Which of these claims a step breaks.
fn broken_across(claims: u32, view: &StepView<'_, State>) -> u32 {
    let breaks = |at: usize| match &Table::<State>::CLAIMS[at].judge {
        Judge::Step(broken) => broken(view).is_some(),
        Judge::State(_) | Judge::Progress { .. } => false,
    };
    let mut bits = 0;
    for at in (0..CLAIMS).filter(|at| claims >> at & 1 == 1) {
        bits |= u32::from(breaks(at)) << at;
    }
    bits
}
