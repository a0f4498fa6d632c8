//! Files of numbers of one width, in sealed pages, so that each can be found by its place.
//!
//! A file is a row of parts; each begins a page. A page holds as many numbers as fit, the last one
//! of a part what is left, and then its seal. So nothing that was written is ever written again.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::PathBuf;

use super::error::DiskError;
use super::folder::{Folder, created, reopened, seal};

/// Bytes of a whole page, with its seal.
const PAGE: usize = 4096;
const SEAL: usize = 8;

pub(super) struct Pages {
    path: PathBuf,
    file: File,
    salt: u64,
    width: usize,
    /// Where the next page begins.
    place: u64,
    page: Vec<u8>,
}

impl Pages {
    pub(super) fn create(folder: &Folder, name: &str, width: usize) -> Result<Self, DiskError> {
        let path = folder.path(name);
        let (file, salt, page) = (created(&path)?, folder.salt(name), Vec::with_capacity(PAGE));
        Ok(Self { path, file, salt, width, place: 0, page })
    }

    /// Opens a file that has these parts, by how many numbers each has.
    pub(super) fn open(
        folder: &Folder,
        name: &str,
        width: usize,
        parts: impl Iterator<Item = u64>,
    ) -> Result<Self, DiskError> {
        let place = parts.map(|count| length(width, count)).sum();
        let path = folder.path(name);
        let file = reopened(&path, place)?;
        let (salt, page) = (folder.salt(name), Vec::with_capacity(PAGE));
        Ok(Self { path, file, salt, width, place, page })
    }

    /// Cuts off what is behind the parts; further ones can be written then.
    pub(super) fn cut(&mut self) -> Result<(), DiskError> {
        let cut = self.file.set_len(self.place);
        let cut = cut.and_then(|()| self.file.seek(SeekFrom::Start(self.place)));
        cut.map(drop).map_err(DiskError::io(&self.path, "cut it back"))
    }

    /// Appends a number to the part that is being written.
    pub(super) fn push(&mut self, number: u64) -> Result<(), DiskError> {
        self.page.extend(&number.to_le_bytes()[..self.width]);
        if self.page.len() + self.width > PAGE - SEAL { self.flush() } else { Ok(()) }
    }

    /// The part ends.
    pub(super) fn end_part(&mut self) -> Result<(), DiskError> {
        if self.page.is_empty() { Ok(()) } else { self.flush() }
    }

    fn flush(&mut self) -> Result<(), DiskError> {
        let seal = seal(self.salt, self.place, 0, &self.page);
        self.page.extend(seal.to_le_bytes());
        self.file.write_all(&self.page).map_err(DiskError::io(&self.path, "write to it"))?;
        self.place += self.page.len() as u64;
        self.page.clear();
        Ok(())
    }

    pub(super) fn sync(&self) -> Result<(), DiskError> {
        self.file.sync_data().map_err(DiskError::io(&self.path, "make it durable"))
    }

    /// Reads a page of a part that begins at `start` and has `count` numbers; answers its numbers.
    pub(super) fn read(
        &mut self,
        (start, count): (u64, u64),
        page: u64,
        numbers: &mut Vec<u64>,
    ) -> Result<(), DiskError> {
        let left = count - page * self.per_page();
        let bytes = usize::try_from(left.min(self.per_page())).map_err(|_| self.damaged(start))?;
        let (bytes, place) = (bytes * self.width, start + page * PAGE as u64);
        let mut read = vec![0; bytes + SEAL];
        let at = self.file.seek(SeekFrom::Start(place));
        at.and_then(|_| self.file.read_exact(&mut read))
            .map_err(DiskError::io(&self.path, "read it"))?;
        let (all, sealed) = read.split_at(bytes);
        if sealed != seal(self.salt, place, 0, all).to_le_bytes() {
            return Err(self.damaged(place));
        }
        numbers.clear();
        numbers.extend(all.chunks_exact(self.width).map(|bytes| {
            let mut number = [0; 8];
            number[..bytes.len()].copy_from_slice(bytes);
            u64::from_le_bytes(number)
        }));
        Ok(())
    }

    /// Reads the numbers of a part from the `from`-th on.
    pub(super) fn each(
        &mut self,
        (start, count): (u64, u64),
        from: u64,
        mut with: impl FnMut(u64),
    ) -> Result<(), DiskError> {
        let per = self.per_page();
        let mut numbers = Vec::new();
        for page in from / per..count.div_ceil(per) {
            self.read((start, count), page, &mut numbers)?;
            let skipped = from.saturating_sub(page * per);
            let skipped = usize::try_from(skipped).expect("invariant: it is inside a page");
            numbers[skipped..].iter().for_each(|number| with(*number));
        }
        Ok(())
    }

    /// The `at`-th number of a part.
    pub(super) fn one(&mut self, part: (u64, u64), at: u64) -> Result<u64, DiskError> {
        let mut numbers = Vec::new();
        self.read(part, at / self.per_page(), &mut numbers)?;
        let at = usize::try_from(at % self.per_page()).expect("invariant: it is inside a page");
        Ok(numbers[at])
    }

    /// Numbers of a whole page.
    pub(super) fn per_page(&self) -> u64 {
        per_page(self.width)
    }

    fn damaged(&self, place: u64) -> DiskError {
        let expected = format!("a page with its seal at byte {place}");
        DiskError::damaged(&self.path, expected, "other bytes")
    }
}

fn per_page(width: usize) -> u64 {
    ((PAGE - SEAL) / width) as u64
}

/// The bytes of a part of so many numbers.
pub(super) fn length(width: usize, count: u64) -> u64 {
    let pages = count.div_ceil(per_page(width));
    count * width as u64 + pages * SEAL as u64
}
