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
    lines: Vec<Line>,
    /// The codes, so many to a segment: they never move, and nothing is copied to make room.
    segments: Vec<Box<[AtomicU64]>>,
    code: PhantomData<C>,
}

/// As many slots as a line of the cache has room for, filled from the front: one line is fetched
/// for whatever is looked for, nearly always.
///
/// A slot is zero while empty; else the high half of the fingerprint, and below it the number plus
/// one. That half alone says where a state belongs, so the table grows without a look at the codes.
#[derive(Default)]
#[repr(align(64))]
struct Line([AtomicU64; LINE]);

/// Slots of a line.
const LINE: usize = 8;
const FEWEST_LINES: usize = 1 << 9;
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

    fn segments_for(states: usize) -> usize {
        states.div_ceil(1 << SEGMENT)
    }

    /// The line where a state belongs; if that is full, it is in the first after it that was not.
    #[inline]
    fn line(&self, half: u32) -> usize {
        home(u64::from(half) << 32, self.lines.len())
    }

    #[inline]
    fn after(&self, line: usize) -> usize {
        if line + 1 == self.lines.len() { 0 } else { line + 1 }
    }
}

impl<C: Words> Keep<C> for Codes<C> {
    const WHOLE: bool = true;
    type Mark = C;

    fn new() -> Self {
        Self { lines: empty(FEWEST_LINES), segments: Vec::new(), code: PhantomData }
    }

    fn mark(_: u64, item: &C) -> C {
        *item
    }

    #[inline]
    fn touch(&self, print: u64) -> u64 {
        self.lines[self.line(high(print))].0[0].load(Ordering::Relaxed)
    }

    /// Without a branch that depends on what is found: they would be mispredicted.
    #[inline]
    fn guess(&self, print: u64) -> (u32, u64) {
        let half = high(print);
        let mut number = 0;
        for slot in &self.lines[self.line(half)].0 {
            let found = slot.load(Ordering::Acquire);
            number = if high(found) == half { number.max(low(found)) } else { number };
        }
        // If there is none, any code will do to be looked at.
        let id = number.saturating_sub(1);
        let at = (id & ((1 << SEGMENT) - 1)) as usize * C::COUNT;
        (number, self.segments[(id >> SEGMENT) as usize][at].load(Ordering::Relaxed))
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
            for (at, slot) in self.lines[line].0.iter().enumerate() {
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
        let words = &self.segments[(id >> SEGMENT) as usize];
        let place = (id & ((1 << SEGMENT) - 1)) as usize * C::COUNT;
        for (word, value) in words[place..place + C::COUNT].iter().zip(item.words()) {
            word.store(*value, Ordering::Relaxed);
        }
        let slot = u64::from(high(print)) << 32 | u64::from(id + 1);
        self.lines[at / LINE].0[at % LINE].store(slot, Ordering::Release);
    }

    fn has_room(&self, states: usize) -> bool {
        states <= Self::room(self.lines.len()) && Self::segments_for(states) <= self.segments.len()
    }

    fn grow(&mut self, states: usize) {
        while self.segments.len() < Self::segments_for(states) {
            self.segments.push(empty(C::COUNT << SEGMENT).into_boxed_slice());
        }
        if states > Self::room(self.lines.len()) {
            let old = std::mem::replace(&mut self.lines, empty(Self::lines_for(states)));
            for slot in old.into_iter().flat_map(|line| line.0.map(AtomicU64::into_inner)) {
                if slot != 0 {
                    self.put_back(slot);
                }
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
        Self::lines_for(states) * size_of::<Line>() + states * C::COUNT * 8
    }
}

impl<C: Words> Codes<C> {
    /// Puts a slot where it belongs after growing.
    fn put_back(&mut self, value: u64) {
        let mut line = self.line(high(value));
        loop {
            for slot in &mut self.lines[line].0 {
                let slot = slot.get_mut();
                if *slot == 0 {
                    *slot = value;
                    return;
                }
            }
            line = self.after(line);
        }
    }
}

fn empty<T: Default>(count: usize) -> Vec<T> {
    let mut all = Vec::new();
    all.resize_with(count, T::default);
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
