//! A journal's files in memory: for virtual time, and to see what a power loss does to them.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::store::Store;

/// Files in memory. Copies are the same files: they survive the controller that used them.
#[derive(Debug, Clone, Default)]
pub struct Memory(Arc<Mutex<Disk>>);

/// Something that goes wrong with one operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It fails; half of a write is done.
    Refuse,
    /// It panics, without an effect.
    Panic,
    /// It is done, but the power fails before it says so; so does every operation after it, until
    /// [`Memory::restart`].
    PowerOff,
}

/// What a power loss leaves of what was not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loss {
    /// How many of the files created, renamed or removed since the last sync of the folder.
    pub names: usize,
    /// What of the bytes of each file.
    pub bytes: Kept,
}

impl Loss {
    /// Everything that was not synced is lost.
    pub const TOTAL: Self = Self { names: 0, bytes: Kept::Nothing };
    /// Nothing is lost: the process ended, the power did not.
    pub const NONE: Self = Self { names: usize::MAX, bytes: Kept::All };
}

/// What a power loss leaves of the bytes of a file that were not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// Nothing: the file is as it was synced.
    Nothing,
    /// All of them.
    All,
    /// The file grows by at most so many bytes.
    Grown(usize),
    /// The file gets its new length; behind so many new bytes are zeros.
    Zeros(usize),
    /// The file gets its new length; sector n of it, modulo 64, is written if bit n is set.
    Sectors(u64),
}

#[derive(Debug, Default)]
struct Disk {
    files: Vec<Content>,
    names: BTreeMap<String, usize>,
    synced_names: BTreeMap<String, usize>,
    /// Since the last sync of the folder.
    changes: Vec<Change>,
    /// How many operations were asked for.
    operations: usize,
    fault: Option<(usize, Fault)>,
    off: bool,
}

#[derive(Debug, Clone, Default)]
struct Content {
    now: Vec<u8>,
    synced: Vec<u8>,
    /// Up to here the two are equal: a sync copies what is new, not the whole file.
    equal: usize,
}

impl Content {
    fn durable(bytes: Vec<u8>) -> Self {
        Self { equal: bytes.len(), synced: bytes.clone(), now: bytes }
    }

    fn write(&mut self, at: usize, bytes: &[u8]) {
        let end = at + bytes.len();
        self.equal = self.equal.min(at);
        if self.now.len() < end {
            self.now.resize(end, 0);
        }
        self.now[at..end].copy_from_slice(bytes);
    }

    fn resize(&mut self, length: usize) {
        self.equal = self.equal.min(length);
        self.now.resize(length, 0);
    }

    fn sync(&mut self) {
        self.synced.truncate(self.equal);
        self.synced.extend_from_slice(&self.now[self.equal..]);
        self.equal = self.now.len();
    }
}

#[derive(Debug, Clone)]
enum Change {
    Create(String, usize),
    Rename(String, String),
    Remove(String),
}

impl Change {
    fn apply(&self, names: &mut BTreeMap<String, usize>) {
        match self {
            Self::Create(name, file) => {
                names.insert(name.clone(), *file);
            }
            Self::Rename(from, to) => {
                if let Some(file) = names.remove(from) {
                    names.insert(to.clone(), file);
                }
            }
            Self::Remove(name) => {
                names.remove(name);
            }
        }
    }
}

impl Memory {
    /// How many operations were asked for so far.
    pub fn operations(&self) -> usize {
        self.disk().operations
    }

    /// Lets the n-th operation from now go wrong; the next one is the 0th.
    pub fn fail(&self, operation: usize, fault: Fault) {
        let mut disk = self.disk();
        let at = disk.operations + operation;
        disk.fault = Some((at, fault));
    }

    /// The power comes back, or a process starts anew: this much is left.
    pub fn restart(&self, loss: Loss) {
        let mut disk = self.disk();
        disk.off = false;
        disk.fault = None;
        let mut names = disk.synced_names.clone();
        disk.changes.iter().take(loss.names).for_each(|change| change.apply(&mut names));
        if loss.names < disk.changes.len() {
            disk.changes.truncate(loss.names);
        }
        disk.names = names;
        if loss == Loss::NONE {
            return;
        }
        disk.synced_names = disk.names.clone();
        disk.changes.clear();
        for content in &mut disk.files {
            *content = Content::durable(left(content, loss.bytes));
        }
    }

    /// The bytes of each file.
    pub fn contents(&self) -> BTreeMap<String, Vec<u8>> {
        let disk = self.disk();
        disk.names
            .iter()
            .map(|(name, file)| (name.clone(), disk.files[*file].now.clone()))
            .collect()
    }

    /// Puts a file there, durably; replaces one of this name.
    pub fn put(&self, name: &str, bytes: &[u8]) {
        let mut disk = self.disk();
        let file = disk.files.len();
        disk.files.push(Content::durable(bytes.to_vec()));
        disk.names.insert(name.to_owned(), file);
        disk.synced_names.insert(name.to_owned(), file);
    }

