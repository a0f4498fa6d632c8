//! Expands the states that a worker owns, and packs what it reaches for whoever owns that.

use super::bytes::{put_u32, put_u64};
use super::owned::{key, owner, put_row};
use super::tally::Tally;
use super::worker::PARCEL;
use crate::explore::graph::class_of;
use crate::explore::portable::Portable;
use crate::explore::store::Spot;
use crate::explore::subject::{Subject, safety};
use crate::explore::table::{fingerprint, high, low};

/// Successors looked up together: their cache misses overlap.
const BATCH: usize = 128;
/// How many fingerprints of those seen last stay in the nearest cache, and of those sent.
const RECENT: usize = 1 << 12;
const SENT: usize = 1 << 20;
const FEWEST: usize = 1 << 10;

/// What came of a level.
pub(super) struct Expanded {
    pub(super) tally: Tally,
    /// The states that were expanded, by number, and how many steps each has.
    pub(super) transitions: Vec<(u32, u32)>,
    /// Their steps and what is open there, if that is wanted.
    pub(super) steps: Vec<u8>,
    /// Claims of which no other broken state is wanted, broken step, or exercise by a state or a
    /// step.
    states: u64,
    broken: u64,
    exercised_states: u64,
    exercised: u64,
}

impl Expanded {
    /// Nothing yet, after so much was found before.
    pub(super) fn new(so_far: &Tally) -> Self {
        let set = |found: &[Option<Spot>]| {
            let bits =
                found.iter().zip(0..).map(|(spot, claim)| u64::from(spot.is_some()) << claim);
            bits.sum()
        };
        let (broken, exercised) = (set(&so_far.broken), set(&so_far.exercised));
        Self {
            tally: Tally::new(so_far.broken.len()),
            transitions: Vec::new(),
            steps: Vec::new(),
            states: broken,
            broken,
            exercised_states: exercised,
            exercised,
        }
    }
}

struct Pending<S> {
    print: u64,
    key: u64,
    state: S,
}

/// What a worker keeps from state to state.
pub(super) struct Expander<'a, M: Subject> {
    model: &'a M,
    /// Bits of the safety claims.
    safety: u64,
    claims: u64,
    /// Are steps to be kept?
    steps: bool,
    /// Fingerprints seen, and sent, each in the one slot where it may be. A state is not sent
    /// twice: the first time was by a step that comes before, or in a level before.
    recent: Vec<u64>,
    sent: Vec<u64>,
    pending: Vec<Pending<M::State>>,
    actions: Vec<M::Action>,
    /// By owner, what is to be sent.
    pub(super) rows: Vec<Vec<u8>>,
}

impl<'a, M: Subject + Portable> Expander<'a, M> {
    pub(super) fn new(model: &'a M, workers: usize) -> Self {
        let claims = model.claims();
        Self {
            model,
            safety: safety(&claims),
            claims: (0..claims.len()).map(|claim| 1 << claim).sum(),
            steps: !model.obligations().is_empty(),
            recent: vec![0; RECENT],
            sent: vec![0; FEWEST],
            pending: Vec::with_capacity(BATCH),
            actions: Vec::new(),
            rows: vec![Vec::new(); workers],
        }
    }

    /// Prepares it for a level after so many states.
    pub(super) fn fit(&mut self, states: usize) {
        let slots = (states / 2).next_power_of_two().clamp(FEWEST, SENT);
        if slots > self.sent.len() {
            let old = std::mem::replace(&mut self.sent, vec![0; slots]);
            for print in old {
                self.sent[place(print, slots)] = print;
            }
        }
    }

    /// Bytes held.
    pub(super) fn bytes(&self) -> usize {
        self.sent.len() * 8
    }

