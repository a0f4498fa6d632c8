//! Expands a few states of a level: the part of the search that all threads do.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use super::coded::{CodedStep, Judged};
use super::graph::{Edge, FRESH, Marks, OUTSIDE, class_of};
use super::limits::{Limits, Stop};
use super::recent::Recent;
use super::store::Store;
use super::stubborn::Few;
use super::subject::Subject;
use super::way::{Guess, Keep, Mark, Way};

/// States expanded as one job.
pub(super) const CHUNK: usize = 128;
/// Successors looked up together: the misses of one batch overlap with the making of the next.
pub(super) const BATCH: usize = 64;
/// Transitions between two looks at the caller's `stop`.
const POLL: u64 = 1024;

/// What all threads of a search see.
pub(super) struct Shared<'a, M: Subject, W: Way<M>> {
    pub(super) model: &'a M,
    pub(super) limits: &'a Limits<'a>,
    /// Replaced by whoever numbers states, when it has to grow.
    pub(super) keep: RwLock<Arc<W::Keep>>,
    /// Bits of the safety claims.
    pub(super) safety: u64,
    /// Are edges wanted?
    pub(super) edges: bool,
    /// Safety claims broken before this level, and claims not exercised before this level.
    pub(super) settled: u64,
    pub(super) wanted: u64,
    /// What says which actions others make up for, if some may be left out.
    pub(super) few: Option<&'a dyn Few<M>>,
    /// The number of the first state of the level behind the one that is expanded.
    pub(super) level_end: u32,
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
    /// Were some of its actions left out?
    pub(super) narrowed: bool,
}

/// Claims that a state, or the step by its `action`-th action, broke or exercised.
pub(super) struct Hit {
    pub(super) source: usize,
    pub(super) action: Option<u32>,
    pub(super) broken: u64,
    pub(super) exercised: u64,
}

/// A successor to be looked up.
struct Pending<I> {
    print: u64,
    item: I,
    /// Of the states of the chunk.
    source: u32,
    /// Of the edges, where they are wanted.
    edge: u32,
}

/// What a thread keeps from chunk to chunk.
pub(super) struct Scratch<M: Subject, W: Way<M>> {
    /// Their places are on the way.
    pending: Vec<Pending<W::Item>>,
    /// Their places were looked at, and this is what was guessed.
    guessed: Vec<Pending<W::Item>>,
    guesses: Vec<Guess>,
    actions: Vec<M::Action>,
    steps: Vec<CodedStep<W::Item>>,
    items: Vec<W::Item>,
    /// By action of a state: do others make up for it?
    left_out: Vec<bool>,
    recent: Recent<Mark<M, W>>,
}

impl<M: Subject, W: Way<M>> Scratch<M, W> {
    pub(super) fn new() -> Self {
        Self {
            pending: Vec::with_capacity(BATCH),
            guessed: Vec::with_capacity(BATCH),
            guesses: Vec::with_capacity(BATCH),
            actions: Vec::new(),
            steps: Vec::new(),
            items: Vec::new(),
            left_out: Vec::new(),
            recent: Recent::new(),
        }
    }