    /// A fault that panics does so while nothing is half done: the files are as they should be.
    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn operate<T>(&self, operation: impl FnOnce(&mut Disk) -> io::Result<T>) -> io::Result<T> {
        let mut disk = self.disk();
        match disk.begin() {
            None => operation(&mut disk),
            Some(Fault::Refuse) => Err(io::Error::from(io::ErrorKind::StorageFull)),
            Some(Fault::Panic) => std::panic::panic_any("a store that panics, as asked"),
            Some(Fault::PowerOff) => operation(&mut disk).and(Err(power_is_off())),
        }
    }
}

fn power_is_off() -> io::Error {
    io::Error::other("the power is off")
}

fn left(content: &Content, kept: Kept) -> Vec<u8> {
    let Content { now, synced, .. } = content;
    let (old, new) = (synced.len(), now.len());
    match kept {
        Kept::Nothing => synced.clone(),
        Kept::All => now.clone(),
        Kept::Grown(more) => now[..new.min(old.saturating_add(more))].to_vec(),
        Kept::Zeros(more) => {
            let right = new.min(old.saturating_add(more));
            let mut bytes = now[..right].to_vec();
            bytes.resize(new, 0);
            bytes
        }
        Kept::Sectors(mask) => {
            let written = |at: usize| mask >> (at / 512 % 64) & 1 == 1;
            let before = |at: usize| synced.get(at).copied().unwrap_or(0);
            (0..new).map(|at| if written(at) { now[at] } else { before(at) }).collect()
        }
    }
}

impl Disk {
    /// What goes wrong with the operation that begins now.
    fn begin(&mut self) -> Option<Fault> {
        let this = self.operations;
        self.operations += 1;
        if self.off {
            return Some(Fault::Refuse);
        }
        let (_, fault) = self.fault.take_if(|(at, _)| *at == this)?;
        self.off = fault == Fault::PowerOff;
        Some(fault)
    }

    fn number(&self, name: &str) -> io::Result<usize> {
        self.names.get(name).copied().ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }

    fn change(&mut self, change: Change) {
        change.apply(&mut self.names);
        self.changes.push(change);
    }
}

impl Store for Memory {
    fn list(&mut self) -> io::Result<Vec<String>> {
        self.operate(|disk| Ok(disk.names.keys().cloned().collect()))
    }

    fn read(&mut self, file: &str) -> io::Result<Vec<u8>> {
        self.operate(|disk| Ok(disk.files[disk.number(file)?].now.clone()))
    }

    fn create(&mut self, file: &str) -> io::Result<()> {
        self.operate(|disk| {
            let known = disk.names.get(file).copied();
            let number = known.unwrap_or(disk.files.len());
            if known.is_none() {
                disk.files.push(Content::default());
                disk.change(Change::Create(file.to_owned(), number));
            }
            disk.files[number].resize(0);
            Ok(())
        })
    }

    fn write(&mut self, file: &str, at: u64, bytes: &[u8]) -> io::Result<()> {
        let mut disk = self.disk();
        let fault = disk.begin();
        let done = match fault {
            None | Some(Fault::PowerOff) => bytes.len(),
            Some(Fault::Refuse) if disk.off => 0,
            Some(Fault::Refuse) => bytes.len() / 2,
            Some(Fault::Panic) => std::panic::panic_any("a store that panics, as asked"),
        };
        let number = disk.number(file)?;
        let start = usize::try_from(at).map_err(io::Error::other)?;
        disk.files[number].write(start, &bytes[..done]);
        match fault {
            None => Ok(()),
            Some(Fault::PowerOff) => Err(power_is_off()),
            Some(_) => Err(io::Error::from(io::ErrorKind::StorageFull)),
        }
    }

    fn truncate(&mut self, file: &str, length: u64) -> io::Result<()> {
        self.operate(|disk| {
            let number = disk.number(file)?;
            let length = usize::try_from(length).map_err(io::Error::other)?;
            disk.files[number].resize(length);
            Ok(())
        })
    }

    fn sync(&mut self, file: &str) -> io::Result<()> {
        self.operate(|disk| {
            let number = disk.number(file)?;
            disk.files[number].sync();
            Ok(())
        })
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.operate(|disk| {
            disk.number(from)?;
            disk.change(Change::Rename(from.to_owned(), to.to_owned()));
            Ok(())
        })
    }

    fn remove(&mut self, file: &str) -> io::Result<()> {
        self.operate(|disk| {
            disk.number(file)?;
            disk.change(Change::Remove(file.to_owned()));
            Ok(())
        })
    }

    fn sync_folder(&mut self) -> io::Result<()> {
        self.operate(|disk| {
            disk.synced_names = disk.names.clone();
            disk.changes.clear();
            let Disk { files, names, .. } = disk;
            let gone = |file: &usize| !names.values().any(|named| named == file);
            for file in (0..files.len()).filter(gone) {
                files[file] = Content::default();
            }
            Ok(())
        })
    }
}
