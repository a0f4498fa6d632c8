//! Everything that the world can do to a cluster, in one vocabulary: the model's actions, what is
//! done to the running cluster, the steps of a trace, and the operations of generated tests.

mod names;
mod told;

use serde::{Deserialize, Serialize};

use super::id::{AttemptId, JobId, SliceId, VmId, WorkerId};
use super::timer::Timer;

pub use names::Names;

/// What becomes of a message and its answer, taken as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// It arrives and is answered.
    Done,
    /// It never arrives; the sender learns that it failed.
    RequestLost,
    /// It arrives and has its effect; the answer is lost.
    AnswerLost,
    /// The sender gives up; the message is still travelling.
    Late,
    /// It arrives, and is still travelling a second time.
    Duplicated,
}

/// How a launch goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Launch {
    /// The process runs.
    Works,
    /// The bundle cannot be fetched or unpacked.
    BundleFails,
    /// The container cannot be made.
    ContainerFails,
}

/// How the sender of a RunTask learns that a try failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunFate {
    /// It arrives; the answer travels.
    Arrives,
    /// UNAVAILABLE: no byte left.
    NotSent,
    /// It never arrives, and the sender cannot know.
    Lost,
    /// It never arrives, and the sender gets an error of an unexpected type.
    Unexpected,
    /// The sender gives up; the message is still travelling.
    Late,
    /// It arrives, and is still travelling a second time.
    Duplicated,
}

/// A direction of the network between the controller and a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// From the controller to the worker.
    ToWorker,
    /// From the worker to the controller.
    FromWorker,
}

/// One thing that happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// The client submits the next job of its script, this one.
    Submit(JobId),
    /// The client submits this job once more, by the same request.
    Resubmit(JobId),
    /// The client cancels a job.
    Cancel(JobId),
    /// An operator drains a worker.
    Drain(WorkerId),
    /// A RunTask that the controller waits for.
    Run(AttemptId, RunFate),
    /// A RunTask that the controller has given up, or a second copy, is still travelling.
    StrayRun(AttemptId, Fate),
    /// The answer to a RunTask.
    RunAnswer(AttemptId, Fate),
    /// A KillTask and its answer.
    Kill(AttemptId, Fate),
    /// A report that is not the last, and its acknowledgement.
    Report(AttemptId, Fate),
    /// The last report on an attempt, and its acknowledgement.
    FinalReport(AttemptId, Fate),
    /// A heartbeat and its answer as one step.
    Beat(WorkerId, Fate),
    /// A heartbeat that its sender has given up is still travelling.
    StrayBeat(WorkerId, Fate),
    /// A worker sends a heartbeat (in scopes where its three steps are told apart).
    BeatSent(WorkerId),
    /// A heartbeat arrives; the answer travels.
    BeatArrives(WorkerId, Fate),
    /// The answer to a heartbeat.
    BeatAnswer(WorkerId, Fate),
    /// A worker brings an attempt to a process, or fails to.
    Launch(AttemptId, Launch),
    /// A process ends by itself; with 0 or not.
    Exit(AttemptId, bool),
    /// A process that was asked to stop is gone.
    Reaped(AttemptId),
    /// The monitor of an attempt dies.
    MonitorDies(AttemptId),
    /// A timer of the controller runs out.
    Fires(Timer),
    /// The lease of a worker runs out.
    LeaseEnds(WorkerId),
    /// A worker and all its processes die.
    WorkerCrashes(WorkerId),
    /// A worker starts, as its next incarnation.
    WorkerStarts(WorkerId),
    /// The controller dies.
    ControllerCrashes,
    /// The controller starts and replays its journal.
    ControllerStarts,
    /// The network is cut one way.
    Cut(WorkerId, Direction),
    /// A cut is mended.
    Mended(WorkerId, Direction),
    /// The provider grants a slice.
    SliceGranted(SliceId),
    /// The provider refuses a slice; for want of quota or not.
    SliceRefused(SliceId, bool),
    /// A machine starts.
    VmBoots(VmId),
    /// A machine will never come up by itself.
    VmStuck(VmId),
    /// The provider takes a slice away.
    SlicePreempted(SliceId),
    /// The provider has ended a slice, as asked.
    SliceTerminated(SliceId),
}

/// A kind of fault, as fault menus name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// A RunTask that is not sent.
    RunNotSent,
    /// A RunTask that is lost; the sender cannot know.
    RunLost,
    /// A RunTask that fails with an error of an unexpected type.
    RunUnexpected,
    /// A RunTask that is given up and still travels.
    RunLate,
    /// A RunTask that arrives twice.
    RunDuplicated,
    /// The answer to a RunTask is lost.
    RunAnswerLost,
    /// A KillTask is lost.
    KillLost,
    /// The answer to a KillTask is lost.
    KillAnswerLost,
    /// A report is lost.
    ReportLost,
    /// The acknowledgement of a report is lost.
    ReportAnswerLost,
    /// A report arrives twice.
    ReportDuplicated,
    /// A heartbeat is lost.
    BeatLost,
    /// The answer to a heartbeat is lost.
    BeatAnswerLost,
    /// A heartbeat arrives after its sender has given it up.
    BeatLate,
    /// The network from the controller to a worker is cut.
    CutToWorker,
    /// The network from a worker to the controller is cut.
    CutFromWorker,
    /// A worker dies.
    WorkerCrash,
    /// The controller dies.
    ControllerCrash,
    /// A bundle cannot be fetched.
    Bundle,
    /// A container cannot be made.
    Container,
    /// A monitor dies.
    Monitor,
    /// A process exits with an error.
    ExitError,
    /// A slice is refused.
    SliceRefused,
    /// A slice is refused for want of quota.
    QuotaExceeded,
    /// A machine never comes up.
    VmStuck,
    /// A slice is taken away.
    SlicePreempted,
    /// The client cancels.
    Cancel,
    /// The client submits the same request again.
    Resubmit,
    /// An operator drains a worker.
    Drain,
}

