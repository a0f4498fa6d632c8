//! What an outside observer may see of a cluster: borrowed, without allocation, the same for a
//! state of the model and for the cluster that runs. Claims are judged on nothing else.

use serde::{Deserialize, Serialize};

use super::budget::{Budget, Tally};
use super::id::{AttemptId, GroupId, Incarnation, JobId, Seat, SliceId, TaskId, VmId, WorkerId};
use super::job::JobState;
use super::resources::{Attributes, Resources};
use super::spec::Terms;
use super::task::{Cause, Outcome, TaskState};
use super::timer::Timer;
use super::vm::VmState;
use super::worker::WorkerState;

/// A job.
#[derive(Debug, Clone, Copy)]
pub struct JobView<'a> {
    /// Which.
    pub id: JobId,
    /// What the client asked for.
    pub terms: &'a Terms,
    /// What the client is told of it.
    pub told: JobState,
}

/// A task.
#[derive(Debug, Clone, Copy)]
pub struct TaskView {
    /// Which.
    pub id: TaskId,
    /// Where it stands.
    pub state: TaskState,
    /// Its three counters.
    pub spent: Tally,
    /// How many attempts that are no longer listed were charged to each budget.
    pub forgotten: Tally,
    /// Where its last attempt failed.
    pub avoid: Option<WorkerId>,
}

/// An attempt.
#[derive(Debug, Clone, Copy)]
pub struct AttemptView {
    /// Which.
    pub id: AttemptId,
    /// Where.
    pub seat: Seat,
    /// As what and why it ended, if it has.
    pub end: Option<(Outcome, Cause)>,
    /// Whether it is confirmed gone.
    pub gone: bool,
    /// Whether its worker has been heard of it; of an ended attempt nobody asks.
    pub heard: bool,
    /// Tries of its delivery begun; 0 where it was heard of or has ended.
    pub tries: u8,
}

/// A live worker, as the controller sees it.
#[derive(Debug, Clone, Copy)]
pub struct WorkerView<'a> {
    /// Which, and the incarnation that is listened to.
    pub seat: Seat,
    /// HEALTHY or DEGRADED.
    pub state: WorkerState,
    /// What it has in all.
    pub total: Resources,
    /// What its attempts are said to hold.
    pub held: Resources,
    /// What it says of itself.
    pub attributes: &'a Attributes,
}

/// A scale group.
#[derive(Debug, Clone, Copy)]
pub struct GroupView {
    /// Which.
    pub id: GroupId,
    /// Slices that there may be at once.
    pub max_slices: u16,
}

/// A slice that is not gone.
#[derive(Debug, Clone, Copy)]
pub struct SliceView<'a> {
    /// Which.
    pub id: SliceId,
    /// Its machines.
    pub vms: &'a [(VmId, VmState)],
    /// Whether it is to go.
    pub closed: bool,
}

/// How far a process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ProcessStage {
    /// Bundle and container are being made.
    Launching,
    /// It runs.
    Alive,
    /// It was asked to end, and still runs.
    Stopping,
}

/// A process that really is there, whatever the controller believes.
#[derive(Debug, Clone, Copy)]
pub struct ProcessView {
    /// Of which attempt.
    pub attempt: AttemptId,
    /// Where.
    pub seat: Seat,
    /// How far.
    pub stage: ProcessStage,
}

/// What the controller heard or did in a step.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// A heartbeat.
    Beat {
        /// Whose.
        seat: Seat,
        /// The attempts that it names.
        about: &'a [AttemptId],
    },
    /// A report, or an answer to a KillTask.
    Report {
        /// Whose.
        seat: Seat,
        /// Of which attempt.
        about: AttemptId,
        /// Whether it says that the attempt is not there and never will be, unstarted.
        missing: bool,
    },
    /// An answer to a RunTask.
    RunAnswer {
        /// Of which attempt.
        about: AttemptId,
        /// Whether it was refused.
        refused: bool,
    },
    /// A try of a RunTask ended without an answer; was it unknown whether it arrived?
    TryFailed {
        /// Of which attempt.
        about: AttemptId,
        /// Whether it may have arrived.
        unknown: bool,
    },
    /// A timer ran out.
    Fired(Timer),
    /// A client or an operator asked for something.
    Client,
    /// The provider said something.
    Provider,
    /// The controller restarted.
    Restarted,
    /// Something of which the controller heard nothing.
    Elsewhere,
}

/// What the worker's side did in a step, as far as claims ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Started {
    /// No process was started and no RunTask repeated.
    Nothing,
    /// A RunTask arrived for an attempt that was over at its worker.
    Repeated(AttemptId),
    /// A launch was begun.
    Launch(AttemptId),
}

/// What an outside observer may see.
pub trait View {
    /// All jobs, in order.
    fn jobs(&self) -> impl Iterator<Item = JobView<'_>>;
    /// The tasks of a job, in order.
    fn tasks(&self, job: JobId) -> impl Iterator<Item = TaskView>;
    /// The attempts of a task that are listed, in order.
    fn attempts(&self, task: TaskId) -> impl Iterator<Item = AttemptView>;
    /// One attempt.
    fn attempt(&self, id: AttemptId) -> Option<AttemptView>;
    /// The live workers, in order.
    fn workers(&self) -> impl Iterator<Item = WorkerView<'_>>;
    /// The highest incarnation of a worker that the controller ever accepted.
    fn highest(&self, worker: WorkerId) -> Option<Incarnation>;
    /// The scale groups, in order.
    fn groups(&self) -> impl Iterator<Item = GroupView>;
    /// The slices that are not gone, in order.
    fn slices(&self) -> impl Iterator<Item = SliceView<'_>>;
    /// The processes that there really are.
    fn processes(&self) -> impl Iterator<Item = ProcessView>;
    /// Attempts that exited by themselves before anybody had decided their end, and whose exit the
    /// controller has not recorded, with the incarnation that ran them.
    fn exits(&self) -> impl Iterator<Item = (AttemptId, Seat)>;
    /// How often an attempt was started, over all incarnations.
    fn starts(&self, id: AttemptId) -> u32;
    /// Whether a worker has words on ended attempts that nobody acknowledged yet.
    fn has_unacknowledged(&self) -> bool;
    /// Whether ends are charged to this budget at all under the cluster's policy.
    fn charges(&self, budget: Budget) -> bool;
    /// How often a RunTask is tried.
    fn delivery_tries(&self) -> u8;
    /// Whether clocks keep what the lease promises.
    fn clocks_are_kept(&self) -> bool;
}

/// Two views with what happened in between: what claims across a step are judged on.
#[derive(Debug)]
pub struct StepView<'a, V> {
    /// Before.
    pub before: &'a V,
    /// After.
    pub after: &'a V,
    /// What the controller heard.
    pub event: Event<'a>,
    /// What a worker started.
    pub started: Started,
    /// Whether the step is a fault.
    pub fault: bool,
}
