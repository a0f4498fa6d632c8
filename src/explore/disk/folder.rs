//! The folder of a search: whose it is, what it is allowed to hold, and how its files are sealed.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::hash::Hasher;
use std::io;
use std::path::{Path, PathBuf};

use rapidhash::quality::RapidHasher;

use super::error::{DiskError, Trouble};
use super::manifest::MANIFEST;

/// Held by the process that searches.
const LOCK: &str = "lock";

/// Names that a search gives, or how they begin.
const OURS: [&str; 9] =
    [LOCK, MANIFEST, "manifest.new", "prints", "parents", "edges", "frontier-", "run-", "spill-"];

/// A folder that is this search's alone until it is dropped.
pub(super) struct Folder {
    pub(super) dir: PathBuf,
    /// Of the model and the program: part of every seal, so that a file of another search is none
    /// of this one.
    identity: u64,
    _lock: File,
}

impl Folder {
    /// Takes a folder for a search that begins: one that is not there, is empty, or holds what is
    /// left of a search that was killed before its first checkpoint.
    pub(super) fn begin(dir: &Path, identity: &str) -> Result<Self, DiskError> {
        fs::create_dir_all(dir).map_err(DiskError::io(dir, "make the folder"))?;
        let occupied = |name: &str| name == MANIFEST || !is_ours(name);
        if names(dir)?.iter().any(|name| occupied(name)) {
            return Err(DiskError::new(dir, Trouble::Occupied));
        }
        let folder = Self::take(dir, identity)?;
        // Somebody may have been faster.
        if names(dir)?.iter().any(|name| occupied(name)) {
            return Err(DiskError::new(dir, Trouble::Occupied));
        }
        folder.keep_only(&[])?;
        Ok(folder)
    }

    /// Takes a folder with a search that goes on.
    pub(super) fn resume(dir: &Path, identity: &str) -> Result<Self, DiskError> {
        if !dir.join(MANIFEST).exists() {
            return Err(DiskError::new(dir, Trouble::NoSearch));
        }
        Self::take(dir, identity)
    }

    fn take(dir: &Path, identity: &str) -> Result<Self, DiskError> {
        let path = dir.join(LOCK);
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
        let lock = lock.map_err(DiskError::io(&path, "open it"))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(DiskError::new(dir, Trouble::InUse)),
            Err(TryLockError::Error(error)) => {
                return Err(DiskError::io(&path, "lock it")(error));
            }
        }
        let identity = seal(0, 0, 0, identity.as_bytes());
        Ok(Self { dir: dir.to_owned(), identity, _lock: lock })
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// What the seals of a file begin with.
    pub(super) fn salt(&self, name: &str) -> u64 {
        seal(self.identity, 0, 0, name.as_bytes())
    }

    /// Makes what was created, renamed and removed last.
    pub(super) fn sync(&self) -> Result<(), DiskError> {
        let synced = File::open(&self.dir).and_then(|dir| dir.sync_all());
        synced.map_err(DiskError::io(&self.dir, "make its entries durable"))
    }

    /// Removes the files of a search that are none of these.
    pub(super) fn keep_only(&self, wanted: &[String]) -> Result<(), DiskError> {
        for name in names(&self.dir)? {
            if is_ours(&name) && name != LOCK && !wanted.contains(&name) {
                self.remove(&name)?;
            }
        }
        Ok(())
    }

    pub(super) fn remove(&self, name: &str) -> Result<(), DiskError> {
        let path = self.path(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(DiskError::io(&path, "remove it")(error))
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

/// The names of what is in a folder.
fn names(dir: &Path) -> Result<Vec<String>, DiskError> {
    let read = || -> io::Result<Vec<String>> {
        let entries = fs::read_dir(dir)?.collect::<io::Result<Vec<_>>>()?;
        Ok(entries.iter().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect())
    };
    read().map_err(DiskError::io(dir, "read the folder"))
}

fn is_ours(name: &str) -> bool {
    OURS.iter().any(|ours| name == *ours || ours.ends_with('-') && name.starts_with(ours))
}

/// Opens a file that must be there, and cuts off what was written after the last checkpoint.
pub(super) fn reopened(path: &Path, length: u64) -> Result<File, DiskError> {
    let open = || -> io::Result<(File, u64)> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        let found = file.metadata()?.len();
        Ok((file, found))
    };
    let (file, found) = match open() {
        Ok(opened) => opened,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(DiskError::damaged(path, format!("{length} bytes"), "no file"));
        }
        Err(error) => return Err(DiskError::io(path, "open it")(error)),
    };
    if found < length {
        let expected = format!("at least {length} bytes");
        return Err(DiskError::damaged(path, expected, format!("{found}")));
    }
    Ok(file)
}

/// Makes a file, or empties it.
pub(super) fn created(path: &Path) -> Result<File, DiskError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(true);
    options.open(path).map_err(DiskError::io(path, "make it"))
}

/// What tells these bytes at this place of this file from others: 64 bits.
pub(super) fn seal(salt: u64, place: u64, count: u32, bytes: &[u8]) -> u64 {
    let mut hasher = RapidHasher::default_const();
    hasher.write_u64(salt);
    hasher.write_u64(place);
    hasher.write_u32(count);
    hasher.write(bytes);
    hasher.finish()
}
