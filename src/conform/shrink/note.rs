//! The log of a search: one note for each thing that was run, one line for each note. What was run
//! before is not run again, and has no note.

use std::fmt;

/// What was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tried {
    /// The same case once more, to see whether it fails again.
    Again,
    /// Leaving out the steps `from..to`, save those whose partner stays.
    Chunk {
        /// The first step that was left out.
        from: usize,
        /// The first step after it that was not.
        to: usize,
    },
    /// Leaving out one step.
    Single(usize),
    /// Leaving out two steps.
    Pair(usize, usize),
    /// A simpler value of the step at this place.
    Value {
        /// The place of the step.
        at: usize,
        /// Which of its simpler values, counted from 0.
        choice: usize,
    },
    /// A much shorter case; which of them, counted from 0.
    Leap(usize),
    /// A simpler setting; which of them, counted from 0.
    Setting(usize),
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It fails: the search goes on from here.
    Kept,
    /// It passes.
    Passes,
    /// Its answer was unclear.
    Unclear,
    /// No run was left for it, or all that runs may cost was spent; nothing more is tried.
    NoRunLeft,
}

/// One thing that was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Note {
    /// Runs of the system so far, this one included.
    pub runs: usize,
    /// What was tried.
    pub tried: Tried,
    /// Steps of the case that it was tried on.
    pub from_steps: usize,
    /// Steps of the candidate.
    pub to_steps: usize,
    /// What came of it.
    pub outcome: Outcome,
}

impl fmt::Display for Tried {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Again => "the same again".to_owned(),
            Self::Chunk { from, to } => format!("without steps {from}..{to}"),
            Self::Single(at) => format!("without step {at}"),
            Self::Pair(first, second) => format!("without steps {first} and {second}"),
            Self::Value { at, choice } => format!("simpler step {at}, choice {choice}"),
            Self::Leap(choice) => format!("much shorter, choice {choice}"),
            Self::Setting(choice) => format!("simpler setting, choice {choice}"),
        };
        out.pad(&text)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Kept => "fails: kept",
            Self::Passes => "passes",
            Self::Unclear => "unclear",
            Self::NoRunLeft => "no run left",
        })
    }
}

impl fmt::Display for Note {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { runs, tried, from_steps, to_steps, outcome } = self;
        write!(out, "{runs:>4}  {tried:<28}  {from_steps:>3} → {to_steps:<3} steps  {outcome}")
    }
}
