//! Strongly connected parts of a region, and which of them a fair run can stay in for ever.

use super::graph::{Graph, STRONG, WEAK, class_set};
use super::limits::Stop;
use super::progress::Poll;
use super::region::Region;

/// A state of a component that is complete.
const DONE: u32 = u32::MAX;
const NOT_YET: u32 = 0;

/// Divides a region into parts and these into components (Tarjan, in the form of Pearce).
pub(super) struct Components<'a> {
    graph: &'a Graph,
    region: &'a Region,
    /// Which part a state belongs to; 0 is none. Every component becomes a part of its own.
    part: Vec<u32>,
    parts: u32,
    /// The lowest visit that a state can reach, by state.
    low: Vec<u32>,
    /// Parts that are to be divided again.
    todo: Vec<(u32, Vec<u32>)>,
    /// The fair component with the nearest state, and the rank of that state.
    best: Option<(u32, Vec<u32>)>,
}

/// A visit that is not complete.
struct Frame {
    state: u32,
    next_edge: u32,
    visit: u32,
}

impl<'a> Components<'a> {
    pub(super) fn new(graph: &'a Graph, region: &'a Region) -> Self {
        let none = vec![0; graph.expanded() as usize];
        let (part, low) = (none.clone(), none);
        Self { graph, region, part, parts: 0, low, todo: Vec::new(), best: None }
    }

    /// Of the largest sets of states in which a fair run can stay for ever, visiting each again
    /// and again, the one with the state that has the shortest way to it.
    pub(super) fn nearest_fair(&mut self, poll: &mut Poll) -> Result<Option<Vec<u32>>, Stop> {
        let all = self.region.states().to_vec();
        self.new_part(all);
        while let Some((part, states)) = self.todo.pop() {
            self.divide(part, &states, poll)?;
        }
        Ok(self.best.take().map(|(_, states)| states))
    }

    /// Tells membership of these states alone.
    pub(super) fn only(&mut self, states: &[u32]) -> impl Fn(u32) -> bool + use<'_, 'a> {
        let part = self.mark(states);
        move |state| self.part.get(state as usize) == Some(&part)
    }

    fn mark(&mut self, states: &[u32]) -> u32 {
        self.parts += 1;
        for state in states {
            self.part[*state as usize] = self.parts;
        }
        self.parts
    }

    fn new_part(&mut self, states: Vec<u32>) {
        let part = self.mark(&states);
        self.todo.push((part, states));
    }

    fn divide(&mut self, part: u32, states: &[u32], poll: &mut Poll) -> Result<(), Stop> {
        let mut frames: Vec<Frame> = Vec::new();
        let mut stack: Vec<u32> = Vec::new();
        let mut component: Vec<u32> = Vec::new();
        let mut visits = 0;
        for state in states {
            self.low[*state as usize] = NOT_YET;
        }
        for root in states {
            // A component that is complete has become another part.
            if self.part[*root as usize] != part {
                continue;
            }
            frames.push(self.visit(*root, &mut visits));
            while let Some(frame) = frames.last_mut() {
                poll.step()?;
                let state = frame.state;
                if frame.next_edge < self.graph.edges_of(state).end {
                    let target = self.graph.edge(frame.next_edge).target;
                    frame.next_edge += 1;
                    if self.part.get(target as usize) != Some(&part) {
                        continue;
                    }
                    if self.low[target as usize] == NOT_YET {
                        frames.push(self.visit(target, &mut visits));
                    } else {
                        self.lower(state, target);
                    }
                    continue;
                }
                let visit = frame.visit;
                frames.pop();
                stack.push(state);
                if self.low[state as usize] == visit {
                    // Every state of the component has been visited since this one.
                    while let Some(member) =
                        stack.pop_if(|member| self.low[*member as usize] >= visit)
                    {
                        component.push(member);
                    }
                    self.complete(&component);
                    component.clear();
                }
                if let Some(frame) = frames.last() {
                    self.lower(frame.state, state);
                }
            }
        }
        Ok(())
    }

    fn visit(&mut self, state: u32, visits: &mut u32) -> Frame {
        *visits += 1;
        self.low[state as usize] = *visits;
        Frame { state, next_edge: self.graph.edges_of(state).start, visit: *visits }
    }

    fn lower(&mut self, state: u32, to: u32) {
        self.low[state as usize] = self.low[state as usize].min(self.low[to as usize]);
    }

    /// Is the component fair? If only a strong class is in the way, what is left without the states
    /// where it is enabled may be.
    fn complete(&mut self, states: &[u32]) {
        for state in states {
            self.low[*state as usize] = DONE;
        }
        let part = self.mark(states);
        let rank = self.region.rank(self.region.nearest(states));
        if self.best.as_ref().is_some_and(|(best, _)| *best < rank) {
            return;
        }
        let (mut everywhere, mut somewhere, mut inside) = (WEAK, 0, 0);
        for state in states {
            let mut enabled = 0;
            for edge in self.graph.edges(*state) {
                let set = class_set(edge.class);
                enabled |= set;
                if self.part.get(edge.target as usize) == Some(&part) {
                    inside |= set;
                }
            }
            everywhere &= enabled;
            somewhere |= enabled;
        }
        let missing = somewhere & STRONG & !inside;
        if everywhere & WEAK & !inside != 0 {
            // A class that is enabled everywhere and taken nowhere: smaller sets fare no better.
        } else if missing == 0 {
            self.best = Some((rank, states.to_vec()));
        } else {
            let without = |state: &u32| self.graph.enabled(*state) & missing == 0;
            self.new_part(states.iter().copied().filter(without).collect());
        }
    }
}
