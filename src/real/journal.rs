//! The controller's inputs, durable: what was acknowledged is still there after a restart.
//!
//! Append-only segment files of text (`format`), over a few file operations ([`Store`]): a
//! [`Folder`] of real files, or [`Memory`] for virtual time, behind the same code. A segment begins
//! with a snapshot; the newest one is the journal. Recovery replays it through the machine.
//!
//! What is promised, if a synced byte stays and a sector of 512 bytes is written wholly or not at
//! all:
//!
//! - [`Journal::append`] answers `Ok` only when its entries are durable.
//! - [`Journal::open`] yields a prefix of what was appended that holds everything acknowledged, or
//!   an error that names the place. It never yields anything else, and it never panics, even if the
//!   store does. On an error nothing that may have been acknowledged is changed.
//! - A power loss during any operation leaves a journal that opens. The rest of an append that was
//!   never acknowledged is cut off and told ([`Torn`]); it is cut off wholly, not in the middle.
//! - Any single byte that differs is an error, also in the very last record: a rest that may be cut
//!   off is shorter than its header says, or has zeros where none are ever written: 8 or more to
//!   the end, or a whole sector. Damage with an acknowledged batch behind it is always an error.
//!
//! What it cannot tell: a last batch that was acknowledged and is then lost by truncation or zeroed
//! sectors looks like one that never was; so does a whole folder that was replaced by an older copy
//! or emptied. A power loss that leaves 1 to 7 zeros at the end, or old bytes of other files, is
//! taken for damage: somebody has to look.
//!
//! Why no embedded store: see the section Journal of ARCHITECTURE.md, with what was measured in
//! `benches/stores`.

use serde::{Deserialize, Serialize};

use super::clock::At;
use crate::controller_sm::{ControllerSm, Input};
use crate::model::timer::Timer;

mod error;
mod folder;
mod format;
mod memory;
mod store;
#[cfg(test)]
mod tests;
mod torn;

pub use error::{AppendError, Failure, JournalError};
pub use folder::Folder;
pub use memory::{Fault, Kept, Loss, Memory};
pub use store::Store;
pub use torn::Torn;

use format::{Chain, HEADER};
use store::Guarded;

/// The version of the format that is written. Each file says its own.
pub const FORMAT_VERSION: u32 = 1;

/// The least that is appended before a snapshot is worth taking, in bytes.
const FLOOR: usize = 1 << 20;

/// A segment that is not finished. It has no number: there is never more than one.
const UNFINISHED: &str = "unfinished";

/// One input that changed the controller, with when it was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// When.
    pub at: At,
    /// What.
    pub input: Input,
}

/// All that a restart needs without the entries before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Snapshot {
    /// When it was taken.
    pub at: At,
    /// The machine.
    pub controller: ControllerSm,
    /// When its timers fire.
    pub deadlines: Vec<(Timer, At)>,
}

/// What a journal holds when it is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovered {
    /// What to begin with; nothing if none was ever taken.
    pub snapshot: Option<Snapshot>,
    /// What happened since.
    pub entries: Vec<Entry>,
    /// What was cut off the end, to be said to the operator.
    pub torn: Option<Torn>,
}

/// An open journal.
pub struct Journal {
    store: Guarded,
    /// The segment that is appended to.
    number: u32,
    file: String,
    /// Its bytes that count; what lies behind them is the rest of an append that failed.
    length: usize,
    /// Those that it began with.
    sealed: usize,
    chain: Chain,
    floor: usize,
    broken: Option<Failure>,
}

impl Journal {
    /// Opens what a store holds; an empty one becomes a journal without entries.
    ///
    /// # Errors
    /// If what it holds is not a journal as it was written, as far as that can be known, or an
    /// operation fails. Then nothing is changed but a torn end that may be cut off already.
    pub fn open(store: Box<dyn Store>) -> Result<(Self, Recovered), JournalError> {
        let mut store = Guarded(store);
        let files = store.list().map_err(JournalError::Store)?;
        let mut numbers: Vec<u32> = files.iter().filter_map(|file| format::number(file)).collect();
        numbers.sort_unstable();
        let Some(number) = numbers.pop() else { return Self::begin(store) };
        let file = format::name(number);
        let bytes = store.read(&file).map_err(JournalError::Store)?;
        let segment = format::read(number, &bytes)?;
        follows(&mut store, number, &numbers, segment.after)?;
        let snapshot = segment.snapshot.as_ref().map(|record| parse(&file, record)).transpose()?;
        let entries = segment.records.iter().map(|record| parse(&file, record));
        let entries = entries.collect::<Result<Vec<Entry>, JournalError>>()?;
        let mut journal = Self {
            store,
            number,
            file,
            length: segment.length,
            sealed: segment.sealed,
            chain: segment.chain,
            floor: FLOOR,
            broken: None,
        };
        let last = &bytes[segment.last..segment.length];
        journal.settle(segment.last, last, segment.torn.is_some()).map_err(JournalError::Store)?;
        journal.tidy().map_err(JournalError::Store)?;
        Ok((journal, Recovered { snapshot, entries, torn: segment.torn }))
    }