    /// Prepares it for a level with so many states before it, of which one is known.
    pub(super) fn fit(&mut self, states: usize, known: &Mark<M, W>) {
        self.recent.fit(states, known);
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
    pub(super) fn kept(&self) -> Arc<W::Keep> {
        Arc::clone(&self.keep.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Expands a chunk. With the store at hand, because nobody else has anything to say before this
    /// chunk, new successors are numbered at once, as long as no limit is near.
    pub(super) fn expand(
        &self,
        mut chunk: Chunk<W::Item>,
        scratch: &mut Scratch<M, W>,
        store: Option<&mut Store<W::Item>>,
    ) -> Expanded<W::Item> {
        let kept = self.kept();
        if W::Keep::WHOLE {
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
            kept,
            store,
            broken_states: self.settled,
            broken_steps: self.settled,
            wanted_states: self.wanted,
            wanted_steps: self.wanted,
        };
        let mut polled = 0;
        for (index, item) in chunk.items.iter().enumerate() {
            W::look(self.model, item, |state| expansion.source(index, item, state));
            polled += expansion.out.sources[index].transitions;
            if expansion.scratch.pending.len() >= BATCH {
                expansion.look_up();
            }
            if polled >= POLL && self.poll() {
                break;
            }
            polled %= POLL;
        }
        expansion.look_up();
        expansion.settle();
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
    kept: Arc<W::Keep>,
    store: Option<&'a mut Store<W::Item>>,
    /// Claims of which this chunk need not report another broken state, or step.
    broken_states: u64,
    broken_steps: u64,
    /// Claims not yet exercised by a state, or by a step: that makes a run one longer.
    wanted_states: u64,
    wanted_steps: u64,
}

impl<M: Subject, W: Way<M>> Expansion<'_, M, W> {
    fn source(&mut self, index: usize, item: &W::Item, state: &M::State) {
        let model = self.shared.model;
        let mut source = Source::default();
        let mut steps = std::mem::take(&mut self.scratch.steps);
        let expands = !self.shared.judge_only.load(Ordering::Relaxed);
        let asks = expands && self.shared.few.is_none(); // what is known is not left out
        let known = asks.then(|| W::steps(model, state, item, &mut steps)).flatten();
        let judged = known.unwrap_or_else(|| Judged::of(model, state, self.shared.edges));
        let broken = judged.broken & self.shared.safety & !self.broken_states;
        let wanted = self.wanted_states;
        let exercised = if wanted == 0 { 0 } else { model.exercised(state) & wanted };
        if broken | exercised != 0 {
            self.broken_states |= broken;
            self.wanted_states &= !exercised;
            self.wanted_steps &= !exercised;
            self.out.hits.push(Hit { source: index, action: None, broken, exercised });
        }
        let edges = self.out.edges.len();
        if self.shared.edges {
            (source.marks.open, source.marks.arises) = (judged.open, judged.arises);
        }
        if known.is_some() {
            source.transitions += steps.len() as u64;
            steps.drain(..).for_each(|step| self.known_step(index, step));
        } else if expands {
            self.steps(index, state, &mut source);
        }
        self.scratch.steps = steps;
        source.edges = self.out.edges.len() - edges;
        self.out.sources.push(source);
    }

    /// Takes the steps of a state one after the other.
    fn steps(&mut self, index: usize, state: &M::State, source: &mut Source) {
        let mut actions = std::mem::take(&mut self.scratch.actions);
        self.shared.model.actions(state, &mut actions);
        source.narrowed = self.leave_out(state, &actions);
        for (number, action) in actions.drain(..).enumerate() {
            if source.narrowed && self.scratch.left_out[number] {
                continue;
            }
            let spot = (index, number);
            source.transitions += u64::from(self.step(spot, state, action, &mut source.marks));
        }
        self.scratch.actions = actions;
    }

    /// Marks actions that others make up for; are there any?
    fn leave_out(&mut self, state: &M::State, actions: &[M::Action]) -> bool {
        let Some(few) = self.shared.few else { return false };
        let (model, end, kept) = (self.shared.model, self.shared.level_end, &self.kept);
        // What is numbered meanwhile is of the next level, as what is not numbered yet.
        let is_later = |next: M::State| {
            let item = W::take(model, next);
            !kept.find(W::print(&item), &item).is_ok_and(|id| id < end)
        };
        few.leave_out(state, actions, &is_later, &mut self.scratch.left_out)
    }

    /// Takes a step; was there one that stays inside?
    #[inline]
    fn step(
        &mut self,
        (index, number): (usize, usize),
        state: &M::State,
        action: M::Action,
        marks: &mut Marks,
    ) -> bool {
        let model = self.shared.model;
        let class = self.shared.edges.then(|| class_of(model.fairness(state, &action)));
        let Some(next) = model.next_state(state, action) else { return false };
        if !model.within_boundary(&next) {
            if let Some(class) = class {
                self.out.edges.push(Edge { target: OUTSIDE, class });
                marks.cut |= model.open(&next);
            }
            return false;
        }
        let number = u32::try_from(number).expect("more actions than u32 can count");
        self.judge_step(index, number, model.broken_by_step(&next), || {
            model.exercised_by_step(&next)
        });
        self.reached(index, class, W::take(model, next));
        true
    }

    /// The same for a step that the model knows.
    #[inline]
    fn known_step(&mut self, index: usize, step: CodedStep<W::Item>) {
        let CodedStep { action, code, fairness, broken, exercised } = step;
        self.judge_step(index, action, broken, || exercised);
        self.reached(index, self.shared.edges.then(|| class_of(fairness)), code);
    }

    /// Has a successor looked up, if that is not known to be in vain.
    ///
    /// Inside its callers, where the item still is in registers: read from memory right after it
    /// was written there in pieces, it would have to wait for them.
    #[expect(clippy::inline_always, reason = "a quarter of the time of a search of small states")]
    #[inline(always)]
    fn reached(&mut self, index: usize, class: Option<u8>, item: W::Item) {
        let edge = small(self.out.edges.len());
        if let Some(class) = class {
            self.out.edges.push(Edge { target: FRESH, class });
        }
        let print = W::print(&item);
        // Nobody but an edge needs the number of what was sent on its way before.
        let mark = W::Keep::mark(print, &item);
        if self.shared.edges || !self.scratch.recent.saw(print, &mark) {
            self.kept.fetch(print);
            self.scratch.pending.push(Pending { print, item, source: small(index), edge });
        }
    }

    #[inline]
    fn judge_step(
        &mut self,
        source: usize,
        number: u32,
        broken: u64,
        exercised: impl FnOnce() -> u64,
    ) {
        let broken = broken & self.shared.safety & !self.broken_steps;
        let wanted = self.wanted_steps;
        let exercised = if wanted == 0 { 0 } else { exercised() & wanted };
        if broken | exercised != 0 {
            self.broken_steps |= broken;
            self.wanted_steps &= !exercised;
            self.out.hits.push(Hit { source, action: Some(number), broken, exercised });
        }
    }

    /// Looks at the places of the pending successors, once those before them are settled.
    fn look_up(&mut self) {
        self.settle();
        let Scratch { pending, guessed, guesses, .. } = &mut *self.scratch;
        guesses.clear();
        guesses.extend(pending.iter().map(|it| self.kept.guess(it.print)));
        std::mem::swap(pending, guessed);
    }

    /// Drops the successors that are already known, and numbers the others or hands them on. That
    /// others become known meanwhile does not matter: whoever numbers the states looks again.
    fn settle(&mut self) {
        let Scratch { guessed, guesses, .. } = &mut *self.scratch;
        let edges = if self.shared.edges { self.out.edges.len() } else { 0 };
        // Once some successors were handed on, none behind them may be numbered first.
        self.store = self.store.take().filter(|it| it.is_far(self.shared, guessed.len(), edges));
        let mut store = self.store.as_deref_mut();
        if let Some(store) = &store
            && store.make_room(self.shared, guessed.len())
        {
            self.kept = self.shared.kept();
        }
        let kept = &*self.kept;
        for (guess, it) in guesses.iter().zip(guessed.drain(..)) {
            let known = guess.number().filter(|id| kept.is(*id, it.print, &it.item));
            let edge = it.edge as usize;
            let found = match (known, &mut store) {
                (Some(id), _) => Some(id),
                (None, Some(store)) => {
                    let parent = self.out.first + it.source;
                    store.admit(kept, u64::MAX, parent, (it.print, it.item))
                }
                (None, None) => {
                    let looks = *guess != Guess::NEW;
                    let found = looks.then(|| kept.find(it.print, &it.item).ok()).flatten();
                    if found.is_none() {
                        self.out.sources[it.source as usize].fresh += 1;
                        self.out.fresh.push((it.print, it.item));
                    }
                    found
                }
            };
            if let (Some(id), true) = (found, self.shared.edges) {
                self.out.edges[edge].target = id;
            }
        }
    }
}

/// An index in a chunk.
#[inline]
fn small(index: usize) -> u32 {
    u32::try_from(index).expect("invariant: a chunk is small")
}
