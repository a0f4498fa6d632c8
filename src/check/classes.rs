//! Fairness: what may not be put off for ever. One weakly fair class for each message, armed timer,
//! step of a worker and exit; all fates of a message share its class, else an endless loss would
//! look like something that never happens. Faults belong to no class of their own, and neither do
//! clients, stray messages, the restart of a worker that crashed, and the exit of a process that
//! nobody wants: else everything would be over sooner or later, whether it was stopped or not.

use crate::controller_sm::Attempt;
use crate::model::id::{AttemptId, JobId, SliceId, TaskId, VmId, WorkerId};
use crate::model::operation::Operation;
use crate::model::timer::Timer;

use super::scope::Scope;
use super::state::State;
use super::world::is_cloud;

/// Classes of one task: its delivery, KillTask, report, last report, process, timeout, and the
/// timers of PENDING. Steps of one class follow each other and are never enabled in turns with
/// others of it, so that a class is fair exactly if each of its steps is.
const PER_TASK: usize = 7;
/// Classes of one worker: its heartbeat and, before that, its VM's coming up; its lease; the
/// controller's patience with it, before the first heartbeat with its VM; its quarantine.
const PER_WORKER: usize = 4;
/// Classes of one slice: what the provider owes, and idleness.
const PER_SLICE: usize = 2;
/// Slices that have classes.
const SLICES: usize = 4;

/// Whether the exit of an attempt's process is waited for. One that nobody wants any more might run
/// for ever: that it ends is not its own affair but that of who stops it.
fn is_wanted(state: &State, id: AttemptId) -> bool {
    state.controller.attempt(id).is_some_and(Attempt::is_live)
}

/// The numbering of the classes of a scope.
pub(in crate::check) struct Classes {
    /// How many tasks the jobs before each job have.
    before: Vec<usize>,
    tasks: usize,
    /// Workers that are there from the start.
    fixed: usize,
    /// Numbers of VMs that are told apart: those of as many as there can be, and of those that are
    /// gone and still mentioned, by a call for each task.
    vms: usize,
    groups: usize,
    /// Jobs of the client's script that are submitted before anything else happens.
    forced: Vec<bool>,
}

/// How many numbers of VMs are told apart in a scope.
pub(super) fn vm_numbers(scope: &Scope) -> usize {
    let machines = scope
        .groups
        .iter()
        .map(|group| usize::from(group.max_slices) * usize::from(group.vms_per_slice));
    let machines: usize = machines.sum();
    let tasks: usize = scope.jobs.iter().map(|plan| usize::from(plan.terms.replicas)).sum();
    machines + machines.min(tasks)
}

impl Classes {
    pub(in crate::check) fn of(scope: &Scope) -> Self {
        let mut tasks = 0;
        let before = scope
            .jobs
            .iter()
            .map(|plan| {
                tasks += usize::from(plan.terms.replicas);
                tasks - usize::from(plan.terms.replicas)
            })
            .collect();
        let forced = scope.jobs.iter().map(|plan| plan.at_start).collect();
        let (fixed, vms) = (scope.workers.len(), vm_numbers(scope));
        Self { before, tasks, fixed, vms, groups: scope.groups.len(), forced }
    }

    fn workers(&self) -> usize {
        self.fixed + self.vms
    }

    fn is_forced(&self, id: JobId) -> bool {
        let at = usize::try_from(id.0).ok().and_then(|n| n.checked_sub(1));
        at.and_then(|at| self.forced.get(at)).copied().unwrap_or(false)
    }

    /// How many classes there are; the engine takes 64.
    pub(in crate::check) fn count(&self) -> usize {
        let slices = if self.groups > 0 { SLICES * PER_SLICE } else { 0 };
        1 + self.tasks * PER_TASK + self.workers() * PER_WORKER + slices + self.groups
    }

    fn task(&self, id: TaskId, kind: usize) -> Option<u8> {
        let job = usize::try_from(id.job.0).ok()?.checked_sub(1)?;
        let at = self.before.get(job)? + usize::from(id.index);
        number(1 + at * PER_TASK + kind)
    }

