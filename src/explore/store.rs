//! What only the owner of a search writes: the numbers of states, and what was found where.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use super::expand::{CHUNK, Chunk, Expanded, Hit, Shared, Source};
use super::graph::{Edge, FRESH, Graph};
use super::limits::{Phase, Progress, Stop};
use super::subject::Subject;
use super::table::Table;

/// The parent of an initial state.
pub(super) const NOBODY: u32 = u32::MAX;
/// Numbers above are not for states.
const MOST_STATES: u64 = u32::MAX as u64 - 2;
/// Transitions between two words to the caller.
const WORD: u64 = 1 << 16;

/// Where a claim was broken or exercised: a state, or the step by its `action`-th action.
#[derive(Clone, Copy)]
pub(super) struct Spot {
    pub(super) state: u32,
    pub(super) action: Option<u32>,
    length: u32,
}

pub(super) struct Store<S> {
    /// About what a state takes, its heap included.
    state_bytes: usize,
    /// The states of the next level.
    next: Vec<Vec<S>>,
    /// By number of the state: through which state it was found first.
    pub(super) parents: Vec<u32>,
    /// The number of the first state of each level.
    pub(super) levels: Vec<u32>,
    /// The depth of the states that are being expanded.
    expanding: u32,
    pub(super) graph: Option<Graph>,
    pub(super) transitions: u64,
    spoken: u64,
    pub(super) broken: Vec<Option<Spot>>,
    pub(super) exercised: Vec<Option<Spot>>,
    pub(super) stopped: Option<Stop>,
}

impl<S> Store<S> {
    pub(super) fn new(claims: usize, edges: bool, state_bytes: usize) -> Self {
        Self {
            state_bytes,
            next: Vec::new(),
            parents: Vec::new(),
            levels: vec![0],
            expanding: 0,
            graph: edges.then(Graph::new),
            transitions: 0,
            spoken: 0,
            broken: vec![None; claims],
            exercised: vec![None; claims],
            stopped: None,
        }
    }

    /// Is there a level left to expand?
    pub(super) fn is_exhausted(&self) -> bool {
        self.next.is_empty()
    }

    /// The depth of the deepest state.
    pub(super) fn depth(&self) -> u32 {
        index(self.levels.len() - 1)
    }

    /// Takes the states of the next level, to be expanded.
    pub(super) fn begin_level(&mut self) -> Vec<Chunk<S>> {
        self.expanding = self.depth();
        let mut first = self.levels[self.levels.len() - 1];
        let mut chunks = Vec::with_capacity(self.next.len());
        for states in std::mem::take(&mut self.next) {
            let count = index(states.len());
            chunks.push(Chunk { first, states });
            first += count;
        }
        self.levels.push(first);
        chunks
    }

    /// All states of the level are expanded.
    pub(super) fn end_level(&mut self) {
        if self.next.is_empty() {
            self.levels.pop();
        }
    }

    /// Sees to it that so many more states have room in the table.
    pub(super) fn make_room<M: Subject<State = S>>(&self, shared: &Shared<M>, more: usize) {
        let states = self.parents.len() + more;
        let table = shared.table.read().unwrap_or_else(PoisonError::into_inner);
        if !table.has_room(states) {
            drop(table);
            shared.table.write().unwrap_or_else(PoisonError::into_inner).grow(states);
        }
    }

    /// The number of a state, which may be new; `None` if it is and there must not be more.
    pub(super) fn admit<M: Subject<State = S>>(
        &mut self,
        shared: &Shared<M>,
        parent: u32,
        state: (u64, S),
    ) -> Option<u32> {
        let table = shared.table.read().unwrap_or_else(PoisonError::into_inner);
        self.admit_in(&table, shared, parent, state)
    }

    fn admit_in<M: Subject<State = S>>(
        &mut self,
        table: &Table,
        shared: &Shared<M>,
        parent: u32,
        (fingerprint, state): (u64, S),
    ) -> Option<u32> {
        let slot = match table.find(fingerprint) {
            Ok(id) => return Some(id),
            Err(slot) => slot,
        };
        let most = shared.limits.max_states.unwrap_or(MOST_STATES).min(MOST_STATES);
        if self.parents.len() as u64 >= most {
            return None;
        }
        let id = index(self.parents.len());
        table.fill(slot, fingerprint, id);
        self.parents.push(parent);
        match self.next.last_mut() {
            Some(chunk) if chunk.len() < CHUNK => chunk.push(state),
            Some(_) | None => {
                let mut chunk = Vec::with_capacity(CHUNK);
                chunk.push(state);
                self.next.push(chunk);
            }
        }
        Some(id)
    }

