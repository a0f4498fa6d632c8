//! Expands a few states of a level: the part of the search that all threads do.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{OnceLock, PoisonError, RwLock, RwLockReadGuard};

use stateright::Model;

use super::graph::{Edge, FRESH, Marks, OUTSIDE, class_of};
use super::limits::{Limits, Stop};
use super::recent::Recent;
use super::subject::Subject;
use super::way::{Keep, Way};

/// States expanded as one job.
pub(super) const CHUNK: usize = 128;
/// Successors looked up together: their cache misses overlap.
pub(super) const BATCH: usize = 256;
/// Transitions between two looks at the caller's `stop`.
const POLL: u64 = 1024;

/// What all threads of a search see.
pub(super) struct Shared<'a, M: Subject, W: Way<M>> {
    pub(super) model: &'a M,
    pub(super) limits: &'a Limits<'a>,
    pub(super) keep: RwLock<W::Keep>,
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

/// Some states of a level.
pub(super) struct Chunk<I> {
    /// The number of the first.
    pub(super) first: u32,
    pub(super) count: u32,
    /// They themselves, unless all items are kept.
    pub(super) items: Vec<I>,
}

/// What came of a chunk.
pub(super) struct Expanded<I> {
    pub(super) first: u32,
    pub(super) sources: Vec<Source>,
    /// Successors that were not known when they were looked up, in order.
    pub(super) fresh: Vec<(u64, I)>,
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

struct Pending<I> {
    print: u64,
    item: I,
    source: u32,
    edge: usize,
}

/// What a thread keeps from chunk to chunk.
pub(super) struct Scratch<M: Subject, W: Way<M>> {
    pending: Vec<Pending<W::Item>>,
    actions: Vec<M::Action>,
    items: Vec<W::Item>,
    recent: Recent<<W::Keep as Keep<W::Item>>::Mark>,
}

impl<M: Subject, W: Way<M>> Scratch<M, W> {
    pub(super) fn new(states: usize) -> Self {
        let mut scratch = Self {
            pending: Vec::with_capacity(BATCH),
            actions: Vec::new(),
            items: Vec::new(),
            recent: Recent::new(),
        };
        scratch.fit(states);
        scratch
    }

    /// Prepares it for a level with so many states before it.
    pub(super) fn fit(&mut self, states: usize) {
        self.recent.fit(states);
    }
}

impl<M: Subject, W: Way<M>> Shared<'_, M, W> {
    /// Must the search end now?
    pub(super) fn poll(&self) -> bool {
        if let Some(stop) = (self.limits.stop)() {
            self.halted.get_or_init(|| stop);
        }
        self.halted.get().is_some()
    }

    /// The visited states, to be read.
    pub(super) fn kept(&self) -> RwLockReadGuard<'_, W::Keep> {
        self.keep.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn expand(
        &self,
        mut chunk: Chunk<W::Item>,
        scratch: &mut Scratch<M, W>,
    ) -> Expanded<W::Item> {
        if W::Keep::WHOLE {
            let kept = self.kept();
            chunk.items = std::mem::take(&mut scratch.items);
            let ids = chunk.first..chunk.first + chunk.count;
            chunk.items.extend(ids.filter_map(|id| kept.item(id)));
        }
        let mut expansion = Expansion {
            shared: self,
            out: Expanded {
                first: chunk.first,
                sources: Vec::with_capacity(chunk.items.len()),
                fresh: Vec::new(),
                edges: Vec::new(),
                hits: Vec::new(),
            },
            scratch,
            broken_states: self.settled,
            broken_steps: self.settled,
            wanted: self.wanted,
        };
        let mut polled = 0;
        for (index, item) in chunk.items.iter().enumerate() {
            W::look(self.model, item, |state| expansion.source(index, state));
            polled += expansion.out.sources[index].transitions;
            if polled >= POLL && self.poll() {
                break;
            }
            polled %= POLL;
        }
        expansion.look_up();
        let out = expansion.out;
        chunk.items.clear();
        scratch.items = chunk.items;
        out
    }
}

/// A chunk being expanded.
struct Expansion<'a, M: Subject, W: Way<M>> {
    shared: &'a Shared<'a, M, W>,
    out: Expanded<W::Item>,
    scratch: &'a mut Scratch<M, W>,
    /// Claims of which this chunk need not report another broken state, or step.
    broken_states: u64,
    broken_steps: u64,
    /// Claims not yet exercised.
    wanted: u64,
}

impl<M: Subject, W: Way<M>> Expansion<'_, M, W> {
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
            let mut actions = std::mem::take(&mut self.scratch.actions);
            model.actions(state, &mut actions);
            for (number, action) in actions.drain(..).enumerate() {
                self.step(index, number, state, action);
            }
            self.scratch.actions = actions;
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
        let item = W::take(model, next);
        let print = W::print(&item);
        let source = u32::try_from(index).expect("invariant: a chunk is small");
        self.scratch.pending.push(Pending { print, item, source, edge });
        if self.scratch.pending.len() == BATCH {
            self.look_up();
        }
    }

    fn judge_step(&mut self, source: usize, number: usize, next: &<M as Model>::State) {
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
        if !self.shared.edges {
            // Nobody needs the number of what was sent on its way before.
            let Scratch { pending, recent, .. } = &mut *self.scratch;
            pending.retain(|it| !recent.saw(it.print, &W::Keep::mark(it.print, &it.item)));
        }
        let kept = self.shared.kept();
        near(&*kept, self.scratch.pending.iter().map(|pending| pending.print));
        for pending in self.scratch.pending.drain(..) {
            if let Ok(id) = kept.find(pending.print, &pending.item) {
                if self.shared.edges {
                    self.out.edges[pending.edge].target = id;
                }
            } else {
                self.out.sources[pending.source as usize].fresh += 1;
                self.out.fresh.push((pending.print, pending.item));
            }
        }
    }
}

/// Brings near what a few states, by fingerprint, will be looked for in: one miss of the cache
/// after the other would cost several times as much.
pub(super) fn near<I>(kept: &impl Keep<I>, prints: impl Iterator<Item = u64>) {
    let mut touched = [(0, 0); BATCH];
    let mut count = 0;
    for (touched, print) in touched.iter_mut().zip(prints) {
        *touched = (print, kept.touch(print));
        count += 1;
    }
    let mut seen = 0;
    for (print, touched) in &touched[..count] {
        seen |= kept.touch_again(*print, *touched);
    }
    std::hint::black_box(seen);
}
