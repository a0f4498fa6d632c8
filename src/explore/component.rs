//! Strongly connected parts of what an obligation can reach while it is open, and which of them a
//! fair run can stay in for ever.

use super::graph::{Around, Edge, NO_CLASS, STRONG, Steps, WEAK, class_set};
use super::limits::Stop;
use super::progress::Poll;

/// A state that was not visited.
const NOT_YET: u32 = 0;
/// A state of a component that is complete.
const DONE: u32 = u32::MAX;
/// Added to the number of a part: it is a component in which a fair run can stay.
const FAIR: u32 = 1 << 31;

/// Divides what is open into components (Tarjan, in the form of Pearce), in one pass over the
/// steps: what makes a component fair is added up on the way. Eight bytes a state.
pub(super) struct Components<'a, S> {
    steps: &'a mut S,
    bit: u64,
    /// Which part a state belongs to; at first all belong to 0.
    part: Vec<u32>,
    parts: u32,
    /// The lowest visit that a state can reach, by state.
    low: Vec<u32>,
    /// Parts that are to be divided again.
    todo: Vec<(u32, Vec<u32>)>,
    /// Was there a step over the boundary after which the obligation is still open?
    pub(super) cut: bool,
    fair: bool,
}

/// Visits in progress.
#[derive(Default)]
struct Walk {
    frames: Vec<Frame>,
    /// The steps that the frames have not gone yet; a frame's end where the next one's begin.
    edges: Vec<Edge>,
    /// States whose component is not complete, but whose visit is.
    stack: Vec<u32>,
    visits: u32,
}

/// A visit that is not complete.
struct Frame {
    state: u32,
    visit: u32,
    /// Where its steps begin.
    edges: usize,
    /// The class of the step that led here.
    class: u8,
    sum: Sum,
}

/// What makes a component fair or not.
#[derive(Clone, Copy)]
struct Sum {
    /// Weak classes that are enabled in every state.
    everywhere: u64,
    /// Strong classes that are enabled in some state.
    somewhere: u64,
    /// Classes of the steps inside.
    inside: u128,
}

impl Sum {
    fn of(around: Around) -> Self {
        Self { everywhere: weak(around.enabled), somewhere: strong(around.enabled), inside: 0 }
    }

    fn add(&mut self, other: Self, class: u8) {
        self.everywhere &= other.everywhere;
        self.somewhere |= other.somewhere;
        self.inside |= other.inside | class_set(class);
    }
}

fn weak(set: u128) -> u64 {
    (set & WEAK) as u64
}

fn strong(set: u128) -> u64 {
    weak((set & STRONG) >> 64)
}

impl<'a, S: Steps> Components<'a, S> {
    pub(super) fn new(steps: &'a mut S, bit: u64) -> Self {
        // Not one copied from the other: no memory is used for parts that are never told apart.
        let none = || vec![0; steps.expanded() as usize];
        let (part, low) = (none(), none());
        Self { steps, bit, part, parts: 0, low, todo: Vec::new(), cut: false, fair: false }
    }

    /// Looks at all that is open since the obligation arose: is there a fair component?
    pub(super) fn find(&mut self, poll: &mut Poll) -> Result<bool, Stop> {
        let mut walk = Walk::default();
        for root in 0..self.steps.expanded() {
            poll.step()?;
            if self.low[root as usize] == NOT_YET && self.arises(root) {
                self.walk(root, &mut walk, poll)?;
            }
        }
        while let Some((part, states)) = self.todo.pop() {
            for state in &states {
                self.low[*state as usize] = NOT_YET;
            }
            walk.visits = 0;
            for root in states {
                // A component that is complete may have become another part.
                if self.part[root as usize] == part && self.low[root as usize] == NOT_YET {
                    self.walk(root, &mut walk, poll)?;
                }
            }
        }
        Ok(self.fair)
    }

    /// The largest set of states in which a fair run can stay for ever, visiting each again and
    /// again, that a state belongs to, if there is one.
    pub(super) fn fair(&self, state: u32) -> Option<u32> {
        self.part.get(state as usize).copied().filter(|part| part & FAIR != 0)
    }

    pub(super) fn expanded(&self) -> u32 {
        self.steps.expanded()
    }

