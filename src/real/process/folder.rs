//! A node's folder: for one process at a time, and what of it survives.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::model::id::Incarnation;

use super::Problem;

const LOCK: &str = "lock";
const INCARNATION: &str = "incarnation";

/// A folder that this process has for itself, until it ends.
#[derive(Debug)]
pub(super) struct Home {
    path: PathBuf,
    _lock: File,
}

impl Home {
    /// Takes a folder, and makes it if there is none.
    pub(super) fn take(path: &Path) -> Result<Self, Problem> {
        let says = |error: &io::Error| Problem::io(path.display(), error);
        fs::create_dir_all(path).map_err(|error| says(&error))?;
        let path = path.canonicalize().map_err(|error| says(&error))?;
        let options = OpenOptions::new().create(true).truncate(false).write(true).to_owned();
        let lock = options.open(path.join(LOCK)).map_err(|error| says(&error))?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => Problem::new(format!(
                "another process uses the folder {}: end that one, or name another folder with \
                 --folder",
                path.display()
            )),
            TryLockError::Error(error) => says(&error),
        })?;
        Ok(Self { path, _lock: lock })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The last incarnation that was made durable; 0 before the first.
    pub(super) fn last(&self) -> Result<Incarnation, Problem> {
        let path = self.path.join(INCARNATION);
        let text = match fs::read_to_string(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Incarnation(0)),
            text => text.map_err(|error| Problem::io(path.display(), &error))?,
        };
        text.trim().parse().map(Incarnation).map_err(|_| {
            Problem::new(format!(
                "{}: {:?} is no number. Incarnations only go up: write one there that is higher \
                 than any that this worker ever had (the controller's `iris-check workers` shows \
                 it as w1@NUMBER), or give the worker another name and another folder",
                path.display(),
                text.trim()
            ))
        })
    }

    /// What makes an incarnation durable.
    pub(super) fn remember(&self) -> impl FnMut(Incarnation) -> io::Result<()> + Send + 'static {
        let path = self.path.clone();
        move |incarnation| write(&path, INCARNATION, &format!("{}\n", incarnation.0))
    }
}

/// Writes a file so that it is there as a whole or not at all, whenever the power fails.
pub(super) fn write(folder: &Path, name: &str, text: &str) -> io::Result<()> {
    let new = folder.join(format!("{name}.new"));
    let mut file = File::create(&new)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&new, folder.join(name))?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_incarnation_is_remembered_and_a_damaged_one_is_no_first_one() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let home = Home::take(&folder.path().join("w")).expect("nobody uses it");
        assert_eq!(home.last(), Ok(Incarnation(0)));
        home.remember()(Incarnation(3)).expect("it can be written");
        assert_eq!(home.last(), Ok(Incarnation(3)));
        fs::write(home.path().join(INCARNATION), "3x").expect("it can be written");
        let says = home.last().expect_err("it is damaged").to_string();
        assert!(says.contains("\"3x\" is no number"), "{says}");
    }

    #[test]
    fn a_folder_is_for_one_at_a_time() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let home = Home::take(folder.path()).expect("nobody uses it");
        let says = Home::take(folder.path()).expect_err("it is taken").to_string();
        assert!(says.starts_with("another process uses the folder"), "{says}");
        drop(home);
        Home::take(folder.path()).expect("nobody uses it any more");
    }
}
