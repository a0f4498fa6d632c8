//! The rests of states with one worker's part of them exchanged, by number, remembered.

use std::sync::{Mutex, OnceLock, PoisonError};

use crate::explore::fingerprint;

/// What is remembered at most, two dozen bytes each; little where forgetting is to be seen.
const MOST: usize = if cfg!(test) { 1 << 7 } else { 1 << 19 };

/// Three numbers, and the one that they come to.
type Known = ([u32; 3], u32);

pub(super) struct Merged(OnceLock<Vec<Mutex<Option<Known>>>>);

impl Merged {
    pub(super) fn new() -> Self {
        Self(OnceLock::new())
    }

    /// What the numbers come to: what is remembered, or else made.
    pub(super) fn get(&self, key: [u32; 3], make: impl FnOnce() -> u32) -> u32 {
        let all = self.0.get_or_init(|| (0..MOST).map(|_| Mutex::new(None)).collect());
        let at = usize::try_from(fingerprint(&key) >> 32).expect("invariant: 32 bits") % MOST;
        let place = || all[at].lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, number)) = *place()
            && known == key
        {
            return number;
        }
        let number = make();
        *place() = Some((key, number));
        number
    }
}
