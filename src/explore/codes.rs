//! States by code, compared whole: codes in the order of their numbers, and a table of numbers,
//! open addressing, 8 bytes a slot. All threads read while one writes.

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use prefetch_index::prefetch_index;

use super::coded::Words;
use super::slab::Longs;
use super::table::{high, home, low};
use super::way::{Guess, Keep};

/// Visited states, whole.
pub(super) struct Codes<C> {
    /// As many slots to a line as a line of the cache has room for, filled from the front: one line
    /// is fetched for whatever is looked for, nearly always.
    ///
    /// A slot is zero while empty; else the high half of the fingerprint, and below it the number
    /// plus one. That half alone says where a state belongs, so the table grows without a look at
    /// the codes.
    slots: Longs,
    lines: usize,
    /// The codes, in segments that are each twice as long as the one before, for all that the slots
    /// have room for: they never move, and nothing is copied to make room.
    segments: Vec<Arc<Longs>>,
    code: PhantomData<C>,
}

/// Slots of a line.
const LINE: usize = 8;
const FEWEST_LINES: usize = 1 << 9;
/// Codes of the first segment, as a power of two.
const FIRST: u32 = 12;

impl<C: Words> Codes<C> {
    /// Its segment, and where its words begin there.
    #[inline]
    fn place(id: u32) -> (usize, usize) {
        let id = id as usize + (1 << FIRST);
        let power = id.ilog2();
        ((power - FIRST) as usize, (id - (1 << power)) * C::COUNT)
    }

    #[inline]
    fn code(&self, id: u32) -> C {
        let (segment, at) = Self::place(id);
        let words = &self.segments[segment][at..at + C::COUNT];
        C::make(|word| words[word].load(Ordering::Relaxed))
    }

    /// Three quarters full, then half as large again: more full lines, past which what belongs
    /// there has to go, would cost more than the memory.
    fn room(lines: usize) -> usize {
        lines * LINE / 4 * 3
    }

    fn lines_for(states: usize) -> usize {
        let mut lines = FEWEST_LINES;
        while Self::room(lines) < states {
            lines += lines / 2;
        }
        lines
    }

    /// The line where a state belongs; if that is full, it is in the first after it that was not.
    #[inline]
    fn line(&self, half: u32) -> usize {
        home(u64::from(half) << 32, self.lines)
    }

    #[inline]
    fn slots(&self, line: usize) -> &[AtomicU64; LINE] {
        let slots = &self.slots[line * LINE..];
        slots.first_chunk().expect("invariant: lines are whole")
    }

    #[inline]
    fn after(&self, line: usize) -> usize {
        if line + 1 == self.lines { 0 } else { line + 1 }
    }

    /// With so many lines, all empty, these segments, and those that are wanting.
    fn empty(lines: usize, mut segments: Vec<Arc<Longs>>) -> Self {
        let mut codes = (1 << FIRST << segments.len()) - (1 << FIRST);
        while codes < Self::room(lines) {
            let more = 1 << FIRST << segments.len();
            segments.push(Arc::new(Longs::zeros(more * C::COUNT)));
            codes += more;
        }
        Self { slots: Longs::zeros(lines * LINE), lines, segments, code: PhantomData }
    }

    /// Puts a slot where it belongs after growing.
    fn put_back(&self, value: u64) {
        let mut line = self.line(high(value));
        loop {
            for slot in self.slots(line) {
                if slot.load(Ordering::Relaxed) == 0 {
                    slot.store(value, Ordering::Relaxed);
                    return;
                }
            }
            line = self.after(line);
        }
    }
}

impl<C: Words> Keep<C> for Codes<C> {
    const WHOLE: bool = true;
    type Mark = C;

    fn new() -> Self {
        Self::empty(FEWEST_LINES, Vec::new())
    }

    fn mark(_: u64, item: &C) -> C {
        *item
    }

    #[inline]
    fn fetch(&self, print: u64) {
        prefetch_index(&*self.slots, self.line(high(print)) * LINE);
    }

    /// Without a branch that depends on what is found: they would be mispredicted.
    #[inline]
    fn guess(&self, print: u64) -> Guess {
        let half = high(print);
        let line = self.line(half);
        let (mut number, mut last) = (0, 0);
        for slot in self.slots(line) {
            last = slot.load(Ordering::Acquire);
            number = if high(last) == half { number.max(low(last)) } else { number };
        }
        // A line that has room left holds all that belongs there.
        let open = number == 0 && last != 0;
        // What is near already does no harm: this line, or the first code.
        let next = if open { self.after(line) } else { line };
        prefetch_index(&*self.slots, next * LINE);
        let (segment, at) = Self::place(number.saturating_sub(1));
        prefetch_index(&**self.segments[segment], at);
        if open { Guess::OPEN } else { Guess::likely(number) }
    }

    #[inline]
    fn is(&self, id: u32, _: u64, item: &C) -> bool {
        self.code(id) == *item
    }

    #[inline]
    fn find(&self, print: u64, item: &C) -> Result<u32, usize> {
        let half = high(print);
        let mut line = self.line(half);
        loop {
            for (at, slot) in self.slots(line).iter().enumerate() {
                let found = slot.load(Ordering::Acquire);
                if found == 0 {
                    return Err(line * LINE + at);
                }
                if high(found) == half {
                    let id = low(found) - 1;
                    if self.code(id) == *item {
                        return Ok(id);
                    }
                }
            }
            line = self.after(line);
        }
    }

    #[inline]
    fn fill(&self, at: usize, print: u64, item: &C, id: u32) {
        let (segment, place) = Self::place(id);
        let words = &self.segments[segment][place..place + C::COUNT];
        for (word, value) in words.iter().zip(item.words()) {
            word.store(*value, Ordering::Relaxed);
        }
        let slot = u64::from(high(print)) << 32 | u64::from(id + 1);
        self.slots[at].store(slot, Ordering::Release);
    }

    fn has_room(&self, states: usize) -> bool {
        states <= Self::room(self.lines)
    }

    fn grown(&self, states: usize) -> Self {
        let grown = Self::empty(Self::lines_for(states), self.segments.clone());
        for slot in self.slots.iter() {
            let slot = slot.load(Ordering::Relaxed);
            if slot != 0 {
                grown.put_back(slot);
            }
        }
        grown
    }

    #[inline]
    fn item(&self, id: u32) -> Option<C> {
        Some(self.code(id))
    }

    fn marks(&self, ids: &[u32]) -> BTreeMap<u32, C> {
        ids.iter().map(|id| (*id, self.code(*id))).collect()
    }

    fn bytes(states: usize) -> usize {
        Self::lines_for(states) * LINE * 8 + states * C::COUNT * 8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Enters what is new; answers the number.
    fn enter(codes: &mut Codes<[u64; 2]>, print: u64, item: [u64; 2], next: u32) -> u32 {
        if !codes.has_room(next as usize + 1) {
            *codes = codes.grown(next as usize + 1);
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
