//! A journal's files, in a folder of the file system.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::error::{Failure, JournalError};
use super::store::Store;

/// Held by the controller that uses the folder; the lock ends with its process, however that ends.
const LOCK: &str = "lock";

/// A folder of real files, for one controller at a time.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// The file that was written last: an append neither opens nor closes anything.
    current: Option<(String, File)>,
    _lock: File,
}

impl Folder {
    /// Opens a folder; makes it if there is none.
    ///
    /// # Errors
    /// If another process uses it, or the file system refuses.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, JournalError> {
        let path = path.as_ref();
        let failure = |doing, error: &io::Error| {
            let file = path.display().to_string();
            JournalError::Store(Failure { doing, file, why: error.to_string(), panicked: false })
        };
        if !path.is_dir() {
            fs::create_dir_all(path).map_err(|error| failure("create", &error))?;
            let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
            let parent = parent.unwrap_or(Path::new("."));
            let synced = File::open(parent).and_then(|parent| parent.sync_all());
            synced.map_err(|error| failure("sync the parent of", &error))?;
        }
        let options = OpenOptions::new().create(true).truncate(false).write(true).to_owned();
        let lock = options.open(path.join(LOCK)).map_err(|error| failure("lock", &error))?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => JournalError::Locked { folder: path.display().to_string() },
            TryLockError::Error(error) => failure("lock", &error),
        })?;
        Ok(Self { path: path.to_owned(), current: None, _lock: lock })
    }

    fn file(&mut self, name: &str) -> io::Result<&File> {
        if self.current.as_ref().is_none_or(|(current, _)| current != name) {
            let file = OpenOptions::new().write(true).open(self.path.join(name))?;
            self.current = Some((name.to_owned(), file));
        }
        let (_, file) = self.current.as_ref().expect("invariant: set above");
        Ok(file)
    }
}

impl Store for Folder {
    fn list(&mut self) -> io::Result<Vec<String>> {
        let names = fs::read_dir(&self.path)?
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
        names.collect()
    }

    fn read(&mut self, file: &str) -> io::Result<Vec<u8>> {
        fs::read(self.path.join(file))
    }

    fn create(&mut self, file: &str) -> io::Result<()> {
        let created = File::create(self.path.join(file))?;
        self.current = Some((file.to_owned(), created));
        Ok(())
    }

    fn write(&mut self, file: &str, at: u64, bytes: &[u8]) -> io::Result<()> {
        self.file(file)?.write_all_at(bytes, at)
    }

    fn truncate(&mut self, file: &str, length: u64) -> io::Result<()> {
        self.file(file)?.set_len(length)
    }

    fn sync(&mut self, file: &str) -> io::Result<()> {
        self.file(file)?.sync_data() // the length goes along, as it is needed to read the data
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.current = None;
        fs::rename(self.path.join(from), self.path.join(to))
    }

    fn remove(&mut self, file: &str) -> io::Result<()> {
        self.current = None;
        fs::remove_file(self.path.join(file))
    }

    fn sync_folder(&mut self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()
    }
}
