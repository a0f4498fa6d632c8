//! What one thread saw a short while ago: most successors were generated just before, and are
//! dropped or known before anything far away is looked at.

/// How many are remembered: more would not stay in the near caches.
const MOST: usize = 1 << 12;
const FEWEST: usize = 1 << 8;

/// Marks of states, or what is known of them besides, each in the one slot where it may be.
pub(super) struct Recent<K> {
    slots: Vec<K>,
}

impl<K: Clone + PartialEq> Recent<K> {
    pub(super) fn new() -> Self {
        Self { slots: Vec::new() }
    }

    /// Makes it as large as is worth its while beside so many states, of which one is known.
    pub(super) fn fit(&mut self, states: usize, known: &K) {
        let slots = (states / 4).next_power_of_two().clamp(FEWEST, MOST);
        if slots > self.slots.len() {
            // What is in an empty slot must have been seen as well.
            self.slots = vec![known.clone(); slots];
        }
    }

    /// Where a state may be remembered: it, or another one.
    #[inline]
    pub(super) fn slot(&mut self, print: u64) -> &mut K {
        let high = usize::try_from(print >> 32).expect("invariant: 32 bits");
        let at = high & (self.slots.len() - 1);
        &mut self.slots[at]
    }

    /// Whether it was seen and not forgotten; remembers it.
    #[inline]
    pub(super) fn saw(&mut self, print: u64, mark: &K) -> bool {
        let slot = self.slot(print);
        let same = *slot == *mark;
        slot.clone_from(mark);
        same
    }

    /// How many can be remembered.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }
}
