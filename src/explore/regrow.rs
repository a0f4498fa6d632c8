//! The steps of states that are kept whole, generated again whenever they are asked for: storing
//! them would take several times what the states take.

use super::expand::guess;
use super::graph::{Around, Edge, Steps, class_of, class_set};
use super::subject::Subject;
use super::way::{Keep, Way};

pub(super) struct Regrow<'a, M: Subject, W: Way<M>> {
    model: &'a M,
    kept: &'a W::Keep,
    expanded: u32,
    actions: Vec<M::Action>,
    /// Fingerprint, item and class of each step that stays inside.
    found: Vec<(u64, W::Item, u8)>,
    guesses: Vec<u32>,
}

impl<'a, M: Subject, W: Way<M>> Regrow<'a, M, W> {
    pub(super) fn new(model: &'a M, kept: &'a W::Keep, expanded: u32) -> Self {
        Self { model, kept, expanded, actions: Vec::new(), found: Vec::new(), guesses: Vec::new() }
    }

    fn item(&self, state: u32) -> W::Item {
        self.kept.item(state).expect("invariant: every item is kept")
    }
}

impl<M: Subject, W: Way<M>> Steps for Regrow<'_, M, W> {
    fn expanded(&self) -> u32 {
        self.expanded
    }

    fn marks(&self, state: u32, bit: u64) -> (bool, bool) {
        W::look(self.model, &self.item(state), |state| {
            let open = self.model.open(state) & bit;
            (open != 0, open != 0 && self.model.arises(state) & open != 0)
        })
    }

    fn steps(&mut self, state: u32, bit: u64, inside: &mut Vec<Edge>) -> Around {
        let mut around = Around::default();
        let item = self.item(state);
        let (model, found, actions) = (self.model, &mut self.found, &mut self.actions);
        W::look(model, &item, |state| {
            model.actions(state, actions);
            for action in actions.drain(..) {
                let class = class_of(model.fairness(state, &action));
                let Some(next) = model.next_state(state, action) else { continue };
                around.enabled |= class_set(class);
                let open = model.open(&next) & bit != 0;
                if open && model.within_boundary(&next) {
                    let item = W::take(model, next);
                    found.push((W::print(&item), item, class));
                } else {
                    around.leaves = true;
                    around.cut |= open;
                }
            }
        });
        guess(self.kept, found.iter().map(|(print, ..)| *print), &mut self.guesses);
        for ((print, item, class), guess) in found.drain(..).zip(&self.guesses) {
            let guessed = guess.checked_sub(1).filter(|id| self.kept.is(*id, print, &item));
            match guessed.map_or_else(|| self.kept.find(print, &item), Ok) {
                Ok(target) if target < self.expanded => inside.push(Edge { target, class }),
                Ok(_) | Err(_) => around.leaves = true,
            }
        }
        around
    }
}
