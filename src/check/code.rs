//! States in a few words: the numbers of their parts, of which each is kept once.
//!
//! A code is exact: two states are equal exactly if their codes are. To get the number of what a
//! step left alone, nobody looks at more than its address; to make a state of a code, its parts are
//! shared and none is copied but the small rest.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use smallvec::SmallVec;

use crate::controller_sm::ControllerSm;
use crate::explore::{Coded, CodedStep, Judged, Subject, fingerprint};
use crate::model::budget::Tally;
use crate::model::id::{AttemptId, Seat, TaskId, WorkerId};
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

impl Parts {
    /// The number of a controller.
    pub(super) fn controller(&self, controller: &Arc<ControllerSm>) -> u32 {
        self.controllers.number(controller)
    }

    /// The number of a node.
    pub(super) fn node(&self, node: &Arc<Node>) -> u32 {
        self.nodes.number(node)
    }

    /// The number of these nodes together, by their numbers.
    pub(super) fn fleet(&self, numbers: &Numbers) -> u32 {
        let make = || {
            let nodes = numbers.iter().map(|number| Arc::clone(self.nodes.part(*number)));
            Arc::new(Fleet { nodes: nodes.collect(), numbers: numbers.clone() })
        };
        self.fleets.find(fingerprint(numbers), |fleet| fleet.numbers == *numbers, make)
    }

    /// The numbers of the nodes that are together under this number.
    pub(super) fn nodes_of(&self, fleet: u32) -> &Numbers {
        &self.fleets.part(fleet).numbers
    }

    /// The number of what a state has beside its machines.
    pub(super) fn rest(&self, state: &State) -> u32 {
        let make = || Arc::new(Rest::of(state));
        self.rests.find(fingerprint(&RestOf(state)), |rest| rest.is_of(state), make)
    }

    /// Puts what a worker has of the rest of this number in the place of what it has in a state.
    pub(super) fn put_part(&self, rest: u32, of: WorkerId, state: &mut State) {
        let part = self.rests.part(rest);
        let others = |worker: WorkerId| worker != of;
        state.net.retain(|it| others(it.seat().worker));
        state.net.extend(part.net.iter().copied());
        state.net.sort_unstable();
        state.strays.retain(|it| others(it.seat.worker));
        state.strays.extend(part.strays.iter().cloned());
        state.strays.sort_unstable();
        state.beats.retain(|it| others(it.seat.worker));
        state.beats.extend(part.beats.iter().cloned());
        state.beats.sort_unstable();
        state.answers.retain(|it| others(it.0.worker));
        state.answers.extend(part.answers.iter().cloned());
        state.answers.sort_unstable();
        state.exits.retain(|it| others(it.1.worker));
        state.exits.extend(part.exits.iter().copied());
        state.exits.sort_unstable();
        // The rest belongs to nobody, and is in every part.
        (state.up, state.submitted, state.left) = (part.up, part.submitted, part.left);
        state.forgotten = SmallVec::from_slice(&part.forgotten);
        state.started = SmallVec::from_slice(&part.started);
    }
}

/// Numbers of nodes.
pub(super) type Numbers = SmallVec<[u32; 4]>;

/// What a code says: the numbers of the parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) controller: u32,
    pub(super) fleet: u32,
    pub(super) rest: u32,
}

impl Named {
    pub(super) fn of(code: &[u64; 2]) -> Self {
        let half = |word: u64| u32::try_from(word & u64::from(u32::MAX)).unwrap_or(u32::MAX);
        Self { controller: half(code[0]), fleet: half(code[1]), rest: half(code[0] >> 32) }
    }

    pub(super) fn code(self) -> [u64; 2] {
        [u64::from(self.controller) | u64::from(self.rest) << 32, u64::from(self.fleet)]
    }
}

/// The nodes of a state.
struct Fleet {
    numbers: Numbers,
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
        let numbers: Numbers = state.nodes.iter().map(|node| parts.node(node)).collect();
        let controller = parts.controller(&state.controller);
        Named { controller, fleet: parts.fleet(&numbers), rest: parts.rest(state) }.code()
    }

    fn decode(&self, code: &[u64; 2]) -> State {
        let parts = self.parts();
        let named = Named::of(code);
        let rest = parts.rests.part(named.rest);
        let scope = self.scope();
        State {
            controller: Arc::clone(parts.controllers.part(named.controller)),
            nodes: parts.fleets.part(named.fleet).nodes.clone(),
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

    fn steps(
        &self,
        state: &State,
        code: &[u64; 2],
        steps: &mut Vec<CodedStep<[u64; 2]>>,
    ) -> Option<Judged> {
        if self.works_apart() { self.steps_of_parts(state, Named::of(code), steps) } else { None }
    }

    /// With its share of the parts, of which a controller with its records is the largest.
    fn code_bytes(&self) -> usize {
        size_of::<[u64; 2]>() + self.state_bytes() / STATES_PER_PART
    }
}
