//! States by code, compared whole: codes in the order of their numbers, and a table of numbers,
//! open addressing, 8 bytes a slot. All threads read while one writes.

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};

use super::coded::Words;
use super::table::{fingerprint_of_words, home, low};
use super::way::Keep;

/// Visited states, whole.
pub(super) struct Codes<C> {
    /// Zero while empty; else the low half of the fingerprint, and below it the number plus one.
    slots: Vec<AtomicU64>,
    /// The codes, so many to a segment: they never move, and nothing is copied to make room.
    segments: Vec<Box<[AtomicU64]>>,
    code: PhantomData<C>,
}

const SMALLEST: usize = 1 << 12;
/// Codes of a segment, as a power of two.
const SEGMENT: u32 = 13;
/// Numbers whose places are looked for together when the table grows.
const BATCH: usize = 128;

impl<C: Words> Codes<C> {
    #[inline]
    fn code(&self, id: u32) -> C {
        let words = &self.segments[(id >> SEGMENT) as usize];
        let at = (id & ((1 << SEGMENT) - 1)) as usize * C::COUNT;
        let words = &words[at..at + C::COUNT];
        C::make(|word| words[word].load(Ordering::Relaxed))
    }

    fn room(slots: usize) -> usize {
        slots / 5 * 4
    }

    fn slots_for(states: usize) -> usize {
        let mut slots = SMALLEST;
        while Self::room(slots) < states {
            slots *= 2;
        }
        slots
    }

    fn segments_for(states: usize) -> usize {
        states.div_ceil(1 << SEGMENT)
    }

    /// Enters the numbers of this range, which are not there yet.
    fn enter(&self, ids: std::ops::Range<u32>) {
        let mut prints = [(0, 0); BATCH];
        let mut looked = 0;
        for (print, id) in prints.iter_mut().zip(ids.clone()) {
            *print = (fingerprint_of_words(self.code(id).words()), id);
            looked |= self.slots[home(print.0, self.slots.len())].load(Ordering::Relaxed);
        }
        std::hint::black_box(looked);
        for (print, id) in &prints[..ids.len()] {
            let mut at = home(*print, self.slots.len());
            while self.slots[at].load(Ordering::Relaxed) != 0 {
                at = self.after(at);
            }
            self.slots[at].store(slot(*print, *id), Ordering::Relaxed);
        }
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
        self.slots[home(print, self.slots.len())].load(Ordering::Acquire)
    }

    #[inline]
    fn touch_again(&self, print: u64, touched: u64) -> u64 {
        if touched == 0 || touched >> 32 != u64::from(low(print)) {
            return touched;
        }
        let id = low(touched) - 1;
        let at = (id & ((1 << SEGMENT) - 1)) as usize * C::COUNT;
        self.segments[(id >> SEGMENT) as usize][at].load(Ordering::Relaxed)
    }

    #[inline]
    fn find(&self, print: u64, item: &C) -> Result<u32, usize> {
        let mut at = home(print, self.slots.len());
        loop {
            let found = self.slots[at].load(Ordering::Acquire);
            if found == 0 {
                return Err(at);
            }
            if found >> 32 == u64::from(low(print)) {
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

    fn grow(&mut self, states: usize, there: usize) {
        while self.segments.len() < Self::segments_for(states) {
            self.segments.push(empty(C::COUNT << SEGMENT).into_boxed_slice());
        }
        if states > Self::room(self.slots.len()) {
            self.slots = Vec::new();
            self.slots = empty(Self::slots_for(states));
            let there = u32::try_from(there).expect("invariant: states are numbered by u32");
            for first in (0..there).step_by(BATCH) {
                self.enter(first..there.min(first.saturating_add(low(BATCH as u64))));
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

#[inline]
fn slot(print: u64, id: u32) -> u64 {
    u64::from(low(print)) << 32 | u64::from(id + 1)
}

fn empty(count: usize) -> Vec<AtomicU64> {
    let mut all = Vec::new();
    all.resize_with(count, AtomicU64::default);
    all
}
