//! What changed between two views of a cluster, as people read it.
//!
//! Each entry begins with its subject and two spaces (`j1.0  PENDING → ASSIGNED w1`), save the
//! change of an incarnation (`w1@1 → w1@2`). What is usual is not marked: `w1` is the first
//! incarnation, later ones read `w1@2`; a place is that of attempt 0, later ones read `w1 (#1)`.
//!
//! What one entry implies is no second entry: the state of a job of one task; the end of an
//! attempt that gives its task the same name (a cause that does not follow from it stands behind
//! it); what a worker holds, where it is the sum of its attempts; an exit stands behind the change
//! of what runs. Not told at all: what is fixed for an incarnation, where a task would rather not
//! go, how often an attempt was started, and whether words wait for their acknowledgement.

mod jobs;
mod nodes;

use std::collections::BTreeMap;

use crate::model::id::{Incarnation, Seat};
use crate::model::view::View;

/// What changed, in this order: jobs with their tasks and attempts, workers, slices with their VMs,
/// processes, exits. Both views must use the same names: compare before anything is renamed.
pub fn changes<V: View>(before: &V, after: &V) -> Vec<String> {
    let mut entries = Vec::new();
    jobs::changes(before, after, &mut entries);
    nodes::workers(before, after, &mut entries);
    nodes::slices(before, after, &mut entries);
    nodes::processes(before, after, &mut entries);
    entries
}

/// What two lists say of the same thing, in order of the things.
type Pairs<K, T> = BTreeMap<K, (Option<T>, Option<T>)>;

fn pairs<K: Ord, T>(
    before: impl Iterator<Item = (K, T)>,
    after: impl Iterator<Item = (K, T)>,
) -> Pairs<K, T> {
    let mut pairs: Pairs<K, T> = before.map(|(key, old)| (key, (Some(old), None))).collect();
    for (key, new) in after {
        pairs.entry(key).or_insert((None, None)).1 = Some(new);
    }
    pairs
}

fn seat_name(seat: Seat) -> String {
    if seat.incarnation == Incarnation::FIRST { seat.worker.to_string() } else { seat.to_string() }
}
