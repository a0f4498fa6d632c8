//! A random model of processes that step by themselves, share variables, and send each other
//! messages; and what its steps look at and change.

use std::hash::{Hash, Hasher};

use iris_check::explore::{Claim, Footprints, Kind, Obligation, Subject, Transition, Variables};
use stateright::Model;

use super::common::lcg::Lcg;

/// Messages that a channel takes.
const ROOM: usize = 2;

/// Rows say everything.
#[derive(Clone, Debug)]
pub struct Mesh {
    processes: usize,
    shared: usize,
    channels: usize,
    pub rows: Vec<Row>,
    /// What breaks the first claim, exercises it, and exercises the third: all of these hold.
    bad: Vec<Fact>,
    hard: Vec<Fact>,
    goal: Vec<Fact>,
    /// A step of this row from where this holds breaks the second claim.
    bad_step: (usize, Fact),
    /// A step of this row exercises it.
    hard_step: usize,
    /// Where this holds nobody may be.
    outside: Option<Fact>,
    offers: Offers,
    /// What it says wrong of which row.
    pub forgets: Option<(usize, Lapse)>,
}

/// What may be forgotten of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lapse {
    Reads,
    /// The lowest variable that it writes.
    Writes,
    Guards,
    Hides,
}

/// Which actions a state offers.
#[derive(Clone, Copy, Debug)]
enum Offers {
    All,
    /// Those of processes that are in the right place.
    InPlace,
    Enabled,
}

/// One process or variable, by number, is this.
pub type Fact = (usize, u8);

/// What a process can do at a place.
#[derive(Clone, Debug)]
pub struct Row {
    process: usize,
    from: u8,
    to: u8,
    guard: Option<Fact>,
    /// From which channel it takes what.
    receives: Option<(usize, u8)>,
    sends: Option<(usize, u8)>,
    pub sets: Option<Sets>,
}

/// A shared variable becomes this, or that: two actions; or one more than it is.
#[derive(Clone, Copy, Debug)]
pub enum Sets {
    To(usize, u8, u8),
    OneMore(usize),
}

const VALUES: u8 = 3;

fn value(lcg: &mut Lcg) -> u8 {
    byte(lcg.below(usize::from(VALUES)))
}

impl Sets {
    fn new(cell: usize, lcg: &mut Lcg) -> Self {
        match (lcg.below(4), value(lcg)) {
            (0, _) => Self::OneMore(cell),
            (1, one) => Self::To(cell, one, value(lcg)),
            (_, one) => Self::To(cell, one, one),
        }
    }
}

#[derive(Clone, Debug)]
pub struct Mix {
    /// Places of processes, then shared variables.
    cells: Vec<u8>,
    channels: Vec<Vec<u8>>,
    /// What the step that led here broke and exercised: a note.
    step: (u64, u64),
}

impl PartialEq for Mix {
    fn eq(&self, other: &Self) -> bool {
        (&self.cells, &self.channels) == (&other.cells, &other.channels)
    }
}

impl Eq for Mix {}

impl Hash for Mix {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.cells, &self.channels).hash(state);
    }
}

/// A process or a shared variable in footprints; channels come behind.
fn cell_bit(at: usize) -> Variables {
    1 << at
}

/// A row, and which of its values is set.
pub type Act = (u8, bool);

fn byte(small: usize) -> u8 {
    u8::try_from(small).expect("all numbers here are small")
}

