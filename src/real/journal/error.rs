//! What goes wrong with a journal: where, what was expected, what to do.

use std::fmt;

/// Why a journal could not be opened. Nothing that may have been acknowledged was changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JournalError {
    /// Another process has the folder.
    Locked {
        /// Which folder.
        folder: String,
    },
    /// A file operation failed, or the store panicked.
    Store(Failure),
    /// Bytes are not what was written.
    Damaged {
        /// In which file.
        file: String,
        /// From which byte on nothing is known to be right.
        at: u64,
        /// What should stand there, and what does.
        what: String,
    },
    /// A newer program wrote it.
    Newer {
        /// Which file.
        file: String,
        /// Its version.
        version: u32,
    },
    /// What was written is there, and this program cannot make sense of it.
    Unreadable {
        /// In which file.
        file: String,
        /// Where the record begins.
        at: u64,
        /// What the parser says.
        why: String,
    },
}

/// A file operation that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What was done, such as `write`.
    pub doing: &'static str,
    /// With which file.
    pub file: String,
    /// What the store said.
    pub why: String,
    /// Whether it panicked: then nobody knows what it did.
    pub panicked: bool,
}

/// Why something is not in the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AppendError {
    /// It surely did not happen, and the journal goes on as before.
    Undone(Failure),
    /// Nobody knows whether it happened. The controller must stop: only a restart, which reads what
    /// is there, can tell. Everything that is tried later ends the same way.
    Broken(Failure),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { doing, file, why, panicked } = self;
        let how = if *panicked { "panicked" } else { "failed" };
        write!(f, "{doing} {file} {how}: {why}")
    }
}

impl fmt::Display for JournalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Locked { folder } => write!(
                f,
                "the journal in {folder} is in use by another controller: stop that one, or give \
                 this one a folder of its own"
            ),
            Self::Store(failure) => {
                write!(
                    f,
                    "the journal cannot be opened, all that counts in it is as it was: {failure}"
                )
            }
            Self::Damaged { file, at, what } => write!(
                f,
                "the journal is damaged in {file} at byte {at}: {what}. What stands before is \
                 whole. This is not what a power loss leaves behind: acknowledged records may \
                 stand there. Nothing was changed. Restore a copy of the folder; or keep a copy of \
                 it, cut the file off at the beginning of that batch and lose what comes after"
            ),
            Self::Newer { file, version } => write!(
                f,
                "{file} has format {version}, this program knows up to {}: open it with the \
                 program that wrote it, or a newer one",
                super::FORMAT_VERSION
            ),
            Self::Unreadable { file, at, why } => write!(
                f,
                "the record in {file} at byte {at} is whole, but this program does not understand \
                 it: {why}. Open the journal with the program that wrote it. Nothing was changed"
            ),
        }
    }
}

impl fmt::Display for AppendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Undone(failure) => write!(f, "not in the journal: {failure}"),
            Self::Broken(failure) => write!(
                f,
                "nobody knows what is in the journal, the controller must stop and start again: \
                 {failure}"
            ),
        }
    }
}

impl std::error::Error for JournalError {}
impl std::error::Error for AppendError {}
