//! Job dispatch, as `benches/peers/JobDispatch.tla` says it, in 16 bytes.

use iris_check::explore::{Claim, Coded, Fairness, Kind, Obligation, Portable, Subject};
use stateright::{Model, Property};

/// So many tasks (at most 2), workers and attempts (at most 4 each, 64 messages in all).
#[derive(Clone, Copy, Debug)]
pub struct Job {
    pub tasks: u8,
    pub workers: u8,
    pub attempts: u8,
}

/// The messages under way, a bit each, and tasks and workers, 16 and 8 bits each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Desk {
    net: u64,
    rest: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Of a task, to a worker.
    Dispatch(u8, u8),
    Timeout(u8),
    Restart(u8),
    Crash(u8),
    /// By a worker, with this kind of report.
    Finish(u8, u8),
    /// A message, by its bit.
    Drop(u8),
    Receive(u8),
}

const PENDING: u64 = 0;
const ASSIGNED: u64 = 1;
const RUNNING: u64 = 2;
const SUCCEEDED: u64 = 3;
const FAILED: u64 = 4;
const WORKER_FAILED: u64 = 5;

/// Kinds of messages: these two, and the reports of a success and of a failure.
const ASSIGN: u8 = 0;
const STARTED: u8 = 1;
const DONE_OK: u8 = 2;
const DONE_FAIL: u8 = 3;

/// A field of `rest`, three bits wide, by where it begins.
#[derive(Clone, Copy)]
struct Field(u8);

fn state(task: u8) -> Field {
    Field(16 * task)
}

fn attempt(task: u8) -> Field {
    Field(16 * task + 3)
}

/// The worker of a task plus one.
fn assigned(task: u8) -> Field {
    Field(16 * task + 6)
}

fn dead(worker: u8) -> u64 {
    1 << (32 + 8 * worker)
}

/// The task that a worker holds plus one.
fn held(worker: u8) -> Field {
    Field(33 + 8 * worker)
}

/// Which attempt of it.
fn held_attempt(worker: u8) -> Field {
    Field(36 + 8 * worker)
}

impl Desk {
    fn get(self, field: Field) -> u64 {
        self.rest >> field.0 & 7
    }

    fn set(&mut self, field: Field, value: u64) {
        self.rest = self.rest & !(7 << field.0) | value << field.0;
    }

    fn let_go(&mut self, worker: u8) {
        self.set(held(worker), 0);
        self.set(held_attempt(worker), 0);
    }
}

/// What a bit of `net` says.
struct Message {
    task: u8,
    attempt: u8,
    worker: u8,
    kind: u8,
}

impl Job {
    pub fn new(tasks: u8, workers: u8, attempts: u8) -> Self {
        Self { tasks, workers, attempts }
    }

    fn bit(self, message: &Message) -> u64 {
        let Message { task, attempt, worker, kind } = message;
        1 << (((task * self.attempts + attempt - 1) * self.workers + worker) * 4 + kind)
    }

    fn message(self, bit: u8) -> Message {
        let (rest, kind) = (bit / 4, bit % 4);
        let (rest, worker) = (rest / self.workers, rest % self.workers);
        Message { task: rest / self.attempts, attempt: rest % self.attempts + 1, worker, kind }
    }

    fn receive(self, desk: &mut Desk, message: &Message) {
        let &Message { task, attempt: number, worker, kind } = message;
        if kind == ASSIGN {
            desk.net |= self.bit(&Message { kind: STARTED, ..*message });
            desk.set(held(worker), u64::from(task) + 1);
            desk.set(held_attempt(worker), number.into());
            return;
        }
        let is_it = desk.get(attempt(task)) == u64::from(number)
            && desk.get(assigned(task)) == u64::from(worker) + 1;
        let before = desk.get(state(task));
        if kind == STARTED {
            if is_it && before == ASSIGNED {
                desk.set(state(task), RUNNING);
            }
        } else if is_it && (before == ASSIGNED || before == RUNNING) {
            let again = number < self.attempts;
            let failed = if again { PENDING } else { FAILED };
            desk.set(state(task), if kind == DONE_OK { SUCCEEDED } else { failed });
            desk.set(assigned(task), 0);
        }
    }

    /// The three invariants of the specification.
    fn is_sound(self, desk: Desk) -> bool {
        let workers = || 0..self.workers;
        let holds = |worker| (desk.get(held(worker)), desk.get(held_attempt(worker)));
        let alone =
            |worker| workers().all(|other| other <= worker || holds(other) != holds(worker));
        let known = |worker| match desk.rest >> held(worker).0 & 7 {
            1 => holds(worker).1 <= desk.get(attempt(0)),
            _ => holds(worker).1 <= desk.get(attempt(1)),
        };
        let held_well = |worker| holds(worker).0 == 0 || (alone(worker) && known(worker));
        let assigned_well = |task| {
            let under_way = matches!(desk.get(state(task)), ASSIGNED | RUNNING);
            !under_way || desk.get(assigned(task)) != 0
        };
        workers().all(held_well) && (0..self.tasks).all(assigned_well)
    }

    fn is_over(self, desk: Desk) -> bool {
        (0..self.tasks).all(|task| desk.get(state(task)) >= SUCCEEDED)
    }
}

impl Model for Job {
    type State = Desk;
    type Action = Act;

    fn init_states(&self) -> Vec<Desk> {
        vec![Desk { net: 0, rest: 0 }]
    }

