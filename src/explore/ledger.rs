//! Walks counted in the order of their numbers, whoever took them and whenever they were over.

use std::collections::BTreeMap;

use super::walk::WalkProgress;

/// What came of a walk.
pub(super) struct Walked<A> {
    /// Steps that it looked at, and those that led somewhere.
    pub(super) steps: u64,
    pub(super) depth: u32,
    pub(super) exercised: u64,
    /// Claims, and the runs that broke them.
    pub(super) broke: Vec<(usize, Run<A>)>,
    /// Is it the last one that is wanted?
    pub(super) ends: bool,
    /// It was ended before its time.
    pub(super) cut: bool,
}

/// A run: an initial state, by its place, and what was done.
pub(super) struct Run<A> {
    pub(super) init: usize,
    pub(super) actions: Vec<A>,
}

impl<A> Default for Walked<A> {
    fn default() -> Self {
        Self { steps: 0, depth: 0, exercised: 0, broke: Vec::new(), ends: false, cut: false }
    }
}

/// What came of all walks whose turn it was.
pub(super) struct Ledger<A> {
    pub(super) done: WalkProgress,
    pub(super) exercised: u64,
    /// By claim: the first walk that broke it.
    pub(super) found: BTreeMap<usize, (u64, Run<A>)>,
    /// The walk whose turn it is.
    turn: u64,
    /// Walks that were over before their turn.
    early: BTreeMap<u64, Walked<A>>,
    /// The last walk is counted.
    ended: bool,
}

impl<A> Ledger<A> {
    pub(super) fn new() -> Self {
        Self {
            done: WalkProgress::default(),
            exercised: 0,
            found: BTreeMap::new(),
            turn: 0,
            early: BTreeMap::new(),
            ended: false,
        }
    }

    /// A walk is over.
    pub(super) fn hand_in(&mut self, number: u64, walked: Walked<A>) {
        self.early.insert(number, walked);
        while let Some(walked) = self.early.remove(&self.turn) {
            self.count(self.turn, walked);
            self.turn += 1;
        }
    }

    /// No walk comes any more. Where some are missing, because the caller ended them, those behind
    /// are counted all the same: what they found is real.
    pub(super) fn close(&mut self) {
        for (number, walked) in std::mem::take(&mut self.early) {
            self.count(number, walked);
        }
    }

    /// The claims that were broken, as bits.
    pub(super) fn settled(&self) -> u64 {
        self.found.keys().map(|claim| 1 << claim).sum()
    }

    /// Is nothing missing of so many walks?
    pub(super) fn is_over(&self, walks: Option<u64>) -> bool {
        self.ended || walks.is_some_and(|walks| self.done.walks == walks)
    }

    fn count(&mut self, number: u64, walked: Walked<A>) {
        if self.ended {
            return;
        }
        self.done.walks += u64::from(!walked.cut);
        self.done.steps += walked.steps;
        self.done.deepest = self.done.deepest.max(walked.depth);
        self.exercised |= walked.exercised;
        for (claim, run) in walked.broke {
            self.found.entry(claim).or_insert((number, run));
        }
        self.ended = walked.ends;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walked(steps: u64, claim: Option<usize>, ends: bool) -> Walked<u8> {
        let run = |claim| (claim, Run { init: 0, actions: Vec::new() });
        let broke = claim.map(run).into_iter().collect();
        Walked { steps, depth: 1, exercised: 1 << steps, broke, ends, cut: false }
    }

    #[test]
    fn walks_are_counted_by_number_up_to_the_last_that_is_wanted() {
        let rows = || {
            [walked(1, Some(7), false), walked(2, Some(8), true), walked(3, Some(9), false)]
                .into_iter()
                .enumerate()
        };
        for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0], [2, 0, 1]] {
            let mut ledger = Ledger::new();
            for wanted in order {
                let (number, walked) = rows().nth(wanted).expect("it is below three");
                ledger.hand_in(number as u64, walked);
            }
            ledger.close();
            let done = WalkProgress { walks: 2, steps: 3, deepest: 1 };
            assert_eq!((ledger.done, ledger.exercised), (done, 0b110), "{order:?}");
            assert!(ledger.found.keys().eq(&[7, 8]) && ledger.is_over(None), "{order:?}");
        }
    }
}
