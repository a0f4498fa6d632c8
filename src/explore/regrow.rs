//! The steps of states that are kept whole, generated again whenever they are asked for: storing
//! them would take several times what the states take.

use super::graph::{Around, Edge, FRESH, Steps, class_of, class_set};
use super::recent::Recent;
use super::subject::Subject;
use super::way::{Guess, Keep, Mark, Way};

pub(super) struct Regrow<'a, M: Subject, W: Way<M>> {
    model: &'a M,
    kept: &'a W::Keep,
    expanded: u32,
    actions: Vec<M::Action>,
    /// What is to be looked up.
    found: Vec<Found<W::Item>>,
    guesses: Vec<Guess>,
    /// What was looked up a short while ago, and its number.
    recent: Recent<(Mark<M, W>, u32)>,
}

/// A state inside, and which of the edges leads to it.
struct Found<I> {
    print: u64,
    item: I,
    edge: usize,
}

impl<'a, M: Subject, W: Way<M>> Regrow<'a, M, W> {
    pub(super) fn new(model: &'a M, kept: &'a W::Keep, expanded: u32) -> Self {
        let mut recent = Recent::new();
        if let Some(first) = (expanded > 0).then(|| kept.item(0)).flatten() {
            recent.fit(expanded as usize, &(W::Keep::mark(W::print(&first), &first), 0));
        }
        let (actions, found, guesses) = (Vec::new(), Vec::new(), Vec::new());
        Self { model, kept, expanded, actions, found, guesses, recent }
    }

    fn item(&self, state: u32) -> W::Item {
        self.kept.item(state).expect("invariant: every item is kept")
    }

    /// Gives the edges that have none their targets; was everything expanded?
    fn look_up(&mut self, edges: &mut [Edge]) -> bool {
        self.guesses.clear();
        self.guesses.extend(self.found.iter().map(|it| self.kept.guess(it.print)));
        let mut all = true;
        for (Found { print, item, edge }, guess) in self.found.drain(..).zip(&self.guesses) {
            let guessed = guess.number().filter(|id| self.kept.is(*id, print, &item));
            match guessed.map_or_else(|| self.kept.find(print, &item), Ok) {
                Ok(target) if target < self.expanded => {
                    edges[edge].target = target;
                    *self.recent.slot(print) = (W::Keep::mark(print, &item), target);
                }
                Ok(_) | Err(_) => all = false,
            }
        }
        all
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
        let (item, first) = (self.item(state), inside.len());
        let Self { model, kept, actions, found, recent, .. } = self;
        W::look(*model, &item, |state| {
            model.actions(state, actions);
            for action in actions.drain(..) {
                let class = class_of(model.fairness(state, &action));
                let Some(next) = model.next_state(state, action) else { continue };
                around.enabled |= class_set(class);
                let open = model.open(&next) & bit != 0;
                if open && model.within_boundary(&next) {
                    let item = W::take(*model, next);
                    let print = W::print(&item);
                    let (mark, number) = recent.slot(print);
                    let mut target = *number;
                    if *mark != W::Keep::mark(print, &item) {
                        target = FRESH;
                        kept.fetch(print);
                        found.push(Found { print, item, edge: inside.len() - first });
                    }
                    inside.push(Edge { target, class });
                } else {
                    around.leaves = true;
                    around.cut |= open;
                }
            }
        });
        if !self.look_up(&mut inside[first..]) {
            around.leaves = true;
            let mut kept = first;
            for at in first..inside.len() {
                let edge = inside[at];
                inside[kept] = edge;
                kept += usize::from(edge.target != FRESH);
            }
            inside.truncate(kept);
        }
        around
    }
}

#[cfg(test)]
mod tests {
    use stateright::Model;

    use super::super::coded::Coded;
    use super::super::codes::Codes;
    use super::super::subject::{Claim, Fairness};
    use super::super::way::ByCode;
    use super::*;

    /// Numbers modulo a prime.
    struct Ring;

    const SIZE: u32 = 5_003;

    impl Model for Ring {
        type State = u64;
        type Action = u64;

        fn init_states(&self) -> Vec<u64> {
            vec![0]
        }

        fn actions(&self, state: &u64, actions: &mut Vec<u64>) {
            actions.extend(0..=state % 7);
        }

        fn next_state(&self, state: &u64, action: u64) -> Option<u64> {
            // To neighbours, to anywhere, and home.
            let next = match action {
                0 | 3 => state * state + 1,
                5 => 0,
                _ => state + action * action,
            };
            Some(next % u64::from(SIZE))
        }

        fn within_boundary(&self, state: &u64) -> bool {
            state % 11 != 3
        }
    }

    impl Subject for Ring {
        fn claims(&self) -> Vec<Claim> {
            Vec::new()
        }

        fn open(&self, state: &u64) -> u64 {
            u64::from(state % 5 != 2)
        }

        fn fairness(&self, _: &u64, action: &u64) -> Fairness {
            match u8::try_from(*action) {
                Ok(class) if class != 4 => Fairness::Weak(class),
                Ok(_) | Err(_) => Fairness::None,
            }
        }
    }

    impl Coded for Ring {
        type Code = [u64; 1];

        fn encode(&self, state: &u64) -> [u64; 1] {
            [*state]
        }

        fn decode(&self, [state]: &[u64; 1]) -> u64 {
            *state
        }
    }

    type Ways = ByCode<Codes<[u64; 1]>>;

    /// The number of a state is the state.
    fn all() -> Codes<[u64; 1]> {
        let mut codes = <Codes<[u64; 1]> as Keep<[u64; 1]>>::new();
        codes = codes.grown(SIZE as usize);
        for id in 0..SIZE {
            let item = [u64::from(id)];
            let print = <Ways as Way<Ring>>::print(&item);
            let slot = codes.find(print, &item).expect_err("it is new");
            codes.fill(slot, print, &item, id);
        }
        codes
    }

    #[test]
    fn steps_are_those_of_the_model_whatever_is_remembered() {
        let codes = all();
        for expanded in [SIZE, SIZE - 1, SIZE / 2, 1] {
            let mut regrow = Regrow::<Ring, Ways>::new(&Ring, &codes, expanded);
            assert!(regrow.recent.len() < SIZE as usize / 2, "some are forgotten");
            let mut edges = vec![Edge { target: 7, class: 7 }];
            // Twice, so that each is asked for with others remembered.
            for state in (0..expanded).chain((0..expanded).rev()) {
                edges.truncate(1);
                let around = regrow.steps(state, 1, &mut edges);
                let (mut expected, mut leaves, mut cut) = (vec![(7, 7)], false, false);
                for action in 0..=u64::from(state) % 7 {
                    let next = Ring.next_state(&state.into(), action).expect("there is one");
                    let inside = Ring.open(&next) == 1 && Ring.within_boundary(&next);
                    cut |= Ring.open(&next) == 1 && !Ring.within_boundary(&next);
                    match u32::try_from(next) {
                        Ok(target) if inside && target < expanded => {
                            let class = class_of(Ring.fairness(&state.into(), &action));
                            expected.push((target, class));
                        }
                        Ok(_) | Err(_) => leaves = true,
                    }
                }
                let found: Vec<_> = edges.iter().map(|it| (it.target, it.class)).collect();
                assert_eq!(found, expected, "{state} of {expanded}");
                assert_eq!((around.leaves, around.cut), (leaves, cut), "{state} of {expanded}");
            }
        }
    }
}
