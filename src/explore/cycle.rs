//! A short fair cycle through a component.

use std::collections::BTreeMap;

use super::graph::{Edge, Graph, STRONG, WEAK, class_set};
use super::limits::Stop;
use super::progress::Poll;

/// The edges of a short cycle from a state of a fair component back to it, which makes staying in
/// it fair: each weak class is taken or disabled somewhere on it, each strong class is taken or
/// disabled everywhere on it. No edge if staying in the one state is fair.
///
/// It goes to the nearest thing that is missing, again and again, and then home.
pub(super) fn short_fair(
    graph: &Graph,
    inside: &impl Fn(u32) -> bool,
    entry: u32,
    poll: &mut Poll,
) -> Result<Vec<u32>, Stop> {
    let mut cycle = Vec::new();
    let mut everywhere = graph.enabled(entry);
    let (mut somewhere, mut taken, mut at) = (everywhere, 0, entry);
    loop {
        let missing = (everywhere & WEAK | somewhere & STRONG) & !taken;
        if missing == 0 && at == entry {
            return Ok(cycle);
        }
        let helps = |edge: Edge| match missing {
            0 => edge.target == entry,
            _ => {
                class_set(edge.class) & missing != 0
                    || WEAK & missing & !graph.enabled(edge.target) != 0
            }
        };
        for number in nearest(graph, inside, at, helps, poll)? {
            let edge = graph.edge(number);
            let enabled = graph.enabled(edge.target);
            everywhere &= enabled;
            somewhere |= enabled;
            taken |= class_set(edge.class);
            at = edge.target;
            cycle.push(number);
        }
    }
}

/// The edges of a shortest way inside that ends with an edge that helps.
fn nearest(
    graph: &Graph,
    inside: &impl Fn(u32) -> bool,
    from: u32,
    helps: impl Fn(Edge) -> bool,
    poll: &mut Poll,
) -> Result<Vec<u32>, Stop> {
    let mut queue = vec![from];
    let mut through: BTreeMap<u32, u32> = BTreeMap::new();
    let mut done = 0;
    while let Some(state) = queue.get(done).copied() {
        done += 1;
        for number in graph.edges_of(state) {
            poll.step()?;
            let edge = graph.edge(number);
            if !inside(edge.target) {
                continue;
            }
            if helps(edge) {
                let mut way = vec![number];
                let mut at = state;
                while at != from {
                    let before = through[&at];
                    way.push(before);
                    at = graph.source(before);
                }
                way.reverse();
                return Ok(way);
            }
            if edge.target != from && !through.contains_key(&edge.target) {
                through.insert(edge.target, number);
                queue.push(edge.target);
            }
        }
    }
    panic!("invariant: a fair component has all that makes it fair");
}
