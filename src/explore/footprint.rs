//! What the steps of a model look at and change: from that the engine knows which do not depend on
//! each other.

use stateright::Model;

/// Variables, as bits: parts into which a model divides its states for this purpose.
pub type Variables = u128;

/// A model that says what its steps look at and change.
///
/// Every action belongs to a transition, of which there is a fixed list. In what follows a step is
/// *enabled* if its action is offered, leads somewhere, and stays within the boundary. For every
/// state that can be reached:
/// - a step changes no variable that its transition does not write;
/// - which actions of a transition are enabled, what their steps write, and what
///   [`broken_by_step`](super::Subject::broken_by_step) and
///   [`exercised_by_step`](super::Subject::exercised_by_step) say of the steps depends on what the
///   transition reads, and on nothing else;
/// - what a state breaks or exercises stays so after a step that does not hide it.
///
/// Too much may always be named: more depends on each other then, and less is left out. What is
/// missing makes [`search_partial_order`](super::search_partial_order()) wrong;
/// [`audit`](super::audit()) finds it in a test.
pub trait Footprints: Model {
    /// The transitions, at most 128; the same ones each time.
    fn transitions(&self) -> Vec<Transition>;

    /// Of which transition an action is that this state offers, by index.
    fn transition(&self, state: &Self::State, action: &Self::Action) -> usize;

    /// Whether a guard of a transition is true in a state, both by index. It depends on the
    /// variables of the guard alone. Where it is false, no action of the transition is enabled;
    /// that all guards are true means nothing.
    fn guard(&self, state: &Self::State, transition: usize, guard: usize) -> bool;

    /// Claims, by bit, that may be broken or exercised in a state and not in the one after a step
    /// of a transition, whatever variables are that it neither reads nor writes: after it nobody
    /// sees any more that it was so. It depends on those that it reads or writes alone.
    fn hides(&self, state: &Self::State, transition: usize) -> u64;
}

/// What the steps of one kind look at and change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transition {
    /// What each of its guards looks at. The more a condition is divided, the less can make it
    /// true.
    pub guards: Vec<Variables>,
    /// What else it looks at.
    pub reads: Variables,
    /// What it may change.
    pub writes: Variables,
}

impl Transition {
    /// All that it looks at.
    pub fn all_reads(&self) -> Variables {
        self.guards.iter().fold(self.reads, |all, guard| all | guard)
    }

    /// Whether the one may disable the other, enable it, or leave another state behind if it comes
    /// first.
    pub fn depends_on(&self, other: &Self) -> bool {
        let meets = |one: &Self, other: &Self| one.writes & (other.all_reads() | other.writes) != 0;
        meets(self, other) || meets(other, self)
    }
}
