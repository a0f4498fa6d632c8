//! What several tests share: processes (`bench`), chance (`lcg`), and here models and helpers for
//! the exploration engine.
#![allow(dead_code, reason = "each test uses its part")]

pub mod bench;
pub mod lcg;

use iris_check::explore::{Limits, Progress, Stop};
use stateright::{Model, Property};

pub fn never() -> Option<Stop> {
    None
}

pub fn silent(_: Progress) {}

/// No limit at all.
pub fn unlimited(threads: usize) -> Limits<'static> {
    Limits {
        max_states: None,
        max_depth: None,
        max_memory: None,
        threads,
        stop: &never,
        progress: &silent,
    }
}

/// Two-phase commit after Gray and Lamport, in sets of bits.
#[derive(Clone, Debug)]
pub struct TwoPhase {
    pub managers: u8,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Commit {
    working: u16,
    prepared: u16,
    committed: u16,
    aborted: u16,
    /// What the transaction manager knows to be prepared, and the messages that say so.
    known: u16,
    said: u16,
    decided: Option<bool>,
}

impl Commit {
    pub fn nobody_committed(&self) -> bool {
        self.committed == 0
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    Commit,
    Abort,
    Know(u8),
    Prepare(u8),
    GiveUp(u8),
    HearCommit(u8),
    HearAbort(u8),
}

impl Model for TwoPhase {
    type State = Commit;
    type Action = Act;

    fn init_states(&self) -> Vec<Commit> {
        let working = (1 << self.managers) - 1;
        vec![Commit {
            working,
            prepared: 0,
            committed: 0,
            aborted: 0,
            known: 0,
            said: 0,
            decided: None,
        }]
    }

    fn actions(&self, state: &Commit, actions: &mut Vec<Act>) {
        let all = (1 << self.managers) - 1;
        if state.decided.is_none() {
            if state.known == all {
                actions.push(Act::Commit);
            }
            actions.push(Act::Abort);
        }
        for manager in 0..self.managers {
            let bit = 1 << manager;
            if state.decided.is_none() && state.said & bit != 0 {
                actions.push(Act::Know(manager));
            }
            if state.working & bit != 0 {
                actions.push(Act::Prepare(manager));
                actions.push(Act::GiveUp(manager));
            }
            match state.decided {
                Some(true) => actions.push(Act::HearCommit(manager)),
                Some(false) => actions.push(Act::HearAbort(manager)),
                None => {}
            }
        }
    }

    fn next_state(&self, state: &Commit, action: Act) -> Option<Commit> {
        let mut next = state.clone();
        let mut become_ = |manager: u8, what: fn(&mut Commit) -> &mut u16| {
            let bit = 1 << manager;
            next.working &= !bit;
            next.prepared &= !bit;
            next.committed &= !bit;
            next.aborted &= !bit;
            *what(&mut next) |= bit;
        };
        match action {
            Act::Commit => next.decided = Some(true),
            Act::Abort => next.decided = Some(false),
            Act::Know(manager) => next.known |= 1 << manager,
            Act::Prepare(manager) => {
                become_(manager, |state| &mut state.prepared);
                next.said |= 1 << manager;
            }
            Act::GiveUp(manager) | Act::HearAbort(manager) => {
                become_(manager, |state| &mut state.aborted);
            }
            Act::HearCommit(manager) => become_(manager, |state| &mut state.committed),
        }
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::sometimes("abort agreement", |model: &Self, state: &Commit| {
                state.aborted == (1 << model.managers) - 1
            }),
            Property::sometimes("commit agreement", |model: &Self, state: &Commit| {
                state.committed == (1 << model.managers) - 1
            }),
            Property::always("consistent", |_: &Self, state: &Commit| {
                state.aborted == 0 || state.committed == 0
            }),
        ]
    }
}
