//! Seeded random walks, for models that are too large to be searched. A walk finds; it never
//! proves.
//!
//! A walk depends on the seed and on its number and on nothing else. Walks are counted in the order
//! of their numbers (see `ledger`), whichever thread took them, so that a report depends on threads
//! only if the caller's `stop` came between.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use super::chance::Chance;
use super::ledger::{Ledger, Run, Walked};
use super::limits::Stop;
use super::report::Path;
use super::subject::{OPTIONAL, Subject, safety};

/// Steps between two looks at the caller's `stop`.
const POLL: u32 = 256;
/// Of as many actions of two kinds, those of one are drawn up to `2^(n-1)` times as often.
const SPREAD: u64 = 3;
/// What may be left out is drawn up to `2^(n-1)` times as rarely as all else.
const RARE: u64 = 5;

/// Which walks are taken, when they end, and who is told.
#[derive(Clone, Copy)]
pub struct Walks<'a> {
    /// How many; without a number, as many as there are until `stop` says so.
    pub walks: Option<u64>,
    /// How far a walk goes at most, in steps. It ends sooner where nothing leads anywhere else.
    pub depth: u32,
    /// Decides everything.
    pub seed: u64,
    /// How the next step is drawn.
    pub draw: Draw,
    /// Safety claims, as bits. The first walk that breaks one of them is the last one.
    pub until: u64,
    /// How many threads walk (0 counts as 1).
    pub threads: usize,
    /// Asked at least every few hundred steps, from any thread: must it end? Once it says so, it
    /// should go on saying so.
    pub stop: &'a (dyn Fn() -> Option<Stop> + Sync),
    /// Told how far it is.
    pub progress: &'a (dyn Fn(WalkProgress) + Sync),
}

/// How the next step is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Draw {
    /// Every action that is enabled has the same chance.
    Uniform,
    /// Each walk gives each kind of actions ([`Subject::kind`]) a weight of its own, and does
    /// without some of those that may be left out.
    Swarm,
}

/// How far walks are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WalkProgress {
    /// Walks that are over.
    pub walks: u64,
    /// The steps that they looked at.
    pub steps: u64,
    /// How far the longest went; a step back to where it began goes nowhere.
    pub deepest: u32,
}

/// What walks found. Of what they did not find they say nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct WalkReport<S, A> {
    /// How many, how long.
    pub done: WalkProgress,
    /// Why they ended early, if the caller ended them.
    pub stopped: Option<Stop>,
    /// The claims whose hard case occurred, as bits.
    pub exercised: u64,
    /// The first violation of each safety claim that was broken, by claim.
    pub found: Vec<Found<S, A>>,
}

/// A safety claim that a walk broke.
#[derive(Clone, Debug, PartialEq)]
pub struct Found<S, A> {
    /// The index of the claim.
    pub claim: usize,
    /// The lowest number of a walk that broke it.
    pub walk: u64,
    /// That walk; its last state or last step breaks the claim, and none before did.
    pub path: Path<S, A>,
}

/// Takes random walks through a model.
///
/// Progress claims are not looked at: no walk is endless.
///
/// # Panics
/// If there are more than 64 claims, or if the model is not a function of its state.
pub fn walk<M: Subject>(model: &M, walks: &Walks) -> WalkReport<M::State, M::Action> {
    let claims = model.claims();
    assert!(claims.len() <= 64, "at most 64 claims");
    let inits = model.init_states().into_iter();
    let shared = Shared {
        model,
        walks,
        inits: inits.filter(|state| model.within_boundary(state)).collect(),
        safety: safety(&claims),
        next: AtomicU64::new(0),
        end: AtomicU64::new(walks.walks.unwrap_or(u64::MAX)),
        settled: AtomicU64::new(0),
        halted: OnceLock::new(),
        ledger: Mutex::new(Ledger::new()),
    };
    std::thread::scope(|scope| {
        for _ in 1..walks.threads {
            scope.spawn(|| shared.work());
        }
        shared.work();
    });
    let mut ledger = shared.ledger.into_inner().unwrap_or_else(PoisonError::into_inner);
    ledger.close();
    // Whoever was asked to end when all was done has missed nothing.
    let stopped = shared.halted.get().copied().filter(|_| !ledger.is_over(walks.walks));
    let found = std::mem::take(&mut ledger.found).into_iter();
    let found = found.map(|(claim, (walk, run))| {
        let path = path_of(model, &shared.inits[run.init], run.actions);
        Found { claim, walk, path }
    });
    let found = found.collect();
    WalkReport { done: ledger.done, stopped, exercised: ledger.exercised, found }
}

