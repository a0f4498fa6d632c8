//! Where claims were broken and exercised: of several places the first of the shortest, whoever
//! found them.

use super::bytes::{Reader, put_u32, put_u64};
use crate::explore::limits::Stop;
use crate::explore::store::Spot;

/// By claim.
#[derive(Clone)]
pub(super) struct Tally {
    pub(super) broken: Vec<Option<Spot>>,
    pub(super) exercised: Vec<Option<Spot>>,
}

impl Tally {
    pub(super) fn new(claims: usize) -> Self {
        Self { broken: vec![None; claims], exercised: vec![None; claims] }
    }

    /// Some claims, as bits, were broken here, some exercised.
    pub(super) fn note(&mut self, broken: u64, exercised: u64, spot: Spot) {
        for (found, set) in [(&mut self.broken, broken), (&mut self.exercised, exercised)] {
            for (claim, found) in found.iter_mut().enumerate() {
                if set & 1 << claim != 0 {
                    improve(found, spot);
                }
            }
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        let broken = self.broken.iter_mut().zip(&other.broken);
        let exercised = self.exercised.iter_mut().zip(&other.exercised);
        for (found, other) in broken.chain(exercised) {
            if let Some(spot) = other {
                improve(found, *spot);
            }
        }
    }

    /// Takes back what was found in steps of states behind this one.
    pub(super) fn cut(&mut self, last: u32) {
        for found in self.broken.iter_mut().chain(&mut self.exercised) {
            *found = found.filter(|spot| spot.action.is_none() || spot.state <= last);
        }
    }

    fn put(&self, bytes: &mut Vec<u8>) {
        put_u32(bytes, u32::try_from(self.broken.len()).expect("invariant: at most 64"));
        for found in self.broken.iter().chain(&self.exercised) {
            put_u32(bytes, u32::from(found.is_some()));
            if let Some(spot) = found {
                let (has_action, action) = spot.action.map_or((0, 0), |action| (1, action));
                for word in [spot.state, has_action, action, spot.length] {
                    put_u32(bytes, word);
                }
            }
        }
    }

    fn read(reader: &mut Reader) -> Self {
        let mut tally = Self::new(reader.u32() as usize);
        for found in tally.broken.iter_mut().chain(&mut tally.exercised) {
            if reader.u32() == 1 {
                let [state, has_action, action, length] = [0; 4].map(|_| reader.u32());
                *found = Some(Spot { state, action: (has_action == 1).then_some(action), length });
            }
        }
        tally
    }
}

/// What a worker says of a level.
pub(super) struct Said {
    /// Why it did not come to the end of it.
    pub(super) cut: Option<Stop>,
    /// How many steps its states have.
    pub(super) transitions: u64,
    pub(super) tally: Tally,
}

impl Said {
    pub(super) fn packed(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.push(self.cut.map_or(u8::MAX, code_of));
        put_u64(&mut bytes, self.transitions);
        self.tally.put(&mut bytes);
        bytes
    }

    pub(super) fn read(bytes: &[u8]) -> Self {
        let mut reader = Reader(bytes);
        let code = reader.take(1)[0];
        let cut = (code != u8::MAX).then(|| stop_of(code));
        let transitions = reader.u64();
        Self { cut, transitions, tally: Tally::read(&mut reader) }
    }
}

/// The reason of a caller who wants a search to end, in one byte.
pub(super) fn code_of(stop: Stop) -> u8 {
    match stop {
        Stop::States => 0,
        Stop::Depth => 1,
        Stop::Memory => 2,
        Stop::Time => 3,
        Stop::Interrupted => 4,
        Stop::Boundary => 5,
        Stop::Symmetry => 6,
        Stop::Lost(_) => 7,
        Stop::PartialOrder => 8,
    }
}

/// The reason that was meant; any other is no process of ours.
pub(super) fn stop_of(code: u8) -> Stop {
    match code {
        0 => Stop::States,
        1 => Stop::Depth,
        2 => Stop::Memory,
        3 => Stop::Time,
        5 => Stop::Boundary,
        6 => Stop::Symmetry,
        8 => Stop::PartialOrder,
        _ => Stop::Interrupted,
    }
}

fn improve(found: &mut Option<Spot>, spot: Spot) {
    if found.is_none_or(|found| place(spot) < place(found)) {
        *found = Some(spot);
    }
}

/// The state itself comes before its steps.
fn place(spot: Spot) -> (u32, u32, u64) {
    (spot.length, spot.state, spot.action.map_or(0, |action| u64::from(action) + 1))
}
