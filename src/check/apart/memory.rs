//! What is remembered by three numbers, each in the one place where it may be.

use std::sync::{Mutex, OnceLock, PoisonError};

use crate::explore::fingerprint;

/// Places where forgetting is to be seen.
const FEW: usize = 1 << 7;

/// A place of a memory.
type Place<V> = Mutex<Option<([u32; 3], V)>>;

pub(super) struct Memory<V> {
    most: usize,
    places: OnceLock<Vec<Place<V>>>,
}

impl<V: Clone> Memory<V> {
    /// Of so many values at most.
    pub(super) fn of(most: usize) -> Self {
        Self { most: if cfg!(test) { FEW } else { most }, places: OnceLock::new() }
    }

    /// What belongs to a key: what is remembered, or else made.
    pub(super) fn get(&self, key: [u32; 3], make: impl FnOnce() -> V) -> V {
        let places = self.places.get_or_init(|| (0..self.most).map(|_| Mutex::new(None)).collect());
        let at = usize::try_from(fingerprint(&key) >> 32).expect("invariant: 32 bits") % self.most;
        let place = || places[at].lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, value)) = &*place()
            && *known == key
        {
            return value.clone();
        }
        let value = make();
        // It is dropped when the place is free again.
        let forgotten = place().replace((key, value.clone()));
        drop(forgotten);
        value
    }
}