/// The run by these actions.
pub(super) fn path_of<M: Subject>(
    model: &M,
    init: &M::State,
    actions: Vec<M::Action>,
) -> Path<M::State, M::Action> {
    let mut path = Path { init: init.clone(), steps: Vec::with_capacity(actions.len()) };
    for action in actions {
        let next = model.next_state(path.last(), action.clone());
        path.steps.push((action, next.expect("invariant: the step was taken before")));
    }
    path
}

/// What all threads see.
struct Shared<'a, M: Subject> {
    model: &'a M,
    walks: &'a Walks<'a>,
    /// Those inside the boundary.
    inits: Vec<M::State>,
    /// Bits of the safety claims.
    safety: u64,
    /// The first walk that nobody has begun.
    next: AtomicU64,
    /// Walks from this number on are not wanted.
    end: AtomicU64,
    /// Claims that a walk that is counted has broken.
    settled: AtomicU64,
    /// The caller wants them to end now.
    halted: OnceLock<Stop>,
    ledger: Mutex<Ledger<M::Action>>,
}

/// What a thread keeps from walk to walk.
struct Scratch<A> {
    /// What the model offers, and the same with weights.
    all: Vec<A>,
    offered: Vec<(A, u64)>,
    /// The walk so far.
    actions: Vec<A>,
    /// Steps since the last look at `stop`.
    polled: u32,
}

impl<M: Subject> Shared<'_, M> {
    fn work(&self) {
        let (all, offered, actions) = (Vec::new(), Vec::new(), Vec::new());
        let mut scratch = Scratch { all, offered, actions, polled: 0 };
        while !self.poll() {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            if number >= self.end.load(Ordering::Relaxed) {
                return;
            }
            let walked = Walk::new(self, number).take(&mut scratch);
            if walked.ends {
                self.end.fetch_min(number + 1, Ordering::Relaxed);
            }
            let mut ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
            ledger.hand_in(number, walked);
            self.settled.store(ledger.settled(), Ordering::Relaxed);
            let done = ledger.done;
            drop(ledger);
            (self.walks.progress)(done);
        }
    }

    /// Must it end now?
    fn poll(&self) -> bool {
        if let Some(stop) = (self.walks.stop)() {
            self.halted.get_or_init(|| stop);
        }
        self.halted.get().is_some()
    }
}

/// A walk under way.
struct Walk<'a, M: Subject> {
    shared: &'a Shared<'a, M>,
    number: u64,
    chance: Chance,
    /// The weight of each kind; none where all are alike.
    weights: Option<Box<[u64; 256]>>,
    /// Claims of which no other violation is wanted.
    settled: u64,
    init: usize,
    actions: Vec<M::Action>,
    walked: Walked<M::Action>,
}

impl<'a, M: Subject> Walk<'a, M> {
    fn new(shared: &'a Shared<'a, M>, number: u64) -> Self {
        let mut chance = Chance::new(shared.walks.seed, number);
        let weights = match shared.walks.draw {
            Draw::Uniform => None,
            Draw::Swarm => Some(Box::new(weights(&mut chance))),
        };
        let settled = shared.settled.load(Ordering::Relaxed);
        let walked = Walked::default();
        Self { shared, number, chance, weights, settled, init: 0, actions: Vec::new(), walked }
    }

