//! When a search must end, and what it says on the way.

/// When a search must end, and whom it tells.
///
/// All but `stop` depend on the model alone: they end the search at the same state whatever the
/// number of threads.
#[derive(Clone, Copy)]
pub struct Limits<'a> {
    /// End before there are more unique states than this.
    pub max_states: Option<u64>,
    /// Do not take more steps than this from an initial state.
    pub max_depth: Option<u32>,
    /// End when the engine holds more bytes than this by its own estimate, for which the model says
    /// what a state takes.
    pub max_memory: Option<u64>,
    /// How many threads search (0 counts as 1).
    pub threads: usize,
    /// Asked at least every few thousand transitions or steps, from any thread: must it end? Once
    /// it says so, it should go on saying so.
    pub stop: &'a (dyn Fn() -> Option<Stop> + Sync),
    /// Told how far the search is.
    pub progress: &'a (dyn Fn(Progress) + Sync),
}

/// Why something was left undecided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// `max_states`, or as many states as the engine can number (4 thousand million).
    States,
    /// `max_depth`.
    Depth,
    /// `max_memory`.
    Memory,
    /// The caller's time was up.
    Time,
    /// The caller was interrupted.
    Interrupted,
    /// The model's boundary cuts off open states of this progress claim. It leaves only that claim
    /// undecided, and does not stand in [`Report::stopped`](super::Report::stopped).
    Boundary,
    /// The search was one up to symmetry, which leaves progress claims undecided; it does not
    /// stand in [`Report::stopped`](super::Report::stopped) either.
    Symmetry,
    /// The search was one by partial-order reduction, which leaves progress claims undecided; nor
    /// does this stand in [`Report::stopped`](super::Report::stopped).
    PartialOrder,
    /// A process of a search on several is not there any more: this one, by its number.
    Lost(usize),
}

/// How far a search is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What is being done.
    pub phase: Phase,
    /// Unique states so far.
    pub states: u64,
    /// Transitions so far.
    pub transitions: u64,
    /// The depth being expanded.
    pub depth: u32,
    /// States of the next depth so far; while deciding progress, obligations not yet decided.
    pub frontier: u64,
}

/// What a search is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Visiting states.
    Search,
    /// Looking for fair endless runs in what was visited.
    Progress,
}
