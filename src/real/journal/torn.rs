//! What a power loss can leave of an append, as opposed to damage.

use super::format::BLOCK;

/// The least that a disk writes, wholly or not at all.
const SECTOR: usize = 512;

/// So many zeros at the end were never written. Fewer may be damage; no written byte is 0.
const ZEROS: usize = 8;

/// What was cut off the end of the journal: an append that a power loss or a full disk interrupted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Torn {
    /// Of which file.
    pub file: String,
    /// From which byte on.
    pub at: u64,
    /// How many bytes.
    pub bytes: u64,
    /// What shows that they were never acknowledged.
    pub why: String,
}

/// Whether the batch that begins at a place, and is not right, may be the rest of an append that
/// was never acknowledged; why. `end` is where it ends, if its header is right.
///
/// Such a rest is the last thing in its file. It is shorter than it should be, or parts of it are
/// zeros: from some byte to the end, or in whole sectors. Bytes that are there are right, for a
/// sector is written wholly or not at all.
pub(super) fn torn(bytes: &[u8], at: usize, end: Option<usize>) -> Option<String> {
    let rest = &bytes[at..];
    let zeros = rest.iter().rev().take_while(|byte| **byte == 0).count();
    let missing = |start: usize, end: usize| {
        let mut pieces = Pieces { start, end };
        pieces.find(|(start, end)| bytes[*start..*end].iter().all(|byte| *byte == 0))
    };
    match end {
        Some(end) if end > bytes.len() => {
            Some(format!("the append was to end at byte {end}, the file ends before"))
        }
        // What follows was written after this append had been acknowledged.
        Some(end) if end < bytes.len() => None,
        Some(_) if zeros >= ZEROS => Some(format!("the last {zeros} bytes were never written")),
        Some(end) => {
            let (start, end) = missing(at, end)?;
            Some(format!("bytes {start} to {end} of the append were never written"))
        }
        None if rest.len() < BLOCK => Some("the file ends within the header of a batch".to_owned()),
        None if zeros >= ZEROS && rest.len() - zeros < BLOCK => {
            Some(format!("the last {zeros} bytes were never written"))
        }
        None => {
            let first = Pieces { start: at, end: bytes.len() }.next()?.1;
            let (start, end) = missing(at, first)?;
            (!batch_follows(bytes, end))
                .then(|| format!("bytes {start} to {end} of the append were never written"))
        }
    }
}

/// Whether a batch begins at some later place: the one before it was acknowledged then. No payload
/// looks like the header of a batch, for JSON has no line breaks.
fn batch_follows(bytes: &[u8], from: usize) -> bool {
    let mut blocks = bytes[from..].chunks_exact(BLOCK);
    blocks.any(|block| block.starts_with(b"batch ") && block.ends_with(b"\n"))
}

/// A stretch of the file, sector by sector.
struct Pieces {
    start: usize,
    end: usize,
}

impl Iterator for Pieces {
    type Item = (usize, usize);

    fn next(&mut self) -> Option<(usize, usize)> {
        let start = self.start;
        self.start = (start / SECTOR + 1).saturating_mul(SECTOR).min(self.end);
        (start < self.end).then_some((start, self.start))
    }
}