impl FaultKind {
    /// All kinds, in the order in which menus are printed.
    pub const ALL: [Self; 29] = [
        Self::RunNotSent,
        Self::RunLost,
        Self::RunUnexpected,
        Self::RunLate,
        Self::RunDuplicated,
        Self::RunAnswerLost,
        Self::KillLost,
        Self::KillAnswerLost,
        Self::ReportLost,
        Self::ReportAnswerLost,
        Self::ReportDuplicated,
        Self::BeatLost,
        Self::BeatAnswerLost,
        Self::BeatLate,
        Self::CutToWorker,
        Self::CutFromWorker,
        Self::WorkerCrash,
        Self::ControllerCrash,
        Self::Bundle,
        Self::Container,
        Self::Monitor,
        Self::ExitError,
        Self::SliceRefused,
        Self::QuotaExceeded,
        Self::VmStuck,
        Self::SlicePreempted,
        Self::Cancel,
        Self::Resubmit,
        Self::Drain,
    ];
}

impl Operation {
    /// The fault that this is, if it is one: what the menu of a scope must offer. Losses on a cut
    /// way and to one who is down are no faults of their own; whoever offers operations knows.
    pub fn fault(self) -> Option<FaultKind> {
        match self {
            Self::Resubmit(_) => Some(FaultKind::Resubmit),
            Self::Cancel(_) => Some(FaultKind::Cancel),
            Self::Drain(_) => Some(FaultKind::Drain),
            Self::Run(_, fate) => match fate {
                RunFate::Arrives => None,
                RunFate::NotSent => Some(FaultKind::RunNotSent),
                RunFate::Lost => Some(FaultKind::RunLost),
                RunFate::Unexpected => Some(FaultKind::RunUnexpected),
                RunFate::Late => Some(FaultKind::RunLate),
                RunFate::Duplicated => Some(FaultKind::RunDuplicated),
            },
            Self::RunAnswer(_, fate) => failing(fate, FaultKind::RunAnswerLost),
            Self::Kill(_, Fate::AnswerLost) => Some(FaultKind::KillAnswerLost),
            Self::Kill(_, fate) => failing(fate, FaultKind::KillLost),
            Self::Report(_, fate) | Self::FinalReport(_, fate) => match fate {
                Fate::Done => None,
                Fate::RequestLost | Fate::Late => Some(FaultKind::ReportLost),
                Fate::AnswerLost => Some(FaultKind::ReportAnswerLost),
                Fate::Duplicated => Some(FaultKind::ReportDuplicated),
            },
            Self::Beat(_, fate) | Self::BeatArrives(_, fate) => match fate {
                Fate::Done | Fate::Duplicated => None,
                Fate::RequestLost => Some(FaultKind::BeatLost),
                Fate::AnswerLost => Some(FaultKind::BeatAnswerLost),
                Fate::Late => Some(FaultKind::BeatLate),
            },
            Self::BeatAnswer(_, fate) => failing(fate, FaultKind::BeatAnswerLost),
            Self::Launch(_, launch) => match launch {
                Launch::Works => None,
                Launch::BundleFails => Some(FaultKind::Bundle),
                Launch::ContainerFails => Some(FaultKind::Container),
            },
            Self::Exit(_, ok) => (!ok).then_some(FaultKind::ExitError),
            Self::MonitorDies(_) => Some(FaultKind::Monitor),
            Self::WorkerCrashes(_) => Some(FaultKind::WorkerCrash),
            Self::ControllerCrashes => Some(FaultKind::ControllerCrash),
            Self::Cut(_, Direction::ToWorker) => Some(FaultKind::CutToWorker),
            Self::Cut(_, Direction::FromWorker) => Some(FaultKind::CutFromWorker),
            Self::SliceRefused(_, quota) => {
                Some(if quota { FaultKind::QuotaExceeded } else { FaultKind::SliceRefused })
            }
            Self::VmStuck(_) => Some(FaultKind::VmStuck),
            Self::SlicePreempted(_) => Some(FaultKind::SlicePreempted),
            Self::Submit(_)
            | Self::StrayRun(..)
            | Self::StrayBeat(..)
            | Self::BeatSent(_)
            | Self::Reaped(_)
            | Self::Fires(_)
            | Self::LeaseEnds(_)
            | Self::WorkerStarts(_)
            | Self::ControllerStarts
            | Self::Mended(..)
            | Self::SliceGranted(_)
            | Self::VmBoots(_)
            | Self::SliceTerminated(_) => None,
        }
    }
}

fn failing(fate: Fate, fault: FaultKind) -> Option<FaultKind> {
    (fate != Fate::Done).then_some(fault)
}

/// One step of a run: what happens, how equals are told apart, and whether the controller dies
/// after the input is durable and before any effect of it is performed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Act {
    /// What happens.
    pub operation: Operation,
    /// The script of a [`Chooser`](super::scheduler::Chooser).
    #[serde(default, skip_serializing_if = "is_zero")]
    pub choice: u64,
    /// Whether the controller dies before the effects.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dies: bool,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(choice: &u64) -> bool {
    *choice == 0
}