    fn attempt(&self, id: AttemptId, kind: usize) -> Option<u8> {
        self.task(id.task, kind)
    }

    fn worker(&self, id: WorkerId, kind: usize) -> Option<u8> {
        let mut at = usize::try_from(id.0).ok()?.checked_sub(1)?;
        if at >= self.fixed {
            at = self.fixed + (at - self.fixed).checked_rem(self.vms)?;
        }
        number(1 + self.tasks * PER_TASK + at * PER_WORKER + kind)
    }

    fn vm(&self, id: VmId, kind: usize) -> Option<u8> {
        self.worker(id.worker(), kind)
    }

    fn slice(&self, id: SliceId, kind: usize) -> Option<u8> {
        let at = usize::try_from(id.number).ok()?.checked_sub(1)?;
        let at = (at + usize::from(id.group.0 - 1) * 2) % SLICES;
        let base = 1 + self.tasks * PER_TASK + self.workers() * PER_WORKER;
        number(base + at * PER_SLICE + kind)
    }

    /// The class of an operation, if it has one.
    pub(super) fn of_operation(&self, state: &State, operation: Operation) -> Option<u8> {
        match operation {
            Operation::ControllerStarts => Some(0),
            Operation::Submit(id) if self.is_forced(id) => Some(0),
            Operation::Run(id, _) | Operation::RunAnswer(id, _) => self.attempt(id, 0),
            Operation::Kill(id, _) => self.attempt(id, 1),
            Operation::Report(id, _) => self.attempt(id, 2),
            Operation::FinalReport(id, _) => self.attempt(id, 3),
            Operation::Exit(id, _) if !is_wanted(state, id) => None,
            Operation::Launch(id, _) | Operation::Exit(id, _) | Operation::Reaped(id) => {
                self.attempt(id, 4)
            }
            Operation::Beat(id, _)
            | Operation::BeatSent(id)
            | Operation::BeatArrives(id, _)
            | Operation::BeatAnswer(id, _) => self.worker(id, 0),
            Operation::LeaseEnds(id) => self.worker(id, 1),
            Operation::Fires(timer) => self.timer(timer),
            Operation::WorkerStarts(id) if is_cloud(state, id) => self.worker(id, 0),
            Operation::VmBoots(id) => self.vm(id, 0),
            Operation::SliceGranted(id)
            | Operation::SliceRefused(id, _)
            | Operation::SliceTerminated(id) => self.slice(id, 0),
            Operation::Submit(_)
            | Operation::Resubmit(_)
            | Operation::Cancel(_)
            | Operation::Drain(_)
            | Operation::StrayRun(..)
            | Operation::StrayBeat(..)
            | Operation::MonitorDies(_)
            | Operation::WorkerCrashes(_)
            | Operation::WorkerStarts(_)
            | Operation::ControllerCrashes
            | Operation::Cut(..)
            | Operation::Mended(..)
            | Operation::VmStuck(_)
            | Operation::SlicePreempted(_) => None,
        }
    }

    fn timer(&self, timer: Timer) -> Option<u8> {
        match timer {
            Timer::Retry(id) => self.attempt(id, 0),
            Timer::Timeout(id) => self.attempt(id, 5),
            Timer::Scheduling(id) | Timer::Grace(id) => self.task(id, 6),
            Timer::Silent(id) | Timer::Dead(id) => self.worker(id, 2),
            Timer::Quarantine(id) => self.worker(id, 3),
            Timer::Boot(id) | Timer::Init(id) => self.vm(id, 2),
            Timer::Idle(id) => self.slice(id, 1),
            Timer::Backoff(id) => {
                let base = 1 + self.tasks * PER_TASK + self.workers() * PER_WORKER;
                number(base + SLICES * PER_SLICE + usize::from(id.0 - 1))
            }
            Timer::Forget(_) => None,
        }
    }
}

/// The engine takes 64 classes; scopes with more are refused.
fn number(at: usize) -> Option<u8> {
    u8::try_from(at).ok().filter(|at| *at < 64)
}
