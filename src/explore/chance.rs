//! Chance that is the same on every machine: splitmix64. Walks need no better, and no state of it
//! is ever kept, so that any walk can be taken again by its number alone.

/// A stream of numbers.
pub(super) struct Chance(u64);

/// What the counter goes on by: odd, and without a pattern in its bits.
const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

impl Chance {
    /// The stream of this number under a seed. Two that differ in either share nothing.
    pub(super) fn new(seed: u64, number: u64) -> Self {
        Self(mixed(mixed(seed.wrapping_add(STEP)) ^ number.wrapping_mul(STEP)))
    }

    pub(super) fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        mixed(self.0)
    }

    /// Below `bound`, which is not 0. The bias is that of the high half of a product: none to see.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        let high = (u128::from(self.draw()) * u128::from(bound)) >> 64;
        u64::try_from(high).expect("invariant: the high half of a product of two u64")
    }
}

fn mixed(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}
