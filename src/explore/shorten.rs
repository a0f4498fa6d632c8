//! Makes a run that breaks a claim short: a walk of hundreds of steps is no trace for people.
//!
//! Deterministic, and bounded by steps of the model. First what comes back to where it was is cut
//! out. Then actions are left out: large chunks first, then small ones, single actions, and pairs;
//! what has become impossible without them is skipped, and the run ends where the claim breaks.
//! At last states of the run are joined by shorter ways, if a search around them finds any.

use std::collections::{BTreeMap, BTreeSet};

use super::report::Path;
use super::subject::Subject;
use super::table::fingerprint;

/// Steps of the model that a search from one state of the run may take.
const AROUND: u64 = 20_000;

/// Makes a run short that breaks a safety claim, with about so many steps of the model at most.
///
/// The result is a run of the model that begins where `path` does, and its last step or state
/// breaks the claim, and none before. It is never longer.
pub fn shorten<M: Subject>(
    model: &M,
    claim: usize,
    path: &Path<M::State, M::Action>,
    steps: u64,
) -> Path<M::State, M::Action> {
    let mut shortening = Shortening { model, claim: 1 << claim, left: steps, run: path.clone() };
    shortening.end_early();
    while shortening.left > 0 && shortening.round() {}
    shortening.run
}

struct Shortening<'a, M: Subject> {
    model: &'a M,
    claim: u64,
    /// Steps of the model that may still be taken.
    left: u64,
    run: Path<M::State, M::Action>,
}

type Steps<M> = Vec<(<M as stateright::Model>::Action, <M as stateright::Model>::State)>;

