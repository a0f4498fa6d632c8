//! Visited states by fingerprint alone, in the order of their numbers.

use std::collections::BTreeMap;

use super::retrace::Records;
use super::subject::Subject;
use super::table::fingerprint;

/// The fingerprint of each state, by number.
pub(super) struct Prints<'a>(pub(super) &'a [u64]);

impl<M: Subject> Records<M> for Prints<'_> {
    type Mark = u64;

    fn marks(&self, ids: &[u32]) -> BTreeMap<u32, u64> {
        ids.iter().map(|id| (*id, self.0[*id as usize])).collect()
    }

    fn mark(&self, _: &M, state: &M::State) -> u64 {
        fingerprint(state)
    }
}