    /// Takes over what came of a chunk; after a stop only what was broken in its states.
    pub(super) fn commit<M: Subject<State = S>>(
        &mut self,
        shared: &Shared<M>,
        expanded: Expanded<S>,
    ) {
        let mut hits = expanded.hits.into_iter().peekable();
        let mut fresh = expanded.fresh.into_iter();
        let mut edges = expanded.edges.into_iter();
        for (offset, source) in expanded.sources.into_iter().enumerate() {
            let id = expanded.first + index(offset);
            let whole = self.stopped.is_none();
            while let Some(hit) = hits.next_if(|hit| hit.source == offset) {
                if whole || hit.action.is_none() {
                    self.note(&hit, id);
                }
            }
            if !whole {
                continue;
            }
            if let Err(stop) = self.commit_source(shared, id, &source, &mut fresh, &mut edges) {
                self.stop(shared, stop);
            }
        }
        if self.transitions - self.spoken >= WORD {
            self.spoken = self.transitions;
            (shared.limits.progress)(self.word());
        }
    }

    fn commit_source<M: Subject<State = S>>(
        &mut self,
        shared: &Shared<M>,
        id: u32,
        source: &Source,
        fresh: &mut impl Iterator<Item = (u64, S)>,
        edges: &mut impl Iterator<Item = Edge>,
    ) -> Result<(), Stop> {
        self.make_room(shared, source.fresh);
        let table = shared.table.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(mut graph) = self.graph.take() {
            let mut added = if graph.has_room(source.edges) { Ok(()) } else { Err(Stop::Memory) };
            for mut edge in edges.take(source.edges) {
                if added.is_ok() && edge.target == FRESH {
                    let next = fresh.next().expect("invariant: counted with the edges");
                    match self.admit_in(&table, shared, id, next) {
                        Some(id) => edge.target = id,
                        None => added = Err(Stop::States),
                    }
                }
                if added.is_ok() {
                    graph.add_edge(edge);
                }
            }
            if added.is_ok() {
                graph.add_state(source.marks);
            }
            self.graph = Some(graph);
            added?;
        } else {
            for next in fresh.take(source.fresh) {
                self.admit_in(&table, shared, id, next).ok_or(Stop::States)?;
            }
        }
        self.transitions += source.transitions;
        match shared.limits.max_memory {
            Some(most) if self.bytes() > most => Err(Stop::Memory),
            Some(_) | None => Ok(()),
        }
    }

    /// From here on states are judged, but not expanded.
    pub(super) fn stop<M: Subject<State = S>>(&mut self, shared: &Shared<M>, stop: Stop) {
        self.stopped.get_or_insert(stop);
        shared.judge_only.store(true, Ordering::Relaxed);
    }

    /// Remembers the first of the shortest runs that break or exercise a claim.
    pub(super) fn note(&mut self, hit: &Hit, state: u32) {
        let length = self.expanding + u32::from(hit.action.is_some());
        let spot = Spot { state, action: hit.action, length };
        for (found, set) in [(&mut self.broken, hit.broken), (&mut self.exercised, hit.exercised)] {
            for (claim, found) in found.iter_mut().enumerate() {
                let shorter = found.is_none_or(|found| length < found.length);
                if set & 1 << claim != 0 && shorter {
                    *found = Some(spot);
                }
            }
        }
    }

    /// An estimate of the bytes held: of what was found alone, so that it is the same in every run.
    pub(super) fn bytes(&self) -> u64 {
        let states = self.parents.len();
        let deepest = self.levels.len().saturating_sub(2);
        let whole = states - self.levels[deepest] as usize;
        let graph = self.graph.as_ref().map_or(0, Graph::bytes);
        (Table::bytes(states) + states * size_of::<u32>() + whole * self.state_bytes + graph) as u64
    }

    pub(super) fn word(&self) -> Progress {
        let below = self.levels[self.levels.len() - 1];
        Progress {
            phase: Phase::Search,
            states: self.parents.len() as u64,
            transitions: self.transitions,
            depth: self.expanding,
            frontier: (self.parents.len() - below as usize) as u64,
        }
    }
}

/// The claims for which something was found, as bits.
pub(super) fn bits(found: &[Option<Spot>]) -> u64 {
    found.iter().rev().fold(0, |set, found| set << 1 | u64::from(found.is_some()))
}

/// The bits of so many claims.
pub(super) fn below(claims: usize) -> u64 {
    (0..claims).fold(0, |set, claim| set | 1 << claim)
}

/// A count of states as a number of a state.
fn index(count: usize) -> u32 {
    u32::try_from(count).expect("invariant: states are numbered by u32")
}
