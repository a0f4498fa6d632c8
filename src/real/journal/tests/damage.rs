//! Files that are not as they were written.

use super::super::format::{self, BLOCK, HEADER};
use super::super::{Journal, JournalError, Loss, Memory};
use super::story::{Story, open, prefix};

/// How many entries are in each batch behind the snapshot.
const BATCHES: [usize; 4] = [1, 3, 1, 2];
/// How many entries the snapshot stands for.
const BEGIN: usize = 4;

/// A journal's only segment, with the place behind its sealed part and behind each batch.
struct Written {
    story: Story,
    file: String,
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

fn write(snapshot: bool) -> Written {
    let story = Story::new();
    let memory = Memory::default();
    let (mut journal, _) = open(&memory).expect("an empty store");
    if snapshot {
        journal.append(story.entries(0, BEGIN)).expect("nothing fails");
        journal.snapshot(&story.snapshot(BEGIN)).expect("nothing fails");
    }
    let mut at = if snapshot { BEGIN } else { 0 };
    let mut ends = vec![journal.length];
    for batch in BATCHES {
        journal.append(story.entries(at, at + batch)).expect("nothing fails");
        at += batch;
        ends.push(journal.length);
    }
    let (file, bytes) = memory.contents().pop_first().expect("one segment");
    assert_eq!(bytes.len(), journal.length);
    Written { story, file, bytes, ends }
}

impl Written {
    fn open(&self, bytes: &[u8]) -> (Memory, Result<(Journal, usize, bool), JournalError>) {
        let memory = Memory::default();
        memory.put(&self.file, bytes);
        let opened = open(&memory).map(|(journal, recovered)| {
            let entries = prefix(&self.story, &recovered);
            (journal, entries, recovered.torn.is_some())
        });
        (memory, opened)
    }

    /// Where each batch behind the sealed part begins and ends.
    fn batch(&self, number: usize) -> std::ops::Range<usize> {
        self.ends[number]..self.ends[number + 1]
    }