impl<M: Subject> Shortening<'_, M> {
    /// Everything once. Whether it has become shorter.
    fn round(&mut self) -> bool {
        let before = self.len();
        self.cut_loops();
        let mut size = self.len() / 2;
        while size > 0 {
            self.leave_out_chunks(size);
            size /= 2;
        }
        self.leave_out_pairs();
        self.join();
        self.len() < before
    }

    fn len(&self) -> usize {
        self.run.steps.len()
    }

    /// The state after so many steps.
    fn state(&self, at: usize) -> &M::State {
        at.checked_sub(1).map_or(&self.run.init, |last| &self.run.steps[last].1)
    }

    fn breaks(&self, state: &M::State) -> bool {
        (self.model.broken(state) | self.model.broken_by_step(state)) & self.claim != 0
    }

    /// Drops what comes after the first state that breaks the claim.
    fn end_early(&mut self) {
        if let Some(end) = (0..=self.len()).find(|at| self.breaks(self.state(*at))) {
            self.run.steps.truncate(end);
        }
    }

    /// Drops what lies between equal states. The last step stays: that it was taken may be what
    /// breaks the claim.
    fn cut_loops(&mut self) {
        let Some(last) = self.run.steps.pop() else { return };
        let mut known = BTreeMap::from([(fingerprint(&self.run.init), 0)]);
        let steps = std::mem::take(&mut self.run.steps);
        for step in steps {
            let print = fingerprint(&step.1);
            let before = known.get(&print).copied().filter(|at| *self.state(*at) == step.1);
            if let Some(at) = before {
                self.run.steps.truncate(at);
                known.retain(|_, known| *known <= at);
            } else {
                self.run.steps.push(step);
                known.insert(print, self.len());
            }
        }
        self.run.steps.push(last);
    }

    /// Leaves out chunks of so many steps, from the back: what is decided late depends on less.
    fn leave_out_chunks(&mut self, size: usize) {
        let mut end = self.len();
        while end > 0 && self.left > 0 {
            let from = end.saturating_sub(size);
            self.try_without(from, |at| at < end);
            end = from.min(self.len());
        }
    }

    /// Leaves out two steps that do not stand together: what is begun, and what ends it. Of a long
    /// run there are too many to use up everything that is left.
    fn leave_out_pairs(&mut self) {
        let enough = self.left / 2;
        let mut first = 0;
        while first + 2 < self.len() {
            let mut second = first + 2;
            while second < self.len() && self.left > enough {
                if !self.try_without(first, |at| at == first || at == second) {
                    second += 1;
                }
            }
            first += 1;
        }
    }

    /// Takes the run without some of its steps, the first of which is `from`, and without those
    /// that have become impossible. It is kept if it is shorter and still breaks the claim.
    fn try_without(&mut self, from: usize, without: impl Fn(usize) -> bool) -> bool {
        let mut state = self.state(from).clone();
        let mut fresh: Steps<M> = Vec::new();
        for at in from..self.len() {
            if without(at) {
                continue;
            }
            let action = self.run.steps[at].0.clone();
            let Some(next) = self.taken(&state, &action) else { continue };
            fresh.push((action, next.clone()));
            if self.breaks(&next) {
                if from + fresh.len() >= self.len() {
                    return false;
                }
                self.run.steps.truncate(from);
                self.run.steps.append(&mut fresh);
                return true;
            }
            state = next;
        }
        false
    }

    /// Takes a step if the model offers it there, and it stays inside the boundary.
    fn taken(&mut self, state: &M::State, action: &M::Action) -> Option<M::State> {
        self.left = self.left.checked_sub(1)?;
        let mut offered = Vec::new();
        self.model.actions(state, &mut offered);
        if !offered.contains(action) {
            return None;
        }
        let next = self.model.next_state(state, action.clone())?;
        self.model.within_boundary(&next).then_some(next)
    }

    /// Joins states of the run by shorter ways.
    fn join(&mut self) {
        let mut at = 0;
        while at + 1 < self.len() && self.left > 0 {
            match self.way_from(at) {
                Some((way, to)) => {
                    self.run.steps.splice(at..to, way);
                    self.end_early();
                }
                None => at += 1,
            }
        }
    }

    /// A way from this state of the run to a later one, or to a break of the claim, that saves
    /// steps: the first that a search finds breadth first. With the state that it leads to.
    fn way_from(&mut self, from: usize) -> Option<(Steps<M>, usize)> {
        let mut later = BTreeMap::new();
        for at in from + 1..self.len() {
            later.insert(fingerprint(self.state(at)), at);
        }
        let init = self.state(from).clone();
        let mut known = BTreeSet::from([fingerprint(&init)]);
        let mut found = vec![Reached::<M> { from: 0, depth: 0, by: None, state: init }];
        let end = self.left.saturating_sub(AROUND);
        let mut next = 0;
        let mut offered = Vec::new();
        while next < found.len() {
            let (depth, state) = (found[next].depth, found[next].state.clone());
            // A longer way would save nothing.
            if from + depth + 1 >= self.len() {
                return None;
            }
            offered.clear();
            self.model.actions(&state, &mut offered);
            for action in offered.drain(..) {
                if self.left == end {
                    return None;
                }
                self.left -= 1;
                let taken = self.model.next_state(&state, action.clone());
                let Some(after) = taken.filter(|it| self.model.within_boundary(it)) else {
                    continue;
                };
                let print = fingerprint(&after);
                let breaks = self.breaks(&after);
                let to = later.get(&print).copied().filter(|to| *self.state(*to) == after);
                let to = if breaks { Some(self.len()) } else { to };
                let saves = to.filter(|to| from + depth + 1 < *to);
                if saves.is_some() || known.insert(print) {
                    let by = Some(action);
                    found.push(Reached { from: next, depth: depth + 1, by, state: after });
                }
                if let Some(to) = saves {
                    return Some((way_to::<M>(&found), to));
                }
            }
            next += 1;
        }
        None
    }
}

/// What a search has reached.
struct Reached<M: Subject> {
    /// From where, by its place, and how.
    from: usize,
    by: Option<M::Action>,
    depth: usize,
    state: M::State,
}

/// The way to the last of what a search has reached.
fn way_to<M: Subject>(found: &[Reached<M>]) -> Steps<M> {
    let mut way = Vec::new();
    let mut at = found.len() - 1;
    while let Reached { from, by: Some(action), state, .. } = &found[at] {
        way.push((action.clone(), state.clone()));
        at = *from;
    }
    way.reverse();
    way
}
