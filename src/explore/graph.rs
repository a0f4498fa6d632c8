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

const NO_CLASS: u8 = u8::MAX;

/// One step of a state.
#[derive(Clone, Copy)]
pub(super) struct Edge {
    pub(super) target: u32,
    pub(super) class: u8,
}

/// The class of a fairness, in one byte.
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
pub(super) fn class_set(class: u8) -> u128 {
    if class == NO_CLASS { 0 } else { 1 << class }
}

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
            self.cuts.push((self.expanded(), marks.cut));
        }
        self.open.push(marks.open);
        self.arises.push(marks.arises & marks.open);
        let edges = u32::try_from(self.targets.len()).expect("invariant: has_room was asked");
        self.starts.push(edges);
    }

    /// How many states are expanded: those with the lowest numbers.
    pub(super) fn expanded(&self) -> u32 {
        u32::try_from(self.open.len()).expect("invariant: states are numbered by u32")
    }

    /// The numbers of a state's edges.
    pub(super) fn edges_of(&self, state: u32) -> std::ops::Range<u32> {
        self.starts[state as usize]..self.starts[state as usize + 1]
    }

    pub(super) fn edge(&self, number: u32) -> Edge {
        let at = number as usize;
        Edge { target: self.targets[at], class: self.classes[at] }
    }

    pub(super) fn edges(&self, state: u32) -> impl Iterator<Item = Edge> + '_ {
        self.edges_of(state).map(|number| self.edge(number))
    }

    /// The state that an edge leaves.
    pub(super) fn source(&self, edge: u32) -> u32 {
        let after = self.starts.partition_point(|start| *start <= edge);
        u32::try_from(after - 1).expect("invariant: states are numbered by u32")
    }

    /// The fairness classes that are enabled in a state.
    pub(super) fn enabled(&self, state: u32) -> u128 {
        self.edges(state).fold(0, |set, edge| set | class_set(edge.class))
    }

    pub(super) fn is_open(&self, state: u32, obligation: u64) -> bool {
        self.open.get(state as usize).is_some_and(|open| open & obligation != 0)
    }

    pub(super) fn arises(&self, state: u32, obligation: u64) -> bool {
        self.arises.get(state as usize).is_some_and(|arises| arises & obligation != 0)
    }

    /// Can the obligation be still open after a step over the boundary from one of these?
    pub(super) fn is_cut(&self, obligation: u64, mut inside: impl FnMut(u32) -> bool) -> bool {
        self.cuts.iter().any(|(state, cut)| cut & obligation != 0 && inside(*state))
    }

    /// The bytes held, and those that deciding progress will need for each thread.
    pub(super) fn bytes(&self) -> usize {
        self.targets.len() * 5 + self.open.len() * (4 + 16 + 16) + self.cuts.len() * 16
    }
}
