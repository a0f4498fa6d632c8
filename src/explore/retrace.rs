//! Turns numbers back into runs, by executing the model again.

use std::collections::BTreeMap;

use super::graph::class_of;
use super::progress::Lasso;
use super::report::{Counterexample, Path};
use super::store::{NOBODY, Spot};
use super::subject::Subject;
use super::way::{Keep, Way};

/// What is known for ever of the visited states.
pub(super) trait Records<M: Subject> {
    /// What tells a state from others.
    type Mark: PartialEq;

    /// What is known of some states, by number.
    fn marks(&self, ids: &[u32]) -> BTreeMap<u32, Self::Mark>;

    /// What would be known of this one.
    fn mark(&self, model: &M, state: &M::State) -> Self::Mark;
}

/// What a search in memory keeps.
pub(super) struct Kept<'a, M: Subject, W: Way<M>>(pub(super) &'a W::Keep);

impl<M: Subject, W: Way<M>> Records<M> for Kept<'_, M, W> {
    type Mark = <W::Keep as Keep<W::Item>>::Mark;

    fn marks(&self, ids: &[u32]) -> BTreeMap<u32, Self::Mark> {
        self.0.marks(ids)
    }

    fn mark(&self, model: &M, state: &M::State) -> Self::Mark {
        let item = W::take(model, state.clone());
        W::Keep::mark(W::print(&item), &item)
    }
}

pub(super) struct Retrace<'a, M, R> {
    pub(super) model: &'a M,
    pub(super) records: &'a R,
    pub(super) parents: &'a [u32],
}

type Step<M> = (<M as stateright::Model>::Action, <M as stateright::Model>::State);
type Run<M> = Path<<M as stateright::Model>::State, <M as stateright::Model>::Action>;

impl<M: Subject, R: Records<M>> Retrace<'_, M, R> {
    /// The shortest run to a spot.
    pub(super) fn to_spot(&self, spot: Spot) -> Run<M> {
        let ids = way_to(self.parents, spot.state);
        let mut path = self.path(&ids, &self.records.marks(&ids));
        if let Some(number) = spot.action {
            let (model, state) = (self.model, path.last());
            let mut actions = Vec::new();
            model.actions(state, &mut actions);
            let action = actions.swap_remove(number as usize);
            let next = model.next_state(state, action.clone());
            path.steps.push((action, next.expect("invariant: the step was taken before")));
        }
        path
    }

    /// An endless run.
    pub(super) fn endless(&self, lasso: &Lasso) -> Counterexample<M::State, M::Action> {
        let mut ids = lasso.stem.clone();
        ids.extend(lasso.cycle.iter().map(|edge| edge.target));
        let marks = self.records.marks(&ids);
        let stem = self.path(&lasso.stem, &marks);
        let mut done: Vec<(M::Action, M::State)> = Vec::with_capacity(lasso.cycle.len());
        for edge in &lasso.cycle {
            let from = done.last().map_or_else(|| stem.last(), |(_, state)| state);
            let next = self.step(from, &marks[&edge.target], Some(edge.class));
            done.push(next);
        }
        let (no_return, obligation) = (lasso.no_return, lasso.obligation);
        Counterexample::Endless { stem, cycle: done, no_return, obligation }
    }

    fn path(&self, ids: &[u32], marks: &BTreeMap<u32, R::Mark>) -> Run<M> {
        let (first, rest) = ids.split_first().expect("invariant: a run has a first state");
        let is_first =
            |state: &M::State| self.model.within_boundary(state) && self.is(state, &marks[first]);
        let init = self.model.init_states().into_iter().find(is_first);
        let init = init.expect("invariant: init_states() is the same each time");
        let mut path = Path { init, steps: Vec::with_capacity(rest.len()) };
        for id in rest {
            let step = self.step(path.last(), &marks[id], None);
            path.steps.push(step);
        }
        path
    }

    fn is(&self, state: &M::State, mark: &R::Mark) -> bool {
        self.records.mark(self.model, state) == *mark
    }

    /// The first step from a state to another, of a certain class if one is asked for.
    fn step(&self, from: &M::State, to: &R::Mark, class: Option<u8>) -> Step<M> {
        let mut actions = Vec::new();
        self.model.actions(from, &mut actions);
        for action in actions {
            if class.is_some_and(|class| class_of(self.model.fairness(from, &action)) != class) {
                continue;
            }
            match self.model.next_state(from, action.clone()) {
                Some(next) if self.is(&next, to) && self.model.within_boundary(&next) => {
                    return (action, next);
                }
                Some(_) | None => {}
            }
        }
        panic!("the model is not a function of its state: a step taken before is not there again");
    }
}

/// The states of the shortest way to a state, from an initial one.
pub(super) fn way_to(parents: &[u32], state: u32) -> Vec<u32> {
    let mut way = vec![state];
    let mut at = state;
    while parents[at as usize] != NOBODY {
        at = parents[at as usize];
        way.push(at);
    }
    way.reverse();
    way
}
