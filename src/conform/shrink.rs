//! Shortest failures: a failing case is made as small as it still fails.
//!
//! A [`Case`] is a sequence of steps in a setting, and says what a simpler one is. The search is
//! delta debugging (Zeller and Hildebrandt, "Simplifying and isolating failure-inducing input",
//! 2002) in the form of group testing, followed by what delta debugging leaves out: pairs, values
//! and the setting. It knows no cluster. It is greedy: what fails and is simpler is kept at once,
//! so a case that was once run never helps again, and no case is run twice.
//!
//! Steps go one by one only if the rest is still a run. So it is [`Case::with_steps`] that leaves
//! out what has lost its precondition: with a `register` goes its `expire`, at no cost. What is
//! left to pairs are two steps that are both allowed alone and cancel each other.
//!
//! Reading order: this file is the contract; `search` keeps what is known, `passes` decides what
//! is tried next, [`note`] is the log.

pub mod note;
mod passes;
mod search;

use note::Note;
use search::Search;

/// What can be made smaller: a sequence of steps in a setting.
///
/// Equality tells which cases are the same run, so that none is run twice.
pub trait Case: Clone + PartialEq {
    /// What is done, one after the other.
    type Step: Clone;

    /// The steps of this case.
    fn steps(&self) -> &[Self::Step];

    /// The same with these steps only, in the same setting; a step whose precondition has become
    /// false is left out.
    #[must_use]
    fn with_steps(&self, steps: Vec<Self::Step>) -> Self;

    /// Each simpler value of the step at this place as a whole case, simplest first. A name that
    /// several steps share is changed in all of them. See [`simpler_numbers`].
    fn simpler_step(&self, at: usize) -> Vec<Self>;

    /// Each simpler setting as a whole case, simplest first; the steps may change with it.
    fn simpler_setting(&self) -> Vec<Self>;

    /// Much shorter cases that no removal leads to, as whole cases, shortest first: they are tried
    /// when nothing else makes this one smaller. Each has fewer steps.
    fn leaps(&self) -> Vec<Self> {
        Vec::new()
    }

    /// Pairs of places whose steps are likely to go only together, such as a partition and its
    /// healing; each place in one pair at most. Chunks do not part them, and pairs begin with them.
    /// It is a hint: a pair that is not named is found by trying all pairs if there are few (see
    /// [`Limits::pairs`]). Steps that a precondition binds need none, as the second goes with the
    /// first anyway; naming those as well made searches up to a third dearer.
    fn partners(&self) -> Vec<(usize, usize)> {
        Vec::new()
    }
}

/// What one run of the system answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It failed in the same way as the case at the beginning. What "the same way" is, the caller
    /// decides: without it the search slips to another failure, which is often a simpler one.
    Fails,
    /// It did not fail in this way.
    Passes,
    /// Nothing can be said. It is not kept, and what was to be known by it stays unknown.
    Unclear,
    /// It was not run, because all that runs may cost is spent: nothing more is tried. It does not
    /// count as a run.
    Spent,
}

/// How far the search goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Runs of the system at most, re-runs included.
    pub runs: usize,
    /// How often the case at the beginning is run again, to tell a flaky failure from a real one.
    pub reruns: usize,
    /// How many pairs of steps are tried at most before a smaller case is found: all if there are
    /// no more than these, else the partners and those that are close to each other.
    pub pairs: usize,
    /// How many [leaps](Case::leaps) are tried at most at a time.
    pub leaps: usize,
    /// Whether a flaky failure is made smaller too. Then a candidate is run up to `reruns` times,
    /// until it fails.
    pub flaky_too: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self { runs: 500, reruns: 2, pairs: 105, leaps: 120, flaky_too: false }
    }
}

/// What is known of the steps of a case: removing these leaves nothing that fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Minimal {
    /// Some single step was not tried, or its answer was unclear.
    Unknown,
    /// Each single step was tried, and without it the run passes.
    Singles,
    /// Each pair of steps was tried too, and without it the run passes.
    Pairs,
}

/// How often a case that had failed failed again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flaky {
    /// Re-runs that failed.
    pub fails: usize,
    /// Re-runs.
    pub of: usize,
}

/// The end of a search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shrunk<C> {
    /// The smallest case found that fails.
    pub case: C,
    /// Runs of the system used.
    pub runs: usize,
    /// Runs after which this case was found; those that follow only make sure.
    pub found_after: usize,
    /// Whether the limit on runs, or on what they cost, ended the search.
    pub limit_reached: bool,
    /// What is known of its steps.
    pub minimal: Minimal,
    /// Present if a re-run of the first or of the last case did not fail. Unless it was asked for,
    /// a case whose first re-runs tell so is handed back as it came.
    pub flaky: Option<Flaky>,
}

/// Makes a failing case as small as it still fails. The same answers give the same search.
///
/// A caller that knows at which step it failed leaves out the steps after it before: that saves
/// two or three runs of a search of 80 steps.
pub fn shrink<C: Case>(
    case: C,
    limits: Limits,
    test: &mut dyn FnMut(&C) -> Verdict,
    log: &mut dyn FnMut(&Note),
) -> Shrunk<C> {
    let mut search = Search::new(case, limits, test, log);
    search.rerun(limits.reruns);
    if search.flaky().is_none() || limits.flaky_too {
        passes::all(&mut search);
    }
    search.end()
}

/// Simpler numbers than this one, down to the least allowed, simplest first: what a step with a
/// number in it tries. The gaps halve, so that the smallest that fails is found by bisection.
pub fn simpler_numbers(number: u64, least: u64) -> Vec<u64> {
    let mut gap = number.saturating_sub(least);
    let mut simpler = Vec::new();
    while gap > 0 {
        simpler.push(number - gap);
        gap /= 2;
    }
    simpler
}
