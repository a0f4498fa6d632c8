//! Any `stateright` model as a subject.

use std::collections::BTreeSet;
use std::fmt;
use std::hash::Hash;

use stateright::{Expectation, Model, Property};

use super::coded::Coded;
use super::footprint::{Footprints, Transition};
use super::portable::Portable;
use super::subject::{Claim, Fairness, Kind, Obligation, Subject, Value};
use super::table::fingerprint;

/// Any `stateright` model as a subject: its properties are the claims, by index.
///
/// `always` becomes [`Kind::Safety`], `sometimes` [`Kind::Reachable`], `eventually`
/// [`Kind::Progress`]: from every initial state, whatever happens, as long as something does while
/// it can. Nothing is assumed about *which* action is taken, so every reachable deadlock or cycle
/// that avoids the condition is a violation. Everything counts as exercised.
pub struct Plain<M: Model> {
    model: M,
    properties: Vec<Property<M>>,
    /// Which of them are of each kind, as bits: asked for again and again.
    always: u64,
    sometimes: u64,
    eventually: u64,
    /// Fingerprints of the initial states: obligations arise there.
    inits: BTreeSet<u64>,
}

impl<M: Model<State: Hash>> Plain<M> {
    /// Takes a model as it is.
    ///
    /// # Panics
    /// If it has more than 64 properties.
    pub fn new(model: M) -> Self {
        let properties = model.properties();
        assert!(properties.len() <= 64, "at most 64 properties");
        let inits = model.init_states().iter().map(fingerprint).collect();
        let are = |kind: &Expectation| {
            let bit = |(index, property): (usize, &Property<M>)| {
                u64::from(property.expectation == *kind) << index
            };
            properties.iter().enumerate().map(bit).sum()
        };
        let (always, sometimes) = (are(&Expectation::Always), are(&Expectation::Sometimes));
        let eventually = are(&Expectation::Eventually);
        Self { model, properties, always, sometimes, eventually, inits }
    }
}

impl<M: Model> fmt::Debug for Plain<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.properties.iter().map(|property| property.name).collect();
        f.debug_struct("Plain").field("properties", &names).finish_non_exhaustive()
    }
}

impl<M: Model> Plain<M> {
    /// Of some properties, as bits, those whose condition is (or is not) true in a state.
    fn those_where(&self, some: u64, truth: bool, state: &M::State) -> u64 {
        let (mut left, mut bits) = (some, 0);
        while left != 0 {
            let index = left.trailing_zeros();
            left &= left - 1;
            if (self.properties[index as usize].condition)(&self.model, state) == truth {
                bits |= 1 << index;
            }
        }
        bits
    }
}

impl<M: Model> Model for Plain<M> {
    type State = M::State;
    type Action = M::Action;

    fn init_states(&self) -> Vec<Self::State> {
        self.model.init_states()
    }

    fn actions(&self, state: &Self::State, actions: &mut Vec<Self::Action>) {
        self.model.actions(state, actions);
    }

    fn next_state(&self, last_state: &Self::State, action: Self::Action) -> Option<Self::State> {
        self.model.next_state(last_state, action)
    }

    fn within_boundary(&self, state: &Self::State) -> bool {
        self.model.within_boundary(state)
    }
}

impl<M: Coded> Coded for Plain<M> {
    type Code = M::Code;

    fn encode(&self, state: &Self::State) -> M::Code {
        self.model.encode(state)
    }

    fn decode(&self, code: &M::Code) -> Self::State {
        self.model.decode(code)
    }

    fn code_bytes(&self) -> usize {
        self.model.code_bytes()
    }
}

/// The bit of a claim is the index of its property.
impl<M: Footprints> Footprints for Plain<M> {
    fn transitions(&self) -> Vec<Transition> {
        self.model.transitions()
    }

    fn transition(&self, state: &Self::State, action: &Self::Action) -> usize {
        self.model.transition(state, action)
    }

    fn guard(&self, state: &Self::State, transition: usize, guard: usize) -> bool {
        self.model.guard(state, transition, guard)
    }

    fn hides(&self, state: &Self::State, transition: usize) -> u64 {
        self.model.hides(state, transition)
    }
}

impl<M: Portable> Portable for Plain<M> {
    fn pack(&self, state: &Self::State, bytes: &mut Vec<u8>) {
        self.model.pack(state, bytes);
    }

    fn unpack(&self, bytes: &[u8]) -> Option<Self::State> {
        self.model.unpack(bytes)
    }
}

impl<M: Model<State: Hash + Value, Action: Value> + Sync> Subject for Plain<M> {
    fn claims(&self) -> Vec<Claim> {
        let claim = |property: &Property<M>| Claim {
            name: property.name.to_owned(),
            kind: match property.expectation {
                Expectation::Always => Kind::Safety,
                Expectation::Sometimes => Kind::Reachable,
                Expectation::Eventually => Kind::Progress,
            },
        };
        self.properties.iter().map(claim).collect()
    }

    fn broken(&self, state: &Self::State) -> u64 {
        self.those_where(self.always, false, state)
    }

    fn exercised(&self, state: &Self::State) -> u64 {
        let met = self.those_where(self.sometimes, true, state);
        self.always | self.eventually | met
    }

    /// The obligation of a property has the property's number; those of others are never open.
    fn open(&self, state: &Self::State) -> u64 {
        self.those_where(self.eventually, false, state)
    }

    fn arises(&self, state: &Self::State) -> u64 {
        if self.inits.contains(&fingerprint(state)) { self.open(state) } else { 0 }
    }

    fn obligations(&self) -> Vec<Obligation> {
        if self.eventually == 0 {
            return Vec::new();
        }
        let obligation = |(claim, property): (usize, &Property<M>)| Obligation {
            claim,
            name: property.name.to_owned(),
        };
        self.properties.iter().enumerate().map(obligation).collect()
    }

    /// Something happens as long as something can: all actions are one weakly fair class.
    fn fairness(&self, _: &Self::State, _: &Self::Action) -> Fairness {
        Fairness::Weak(0)
    }
}
