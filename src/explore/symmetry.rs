//! Search up to symmetry: of all states that differ in names only, one is visited.

use std::sync::atomic::{AtomicU64, Ordering};

use stateright::Model;

use super::limits::{Limits, Stop};
use super::report::{Counterexample, Path, Report, Verdict};
use super::search::search;
use super::subject::{Claim, Kind, Subject};

/// A model in which names can be exchanged without anybody noticing.
///
/// There must be a group of bijections of the states that map initial states to initial states,
/// and the successors of a state to those of its image, and under which the boundary, the safety
/// claims and what exercises claims are the same: of states and of the steps that led to them, so
/// notes about steps go along.
pub trait Symmetric: Subject {
    /// The image of a state under one of the bijections: the same one for all the images of a
    /// state. Where it is not, more states are visited than need be, and nothing worse happens.
    fn representative(&self, state: Self::State) -> Self::State;

    /// How many states are images of this one, itself counted: what a search without symmetry would
    /// have visited for it. Asked once for each visited state; it decides nothing.
    fn images(&self, state: &Self::State) -> u64;
}

/// What a search up to symmetry found out.
#[derive(Clone, Debug, PartialEq)]
pub struct Reduced<S, A> {
    /// What it found; of the states, those that were visited.
    pub report: Report<S, A>,
    /// How many states those stand for: as many as a search without symmetry visits that comes as
    /// far.
    pub stands_for: u64,
}

/// Visits one of all states that differ in names only, and decides the claims about states and
/// steps. Runs are such as the model itself takes, and as short as without.
///
/// Progress claims are left undecided ([`Stop::Symmetry`]): what must happen sooner or later must
/// happen to each by name, and a cycle of representatives may be one in which names wander.
///
/// # Panics
/// As [`search`], and if the model is not symmetric after all, where a run shows it.
pub fn search_symmetric<M: Symmetric>(
    model: &M,
    limits: &Limits<'_>,
) -> Reduced<M::State, M::Action> {
    let quotient = Quotient { model, stands_for: AtomicU64::new(0) };
    let mut report = search(&quotient, limits);
    let claims = model.claims();
    for (at, (claim, verdict)) in claims.iter().zip(&mut report.verdicts).enumerate() {
        let broken =
            |state: &M::State| (model.broken(state) | model.broken_by_step(state)) >> at & 1 == 1;
        match (claim.kind, &mut *verdict) {
            (Kind::Progress, Verdict::Incomplete(_)) => {}
            (Kind::Progress, _) => *verdict = Verdict::Incomplete(Stop::Symmetry),
            (_, Verdict::Violated(Counterexample::Finite(path))) => {
                *path = unfold(model, path, broken).expect(NOT_SYMMETRIC);
            }
            _ => {}
        }
    }
    for (at, witness) in report.witnesses.iter_mut().enumerate() {
        let exercised = |state: &M::State| {
            (model.exercised(state) | model.exercised_by_step(state)) >> at & 1 == 1
        };
        if let Some(path) = witness {
            // A model may note such a thing only the first time.
            let real = unfold(model, path, exercised).or_else(|| unfold(model, path, |_| true));
            *path = real.expect(NOT_SYMMETRIC);
        }
    }
    Reduced { report, stands_for: quotient.stands_for.into_inner() }
}

const NOT_SYMMETRIC: &str =
    "the model is not symmetric: what a state can do is not what the one that stands for it can";

/// The model of representatives.
struct Quotient<'a, M> {
    model: &'a M,
    /// What the states that were judged stand for: a sum, whatever their order.
    stands_for: AtomicU64,
}

impl<M: Symmetric> Model for Quotient<'_, M> {
    type State = M::State;
    type Action = M::Action;

    fn init_states(&self) -> Vec<M::State> {
        self.model.init_states().into_iter().map(|state| self.model.representative(state)).collect()
    }

    fn actions(&self, state: &M::State, actions: &mut Vec<M::Action>) {
        self.model.actions(state, actions);
    }

    fn next_state(&self, last: &M::State, action: M::Action) -> Option<M::State> {
        self.model.next_state(last, action).map(|state| self.model.representative(state))
    }

    fn within_boundary(&self, state: &M::State) -> bool {
        self.model.within_boundary(state)
    }
}

impl<M: Symmetric> Subject for Quotient<'_, M> {
    fn claims(&self) -> Vec<Claim> {
        self.model.claims()
    }

    fn broken_by_step(&self, state: &M::State) -> u64 {
        self.model.broken_by_step(state)
    }

    /// Each visited state is judged once.
    fn broken(&self, state: &M::State) -> u64 {
        self.stands_for.fetch_add(self.model.images(state), Ordering::Relaxed);
        self.model.broken(state)
    }

    fn exercised_by_step(&self, state: &M::State) -> u64 {
        self.model.exercised_by_step(state)
    }

    fn exercised(&self, state: &M::State) -> u64 {
        self.model.exercised(state)
    }

    fn state_bytes(&self) -> usize {
        self.model.state_bytes()
    }
}

/// A run of the model through states that those of a run of representatives stand for, to one at
/// which it is so; nothing if there is no such run.
fn unfold<M: Symmetric>(
    model: &M,
    short: &Path<M::State, M::Action>,
    is_so: impl Fn(&M::State) -> bool,
) -> Option<Path<M::State, M::Action>> {
    let ends = short.steps.len();
    let fits = |state: &M::State, stands: &M::State, at: usize| {
        model.representative(state.clone()) == *stands && (at < ends || is_so(state))
    };
    let init = model.init_states().into_iter().find(|state| fits(state, &short.init, 0))?;
    let mut path = Path { init, steps: Vec::with_capacity(ends) };
    let mut actions = Vec::new();
    for (at, (_, stands)) in (1..).zip(&short.steps) {
        let from = path.last();
        model.actions(from, &mut actions);
        let step = actions.drain(..).find_map(|action| {
            let next = model.next_state(from, action.clone())?;
            (model.within_boundary(&next) && fits(&next, stands, at)).then_some((action, next))
        });
        path.steps.push(step?);
    }
    Some(path)
}
