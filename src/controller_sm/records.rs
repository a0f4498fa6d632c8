//! The controller's records: jobs, tasks, attempts, workers, slices. Sorted, compact, without a
//! clock; nothing is stored that can be derived, save the sums that keep a step short.

use std::collections::VecDeque;
use std::hash::{Hash, Hasher};

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::model::budget::Tally;
use crate::model::id::{AttemptId, Incarnation, JobId, Seat, TaskId, VmId, WorkerId};
use crate::model::job::{Census, JobState};
use crate::model::resources::{Attributes, Resources};
use crate::model::spec::{Payload, Terms};
use crate::model::task::{Cause, Outcome, TaskState};
use crate::model::vm::VmState;
use crate::model::wire::Clock;
use crate::model::worker::WorkerState;
use smol_str::SmolStr;

/// Rows sorted by key. Keys are given in ascending order, so a new row nearly always goes to the
/// end, and an old one leaves near the front: both are cheap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table<K, V>(VecDeque<(K, V)>);

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<K: Hash, V: Hash> Hash for Table<K, V> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.len().hash(state);
        for row in &self.0 {
            row.hash(state);
        }
    }
}

impl<K: Copy + Ord, V> Table<K, V> {
    fn at(&self, key: K) -> Result<usize, usize> {
        // Almost every table of a model has one row or two.
        if let Some((first, _)) = self.0.front()
            && *first == key
        {
            return Ok(0);
        }
        self.0.binary_search_by_key(&key, |row| row.0)
    }

    /// The row of this key.
    pub fn get(&self, key: K) -> Option<&V> {
        self.at(key).ok().map(|at| &self.0[at].1)
    }

    /// The row of this key, to be changed.
    pub fn get_mut(&mut self, key: K) -> Option<&mut V> {
        self.at(key).ok().map(|at| &mut self.0[at].1)
    }

    /// The row of this key, made if there is none.
    pub fn entry(&mut self, key: K, make: impl FnOnce() -> V) -> &mut V {
        let at = match self.at(key) {
            Ok(at) => at,
            Err(at) => {
                self.0.insert(at, (key, make()));
                at
            }
        };
        &mut self.0[at].1
    }

    /// Takes the row of this key out.
    pub fn remove(&mut self, key: K) -> Option<V> {
        self.at(key).ok().and_then(|at| self.0.remove(at)).map(|row| row.1)
    }

    /// All rows in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (K, &V)> + Clone {
        self.0.iter().map(|(key, value)| (*key, value))
    }

    /// Takes out the rows whose key does not stay.
    pub(super) fn retain(&mut self, stays: impl Fn(K) -> bool) {
        self.0.retain(|row| stays(row.0));
    }

    /// All rows in order, keys included: for renaming, which keeps the order or has it restored.
    pub(super) fn rows_mut(&mut self) -> impl Iterator<Item = &mut (K, V)> {
        self.0.iter_mut()
    }

    /// Restores the order.
    pub(super) fn sort(&mut self) {
        self.0.make_contiguous().sort_unstable_by_key(|row| row.0);
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// How far the delivery of an attempt has come that nobody has heard of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Delivery {
    /// Tries begun, from 1.
    pub tries: u8,
    /// Whether one of them may have arrived.
    pub unknown: bool,
    /// What happens now.
    pub stage: Stage,
}

/// What happens to a delivery now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Stage {
    /// A try is under way.
    Trying,
    /// The pause before the next try.
    Pausing,
    /// Given up, and it may have arrived: only the worker's word or its end settles it.
    InDoubt,
}

/// Where an attempt stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Standing {
    /// ASSIGNED: its worker has not been heard of it.
    Offered(Delivery),
    /// Its worker has it since this clock or earlier.
    Accepted(Clock),
    /// Somebody decided; nothing of this ever changes but `gone`, once.
    Ended {
        /// As what.
        outcome: Outcome,
        /// Why.
        cause: Cause,
        /// Whether no process of it runs or ever will.
        gone: bool,
    },
}

/// One try of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Attempt {
    /// Where.
    pub seat: Seat,
    /// How it stands.
    pub standing: Standing,
}

impl Attempt {
    /// Whether nobody has decided its end.
    pub fn is_live(&self) -> bool {
        match self.standing {
            Standing::Offered(_) | Standing::Accepted(_) => true,
            Standing::Ended { .. } => false,
        }
    }

    /// Whether no process of it runs or ever will.
    pub fn is_gone(&self) -> bool {
        match self.standing {
            Standing::Offered(_) | Standing::Accepted(_) => false,
            Standing::Ended { gone, .. } => gone,
        }
    }
}

/// One replica of a job.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Task {
    /// Where it stands.
    pub state: TaskState,
    /// What it has spent.
    pub spent: Tally,
    /// Where its last attempt failed, if it did.
    pub avoid: Option<WorkerId>,
    /// All its tries, dense from 0.
    pub attempts: SmallVec<[Attempt; 2]>,
}