    /// Appends entries: they are durable when it returns `Ok`. One write and one sync for all.
    ///
    /// # Errors
    /// If they are not in the journal, or nobody knows whether they are.
    pub fn append(&mut self, entries: &[Entry]) -> Result<(), AppendError> {
        self.usable()?;
        if entries.is_empty() {
            return Ok(());
        }
        let mut payloads = Vec::with_capacity(entries.len());
        for entry in entries {
            payloads.push(self.payload(entry)?);
        }
        let batch = format::batch(self.chain, &payloads);
        let (bytes, chain) = batch.ok_or_else(|| self.refusal("it is too large"))?;
        if let Err(failure) = self.store.write(&self.file, self.length as u64, &bytes) {
            return Err(self.undo(failure));
        }
        self.store.sync(&self.file).map_err(|failure| self.give_up(failure))?;
        self.length += bytes.len();
        self.chain = chain;
        Ok(())
    }

    /// Whether enough was appended since the last snapshot that one is worth taking: at least as
    /// much as that snapshot is long. So what snapshots cost in all grows with what is appended.
    pub fn wants_snapshot(&self) -> bool {
        self.length - self.sealed >= self.floor.max(self.sealed)
    }

    /// Sets how many bytes must be appended before a snapshot is worth taking. Tests want few.
    pub fn snapshot_after(&mut self, bytes: usize) {
        self.floor = bytes;
    }

    /// Begins a new segment with a snapshot and removes the older ones. The entries appended so far
    /// are no longer needed when it returns `Ok`. Older files that cannot be removed are no error:
    /// it is tried again with the next snapshot.
    ///
    /// # Errors
    /// If the journal goes on without it, or nobody knows which segment a restart will find.
    pub fn snapshot(&mut self, snapshot: &Snapshot) -> Result<(), AppendError> {
        self.usable()?;
        let payload = self.payload(snapshot)?;
        // The entries that it stands for are about to be removed.
        if serde_json::from_slice::<Snapshot>(&payload).ok().as_ref() != Some(snapshot) {
            return Err(self.refusal("the snapshot does not read back as itself"));
        }
        let payloads = [payload];
        let sealed = HEADER + format::batch_length(&payloads);
        let (mut bytes, chain) = format::header(self.number + 1, sealed, self.chain);
        let batch = format::batch(chain, &payloads);
        let (batch, chain) = batch.ok_or_else(|| self.refusal("it is too large"))?;
        bytes.extend_from_slice(&batch);
        let file = format::name(self.number + 1);
        let written = write_new(&mut self.store, &bytes);
        written.map_err(|failure| self.leave(failure))?;
        let renamed = self.store.rename(UNFINISHED, &file);
        // Which of the two a power loss would leave is open until the folder is synced.
        let renamed = renamed.and_then(|()| self.store.sync_folder());
        renamed.map_err(|failure| self.give_up(failure))?;
        self.number += 1;
        self.file = file;
        self.length = bytes.len();
        self.sealed = bytes.len();
        self.chain = chain;
        self.tidy().map_err(|failure| self.give_up(failure))
    }

    /// What it holds now, read once more: after an append that was undone.
    ///
    /// # Errors
    /// As [`Journal::open`].
    pub fn read_back(&mut self) -> Result<Recovered, JournalError> {
        let mut bytes = self.store.read(&self.file).map_err(JournalError::Store)?;
        bytes.truncate(self.length);
        let segment = format::read(self.number, &bytes)?;
        let snapshot = segment.snapshot.as_ref().map(|record| parse(&self.file, record));
        let entries = segment.records.iter().map(|record| parse(&self.file, record));
        let entries = entries.collect::<Result<Vec<Entry>, JournalError>>()?;
        Ok(Recovered { snapshot: snapshot.transpose()?, entries, torn: None })
    }

