//! What can go wrong with a folder, told so that one knows what to do.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::manifest::FORMAT;

/// Why a search on disk came to no report. The folder is as it was at the last checkpoint.
#[derive(Debug)]
pub struct DiskError {
    /// The file or folder that it is about.
    pub file: PathBuf,
    /// What is wrong with it.
    pub trouble: Trouble,
}

/// What is wrong with a file or folder.
#[derive(Debug)]
pub enum Trouble {
    /// It cannot be read or written.
    Io {
        /// What was tried.
        doing: &'static str,
        /// What the system said.
        error: io::Error,
    },
    /// It is not as this search left it.
    Damaged {
        /// What should be there.
        expected: String,
        /// What is there.
        found: String,
    },
    /// It belongs to a search of another model, or by another program.
    Foreign,
    /// A newer program wrote it, in this format.
    Newer(u32),
    /// Another process searches in it.
    InUse,
    /// There is something in it already, and a search was to begin.
    Occupied,
    /// There is no search in it, and one was to go on.
    NoSearch,
}

impl DiskError {
    pub(super) fn new(file: &Path, trouble: Trouble) -> Self {
        Self { file: file.to_owned(), trouble }
    }

    pub(super) fn damaged(
        file: &Path,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Self {
        let (expected, found) = (expected.into(), found.into());
        Self::new(file, Trouble::Damaged { expected, found })
    }

    /// What to make of an error of the system.
    pub(super) fn io(file: &Path, doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |error| Self::new(file, Trouble::Io { doing, error })
    }
}

impl fmt::Display for DiskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.file.display())?;
        match &self.trouble {
            Trouble::Io { doing, error } => write!(
                f,
                "cannot {doing}: {error}; what was found up to the last level is kept: see to it \
                 and resume"
            ),
            Trouble::Damaged { expected, found } => write!(
                f,
                "damaged: expected {expected}, found {found}; put back a copy of the \
                 folder, or search anew in another"
            ),
            Trouble::Foreign => write!(
                f,
                "the search in it is one of another model, or by another build of the program; \
                 nothing was changed: resume it with the one that began it, or search anew in \
                 another folder"
            ),
            Trouble::Newer(format) => write!(
                f,
                "expected format {FORMAT}, found format {format}, of a newer program; nothing was \
                 changed: resume with that one"
            ),
            Trouble::InUse => {
                write!(f, "another process searches in it; wait for its end, or end it")
            }
            Trouble::Occupied => write!(
                f,
                "it holds something already, and nothing was changed; resume the search in it, or \
                 name a folder that is empty or not there"
            ),
            Trouble::NoSearch => {
                write!(f, "there is no search in it that could be resumed; begin one")
            }
        }
    }
}

impl std::error::Error for DiskError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        if let Trouble::Io { error, .. } = &self.trouble { Some(error) } else { None }
    }
}
