//! The search: level by level, numbering states in the order of the level before and its actions.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock, RwLock};

use super::board::{Board, Turn};
use super::coded::Coded;
use super::codes::Codes;
use super::conclude::{Found, collision_odds, conclude};
use super::expand::{Chunk, Hit, Scratch, Shared};
use super::limits::{Limits, Stop};
use super::progress::{self, Outcome};
use super::regrow::Regrow;
use super::report::Report;
use super::retrace::{Kept, Retrace};
use super::store::{NOBODY, Store, below, bits, most_states};
use super::stubborn::Few;
use super::subject::{Claim, Obligation, Subject, safety};
use super::table::Table;
use super::way::{ByCode, Keep, Mark, Way, Whole};

/// Levels with fewer chunks are expanded by one thread: starting others costs more.
const WORTH_SHARING: usize = 4;
/// With more obligations the edges are stored: each obligation would have them generated again.
const REGROW: usize = 2;
/// Bytes for each state that deciding progress needs where edges are not stored.
const REGROW_BYTES: usize = 8;

/// What is remembered of visited states, if the model says how they are [`Coded`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memory {
    /// Their codes, compared whole: no two states are ever confused.
    Codes,
    /// Fingerprints of 64 bits: less, if codes are long; [`Report::collision_odds`] says what may
    /// go wrong.
    Fingerprints,
}

/// Visits the states of a model and decides its claims. States are told apart by fingerprints.
///
/// # Panics
/// If there are more than 64 claims or obligations, if a fairness class is 64 or above, or if the
/// model is not a function of its state.
pub fn search<M: Subject>(model: &M, limits: &Limits) -> Report<M::State, M::Action> {
    Search::<M, Whole>::all(model, limits, None).0
}

/// The same with states that are carried and kept as their codes, exact if all of them are kept.
///
/// # Panics
/// As [`search`], and if codes are not what [`Coded`] asks for.
pub fn search_coded<M: Subject + Coded>(
    model: &M,
    memory: Memory,
    limits: &Limits,
) -> Report<M::State, M::Action> {
    match memory {
        Memory::Codes => Search::<M, ByCode<Codes<M::Code>>>::all(model, limits, None).0,
        Memory::Fingerprints => Search::<M, ByCode<Table>>::all(model, limits, None).0,
    }
}

/// The same without actions that others make up for; and how many states lost some.
pub(super) fn search_few<M: Subject>(
    model: &M,
    limits: &Limits,
    few: &dyn Few<M>,
) -> (Report<M::State, M::Action>, u64) {
    Search::<M, Whole>::all(model, limits, Some(few))
}

struct Search<'a, M: Subject, W: Way<M>> {
    shared: Shared<'a, M, W>,
    store: Store<W::Item>,
    /// Of each thread; the first one numbers the states.
    scratches: Vec<Scratch<M, W>>,
    /// The first state.
    first: Option<Mark<M, W>>,
}

impl<'a, M: Subject, W: Way<M>> Search<'a, M, W> {
    fn all(
        model: &'a M,
        limits: &'a Limits<'a>,
        few: Option<&'a dyn Few<M>>,
    ) -> (Report<M::State, M::Action>, u64) {
        let claims = model.claims();
        let obligations = model.obligations();
        assert!(claims.len() <= 64 && obligations.len() <= 64, "at most 64 claims and obligations");
        let mut search = Self::new(model, limits, &claims, &obligations);
        search.shared.few = few;
        search.run();
        let outcomes = search.decide(obligations.len());
        let claim_of = |number: usize| obligations[number].claim;
        let outcomes = progress::by_claim(outcomes, claims.len(), claim_of);
        (search.report(&claims, &outcomes), search.store.narrowed)
    }

    fn new(
        model: &'a M,
        limits: &'a Limits<'a>,
        claims: &[Claim],
        obligations: &[Obligation],
    ) -> Self {
        let regrows = W::Keep::WHOLE && obligations.len() <= REGROW;
        let edges = !regrows && !obligations.is_empty();
        let later = if regrows && !obligations.is_empty() { REGROW_BYTES } else { 0 };
        let shared = Shared {
            model,
            limits,
            keep: RwLock::new(Arc::new(W::Keep::new())),
            safety: safety(claims),
            edges,
            settled: 0,
            wanted: 0,
            few: None,
            level_end: 0,
            judge_only: AtomicBool::new(false),
            halted: OnceLock::new(),
        };
        let store = Store::new(claims.len(), edges, later, W::item_bytes(model));
        Self { shared, store, scratches: Vec::new(), first: None }
    }

