//! Expands a few states of a level: the part of the search that all threads do.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{OnceLock, PoisonError, RwLock};

use super::graph::{Edge, FRESH, Marks, OUTSIDE, class_of};
use super::limits::{Limits, Stop};
use super::subject::Subject;
use super::table::{Table, fingerprint};

/// States expanded as one job.
pub(super) const CHUNK: usize = 64;
/// Successors looked up together: their cache misses overlap.
const BATCH: usize = 256;
/// Transitions between two looks at the caller's `stop`.
const POLL: u64 = 1024;

/// What all threads of a search see.
pub(super) struct Shared<'a, M: Subject> {
    pub(super) model: &'a M,
    pub(super) limits: &'a Limits<'a>,
    pub(super) table: RwLock<Table>,
    /// Bits of the safety claims.
    pub(super) safety: u64,
    /// Are edges wanted?
    pub(super) edges: bool,
    /// Safety claims broken before this level, and claims not exercised before this level.
    pub(super) settled: u64,
    pub(super) wanted: u64,
    /// A limit was reached: states are still judged, but not expanded.
    pub(super) judge_only: AtomicBool,
    /// The caller wants the search to end now.
    pub(super) halted: OnceLock<Stop>,
}

/// Some states of a level and the number of the first.
pub(super) struct Chunk<S> {
    pub(super) first: u32,
    pub(super) states: Vec<S>,
}

/// What came of a chunk.
pub(super) struct Expanded<S> {
    pub(super) first: u32,
    pub(super) sources: Vec<Source>,
    /// Successors that were not known when they were looked up, in order.
    pub(super) fresh: Vec<(u64, S)>,
    pub(super) edges: Vec<Edge>,
    /// In the order of their sources.
    pub(super) hits: Vec<Hit>,
}

/// What came of one state of a chunk.
#[derive(Default)]
pub(super) struct Source {
    pub(super) fresh: usize,
    pub(super) edges: usize,
    pub(super) transitions: u64,
    pub(super) marks: Marks,
}

/// Claims that a state, or the step by its `action`-th action, broke or exercised.
pub(super) struct Hit {
    pub(super) source: usize,
    pub(super) action: Option<u32>,
    pub(super) broken: u64,
    pub(super) exercised: u64,
}

struct Pending<S> {
    fingerprint: u64,
    state: S,
    source: usize,
    edge: usize,
}

impl<M: Subject> Shared<'_, M> {
    /// Must the search end now?
    pub(super) fn poll(&self) -> bool {
        if let Some(stop) = (self.limits.stop)() {
            self.halted.get_or_init(|| stop);
        }
        self.halted.get().is_some()
    }

    pub(super) fn expand(&self, chunk: &Chunk<M::State>) -> Expanded<M::State> {
        let mut expansion = Expansion {
            shared: self,
            out: Expanded {
                first: chunk.first,
                sources: Vec::with_capacity(chunk.states.len()),
                fresh: Vec::new(),
                edges: Vec::new(),
                hits: Vec::new(),
            },
            pending: Vec::with_capacity(BATCH),
            actions: Vec::new(),
            broken_states: self.settled,
            broken_steps: self.settled,
            wanted: self.wanted,
        };
        let mut polled = 0;
        for (index, state) in chunk.states.iter().enumerate() {
            expansion.source(index, state);
            polled += expansion.out.sources[index].transitions;
            if polled >= POLL && self.poll() {
                break;
            }
            polled %= POLL;
        }
        expansion.look_up();
        expansion.out
    }
}

/// A chunk being expanded.
struct Expansion<'a, M: Subject> {
    shared: &'a Shared<'a, M>,
    out: Expanded<M::State>,
    pending: Vec<Pending<M::State>>,
    actions: Vec<M::Action>,
    /// Claims of which this chunk need not report another broken state, or step.
    broken_states: u64,
    broken_steps: u64,
    /// Claims not yet exercised.
    wanted: u64,
}

impl<M: Subject> Expansion<'_, M> {
    fn source(&mut self, index: usize, state: &M::State) {
        let model = self.shared.model;
        let mut source = Source::default();
        let broken = model.broken(state) & self.shared.safety & !self.broken_states;
        if broken != 0 {
            self.broken_states |= broken;
            self.out.hits.push(Hit { source: index, action: None, broken, exercised: 0 });
        }
        if self.shared.edges {
            source.marks.open = model.open(state);
            source.marks.arises = model.arises(state);
        }
        self.out.sources.push(source);
        if !self.shared.judge_only.load(Ordering::Relaxed) {
            let mut actions = std::mem::take(&mut self.actions);
            model.actions(state, &mut actions);
            for (number, action) in actions.drain(..).enumerate() {
                self.step(index, number, state, action);
            }
            self.actions = actions;
        }
    }

    fn step(&mut self, index: usize, number: usize, state: &M::State, action: M::Action) {
        let model = self.shared.model;
        let class = self.shared.edges.then(|| class_of(model.fairness(state, &action)));
        let Some(next) = model.next_state(state, action) else { return };
        let inside = model.within_boundary(&next);
        let edge = self.out.edges.len();
        let source = &mut self.out.sources[index];
        if let Some(class) = class {
            let target = if inside { FRESH } else { OUTSIDE };
            self.out.edges.push(Edge { target, class });
            source.edges += 1;
            if !inside {
                source.marks.cut |= model.open(&next);
            }
        }
        if !inside {
            return;
        }
        source.transitions += 1;
        self.judge_step(index, number, &next);
        let fingerprint = fingerprint(&next);
        self.pending.push(Pending { fingerprint, state: next, source: index, edge });
        if self.pending.len() == BATCH {
            self.look_up();
        }
    }

    fn judge_step(&mut self, source: usize, number: usize, next: &M::State) {
        let model = self.shared.model;
        let broken = model.broken_by_step(next) & self.shared.safety & !self.broken_steps;
        let exercised = if self.wanted == 0 { 0 } else { model.exercised(next) & self.wanted };
        if broken | exercised != 0 {
            self.broken_steps |= broken;
            self.wanted &= !exercised;
            let action = Some(u32::try_from(number).expect("more actions than u32 can count"));
            self.out.hits.push(Hit { source, action, broken, exercised });
        }
    }

    /// Drops the successors that are already known. That others become known meanwhile does not
    /// matter: whoever numbers the states looks again.
    fn look_up(&mut self) {
        let table = self.shared.table.read().unwrap_or_else(PoisonError::into_inner);
        for pending in self.pending.drain(..) {
            if let Ok(id) = table.find(pending.fingerprint) {
                if self.shared.edges {
                    self.out.edges[pending.edge].target = id;
                }
            } else {
                self.out.sources[pending.source].fresh += 1;
                self.out.fresh.push((pending.fingerprint, pending.state));
            }
        }
    }
}