    /// Does the obligation arise in a state?
    pub(super) fn arises(&self, state: u32) -> bool {
        self.steps.marks(state, self.bit).1
    }

    /// Is it open there?
    pub(super) fn is_open(&self, state: u32) -> bool {
        self.steps.marks(state, self.bit).0
    }

    /// The steps again.
    pub(super) fn steps(&mut self, state: u32, inside: &mut Vec<Edge>) -> Around {
        self.steps.steps(state, self.bit, inside)
    }

    /// Visits all that a state reaches inside its part.
    fn walk(&mut self, root: u32, walk: &mut Walk, poll: &mut Poll) -> Result<(), Stop> {
        // No step leads to a root, and nobody asks for its class.
        self.visit(root, NO_CLASS, walk, poll)?;
        while let Some(frame) = walk.frames.last_mut() {
            if walk.edges.len() > frame.edges {
                let edge = walk.edges.pop().expect("invariant: there are more than before it");
                match self.low[edge.target as usize] {
                    NOT_YET => self.visit(edge.target, edge.class, walk, poll)?,
                    DONE => {}
                    low => {
                        frame.sum.inside |= class_set(edge.class);
                        let own = &mut self.low[frame.state as usize];
                        *own = low.min(*own);
                    }
                }
                continue;
            }
            let Some(Frame { state, visit, class, sum, .. }) = walk.frames.pop() else { break };
            let low = self.low[state as usize];
            walk.stack.push(state);
            if low == visit {
                // Every state of the component has been visited since this one.
                let below = walk.stack.iter().rposition(|it| self.low[*it as usize] < visit);
                let first = below.map_or(0, |last| last + 1);
                self.complete(&walk.stack[first..], sum);
                walk.stack.truncate(first);
            } else if let Some(above) = walk.frames.last_mut() {
                above.sum.add(sum, class);
                let own = &mut self.low[above.state as usize];
                *own = low.min(*own);
            }
        }
        Ok(())
    }

    fn visit(
        &mut self,
        state: u32,
        class: u8,
        walk: &mut Walk,
        poll: &mut Poll,
    ) -> Result<(), Stop> {
        walk.visits += 1;
        let (visit, edges) = (walk.visits, walk.edges.len());
        self.low[state as usize] = visit;
        let around = self.steps.steps(state, self.bit, &mut walk.edges);
        self.cut |= around.cut;
        let mut sum = Sum::of(around);
        let mut kept = edges;
        let mut lowest = visit;
        for at in edges..walk.edges.len() {
            poll.step()?;
            let edge = walk.edges[at];
            // What is known already need not wait for its turn. What is of another part is done: of
            // a part that is divided again, only what is left was made new.
            match self.low[edge.target as usize] {
                DONE => {}
                NOT_YET => {
                    walk.edges[kept] = edge;
                    kept += 1;
                }
                low => {
                    lowest = lowest.min(low);
                    sum.inside |= class_set(edge.class);
                }
            }
        }
        walk.edges.truncate(kept);
        // What comes first is visited first: the search numbered it first too, and what it leads
        // to, so one visit finds near what another has looked at.
        walk.edges[edges..].reverse();
        self.low[state as usize] = lowest;
        walk.frames.push(Frame { state, visit, edges, class, sum });
        Ok(())
    }

    /// Is the component fair? If only a strong class is in the way, what is left without the states
    /// where it is enabled may be.
    fn complete(&mut self, members: &[u32], sum: Sum) {
        for state in members {
            self.low[*state as usize] = DONE;
        }
        let missing = sum.somewhere & !strong(sum.inside);
        if sum.everywhere & !weak(sum.inside) != 0 {
            // A class that is enabled everywhere and taken nowhere: smaller sets fare no better.
            return;
        }
        self.parts += 1;
        if missing == 0 {
            self.fair = true;
            for state in members {
                self.part[*state as usize] = self.parts | FAIR;
            }
            return;
        }
        let mut edges = Vec::new();
        let (steps, bit) = (&mut *self.steps, self.bit);
        let mut without = members.to_vec();
        without.retain(|state| {
            edges.clear();
            strong(steps.steps(*state, bit, &mut edges).enabled) & missing == 0
        });
        for state in &without {
            self.part[*state as usize] = self.parts;
        }
        self.todo.push((self.parts, without));
    }
}
