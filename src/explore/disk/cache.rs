//! What was seen lately: most successors were generated before, and go no further than this.

use std::sync::atomic::{AtomicU64, Ordering};

use super::super::table::home;

/// Fingerprints, each in one of the two slots where it may be. All threads read while one writes.
///
/// Whoever expands a chunk may leave out what is in it: it was put there from chunks that come
/// before, so that the one that counts is not left out.
pub(super) struct Cache {
    slots: Vec<AtomicU64>,
}

impl Cache {
    pub(super) fn new(bytes: usize) -> Self {
        let mut slots = Vec::new();
        slots.resize_with((bytes / 8).max(2) / 2 * 2, AtomicU64::default);
        Self { slots }
    }

    /// The newer and the older one of the two.
    fn slots(&self, print: u64) -> (&AtomicU64, &AtomicU64) {
        let at = home(print, self.slots.len() / 2) * 2;
        (&self.slots[at], &self.slots[at + 1])
    }

    pub(super) fn holds(&self, print: u64) -> bool {
        let (newer, older) = self.slots(print);
        newer.load(Ordering::Relaxed) == print || older.load(Ordering::Relaxed) == print
    }

    /// Only one thread may.
    pub(super) fn put(&self, print: u64) {
        let (newer, older) = self.slots(print);
        older.store(newer.swap(print, Ordering::Relaxed), Ordering::Relaxed);
    }

    pub(super) fn held(&self) -> usize {
        self.slots.len() * 8
    }
}
