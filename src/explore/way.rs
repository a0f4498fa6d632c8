//! How states are carried from where they are generated to where they are kept, and how they are
//! kept: whole or by code, told apart by fingerprint or by all that they say.

use std::collections::BTreeMap;
use std::marker::PhantomData;

use super::coded::{Coded, CodedStep, Judged, Words};
use super::subject::Subject;
use super::table::{fingerprint, fingerprint_of_words};

/// What the search does with a state once it is judged.
pub(super) trait Way<M: Subject> {
    /// What stands for a state until that is expanded.
    type Item: Clone + Send + Sync;
    type Keep: Keep<Self::Item>;

    fn take(model: &M, state: M::State) -> Self::Item;

    /// Shows the state.
    fn look<R>(model: &M, item: &Self::Item, with: impl FnOnce(&M::State) -> R) -> R;

    /// Judges a state and adds all its steps, if the model has a cheaper way to them than one after
    /// the other.
    fn steps(
        _: &M,
        _: &M::State,
        _: &Self::Item,
        _: &mut Vec<CodedStep<Self::Item>>,
    ) -> Option<Judged> {
        None
    }

    /// What tells states apart, nearly always.
    fn print(item: &Self::Item) -> u64;

    /// About how many bytes an item takes.
    fn item_bytes(model: &M) -> usize;
}

/// What is known for ever of a visited state.
pub(super) type Mark<M, W> = <<W as Way<M>>::Keep as Keep<<W as Way<M>>::Item>>::Mark;

/// The visited states. All threads read while one fills.
pub(super) trait Keep<I>: Send + Sync {
    /// Whether every item is kept, to be had by number.
    const WHOLE: bool;
    /// What is known for ever of a visited state.
    type Mark: Clone + PartialEq + Send;

    fn new() -> Self;

    fn mark(print: u64, item: &I) -> Self::Mark;

    /// Has the place where a state belongs brought near, without waiting for it: one miss of the
    /// cache after the other would cost several times as much.
    fn fetch(&self, print: u64);

    /// What its place says of a state; has that brought near which the question whether it
    /// [`is`](Keep::is) will look at.
    fn guess(&self, print: u64) -> Guess;

    /// Is a guess right?
    fn is(&self, id: u32, print: u64, item: &I) -> bool;

    /// The number of a state, or the slot where it would go.
    fn find(&self, print: u64, item: &I) -> Result<u32, usize>;

    /// Fills the slot that `find` gave. Only one thread may; numbers come one after the other.
    fn fill(&self, slot: usize, print: u64, item: &I, id: u32);

    /// Is there room for so many states?
    fn has_room(&self, states: usize) -> bool;

    /// The same states, with room for so many. What is filled in from now on is not seen by whoever
    /// still reads the old ones.
    fn grown(&self, states: usize) -> Self;

    /// An item, if every one is kept.
    fn item(&self, id: u32) -> Option<I>;

    /// What is known of some states, by number.
    fn marks(&self, ids: &[u32]) -> BTreeMap<u32, Self::Mark>;

    /// The bytes for so many states: of the number alone, so that it is the same in every run.
    fn bytes(states: usize) -> usize;
}

/// What a look at the place of a state says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Guess(u32);

impl Guess {
    /// It was not visited when the place was looked at.
    pub(super) const NEW: Self = Self(0);
    /// One has to [`find`](Keep::find) out.
    pub(super) const OPEN: Self = Self(u32::MAX);

    /// It is likely the one whose number plus one this is, and new if that is 0.
    #[inline]
    pub(super) fn likely(following: u32) -> Self {
        Self(following)
    }

    /// The likely number.
    #[inline]
    pub(super) fn number(self) -> Option<u32> {
        if self == Self::OPEN { None } else { self.0.checked_sub(1) }
    }
}

/// States as they are, for any model.
pub(super) struct Whole;

impl<M: Subject> Way<M> for Whole {
    type Item = M::State;
    type Keep = super::table::Table;

    fn take(_: &M, state: M::State) -> M::State {
        state
    }

    fn look<R>(_: &M, item: &M::State, with: impl FnOnce(&M::State) -> R) -> R {
        with(item)
    }

    fn print(item: &M::State) -> u64 {
        fingerprint(item)
    }

    fn item_bytes(model: &M) -> usize {
        model.state_bytes()
    }
}

/// Codes of states, kept like this.
pub(super) struct ByCode<K>(PhantomData<K>);

impl<M: Subject + Coded, K: Keep<M::Code>> Way<M> for ByCode<K> {
    type Item = M::Code;
    type Keep = K;

    fn take(model: &M, state: M::State) -> M::Code {
        model.encode(&state)
    }

    fn look<R>(model: &M, item: &M::Code, with: impl FnOnce(&M::State) -> R) -> R {
        with(&model.decode(item))
    }

    fn steps(
        model: &M,
        state: &M::State,
        item: &M::Code,
        steps: &mut Vec<CodedStep<M::Code>>,
    ) -> Option<Judged> {
        model.steps(state, item, steps)
    }

    fn print(item: &M::Code) -> u64 {
        fingerprint_of_words(item.words())
    }

    fn item_bytes(model: &M) -> usize {
        model.code_bytes()
    }
}