    fn take(mut self, scratch: &mut Scratch<M::Action>) -> Walked<M::Action> {
        let count = self.shared.inits.len() as u64;
        if count == 0 {
            return self.walked;
        }
        let init = self.chance.below(count);
        self.init = usize::try_from(init).expect("invariant: it is below a length");
        self.actions = std::mem::take(&mut scratch.actions);
        let mut state = self.shared.inits[self.init].clone();
        self.judge(&state);
        while self.walked.depth < self.shared.walks.depth && !self.walked.ends {
            scratch.polled += 1;
            if scratch.polled >= POLL {
                scratch.polled = 0;
                // Where a lower walk was the last, this one will not be counted.
                let wanted = self.number < self.shared.end.load(Ordering::Relaxed);
                if !wanted || self.shared.poll() {
                    self.walked.cut = true;
                    break;
                }
            }
            let Some(next) = self.step(&state, scratch) else { break };
            state = next;
        }
        self.actions.clear();
        scratch.actions = self.actions;
        self.walked
    }

    fn judge(&mut self, state: &M::State) {
        let model = self.shared.model;
        self.walked.exercised |= model.exercised(state) | model.exercised_by_step(state);
        let broken = model.broken_by_step(state) | model.broken(state);
        let mut broken = broken & self.shared.safety & !self.settled;
        self.settled |= broken;
        self.walked.ends = broken & self.shared.walks.until != 0;
        while broken != 0 {
            let claim = broken.trailing_zeros() as usize;
            broken &= broken - 1;
            let run = Run { init: self.init, actions: self.actions.clone() };
            self.walked.broke.push((claim, run));
        }
    }

    /// The next step, if there is one: drawn from those offered until one leads elsewhere. One that
    /// leads back to where it began is judged, but no part of the walk: a model that has come to
    /// rest would be walked in place to the end.
    fn step(&mut self, state: &M::State, scratch: &mut Scratch<M::Action>) -> Option<M::State> {
        let model = self.shared.model;
        let Scratch { all, offered, .. } = scratch;
        all.clear();
        model.actions(state, all);
        let weight = |action: &M::Action| {
            self.weights.as_ref().map_or(1, |all| all[usize::from(model.kind(state, action))])
        };
        offered.clear();
        offered.extend(all.drain(..).map(|action| {
            let weight = weight(&action);
            (action, weight)
        }));
        while !offered.is_empty() {
            let at = self.drawn(offered);
            let (action, _) = offered.swap_remove(at);
            let Some(next) = model.next_state(state, action.clone()) else { continue };
            if !model.within_boundary(&next) {
                continue;
            }
            self.actions.push(action);
            self.walked.steps += 1;
            self.judge(&next);
            if next != *state || self.walked.ends {
                self.walked.depth += 1;
                return Some(next);
            }
            self.actions.pop();
        }
        None
    }

    /// One of the actions offered, by weight. What the walk does without is taken where there is
    /// nothing else: a walk must not end before the model does.
    fn drawn(&mut self, offered: &[(M::Action, u64)]) -> usize {
        let total: u64 = offered.iter().map(|(_, weight)| weight).sum();
        if total == 0 {
            let drawn = self.chance.below(offered.len() as u64);
            return usize::try_from(drawn).expect("invariant: it is below a length");
        }
        let mut left = self.chance.below(total);
        let weighed = |(_, weight): &(M::Action, u64)| {
            let here = left < *weight;
            left = left.saturating_sub(*weight);
            here
        };
        offered.iter().position(weighed).expect("invariant: it is below the sum")
    }
}

/// The weights of a walk. What may be left out is as likely as the rest, or rarer by a power of two
/// of the walk's own: where only so many faults may happen, walks in which they are frequent have
/// none left when it gets interesting.
///
/// Measured with seven wrong machines, eight seeds each: in `mix.wide` they were found after 57,676
/// steps, by uniform walks after 83,618; 0.35 to 0.45 of them where a fault has to come late, and
/// up to twice as many where none is needed. In its wider form it was 39,763 and 40,686.
fn weights(chance: &mut Chance) -> [u64; 256] {
    let rare = chance.below(RARE);
    let mut weights = [0; 256];
    for (kind, weight) in (0..=u8::MAX).zip(&mut weights) {
        let drawn = 1 << chance.below(SPREAD);
        *weight = match kind {
            OPTIONAL.. => drawn * chance.below(2),
            _ => drawn << rare,
        };
    }
    weights
}
