//! The timers of one node: by deadline, and of equal deadlines in the order of arming.

use std::collections::BTreeMap;

use super::clock::At;

/// Armed timers.
#[derive(Debug, Clone)]
pub(super) struct Timers<T> {
    deadlines: BTreeMap<(At, u64), T>,
    armed: BTreeMap<T, (At, u64)>,
    next: u64,
}

impl<T: Copy + Ord> Timers<T> {
    pub(super) fn new() -> Self {
        Self { deadlines: BTreeMap::new(), armed: BTreeMap::new(), next: 0 }
    }

    /// Arms a timer; one that is armed starts anew.
    pub(super) fn arm(&mut self, timer: T, at: At) {
        self.disarm(timer);
        let place = (at, self.next);
        self.next += 1;
        self.deadlines.insert(place, timer);
        self.armed.insert(timer, place);
    }

    pub(super) fn disarm(&mut self, timer: T) {
        if let Some(place) = self.armed.remove(&timer) {
            self.deadlines.remove(&place);
        }
    }

    /// When a timer fires, if it is armed.
    pub(super) fn deadline(&self, timer: T) -> Option<At> {
        self.armed.get(&timer).map(|(at, _)| *at)
    }

    /// When the next one fires.
    pub(super) fn next(&self) -> Option<At> {
        self.deadlines.first_key_value().map(|((at, _), _)| *at)
    }

    /// All of them, in the order in which they fire.
    pub(super) fn iter(&self) -> impl Iterator<Item = (T, At)> {
        self.deadlines.iter().map(|((at, _), timer)| (*timer, *at))
    }

    /// Takes out the first one that is due.
    pub(super) fn pop_due(&mut self, now: At) -> Option<T> {
        let entry = self.deadlines.first_entry().filter(|entry| entry.key().0 <= now)?;
        let timer = entry.remove();
        self.armed.remove(&timer);
        Some(timer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timers_fire_by_deadline_and_then_by_the_order_of_arming() {
        let mut timers = Timers::new();
        for (timer, at) in [('c', 20), ('a', 10), ('b', 20), ('d', 5)] {
            timers.arm(timer, At(at));
        }
        timers.arm('c', At(20)); // anew: now after b
        timers.disarm('d');
        assert_eq!(timers.next(), Some(At(10)));
        assert_eq!(timers.deadline('b'), Some(At(20)));
        assert_eq!(timers.pop_due(At(9)), None);
        let order: Vec<_> = std::iter::from_fn(|| timers.pop_due(At(20))).collect();
        assert_eq!(order, ['a', 'b', 'c']);
        assert_eq!(timers.next(), None);
    }
}
