//! Parts of states, each kept once and known by a number: of millions of states most share their
//! controller and nodes with others. Any thread asks and adds at any time, so that numbers depend
//! on threads. Nothing is ever taken out.

use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

use crate::explore::fingerprint;

/// Tables by value, as a power of two: threads seldom wait for each other.
const SHARDS: u32 = 6;
/// Places for parts that were asked for lately.
const RECENT: usize = 1 << 13;
/// Parts of the first segment of a shard, as a power of two; each further one is twice as large.
const FIRST: u32 = 6;
/// Segments of a shard: together they take all numbers.
const SEGMENTS: usize = 20;

/// Every part of one kind.
pub(super) struct Pool<T> {
    shards: Vec<Shard<T>>,
    /// By address: a part that is asked for again and again is seldom looked at. What is remembered
    /// is held, so that its address stays its own.
    recent: Vec<Mutex<Option<Known<T>>>>,
}

/// Places of parts, in the order of their numbers.
type Segment<T> = Box<[OnceLock<Arc<T>>]>;

struct Shard<T> {
    /// By number. What is there never moves, and is read without waiting.
    segments: [OnceLock<Segment<T>>; SEGMENTS],
    /// By value.
    table: RwLock<Table>,
}

/// Fingerprints with numbers: open addressing, never more than half full.
#[derive(Default)]
struct Table {
    slots: Vec<Option<(u64, u32)>>,
    count: u32,
}

struct Known<T> {
    asked: Arc<T>,
    number: u32,
}

impl<T> Pool<T> {
    pub(super) fn new() -> Self {
        let shard = || Shard {
            segments: [const { OnceLock::new() }; SEGMENTS],
            table: RwLock::new(Table::default()),
        };
        Self {
            shards: (0..1 << SHARDS).map(|_| shard()).collect(),
            recent: (0..RECENT).map(|_| Mutex::new(None)).collect(),
        }
    }

    /// The part of this number.
    pub(super) fn part(&self, number: u32) -> &Arc<T> {
        let shard = &self.shards[(number & ((1 << SHARDS) - 1)) as usize];
        let part = shard.place(number >> SHARDS).and_then(OnceLock::get);
        part.expect("invariant: a number is that of a part")
    }

    /// The number of the part with this fingerprint that `is` the one; made if there is none.
    pub(super) fn find(
        &self,
        print: u64,
        is: impl Fn(&T) -> bool,
        make: impl FnOnce() -> Arc<T>,
    ) -> u32 {
        let low = u32::try_from(print & ((1 << SHARDS) - 1)).expect("invariant: a few bits");
        let shard = &self.shards[low as usize];
        let whole = |at: u32| at << SHARDS | low;
        let is = |at: u32| shard.place(at).and_then(OnceLock::get).is_some_and(|part| is(part));
        let table = shard.table.read().unwrap_or_else(PoisonError::into_inner);
        if let Ok(at) = table.look_for(print, is) {
            return whole(at);
        }
        drop(table);
        let mut table = shard.table.write().unwrap_or_else(PoisonError::into_inner);
        // Another thread may have added it meanwhile.
        let at = table.look_for(print, is).unwrap_or_else(|_| {
            let at = table.add(print);
            let place = shard.make_place(at);
            assert!(place.set(make()).is_ok(), "invariant: a new number is nobody's");
            at
        });
        whole(at)
    }

    /// How many parts there are.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        let count = |shard: &Shard<T>| shard.table.read().map_or(0, |table| table.count);
        self.shards.iter().map(|shard| count(shard) as usize).sum()
    }
}

impl<T: std::hash::Hash + Eq> Pool<T> {
    /// The number of a part.
    pub(super) fn number(&self, part: &Arc<T>) -> u32 {
        // Parts lie apart by their size: the address alone would leave most places empty.
        let spread = Arc::as_ptr(part).addr().wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
        let place = &self.recent[spread % RECENT];
        let mut known = place.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = &*known
            && Arc::ptr_eq(&known.asked, part)
        {
            return known.number;
        }
        let number = self.find(fingerprint(&**part), |other| *other == **part, || Arc::clone(part));
        *known = Some(Known { asked: Arc::clone(part), number });
        number
    }
}