    /// A journal in a store without segments.
    fn begin(mut store: Guarded) -> Result<(Self, Recovered), JournalError> {
        let (bytes, chain) = format::header(1, HEADER, Chain::ORIGIN);
        let file = format::name(1);
        write_new(&mut store, &bytes)
            .and_then(|()| store.rename(UNFINISHED, &file))
            .and_then(|()| store.sync_folder())
            .map_err(JournalError::Store)?;
        let (length, sealed) = (HEADER, HEADER);
        let floor = FLOOR;
        let journal = Self { store, number: 1, file, length, sealed, chain, floor, broken: None };
        Ok((journal, Recovered { snapshot: None, entries: Vec::new(), torn: None }))
    }

    /// Makes what was read durable: the controller will act on it. A former run may have written
    /// the last batch and died before its sync, or its sync may have failed; a file system then
    /// takes what is only in memory for written. So that batch is written once more.
    fn settle(&mut self, last: usize, bytes: &[u8], torn: bool) -> Result<(), Failure> {
        if torn {
            self.store.truncate(&self.file, self.length as u64)?;
        }
        if !bytes.is_empty() {
            self.store.write(&self.file, last as u64, bytes)?;
        }
        self.store.sync(&self.file)?;
        self.store.sync_folder()
    }

    /// Removes what is no longer needed, as far as the store lets it.
    fn tidy(&mut self) -> Result<(), Failure> {
        let ignored = |failure: Failure| if failure.panicked { Err(failure) } else { Ok(()) };
        let files = self.store.list().or_else(|failure| ignored(failure).map(|()| Vec::new()))?;
        let old = |file: &&String| {
            *file == UNFINISHED || format::number(file).is_some_and(|number| number < self.number)
        };
        for file in files.iter().filter(old) {
            self.store.remove(file).or_else(ignored)?;
        }
        Ok(())
    }

    fn payload(&self, value: &impl Serialize) -> Result<Vec<u8>, AppendError> {
        serde_json::to_vec(value).map_err(|error| self.refusal(&error.to_string()))
    }

    fn refusal(&self, why: &str) -> AppendError {
        let (file, why) = (self.file.clone(), why.to_owned());
        AppendError::Undone(Failure { doing: "append to", file, why, panicked: false })
    }

    fn usable(&self) -> Result<(), AppendError> {
        self.broken.clone().map_or(Ok(()), |failure| Err(AppendError::Broken(failure)))
    }

    /// Takes back an append of which any part may be written.
    fn undo(&mut self, failure: Failure) -> AppendError {
        let length = self.length as u64;
        let undone = !failure.panicked
            && self.store.truncate(&self.file, length).is_ok()
            && self.store.sync(&self.file).is_ok();
        if undone { AppendError::Undone(failure) } else { self.give_up(failure) }
    }

    /// A segment without a name is nothing: the journal goes on, unless the store panicked.
    fn leave(&mut self, failure: Failure) -> AppendError {
        if failure.panicked { self.give_up(failure) } else { AppendError::Undone(failure) }
    }

    fn give_up(&mut self, failure: Failure) -> AppendError {
        self.broken = Some(failure.clone());
        AppendError::Broken(failure)
    }
}

fn write_new(store: &mut Guarded, bytes: &[u8]) -> Result<(), Failure> {
    store.create(UNFINISHED)?;
    store.write(UNFINISHED, 0, bytes)?;
    store.sync(UNFINISHED)
}

/// Whether a segment goes on from the one before, if that is still there. It is no longer needed,
/// so damage in it does not count; but if it is whole and ends otherwise, they are of two journals.
fn follows(
    store: &mut Guarded,
    number: u32,
    older: &[u32],
    after: Chain,
) -> Result<(), JournalError> {
    let Some(before) = number.checked_sub(1).filter(|before| older.contains(before)) else {
        return Ok(());
    };
    let file = format::name(before);
    let bytes = store.read(&file).map_err(JournalError::Store)?;
    match format::read(before, &bytes) {
        Ok(segment) if segment.chain != after => {
            let what = format!("the segment should go on where {file} ends, but it does not");
            Err(JournalError::Damaged { file: format::name(number), at: 0, what })
        }
        Ok(_) | Err(_) => Ok(()),
    }
}

fn parse<T: for<'a> Deserialize<'a>>(
    file: &str,
    record: &format::Record<'_>,
) -> Result<T, JournalError> {
    serde_json::from_slice(record.payload).map_err(|error| JournalError::Unreadable {
        file: file.to_owned(),
        at: record.at as u64,
        why: error.to_string(),
    })
}
