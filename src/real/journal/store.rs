//! What a journal needs of a place where files are kept.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::error::Failure;

/// A folder of files: the smallest set of operations that a journal can do with.
///
/// # Errors
/// As the operating system says. An operation that fails must leave the file as it was, or, for
/// `write`, with any part of it written; the one whose failure leaves more open is `sync`.
#[expect(clippy::missing_errors_doc, reason = "said once, for all of them")]
pub trait Store: Send {
    /// The names of all files.
    fn list(&mut self) -> io::Result<Vec<String>>;
    /// All bytes of a file.
    fn read(&mut self, file: &str) -> io::Result<Vec<u8>>;
    /// Makes an empty file; one of this name is emptied.
    fn create(&mut self, file: &str) -> io::Result<()>;
    /// Writes over what is there, and beyond its end.
    fn write(&mut self, file: &str, at: u64, bytes: &[u8]) -> io::Result<()>;
    /// Cuts a file off.
    fn truncate(&mut self, file: &str, length: u64) -> io::Result<()>;
    /// What was written to the file and its length survive a power loss from now on.
    fn sync(&mut self, file: &str) -> io::Result<()>;
    /// Gives a file another name, at which there is none.
    fn rename(&mut self, from: &str, to: &str) -> io::Result<()>;
    /// Removes a file.
    fn remove(&mut self, file: &str) -> io::Result<()>;
    /// Which files there are survives a power loss from now on.
    fn sync_folder(&mut self) -> io::Result<()>;
}

/// A store whose panics are failures as well.
pub(super) struct Guarded(pub(super) Box<dyn Store>);

impl Guarded {
    pub(super) fn list(&mut self) -> Result<Vec<String>, Failure> {
        self.call("list", "the folder", |store| store.list())
    }

    pub(super) fn read(&mut self, file: &str) -> Result<Vec<u8>, Failure> {
        self.call("read", file, |store| store.read(file))
    }

    pub(super) fn create(&mut self, file: &str) -> Result<(), Failure> {
        self.call("create", file, |store| store.create(file))
    }

    pub(super) fn write(&mut self, file: &str, at: u64, bytes: &[u8]) -> Result<(), Failure> {
        self.call("write", file, |store| store.write(file, at, bytes))
    }

    pub(super) fn truncate(&mut self, file: &str, length: u64) -> Result<(), Failure> {
        self.call("truncate", file, |store| store.truncate(file, length))
    }

    pub(super) fn sync(&mut self, file: &str) -> Result<(), Failure> {
        self.call("sync", file, |store| store.sync(file))
    }

    pub(super) fn rename(&mut self, from: &str, to: &str) -> Result<(), Failure> {
        self.call("rename", from, |store| store.rename(from, to))
    }

    pub(super) fn remove(&mut self, file: &str) -> Result<(), Failure> {
        self.call("remove", file, |store| store.remove(file))
    }

    pub(super) fn sync_folder(&mut self) -> Result<(), Failure> {
        self.call("sync", "the folder", |store| store.sync_folder())
    }

    /// A store that panicked may be in any state: whoever gets `panicked` stops using it, which is
    /// why nothing can be seen that the panic left half done.
    fn call<T>(
        &mut self,
        doing: &'static str,
        file: &str,
        operation: impl FnOnce(&mut dyn Store) -> io::Result<T>,
    ) -> Result<T, Failure> {
        let failure = |why, panicked| Failure { doing, file: file.to_owned(), why, panicked };
        let store = &mut *self.0;
        match catch_unwind(AssertUnwindSafe(move || operation(store))) {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(failure(error.to_string(), false)),
            Err(panic) => {
                let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
                let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
                Err(failure(text.unwrap_or_else(|| "without a message".to_owned()), true))
            }
        }
    }
}
