//! What only the owner of a search writes: the numbers of states, and what was found where.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use super::expand::{BATCH, CHUNK, Chunk, Expanded, Hit, Shared, Source};
use super::graph::{Edge, FRESH, Graph};
use super::limits::{Phase, Progress, Stop};
use super::subject::Subject;
use super::way::{Keep, Way};

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
    pub(super) length: u32,
}

pub(super) struct Store<I> {
    /// About what an item takes, its heap included.
    item_bytes: usize,
    /// The states of the next level, unless all items are kept.
    next: Vec<Vec<I>>,
    exhausted: bool,
    /// By number of the state: through which state it was found first.
    pub(super) parents: Vec<u32>,
    /// The number of the first state of each level.
    pub(super) levels: Vec<u32>,
    /// The depth of the states that are being expanded.
    expanding: u32,
    /// How many states are expanded: those with the lowest numbers.
    pub(super) expanded: u32,
    pub(super) graph: Option<Graph>,
    /// Bytes that deciding progress will need for each state, beside the graph.
    later: usize,
    pub(super) transitions: u64,
    /// How many states were expanded in part.
    pub(super) narrowed: u64,
    spoken: u64,
    pub(super) broken: Vec<Option<Spot>>,
    pub(super) exercised: Vec<Option<Spot>>,
    pub(super) stopped: Option<Stop>,
}

impl<I> Store<I> {
    pub(super) fn new(claims: usize, edges: bool, later: usize, item_bytes: usize) -> Self {
        Self {
            item_bytes,
            next: Vec::new(),
            exhausted: false,
            parents: Vec::new(),
            levels: vec![0],
            expanding: 0,
            expanded: 0,
            graph: edges.then(Graph::new),
            later,
            transitions: 0,
            narrowed: 0,
            spoken: 0,
            broken: vec![None; claims],
            exercised: vec![None; claims],
            stopped: None,
        }
    }

    /// Is there a level left to expand?
    pub(super) fn is_exhausted(&self) -> bool {
        self.exhausted || self.parents.is_empty()
    }

    /// The depth of the deepest state.
    pub(super) fn depth(&self) -> u32 {
        index(self.levels.len() - 1)
    }

    /// Takes the states of the next level, to be expanded.
    pub(super) fn begin_level(&mut self) -> Vec<Chunk<I>> {
        self.expanding = self.depth();
        let mut first = self.levels[self.levels.len() - 1];
        let end = index(self.parents.len());
        let mut next = std::mem::take(&mut self.next).into_iter();
        let mut chunks = Vec::with_capacity((end - first) as usize / CHUNK + 1);
        while first < end {
            let count = (end - first).min(index(CHUNK));
            chunks.push(Chunk { first, count, items: next.next().unwrap_or_default() });
            first += count;
        }
        self.levels.push(end);
        chunks
    }

    /// The number of the first state behind the level that is expanded.
    pub(super) fn level_end(&self) -> u32 {
        self.levels[self.levels.len() - 1]
    }

    /// All states of the level are expanded.
    pub(super) fn end_level(&mut self) {
        if self.parents.len() == self.level_end() as usize {
            self.levels.pop();
            self.exhausted = true;
        }
    }

    /// Can so many more states be numbered, and a chunk with so many edges be taken over, without
    /// reaching a limit on the way?
    pub(super) fn is_far<M, W>(&self, shared: &Shared<M, W>, more: usize, edges: usize) -> bool
    where
        M: Subject,
        W: Way<M, Item = I>,
    {
        let states = self.parents.len() + more;
        let graph = if self.graph.is_some() { Graph::bytes_at_most(CHUNK, edges) } else { 0 };
        let bytes = || self.bytes_with::<W::Keep>(states) + graph as u64;
        self.stopped.is_none()
            && states as u64 <= most_states(shared.limits.max_states)
            && shared.limits.max_memory.is_none_or(|most| bytes() <= most)
    }

    /// Sees to it that so many more states have room; was there none?
    pub(super) fn make_room<M, W>(&self, shared: &Shared<M, W>, more: usize) -> bool
    where
        M: Subject,
        W: Way<M, Item = I>,
    {
        let states = self.parents.len() + more;
        let kept = shared.kept();
        let grows = !kept.has_room(states);
        if grows {
            let grown = Arc::new(kept.grown(states));
            *shared.keep.write().unwrap_or_else(PoisonError::into_inner) = grown;
        }
        grows
    }

