//! States in a few words: what a model may offer so that they are compared whole, and cheaply.

use std::fmt::Debug;

use stateright::Model;

use super::subject::{Fairness, Subject};

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

    /// Judges a state and adds all its steps, if the model has a cheaper way to them than one after
    /// the other; else it answers nothing and adds nothing. The steps are what `actions` and
    /// `next_state` lead to, in that order. A state with a step that leaves the boundary has to be
    /// left to the search, which notes what is cut off there.
    fn steps(
        &self,
        _state: &Self::State,
        _code: &Self::Code,
        _steps: &mut Vec<CodedStep<Self::Code>>,
    ) -> Option<Judged> {
        None
    }
}

/// What a search asks of a state itself, as [`Subject`] says it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Judged {
    /// The claims that are broken in it.
    pub broken: u64,
    /// The obligations that are open in it.
    pub open: u64,
    /// Those that may arise in it.
    pub arises: u64,
}

impl Judged {
    /// What a model says of a state; of its obligations only if they matter.
    pub(super) fn of<M: Subject>(model: &M, state: &M::State, open: bool) -> Self {
        let (open, arises) = if open { (model.open(state), model.arises(state)) } else { (0, 0) };
        Self { broken: model.broken(state), open, arises }
    }
}

/// A step that stays within the boundary, as a search by code needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodedStep<C> {
    /// Which of the actions of the state it takes, from 0.
    pub action: u32,
    /// The state that it leads to.
    pub code: C,
    /// What may be assumed about the action.
    pub fairness: Fairness,
    /// The claims that it breaks, as [`broken_by_step`](super::Subject::broken_by_step) says them.
    pub broken: u64,
    /// What it exercises, as [`exercised_by_step`](super::Subject::exercised_by_step) says it.
    pub exercised: u64,
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
