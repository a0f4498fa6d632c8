//! States by fingerprint: open addressing, 12 bytes a slot, read by all threads while one writes.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicU32, Ordering};

use rapidhash::quality::RapidHasher;

use super::way::Keep;

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
    slots: Vec<Slot>,
}

/// Three halves rather than a pair of 8 + 4: no padding, and a probe stays in one cache line.
/// `low` is written last and zero while the slot is empty.
#[derive(Default)]
struct Slot {
    low: AtomicU32,
    high: AtomicU32,
    id: AtomicU32,
}

const SMALLEST: usize = 1 << 12;

impl Table {
    #[inline]
    fn look_for(&self, fingerprint: u64) -> Result<u32, usize> {
        let mut at = home(fingerprint, self.slots.len());
        loop {
            let slot = &self.slots[at];
            let found = slot.low.load(Ordering::Acquire);
            if found == 0 {
                return Err(at);
            }
            let high_half = slot.high.load(Ordering::Relaxed);
            if found == low(fingerprint) && high_half == high(fingerprint) {
                return Ok(slot.id.load(Ordering::Relaxed));
            }
            at = if at + 1 == self.slots.len() { 0 } else { at + 1 };
        }
    }

    #[inline]
    fn put(&self, at: usize, fingerprint: u64, id: u32) {
        let slot = &self.slots[at];
        slot.id.store(id, Ordering::Relaxed);
        slot.high.store(high(fingerprint), Ordering::Relaxed);
        slot.low.store(low(fingerprint), Ordering::Release);
    }
}

impl<I> Keep<I> for Table {
    const WHOLE: bool = false;
    type Mark = u64;

    fn new() -> Self {
        Self { slots: empty(SMALLEST) }
    }

    fn mark(print: u64, _: &I) -> u64 {
        print
    }

    #[inline]
    fn touch(&self, print: u64) -> u64 {
        self.slots[home(print, self.slots.len())].low.load(Ordering::Relaxed).into()
    }

    #[inline]
    fn guess(&self, print: u64) -> (u32, u64) {
        let slot = &self.slots[home(print, self.slots.len())];
        let is_it = slot.low.load(Ordering::Acquire) == low(print)
            && slot.high.load(Ordering::Relaxed) == high(print);
        (if is_it { slot.id.load(Ordering::Relaxed) + 1 } else { 0 }, 0)
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
        states <= room(self.slots.len())
    }

    fn grow(&mut self, states: usize) {
        let old = std::mem::replace(&mut self.slots, empty(slots_for(states)));
        for slot in old {
            let (low, high) = (slot.low.into_inner(), slot.high.into_inner());
            if low != 0 {
                let fingerprint = u64::from(high) << 32 | u64::from(low);
                if let Err(at) = self.look_for(fingerprint) {
                    self.put(at, fingerprint, slot.id.into_inner());
                }
            }
        }
    }

    fn item(&self, _: u32) -> Option<I> {
        None
    }

    /// One pass over the table.
    fn marks(&self, ids: &[u32]) -> BTreeMap<u32, u64> {
        let mut wanted: Vec<u32> = ids.to_vec();
        wanted.sort_unstable();
        let mut found = BTreeMap::new();
        for slot in &self.slots {
            let (low, high) = (slot.low.load(Ordering::Acquire), slot.high.load(Ordering::Relaxed));
            let id = slot.id.load(Ordering::Relaxed);
            if low != 0 && wanted.binary_search(&id).is_ok() {
                found.insert(id, u64::from(high) << 32 | u64::from(low));
            }
        }
        found
    }

    fn bytes(states: usize) -> usize {
        slots_for(states) * size_of::<Slot>()
    }
}

fn empty(slots: usize) -> Vec<Slot> {
    let mut all = Vec::new();
    all.resize_with(slots, Slot::default);
    all
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
