//! A random model: a graph whose nodes and edges say everything about it.

use std::hash::{Hash, Hasher};

use iris_check::explore::{
    Claim, Coded, CodedStep, Fairness, Judged, Kind, Obligation, Portable, Subject,
};
use stateright::Model;

use super::common::lcg::Lcg;

#[derive(Debug)]
pub struct Random {
    pub nodes: Vec<Node>,
    pub inits: Vec<usize>,
    kinds: Vec<Kind>,
    /// The claim of each obligation.
    owners: Vec<usize>,
}

#[derive(Debug)]
pub struct Node {
    pub inside: bool,
    pub broken: u64,
    pub exercised: u64,
    pub open: u64,
    pub arises: u64,
    pub edges: Vec<Edge>,
}

#[derive(Debug)]
pub struct Edge {
    /// An action that is offered but not enabled leads nowhere.
    pub to: Option<usize>,
    pub fairness: Fairness,
    pub broken: u64,
    pub exercised: u64,
}

/// A node, and the notes of the step that led to it, which equality and hash leave out.
#[derive(Clone, Debug)]
pub struct Place {
    pub node: usize,
    /// What the step broke and exercised.
    pub step: (u64, u64),
}

impl PartialEq for Place {
    fn eq(&self, other: &Self) -> bool {
        self.node == other.node
    }
}

impl Eq for Place {}

impl Hash for Place {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.node.hash(state);
    }
}

impl Random {
    pub fn new(lcg: &mut Lcg) -> Self {
        let count = 1 + lcg.below(9);
        Self::of(lcg, count)
    }

    /// With so many nodes.
    pub fn of(lcg: &mut Lcg, count: usize) -> Self {
        let kinds =
            vec![Kind::Safety, Kind::Safety, Kind::Reachable, Kind::Progress, Kind::Progress];
        let owners = (0..lcg.below(4)).map(|_| 3 + lcg.below(2)).collect();
        let bounded = lcg.once_in(2);
        let fair = 1 + lcg.below(4);
        let open = 1 + lcg.below(4);
        let busy = 1 + lcg.below(3);
        let nodes = (0..count).map(|_| Node {
            inside: !(bounded && lcg.once_in(4)),
            broken: rare(lcg, 2, 12),
            exercised: rare(lcg, 5, 12),
            open: !rare(lcg, 3, open + 1) & 7,
            arises: rare(lcg, 3, 3),
            edges: (0..lcg.below(busy + 2)).map(|_| edge(lcg, count, fair)).collect(),
        });
        let nodes = nodes.collect();
        let inits = (0..=lcg.below(2)).map(|_| lcg.below(count)).collect();
        Self { nodes, inits, kinds, owners }
    }
}

/// Some of so many bits, each once in so many times.
fn rare(lcg: &mut Lcg, bits: usize, times: usize) -> u64 {
    (0..bits).map(|bit| u64::from(lcg.once_in(times)) << bit).sum()
}

fn edge(lcg: &mut Lcg, count: usize, fair: usize) -> Edge {
    let class = u8::from(lcg.once_in(2));
    Edge {
        to: (!lcg.once_in(8)).then(|| lcg.below(count)),
        fairness: match lcg.below(fair) {
            0 => Fairness::None,
            1 => Fairness::Strong(class),
            _ => Fairness::Weak(class),
        },
        broken: rare(lcg, 2, 25),
        exercised: rare(lcg, 5, 12),
    }
}

impl Model for Random {
    type State = Place;
    type Action = u8;

    fn init_states(&self) -> Vec<Place> {
        self.inits.iter().map(|node| Place { node: *node, step: (0, 0) }).collect()
    }

    fn actions(&self, state: &Place, actions: &mut Vec<u8>) {
        let count = u8::try_from(self.nodes[state.node].edges.len()).expect("few edges");
        actions.extend(0..count);
    }

    fn next_state(&self, state: &Place, action: u8) -> Option<Place> {
        let edge = &self.nodes[state.node].edges[usize::from(action)];
        edge.to.map(|node| Place { node, step: (edge.broken, edge.exercised) })
    }

    fn within_boundary(&self, state: &Place) -> bool {
        self.nodes[state.node].inside
    }
}

impl Subject for Random {
    fn claims(&self) -> Vec<Claim> {
        let claim = |kind: &Kind| Claim { name: format!("{kind:?}"), kind: *kind };
        self.kinds.iter().map(claim).collect()
    }

    fn broken_by_step(&self, state: &Place) -> u64 {
        state.step.0
    }

    fn broken(&self, state: &Place) -> u64 {
        self.nodes[state.node].broken
    }

    fn exercised_by_step(&self, state: &Place) -> u64 {
        state.step.1
    }

    fn exercised(&self, state: &Place) -> u64 {
        self.nodes[state.node].exercised
    }

    fn open(&self, state: &Place) -> u64 {
        self.nodes[state.node].open
    }

    fn arises(&self, state: &Place) -> u64 {
        self.nodes[state.node].arises
    }

    fn obligations(&self) -> Vec<Obligation> {
        let obligation = |claim: &usize| Obligation { claim: *claim, name: String::new() };
        self.owners.iter().map(obligation).collect()
    }

    fn fairness(&self, state: &Place, action: &u8) -> Fairness {
        self.nodes[state.node].edges[usize::from(*action)].fairness
    }
}

impl Coded for Random {
    type Code = [u64; 1];

    fn encode(&self, state: &Place) -> [u64; 1] {
        [state.node as u64]
    }

    fn decode(&self, [node]: &[u64; 1]) -> Place {
        Place { node: usize::try_from(*node).expect("few nodes"), step: (0, 0) }
    }

    /// Of every second node, where all steps stay inside.
    fn steps(
        &self,
        state: &Place,
        _: &[u64; 1],
        steps: &mut Vec<CodedStep<[u64; 1]>>,
    ) -> Option<Judged> {
        let node = &self.nodes[state.node];
        let leaves = |edge: &Edge| edge.to.is_some_and(|to| !self.nodes[to].inside);
        if state.node.is_multiple_of(2) || node.edges.iter().any(leaves) {
            return None;
        }
        steps.extend((0..).zip(&node.edges).filter_map(|(action, edge)| {
            let Edge { fairness, broken, exercised, .. } = *edge;
            let code = [edge.to? as u64];
            Some(CodedStep { action, code, fairness, broken, exercised })
        }));
        Some(Judged { broken: node.broken, open: node.open, arises: node.arises })
    }
}

impl Portable for Random {
    fn pack(&self, state: &Place, bytes: &mut Vec<u8>) {
        // Of different lengths, and some are empty.
        bytes.extend(std::iter::repeat_n(7, state.node));
    }

    fn unpack(&self, bytes: &[u8]) -> Option<Place> {
        bytes.iter().all(|byte| *byte == 7).then_some(Place { node: bytes.len(), step: (0, 0) })
    }
}