    fn actions(&self, desk: &Desk, actions: &mut Vec<Act>) {
        for task in 0..self.tasks {
            match desk.get(state(task)) {
                PENDING if desk.get(attempt(task)) < self.attempts.into() => {
                    actions.extend((0..self.workers).map(|worker| Act::Dispatch(task, worker)));
                }
                ASSIGNED | RUNNING => actions.push(Act::Timeout(task)),
                _ => {}
            }
        }
        for worker in 0..self.workers {
            if desk.rest & dead(worker) != 0 {
                actions.push(Act::Restart(worker));
                continue;
            }
            actions.push(Act::Crash(worker));
            if desk.get(held(worker)) != 0 {
                actions.extend([Act::Finish(worker, DONE_OK), Act::Finish(worker, DONE_FAIL)]);
            }
        }
        let mut net = desk.net;
        while net != 0 {
            let bit = u8::try_from(net.trailing_zeros()).expect("at most 64");
            net &= net - 1;
            actions.push(Act::Drop(bit));
            let worker = bit / 4 % self.workers;
            let is_idle = desk.rest & dead(worker) == 0 && desk.get(held(worker)) == 0;
            if bit % 4 != ASSIGN || is_idle {
                actions.push(Act::Receive(bit));
            }
        }
    }

    fn next_state(&self, desk: &Desk, act: Act) -> Option<Desk> {
        let mut next = *desk;
        match act {
            Act::Dispatch(task, worker) => {
                let number = desk.get(attempt(task)) + 1;
                next.set(state(task), ASSIGNED);
                next.set(attempt(task), number);
                next.set(assigned(task), u64::from(worker) + 1);
                let attempt = u8::try_from(number).expect("three bits");
                next.net |= self.bit(&Message { task, attempt, worker, kind: ASSIGN });
            }
            Act::Timeout(task) => {
                let again = desk.get(attempt(task)) < self.attempts.into();
                next.set(state(task), if again { PENDING } else { WORKER_FAILED });
                next.set(assigned(task), 0);
            }
            Act::Restart(worker) => next.rest &= !dead(worker),
            Act::Crash(worker) => {
                next.rest |= dead(worker);
                next.let_go(worker);
            }
            Act::Finish(worker, kind) => {
                let task = u8::try_from(desk.get(held(worker)) - 1).expect("three bits");
                let attempt = u8::try_from(desk.get(held_attempt(worker))).expect("three bits");
                next.net |= self.bit(&Message { task, attempt, worker, kind });
                next.let_go(worker);
            }
            Act::Drop(bit) => next.net &= !(1 << bit),
            Act::Receive(bit) => {
                next.net &= !(1 << bit);
                self.receive(&mut next, &self.message(bit));
            }
        }
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![Property::always("sound", |job: &Self, desk: &Desk| job.is_sound(*desk))]
    }
}

impl Coded for Job {
    type Code = [u64; 2];

    fn encode(&self, desk: &Desk) -> [u64; 2] {
        [desk.net, desk.rest]
    }

    fn decode(&self, [net, rest]: &[u64; 2]) -> Desk {
        Desk { net: *net, rest: *rest }
    }
}

/// The same, with the claim that every task ends: of itself, or because time runs out and tasks are
/// dispatched.
#[derive(Clone, Copy, Debug)]
pub struct Fair {
    pub job: Job,
    /// Whether anything has to happen.
    pub fair: bool,
}

impl Model for Fair {
    type State = Desk;
    type Action = Act;

    fn init_states(&self) -> Vec<Desk> {
        self.job.init_states()
    }

    fn actions(&self, desk: &Desk, actions: &mut Vec<Act>) {
        self.job.actions(desk, actions);
    }

    fn next_state(&self, desk: &Desk, act: Act) -> Option<Desk> {
        self.job.next_state(desk, act)
    }
}

impl Subject for Fair {
    fn claims(&self) -> Vec<Claim> {
        let claim = |name: &str, kind| Claim { name: name.to_owned(), kind };
        vec![claim("sound", Kind::Safety), claim("over", Kind::Progress)]
    }

    fn broken(&self, desk: &Desk) -> u64 {
        u64::from(!self.job.is_sound(*desk))
    }

    fn exercised(&self, _: &Desk) -> u64 {
        3
    }

    fn open(&self, desk: &Desk) -> u64 {
        u64::from(!self.job.is_over(*desk))
    }

    fn obligations(&self) -> Vec<Obligation> {
        vec![Obligation { claim: 1, name: "every task ends".to_owned() }]
    }

    fn fairness(&self, _: &Desk, act: &Act) -> Fairness {
        match act {
            Act::Timeout(task) if self.fair => Fairness::Weak(*task),
            Act::Dispatch(task, _) if self.fair => Fairness::Weak(2 + task),
            Act::Dispatch(..)
            | Act::Timeout(_)
            | Act::Restart(_)
            | Act::Crash(_)
            | Act::Finish(..)
            | Act::Drop(_)
            | Act::Receive(_) => Fairness::None,
        }
    }
}

impl Coded for Fair {
    type Code = [u64; 2];

    fn encode(&self, desk: &Desk) -> [u64; 2] {
        self.job.encode(desk)
    }

    fn decode(&self, code: &[u64; 2]) -> Desk {
        self.job.decode(code)
    }
}

impl Portable for Job {
    fn pack(&self, desk: &Desk, bytes: &mut Vec<u8>) {
        bytes.extend(desk.net.to_le_bytes());
        bytes.extend(desk.rest.to_le_bytes());
    }

    fn unpack(&self, bytes: &[u8]) -> Option<Desk> {
        let word = |bytes: &[u8]| Some(u64::from_le_bytes(bytes.try_into().ok()?));
        let (net, rest) = bytes.split_at_checked(8)?;
        Some(Desk { net: word(net)?, rest: word(rest)? })
    }
}

impl Portable for Fair {
    fn pack(&self, desk: &Desk, bytes: &mut Vec<u8>) {
        self.job.pack(desk, bytes);
    }

    fn unpack(&self, bytes: &[u8]) -> Option<Desk> {
        self.job.unpack(bytes)
    }
}
