//! What every lifecycle answers to an event.

use std::fmt;

/// The outcome of an event that a lifecycle accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step<S> {
    /// The state becomes this one.
    Moved(S),
    /// News that came too late or a second time: normal in a network, nothing changes.
    Stale,
}

/// An event that no correct caller applies in this state: our own bug, never the network's doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IllegalTransition<S, E> {
    /// The state it was applied to.
    pub state: S,
    /// The event that does not belong there.
    pub event: E,
}

impl<S: fmt::Debug, E: fmt::Debug> fmt::Display for IllegalTransition<S, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} does not accept {:?}", self.state, self.event)
    }
}

impl<S: fmt::Debug, E: fmt::Debug> std::error::Error for IllegalTransition<S, E> {}

/// What a lifecycle's `on` returns.
pub type Transition<S, E> = Result<Step<S>, IllegalTransition<S, E>>;
