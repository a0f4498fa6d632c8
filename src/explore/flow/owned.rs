//! The states that a worker owns: a table of fingerprints, open addressing, and what is known by
//! place, which is the order in which they arrived here.

use super::bytes::{Reader, put_u32, put_u64};
use crate::explore::store::NOBODY;
use crate::explore::table::{high, home, low};

/// Rows looked up together: their cache misses overlap.
const NEAR: usize = 64;
const SMALLEST: usize = 1 << 10;

/// A state that was reached: by which step, and the state itself.
#[derive(Clone, Copy, Default)]
pub(super) struct Row<'a> {
    pub(super) print: u64,
    pub(super) key: u64,
    pub(super) state: &'a [u8],
}

/// The order in which states of a level are numbered.
pub(super) fn key(parent: u32, action: u32) -> u64 {
    u64::from(parent) << 32 | u64::from(action)
}

/// Which of so many workers owns a state. Not by the half that says where it is in a table.
#[inline]
pub(super) fn owner(print: u64, workers: usize) -> usize {
    let product = u64::from(low(print)) * workers as u64;
    high(product) as usize
}

/// Writes a row; the state is appended by `pack`.
#[inline]
pub(super) fn put_row(rows: &mut Vec<u8>, print: u64, key: u64, pack: impl FnOnce(&mut Vec<u8>)) {
    put_u64(rows, print);
    put_u64(rows, key);
    let length = rows.len();
    put_u32(rows, 0);
    pack(rows);
    let packed = u32::try_from(rows.len() - length - 4).expect("invariant: a state is small");
    rows[length..length + 4].copy_from_slice(&packed.to_le_bytes());
}

fn read_row<'a>(reader: &mut Reader<'a>) -> Row<'a> {
    let (print, key) = (reader.u64(), reader.u64());
    let length = reader.u32() as usize;
    Row { print, key, state: reader.take(length) }
}

/// Fingerprint to a number of 32 bits.
pub(super) struct Map {
    /// The halves of the fingerprint, and the number. The low half is zero while it is empty.
    slots: Vec<[u32; 3]>,
    count: usize,
}

impl Map {
    pub(super) fn new() -> Self {
        Self { slots: vec![[0; 3]; SMALLEST], count: 0 }
    }

    fn room(slots: usize) -> usize {
        slots / 4 * 3
    }

    pub(super) fn bytes_for(count: usize) -> usize {
        let mut slots = SMALLEST;
        while Self::room(slots) < count {
            slots *= 2;
        }
        slots * size_of::<[u32; 3]>()
    }

    pub(super) fn bytes(&self) -> usize {
        self.slots.len() * size_of::<[u32; 3]>()
    }

    pub(super) fn make_room(&mut self, more: usize) {
        let wanted = self.count + more;
        if wanted <= Self::room(self.slots.len()) {
            return;
        }
        let mut slots = self.slots.len();
        while Self::room(slots) < wanted {
            slots *= 2;
        }
        let old = std::mem::replace(&mut self.slots, vec![[0; 3]; slots]);
        for slot in old.into_iter().filter(|slot| slot[0] != 0) {
            let print = print_of(slot);
            if let Err(at) = self.find(print) {
                self.slots[at] = slot;
            }
        }
    }

    /// Looks at the place, so that it is near when it is asked for.
    #[inline]
    pub(super) fn touch(&self, print: u64) -> u32 {
        self.slots[home(print, self.slots.len())][0]
    }

    #[inline]
    pub(super) fn find(&self, print: u64) -> Result<u32, usize> {
        let mut at = home(print, self.slots.len());
        loop {
            let [first, second, number] = self.slots[at];
            if first == low(print) && second == high(print) {
                return Ok(number);
            }
            if first == 0 {
                return Err(at);
            }
            at = if at + 1 == self.slots.len() { 0 } else { at + 1 };
        }
    }

    /// Fills the slot that `find` gave; there must be room.
    #[inline]
    pub(super) fn fill(&mut self, slot: usize, print: u64, number: u32) {
        self.slots[slot] = [low(print), high(print), number];
        self.count += 1;
    }

    /// All there is, in no order that means anything.
    pub(super) fn each(&self) -> impl Iterator<Item = (u64, u32)> + '_ {
        let filled = self.slots.iter().filter(|slot| slot[0] != 0);
        filled.map(|slot| (print_of(*slot), slot[2]))
    }
}

