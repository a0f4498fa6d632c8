//! The open states that an obligation can reach from where it arises, and the shortest ways there.

use super::graph::Graph;
use super::limits::Stop;
use super::progress::{History, Poll};
use super::retrace::way_to;

const ABSENT: u32 = u32::MAX;
/// Where the obligation arises: the way there is that of the search.
const ARISES: u32 = u32::MAX - 1;

/// Open states in the order of their distance from the initial states, on ways that stay open
/// since the obligation arose.
pub(super) struct Region {
    order: Vec<u32>,
    /// The place in `order`, by state.
    rank: Vec<u32>,
    /// The state before, by state.
    from: Vec<u32>,
}

impl Region {
    /// `None` if the obligation never arises.
    pub(super) fn new(
        graph: &Graph,
        history: History,
        bit: u64,
        poll: &mut Poll,
    ) -> Result<Option<Self>, Stop> {
        let states = graph.expanded();
        let Some(first) = (0..states).find(|state| graph.arises(*state, bit)) else {
            return Ok(None);
        };
        let absent = vec![ABSENT; states as usize];
        let mut region = Self { order: Vec::new(), rank: absent.clone(), from: absent };
        // Distances grow by one each round; those of the search are the levels.
        let mut depth = history.levels.partition_point(|start| *start <= first) - 1;
        let mut begin = 0;
        loop {
            let end = region.order.len();
            let level = history.levels.get(depth).map_or(states, |start| *start).min(states);
            let below = history.levels.get(depth + 1).map_or(states, |start| *start).min(states);
            for state in level..below {
                poll.step()?;
                if graph.arises(state, bit) {
                    region.add(state, ARISES);
                }
            }
            for at in begin..end {
                let state = region.order[at];
                for edge in graph.edges(state) {
                    poll.step()?;
                    if graph.is_open(edge.target, bit) {
                        region.add(edge.target, state);
                    }
                }
            }
            begin = end;
            depth += 1;
            if begin == region.order.len() && below == states {
                return Ok(Some(region));
            }
        }
    }

    fn add(&mut self, state: u32, from: u32) {
        let rank = &mut self.rank[state as usize];
        if *rank == ABSENT {
            *rank = u32::try_from(self.order.len()).expect("invariant: states are numbered by u32");
            self.from[state as usize] = from;
            self.order.push(state);
        }
    }

    /// All states, by distance.
    pub(super) fn states(&self) -> &[u32] {
        &self.order
    }

    pub(super) fn contains(&self, state: u32) -> bool {
        self.rank(state) != ABSENT
    }

    /// The place by distance; larger than all if the state is not in the region.
    pub(super) fn rank(&self, state: u32) -> u32 {
        self.rank.get(state as usize).map_or(ABSENT, |rank| *rank)
    }

    /// The state with the shortest way to it.
    pub(super) fn nearest(&self, states: &[u32]) -> u32 {
        let nearest = states.iter().copied().min_by_key(|state| self.rank(*state));
        nearest.expect("invariant: a component has states")
    }

    /// The states of the shortest way to a state.
    pub(super) fn stem(&self, history: History, state: u32) -> Vec<u32> {
        let mut back = Vec::new();
        let mut at = state;
        while self.from[at as usize] != ARISES {
            back.push(at);
            at = self.from[at as usize];
        }
        let mut stem = way_to(history.parents, at);
        stem.extend(back.into_iter().rev());
        stem
    }
}
