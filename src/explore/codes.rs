//! States by code, compared whole: codes in the order of their numbers, and a table of numbers,
//! open addressing, 8 bytes a slot. All threads read while one writes.

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};

use super::coded::Words;
use super::table::{high, home, low};
use super::way::Keep;

/// Visited states, whole.
pub(super) struct Codes<C> {
    /// Zero while empty; else the high half of the fingerprint, and below it the number plus one.
    /// That half alone says where a state belongs, so the table grows without a look at the codes.
    slots: Vec<AtomicU64>,
    /// The codes, so many to a segment: they never move, and nothing is copied to make room.
    segments: Vec<Box<[AtomicU64]>>,
    code: PhantomData<C>,
}

const SMALLEST: usize = 1 << 12;
/// Codes of a segment, as a power of two.
const SEGMENT: u32 = 13;

impl<C: Words> Codes<C> {
    #[inline]
    fn code(&self, id: u32) -> C {
        let words = &self.segments[(id >> SEGMENT) as usize];
        let at = (id & ((1 << SEGMENT) - 1)) as usize * C::COUNT;
        let words = &words[at..at + C::COUNT];
        C::make(|word| words[word].load(Ordering::Relaxed))
    }

    /// Three quarters full, then half as large again: longer probes cost more than the memory.
    fn room(slots: usize) -> usize {
        slots / 4 * 3
    }

    fn slots_for(states: usize) -> usize {
        let mut slots = SMALLEST;
        while Self::room(slots) < states {
            slots += slots / 2;
        }
        slots
    }

    fn segments_for(states: usize) -> usize {
        states.div_ceil(1 << SEGMENT)
    }

    #[inline]
    fn after(&self, at: usize) -> usize {
        if at + 1 == self.slots.len() { 0 } else { at + 1 }
    }
}

impl<C: Words> Keep<C> for Codes<C> {
    const WHOLE: bool = true;
    type Mark = C;

    fn new() -> Self {
        Self { slots: empty(SMALLEST), segments: Vec::new(), code: PhantomData }
    }

    fn mark(_: u64, item: &C) -> C {
        *item
    }

    #[inline]
    fn touch(&self, print: u64) -> u64 {
        self.slots[home_of(high(print), self.slots.len())].load(Ordering::Acquire)
    }

    #[inline]
    fn touch_again(&self, print: u64, touched: u64) -> u64 {
        if touched == 0 || touched >> 32 != u64::from(high(print)) {
            return touched;
        }
        let id = low(touched) - 1;
        let at = (id & ((1 << SEGMENT) - 1)) as usize * C::COUNT;
        self.segments[(id >> SEGMENT) as usize][at].load(Ordering::Relaxed)
    }

    #[inline]
    fn find(&self, print: u64, item: &C) -> Result<u32, usize> {
        let mut at = home_of(high(print), self.slots.len());
        loop {
            let found = self.slots[at].load(Ordering::Acquire);
            if found == 0 {
                return Err(at);
            }
            if found >> 32 == u64::from(high(print)) {
                let id = low(found) - 1;
                if self.code(id) == *item {
                    return Ok(id);
                }
            }
            at = self.after(at);
        }
    }

    #[inline]
    fn fill(&self, at: usize, print: u64, item: &C, id: u32) {
        let words = &self.segments[(id >> SEGMENT) as usize];
        let place = (id & ((1 << SEGMENT) - 1)) as usize * C::COUNT;
        for (word, value) in words[place..place + C::COUNT].iter().zip(item.words()) {
            word.store(*value, Ordering::Relaxed);
        }
        self.slots[at].store(slot(print, id), Ordering::Release);
    }

    fn has_room(&self, states: usize) -> bool {
        states <= Self::room(self.slots.len()) && Self::segments_for(states) <= self.segments.len()
    }

    fn grow(&mut self, states: usize) {
        while self.segments.len() < Self::segments_for(states) {
            self.segments.push(empty(C::COUNT << SEGMENT).into_boxed_slice());
        }
        if states > Self::room(self.slots.len()) {
            let old = std::mem::replace(&mut self.slots, empty(Self::slots_for(states)));
            for slot in old.into_iter().map(AtomicU64::into_inner).filter(|slot| *slot != 0) {
                let mut at = home_of(high(slot), self.slots.len());
                while *self.slots[at].get_mut() != 0 {
                    at = self.after(at);
                }
                *self.slots[at].get_mut() = slot;
            }
        }
    }

    #[inline]
    fn item(&self, id: u32) -> Option<C> {
        Some(self.code(id))
    }

    fn marks(&self, ids: &[u32]) -> BTreeMap<u32, C> {
        ids.iter().map(|id| (*id, self.code(*id))).collect()
    }

    fn bytes(states: usize) -> usize {
        Self::slots_for(states) * 8 + states * C::COUNT * 8
    }
}

/// Where a half of a fingerprint belongs, in the order of halves.
#[inline]
fn home_of(half: u32, slots: usize) -> usize {
    home(u64::from(half) << 32, slots)
}

#[inline]
fn slot(print: u64, id: u32) -> u64 {
    u64::from(high(print)) << 32 | u64::from(id + 1)
}

fn empty(count: usize) -> Vec<AtomicU64> {
    let mut all = Vec::new();
    all.resize_with(count, AtomicU64::default);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Enters what is new; answers the number.
    fn enter(codes: &mut Codes<[u64; 2]>, print: u64, item: [u64; 2], next: u32) -> u32 {
        if !codes.has_room(next as usize + 1) {
            codes.grow(next as usize + 1);
        }
        codes.find(print, &item).unwrap_or_else(|slot| {
            codes.fill(slot, print, &item, next);
            next
        })
    }

    #[test]
    fn equal_fingerprints_confuse_nobody() {
        let mut codes = Codes::new();
        // Four fingerprints for all, at both ends of the table and between.
        let print = |id: u32| (u64::from(id % 4) * (u64::MAX / 3)) | 1;
        let item = |id: u32| [u64::from(id / 7), u64::from(id % 7)];
        for id in 0..4_000 {
            assert_eq!(enter(&mut codes, print(id), item(id), id), id);
        }
        for id in 0..4_000 {
            assert_eq!(enter(&mut codes, print(id), item(id), 4_000), id);
        }
        assert_eq!(codes.marks(&[7, 3_999]), BTreeMap::from([(7, item(7)), (3_999, item(3_999))]));
    }

    #[test]
    fn nothing_is_lost_when_it_grows() {
        let mut codes = Codes::new();
        let item = |id: u32| [u64::from(id), 0];
        let print = |id| super::super::table::fingerprint_of_words(&item(id));
        for id in 0..100_000 {
            assert_eq!(enter(&mut codes, print(id), item(id), id), id);
        }
        for id in 0..100_000 {
            assert_eq!(codes.find(print(id), &item(id)), Ok(id));
        }
        let most = <Codes<[u64; 2]> as Keep<[u64; 2]>>::bytes(100_000) + 4 * 100_000;
        assert!(most <= 40 * 100_000, "{most} bytes with parents");
    }
}