fn print_of([low, high, _]: [u32; 3]) -> u64 {
    u64::from(high) << 32 | u64::from(low)
}

/// States of a level, to be expanded.
#[derive(Default)]
pub(super) struct Frontier {
    /// In the order of their numbers: the number, and which of the states below it is.
    pub(super) order: Vec<(u32, u32)>,
    starts: Vec<usize>,
    states: Vec<u8>,
}

impl Frontier {
    pub(super) fn state(&self, at: u32) -> &[u8] {
        let at = at as usize;
        let end = self.starts.get(at + 1).copied().unwrap_or(self.states.len());
        &self.states[self.starts[at]..end]
    }

    pub(super) fn bytes(&self) -> usize {
        self.order.len() * 8 + self.starts.len() * 8 + self.states.len()
    }
}

/// All of a worker's states.
pub(super) struct Owned {
    map: Map,
    /// By place.
    pub(super) numbers: Vec<u32>,
    pub(super) parents: Vec<u32>,
    /// Of those that have no number yet: through which step each is reached first.
    keys: Vec<u64>,
    fresh: Frontier,
}

impl Owned {
    pub(super) fn new() -> Self {
        Self {
            map: Map::new(),
            numbers: Vec::new(),
            parents: Vec::new(),
            keys: Vec::new(),
            fresh: Frontier::default(),
        }
    }

    /// Takes in rows: those that are new, and of those that are new in this level the first step.
    pub(super) fn admit(&mut self, rows: &[u8]) {
        let mut reader = Reader(rows);
        while !reader.is_empty() {
            self.map.make_room(NEAR);
            let mut batch = [Row::default(); NEAR];
            let (mut count, mut seen) = (0, 0);
            while count < NEAR && !reader.is_empty() {
                batch[count] = read_row(&mut reader);
                seen |= self.map.touch(batch[count].print);
                count += 1;
            }
            std::hint::black_box(seen);
            for row in &batch[..count] {
                self.admit_one(row);
            }
        }
    }

    fn admit_one(&mut self, row: &Row) {
        let known = self.numbers.len();
        match self.map.find(row.print) {
            Ok(place) => {
                if let Some(fresh) = (place as usize).checked_sub(known) {
                    self.keys[fresh] = self.keys[fresh].min(row.key);
                }
            }
            Err(slot) => {
                let place = u32::try_from(known + self.keys.len());
                let place = place.expect("invariant: a worker has fewer states than there are");
                self.map.fill(slot, row.print, place);
                self.keys.push(row.key);
                self.fresh.starts.push(self.fresh.states.len());
                self.fresh.states.extend(row.state);
            }
        }
    }

    /// The new states in the order of their steps: the steps, and which state it is.
    pub(super) fn sorted(&self) -> Vec<(u64, u32)> {
        let mut sorted: Vec<(u64, u32)> = self.keys.iter().copied().zip(0..).collect();
        sorted.sort_unstable();
        sorted
    }

    /// Gives the new states, in that order, their numbers, but none from `most` on.
    pub(super) fn number(&mut self, sorted: &[(u64, u32)], numbers: &[u32], most: u32) -> Frontier {
        let known = self.numbers.len();
        self.numbers.resize(known + sorted.len(), NOBODY);
        self.parents.resize(known + sorted.len(), NOBODY);
        let mut frontier = std::mem::take(&mut self.fresh);
        self.keys.clear();
        for ((key, at), number) in sorted.iter().zip(numbers).take_while(|it| *it.1 < most) {
            self.numbers[known + *at as usize] = *number;
            self.parents[known + *at as usize] = high(*key);
            frontier.order.push((*number, *at));
        }
        frontier
    }

    /// Forgets the new states.
    pub(super) fn forget(&mut self) {
        self.keys.clear();
        self.fresh = Frontier::default();
    }

    /// The fingerprints of the numbered states, by place.
    pub(super) fn prints(&self) -> Vec<u64> {
        let mut prints = vec![0; self.numbers.len()];
        for (print, place) in self.map.each() {
            if let Some(at) = prints.get_mut(place as usize) {
                *at = print;
            }
        }
        prints
    }

    /// Bytes held.
    pub(super) fn bytes(&self) -> usize {
        self.map.bytes() + self.numbers.len() * 8 + self.keys.len() * 8 + self.fresh.bytes()
    }
}
