//! A short fair cycle through a component.

use std::collections::BTreeMap;

use super::component::Components;
use super::graph::{Edge, STRONG, Steps, WEAK, class_set};
use super::limits::Stop;
use super::progress::Poll;

/// A fair component whose steps are looked at one by one.
struct Inside<'c, 's, S> {
    components: &'c mut Components<'s, S>,
    part: u32,
    /// The classes enabled in a state, by state: asked for once for each step to it.
    enabled: BTreeMap<u32, u128>,
}

/// The steps of a short cycle from a state of a fair component back to it, which makes staying in
/// it fair: each weak class is taken or disabled somewhere on it, each strong class is taken or
/// disabled everywhere on it. No step if staying in the one state is fair.
///
/// It goes to the nearest thing that is missing, again and again, and then home.
pub(super) fn short_fair<S: Steps>(
    components: &mut Components<'_, S>,
    entry: u32,
    poll: &mut Poll,
) -> Result<Vec<Edge>, Stop> {
    let part = components.fair(entry).expect("invariant: the entry is in a fair component");
    let mut inside = Inside { components, part, enabled: BTreeMap::new() };
    let mut cycle = Vec::new();
    let mut everywhere = inside.enabled(entry);
    let (mut somewhere, mut taken, mut at) = (everywhere, 0, entry);
    loop {
        let missing = (everywhere & WEAK | somewhere & STRONG) & !taken;
        if missing == 0 && at == entry {
            return Ok(cycle);
        }
        for edge in inside.nearest(at, entry, missing, poll)? {
            let enabled = inside.enabled(edge.target);
            everywhere &= enabled;
            somewhere |= enabled;
            taken |= class_set(edge.class);
            at = edge.target;
            cycle.push(edge);
        }
    }
}

impl<S: Steps> Inside<'_, '_, S> {
    fn enabled(&mut self, state: u32) -> u128 {
        if let Some(enabled) = self.enabled.get(&state) {
            return *enabled;
        }
        let enabled = self.components.steps(state, &mut Vec::new()).enabled;
        self.enabled.insert(state, enabled);
        enabled
    }

    /// Does a step bring what is missing, or home if nothing is?
    fn helps(&mut self, edge: Edge, entry: u32, missing: u128) -> bool {
        if missing == 0 {
            return edge.target == entry;
        }
        class_set(edge.class) & missing != 0
            || (WEAK & missing != 0 && WEAK & missing & !self.enabled(edge.target) != 0)
    }

    /// The steps of a shortest way inside that ends with a step that helps.
    fn nearest(
        &mut self,
        from: u32,
        entry: u32,
        missing: u128,
        poll: &mut Poll,
    ) -> Result<Vec<Edge>, Stop> {
        let mut queue = vec![from];
        // By state, whence and how it was reached.
        let mut through: BTreeMap<u32, (u32, Edge)> = BTreeMap::new();
        let mut edges = Vec::new();
        let mut done = 0;
        while let Some(state) = queue.get(done).copied() {
            done += 1;
            edges.clear();
            let around = self.components.steps(state, &mut edges);
            self.enabled.insert(state, around.enabled);
            for edge in edges.drain(..) {
                poll.step()?;
                if self.components.fair(edge.target) != Some(self.part) {
                    continue;
                }
                if self.helps(edge, entry, missing) {
                    let mut way = vec![edge];
                    let mut at = state;
                    while at != from {
                        let (before, edge) = through[&at];
                        way.push(edge);
                        at = before;
                    }
                    way.reverse();
                    return Ok(way);
                }
                if edge.target != from && !through.contains_key(&edge.target) {
                    through.insert(edge.target, (state, edge));
                    queue.push(edge.target);
                }
            }
        }
        panic!("invariant: a fair component has all that makes it fair");
    }
}
