//! The stored edges, and what is open where: all that deciding progress needs.

use super::subject::Fairness;

/// The target of a step over the boundary.
pub(super) const OUTSIDE: u32 = u32::MAX;
/// The target of a step to a state that has no number yet: the next of the fresh ones.
pub(super) const FRESH: u32 = u32::MAX - 1;

/// Sets of fairness classes: weak ones in the low half, strong ones in the high half.
pub(super) const WEAK: u128 = u64::MAX as u128;
/// See [`WEAK`].
pub(super) const STRONG: u128 = !WEAK;

pub(super) const NO_CLASS: u8 = u8::MAX;

/// One step of a state.
#[derive(Clone, Copy)]
pub(super) struct Edge {
    pub(super) target: u32,
    pub(super) class: u8,
}

/// The class of a fairness, in one byte.
#[inline]
pub(super) fn class_of(fairness: Fairness) -> u8 {
    let (class, offset) = match fairness {
        Fairness::None => return NO_CLASS,
        Fairness::Weak(class) => (class, 0),
        Fairness::Strong(class) => (class, 64),
    };
    assert!(class < 64, "fairness classes are below 64, got {class}");
    class + offset
}

/// The class as a set.
#[inline]
pub(super) fn class_set(class: u8) -> u128 {
    if class == NO_CLASS { 0 } else { 1 << class }
}

/// Bytes for each edge; for each state, with what deciding progress will need; for each cut.
const EDGE: usize = 5;
const STATE: usize = 4 + 16 + 8;
const CUT: usize = 16;

/// The expanded part of the state space. State `v` is expanded if it is below `expanded()`.
pub(super) struct Graph {
    starts: Vec<u32>,
    targets: Vec<u32>,
    classes: Vec<u8>,
    open: Vec<u64>,
    arises: Vec<u64>,
    /// States with a step over the boundary, in order, and what is open beyond.
    cuts: Vec<(u32, u64)>,
}

/// What is known of a state about obligations.
#[derive(Clone, Copy, Default)]
pub(super) struct Marks {
    pub(super) open: u64,
    pub(super) arises: u64,
    /// Open in some state just beyond the boundary.
    pub(super) cut: u64,
}

/// What deciding progress asks of the expanded part of the state space.
pub(super) trait Steps {
    /// How many states are expanded: those with the lowest numbers.
    fn expanded(&self) -> u32;

    /// Is the obligation open in a state that is expanded, and does it arise there?
    fn marks(&self, state: u32, bit: u64) -> (bool, bool);

    /// Appends the steps to states that are expanded and in which the obligation is open too, in
    /// the order of the actions, and tells of the others.
    fn steps(&mut self, state: u32, bit: u64, inside: &mut Vec<Edge>) -> Around;
}

/// What is to be known of the steps of a state beside those that stay inside.
#[derive(Clone, Copy, Default)]
pub(super) struct Around {
    /// The fairness classes that are enabled.
    pub(super) enabled: u128,
    /// Does a step lead to where the obligation is not open, or to what was not looked at?
    pub(super) leaves: bool,
    /// Is it still open after a step over the boundary?
    pub(super) cut: bool,
}

impl Steps for &Graph {
    fn expanded(&self) -> u32 {
        u32::try_from(self.open.len()).expect("invariant: states are numbered by u32")
    }

    fn marks(&self, state: u32, bit: u64) -> (bool, bool) {
        let at = state as usize;
        (self.open[at] & bit != 0, self.arises[at] & bit != 0)
    }

    fn steps(&mut self, state: u32, bit: u64, inside: &mut Vec<Edge>) -> Around {
        let mut around = Around::default();
        for edge in self.edges(state) {
            around.enabled |= class_set(edge.class);
            if self.open.get(edge.target as usize).is_some_and(|open| open & bit != 0) {
                inside.push(edge);
            } else {
                around.leaves = true;
            }
        }
        let cut = self.cuts.binary_search_by_key(&state, |(state, _)| *state);
        around.cut = cut.is_ok_and(|at| self.cuts[at].1 & bit != 0);
        around
    }
}

impl Graph {
    pub(super) fn new() -> Self {
        Self {
            starts: vec![0],
            targets: Vec::new(),
            classes: Vec::new(),
            open: Vec::new(),
            arises: Vec::new(),
            cuts: Vec::new(),
        }
    }

    /// Adds an edge of the state that is being expanded.
    pub(super) fn add_edge(&mut self, edge: Edge) {
        self.targets.push(edge.target);
        self.classes.push(edge.class);
    }

    /// Has the engine a number for so many more edges?
    pub(super) fn has_room(&self, edges: usize) -> bool {
        u32::try_from(self.targets.len() + edges).is_ok()
    }

    /// The state whose edges were added is expanded.
    pub(super) fn add_state(&mut self, marks: Marks) {
        if marks.cut != 0 {
            let state = u32::try_from(self.open.len());
            let state = state.expect("invariant: states are numbered by u32");
            self.cuts.push((state, marks.cut));
        }
        self.open.push(marks.open);
        self.arises.push(marks.arises & marks.open);
        let edges = u32::try_from(self.targets.len()).expect("invariant: has_room was asked");
        self.starts.push(edges);
    }

    fn edges(&self, state: u32) -> impl Iterator<Item = Edge> + '_ {
        let range = self.starts[state as usize] as usize..self.starts[state as usize + 1] as usize;
        let targets = self.targets[range.clone()].iter();
        let edge = |(target, class): (&u32, &u8)| Edge { target: *target, class: *class };
        targets.zip(&self.classes[range]).map(edge)
    }

    /// The bytes held, and those that deciding progress will need for each thread.
    pub(super) fn bytes(&self) -> usize {
        self.targets.len() * EDGE + self.open.len() * STATE + self.cuts.len() * CUT
    }

    /// At most the bytes that so many states with so many edges add.
    pub(super) fn bytes_at_most(states: usize, edges: usize) -> usize {
        edges * EDGE + states * (STATE + CUT)
    }
}
