//! Two-phase commit after Gray and Lamport, in 8 bytes.
#![allow(dead_code, reason = "each test uses its part")]

use iris_check::explore::{Coded, Footprints, Portable, Transition, Variables};
use stateright::{Model, Property};

/// So many resource managers, at most 8.
#[derive(Clone, Debug)]
pub struct TwoPhase {
    pub managers: u8,
}

/// Sets of managers, a byte each, and what was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Commit(u64);

/// Prepared or aborted, committed or aborted: working is neither.
const FIRST: u32 = 0;
const SECOND: u32 = 8;
/// What the transaction manager knows to be prepared, and the messages that say so.
const KNOWN: u32 = 16;
const SAID: u32 = 24;
const COMMIT: u64 = 1 << 32;
const ABORT: u64 = 1 << 33;

impl Commit {
    fn set(self, which: u32) -> u64 {
        self.0 >> which & 0xff
    }

    fn committed(self) -> u64 {
        self.set(SECOND) & !self.set(FIRST)
    }

    fn aborted(self) -> u64 {
        self.set(SECOND) & self.set(FIRST)
    }

    pub fn nobody_committed(self) -> bool {
        self.committed() == 0
    }

    fn is_undecided(self) -> bool {
        self.0 & (COMMIT | ABORT) == 0
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

impl TwoPhase {
    fn all(&self) -> u64 {
        (1 << self.managers) - 1
    }
}

impl Model for TwoPhase {
    type State = Commit;
    type Action = Act;

    fn init_states(&self) -> Vec<Commit> {
        vec![Commit(0)]
    }

    fn actions(&self, state: &Commit, actions: &mut Vec<Act>) {
        let undecided = state.is_undecided();
        if undecided {
            if state.set(KNOWN) == self.all() {
                actions.push(Act::Commit);
            }
            actions.push(Act::Abort);
        }
        for manager in 0..self.managers {
            let bit = 1 << manager;
            if undecided && state.set(SAID) & bit != 0 {
                actions.push(Act::Know(manager));
            }
            if (state.set(FIRST) | state.set(SECOND)) & bit == 0 {
                actions.push(Act::Prepare(manager));
                actions.push(Act::GiveUp(manager));
            }
            if state.0 & COMMIT != 0 {
                actions.push(Act::HearCommit(manager));
            } else if !undecided {
                actions.push(Act::HearAbort(manager));
            }
        }
    }

    fn next_state(&self, state: &Commit, action: Act) -> Option<Commit> {
        let bits = |manager: u8, which: u32| 1_u64 << (u32::from(manager) + which);
        let Commit(now) = *state;
        Some(Commit(match action {
            Act::Commit => now | COMMIT,
            Act::Abort => now | ABORT,
            Act::Know(manager) => now | bits(manager, KNOWN),
            Act::Prepare(manager) => now | bits(manager, FIRST) | bits(manager, SAID),
            Act::GiveUp(manager) | Act::HearAbort(manager) => {
                now | bits(manager, FIRST) | bits(manager, SECOND)
            }
            Act::HearCommit(manager) => now & !bits(manager, FIRST) | bits(manager, SECOND),
        }))
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::sometimes("abort agreement", |model: &Self, state: &Commit| {
                state.aborted() == model.all()
            }),
            Property::sometimes("commit agreement", |model: &Self, state: &Commit| {
                state.committed() == model.all()
            }),
            Property::always("consistent", |_: &Self, state: &Commit| {
                state.aborted() == 0 || state.committed() == 0
            }),
        ]
    }
}

/// What was decided, then for each manager: what it is, whether it said that it is prepared, and
/// whether that is known.
const DECISION: Variables = 1;

fn is(manager: u8) -> Variables {
    2 << (3 * manager)
}

fn said(manager: u8) -> Variables {
    4 << (3 * manager)
}

fn known(manager: u8) -> Variables {
    8 << (3 * manager)
}

/// Claims by bit, as in `properties`.
const ABORT_AGREEMENT: u64 = 1;
const COMMIT_AGREEMENT: u64 = 2;
const CONSISTENT: u64 = 4;

/// To commit, to abort, and five for each manager in the order of [`Act`].
impl Footprints for TwoPhase {
    fn transitions(&self) -> Vec<Transition> {
        let step = |guards: &[Variables], writes| Transition {
            guards: guards.to_vec(),
            writes,
            ..Transition::default()
        };
        let mut commit = step(&[DECISION], DECISION);
        commit.guards.extend((0..self.managers).map(known));
        let mut all = vec![commit, step(&[DECISION], DECISION)];
        for manager in 0..self.managers {
            let (is, said) = (is(manager), said(manager));
            all.push(step(&[DECISION, said], known(manager)));
            all.push(step(&[is], is | said));
            all.push(step(&[is], is));
            all.push(step(&[DECISION], is));
            all.push(step(&[DECISION], is));
        }
        all
    }

    fn transition(&self, _: &Commit, action: &Act) -> usize {
        let of = |manager: &u8, step: usize| 2 + 5 * usize::from(*manager) + step;
        match action {
            Act::Commit => 0,
            Act::Abort => 1,
            Act::Know(manager) => of(manager, 0),
            Act::Prepare(manager) => of(manager, 1),
            Act::GiveUp(manager) => of(manager, 2),
            Act::HearCommit(manager) => of(manager, 3),
            Act::HearAbort(manager) => of(manager, 4),
        }
    }

    fn guard(&self, state: &Commit, transition: usize, guard: usize) -> bool {
        let undecided = state.is_undecided();
        let Some(of_manager) = transition.checked_sub(2) else {
            return if guard == 0 { undecided } else { state.set(KNOWN) >> (guard - 1) & 1 == 1 };
        };
        let has = |set: u64| set >> (of_manager / 5) & 1 == 1;
        match (of_manager % 5, guard) {
            (0, 0) => undecided,
            (0, _) => has(state.set(SAID)),
            (1 | 2, _) => !has(state.set(FIRST) | state.set(SECOND)),
            (3, _) => state.0 & COMMIT != 0,
            _ => state.0 & ABORT != 0,
        }
    }

    /// Whoever hears of the other decision forgets what it was.
    fn hides(&self, state: &Commit, transition: usize) -> u64 {
        let Some(of_manager) = transition.checked_sub(2) else { return 0 };
        let has = |set: u64| set >> (of_manager / 5) & 1 == 1;
        match of_manager % 5 {
            3 if has(state.aborted()) => ABORT_AGREEMENT | CONSISTENT,
            4 if has(state.committed()) => COMMIT_AGREEMENT | CONSISTENT,
            _ => 0,
        }
    }
}

impl Coded for TwoPhase {
    type Code = [u64; 1];

    fn encode(&self, state: &Commit) -> [u64; 1] {
        [state.0]
    }

    fn decode(&self, [state]: &[u64; 1]) -> Commit {
        Commit(*state)
    }
}

impl Portable for TwoPhase {
    fn pack(&self, state: &Commit, bytes: &mut Vec<u8>) {
        bytes.extend(state.0.to_le_bytes());
    }

    fn unpack(&self, bytes: &[u8]) -> Option<Commit> {
        Some(Commit(u64::from_le_bytes(bytes.try_into().ok()?)))
    }
}