impl<T> Shard<T> {
    /// In which segment a part is, how large that is, and where in it.
    fn spot(at: u32) -> (usize, usize, usize) {
        let from = u64::from(at) + (1 << FIRST);
        let segment = from.ilog2() - FIRST;
        let size = 1 << (segment + FIRST);
        let offset = usize::try_from(from - size).expect("invariant: 32 bits");
        (segment as usize, usize::try_from(size).expect("invariant: 32 bits"), offset)
    }

    fn place(&self, at: u32) -> Option<&OnceLock<Arc<T>>> {
        let (segment, _, offset) = Self::spot(at);
        self.segments.get(segment)?.get()?.get(offset)
    }

    fn make_place(&self, at: u32) -> &OnceLock<Arc<T>> {
        let (segment, size, offset) = Self::spot(at);
        let segment = self.segments.get(segment).expect("more parts than 32 bits can count");
        &segment.get_or_init(|| (0..size).map(|_| OnceLock::new()).collect())[offset]
    }
}

impl Table {
    /// The number of a part, or the slot where it would go.
    fn look_for(&self, print: u64, is: impl Fn(u32) -> bool) -> Result<u32, usize> {
        if self.slots.is_empty() {
            return Err(0);
        }
        let mut slot = self.home(print);
        while let Some((found, at)) = self.slots[slot] {
            if found == print && is(at) {
                return Ok(at);
            }
            slot = (slot + 1) % self.slots.len();
        }
        Err(slot)
    }

    /// A power of two of slots; the lowest bits are the same in all of a shard.
    fn home(&self, print: u64) -> usize {
        let slots = self.slots.len() as u64;
        usize::try_from((print >> SHARDS) & (slots - 1)).expect("invariant: below their number")
    }

    /// Enters a part that is not there; answers its number.
    fn add(&mut self, print: u64) -> u32 {
        let at = self.count;
        self.count += 1;
        if self.slots.len() < 2 * self.count as usize {
            let larger = vec![None; (2 * self.slots.len()).max(16)];
            let old = std::mem::replace(&mut self.slots, larger);
            old.into_iter().flatten().for_each(|(print, at)| self.enter(print, at));
        }
        self.enter(print, at);
        at
    }

    fn enter(&mut self, print: u64, at: u32) {
        if let Err(slot) = self.look_for(print, |_| false) {
            self.slots[slot] = Some((print, at));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_parts_have_one_number_and_others_another() {
        let pool = Pool::new();
        let parts: Vec<Arc<u32>> = (0..5_000).map(Arc::new).collect();
        let numbers: Vec<u32> = parts.iter().map(|part| pool.number(part)).collect();
        for (part, number) in parts.iter().zip(&numbers) {
            assert_eq!((pool.number(part), pool.number(&Arc::new(**part))), (*number, *number));
            assert!(Arc::ptr_eq(pool.part(*number), part));
        }
        assert_eq!(pool.len(), parts.len());
    }

    #[test]
    fn equal_fingerprints_confuse_nobody() {
        let pool = Pool::new();
        let number = |value: u32| pool.find(7, |part| *part == value, || Arc::new(value));
        let numbers: Vec<u32> = (0..100).map(number).collect();
        for (value, at) in (0..100).zip(numbers) {
            assert_eq!((number(value), **pool.part(at)), (at, value));
        }
        assert_eq!(pool.len(), 100);
    }

    #[test]
    fn threads_that_add_the_same_get_the_same_number() {
        let pool = Pool::new();
        let all = || (0..20_000_u32).map(|value| pool.number(&Arc::new(value))).collect();
        let numbers: Vec<Vec<u32>> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(all)).collect();
            threads.into_iter().map(|thread| thread.join().expect("it ends")).collect()
        });
        assert!(numbers.windows(2).all(|pair| pair[0] == pair[1]));
        assert_eq!(pool.len(), 20_000);
    }
}