    /// Judges a state, as every state is before it is expanded.
    pub(super) fn judge(&self, number: u32, depth: u32, state: &M::State, out: &mut Expanded) {
        let broken = self.model.broken(state) & self.safety & !out.states;
        let wanted = self.claims & !out.exercised_states;
        let exercised = if wanted == 0 { 0 } else { self.model.exercised(state) & wanted };
        if broken | exercised != 0 {
            out.states |= broken;
            out.exercised_states |= exercised;
            out.exercised |= exercised;
            let spot = Spot { state: number, action: None, length: depth };
            out.tally.note(broken, exercised, spot);
        }
    }

    /// Takes all steps of a state.
    pub(super) fn expand(&mut self, number: u32, depth: u32, state: &M::State, out: &mut Expanded) {
        self.judge(number, depth, state, out);
        let mut actions = std::mem::take(&mut self.actions);
        self.model.actions(state, &mut actions);
        let head = out.steps.len();
        if self.steps {
            let (open, arises) = (self.model.open(state), self.model.arises(state));
            put_u32(&mut out.steps, 0);
            for marks in [open, arises, 0] {
                put_u64(&mut out.steps, marks);
            }
        }
        let (mut taken, mut kept, mut cut) = (0, 0_u32, 0);
        for (action, index) in actions.drain(..).zip(0_u32..) {
            let class = self.steps.then(|| class_of(self.model.fairness(state, &action)));
            let Some(next) = self.model.next_state(state, action) else { continue };
            let inside = self.model.within_boundary(&next);
            let print = if inside { fingerprint(&next) } else { OUT };
            if let Some(class) = class {
                out.steps.push(class);
                put_u64(&mut out.steps, print);
                kept += 1;
                cut |= if inside { 0 } else { self.model.open(&next) };
            }
            if !inside {
                continue;
            }
            taken += 1;
            let spot = Spot { state: number, action: Some(index), length: depth + 1 };
            self.judge_step(&next, spot, out);
            if self.is_recent(print) {
                continue;
            }
            self.pending.push(Pending { print, key: key(number, index), state: next });
            if self.pending.len() == BATCH {
                self.look_up();
            }
        }
        if self.steps {
            out.steps[head..head + 4].copy_from_slice(&kept.to_le_bytes());
            out.steps[head + 20..head + 28].copy_from_slice(&cut.to_le_bytes());
        }
        out.transitions.push((number, taken));
        self.actions = actions;
    }

    #[inline]
    fn judge_step(&self, next: &M::State, spot: Spot, out: &mut Expanded) {
        let broken = self.model.broken_by_step(next) & self.safety & !out.broken;
        let wanted = self.claims & !out.exercised;
        let exercised = if wanted == 0 { 0 } else { self.model.exercised_by_step(next) & wanted };
        if broken | exercised != 0 {
            out.broken |= broken;
            out.exercised |= exercised;
            out.tally.note(broken, exercised, spot);
        }
    }

    #[inline]
    fn is_recent(&mut self, print: u64) -> bool {
        let slot = &mut self.recent[place(print, RECENT)];
        std::mem::replace(slot, print) == print
    }

    /// Packs what was not sent before.
    pub(super) fn look_up(&mut self) {
        let slots = self.sent.len();
        let touched = self.pending.iter().map(|it| self.sent[place(it.print, slots)]);
        std::hint::black_box(touched.fold(0, |seen, print| seen | print));
        let workers = self.rows.len();
        for Pending { print, key, state } in self.pending.drain(..) {
            let slot = &mut self.sent[place(print, slots)];
            if std::mem::replace(slot, print) != print {
                let rows = &mut self.rows[owner(print, workers)];
                put_row(rows, print, key, |bytes| self.model.pack(&state, bytes));
            }
        }
    }

    /// The owner whose parcel is full.
    pub(super) fn full(&self) -> Option<usize> {
        self.rows.iter().position(|rows| rows.len() >= PARCEL)
    }
}

/// No state has this fingerprint.
pub(super) const OUT: u64 = 0;

/// The slot of so many, a power of two. Not by the half that says who owns a state.
#[inline]
fn place(print: u64, slots: usize) -> usize {
    (high(print) as usize ^ low(print) as usize >> 20) & (slots - 1)
}
