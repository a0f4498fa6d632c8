//! The controller as a pure machine: [`ControllerSm::on`] takes a fact and answers with orders.
//!
//! It has no clock (it arms timers by effect and hears of them by input), no chance (a
//! [`Chooser`] tells equals apart) and no I/O. The model explores it, the running cluster embeds
//! it: the very same type. The law for its caller: perform the effects of an input, in order,
//! before the next one; if [`Effect::Persist`] is first, make the input durable before the others.
//!
//! All branching on inputs is the one `match` in this file. One turn has two halves: the input is
//! applied (attempts end, workers come and go), then [`settle`](ControllerSm::on) draws every
//! consequence once, however the input caused it: gangs, job ends, placement, slices, grace.

mod abstraction;
mod armed;
mod beats;
mod delivery;
mod demand;
mod fleet;
mod heard;
mod input;
mod inspect;
mod jobs;
mod place;
mod records;
mod seen;
mod settle;
mod turn;
mod workers;

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use smol_str::SmolStr;

use crate::model::id::{GroupId, JobId, SliceId, TaskId, WorkerId};
use crate::model::policy::Policy;
use crate::model::scheduler::Chooser;
use crate::model::timer::Timer;

pub use abstraction::{Renaming, rank};
pub use heard::Heard;
pub use input::{ClientReply, Effect, Effects, Input};
pub use inspect::PendingReason;
pub use records::{
    Attempt, Delivery, Group, GroupConfig, GroupState, Job, Slice, Slot, Stage, Standing, Table,
    Task, Worker,
};

use turn::Turn;

/// The controller. Its value is all that a restart needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControllerSm {
    policy: Policy,
    jobs: Table<JobId, Job>,
    next_job: u32,
    requests: BTreeMap<SmolStr, JobId>,
    /// Ended jobs that are still kept.
    kept: u32,
    workers: Table<WorkerId, Slot>,
    groups: SmallVec<[Group; 1]>,
    slices: Table<SliceId, Slice>,
    first_vm: u32,
    next_vm: u32,
    /// Slices in a row that never served, as far as they count.
    barren: u8,
    /// Tasks that may be placed, in order: they follow from the jobs, and save a search.
    waiting: SmallVec<[TaskId; 4]>,
}

/// What follows from the rest, or never changes within one search, is not hashed.
impl Hash for ControllerSm {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.jobs.hash(state);
        self.workers.hash(state);
        if !self.groups.is_empty() {
            self.groups.hash(state);
            self.slices.hash(state);
            (self.next_vm, self.barren).hash(state);
        }
    }
}

impl ControllerSm {
    /// A controller that knows no job and no worker. Groups are numbered from `g1` in the order
    /// given, which should be that of their names. VMs are numbered from `first_vm`: workers with
    /// lower numbers belong to no group.
    pub fn new(policy: Policy, groups: Vec<GroupConfig>, first_vm: u32) -> Self {
        let group =
            |config| Group { config, state: GroupState::Available, failures: 0, next_slice: 1 };
        Self {
            policy,
            jobs: Table::default(),
            next_job: 1,
            requests: BTreeMap::new(),
            kept: 0,
            workers: Table::default(),
            groups: groups.into_iter().map(group).collect(),
            slices: Table::default(),
            first_vm,
            next_vm: first_vm,
            barren: 0,
            waiting: SmallVec::new(),
        }
    }

    /// Takes a fact and answers with orders; equals are told apart by the lowest id.
    #[must_use = "an effect that is not performed is a message that is lost"]
    pub fn on(&mut self, input: Input) -> Effects {
        self.on_choosing(input, &mut { Chooser::LOWEST })
    }

    /// Takes a fact and answers with orders; equals are told apart by the choice.
    #[must_use = "an effect that is not performed is a message that is lost"]
    pub fn on_choosing(&mut self, input: Input, chooser: &mut Chooser) -> Effects {
        let mut turn = Turn::new(self.is_starved());
        match input {
            Input::Submit(spec) => self.submit(&mut turn, *spec),
            Input::Cancel(job) => self.cancel(&mut turn, job),
            Input::Drain { worker, closed } => self.drain(&mut turn, worker, closed),
            Input::Beat(beat) => self.beat(&mut turn, &beat),
            Input::Report(report) => self.report(&mut turn, report),
            Input::RunAnswered { attempt, answer } => self.run_answered(&mut turn, attempt, answer),
            Input::TryFailed { attempt, error } => self.try_failed(&mut turn, attempt, error),
            Input::KillAnswered { attempt, answer } => {
                self.kill_answered(&mut turn, attempt, answer);
            }
            Input::Fired(timer) => self.fired(&mut turn, timer),
            Input::SliceGranted(slice) => self.slice_granted(&mut turn, slice),
            Input::SliceRefused { slice, quota } => self.slice_refused(&mut turn, slice, quota),
            Input::VmBooted(vm) => self.vm_booted(&mut turn, vm),
            Input::SlicePreempted(slice) => self.slice_preempted(&mut turn, slice),
            Input::SliceTerminated(slice) => self.slice_terminated(&mut turn, slice),
            Input::Restarted => self.restarted(&mut turn),
        }
        self.settle(&mut turn, chooser);
        turn.into_effects()
    }

    /// A timer ran out. One that the machine no longer wants finds nothing to do.
    fn fired(&mut self, turn: &mut Turn, timer: Timer) {
        match timer {
            Timer::Silent(worker) => self.silent(turn, worker),
            Timer::Dead(worker) => self.timed_out(turn, worker),
            Timer::Quarantine(worker) => self.quarantine_over(turn, worker),
            Timer::Retry(attempt) => self.retry(turn, attempt),
            Timer::Timeout(attempt) => self.attempt_timed_out(turn, attempt),
            Timer::Scheduling(task) => self.scheduling_timed_out(turn, task),
            Timer::Grace(task) => self.grace_over(turn, task),
            Timer::Boot(vm) => self.boot_timed_out(turn, vm),
            Timer::Init(vm) => self.init_timed_out(turn, vm),
            Timer::Idle(slice) => self.idle_over(turn, slice),
            Timer::Backoff(group) => self.backoff_over(turn, group),
            Timer::Forget(job) => self.forget(turn, job),
        }
    }

    /// The policy that it follows.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The group of this id.
    fn group_mut(&mut self, id: GroupId) -> Option<&mut Group> {
        self.groups.get_mut(usize::from(id.0).checked_sub(1)?)
    }
}
