//! What goes into the controller and what comes out: facts in, orders out, nothing else.

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::model::id::{AttemptId, GroupId, JobId, Seat, SliceId, VmId, WorkerId};
use crate::model::spec::{BadSpec, JobSpec};
use crate::model::time::Millis;
use crate::model::timer::Timer;
use crate::model::wire::{BeatReply, Heartbeat, KillAnswer, Report, RunAnswer, TryError};

/// A fact that the controller learns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Input {
    /// A client submits a job.
    Submit(Box<JobSpec>),
    /// A client cancels a job.
    Cancel(JobId),
    /// An operator closes a worker, or opens it again.
    Drain {
        /// Which.
        worker: WorkerId,
        /// Whether it is to be closed.
        closed: bool,
    },
    /// A heartbeat arrived.
    Beat(Box<Heartbeat>),
    /// A report arrived.
    Report(Report),
    /// A RunTask was answered.
    RunAnswered {
        /// What was to run.
        attempt: AttemptId,
        /// The answer.
        answer: RunAnswer,
    },
    /// A try of a RunTask ended without an answer.
    TryFailed {
        /// What was to run.
        attempt: AttemptId,
        /// How.
        error: TryError,
    },
    /// A KillTask was answered.
    KillAnswered {
        /// What was to stop.
        attempt: AttemptId,
        /// The answer.
        answer: KillAnswer,
    },
    /// A timer ran out.
    Fired(Timer),
    /// The provider granted a slice.
    SliceGranted(SliceId),
    /// The provider refused a slice.
    SliceRefused {
        /// Which.
        slice: SliceId,
        /// Whether for want of quota.
        quota: bool,
    },
    /// The provider says that a machine has started.
    VmBooted(VmId),
    /// The provider took a slice away.
    SlicePreempted(SliceId),
    /// The provider says that a slice is gone, as asked.
    SliceTerminated(SliceId),
    /// The controller has replayed its journal and starts to act again.
    Restarted,
}

/// An answer to a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientReply {
    /// The job that was submitted, now or by the same request before.
    Submitted(JobId),
    /// The spec is out of its limits; nothing happened.
    BadSpec(BadSpec),
    /// The job has ended, now or before.
    Cancelled(JobId),
    /// The worker is closed or open, as asked.
    Drained(WorkerId),
    /// There is no such job or worker; nothing happened.
    NotFound,
}

/// An order of the controller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// The input changed something: it must be durable before any other effect is performed.
    Persist,
    /// Answer the client whose input this was.
    Reply(ClientReply),
    /// Answer the heartbeat that this was.
    ReplyBeat(BeatReply),
    /// Acknowledge the report that this was.
    ReplyReport,
    /// Try to deliver an attempt.
    SendRun {
        /// What.
        attempt: AttemptId,
        /// To whom.
        seat: Seat,
    },
    /// Tell a worker to stop an attempt, once: heartbeat replies repeat it.
    SendKill {
        /// What.
        attempt: AttemptId,
        /// To whom.
        seat: Seat,
        /// A fence.
        only_if_not_started: bool,
    },
    /// Start a timer, or start it anew.
    Arm(Timer, Millis),
    /// Stop a timer.
    Disarm(Timer),
    /// Ask the provider for a slice with these machines.
    CreateSlice {
        /// Which.
        slice: SliceId,
        /// Of which group.
        group: GroupId,
        /// Its machines.
        vms: SmallVec<[VmId; 2]>,
    },
    /// Ask the provider to end a slice.
    TerminateSlice(SliceId),
    /// A job has ended: wake those who wait for it.
    JobEnded(JobId),
}

/// What the controller orders, in order.
pub type Effects = SmallVec<[Effect; 6]>;
