//! The visited set: open addressing, 12 bytes a slot, read by all threads while one writes.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicU32, Ordering};

use rapidhash::quality::RapidHasher;

/// What tells a state from others: the same on every machine and in every run, never with an empty
/// low half.
pub(super) fn fingerprint<T: Hash>(value: &T) -> u64 {
    let mut hasher = RapidHasher::default_const();
    value.hash(&mut hasher);
    let hash = hasher.finish();
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
    pub(super) fn new() -> Self {
        Self { slots: empty(SMALLEST) }
    }

    /// The number of a state, or the slot where it would go.
    pub(super) fn find(&self, fingerprint: u64) -> Result<u32, usize> {
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

    /// Fills the slot that `find` gave. Only one thread may write.
    pub(super) fn fill(&self, at: usize, fingerprint: u64, id: u32) {
        let slot = &self.slots[at];
        slot.id.store(id, Ordering::Relaxed);
        slot.high.store(high(fingerprint), Ordering::Relaxed);
        slot.low.store(low(fingerprint), Ordering::Release);
    }

    /// Is there room for so many states?
    pub(super) fn has_room(&self, states: usize) -> bool {
        states <= room(self.slots.len())
    }

    /// Makes room for so many states.
    pub(super) fn grow(&mut self, states: usize) {
        let old = std::mem::replace(&mut self.slots, empty(slots_for(states)));
        for slot in old {
            let (low, high) = (slot.low.into_inner(), slot.high.into_inner());
            if low != 0 {
                let fingerprint = u64::from(high) << 32 | u64::from(low);
                if let Err(at) = self.find(fingerprint) {
                    self.fill(at, fingerprint, slot.id.into_inner());
                }
            }
        }
    }

    /// The fingerprints of some states, by number: one pass over the table.
    pub(super) fn fingerprints(&self, ids: &[u32]) -> BTreeMap<u32, u64> {
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

    /// The bytes of a table with so many states: of the number alone, so that it is the same in
    /// every run.
    pub(super) fn bytes(states: usize) -> usize {
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
fn home(fingerprint: u64, slots: usize) -> usize {
    let product = u128::from(fingerprint) * slots as u128;
    usize::try_from(product >> 64).expect("invariant: below the number of slots")
}

#[expect(clippy::cast_possible_truncation, reason = "the low half is what is wanted")]
fn low(fingerprint: u64) -> u32 {
    fingerprint as u32
}

fn high(fingerprint: u64) -> u32 {
    low(fingerprint >> 32)
}
