//! Expands a block of states: the part of a level that all threads do.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::super::graph::class_of;
use super::super::limits::{Limits, Stop};
use super::super::subject::Subject;
use super::super::table::{fingerprint, high};
use super::Portable;
use super::blocks::{Block, bytes_of};
use super::cache::Cache;

/// Transitions between two looks at the caller's `stop`.
const POLL: u64 = 1024;
/// What a thread remembers of what it generated.
const LATELY: usize = 1 << 12;
/// The fingerprint that stands in edges for a state beyond the boundary: no state has it.
pub(super) const BEYOND: u64 = 0;

/// What all threads see.
pub(super) struct Shared<'a, M> {
    pub(super) model: &'a M,
    pub(super) limits: &'a Limits<'a>,
    pub(super) cache: &'a Cache,
    /// Bits of the safety claims.
    pub(super) safety: u64,
    /// Are edges wanted?
    pub(super) edges: bool,
    /// Safety claims broken before this level, and claims not exercised before this level.
    pub(super) settled: u64,
    pub(super) wanted: u64,
    /// A limit was reached: states are judged, but not expanded.
    pub(super) judge_only: bool,
    /// The caller wants the search to end now.
    pub(super) halted: &'a OnceLock<Stop>,
}

/// Claims that a state of the block, or the step by its `action`-th action, broke or exercised.
pub(super) struct Hit {
    pub(super) source: u32,
    pub(super) action: Option<u32>,
    pub(super) broken: u64,
    pub(super) exercised: u64,
}

/// A successor that may be new.
pub(super) struct Candidate {
    pub(super) print: u64,
    pub(super) source: u32,
    pub(super) action: u32,
    /// Where its bytes end; they begin where those of the one before end.
    pub(super) end: usize,
}

/// What came of a block.
#[derive(Default)]
pub(super) struct Expanded {
    pub(super) sources: u32,
    /// The transitions of each state, four bytes each, and of all.
    pub(super) counts: Vec<u8>,
    pub(super) transitions: u64,
    pub(super) candidates: Vec<Candidate>,
    pub(super) packed: Vec<u8>,
    /// A record for each state, and how many steps and states at the boundary there are in them.
    pub(super) records: Vec<u8>,
    pub(super) edges: u64,
    pub(super) cuts: u64,
    pub(super) hits: Vec<Hit>,
    /// Some bytes of the block are no state.
    pub(super) damaged: bool,
}

impl Expanded {
    pub(super) fn held(&self) -> usize {
        self.packed.capacity()
            + self.counts.capacity()
            + self.records.capacity()
            + self.candidates.capacity() * size_of::<Candidate>()
    }
}

/// What a thread keeps from block to block.
pub(super) struct Scratch<M: Subject> {
    actions: Vec<M::Action>,
    /// What it generated, each in the one slot where it may be.
    lately: Vec<u64>,
}

impl<M: Subject> Scratch<M> {
    pub(super) fn new() -> Self {
        Self { actions: Vec::new(), lately: vec![0; LATELY] }
    }
}

impl<M: Subject + Portable> Shared<'_, M> {
    /// Must the search end now?
    pub(super) fn poll(&self) -> bool {
        if let Some(stop) = (self.limits.stop)() {
            self.halted.get_or_init(|| stop);
        }
        self.halted.get().is_some()
    }

    /// Expands blocks on all threads; answers what came of each, in their order.
    pub(super) fn expand_all(
        &self,
        blocks: &[Block],
        scratches: &mut [Scratch<M>],
    ) -> Vec<Expanded> {
        let next = AtomicUsize::new(0);
        let results: Vec<OnceLock<Expanded>> = blocks.iter().map(|_| OnceLock::new()).collect();
        let work = |scratch: &mut Scratch<M>| {
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let (Some(block), Some(result)) = (blocks.get(at), results.get(at)) else { return };
                if self.halted.get().is_none() {
                    result.get_or_init(|| self.expand(block, scratch));
                }
            }
        };
        let (own, others) = scratches.split_first_mut().expect("invariant: there is one thread");
        std::thread::scope(|scope| {
            for scratch in others.iter_mut().take(blocks.len().saturating_sub(1)) {
                scope.spawn(|| work(scratch));
            }
            work(own);
        });
        results.into_iter().map(|result| result.into_inner().unwrap_or_default()).collect()
    }

    fn expand(&self, block: &Block, scratch: &mut Scratch<M>) -> Expanded {
        let mut expansion = Expansion {
            shared: self,
            out: Expanded { sources: block.count, ..Expanded::default() },
            lately: &mut scratch.lately,
            broken_states: self.settled,
            broken_steps: self.settled,
            wanted_states: self.wanted,
            wanted_steps: self.wanted,
        };
        let (mut records, mut polled) = (block.records.as_slice(), 0);
        for index in 0..block.count {
            let state = bytes_of(&mut records).and_then(|bytes| self.model.unpack(bytes));
            let Some(state) = state else {
                expansion.out.damaged = true;
                break;
            };
            polled += expansion.source(index, &state, &mut scratch.actions);
            if polled >= POLL && self.poll() {
                break;
            }
            polled %= POLL;
        }
        expansion.out.damaged |= !records.is_empty() && self.halted.get().is_none();
        expansion.out
    }
}

