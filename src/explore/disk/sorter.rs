//! Sorts more records than memory holds: sorted runs on disk, then all of them at once.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

use super::blocks::{BlockReader, BlockWriter, bytes_of, put_bytes, u64_of};
use super::error::DiskError;
use super::folder::Folder;

/// So many runs become one: each needs a block in memory while they are read.
const MOST_RUNS: usize = 32;
/// A block is not smaller, whatever the memory: nor is what is sorted at once.
const LEAST: usize = 256;

/// Records to be sorted by a pair of numbers.
pub(super) struct Sorter {
    name: &'static str,
    /// The bytes that may be held, half of them for the index.
    share: usize,
    index: Vec<Place>,
    bytes: Vec<u8>,
    runs: Vec<(String, u64)>,
    /// Runs made so far: names are not used again.
    made: u32,
}

/// Where a record is.
type Place = (u64, u64, u32, u32);

impl Sorter {
    /// Of all whose files have this name.
    pub(super) fn new(name: &'static str, share: usize) -> Self {
        let (index, bytes, share) = (Vec::new(), Vec::new(), share.max(LEAST));
        Self { name, share, index, bytes, runs: Vec::new(), made: 0 }
    }

    pub(super) fn push(
        &mut self,
        folder: &Folder,
        (first, second): (u64, u64),
        record: &[u8],
    ) -> Result<(), DiskError> {
        let places = self.share / 2 / size_of::<Place>();
        let bytes = (self.share / 2).min(u32::MAX as usize);
        let full = self.index.len() >= places.max(1) || self.bytes.len() + record.len() > bytes;
        if full && !self.index.is_empty() {
            self.spill(folder)?;
        }
        grow(&mut self.index, 1, places);
        grow(&mut self.bytes, record.len(), bytes);
        let at = u32::try_from(self.bytes.len()).expect("invariant: within the share");
        let length = u32::try_from(record.len()).expect("a packed state of more than 4 GiB");
        self.bytes.extend(record);
        self.index.push((first, second, at, length));
        Ok(())
    }

    fn sort(&mut self) {
        self.index.sort_unstable();
        self.index.dedup_by_key(|place| place.0);
    }

    /// Puts what is in memory into a run on disk.
    fn spill(&mut self, folder: &Folder) -> Result<(), DiskError> {
        self.sort();
        let name = self.next_name();
        let mut writer = BlockWriter::create(folder, &name, (self.block(), u32::MAX))?;
        for place in &self.index {
            write(&mut writer, (place.0, place.1), record(place, &self.bytes))?;
        }
        self.runs.push((name, writer.end()?));
        self.index.clear();
        self.bytes.clear();
        if self.runs.len() == MOST_RUNS {
            let sources = self.sources(folder)?;
            let mut merge = Sorted { sources, heads: BinaryHeap::new(), files: Vec::new() };
            merge.start()?;
            let name = self.next_name();
            let mut writer = BlockWriter::create(folder, &name, (self.block(), u32::MAX))?;
            while merge.next(|key, record| write(&mut writer, key, record))?.is_some() {}
            let length = writer.end()?;
            for (name, _) in std::mem::replace(&mut self.runs, vec![(name, length)]) {
                folder.remove(&name)?;
            }
        }
        Ok(())
    }

    fn next_name(&mut self) -> String {
        self.made += 1;
        format!("spill-{}-{}", self.name, self.made)
    }

    /// Bytes of a block, so that all that are read at once are an eighth of what is sorted at once.
    fn block(&self) -> usize {
        (self.share / 8 / MOST_RUNS).clamp(LEAST, 1 << 20)
    }

    fn sources(&self, folder: &Folder) -> Result<Vec<Source>, DiskError> {
        let open = |(name, length): &(String, u64)| {
            Ok(Source::File {
                reader: BlockReader::open(folder, name, *length)?,
                records: Vec::new(),
                at: 0,
                record: 0..0,
            })
        };
        self.runs.iter().map(open).collect()
    }

    /// All records, in ascending order; of those with the same first number only the lowest.
    pub(super) fn finish(mut self, folder: &Folder) -> Result<Sorted, DiskError> {
        self.sort();
        let mut sources = self.sources(folder)?;
        let files = self.runs.into_iter().map(|(name, _)| name).collect();
        sources.push(Source::Memory { index: self.index, bytes: self.bytes, at: 0 });
        let mut sorted = Sorted { sources, heads: BinaryHeap::new(), files };
        sorted.start()?;
        Ok(sorted)
    }

    /// The bytes held, now or while all is read.
    pub(super) fn held(&self) -> usize {
        let blocks = 2 * self.block() * self.runs.len();
        self.index.capacity() * size_of::<Place>() + self.bytes.capacity() + blocks
    }
}

