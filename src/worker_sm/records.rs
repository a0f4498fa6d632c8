//! What goes into a worker and what comes out, and what it knows of an attempt.

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::model::exit::{Fault, Final};
use crate::model::id::{AttemptId, Incarnation};
use crate::model::resources::Resources;
use crate::model::task::Phase;
use crate::model::timer::WorkerTimer;
use crate::model::wire::{
    BeatReply, Heartbeat, KillAnswer, KillTask, Report, RunAnswer, RunTask, Word,
};

/// How a process ended, as the operating system tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exit {
    /// By itself, with 0.
    Success,
    /// By itself, with an error.
    Error,
    /// By a signal of this worker's.
    Stopped,
}

/// A fact that a worker learns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkerInput {
    /// A `RunTask` arrived, for a task that needs this much.
    Run(RunTask, Resources),
    /// A `KillTask` arrived.
    Kill(KillTask),
    /// The next heartbeat is due.
    BeatDue,
    /// A heartbeat of this incarnation was answered.
    BeatAnswered(Incarnation, BeatReply),
    /// A report was acknowledged.
    ReportAcked(AttemptId),
    /// The process of an attempt runs.
    Launched(AttemptId),
    /// The process of an attempt could not be started.
    LaunchFailed(AttemptId, Fault),
    /// The process of an attempt is gone.
    Exited(AttemptId, Exit),
    /// The monitor of an attempt died.
    MonitorDied(AttemptId),
    /// A timer ran out.
    Fired(WorkerTimer),
}

/// An order of a worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WorkerEffect {
    /// Answer the `RunTask` that this was.
    AnswerRun(RunAnswer),
    /// Answer the `KillTask` that this was.
    AnswerKill(KillAnswer),
    /// Send a heartbeat.
    SendBeat(Heartbeat),
    /// Send a report, once: heartbeats repeat what matters of it.
    SendReport(Report),
    /// Start the process of an attempt: bundle, container, command.
    Launch(AttemptId),
    /// Give up a launch that has not come to a process; nothing of it may run afterwards.
    AbortLaunch(AttemptId),
    /// Ask a process to end (SIGTERM).
    Terminate(AttemptId),
    /// End a process (SIGKILL).
    Destroy(AttemptId),
    /// Run the lease from the sending of the heartbeat that was answered.
    RenewLease,
    /// Run the kill grace of an attempt.
    ArmKill(AttemptId),
    /// Everything has stopped: go on as this incarnation, and make that durable first.
    BecomeIncarnation(Incarnation),
}

/// What a worker orders, in order.
pub type WorkerEffects = SmallVec<[WorkerEffect; 3]>;

/// Whether the worker may start anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Lease {
    /// No heartbeat of this incarnation was acknowledged yet.
    Awaited,
    /// It was, not too long ago.
    Held,
    /// It ran out, or nobody knows the worker: everything is being stopped.
    Lost,
}

/// What the worker does about an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Local {
    /// Bundle and container are being made.
    Building,
    /// Its process runs.
    Running,
    /// Its process was asked to end, for this last word unless it ends by itself first.
    Stopping(Final),
    /// It is over.
    Done {
        /// As what.
        word: Final,
        /// Whether heartbeats still list it.
        listed: bool,
    },
}

/// An attempt that this incarnation was told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Entry {
    /// Which.
    pub attempt: AttemptId,
    /// What it takes here while it is not over.
    pub need: Resources,
    /// What is done about it.
    pub local: Local,
}

/// What a heartbeat says of an attempt.
pub(super) fn listing(local: Local) -> Option<Word> {
    match local {
        Local::Building => Some(Word::Phase(Phase::Building)),
        Local::Running | Local::Stopping(_) => Some(Word::Phase(Phase::Running)),
        Local::Done { word, listed: true } => Some(Word::Final(word)),
        Local::Done { listed: false, .. } => None,
    }
}