    /// The number of a state, which may be new; `None` if it is and there must not be more.
    pub(super) fn admit<K: Keep<I>>(
        &mut self,
        kept: &K,
        most: u64,
        parent: u32,
        (print, item): (u64, I),
    ) -> Option<u32> {
        let slot = match kept.find(print, &item) {
            Ok(id) => return Some(id),
            Err(slot) => slot,
        };
        if self.parents.len() as u64 >= most {
            return None;
        }
        let id = index(self.parents.len());
        kept.fill(slot, print, &item, id);
        self.parents.push(parent);
        if !K::WHOLE {
            match self.next.last_mut() {
                Some(chunk) if chunk.len() < CHUNK => chunk.push(item),
                Some(_) | None => {
                    let mut chunk = Vec::with_capacity(CHUNK);
                    chunk.push(item);
                    self.next.push(chunk);
                }
            }
        }
        Some(id)
    }

    /// Takes over what came of a chunk; after a stop only what was broken in its states.
    pub(super) fn commit<M, W>(&mut self, shared: &Shared<M, W>, expanded: Expanded<I>)
    where
        M: Subject,
        W: Way<M, Item = I>,
    {
        if self.stopped.is_none() {
            self.make_room(shared, expanded.fresh.len());
        }
        let kept = shared.kept();
        let most = most_states(shared.limits.max_states);
        let mut hits = expanded.hits.into_iter().peekable();
        let mut fresh = expanded.fresh.into_iter();
        let mut edges = expanded.edges.into_iter();
        let mut touched = 0;
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
            if touched < source.fresh {
                let ahead = fresh.as_slice().iter().take(BATCH.max(source.fresh));
                touched = ahead.len();
                ahead.for_each(|(print, _)| kept.fetch(*print));
            }
            touched = touched.saturating_sub(source.fresh);
            let room = Room { kept: &*kept, most, max_memory: shared.limits.max_memory };
            if let Err(stop) = self.commit_source(&room, id, &source, &mut fresh, &mut edges) {
                self.stop(shared, stop);
            }
        }
        if self.transitions - self.spoken >= WORD {
            self.spoken = self.transitions;
            (shared.limits.progress)(self.word());
        }
    }

    fn commit_source<K: Keep<I>>(
        &mut self,
        room: &Room<K>,
        id: u32,
        source: &Source,
        fresh: &mut impl Iterator<Item = (u64, I)>,
        edges: &mut impl Iterator<Item = Edge>,
    ) -> Result<(), Stop> {
        if let Some(mut graph) = self.graph.take() {
            let mut added = if graph.has_room(source.edges) { Ok(()) } else { Err(Stop::Memory) };
            for mut edge in edges.take(source.edges) {
                if added.is_ok() && edge.target == FRESH {
                    let next = fresh.next().expect("invariant: counted with the edges");
                    match self.admit(room.kept, room.most, id, next) {
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
                self.admit(room.kept, room.most, id, next).ok_or(Stop::States)?;
            }
        }
        self.expanded += 1;
        self.transitions += source.transitions;
        self.narrowed += u64::from(source.narrowed);
        match room.max_memory {
            Some(most) if self.bytes::<K>() > most => Err(Stop::Memory),
            Some(_) | None => Ok(()),
        }
    }

    /// From here on states are judged, but not expanded.
    pub(super) fn stop<M, W>(&mut self, shared: &Shared<M, W>, stop: Stop)
    where
        M: Subject,
        W: Way<M, Item = I>,
    {
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
    pub(super) fn bytes<K: Keep<I>>(&self) -> u64 {
        self.bytes_with::<K>(self.parents.len())
    }

    /// The same if there were so many states.
    fn bytes_with<K: Keep<I>>(&self, states: usize) -> u64 {
        let deepest = self.levels.len().saturating_sub(2);
        let whole = if K::WHOLE { 0 } else { states - self.levels[deepest] as usize };
        let graph = self.graph.as_ref().map_or(0, Graph::bytes);
        let each = size_of::<u32>() + self.later;
        (K::bytes(states) + states * each + whole * self.item_bytes + graph) as u64
    }

    pub(super) fn word(&self) -> Progress {
        let below = self.level_end();
        Progress {
            phase: Phase::Search,
            states: self.parents.len() as u64,
            transitions: self.transitions,
            depth: self.expanding,
            frontier: (self.parents.len() - below as usize) as u64,
        }
    }
}

/// What limits the states that are admitted, and what they are admitted to.
struct Room<'a, K> {
    kept: &'a K,
    most: u64,
    max_memory: Option<u64>,
}

/// More states than this must not be numbered.
pub(super) fn most_states(max_states: Option<u64>) -> u64 {
    max_states.unwrap_or(MOST_STATES).min(MOST_STATES)
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
#[inline]
fn index(count: usize) -> u32 {
    u32::try_from(count).expect("invariant: states are numbered by u32")
}
