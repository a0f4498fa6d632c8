//! Turns of the controller that were taken before: of millions of steps most give the same input to
//! the same controller, and only what is around it differs.

use std::hash::Hash;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::controller_sm::{ControllerSm, Effect, Heard, Input};
use crate::explore::fingerprint;
use crate::model::scheduler::Chooser;

use super::step::Machines;

/// Turns that are remembered at most, a few hundred bytes each.
const MOST: usize = 1 << 16;

/// One input, and what the controller made of it.
pub(super) struct Turn {
    before: Arc<ControllerSm>,
    input: Input,
    asked: Chooser,
    pub(super) after: Arc<ControllerSm>,
    /// What it orders that the model performs, in order.
    pub(super) orders: Vec<Effect>,
    pub(super) heard: Heard,
    /// As the turn left it.
    pub(super) chooser: Chooser,
    broken: OnceLock<u32>,
}

impl Turn {
    /// Takes a turn.
    pub(super) fn take<M: Machines>(
        machines: &M,
        before: &Arc<ControllerSm>,
        input: Input,
        asked: Chooser,
    ) -> Self {
        let heard = before.hears(&input);
        let mut after = Arc::clone(before);
        let mut chooser = asked;
        let effects = machines.controller(Arc::make_mut(&mut after), input.clone(), &mut chooser);
        // What did not change stays shared: nobody need look at it again.
        if effects.first() != Some(&Effect::Persist) && after == *before {
            after = Arc::clone(before);
        }
        let orders = effects.into_iter().filter(is_performed).collect();
        let before = Arc::clone(before);
        Self { before, input, asked, after, orders, heard, chooser, broken: OnceLock::new() }
    }

    /// The claims that it breaks, judged once: of those that look at nothing but the controller
    /// before and after, and at what it heard.
    pub(super) fn broken(&self, judge: impl FnOnce() -> u32) -> u32 {
        *self.broken.get_or_init(judge)
    }
}

/// Whether the model does anything about an order.
fn is_performed(effect: &Effect) -> bool {
    match effect {
        Effect::SendRun { .. }
        | Effect::SendKill { .. }
        | Effect::CreateSlice { .. }
        | Effect::TerminateSlice(_)
        | Effect::ReplyBeat(_) => true,
        Effect::Persist
        | Effect::Reply(_)
        | Effect::ReplyReport
        | Effect::Arm(..)
        | Effect::Disarm(_)
        | Effect::JobEnded(_) => false,
    }
}

/// The turns of a model that were taken lately, each in the one place where it may be.
pub(super) struct Turns(Vec<Mutex<Option<Arc<Turn>>>>);

impl Turns {
    pub(super) fn new() -> Self {
        Self((0..MOST).map(|_| Mutex::new(None)).collect())
    }

    /// The turn: the one that is remembered, or else taken. A machine is a function of its state,
    /// its input and the choices.
    pub(super) fn turn<M: Machines>(
        &self,
        machines: &M,
        before: &Arc<ControllerSm>,
        input: Input,
        asked: Chooser,
    ) -> Arc<Turn> {
        // What is remembered holds its controller, so that no other can have its address.
        let print = fingerprint(&(Arc::as_ptr(before).addr(), Print(&input), asked.script()));
        let at = usize::try_from(print >> 32).expect("invariant: 32 bits") % MOST;
        let place = || self.0[at].lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(turn) = &*place()
            && Arc::ptr_eq(&turn.before, before)
            && (turn.asked, &turn.input) == (asked, &input)
        {
            return Arc::clone(turn);
        }
        let turn = Arc::new(Turn::take(machines, before, input, asked));
        let forgotten = place().replace(Arc::clone(&turn));
        drop(forgotten);
        turn
    }
}

/// What nearly always tells inputs apart: what never differs within a scope is left out.
struct Print<'a>(&'a Input);

impl Hash for Print<'_> {
    fn hash<H: std::hash::Hasher>(&self, out: &mut H) {
        std::mem::discriminant(self.0).hash(out);
        match self.0 {
            Input::Submit(_) | Input::Restarted => {}
            Input::Cancel(job) => job.hash(out),
            Input::Drain { worker, .. } => worker.hash(out),
            Input::Beat(beat) => {
                (beat.seat, beat.clock, &beat.running, &beat.finished).hash(out);
            }
            Input::Report(report) => report.hash(out),
            Input::RunAnswered { attempt, answer } => (attempt, answer).hash(out),
            Input::TryFailed { attempt, error } => (attempt, error).hash(out),
            Input::KillAnswered { attempt, answer } => (attempt, answer).hash(out),
            Input::Fired(timer) => timer.hash(out),
            Input::SliceGranted(slice)
            | Input::SliceRefused { slice, .. }
            | Input::SlicePreempted(slice)
            | Input::SliceTerminated(slice) => slice.hash(out),
            Input::VmBooted(vm) => vm.hash(out),
        }
    }
}

#[cfg(test)]
mod tests {
    use stateright::Model;

    use super::*;
    use crate::check::{ClusterModel, Real, Scope};
    use crate::model::id::WorkerId;

    /// A print leaves out what never differs within a scope, such as which way a worker is drained.
    #[test]
    fn inputs_with_the_same_print_are_told_apart() {
        let model = ClusterModel::new(Scope::named("gang").expect("a standard scope"));
        let (turns, before) = (Turns::new(), model.initial().controller);
        let after = [true, false, true].map(|closed| {
            let input = Input::Drain { worker: WorkerId(1), closed };
            let asked = Chooser::scripted(0);
            let taken = Turn::take(&Real, &before, input.clone(), asked);
            let remembered = turns.turn(&Real, &before, input, asked);
            assert_eq!(remembered.after, taken.after);
            Arc::clone(&remembered.after)
        });
        assert_ne!(after[0], after[1]);
    }

    /// Among the scopes are those in which steps break claims.
    #[test]
    fn a_turn_that_is_remembered_does_what_it_did() {
        let mut broken = 0;
        for scope in Scope::standard() {
            let model = ClusterModel::new(scope.clone());
            let plain = ClusterModel::new(scope).without_memory();
            let mut states = model.init_states();
            let (mut known, mut next) = (std::collections::BTreeSet::new(), 0);
            while next < states.len().min(3_000) {
                let state = states[next].clone();
                next += 1;
                let (mut acts, mut all) = (Vec::new(), Vec::new());
                model.actions(&state, &mut acts);
                plain.actions(&state, &mut all);
                assert_eq!(acts, all);
                for act in acts {
                    let after = [model.next_state(&state, act), plain.next_state(&state, act)];
                    let [Some(one), Some(other)] = after else {
                        assert_eq!(after, [None, None], "{act:?}");
                        continue;
                    };
                    assert_eq!(one, other, "{act:?}");
                    assert_eq!(one.note.broken, other.note.broken, "{act:?}");
                    broken |= one.note.broken;
                    // Of larger scopes every third state, so that they get deep.
                    let found = known.insert(fingerprint(&one));
                    if found && (known.len() < 500 || known.len() % 3 == 0) {
                        states.push(one);
                    }
                }
            }
        }
        assert_ne!(broken, 0, "no step broke any claim");
    }
}
