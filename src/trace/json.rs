//! A trace as a file: one JSON object, pretty, with the fields in this order. Equal traces give
//! equal files. Every field is written; a reader refuses fields that it does not know.
//!
//! | field | type | meaning |
//! |---|---|---|
//! | `version` | number | 1; a change that an older reader would misread raises it |
//! | `claim` | string | the claim that is broken, such as `"T8"` |
//! | `name` | string | its name |
//! | `sentence` | string | what it says |
//! | `found` | string | how this run breaks it |
//! | `scope` | string | the name of the scope |
//! | `about` | string | the scope in one line |
//! | `scope_text` | string | the whole scope as TOML; a replay reads this and no other file |
//! | `steps` | list | the steps, below; empty when the first state breaks the claim |
//! | `cycle_from` | number or null | first step of the endless part, from 0; null: finite |
//! | `no_return` | number or null | after this step, from 0, the goal cannot be reached any more |
//!
//! A run that just stops has the number of its steps as `cycle_from`.
//!
//! A step:
//!
//! | field | type | meaning |
//! |---|---|---|
//! | `act.operation` | string or object | the [`Operation`]: `{"run": ["j1.0#0", "lost"]}` |
//! | `act.choice` | number | how equals are told apart; absent: 0 |
//! | `act.dies` | true or false | whether the controller dies before the effects; absent: false |
//! | `who`, `did` | string | the act in words |
//! | `changed` | list of strings | what changed by it |
//!
//! A replay follows `act` and `scope_text`; everything else is for people.
//!
//! [`Operation`]: crate::model::operation::Operation

use std::fmt;

use serde::Deserialize;
use serde_json::error::Category;

use super::{FORMAT_VERSION, Trace};

impl Trace {
    /// The trace as the text of a file.
    pub fn to_json(&self) -> String {
        let text = serde_json::to_string_pretty(self).expect("a trace is strings and numbers");
        text + "\n"
    }

    /// Reads what [`to_json`](Self::to_json) wrote.
    ///
    /// # Errors
    /// The text is no trace of this version.
    pub fn from_json(text: &str) -> Result<Self, BadTrace> {
        // The version first: another one may well have other fields.
        let Head { version } = serde_json::from_str(text).map_err(|e| BadTrace::unread(&e))?;
        if version != u64::from(FORMAT_VERSION) {
            return Err(BadTrace::Version { found: version });
        }
        let trace: Self = serde_json::from_str(text).map_err(|e| BadTrace::unread(&e))?;
        let steps = trace.steps.len();
        let fields =
            [("cycle_from", trace.cycle_from, steps + 1), ("no_return", trace.no_return, steps)];
        for (field, index, limit) in fields {
            if let Some(found) = index.filter(|index| *index >= limit) {
                return Err(BadTrace::Index { field, found, limit });
            }
        }
        Ok(trace)
    }
}

/// What files of every version begin with.
#[derive(Deserialize)]
struct Head {
    version: u64,
}

/// A text that is no trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BadTrace {
    /// It cannot be read.
    Unread {
        /// Where, from 1.
        line: usize,
        /// Where, from 1.
        column: usize,
        /// What stands there, and what was expected.
        says: String,
        /// What it means and what to do.
        hint: &'static str,
    },
    /// It is of another version of the format.
    Version {
        /// The version that it names.
        found: u64,
    },
    /// A field points at a step that there is not.
    Index {
        /// Which field.
        field: &'static str,
        /// Where it points.
        found: usize,
        /// The first number that is too large.
        limit: usize,
    },
}

impl BadTrace {
    fn unread(error: &serde_json::Error) -> Self {
        let (line, column) = (error.line(), error.column());
        let said = error.to_string();
        let place = format!(" at line {line} column {column}");
        let says = said.strip_suffix(&place).unwrap_or(&said).to_owned();
        let hint = match error.classify() {
            Category::Eof => "the file is cut off: copy it whole, or let the check write it again",
            Category::Syntax | Category::Io => {
                "this is no JSON: undo the edit, or let the check write it again"
            }
            Category::Data => {
                "this is no trace of format version 1: mend the field, or let the check write it \
                 again"
            }
        };
        Self::Unread { line, column, says, hint }
    }
}

impl fmt::Display for BadTrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unread { line, column, says, hint } => {
                write!(f, "line {line}, column {column}: {says}; {hint}")
            }
            Self::Version { found } => write!(
                f,
                "the trace has format version {found}, expected {FORMAT_VERSION}: replay it with \
                 the iris-check that wrote it, or let this one check its scope again"
            ),
            Self::Index { field, found, limit } => {
                write!(f, "{field} is {found}, which is beyond the steps: expected null")?;
                if let Some(last) = limit.checked_sub(1) {
                    write!(f, " or a number from 0 to {last}")?;
                }
                f.write_str("; mend the field, or let the check write the trace again")
            }
        }
    }
}

impl std::error::Error for BadTrace {}
