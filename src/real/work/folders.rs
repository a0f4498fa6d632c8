//! Where an attempt's files are: `attempts/j1.0#2/{stdout,stderr,work/}` below the worker's folder.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::model::id::AttemptId;

/// The most that is read of a log: its end.
pub const LOG_LIMIT: u64 = 1 << 20;

const ATTEMPTS: &str = "attempts";

/// The files of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    root: PathBuf,
}

impl Place {
    pub(super) fn new(folder: &Path, attempt: AttemptId) -> Self {
        Self { root: folder.join(ATTEMPTS).join(attempt.to_string()) }
    }

    pub(super) fn work(&self) -> PathBuf {
        self.root.join("work")
    }

    pub(super) fn log(&self, stderr: bool) -> PathBuf {
        self.root.join(if stderr { "stderr" } else { "stdout" })
    }

    /// An empty working directory and empty logs.
    pub(super) fn make(&self) -> io::Result<()> {
        self.remove();
        fs::create_dir_all(self.work())?;
        File::create(self.log(false))?;
        File::create(self.log(true))?;
        Ok(())
    }

    /// Removes the working directory; the logs stay. What cannot be removed stays as well: the
    /// attempt is over all the same.
    pub(super) fn remove_work(&self) {
        remove_tree(&self.work());
    }

    /// Removes all of it.
    pub(super) fn remove(&self) {
        remove_tree(&self.root);
    }

    /// Appends a line of this program's own to the attempt's errors. It is for people; an attempt
    /// does not fail because it cannot be written.
    pub(super) fn note(&self, text: &str) {
        let file = fs::create_dir_all(&self.root)
            .and_then(|()| OpenOptions::new().create(true).append(true).open(self.log(true)));
        let _ = file.and_then(|mut file| writeln!(file, "iris-check: {text}"));
    }
}

/// Folders that their owner made read-only are opened first, or nothing in them could be removed.
fn remove_tree(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    if fs::remove_dir_all(path).is_ok() {
        return;
    }
    let mut folders = vec![path.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let _ = fs::set_permissions(&folder, fs::Permissions::from_mode(0o700));
        let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
        // Of the entry itself, not of what a link points to.
        let inner = entries.filter(|it| it.file_type().is_ok_and(|kind| kind.is_dir()));
        folders.extend(inner.map(|it| it.path()));
    }
    let _ = fs::remove_dir_all(path);
}

/// Removes all working directories below a worker's folder.
pub(super) fn remove_all_work(folder: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(folder.join(ATTEMPTS)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        remove_tree(&entry?.path().join("work"));
    }
    Ok(())
}

/// The end of a file, at most [`LOG_LIMIT`].
pub(super) fn tail(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(LOG_LIMIT)))?;
    let mut bytes = Vec::new();
    file.take(LOG_LIMIT).read_to_end(&mut bytes)?;
    Ok(bytes)
}
