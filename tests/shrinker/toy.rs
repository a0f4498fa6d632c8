//! A toy system with planted bugs: a registry with room for a few, and operations around it.

use iris_check::conform::shrink::{Case, Verdict};

/// Numbers that look like chance, from a seed.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, below: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits fit") % below
    }
}

/// What can be done to the registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// Needs room, and that the worker is not registered.
    Register(u8),
    /// Needs that it is, as does the next.
    Expire(u8),
    Beat(u8),
    /// Always allowed: twice is as if never.
    Flip,
    /// Always allowed, does nothing.
    Tick(u8),
}

pub const WORKERS: u8 = 6;
const ROOM: usize = 3;

/// What the reference knows: enough to say which operations are allowed.
#[derive(Debug, Clone, Default)]
pub struct Reference {
    pub registered: Vec<u8>,
}

impl Reference {
    pub fn allows(&self, op: Op) -> bool {
        match op {
            Op::Register(worker) => {
                self.registered.len() < ROOM && !self.registered.contains(&worker)
            }
            Op::Expire(worker) | Op::Beat(worker) => self.registered.contains(&worker),
            Op::Flip | Op::Tick(_) => true,
        }
    }

    pub fn apply(&mut self, op: Op) {
        match op {
            Op::Register(worker) => self.registered.push(worker),
            Op::Expire(worker) => self.registered.retain(|&other| other != worker),
            Op::Beat(_) | Op::Flip | Op::Tick(_) => {}
        }
    }
}

/// A planted bug: what has to happen in this order, with anything between, and whether it shows
/// only while nothing is flipped.
#[derive(Debug)]
pub struct Bug {
    pub needs: &'static [Op],
    pub unflipped: bool,
}

/// The system shows the bug with the last operation that it needs.
pub fn shows(bug: &Bug, ops: &[Op]) -> bool {
    let mut needs = bug.needs.iter().peekable();
    let mut flipped = false;
    for op in ops {
        flipped ^= *op == Op::Flip;
        let last = needs.len() == 1 && bug.unflipped && flipped;
        needs.next_if(|need| !last && *need == op);
    }
    needs.len() == 0
}

/// Operations on the registry, each allowed where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    pub ops: Vec<Op>,
    /// Whether the case says which steps belong together.
    pub hints: bool,
}

impl Run {
    /// The operations that are allowed; what is not is left out.
    pub fn of(ops: Vec<Op>, hints: bool) -> Self {
        let mut reference = Reference::default();
        let mut allowed = ops;
        allowed.retain(|&op| {
            let fits = reference.allows(op);
            if fits {
                reference.apply(op);
            }
            fits
        });
        Self { ops: allowed, hints }
    }

    /// So many operations as chance has it, each allowed.
    pub fn random(dice: &mut Dice, length: usize, hints: bool) -> Self {
        let mut reference = Reference::default();
        let mut ops = Vec::new();
        while ops.len() < length {
            let worker = u8::try_from(dice.roll(WORKERS.into())).expect("it is small");
            let op = match dice.roll(10) {
                0..3 => Op::Register(worker),
                3..6 => Op::Expire(worker),
                6..8 => Op::Beat(worker),
                8 => Op::Flip,
                9.. => Op::Tick(worker),
            };
            if reference.allows(op) {
                reference.apply(op);
                ops.push(op);
            }
        }
        Self { ops, hints }
    }

    /// The first of the runs from this seed that shows the bug.
    pub fn failing(bug: &Bug, seed: u64, length: usize, hints: bool) -> Self {
        let mut dice = Dice(seed);
        loop {
            let run = Self::random(&mut dice, length, hints);
            if shows(bug, &run.ops) {
                return run;
            }
        }
    }

    pub fn verdict(&self, bug: &Bug) -> Verdict {
        if shows(bug, &self.ops) { Verdict::Fails } else { Verdict::Passes }
    }

    /// Whether some of the operations can be left out, up to two, and the bug still shows.
    pub fn can_lose(&self, bug: &Bug, most: usize) -> bool {
        let all = 0..self.ops.len();
        let sets = all.clone().flat_map(|a| all.clone().map(move |b| (a, b)));
        sets.filter(|(a, b)| most == 2 || a == b).any(|(a, b)| {
            let left = self.ops.iter().enumerate().filter(|(at, _)| *at != a && *at != b);
            shows(bug, &self.with_steps(left.map(|(_, op)| *op).collect()).ops)
        })
    }
}

impl Case for Run {
    type Step = Op;

    fn steps(&self) -> &[Op] {
        &self.ops
    }

    fn with_steps(&self, steps: Vec<Op>) -> Self {
        Self::of(steps, self.hints)
    }

    fn simpler_step(&self, _: usize) -> Vec<Self> {
        Vec::new()
    }

    fn simpler_setting(&self) -> Vec<Self> {
        Vec::new()
    }

    fn partners(&self) -> Vec<(usize, usize)> {
        let flips: Vec<usize> =
            (0..self.ops.len()).filter(|&at| self.hints && self.ops[at] == Op::Flip).collect();
        flips.chunks_exact(2).rev().map(|pair| (pair[0], pair[1])).collect()
    }
}