    fn assert_damaged(&self, bytes: &[u8], how: &str) -> u64 {
        let (memory, opened) = self.open(bytes);
        let error = opened.err().unwrap_or_else(|| panic!("{how}: it opens"));
        assert_eq!(memory.contents()[&self.file], bytes, "{how}: nothing is changed");
        match &error {
            JournalError::Damaged { file, at, .. } if *file == self.file => *at,
            JournalError::Newer { .. } => 0,
            JournalError::Damaged { .. }
            | JournalError::Locked { .. }
            | JournalError::Store(_)
            | JournalError::Unreadable { .. } => panic!("{how}: {error}"),
        }
    }
}

#[test]
fn every_prefix_opens_to_what_is_whole_in_it() {
    for snapshot in [false, true] {
        let written = write(snapshot);
        let begin = if snapshot { BEGIN } else { 0 };
        for length in 0..=written.bytes.len() {
            let (memory, opened) = written.open(&written.bytes[..length]);
            if length < written.ends[0] {
                let error = opened.err().expect("the sealed part is never torn");
                assert!(matches!(error, JournalError::Damaged { .. }), "{length}: {error}");
                continue;
            }
            let (mut journal, entries, torn) = opened.expect("a prefix");
            let whole = written.ends.iter().filter(|end| **end <= length).count() - 1;
            let expected = begin + BATCHES[..whole].iter().sum::<usize>();
            assert_eq!((entries, torn), (expected, length != written.ends[whole]), "{length}");
            let rest = written.story.entries(entries, written.story.len());
            journal.append(rest).expect("nothing fails");
            memory.restart(Loss::TOTAL);
            let (_, recovered) = open(&memory).expect("nothing fails");
            assert_eq!(prefix(&written.story, &recovered), written.story.len());
        }
    }
}

/// Also in the very last batch: a single byte is never taken for a torn append.
#[test]
fn every_byte_that_differs_is_an_error_that_names_its_place() {
    let masks = [0xff].into_iter().chain((0..8).map(|bit| 1 << bit));
    for snapshot in [false, true] {
        let written = write(snapshot);
        for at in 0..written.bytes.len() {
            let good = written.bytes[at];
            for value in masks.clone().map(|mask: u8| good ^ mask).chain([0, b'0', b'\n']) {
                let mut bytes = written.bytes.clone();
                bytes[at] = value;
                if value == good {
                    continue;
                }
                let named = written.assert_damaged(&bytes, &format!("byte {at} is {value:#x}"));
                assert!(named <= at as u64, "byte {at} is {value:#x}: {named} is named");
            }
        }
    }
}

#[test]
fn batches_that_are_missing_or_repeated_or_swapped_are_errors() {
    let written = write(true);
    let whole = &written.bytes;
    let [a, b] = [1, 2].map(|number| written.batch(number));
    let [before, behind] = [&whole[..a.start], &whole[b.end..]];
    let rows = [
        ("dropped", [before, &[], &whole[b.clone()], behind].concat()),
        ("repeated", [before, &whole[a.clone()], &whole[a.clone()], behind].concat()),
        ("swapped", [before, &whole[b.clone()], &whole[a.clone()], behind].concat()),
        ("the first repeated at the end", [whole, &whole[written.batch(0)]].concat()),
        ("the last repeated", [whole, &whole[written.batch(3)]].concat()),
    ];
    for (how, bytes) in rows {
        written.assert_damaged(&bytes, how);
    }
}

#[test]
fn zeros_before_the_last_batch_are_damage() {
    let written = write(true);
    for at in (0..written.ends[3]).step_by(BLOCK) {
        for length in [BLOCK, 512, 4096] {
            let mut bytes = written.bytes.clone();
            let end = (at + length).min(written.ends[3]);
            bytes[at..end].fill(0);
            written.assert_damaged(&bytes, &format!("zeros from {at} to {end}"));
        }
    }
    // The batch before the last one is missing, and the last one is torn.
    let mut bytes = written.bytes[..written.bytes.len() - 16].to_vec();
    bytes[written.batch(2)].fill(0);
    written.assert_damaged(&bytes, "a batch of zeros before a torn one");
    // A header is wrong, and what follows it was never written.
    let mut bytes = written.bytes.clone();
    bytes[written.batch(2).start] ^= 1;
    bytes[written.batch(3)].fill(0);
    written.assert_damaged(&bytes, "a wrong header before zeros");
}

#[test]
fn segments_of_other_numbers_or_journals_are_errors() {
    let written = write(true);
    let memory = Memory::default();
    memory.put("00000003.journal", &written.bytes);
    let error = open(&memory).err().expect("an error");
    assert!(matches!(error, JournalError::Damaged { at: 0, .. }), "{error}");
    // An older segment that is whole must be the one that the newer goes on from.
    let (other, _) = format::header(1, HEADER, format::Chain::ORIGIN);
    let memory = Memory::default();
    memory.put("00000001.journal", &other);
    memory.put(&written.file, &written.bytes);
    let error = open(&memory).err().expect("an error");
    assert!(error.to_string().contains("go on where 00000001.journal ends"), "{error}");
    // Damage in it does not count: it is no longer needed.
    memory.put("00000001.journal", &other[1..]);
    memory.put("unfinished", &other);
    let (_, recovered) = open(&memory).expect("nothing fails");
    assert_eq!(prefix(&written.story, &recovered), BEGIN + BATCHES.iter().sum::<usize>());
    assert_eq!(memory.contents().into_keys().collect::<Vec<_>>(), ["00000002.journal"]);
}

/// Lengths are believed only if they check out, and only up to the end of the file.
#[test]
fn a_length_that_is_wrong_allocates_nothing() {
    let written = write(false);
    let first = written.ends[0];
    for place in [first + 6, first + BLOCK] {
        let mut bytes = written.bytes.clone();
        bytes[place..place + 8].copy_from_slice(b"ffffffff");
        written.assert_damaged(&bytes, "a length of 4 GiB");
    }
}

#[test]
fn an_error_says_where_and_what_to_do() {
    let written = write(false);
    let mut bytes = written.bytes.clone();
    let at = written.batch(1).start;
    bytes[at + BLOCK + 50] ^= 4;
    let error = written.open(&bytes).1.err().expect("an error");
    assert_eq!(
        error.to_string(),
        format!(
            "the journal is damaged in 00000001.journal at byte {}: the check of a record is \
             wrong; the batch begins at byte {at}. What stands before is whole. This is not what a \
             power loss leaves behind: acknowledged records may stand there. Nothing was changed. \
             Restore a copy of the folder; or keep a copy of it, cut the file off at the beginning \
             of that batch and lose what comes after",
            at + BLOCK
        )
    );
}
