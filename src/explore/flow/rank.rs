//! How the new states of a level get their numbers: each worker ranks those that are reached from
//! a range of parents, and tells their owners.

use super::bytes::{Reader, put_u32, put_u64};
use super::owned::{Frontier, Owned};
use super::post::{Gone, Post};
use super::worker::{KEYS, PARCEL, RANKS, TOTAL};
use crate::explore::table::high;

/// What came of a level.
pub(super) struct Ranked {
    /// This worker's new states in the order of their steps, and their numbers.
    sorted: Vec<(u64, u32)>,
    numbers: Vec<u32>,
    /// How many new states all workers have.
    pub(super) total: u64,
    /// The bytes that each worker holds.
    pub(super) bytes: Vec<u64>,
}

impl Ranked {
    pub(super) fn apply(&self, owned: &mut Owned, most: u32) -> Frontier {
        owned.number(&self.sorted, &self.numbers, most)
    }

    /// The parent of the state with this number, if it is this worker's.
    pub(super) fn parent_of(&self, number: u32) -> Option<u32> {
        let at = self.numbers.binary_search(&number).ok()?;
        Some(high(self.sorted[at].0))
    }
}

/// Numbers the new states, the first with `next`; their parents are the states from `first` on.
pub(super) fn rank(
    post: &mut Post,
    owned: &Owned,
    parents: std::ops::Range<u32>,
    bytes: u64,
) -> Result<Ranked, Gone> {
    let workers = post.workers();
    let sorted = owned.sorted();
    let span = u64::from(parents.end - parents.start);
    let ranker = |key: u64| {
        let parent = u64::from(high(key) - parents.start);
        usize::try_from(parent * workers as u64 / span).expect("invariant: below a count")
    };
    let mut rest = &sorted[..];
    let mut sent = Vec::with_capacity(workers);
    for to in 0..workers {
        let (run, others) = rest.split_at(rest.partition_point(|(key, _)| ranker(*key) == to));
        rest = others;
        sent.push(run.len());
        for part in run.chunks(PARCEL / 8) {
            let mut keys = Vec::with_capacity(part.len() * 8);
            for (key, _) in part {
                put_u64(&mut keys, *key);
            }
            post.send(to, KEYS, keys);
        }
    }
    let mut keys: Vec<Vec<u64>> = vec![Vec::new(); workers];
    post.settle(&mut |parcel| {
        let mut reader = Reader(parcel.bytes());
        while !reader.is_empty() {
            keys[parcel.from as usize].push(reader.u64());
        }
    })?;
    answer(post, &keys, bytes);
    drop(keys);
    let mut ranks: Vec<Vec<u32>> = sent.iter().map(|count| Vec::with_capacity(*count)).collect();
    let mut told = vec![(0, 0); workers];
    post.settle(&mut |parcel| {
        let mut reader = Reader(parcel.bytes());
        if parcel.kind == TOTAL {
            told[parcel.from as usize] = (reader.u64(), reader.u64());
            return;
        }
        while !reader.is_empty() {
            ranks[parcel.from as usize].push(reader.u32());
        }
    })?;
    let mut next = u64::from(parents.end);
    let mut numbers = Vec::with_capacity(sorted.len());
    for (ranks, (total, _)) in ranks.iter().zip(&told) {
        // What has no number of 32 bits is behind every limit.
        let number = |rank: &u32| u32::try_from(next + u64::from(*rank)).unwrap_or(u32::MAX);
        numbers.extend(ranks.iter().map(number));
        next += total;
    }
    let total = next - u64::from(parents.end);
    let bytes = told.into_iter().map(|(_, bytes)| bytes).collect();
    Ok(Ranked { sorted, numbers, total, bytes })
}

/// Tells the owners of some keys, each in order, their ranks among all of these, and all workers
/// how many there were.
fn answer(post: &mut Post, keys: &[Vec<u64>], bytes: u64) {
    let mut all: Vec<(u64, u32)> = Vec::with_capacity(keys.iter().map(Vec::len).sum());
    for (keys, from) in keys.iter().zip(0..) {
        all.extend(keys.iter().map(|key| (*key, from)));
    }
    #[expect(clippy::stable_sort_primitive, reason = "quick where runs are sorted already")]
    all.sort();
    let mut ranks: Vec<Vec<u8>> = vec![Vec::new(); keys.len()];
    for ((_, from), rank) in all.iter().zip(0..) {
        let to = *from as usize;
        put_u32(&mut ranks[to], rank);
        if ranks[to].len() >= PARCEL {
            post.send(to, RANKS, std::mem::take(&mut ranks[to]));
        }
    }
    for (to, ranks) in ranks.into_iter().enumerate() {
        post.send(to, RANKS, ranks);
    }
    let mut total = Vec::with_capacity(16);
    put_u64(&mut total, all.len() as u64);
    put_u64(&mut total, bytes);
    post.send_to_all(TOTAL, &total);
}
