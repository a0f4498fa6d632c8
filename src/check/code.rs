//! States in a few words: the numbers of their parts, of which each is kept once.
//!
//! A code is exact: two states are equal exactly if their codes are. To get the number of what a
//! step left alone, nobody looks at more than its address; to make a state of a code, its parts are
//! shared and none is copied but the small rest.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use smallvec::SmallVec;

use crate::controller_sm::ControllerSm;
use crate::explore::{Coded, Subject, fingerprint};
use crate::model::budget::Tally;
use crate::model::id::{AttemptId, Seat, TaskId};
use crate::model::operation::FaultKind;
use crate::model::wire::{BeatReply, Heartbeat};

use super::model::ClusterModel;
use super::pool::Pool;
use super::scope::Clocks;
use super::state::{CloudSlice, Message, Node, Note, State};
use super::step::Machines;

/// One part more for about so many states: 14 to 16 in the larger standard scopes.
const STATES_PER_PART: usize = 16;

/// The parts of all states of a model that were seen.
pub(super) struct Parts {
    controllers: Pool<ControllerSm>,
    nodes: Pool<Node>,
    /// Which nodes a state has.
    fleets: Pool<Fleet>,
    rests: Pool<Rest>,
}

impl Parts {
    pub(super) fn new() -> Self {
        Self {
            controllers: Pool::new(),
            nodes: Pool::new(),
            fleets: Pool::new(),
            rests: Pool::new(),
        }
    }

    /// Puts what equal states have in the place of what a state has, so that what is equal is the
    /// same.
    pub(super) fn share(&self, state: &mut State) {
        let number = self.controllers.number(&state.controller);
        let own = self.controllers.part(number);
        if !Arc::ptr_eq(own, &state.controller) {
            state.controller = Arc::clone(own);
        }
    }
}

/// The nodes of a state.
struct Fleet {
    numbers: SmallVec<[u32; 4]>,
    nodes: SmallVec<[Arc<Node>; 2]>,
}

/// A state without its machines.
struct Rest {
    up: bool,
    net: SmallVec<[Message; 4]>,
    strays: Vec<Heartbeat>,
    beats: Vec<Heartbeat>,
    answers: Vec<(Seat, BeatReply)>,
    cloud: SmallVec<[CloudSlice; 1]>,
    submitted: u8,
    left: u128,
    forgotten: SmallVec<[(TaskId, Tally); 2]>,
    started: SmallVec<[AttemptId; 2]>,
    exits: SmallVec<[(AttemptId, Seat); 1]>,
}

impl Rest {
    fn of(state: &State) -> Self {
        Self {
            up: state.up,
            net: state.net.clone(),
            strays: state.strays.clone(),
            beats: state.beats.clone(),
            answers: state.answers.clone(),
            cloud: state.cloud.clone(),
            submitted: state.submitted,
            left: state.left,
            forgotten: state.forgotten.clone(),
            started: state.started.clone(),
            exits: state.exits.clone(),
        }
    }

    fn is_of(&self, state: &State) -> bool {
        (self.up, self.submitted, self.left) == (state.up, state.submitted, state.left)
            && self.net == state.net
            && self.strays == state.strays
            && (&self.beats, &self.answers) == (&state.beats, &state.answers)
            && self.cloud == state.cloud
            && self.forgotten == state.forgotten
            && self.started == state.started
            && self.exits == state.exits
    }
}

/// What a state hashes beside its machines.
struct RestOf<'a>(&'a State);

impl Hash for RestOf<'_> {
    fn hash<H: Hasher>(&self, out: &mut H) {
        self.0.hash_rest(out);
    }
}

impl<M: Machines> Coded for ClusterModel<M> {
    /// Controller and rest, then the nodes.
    type Code = [u64; 2];

    fn encode(&self, state: &State) -> [u64; 2] {
        let parts = self.parts();
        let controller = parts.controllers.number(&state.controller);
        let numbers: SmallVec<[u32; 4]> =
            state.nodes.iter().map(|node| parts.nodes.number(node)).collect();
        let fleet = parts.fleets.find(
            fingerprint(&numbers),
            |fleet| fleet.numbers == numbers,
            || {
                let nodes = numbers.iter().map(|number| Arc::clone(parts.nodes.part(*number)));
                Arc::new(Fleet { nodes: nodes.collect(), numbers: numbers.clone() })
            },
        );
        let rest = parts.rests.find(
            fingerprint(&RestOf(state)),
            |rest| rest.is_of(state),
            || Arc::new(Rest::of(state)),
        );
        [u64::from(controller) | u64::from(rest) << 32, u64::from(fleet)]
    }

    fn decode(&self, code: &[u64; 2]) -> State {
        let parts = self.parts();
        let half = |word: u64| u32::try_from(word & u64::from(u32::MAX)).unwrap_or(u32::MAX);
        let rest = parts.rests.part(half(code[0] >> 32));
        let scope = self.scope();
        State {
            controller: Arc::clone(parts.controllers.part(half(code[0]))),
            nodes: parts.fleets.part(half(code[1])).nodes.clone(),
            up: rest.up,
            net: SmallVec::from_slice(&rest.net),
            strays: rest.strays.clone(),
            beats: rest.beats.clone(),
            answers: rest.answers.clone(),
            cloud: rest.cloud.clone(),
            submitted: rest.submitted,
            left: rest.left,
            forgotten: SmallVec::from_slice(&rest.forgotten),
            started: SmallVec::from_slice(&rest.started),
            exits: SmallVec::from_slice(&rest.exits),
            clocks_are_kept: scope.clocks == Clocks::Kept,
            reports_repeat: scope.faults.offers(FaultKind::ReportDuplicated),
            note: Note::default(),
        }
    }

    /// With its share of the parts, of which a controller with its records is the largest.
    fn code_bytes(&self) -> usize {
        size_of::<[u64; 2]>() + self.state_bytes() / STATES_PER_PART
    }
}
