//! Search by partial-order reduction: of steps that do not depend on each other one order is taken.
//!
//! In each state a *stubborn set* of transitions (Valmari) is looked for, from what the model says
//! of [`Footprints`]: with an enabled transition all that depend on it, with a disabled one all
//! that could make a false guard of it true. Whatever happens outside of the set neither disables
//! what is enabled in it nor enables the rest of it, and can as well happen later. So its steps
//! suffice (an *ample set*), if besides
//! - they hide no claim, and
//! - one of them leads to a state that is not on this level or one before (the proviso for breadth
//!   first search of Bošnački and Holzmann, by levels and so the same for any number of threads).
//!   Otherwise a cycle could go round for ever that leaves out the same steps in each state; so a
//!   state whose steps are all taken is always ahead.
//!
//! Why nothing is missed: take a run from a visited state to where something is found. If a step
//! of it is in the set, the first such step can be taken first, and what is left is shorter. If
//! none is, the step that leads deeper can be put before the whole run, which finds the same after
//! it; that cannot go on for ever, since in the end all steps of a state are taken. In a deadlock
//! no step is enabled, and so every run to it has a step of the set: deadlocks are kept as well.
//!
//! Progress is another matter. It would need a stronger proviso (some state of each cycle takes all
//! steps), and classes of fairness are about what is enabled, also where it was left out.

use std::cmp::Reverse;

use stateright::Model;

use super::footprint::{Footprints, Transition};
use super::limits::{Limits, Stop};
use super::report::{Report, Verdict};
use super::search::search_few;
use super::subject::{self, Claim, Kind, Subject};

/// Transitions, as bits.
type Set = u128;

/// What a search by partial-order reduction found out.
#[derive(Clone, Debug, PartialEq)]
pub struct Narrowed<S, A> {
    /// What it found; of the states, those that were visited.
    pub report: Report<S, A>,
    /// In how many of them steps were left out.
    pub narrowed: u64,
}

/// Visits the states that are left if of independent steps one order is taken, and decides the
/// claims about states and steps. Runs are real, but need not be the shortest.
///
/// Progress claims are left undecided ([`Stop::PartialOrder`]).
///
/// # Panics
/// As [`search`](super::search()), and if there are more than 128 transitions.
pub fn search_partial_order<M: Subject + Footprints>(
    model: &M,
    limits: &Limits<'_>,
) -> Narrowed<M::State, M::Action> {
    let claims = model.claims();
    let (mut report, narrowed) = search_few(&Finite(model), limits, &Stubborn::new(model, &claims));
    for (claim, verdict) in claims.iter().zip(&mut report.verdicts) {
        if claim.kind == Kind::Progress && !matches!(verdict, Verdict::Incomplete(_)) {
            *verdict = Verdict::Incomplete(Stop::PartialOrder);
        }
    }
    Narrowed { report, narrowed }
}

/// Which actions of a state others make up for.
pub(super) trait Few<M: Model>: Sync {
    /// Marks those; answers whether there are any. A state that `is_later` is expanded after this.
    fn leave_out(
        &self,
        state: &M::State,
        actions: &[M::Action],
        is_later: &dyn Fn(M::State) -> bool,
        left_out: &mut Vec<bool>,
    ) -> bool;
}

/// The model without its progress claims' obligations.
struct Finite<'a, M>(&'a M);

impl<M: Subject> Model for Finite<'_, M> {
    type State = M::State;
    type Action = M::Action;

    fn init_states(&self) -> Vec<M::State> {
        self.0.init_states()
    }

    fn actions(&self, state: &M::State, actions: &mut Vec<M::Action>) {
        self.0.actions(state, actions);
    }

    fn next_state(&self, last: &M::State, action: M::Action) -> Option<M::State> {
        self.0.next_state(last, action)
    }

    fn within_boundary(&self, state: &M::State) -> bool {
        self.0.within_boundary(state)
    }
}

impl<M: Subject> Subject for Finite<'_, M> {
    fn claims(&self) -> Vec<Claim> {
        self.0.claims()
    }

    fn broken_by_step(&self, state: &M::State) -> u64 {
        self.0.broken_by_step(state)
    }

    fn broken(&self, state: &M::State) -> u64 {
        self.0.broken(state)
    }

    fn exercised_by_step(&self, state: &M::State) -> u64 {
        self.0.exercised_by_step(state)
    }

    fn exercised(&self, state: &M::State) -> u64 {
        self.0.exercised(state)
    }

    fn state_bytes(&self) -> usize {
        self.0.state_bytes()
    }
}

