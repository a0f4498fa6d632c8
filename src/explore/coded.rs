//! States in a few words: what a model may offer so that they are compared whole, and cheaply.

use std::fmt::Debug;

use stateright::Model;

/// A model whose states have a short code of fixed size.
///
/// The code says everything: `decode` gives back a state that is equal to the one encoded (notes
/// that equality leaves out may be lost), and two states are equal exactly if their codes are. A
/// search by code keeps nothing but codes, so it can compare states whole and is never wrong about
/// which states were visited.
pub trait Coded: Model {
    /// The code: `[u64; N]`.
    type Code: Words;

    /// The code of a state.
    fn encode(&self, state: &Self::State) -> Self::Code;

    /// The state of a code.
    fn decode(&self, code: &Self::Code) -> Self::State;

    /// About how many bytes a code takes, with its share of what it only points to: for
    /// `max_memory`.
    fn code_bytes(&self) -> usize {
        size_of::<Self::Code>()
    }
}

/// A few words: `[u64; N]`.
pub trait Words: Copy + Eq + Debug + Send + Sync {
    /// How many.
    const COUNT: usize;

    /// Makes them, one by one.
    fn make(word: impl FnMut(usize) -> u64) -> Self;

    /// All of them.
    fn words(&self) -> &[u64];
}

impl<const N: usize> Words for [u64; N] {
    const COUNT: usize = N;

    #[inline]
    fn make(word: impl FnMut(usize) -> u64) -> Self {
        std::array::from_fn(word)
    }

    #[inline]
    fn words(&self) -> &[u64] {
        self
    }
}
