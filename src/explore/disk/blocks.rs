//! Files that are written and read from one end to the other: records in sealed blocks.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::PathBuf;

use super::error::DiskError;
use super::folder::{Folder, created, reopened, seal};

/// Bytes before the records of a block: their length, how many they are, the seal.
const HEADER: usize = 16;

/// Writes records; none of them is divided between blocks.
pub(super) struct BlockWriter {
    path: PathBuf,
    file: File,
    salt: u64,
    /// Where the next block begins.
    place: u64,
    /// The next block: room for its header, and its records.
    block: Vec<u8>,
    count: u32,
    most_bytes: usize,
    most_records: u32,
}

impl BlockWriter {
    /// Makes a file whose blocks end after so many bytes or records.
    pub(super) fn create(
        folder: &Folder,
        name: &str,
        (most_bytes, most_records): (usize, u32),
    ) -> Result<Self, DiskError> {
        let path = folder.path(name);
        let (file, salt, block) = (created(&path)?, folder.salt(name), vec![0; HEADER]);
        Ok(Self { path, file, salt, place: 0, block, count: 0, most_bytes, most_records })
    }

    /// Goes on after so many bytes; what is behind them is cut off.
    pub(super) fn reopen(folder: &Folder, name: &str, length: u64) -> Result<Self, DiskError> {
        let path = folder.path(name);
        let mut file = reopened(&path, length)?;
        let cut = file.set_len(length).and_then(|()| file.seek(SeekFrom::Start(length)));
        cut.map_err(DiskError::io(&path, "cut it back"))?;
        let (salt, block) = (folder.salt(name), vec![0; HEADER]);
        let (most_bytes, most_records) = (usize::MAX, u32::MAX);
        Ok(Self { path, file, salt, place: length, block, count: 0, most_bytes, most_records })
    }

    /// Appends one record, which `write` puts there.
    pub(super) fn record(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> Result<(), DiskError> {
        write(&mut self.block);
        self.count += 1;
        if self.count >= self.most_records || self.block.len() - HEADER >= self.most_bytes {
            self.flush()?;
        }
        Ok(())
    }

    /// Appends several records as one block.
    pub(super) fn block(&mut self, count: u32, records: &[u8]) -> Result<(), DiskError> {
        self.block.extend(records);
        self.count = count;
        self.flush()
    }

    fn flush(&mut self) -> Result<(), DiskError> {
        if self.count == 0 {
            return Ok(());
        }
        let records = &self.block[HEADER..];
        let length = u32::try_from(records.len()).expect("invariant: blocks are small");
        let seal = seal(self.salt, self.place, self.count, records);
        self.block[..4].copy_from_slice(&length.to_le_bytes());
        self.block[4..8].copy_from_slice(&self.count.to_le_bytes());
        self.block[8..HEADER].copy_from_slice(&seal.to_le_bytes());
        self.file.write_all(&self.block).map_err(DiskError::io(&self.path, "write to it"))?;
        self.place += self.block.len() as u64;
        self.block.truncate(HEADER);
        self.count = 0;
        Ok(())
    }

    /// Writes what is left; answers the length of the file.
    pub(super) fn end(&mut self) -> Result<u64, DiskError> {
        self.flush()?;
        Ok(self.place)
    }

    /// The same, and it stays there after a power loss.
    pub(super) fn sync(&mut self) -> Result<u64, DiskError> {
        self.flush()?;
        self.file.sync_data().map_err(DiskError::io(&self.path, "make it durable"))?;
        Ok(self.place)
    }

    /// The bytes held.
    pub(super) fn held(&self) -> usize {
        self.block.capacity()
    }
}

/// Some records, one after the other.
pub(super) struct Block {
    pub(super) count: u32,
    pub(super) records: Vec<u8>,
}

/// Reads what a [`BlockWriter`] wrote, and nothing else.
pub(super) struct BlockReader {
    path: PathBuf,
    file: File,
    salt: u64,
    place: u64,
    /// Where the last block ends.
    end: u64,
}

impl BlockReader {
    /// Opens a file that must have this length or more.
    pub(super) fn open(folder: &Folder, name: &str, length: u64) -> Result<Self, DiskError> {
        let path = folder.path(name);
        let file = reopened(&path, length)?;
        Ok(Self { path, file, salt: folder.salt(name), place: 0, end: length })
    }

    pub(super) fn next(&mut self) -> Result<Option<Block>, DiskError> {
        if self.place == self.end {
            return Ok(None);
        }
        let mut header = [0; HEADER];
        let left = self.end - self.place;
        if left >= HEADER as u64 {
            self.file.read_exact(&mut header).map_err(DiskError::io(&self.path, "read it"))?;
        }
        let mut words = header.as_slice();
        let (length, count) = (u32_of(&mut words), u32_of(&mut words));
        let (length, count) = (length.unwrap_or_default(), count.unwrap_or_default());
        if left < HEADER as u64 + u64::from(length) {
            return Err(self.damaged("a block"));
        }
        let mut records = vec![0; length as usize];
        self.file.read_exact(&mut records).map_err(DiskError::io(&self.path, "read it"))?;
        if u64_of(&mut words) != Some(seal(self.salt, self.place, count, &records)) {
            return Err(self.damaged("a block with its seal"));
        }
        self.place += HEADER as u64 + u64::from(length);
        Ok(Some(Block { count, records }))
    }

    /// What it is if a record is not what it should be.
    pub(super) fn damaged(&self, expected: &str) -> DiskError {
        let expected = format!("{expected} at byte {}", self.place);
        DiskError::damaged(&self.path, expected, "other bytes")
    }
}

/// Takes a number off the front.
pub(super) fn u32_of(bytes: &mut &[u8]) -> Option<u32> {
    let (number, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(u32::from_le_bytes(*number))
}

/// The same, of 64 bits.
pub(super) fn u64_of(bytes: &mut &[u8]) -> Option<u64> {
    let (number, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(u64::from_le_bytes(*number))
}

/// Takes bytes off the front that come after their length.
pub(super) fn bytes_of<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = u32_of(bytes)?;
    let (some, rest) = bytes.split_at_checked(length as usize)?;
    *bytes = rest;
    Some(some)
}

/// Puts bytes after their length.
pub(super) fn put_bytes(bytes: &[u8], to: &mut Vec<u8>) {
    let length = u32::try_from(bytes.len()).expect("a packed state of more than 4 GiB");
    to.extend(length.to_le_bytes());
    to.extend(bytes);
}