/// Finds stubborn sets.
struct Stubborn<'a, M> {
    model: &'a M,
    transitions: Vec<Needs>,
    /// The claims that are decided.
    decided: u64,
}

/// What must be in a set with a transition.
struct Needs {
    /// If it may be enabled: all that depend on it.
    dependent: Set,
    /// If it is not: all that can make a guard true, by guard.
    guards: Vec<Set>,
    /// The same if no guard is false.
    enabling: Set,
}

impl<'a, M: Subject + Footprints> Stubborn<'a, M> {
    fn new(model: &'a M, claims: &[Claim]) -> Self {
        let transitions = model.transitions();
        assert!(transitions.len() <= 128, "at most 128 transitions");
        let decided = subject::those(claims, |kind| kind != Kind::Progress);
        let those = |are: &dyn Fn(&Transition) -> bool| -> Set {
            transitions.iter().enumerate().map(|(at, it)| Set::from(are(it)) << at).sum()
        };
        let writers = |of: u128| those(&|it| it.writes & of != 0);
        let needs = transitions.iter().map(|one| Needs {
            dependent: those(&|it| it.depends_on(one)),
            guards: one.guards.iter().map(|guard| writers(*guard)).collect(),
            enabling: writers(one.all_reads()),
        });
        Self { model, transitions: needs.collect(), decided }
    }

    /// The transitions that are offered of a small stubborn set with this one; nothing if they are
    /// all that are offered, or one is in the way.
    fn offered_with(
        &self,
        seed: usize,
        state: &M::State,
        offered: Set,
        in_the_way: Set,
    ) -> Option<Set> {
        let mut set: Set = 1 << seed;
        if set & in_the_way != 0 {
            return None;
        }
        let mut todo = set;
        while todo != 0 {
            let one = todo.trailing_zeros() as usize;
            todo &= todo - 1;
            let needs = &self.transitions[one];
            // It may still turn out to be disabled: then this is more than is needed.
            let more = if offered >> one & 1 == 1 {
                needs.dependent
            } else {
                let false_guards = needs
                    .guards
                    .iter()
                    .enumerate()
                    .filter(|(guard, _)| !self.model.guard(state, one, *guard));
                let least = false_guards.map(|(_, set)| *set);
                least.min_by_key(|more| (more & !set).count_ones()).unwrap_or(needs.enabling)
            };
            todo |= more & !set;
            set |= more;
            if set & offered == offered || set & in_the_way != 0 {
                return None;
            }
        }
        Some(set & offered)
    }
}

impl<M: Subject + Footprints> Few<Finite<'_, M>> for Stubborn<'_, M> {
    fn leave_out(
        &self,
        state: &M::State,
        actions: &[M::Action],
        is_later: &dyn Fn(M::State) -> bool,
        left_out: &mut Vec<bool>,
    ) -> bool {
        let model = self.model;
        let of = |action: &M::Action| model.transition(state, action);
        let offered: Set = actions.iter().fold(0, |set, action| set | 1 << of(action));
        // What is offered may be disabled all the same: where a guard says so it is not counted.
        let is_possible = |at: &usize| {
            offered >> at & 1 == 1
                && (0..self.transitions[*at].guards.len())
                    .all(|guard| model.guard(state, *at, guard))
        };
        let seeds: Vec<usize> = (0..self.transitions.len()).filter(is_possible).collect();
        let offered = seeds.iter().fold(0, |set, at| set | 1 << at);
        let hides = |at: &usize| Set::from(model.hides(state, *at) & self.decided != 0) << at;
        let hiding: Set = seeds.iter().map(hides).sum();
        let sets =
            seeds.into_iter().filter_map(|seed| self.offered_with(seed, state, offered, hiding));
        let mut sets: Vec<Set> = sets.collect();
        // The smallest first, among equals the one with the first transition.
        sets.sort_by_key(|set| (set.count_ones(), Reverse(set.reverse_bits())));
        sets.dedup();
        let suffices = |set: &Set| {
            let mut inside = actions.iter().filter(|action| set >> of(action) & 1 == 1);
            inside.any(|action| {
                let next = model.next_state(state, action.clone());
                next.is_some_and(|next| model.within_boundary(&next) && is_later(next))
            })
        };
        let Some(few) = sets.into_iter().find(suffices) else { return false };
        left_out.clear();
        left_out.extend(actions.iter().map(|action| few >> of(action) & 1 == 0));
        true
    }
}