/// Makes room for more: twice as much, but not more than `most` if that is enough.
fn grow<T>(all: &mut Vec<T>, more: usize, most: usize) {
    let needed = all.len() + more;
    if needed > all.capacity() {
        let room = (2 * all.capacity()).max(LEAST / size_of::<T>()).min(most).max(needed);
        all.reserve_exact(room - all.len());
    }
}

fn record<'a>(place: &Place, bytes: &'a [u8]) -> &'a [u8] {
    &bytes[place.2 as usize..][..place.3 as usize]
}

fn write(writer: &mut BlockWriter, key: (u64, u64), record: &[u8]) -> Result<(), DiskError> {
    writer.record(|block| {
        block.extend(key.0.to_le_bytes());
        block.extend(key.1.to_le_bytes());
        put_bytes(record, block);
    })
}

enum Source {
    File {
        reader: BlockReader,
        records: Vec<u8>,
        at: usize,
        /// Where the record is whose key was answered last.
        record: std::ops::Range<usize>,
    },
    Memory {
        index: Vec<Place>,
        bytes: Vec<u8>,
        at: usize,
    },
}

impl Source {
    /// Goes to the next record; answers its key.
    fn step(&mut self) -> Result<Option<(u64, u64)>, DiskError> {
        match self {
            Self::Memory { index, at, .. } => {
                *at += 1;
                Ok(index.get(*at - 1).map(|place| (place.0, place.1)))
            }
            Self::File { reader, records, at, record } => {
                if *at == records.len() {
                    let Some(block) = reader.next()? else { return Ok(None) };
                    (*records, *at) = (block.records, 0);
                }
                let mut rest = &records[*at..];
                let mut read =
                    || Some(((u64_of(&mut rest)?, u64_of(&mut rest)?), bytes_of(&mut rest)?.len()));
                let (key, length) = read().ok_or_else(|| reader.damaged("a record"))?;
                *at = records.len() - rest.len();
                *record = *at - length..*at;
                Ok(Some(key))
            }
        }
    }

    fn record(&self) -> &[u8] {
        match self {
            Self::Memory { index, bytes, at } => record(&index[*at - 1], bytes),
            Self::File { records, record, .. } => &records[record.clone()],
        }
    }
}

/// Records in ascending order.
pub(super) struct Sorted {
    sources: Vec<Source>,
    heads: BinaryHeap<Reverse<((u64, u64), usize)>>,
    files: Vec<String>,
}

impl Sorted {
    fn start(&mut self) -> Result<(), DiskError> {
        for (number, source) in self.sources.iter_mut().enumerate() {
            self.heads.extend(source.step()?.map(|key| Reverse((key, number))));
        }
        Ok(())
    }

    /// Hands over the next record with its key, and leaves out those with the same first number.
    pub(super) fn next<R, E: From<DiskError>>(
        &mut self,
        with: impl FnOnce((u64, u64), &[u8]) -> Result<R, E>,
    ) -> Result<Option<R>, E> {
        let Some(Reverse((key, number))) = self.heads.peek().copied() else { return Ok(None) };
        let answer = with(key, self.sources[number].record())?;
        while let Some(mut head) = self.heads.peek_mut() {
            let Reverse(((first, _), number)) = *head;
            if first != key.0 {
                break;
            }
            match self.sources[number].step()? {
                Some(next) => *head = Reverse((next, number)),
                None => drop(PeekMut::pop(head)),
            }
        }
        Ok(Some(answer))
    }

    /// Removes the files.
    pub(super) fn clear(self, folder: &Folder) -> Result<(), DiskError> {
        self.files.iter().try_for_each(|name| folder.remove(name))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn of_equal_ones_the_least_comes_however_little_memory_there_is() {
        for share in [0, 1 << 12, 1 << 20] {
            let dir = tempfile::tempdir().expect("a folder can be made");
            let folder = Folder::begin(dir.path(), "sorted").expect("it is empty");
            let mut sorter = Sorter::new("test", share);
            let mut expected: BTreeMap<u64, (u64, Vec<u8>)> = BTreeMap::new();
            for number in 0..5_000_u64 {
                let mixed = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40;
                let (first, second) = (mixed % 500, mixed / 500);
                let record = vec![7; usize::try_from(second % 9).expect("it is small")];
                sorter.push(&folder, (first, second), &record).expect("there is room");
                assert!(sorter.held() <= 2 * share.max(1 << 15), "{} of {share}", sorter.held());
                let least = expected.entry(first).or_insert((second, record.clone()));
                if second < least.0 {
                    *least = (second, record);
                }
            }
            let mut sorted = sorter.finish(&folder).expect("it reads");
            let mut found = Vec::new();
            while let Some(one) = sorted
                .next(|key, record| Ok::<_, DiskError>((key.0, (key.1, record.to_vec()))))
                .expect("it reads")
            {
                found.push(one);
            }
            assert_eq!(found, expected.into_iter().collect::<Vec<_>>(), "{share}");
        }
    }
}