/// A block being expanded.
struct Expansion<'a, M: Subject> {
    shared: &'a Shared<'a, M>,
    out: Expanded,
    lately: &'a mut [u64],
    /// Claims of which this block need not report another broken state, or step.
    broken_states: u64,
    broken_steps: u64,
    /// Claims not yet exercised by a state, or by a step: that makes a run one longer.
    wanted_states: u64,
    wanted_steps: u64,
}

impl<M: Subject + Portable> Expansion<'_, M> {
    /// Answers how many transitions the state has.
    fn source(&mut self, index: u32, state: &M::State, actions: &mut Vec<M::Action>) -> u64 {
        let model = self.shared.model;
        let broken = model.broken(state) & self.shared.safety & !self.broken_states;
        let wanted = self.wanted_states;
        let exercised = if wanted == 0 { 0 } else { model.exercised(state) & wanted };
        if broken | exercised != 0 {
            self.broken_states |= broken;
            self.wanted_states &= !exercised;
            self.wanted_steps &= !exercised;
            self.out.hits.push(Hit { source: index, action: None, broken, exercised });
        }
        if self.shared.judge_only {
            return 0;
        }
        let before = self.out.transitions;
        let (record, mut cut, mut edges) = (self.out.records.len(), 0, 0_u32);
        if self.shared.edges {
            self.out.records.extend(model.open(state).to_le_bytes());
            self.out.records.extend(model.arises(state).to_le_bytes());
            self.out.records.extend([0; 12]);
        }
        model.actions(state, actions);
        for (number, action) in (0..).zip(actions.drain(..)) {
            let class = self.shared.edges.then(|| class_of(model.fairness(state, &action)));
            let Some(next) = model.next_state(state, action) else { continue };
            let inside = model.within_boundary(&next);
            let print = if inside { fingerprint(&next) } else { BEYOND };
            if let Some(class) = class {
                self.out.records.push(class);
                self.out.records.extend(print.to_le_bytes());
                edges += 1;
                if !inside {
                    cut |= model.open(&next);
                }
            }
            if inside {
                self.judge_step((index, number), &next);
                self.keep((index, number), print, &next);
            }
        }
        if self.shared.edges {
            self.out.records[record + 16..][..8].copy_from_slice(&u64::to_le_bytes(cut));
            self.out.records[record + 24..][..4].copy_from_slice(&edges.to_le_bytes());
            self.out.edges += u64::from(edges);
            self.out.cuts += u64::from(cut != 0);
        }
        let transitions = self.out.transitions - before;
        let count = u32::try_from(transitions).expect("more actions than u32 can count");
        self.out.counts.extend(count.to_le_bytes());
        transitions
    }

    /// Takes note of a successor, unless it is one that was seen.
    fn keep(&mut self, (source, action): (u32, u32), print: u64, next: &M::State) {
        self.out.transitions += 1;
        let lately = &mut self.lately[high(print) as usize % LATELY];
        if std::mem::replace(lately, print) == print || self.shared.cache.holds(print) {
            return;
        }
        self.shared.model.pack(next, &mut self.out.packed);
        let end = self.out.packed.len();
        self.out.candidates.push(Candidate { print, source, action, end });
    }

    fn judge_step(&mut self, (source, number): (u32, u32), next: &M::State) {
        let model = self.shared.model;
        let broken = model.broken_by_step(next) & self.shared.safety & !self.broken_steps;
        let wanted = self.wanted_steps;
        let exercised = if wanted == 0 { 0 } else { model.exercised_by_step(next) & wanted };
        if broken | exercised != 0 {
            self.broken_steps |= broken;
            self.wanted_steps &= !exercised;
            self.out.hits.push(Hit { source, action: Some(number), broken, exercised });
        }
    }
}