impl Task {
    /// The number of its last attempt.
    pub fn last(&self) -> Option<u16> {
        u16::try_from(self.attempts.len()).ok()?.checked_sub(1)
    }

    /// Whether a new attempt may be placed: it is PENDING, and no process of it can run any more.
    /// That the last attempt was placed at all means that those before it are gone.
    pub fn may_be_placed(&self) -> bool {
        self.state == TaskState::Pending
            && self.attempts.last().is_none_or(Attempt::is_gone)
            && self.has_numbers()
    }

    /// Whether there is a number for one attempt more. Its own budgets leave enough; but a member
    /// of a large gang goes back as often as all the others may fail.
    pub(super) fn has_numbers(&self) -> bool {
        self.attempts.len() < usize::from(u16::MAX)
    }
}

/// A job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// What was asked for.
    pub terms: Terms,
    /// What the machine only hands on; nothing where a model leaves it out.
    pub payload: Option<Box<Payload>>,
    /// The request that submitted it.
    pub request_id: Option<SmolStr>,
    /// Its replicas.
    pub tasks: Vec<Task>,
    /// How many of them stand where.
    pub(super) census: Census,
    /// Whether its end has been announced.
    pub(super) was_ended: bool,
}

/// What was asked for never changes, and the census follows from the tasks: neither needs hashing.
impl Hash for Job {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.tasks.hash(state);
    }
}

impl Job {
    /// The fold over its tasks.
    pub fn state(&self) -> JobState {
        self.census.fold(&self.terms)
    }

    /// How many of its tasks stand where.
    pub fn census(&self) -> Census {
        self.census
    }
}

/// A name that has been heard of.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Slot {
    /// The highest incarnation ever accepted.
    pub highest: Incarnation,
    /// Whether an operator has closed the name.
    pub drained: bool,
    /// What is listened to.
    pub live: Option<Worker>,
}

/// A live worker: HEALTHY or DEGRADED, of its slot's highest incarnation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Worker {
    /// HEALTHY or DEGRADED.
    pub state: WorkerState,
    /// Failed launches in a row.
    pub failed_launches: u8,
    /// What it has in all.
    pub total: Resources,
    /// What its attempts that are not confirmed gone hold.
    pub held: Resources,
    /// What it says of itself.
    pub attributes: Attributes,
    /// Its attempts that are not confirmed gone, sorted.
    pub attempts: SmallVec<[AttemptId; 2]>,
}

/// Capacity and attributes are fixed for an incarnation, but of which group and slice a machine is
/// may be known nowhere else any more.
impl Hash for Worker {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.state, self.failed_launches, self.total, self.held.cpu_milli).hash(state);
        (&self.attributes, &self.attempts).hash(state);
    }
}

impl Worker {
    /// What may still be placed on it.
    pub fn room(&self) -> Resources {
        self.total.minus(self.held).expect("invariant: a worker never holds more than it has")
    }
}

/// What a scale group offers; fixed for the life of the controller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupConfig {
    /// Slices that are kept even when idle.
    pub min_slices: u16,
    /// Slices that there may be at once.
    pub max_slices: u16,
    /// Machines in a slice, at least 1.
    pub vms_per_slice: u8,
    /// What a machine's worker has.
    pub capacity: Resources,
    /// What it says of itself, beside `slice`.
    pub attributes: Attributes,
}

/// Whether a group may be asked for slices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum GroupState {
    /// Yes, unless it has its maximum.
    Available,
    /// Not before a pause is over that doubles with each failure in a row.
    Backoff,
    /// Not before the provider may have quota again.
    QuotaExceeded,
}

/// A scale group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// What it offers.
    pub config: GroupConfig,
    /// Whether it may be asked.
    pub state: GroupState,
    /// Failed slices in a row, as far as they lengthen the pause.
    pub failures: u8,
    /// The number of the next slice.
    pub next_slice: u32,
}

impl Hash for Group {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.state, self.failures, self.next_slice).hash(state);
    }
}

/// VMs that live and die together.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Slice {
    /// Its machines.
    pub vms: SmallVec<[(VmId, VmState); 2]>,
    /// Whether it is to go.
    pub closed: bool,
    /// Whether its idle timer is armed.
    pub idle: bool,
}

impl Slice {
    /// Whether all of it serves.
    pub fn is_ready(&self) -> bool {
        self.vms.iter().all(|(_, state)| *state == VmState::Ready)
    }

    /// Whether it may still come to serve.
    pub fn is_on_its_way(&self) -> bool {
        !self.closed && self.vms.iter().any(|(_, state)| state.is_on_its_way())
    }
}

/// A job's task of this index.
pub(super) fn task_id(job: JobId, index: usize) -> TaskId {
    job.task(u16::try_from(index).expect("invariant: a job has at most 10,000 replicas"))
}
