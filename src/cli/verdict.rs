//! What came out of a scope, held against what it expects.

use super::Exit;
use super::engine::{Outcome, Row, Stop, Symmetry, Verdict};
use crate::check::scope::Scope;

/// What a scope comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Judged {
    /// How many claims hold.
    pub held: usize,
    /// Those that are violated.
    pub violated: Vec<&'static str>,
    /// Those that were never exercised.
    pub vacuous: Vec<&'static str>,
    /// In words.
    pub word: String,
    /// What the program would end with if this were the only scope.
    pub exit: Exit,
}

/// Judges an outcome; none means that the scope's turn never came.
pub(super) fn judge(scope: &Scope, outcome: Option<&Outcome>) -> Judged {
    let Some(outcome) = outcome else {
        let word = "INCOMPLETE (not begun)".to_owned();
        let (violated, vacuous) = (Vec::new(), Vec::new());
        return Judged { held: 0, violated, vacuous, word, exit: Exit::Incomplete };
    };
    let ids = |wanted: fn(Verdict) -> bool| -> Vec<&'static str> {
        let rows = outcome.rows.iter().filter(|row| wanted(row.verdict));
        rows.map(|row| row.id).collect()
    };
    let violated = ids(|it| it == Verdict::Violated);
    let undecided = ids(|it| matches!(it, Verdict::Incomplete(_)));
    let expected = |id: &str| scope.violated.iter().any(|it| it == id);
    let extra: Vec<&str> = violated.iter().copied().filter(|id| !expected(id)).collect();
    let missing: Vec<&str> =
        scope.violated.iter().map(String::as_str).filter(|id| !violated.contains(id)).collect();
    let (word, exit) = if !extra.is_empty() {
        ("VIOLATED".to_owned(), of_class(&extra))
    } else if outcome.stopped.is_some() || !undecided.is_empty() {
        (format!("INCOMPLETE ({})", why(outcome, &undecided)), Exit::Incomplete)
    } else if !missing.is_empty() {
        (format!("NOT VIOLATED: {}, as it expects", missing.join(", ")), of_class(&missing))
    } else if scope.violated.is_empty() {
        ("holds".to_owned(), Exit::Fine)
    } else {
        ("violated as expected".to_owned(), Exit::Fine)
    };
    let word = match &outcome.symmetry {
        Some(symmetry) => format!("{word} (symmetry: 1 state for {})", share(outcome, symmetry)),
        None => word,
    };
    let (held, vacuous) = (ids(|it| it == Verdict::Holds).len(), ids(|it| it == Verdict::Vacuous));
    Judged { held, violated, vacuous, word, exit }
}

/// How many states one that was visited stands for: `5.9`.
fn share(outcome: &Outcome, symmetry: &Symmetry) -> String {
    let tenths = u128::from(symmetry.stands_for) * 10 / u128::from(outcome.states.max(1));
    format!("{}.{}", tenths / 10, tenths % 10)
}

fn why(outcome: &Outcome, undecided: &[&str]) -> String {
    let of_memory = |row: &Row| row.verdict == Verdict::Incomplete(Stop::Memory);
    match outcome.stopped {
        Some(stop) => stop_word(stop),
        // All was looked at, and there was too little memory to decide these.
        None if outcome.rows.iter().any(of_memory) => format!("memory: {}", undecided.join(", ")),
        None => undecided.join(", "),
    }
}

/// What ended a search, in a word.
pub(super) fn stop_word(stop: Stop) -> String {
    let word = match stop {
        Stop::States => "states",
        Stop::Depth => "depth",
        Stop::Memory => "memory",
        Stop::Time => "time",
        Stop::Interrupted => "interrupted",
        Stop::Boundary => "boundary",
        Stop::Symmetry => "symmetry",
        Stop::PartialOrder => "partial order",
        Stop::Lost(process) => return format!("lost process {process}"),
    };
    word.to_owned()
}

/// The exit code of claims that are not as expected: that of the graver class.
pub(super) fn of_class(ids: &[&str]) -> Exit {
    if ids.iter().all(|id| id.starts_with('L')) { Exit::Progress } else { Exit::Safety }
}

/// The exit code of several: what is violated counts more than what was not looked at.
pub(super) fn worst(exits: impl IntoIterator<Item = Exit>) -> Exit {
    let rank = |exit: Exit| match exit {
        Exit::Fine => 0,
        Exit::Incomplete => 1,
        Exit::Progress => 2,
        Exit::Safety => 3,
        Exit::Disagree => 4,
        Exit::Bad => 5,
        Exit::Internal => 6,
    };
    exits.into_iter().max_by_key(|exit| rank(*exit)).unwrap_or(Exit::Fine)
}
