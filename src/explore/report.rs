//! What a search found out.

use super::limits::Stop;

/// What a search found out.
#[derive(Clone, Debug, PartialEq)]
pub struct Report<S, A> {
    /// Unique states.
    pub states: u64,
    /// Transitions between states inside the boundary, self loops and duplicates counted.
    pub transitions: u64,
    /// The depth of the deepest state: steps from an initial one.
    pub depth: u32,
    /// Why the search ended early, if it did.
    pub stopped: Option<Stop>,
    /// What became of each claim, by index.
    pub verdicts: Vec<Verdict<S, A>>,
    /// A shortest run that exercised each claim, by index.
    pub witnesses: Vec<Option<Path<S, A>>>,
    /// How likely it is that some two states had the same fingerprint, so that one was not visited.
    pub collision_odds: f64,
    /// The engine's estimate of the bytes it held at the end of the search.
    pub memory: u64,
}

/// What became of a claim.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict<S, A> {
    /// It holds in every state or fair run, and its hard case occurred.
    Holds,
    /// Nothing broke it, but its hard case never occurred.
    Vacuous,
    /// It does not hold.
    Violated(Counterexample<S, A>),
    /// Nothing broke it in the part that was looked at.
    Incomplete(Stop),
}

/// Why a claim does not hold.
#[derive(Clone, Debug, PartialEq)]
pub enum Counterexample<S, A> {
    /// A shortest run; its last state or last step breaks the claim.
    Finite(Path<S, A>),
    /// A fair run that goes on for ever with an obligation open.
    Endless {
        /// The way in; its last state is the first of the cycle.
        stem: Path<S, A>,
        /// The steps repeated for ever, back to where it began. Empty: nothing happens any more.
        cycle: Vec<(A, S)>,
        /// The index, in the states of the stem (the initial one is 0) followed by those of the
        /// cycle, of the last from which a state without the open obligation could still be
        /// reached by any actions; 0 also if there is none. What was not expanded counts as such.
        no_return: usize,
        /// The index of the obligation that stays open.
        obligation: usize,
    },
    /// A [`Kind::Reachable`](super::Kind::Reachable) claim that no state or step shows: there is
    /// no run to point at.
    Unreachable,
}

/// A finite run.
#[derive(Clone, Debug, PartialEq)]
pub struct Path<S, A> {
    /// Where it begins.
    pub init: S,
    /// What was done, and what it led to.
    pub steps: Vec<(A, S)>,
}

impl<S, A> Path<S, A> {
    /// Where it ends.
    pub fn last(&self) -> &S {
        self.steps.last().map_or(&self.init, |(_, state)| state)
    }
}
