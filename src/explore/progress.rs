//! Decides progress: is there a fair endless run that leaves an obligation open?

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::component::Components;
use super::cycle;
use super::graph::{Edge, Steps};
use super::limits::{Limits, Phase, Progress, Stop};
use super::region;

/// What became of an obligation.
pub(super) enum Outcome {
    /// It is met in every fair run.
    Met,
    /// It is met in every fair run inside the boundary, but is open beyond.
    Cut,
    /// It stays open for ever in this run.
    Endless(Lasso),
    /// The caller ended the search first.
    Halted(Stop),
}

impl Outcome {
    pub(super) fn halted(&self) -> Option<Stop> {
        match self {
            Self::Halted(stop) => Some(*stop),
            Self::Met | Self::Cut | Self::Endless(_) => None,
        }
    }

    /// Which of several outcomes counts for a claim: the lowest.
    fn rank(&self) -> (u8, usize) {
        match self {
            Self::Endless(lasso) => (0, lasso.stem.len()),
            Self::Halted(_) => (1, 0),
            Self::Cut => (2, 0),
            Self::Met => (3, 0),
        }
    }
}

/// A fair endless run, in numbers.
pub(super) struct Lasso {
    pub(super) obligation: usize,
    /// States from an initial one to the first of the cycle.
    pub(super) stem: Vec<u32>,
    pub(super) cycle: Vec<Edge>,
    pub(super) no_return: usize,
}

/// How the states were found.
#[derive(Clone, Copy)]
pub(super) struct History<'a> {
    pub(super) parents: &'a [u32],
    /// The number of the first state of each level.
    pub(super) levels: &'a [u32],
}

/// Asks the caller now and then whether to end.
pub(super) struct Poll<'a> {
    limits: &'a Limits<'a>,
    steps: u32,
}

impl Poll<'_> {
    /// To be called for each step.
    pub(super) fn step(&mut self) -> Result<(), Stop> {
        self.steps += 1;
        if self.steps < 4096 {
            return Ok(());
        }
        self.steps = 0;
        self.now()
    }

    fn now(&self) -> Result<(), Stop> {
        (self.limits.stop)().map_or(Ok(()), Err)
    }
}

/// Decides each of so many obligations; several at a time, which makes no difference.
pub(super) fn decide<S: Steps>(
    steps: impl Fn() -> S + Sync,
    history: History,
    obligations: usize,
    limits: &Limits,
    so_far: Progress,
) -> Vec<Outcome> {
    let next = AtomicUsize::new(0);
    let outcomes: Mutex<Vec<Option<Outcome>>> =
        Mutex::new((0..obligations).map(|_| None).collect());
    let work = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= obligations {
                return;
            }
            let frontier = (obligations - number) as u64;
            (limits.progress)(Progress { phase: Phase::Progress, frontier, ..so_far });
            let mut poll = Poll { limits, steps: 0 };
            let outcome = one(&mut steps(), history, number, &mut poll);
            let outcome = outcome.unwrap_or_else(Outcome::Halted);
            outcomes.lock().unwrap_or_else(PoisonError::into_inner)[number] = Some(outcome);
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..limits.threads.min(obligations) {
            scope.spawn(work);
        }
        work();
    });
    let outcomes = outcomes.into_inner().unwrap_or_else(PoisonError::into_inner);
    outcomes.into_iter().map(|outcome| outcome.expect("invariant: all were decided")).collect()
}

/// For each claim what counts of its obligations: the shortest way in, the first among equals.
pub(super) fn by_claim(
    outcomes: Vec<Outcome>,
    claims: usize,
    claim_of: impl Fn(usize) -> usize,
) -> Vec<Option<Outcome>> {
    let mut best: Vec<Option<Outcome>> = (0..claims).map(|_| None).collect();
    for (number, outcome) in outcomes.into_iter().enumerate() {
        let best = &mut best[claim_of(number)];
        if best.as_ref().is_none_or(|best| outcome.rank() < best.rank()) {
            *best = Some(outcome);
        }
    }
    best
}

fn one(
    steps: &mut impl Steps,
    history: History,
    obligation: usize,
    poll: &mut Poll,
) -> Result<Outcome, Stop> {
    poll.now()?;
    let mut components = Components::new(steps, 1 << obligation);
    if !components.find(poll)? {
        return Ok(if components.cut { Outcome::Cut } else { Outcome::Met });
    }
    let stem = region::stem(&mut components, history, poll)?;
    let entry = *stem.last().expect("invariant: a way has a last state");
    let cycle = cycle::short_fair(&mut components, entry, poll)?;
    let no_return = no_return(&mut components, &stem, cycle.len());
    Ok(Outcome::Endless(Lasso { obligation, stem, cycle, no_return }))
}

/// The index of the last state of a run that can reach one without the obligation. Every state is
/// looked at once: what cannot leave is not entered again.
fn no_return<S: Steps>(components: &mut Components<'_, S>, stem: &[u32], cycle: usize) -> usize {
    let mut stuck = vec![false; components.expanded() as usize];
    let (mut todo, mut edges) = (Vec::new(), Vec::new());
    for (index, state) in stem.iter().enumerate().rev() {
        let last = index + 1 == stem.len();
        let here = if last { index + cycle } else { index };
        if !components.is_open(*state) {
            return here;
        }
        todo.push(*state);
        while let Some(state) = todo.pop() {
            if std::mem::replace(&mut stuck[state as usize], true) {
                continue;
            }
            edges.clear();
            if components.steps(state, &mut edges).leaves {
                return here;
            }
            todo.extend(edges.iter().map(|edge| edge.target));
        }
    }
    0
}
