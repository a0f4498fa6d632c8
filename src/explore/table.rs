//! States by fingerprint: open addressing, 12 bytes a slot, read by all threads while one writes.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicU32, Ordering};

use prefetch_index::prefetch_index;
use rapidhash::quality::RapidHasher;

use super::slab::Shorts;
use super::way::{Guess, Keep};

/// What tells a value from others, nearly always: the same on every machine and in every run, never
/// with an empty low half.
pub fn fingerprint<T: Hash>(value: &T) -> u64 {
    let mut hasher = RapidHasher::default_const();
    value.hash(&mut hasher);
    filled(hasher.finish())
}

/// The same of a code.
#[inline]
pub(super) fn fingerprint_of_words(words: &[u64]) -> u64 {
    let mut hasher = RapidHasher::default_const();
    for word in words {
        hasher.write_u64(*word);
    }
    filled(hasher.finish())
}

#[inline]
fn filled(hash: u64) -> u64 {
    if low(hash) == 0 { hash | 1 } else { hash }
}

/// Fingerprint to number of a state.
pub(super) struct Table {
    /// Three halves to a slot rather than a pair of 8 + 4: no padding, and a probe stays in one
    /// line of the cache, or two. The low half of the fingerprint is written last and zero while
    /// the slot is empty.
    words: Shorts,
    slots: usize,
}

/// Words of a slot: the halves of the fingerprint, and the number.
const SLOT: usize = 3;
const SMALLEST: usize = 1 << 12;

impl Table {
    fn empty(slots: usize) -> Self {
        Self { words: Shorts::zeros(slots * SLOT), slots }
    }

    #[inline]
    fn slot(&self, at: usize) -> &[AtomicU32; SLOT] {
        let words = &self.words[at * SLOT..];
        words.first_chunk().expect("invariant: slots are whole")
    }

    #[inline]
    fn look_for(&self, fingerprint: u64) -> Result<u32, usize> {
        let mut at = home(fingerprint, self.slots);
        loop {
            let [low_half, high_half, id] = self.slot(at);
            let found = low_half.load(Ordering::Acquire);
            if found == 0 {
                return Err(at);
            }
            let high_half = high_half.load(Ordering::Relaxed);
            if found == low(fingerprint) && high_half == high(fingerprint) {
                return Ok(id.load(Ordering::Relaxed));
            }
            at = if at + 1 == self.slots { 0 } else { at + 1 };
        }
    }

    #[inline]
    fn put(&self, at: usize, fingerprint: u64, number: u32) {
        let [low_half, high_half, id] = self.slot(at);
        id.store(number, Ordering::Relaxed);
        high_half.store(high(fingerprint), Ordering::Relaxed);
        low_half.store(low(fingerprint), Ordering::Release);
    }

    /// What is in each slot that is not empty: fingerprints and numbers.
    fn filled(&self) -> impl Iterator<Item = (u64, u32)> {
        (0..self.slots).filter_map(|at| {
            let [low, high, id] = self.slot(at);
            let low = low.load(Ordering::Acquire);
            let print = u64::from(high.load(Ordering::Relaxed)) << 32 | u64::from(low);
            (low != 0).then(|| (print, id.load(Ordering::Relaxed)))
        })
    }
}

impl<I> Keep<I> for Table {
    const WHOLE: bool = false;
    type Mark = u64;

    fn new() -> Self {
        Self::empty(SMALLEST)
    }

    fn mark(print: u64, _: &I) -> u64 {
        print
    }

    #[inline]
    fn fetch(&self, print: u64) {
        prefetch_index(&*self.words, home(print, self.slots) * SLOT);
    }

    #[inline]
    fn guess(&self, print: u64) -> Guess {
        let [low_half, high_half, id] = self.slot(home(print, self.slots));
        let found = low_half.load(Ordering::Acquire);
        let is_it = found == low(print) && high_half.load(Ordering::Relaxed) == high(print);
        let other = if found == 0 { Guess::NEW } else { Guess::OPEN };
        if is_it { Guess::likely(id.load(Ordering::Relaxed) + 1) } else { other }
    }

    #[inline]
    fn is(&self, _: u32, _: u64, _: &I) -> bool {
        true
    }

    #[inline]
    fn find(&self, print: u64, _: &I) -> Result<u32, usize> {
        self.look_for(print)
    }

    #[inline]
    fn fill(&self, slot: usize, print: u64, _: &I, id: u32) {
        self.put(slot, print, id);
    }

    fn has_room(&self, states: usize) -> bool {
        states <= room(self.slots)
    }

    fn grown(&self, states: usize) -> Self {
        let grown = Self::empty(slots_for(states));
        for (fingerprint, id) in self.filled() {
            if let Err(at) = grown.look_for(fingerprint) {
                grown.put(at, fingerprint, id);
            }
        }
        grown
    }

    fn item(&self, _: u32) -> Option<I> {
        None
    }

    /// One pass over the table.
    fn marks(&self, ids: &[u32]) -> BTreeMap<u32, u64> {
        let mut wanted: Vec<u32> = ids.to_vec();
        wanted.sort_unstable();
        let is_wanted = |(_, id): &(u64, u32)| wanted.binary_search(id).is_ok();
        self.filled().filter(is_wanted).map(|(print, id)| (id, print)).collect()
    }

    fn bytes(states: usize) -> usize {
        slots_for(states) * SLOT * size_of::<AtomicU32>()
    }
}

/// Seven tenths full, then twice the size: longer probes cost more than the memory.
fn room(slots: usize) -> usize {
    slots / 10 * 7
}

fn slots_for(states: usize) -> usize {
    let mut slots = SMALLEST;
    while room(slots) < states {
        slots *= 2;
    }
    slots
}

/// Where a fingerprint belongs: in the order of fingerprints, so that growing moves in sequence.
#[inline]
pub(super) fn home(fingerprint: u64, slots: usize) -> usize {
    let product = u128::from(fingerprint) * slots as u128;
    usize::try_from(product >> 64).expect("invariant: below the number of slots")
}

#[inline]
#[expect(clippy::cast_possible_truncation, reason = "the low half is what is wanted")]
pub(super) fn low(value: u64) -> u32 {
    value as u32
}

#[inline]
pub(super) fn high(value: u64) -> u32 {
    low(value >> 32)
}
