//! What a model tells the engine beyond `stateright`'s [`Model`].

use std::hash::Hash;

use stateright::Model;

/// A model whose claims the engine can decide.
///
/// Every answer must depend on its arguments only. Two states that are equal (and hash equally)
/// must have the same actions and successors; notes about the step that led to a state may live in
/// fields that equality and hash leave out, and only [`Subject::broken_by_step`] and
/// [`Subject::exercised_by_step`] may look at those. An action for which `next_state` gives `None`
/// is not enabled: no edge.
pub trait Subject: Model<State: Hash + Value, Action: Value> + Sync {
    /// The claims to decide; the index of a claim is its bit (at most 64).
    fn claims(&self) -> Vec<Claim>;

    /// Safety claims that the step to this state broke, as bits; asked for every generated state,
    /// duplicates too, so it must be cheap. Asked for initial states as well.
    fn broken_by_step(&self, state: &Self::State) -> u64 {
        let _ = state;
        0
    }

    /// Safety claims that are broken in this state, as bits; asked once for each unique state.
    fn broken(&self, state: &Self::State) -> u64 {
        let _ = state;
        0
    }

    /// Claims whose hard case occurred on the step that led to this state, as bits; asked for each
    /// generated state until every claim has been exercised. Asked for initial states as well.
    fn exercised_by_step(&self, state: &Self::State) -> u64 {
        let _ = state;
        0
    }

    /// Claims whose hard case this state is, as bits; asked once for each unique state until every
    /// claim has been exercised.
    fn exercised(&self, state: &Self::State) -> u64 {
        let _ = state;
        0
    }

    /// Obligations that are open in this state, as bits into [`Subject::obligations`]; asked once
    /// for each unique state, and for the target of a step over the boundary.
    fn open(&self, state: &Self::State) -> u64 {
        let _ = state;
        0
    }

    /// Obligations that arise here (default: every open one). A bit that is not open is ignored. An
    /// endless run counts if it is reachable, inside open states, from one where it arises.
    fn arises(&self, state: &Self::State) -> u64 {
        self.open(state)
    }

    /// About how many bytes a state takes, what it keeps on the heap included: for `max_memory`.
    fn state_bytes(&self) -> usize {
        size_of::<Self::State>()
    }

    /// The obligations of the progress claims (at most 64).
    fn obligations(&self) -> Vec<Obligation> {
        Vec::new()
    }

    /// What may be assumed about this action in endless runs.
    fn fairness(&self, state: &Self::State, action: &Self::Action) -> Fairness {
        let _ = (state, action);
        Fairness::None
    }

    /// Of which kind an action is, for walks that weigh kinds ([`walk`](super::walk())). Those from
    /// [`OPTIONAL`] on may be left out of a walk: it must be able to get deep without them.
    fn kind(&self, state: &Self::State, action: &Self::Action) -> u8 {
        let _ = (state, action);
        0
    }
}

/// The first of the kinds of actions that a walk may do without: see [`Subject::kind`].
pub const OPTIONAL: u8 = 128;

/// Something that is said of a model and can be decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// How the claim is called.
    pub name: String,
    /// How it is decided.
    pub kind: Kind,
}

/// The claims that are decided in such a way, as bits.
pub(super) fn those(claims: &[Claim], are: impl Fn(Kind) -> bool) -> u64 {
    let bit = |(at, claim): (usize, &Claim)| u64::from(are(claim.kind)) << at;
    claims.iter().enumerate().map(bit).sum()
}

/// The safety claims, as bits.
pub(super) fn safety(claims: &[Claim]) -> u64 {
    those(claims, |kind| kind == Kind::Safety)
}

/// How a claim is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// No reachable state and no step breaks it.
    Safety,
    /// Some reachable state or step exercises it.
    Reachable,
    /// Every obligation of it that arises is met, in every fair run.
    Progress,
}

/// A part of a progress claim: from where it arises, every fair run leaves the open states.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obligation {
    /// The index of its claim.
    pub claim: usize,
    /// How it is called.
    pub name: String,
}

/// What states and actions must be like: copied, compared, and shared among threads.
pub trait Value: Clone + PartialEq + Send + Sync {}

impl<T: Clone + PartialEq + Send + Sync> Value for T {}

/// What may be assumed about an action in endless runs. Actions of one class share one assumption.
/// Class numbers are below 64, weak and strong ones counted apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fairness {
    /// Nothing: it may be put off for ever.
    None,
    /// If some action of the class is enabled from some point on without a break, one is taken.
    Weak(u8),
    /// If some action of the class is enabled again and again, one is taken again and again.
    Strong(u8),
}