impl Mesh {
    pub fn new(lcg: &mut Lcg) -> Self {
        let (processes, shared, channels) = (2 + lcg.below(3), lcg.below(4), lcg.below(3));
        let cells = processes + shared;
        // Each process has somewhere to go from where it begins; how much they share is drawn.
        let loose = 1 + lcg.below(8);
        let mut moves: Vec<_> = (0..processes).map(|process| (process, 0_u8, 1_u8)).collect();
        for _ in 0..processes + lcg.below(5) {
            moves.push((lcg.below(processes), value(lcg), value(lcg)));
        }
        let row = |(process, from, to): (usize, u8, u8)| {
            let cell = (shared > 0).then(|| processes + lcg.below(shared));
            let message = |lcg: &mut Lcg| {
                (channels > 0 && lcg.once_in(loose + 1))
                    .then(|| (lcg.below(channels), byte(lcg.below(2))))
            };
            let guard = cell.filter(|_| from != 0 && lcg.once_in(loose));
            let sets = cell.filter(|_| lcg.once_in(loose));
            Row {
                process,
                from,
                to,
                guard: guard.map(|cell| (cell, value(lcg))),
                receives: message(lcg).filter(|_| from != 0),
                sends: message(lcg),
                sets: sets.map(|cell| Sets::new(cell, lcg)),
            }
        };
        let rows: Vec<Row> = moves.into_iter().map(row).collect();
        let watched = [lcg.below(cells), lcg.below(cells)];
        let fact = |lcg: &mut Lcg| (watched[lcg.below(2)], byte(1 + lcg.below(2)));
        let facts = |lcg: &mut Lcg| (0..=lcg.below(2)).map(|_| fact(lcg)).collect();
        Self {
            processes,
            shared,
            channels,
            bad: facts(lcg),
            hard: facts(lcg),
            goal: facts(lcg),
            bad_step: (lcg.below(rows.len()), fact(lcg)),
            hard_step: lcg.below(rows.len()),
            outside: lcg.once_in(4).then(|| fact(lcg)),
            offers: [Offers::All, Offers::InPlace, Offers::Enabled][lcg.below(3)],
            forgets: None,
            rows,
        }
    }

    fn holds(state: &Mix, facts: &[Fact]) -> bool {
        facts.iter().all(|(cell, value)| state.cells[*cell] == *value)
    }

    fn row(&self, action: Act) -> &Row {
        &self.rows[usize::from(action.0)]
    }

    fn channel(&self, at: usize) -> Variables {
        1 << (self.processes + self.shared + at)
    }

    /// Whether a row may change what facts are about and true.
    fn undoes(state: &Mix, row: &Row, facts: &[Fact]) -> bool {
        let mut true_ones = facts.iter().filter(|fact| Self::holds(state, &[**fact]));
        true_ones.any(|(cell, value)| {
            let moves = row.process == *cell && row.to != *value;
            moves
                || match row.sets {
                    Some(Sets::To(set, one, other)) => {
                        set == *cell && (one != *value || other != *value)
                    }
                    Some(Sets::OneMore(set)) => set == *cell,
                    None => false,
                }
        })
    }
}

impl Model for Mesh {
    type State = Mix;
    type Action = Act;

    fn init_states(&self) -> Vec<Mix> {
        let cells = vec![0; self.processes + self.shared];
        vec![Mix { cells, channels: vec![Vec::new(); self.channels], step: (0, 0) }]
    }

    fn actions(&self, state: &Mix, actions: &mut Vec<Act>) {
        for (at, row) in (0..).zip(&self.rows) {
            let is_offered = match self.offers {
                Offers::All => true,
                Offers::InPlace => state.cells[row.process] == row.from,
                Offers::Enabled => self.next_state(state, (at, false)).is_some(),
            };
            if is_offered {
                actions.push((at, false));
                if matches!(row.sets, Some(Sets::To(_, one, other)) if one != other) {
                    actions.push((at, true));
                }
            }
        }
    }

    fn next_state(&self, last: &Mix, action: Act) -> Option<Mix> {
        let row = self.row(action);
        let mut next = last.clone();
        let guards = [Some((row.process, row.from)), row.guard];
        if !guards.iter().flatten().all(|fact| Self::holds(last, &[*fact])) {
            return None;
        }
        if let Some((channel, message)) = row.receives {
            let queue = &mut next.channels[channel];
            if queue.first() != Some(&message) {
                return None;
            }
            queue.remove(0);
        }
        if let Some((channel, message)) = row.sends {
            let queue = &mut next.channels[channel];
            if queue.len() == ROOM {
                return None;
            }
            queue.push(message);
        }
        next.cells[row.process] = row.to;
        match row.sets {
            Some(Sets::To(cell, one, other)) => {
                next.cells[cell] = if action.1 { other } else { one };
            }
            Some(Sets::OneMore(cell)) => next.cells[cell] = (last.cells[cell] + 1) % VALUES,
            None => {}
        }
        let number = usize::from(action.0);
        let broken = self.bad_step.0 == number && Self::holds(last, &[self.bad_step.1]);
        next.step = (u64::from(broken) << 1, u64::from(self.hard_step == number) << 1);
        Some(next)
    }

