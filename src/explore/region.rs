//! The shortest way to where a fair run can stay for ever with an obligation open.

use super::component::Components;
use super::graph::Steps;
use super::limits::Stop;
use super::progress::{History, Poll};
use super::retrace::way_to;

const ABSENT: u32 = u32::MAX;
/// Where the obligation arises: the way there is that of the search.
const ARISES: u32 = u32::MAX - 1;

/// Open states in the order of their distance from the initial states, on ways that stay open
/// since the obligation arose.
struct Region {
    order: Vec<u32>,
    /// The state before, by state.
    from: Vec<u32>,
}

/// The states of the shortest way to a fair component; the last one belongs to it.
pub(super) fn stem<S: Steps>(
    components: &mut Components<'_, S>,
    history: History,
    poll: &mut Poll,
) -> Result<Vec<u32>, Stop> {
    let states = components.expanded();
    let mut region = Region { order: Vec::new(), from: vec![ABSENT; states as usize] };
    let mut edges = Vec::new();
    let mut begin = 0;
    // Distances grow by one each round; those of the search are the levels.
    for depth in 0.. {
        let end = region.order.len();
        let level = history.levels.get(depth).map_or(states, |start| *start).min(states);
        let below = history.levels.get(depth + 1).map_or(states, |start| *start).min(states);
        for state in level..below {
            poll.step()?;
            if region.is_new(state) && components.arises(state) {
                region.add(state, ARISES);
            }
        }
        for at in begin..end {
            let state = region.order[at];
            edges.clear();
            components.steps(state, &mut edges);
            for edge in &edges {
                poll.step()?;
                if region.is_new(edge.target) {
                    region.add(edge.target, state);
                }
            }
        }
        let nearest = region.order[end..].iter().find(|state| components.fair(**state).is_some());
        if let Some(state) = nearest {
            return Ok(region.stem(history, *state));
        }
        begin = end;
    }
    panic!("invariant: a fair component can be reached");
}

impl Region {
    fn is_new(&self, state: u32) -> bool {
        self.from[state as usize] == ABSENT
    }

    fn add(&mut self, state: u32, from: u32) {
        self.from[state as usize] = from;
        self.order.push(state);
    }

    fn stem(&self, history: History, state: u32) -> Vec<u32> {
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
