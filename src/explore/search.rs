//! The search: level by level, numbering states in the order of the level before and its actions.

use std::sync::atomic::AtomicBool;
use std::sync::{OnceLock, PoisonError, RwLock};

use super::board::{Board, Turn};
use super::expand::{Hit, Shared};
use super::limits::{Limits, Stop};
use super::progress::{self, Outcome};
use super::report::{Counterexample, Report, Verdict};
use super::retrace::Retrace;
use super::store::{NOBODY, Spot, Store, below, bits};
use super::subject::{Claim, Kind, Subject};
use super::table::{Table, fingerprint};

/// Levels with fewer chunks are expanded by one thread: starting others costs more.
const WORTH_SHARING: usize = 4;

/// Visits the states of a model and decides its claims.
///
/// # Panics
/// If there are more than 64 claims or obligations, if a fairness class is 64 or above, or if the
/// model is not a function of its state.
pub fn search<M: Subject>(model: &M, limits: &Limits) -> Report<M::State, M::Action> {
    let claims = model.claims();
    let obligations = model.obligations();
    assert!(claims.len() <= 64 && obligations.len() <= 64, "at most 64 claims and obligations");
    let mut search = Search::new(model, limits, &claims, !obligations.is_empty());
    search.run();
    let store = &search.store;
    let outcomes = store.graph.as_ref().map_or_else(Vec::new, |graph| {
        let history = progress::History { parents: &store.parents, levels: &store.levels };
        progress::decide(graph, history, obligations.len(), limits, store.word())
    });
    let claim_of = |number: usize| obligations[number].claim;
    search.report(&claims, &progress::by_claim(outcomes, claims.len(), claim_of))
}

struct Search<'a, M: Subject> {
    shared: Shared<'a, M>,
    store: Store<M::State>,
}

impl<'a, M: Subject> Search<'a, M> {
    fn new(model: &'a M, limits: &'a Limits<'a>, claims: &[Claim], edges: bool) -> Self {
        let bit = |(index, claim): (usize, &Claim)| match claim.kind {
            Kind::Safety => 1 << index,
            Kind::Reachable | Kind::Progress => 0,
        };
        let shared = Shared {
            model,
            limits,
            table: RwLock::new(Table::new()),
            safety: claims.iter().enumerate().map(bit).sum(),
            edges,
            settled: 0,
            wanted: 0,
            judge_only: AtomicBool::new(false),
            halted: OnceLock::new(),
        };
        Self { shared, store: Store::new(claims.len(), edges, model.state_bytes()) }
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
            let exercised = model.exercised(&state);
            self.store.make_room(&self.shared, 1);
            let fingerprint = fingerprint(&state);
            let Some(id) = self.store.admit(&self.shared, NOBODY, (fingerprint, state)) else {
                self.store.stop(&self.shared, Stop::States);
                return;
            };
            self.store.note(&Hit { source: 0, action: None, broken, exercised }, id);
        }
    }

    /// Expands the states of the deepest level; after a stop, only judges them.
    fn level(&mut self) {
        let chunks = self.store.begin_level();
        self.shared.settled = bits(&self.store.broken);
        self.shared.wanted = !bits(&self.store.exercised) & below(self.store.exercised.len());
        let worth = chunks.len() >= WORTH_SHARING;
        let threads = if worth { self.shared.limits.threads } else { 1 };
        let board = Board::new(chunks);
        let (shared, store) = (&self.shared, &mut self.store);
        let work = |index, chunk| {
            board.put(index, shared.expand(&chunk));
            if shared.halted.get().is_some() {
                board.close();
            }
        };
        std::thread::scope(|scope| {
            let _guard = board.guard();
            for _ in 1..threads {
                scope.spawn(|| {
                    let _guard = board.guard();
                    while let Some((index, chunk)) = board.worker_turn() {
                        work(index, chunk);
                    }
                });
            }
            loop {
                match board.owner_turn() {
                    Turn::Work(index, chunk) => work(index, chunk),
                    Turn::Take(_) if shared.poll() => board.close(),
                    Turn::Take(expanded) => store.commit(shared, expanded),
                    Turn::Done => break,
                }
            }
        });
        self.store.end_level();
        (self.shared.limits.progress)(self.store.word());
    }

    fn report(
        &self,
        claims: &[Claim],
        progress: &[Option<Outcome>],
    ) -> Report<M::State, M::Action> {
        let store = &self.store;
        let table = self.shared.table.read().unwrap_or_else(PoisonError::into_inner);
        let retrace = Retrace {
            model: self.shared.model,
            table: &table,
            parents: &store.parents,
            graph: store.graph.as_ref(),
        };
        let halted = progress.iter().flatten().find_map(Outcome::halted);
        let stopped = store.stopped.or(halted);
        let judge = |(index, claim): (usize, &Claim)| {
            let exercised = store.exercised[index].is_some();
            let unbroken = match stopped {
                Some(stop) => Verdict::Incomplete(stop),
                None if exercised => Verdict::Holds,
                None => Verdict::Vacuous,
            };
            match claim.kind {
                Kind::Safety => store.broken[index].map_or(unbroken, |spot| {
                    Verdict::Violated(Counterexample::Finite(retrace.to_spot(spot)))
                }),
                Kind::Reachable if exercised => Verdict::Holds,
                Kind::Reachable => stopped
                    .map_or(Verdict::Violated(Counterexample::Unreachable), Verdict::Incomplete),
                Kind::Progress => match &progress[index] {
                    Some(Outcome::Endless(lasso)) => Verdict::Violated(retrace.endless(lasso)),
                    Some(Outcome::Cut) if stopped.is_none() => Verdict::Incomplete(Stop::Boundary),
                    Some(Outcome::Cut | Outcome::Met | Outcome::Halted(_)) | None => unbroken,
                },
            }
        };
        let witness = |spot: &Option<Spot>| spot.map(|spot| retrace.to_spot(spot));
        Report {
            states: store.parents.len() as u64,
            transitions: store.transitions,
            depth: store.depth(),
            stopped,
            verdicts: claims.iter().enumerate().map(judge).collect(),
            witnesses: store.exercised.iter().map(witness).collect(),
            collision_odds: collision_odds(store.parents.len()),
            memory: store.bytes(),
        }
    }
}

/// The chance that among so many fingerprints of 64 bits some two are equal.
fn collision_odds(states: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    let states = states as f64;
    let pairs = states * (states - 1.0).max(0.0) / 2.0;
    -(-pairs / 2.0_f64.powi(64)).exp_m1()
}