    fn within_boundary(&self, state: &Mix) -> bool {
        self.outside.is_none_or(|fact| !Self::holds(state, &[fact]))
    }
}

pub const CLAIMS: [Kind; 5] =
    [Kind::Safety, Kind::Safety, Kind::Reachable, Kind::Safety, Kind::Progress];

impl Subject for Mesh {
    fn claims(&self) -> Vec<Claim> {
        CLAIMS.map(|kind| Claim { name: format!("{kind:?}"), kind }).into()
    }

    /// The first claim is about facts, the fourth says that there is no deadlock.
    fn broken(&self, state: &Mix) -> u64 {
        let mut actions = Vec::new();
        self.actions(state, &mut actions);
        let goes = actions.into_iter().any(|action| {
            self.next_state(state, action).is_some_and(|next| self.within_boundary(&next))
        });
        u64::from(Self::holds(state, &self.bad)) | u64::from(!goes) << 3
    }

    fn broken_by_step(&self, state: &Mix) -> u64 {
        state.step.0
    }

    fn exercised_by_step(&self, state: &Mix) -> u64 {
        state.step.1
    }

    fn exercised(&self, state: &Mix) -> u64 {
        let facts = u64::from(Self::holds(state, &self.hard));
        facts | u64::from(Self::holds(state, &self.goal)) << 2
    }

    fn open(&self, state: &Mix) -> u64 {
        u64::from(state.cells[0] == 0)
    }

    fn obligations(&self) -> Vec<Obligation> {
        vec![Obligation { claim: 4, name: "the first is somewhere else".to_owned() }]
    }
}

impl Footprints for Mesh {
    fn transitions(&self) -> Vec<Transition> {
        let transition = |(at, row): (usize, &Row)| {
            let receives = row.receives.map_or(0, |(channel, _)| self.channel(channel));
            let sends = row.sends.map_or(0, |(channel, _)| self.channel(channel));
            let mut guards = vec![cell_bit(row.process)];
            guards.extend(row.guard.map(|(cell, _)| cell_bit(cell)));
            let (mut reads, mut writes) = (0, cell_bit(row.process) | receives | sends);
            match row.sets {
                Some(Sets::To(cell, ..)) => writes |= cell_bit(cell),
                Some(Sets::OneMore(cell)) => {
                    writes |= cell_bit(cell);
                    reads |= cell_bit(cell);
                }
                None => {}
            }
            if self.bad_step.0 == at {
                reads |= cell_bit(self.bad_step.1.0);
            }
            Transition { guards, reads: reads | receives | sends, writes }
        };
        let mut all: Vec<_> = self.rows.iter().enumerate().map(transition).collect();
        if let Some((row, lapse)) = self.forgets {
            let one = &mut all[row];
            match lapse {
                Lapse::Reads => one.reads = 0,
                Lapse::Writes => one.writes &= one.writes - 1,
                Lapse::Guards => one.guards.iter_mut().for_each(|guard| *guard = 0),
                Lapse::Hides => {}
            }
        }
        all
    }

    fn transition(&self, _: &Mix, action: &Act) -> usize {
        usize::from(action.0)
    }

    fn guard(&self, state: &Mix, transition: usize, guard: usize) -> bool {
        let row = &self.rows[transition];
        let fact = if guard == 0 { Some((row.process, row.from)) } else { row.guard };
        Self::holds(state, fact.as_slice())
    }

    fn hides(&self, state: &Mix, transition: usize) -> u64 {
        if self.forgets == Some((transition, Lapse::Hides)) {
            return 0;
        }
        let row = &self.rows[transition];
        let undoes = |facts: &[Fact]| u64::from(Self::undoes(state, row, facts));
        undoes(&self.bad) | undoes(&self.hard) | undoes(&self.goal) << 2
    }
}
