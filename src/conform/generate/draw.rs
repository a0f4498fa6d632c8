//! Drawing values by strategies of proptest, without the trees in which proptest would shrink them.
//!
//! A union of proptest keeps each alternative that it passed over, to shrink towards it; for a run
//! of many small choices that is most of the work. Runs are made shorter by our own search, which
//! knows what belongs together, so nothing is kept here.

use std::fmt;

use proptest::strategy::{NewTree, Strategy, ValueTree};
use proptest::test_runner::TestRunner;

/// Draws one value after another.
pub struct Draw<'a>(pub(super) &'a mut TestRunner);

impl Draw<'_> {
    /// A value of a strategy that refuses none.
    pub fn of<S: Strategy>(&mut self, strategy: &S) -> S::Value {
        strategy.new_tree(self.0).expect("invariant: no strategy of ours refuses values").current()
    }

    /// A number between these two, both included.
    pub fn between(&mut self, least: u32, most: u32) -> u32 {
        self.of(&(least..=most))
    }

    /// True this many times in a hundred.
    pub fn percent(&mut self, chance: u32) -> bool {
        self.of(&(0..100_u32)) < chance
    }

    /// A place in a list of this length, which is not empty.
    pub fn place(&mut self, length: usize) -> usize {
        // Not drawn as `usize`: it must be the same on machines of any width.
        let length = u32::try_from(length).expect("invariant: lists to draw from are short");
        self.of(&(0..length)) as usize
    }

    /// One of a list that is not empty.
    pub fn one<T: Clone>(&mut self, list: &[T]) -> T {
        list[self.place(list.len())].clone()
    }

    /// One of a list, each as often as its weight says; the weights are not all 0.
    pub fn weighted<T: Clone>(&mut self, list: &[(u32, T)]) -> T {
        let mut left = self.of(&(0..list.iter().map(|(weight, _)| weight).sum::<u32>()));
        let found = list.iter().find(|(weight, _)| {
            let here = left < *weight;
            left = left.saturating_sub(*weight);
            here
        });
        found.expect("invariant: what was drawn is below the sum").1.clone()
    }
}

/// A strategy that draws by a function.
pub struct Drawing<F>(pub F);

impl<F> fmt::Debug for Drawing<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Drawing")
    }
}

impl<T: Clone + fmt::Debug, F: Fn(&mut Draw<'_>) -> T> Strategy for Drawing<F> {
    type Tree = Drawn<T>;
    type Value = T;

    fn new_tree(&self, runner: &mut TestRunner) -> NewTree<Self> {
        Ok(Drawn(self.0(&mut Draw(runner))))
    }
}

/// A value that proptest cannot make simpler.
#[derive(Debug, Clone)]
pub struct Drawn<T>(pub(super) T);

impl<T: Clone + fmt::Debug> ValueTree for Drawn<T> {
    type Value = T;

    fn current(&self) -> T {
        self.0.clone()
    }

    fn simplify(&mut self) -> bool {
        false
    }

    fn complicate(&mut self) -> bool {
        false
    }
}
