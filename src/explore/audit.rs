//! Whether a model says the truth about what its steps look at and change: for tests of models.

use std::collections::BTreeSet;

use super::footprint::{Footprints, Transition};
use super::subject::{Kind, Subject, safety, those};
use super::table::fingerprint;

/// Where a model that is [`Footprints`] does what it says it does not.
#[derive(Clone, Debug, PartialEq)]
pub struct Lie<S, A> {
    /// The state in which it shows.
    pub state: S,
    /// The steps, one after the other, with which it shows.
    pub steps: Vec<A>,
    /// What is wrong.
    pub wrong: Wrong,
}

/// What is wrong with what a model says of its steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// A step of this transition is enabled though this guard of it is false.
    Enabled(usize, usize),
    /// The step writes nothing that this guard of this transition looks at, and changes its answer.
    Guard(usize, usize),
    /// The step writes nothing that this transition reads, and enables or disables a step of it.
    Enables(usize),
    /// The step does not depend on this transition, and changes what that hides.
    Hides(usize),
    /// The two steps do not depend on each other, and lead elsewhere in the other order.
    Order,
    /// The two steps do not depend on each other, and these claims, as bits, are broken or
    /// exercised in this order only.
    Found(u64),
}

/// Visits so many states of a model, breadth first and all their steps, and looks at each of them
/// whether what is said of its steps is true: that guards change only by what they look at, that
/// steps which do not depend on each other leave each other enabled, lead to the same state in both
/// orders, and show the same to the claims. Answers how many states it looked at.
///
/// What is true in all states that can be reached makes
/// [`search_partial_order`](super::search_partial_order()) right about the model.
///
/// # Errors
/// The first lie.
pub fn audit<M: Subject + Footprints>(
    model: &M,
    most: usize,
) -> Result<usize, Lie<M::State, M::Action>> {
    let audit = Audit::new(model);
    let mut known = BTreeSet::new();
    let mut states = model.init_states();
    states.retain(|state| model.within_boundary(state) && known.insert(fingerprint(state)));
    let mut looked = 0;
    while let Some(state) = states.get(looked).filter(|_| looked < most).cloned() {
        looked += 1;
        let steps = audit.steps(&state);
        audit.guards(&state, &steps)?;
        for step in &steps {
            audit.step(&state, &steps, step)?;
        }
        let nexts = steps.into_iter().map(|step| step.next);
        states.extend(nexts.filter(|next| known.insert(fingerprint(next))));
    }
    Ok(looked)
}

struct Audit<'a, M> {
    model: &'a M,
    transitions: Vec<Transition>,
    /// Claims that are decided, and those of them that can be broken.
    decided: u64,
    safety: u64,
}

/// A step that is enabled.
struct Step<M: Footprints> {
    action: M::Action,
    of: usize,
    next: M::State,
}

type Checked<M> =
    Result<(), Lie<<M as stateright::Model>::State, <M as stateright::Model>::Action>>;

impl<'a, M: Subject + Footprints> Audit<'a, M> {
    fn new(model: &'a M) -> Self {
        let claims = model.claims();
        Self {
            model,
            transitions: model.transitions(),
            decided: those(&claims, |kind| kind != Kind::Progress),
            safety: safety(&claims),
        }
    }

    fn steps(&self, state: &M::State) -> Vec<Step<M>> {
        let mut actions = Vec::new();
        self.model.actions(state, &mut actions);
        let step = |action: M::Action| {
            let of = self.model.transition(state, &action);
            let next = self.model.next_state(state, action.clone())?;
            self.model.within_boundary(&next).then_some(Step { action, of, next })
        };
        actions.into_iter().filter_map(step).collect()
    }

    /// What is broken and what is exercised in a state or by the step to it.
    fn found(&self, state: &M::State) -> [u64; 2] {
        let broken = self.model.broken(state) | self.model.broken_by_step(state);
        let exercised = self.model.exercised(state) | self.model.exercised_by_step(state);
        [broken & self.safety, exercised & self.decided]
    }

    /// Where a guard is false, nothing is enabled.
    fn guards(&self, state: &M::State, steps: &[Step<M>]) -> Checked<M> {
        for step in steps {
            for guard in 0..self.transitions[step.of].guards.len() {
                if !self.model.guard(state, step.of, guard) {
                    let (state, steps) = (state.clone(), vec![step.action.clone()]);
                    return Err(Lie { state, steps, wrong: Wrong::Enabled(step.of, guard) });
                }
            }
        }
        Ok(())
    }

    /// What a step leaves alone is as it was.
    fn step(&self, state: &M::State, steps: &[Step<M>], step: &Step<M>) -> Checked<M> {
        let lie = |wrong| Lie { state: state.clone(), steps: vec![step.action.clone()], wrong };
        let then = self.steps(&step.next);
        let writes = self.transitions[step.of].writes;
        for (at, other) in self.transitions.iter().enumerate() {
            for (guard, looks_at) in other.guards.iter().enumerate() {
                let is = |state| self.model.guard(state, at, guard);
                if looks_at & writes == 0 && is(state) != is(&step.next) {
                    return Err(lie(Wrong::Guard(at, guard)));
                }
            }
            let enabled = |steps: &[Step<M>]| -> Vec<M::Action> {
                let of_it = steps.iter().filter(|step| step.of == at);
                of_it.map(|step| step.action.clone()).collect()
            };
            if other.all_reads() & writes == 0 && enabled(steps) != enabled(&then) {
                return Err(lie(Wrong::Enables(at)));
            }
            let hides = |state| self.model.hides(state, at);
            let free = !other.depends_on(&self.transitions[step.of]);
            if free && hides(state) != hides(&step.next) {
                return Err(lie(Wrong::Hides(at)));
            }
        }
        for other in steps {
            let free = !self.transitions[other.of].depends_on(&self.transitions[step.of]);
            if free && other.of != step.of {
                self.diamond(state, step, other, &then)?;
            }
        }
        Ok(())
    }

    /// Two steps that do not depend on each other may change places. After the first one, `then`
    /// can be taken.
    fn diamond(
        &self,
        state: &M::State,
        one: &Step<M>,
        other: &Step<M>,
        then: &[Step<M>],
    ) -> Checked<M> {
        let steps = || vec![one.action.clone(), other.action.clone()];
        let lie = |wrong| Err(Lie { state: state.clone(), steps: steps(), wrong });
        let both = then.iter().find(|step| step.action == other.action && step.of == other.of);
        let turned = self.model.next_state(&other.next, one.action.clone());
        let turned = turned.filter(|state| self.model.within_boundary(state));
        let (Some(both), Some(turned)) = (both, turned) else { return lie(Wrong::Order) };
        if both.next != turned {
            return lie(Wrong::Order);
        }
        let hides = self.model.hides(state, other.of);
        let [first, last] = [self.found(&one.next), self.found(&both.next)];
        let [first_turned, last_turned] = [self.found(&other.next), self.found(&turned)];
        let mut missing = 0;
        for at in 0..2 {
            let here = first[at] & !hides | last[at];
            missing |= here & !(first_turned[at] | last_turned[at]);
        }
        if missing == 0 { Ok(()) } else { lie(Wrong::Found(missing)) }
    }
}