    /// What becomes of so many obligations.
    fn decide(&self, obligations: usize) -> Vec<Outcome> {
        let (store, limits) = (&self.store, self.shared.limits);
        let history = progress::History { parents: &store.parents, levels: &store.levels };
        if let Some(graph) = &store.graph {
            return progress::decide(|| graph, history, obligations, limits, store.word());
        }
        let kept = self.shared.kept();
        let regrow = || Regrow::<M, W>::new(self.shared.model, &kept, store.expanded);
        progress::decide(regrow, history, obligations, limits, store.word())
    }

    fn run(&mut self) {
        self.start();
        let max_depth = self.shared.limits.max_depth;
        while !self.store.is_exhausted() && !self.shared.poll() {
            let deepest = max_depth.is_some_and(|most| self.store.depth() >= most);
            if deepest {
                self.store.stop(&self.shared, Stop::Depth);
            }
            self.level();
        }
        if let Some(halted) = self.shared.halted.get() {
            self.store.stop(&self.shared, *halted);
        }
    }

    /// The initial states are the first level.
    fn start(&mut self) {
        let model = self.shared.model;
        for state in model.init_states() {
            if !model.within_boundary(&state) {
                continue;
            }
            let broken = model.broken_by_step(&state) & self.shared.safety;
            let exercised = model.exercised_by_step(&state);
            let item = W::take(model, state);
            self.store.make_room(&self.shared, 1);
            let most = most_states(self.shared.limits.max_states);
            let next = (W::print(&item), item);
            self.first.get_or_insert_with(|| W::Keep::mark(next.0, &next.1));
            let admitted = self.store.admit(&*self.shared.kept(), most, NOBODY, next);
            let Some(id) = admitted else {
                self.store.stop(&self.shared, Stop::States);
                return;
            };
            self.store.note(&Hit { source: 0, action: None, broken, exercised }, id);
        }
    }

    /// Expands the states of the deepest level; after a stop, only judges them.
    fn level(&mut self) {
        let chunks = self.store.begin_level();
        self.shared.level_end = self.store.level_end();
        self.shared.settled = bits(&self.store.broken);
        self.shared.wanted = !bits(&self.store.exercised) & below(self.store.exercised.len());
        let worth = chunks.len() >= WORTH_SHARING;
        let threads = if worth { self.shared.limits.threads } else { 1 };
        self.scratches.resize_with(threads.max(self.scratches.len()).max(1), Scratch::new);
        let first = self.first.as_ref().expect("invariant: there is a state to be expanded");
        for scratch in &mut self.scratches {
            scratch.fit(self.store.parents.len(), first);
        }
        if threads < 2 {
            self.alone(chunks);
        } else {
            self.together(chunks, threads);
        }
        self.store.end_level();
        (self.shared.limits.progress)(self.store.word());
    }

    fn alone(&mut self, chunks: Vec<Chunk<W::Item>>) {
        for chunk in chunks {
            let expanded = self.shared.expand(chunk, &mut self.scratches[0], Some(&mut self.store));
            if self.shared.poll() {
                return;
            }
            self.store.commit(&self.shared, expanded);
        }
    }

    fn together(&mut self, chunks: Vec<Chunk<W::Item>>, threads: usize) {
        let board = Board::new(chunks);
        let (shared, store) = (&self.shared, &mut self.store);
        let (own, others) =
            self.scratches.split_first_mut().expect("invariant: as many as threads");
        let work = |index, chunk, scratch: &mut Scratch<M, W>| {
            board.put(index, shared.expand(chunk, scratch, None));
            if shared.halted.get().is_some() {
                board.close();
            }
        };
        std::thread::scope(|scope| {
            let _guard = board.guard();
            for scratch in &mut others[..threads - 1] {
                let (board, work) = (&board, &work);
                scope.spawn(move || {
                    let _guard = board.guard();
                    while let Some((index, chunk)) = board.worker_turn() {
                        work(index, chunk, scratch);
                    }
                });
            }
            loop {
                match board.owner_turn() {
                    Turn::Work(index, chunk) => work(index, chunk, own),
                    Turn::Take(_) if shared.poll() => board.close(),
                    Turn::Take(expanded) => store.commit(shared, expanded),
                    Turn::Done => break,
                }
            }
        });
    }

    fn report(
        &self,
        claims: &[Claim],
        progress: &[Option<Outcome>],
    ) -> Report<M::State, M::Action> {
        let store = &self.store;
        let kept = self.shared.kept();
        let records = Kept::<M, W>(&kept);
        let retrace =
            Retrace { model: self.shared.model, records: &records, parents: &store.parents };
        let whole = W::Keep::WHOLE;
        let found = Found {
            states: store.parents.len() as u64,
            transitions: store.transitions,
            depth: store.depth(),
            stopped: store.stopped,
            broken: &store.broken,
            exercised: &store.exercised,
            progress,
            collision_odds: if whole { 0.0 } else { collision_odds(store.parents.len()) },
            memory: store.bytes::<W::Keep>(),
        };
        conclude(&retrace, claims, &found)
    }
}
