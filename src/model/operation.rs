//! Everything that the world can do to a cluster, in one vocabulary: the model's actions, what is
//! done to the running cluster, the steps of a trace, and the operations of generated tests.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::id::{AttemptId, JobId, SliceId, VmId, WorkerId};
use super::timer::Timer;

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
    /// The fault that this is, if it is one: what the menu of a scope must offer. Losses on a cut way
    /// and to one who is down are no faults of their own; whoever offers operations knows.
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

/// One step of a run: what happens, how equals are told apart, and whether the controller dies after
/// the input is durable and before any effect of it is performed.
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

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (who, did) = self.operation.told();
        write!(f, "{who} {did}")?;
        if self.dies {
            f.write_str("; the controller dies before it acts on it")?;
        }
        Ok(())
    }
}

impl Operation {
    /// Who does it, and what, as people say it.
    pub fn told(self) -> (String, String) {
        let network = || "network".to_owned();
        let client = || "client".to_owned();
        let provider = || "provider".to_owned();
        match self {
            Self::Submit(j) => (client(), format!("submits {j}")),
            Self::Resubmit(j) => (client(), format!("submits {j} again by the same request")),
            Self::Cancel(j) => (client(), format!("cancels {j}")),
            Self::Drain(w) => ("operator".into(), format!("drains {w}")),
            Self::Run(a, fate) => (network(), run_told(a, fate)),
            Self::StrayRun(a, fate) => {
                (network(), message(&format!("a RunTask {a} that was given up"), fate))
            }
            Self::RunAnswer(a, fate) => {
                (network(), message(&format!("the answer to RunTask {a}"), fate))
            }
            Self::Kill(a, fate) => (network(), message(&format!("KillTask {a}"), fate)),
            Self::Report(a, fate) => (network(), message(&format!("ReportTaskState {a}"), fate)),
            Self::FinalReport(a, fate) => {
                (network(), message(&format!("the final ReportTaskState {a}"), fate))
            }
            Self::Beat(w, Fate::Done) => (w.to_string(), "Heartbeat".into()),
            Self::Beat(w, fate) => (network(), message(&format!("Heartbeat of {w}"), fate)),
            Self::StrayBeat(w, fate) => {
                (network(), message(&format!("a Heartbeat of {w} that was given up"), fate))
            }
            Self::BeatSent(w) => (w.to_string(), "sends a Heartbeat".into()),
            Self::BeatArrives(w, fate) => (network(), message(&format!("Heartbeat of {w}"), fate)),
            Self::BeatAnswer(w, fate) => {
                (network(), message(&format!("the answer to the Heartbeat of {w}"), fate))
            }
            Self::Launch(a, Launch::Works) => ("worker".into(), format!("{a} starts")),
            Self::Launch(a, Launch::BundleFails) => {
                ("worker".into(), format!("bundle of {a} fails"))
            }
            Self::Launch(a, Launch::ContainerFails) => {
                ("worker".into(), format!("container of {a} fails"))
            }
            Self::Exit(a, ok) => ("process".into(), format!("{a} exits {}", u8::from(!ok))),
            Self::Reaped(a) => ("worker".into(), format!("{a} has stopped")),
            Self::MonitorDies(a) => ("worker".into(), format!("monitor of {a} dies")),
            Self::Fires(timer) => ("time".into(), timer.to_string()),
            Self::LeaseEnds(w) => ("time".into(), format!("lease of {w} runs out")),
            Self::WorkerCrashes(w) => (w.to_string(), "crashes".into()),
            Self::WorkerStarts(w) => (w.to_string(), "starts".into()),
            Self::ControllerCrashes => ("controller".into(), "crashes".into()),
            Self::ControllerStarts => {
                ("controller".into(), "starts and replays its journal".into())
            }
            Self::Cut(w, way) => (network(), format!("is cut {}", way.told(w))),
            Self::Mended(w, way) => (network(), format!("works again {}", way.told(w))),
            Self::SliceGranted(s) => (provider(), format!("grants {s}")),
            Self::SliceRefused(s, false) => (provider(), format!("refuses {s}")),
            Self::SliceRefused(s, true) => (provider(), format!("refuses {s}: quota exceeded")),
            Self::VmBoots(v) => (provider(), format!("{v} has booted")),
            Self::VmStuck(v) => (provider(), format!("{v} is stuck")),
            Self::SlicePreempted(s) => (provider(), format!("preempts {s}")),
            Self::SliceTerminated(s) => (provider(), format!("has terminated {s}")),
        }
    }
}

/// Other names for the same things.
pub trait Names {
    /// The other name of an attempt.
    fn attempt(&self, id: AttemptId) -> AttemptId;
    /// The other name of a VM.
    fn vm(&self, id: VmId) -> VmId;
    /// The other name of a slice.
    fn slice(&self, id: SliceId) -> SliceId;
    /// The other name of a worker: that of its VM, if it has one.
    fn worker(&self, id: WorkerId) -> WorkerId {
        self.vm(VmId(id.0)).worker()
    }
}

impl Operation {
    /// The same operation on the same things by other names.
    #[must_use]
    pub fn renamed(self, names: &impl Names) -> Self {
        match self {
            Self::Submit(_)
            | Self::Resubmit(_)
            | Self::Cancel(_)
            | Self::ControllerCrashes
            | Self::ControllerStarts => self,
            Self::Drain(w) => Self::Drain(names.worker(w)),
            Self::Run(a, fate) => Self::Run(names.attempt(a), fate),
            Self::StrayRun(a, fate) => Self::StrayRun(names.attempt(a), fate),
            Self::RunAnswer(a, fate) => Self::RunAnswer(names.attempt(a), fate),
            Self::Kill(a, fate) => Self::Kill(names.attempt(a), fate),
            Self::Report(a, fate) => Self::Report(names.attempt(a), fate),
            Self::FinalReport(a, fate) => Self::FinalReport(names.attempt(a), fate),
            Self::Beat(w, fate) => Self::Beat(names.worker(w), fate),
            Self::StrayBeat(w, fate) => Self::StrayBeat(names.worker(w), fate),
            Self::BeatSent(w) => Self::BeatSent(names.worker(w)),
            Self::BeatArrives(w, fate) => Self::BeatArrives(names.worker(w), fate),
            Self::BeatAnswer(w, fate) => Self::BeatAnswer(names.worker(w), fate),
            Self::Launch(a, launch) => Self::Launch(names.attempt(a), launch),
            Self::Exit(a, ok) => Self::Exit(names.attempt(a), ok),
            Self::Reaped(a) => Self::Reaped(names.attempt(a)),
            Self::MonitorDies(a) => Self::MonitorDies(names.attempt(a)),
            Self::Fires(timer) => Self::Fires(renamed(timer, names)),
            Self::LeaseEnds(w) => Self::LeaseEnds(names.worker(w)),
            Self::WorkerCrashes(w) => Self::WorkerCrashes(names.worker(w)),
            Self::WorkerStarts(w) => Self::WorkerStarts(names.worker(w)),
            Self::Cut(w, way) => Self::Cut(names.worker(w), way),
            Self::Mended(w, way) => Self::Mended(names.worker(w), way),
            Self::SliceGranted(s) => Self::SliceGranted(names.slice(s)),
            Self::SliceRefused(s, quota) => Self::SliceRefused(names.slice(s), quota),
            Self::VmBoots(v) => Self::VmBoots(names.vm(v)),
            Self::VmStuck(v) => Self::VmStuck(names.vm(v)),
            Self::SlicePreempted(s) => Self::SlicePreempted(names.slice(s)),
            Self::SliceTerminated(s) => Self::SliceTerminated(names.slice(s)),
        }
    }
}

fn renamed(timer: Timer, names: &impl Names) -> Timer {
    match timer {
        Timer::Silent(w) => Timer::Silent(names.worker(w)),
        Timer::Dead(w) => Timer::Dead(names.worker(w)),
        Timer::Quarantine(w) => Timer::Quarantine(names.worker(w)),
        Timer::Retry(a) => Timer::Retry(names.attempt(a)),
        Timer::Timeout(a) => Timer::Timeout(names.attempt(a)),
        Timer::Boot(v) => Timer::Boot(names.vm(v)),
        Timer::Init(v) => Timer::Init(names.vm(v)),
        Timer::Idle(s) => Timer::Idle(names.slice(s)),
        Timer::Scheduling(_) | Timer::Grace(_) | Timer::Backoff(_) | Timer::Forget(_) => timer,
    }
}

impl Direction {
    fn told(self, worker: WorkerId) -> String {
        match self {
            Self::ToWorker => format!("from the controller to {worker}"),
            Self::FromWorker => format!("from {worker} to the controller"),
        }
    }
}

fn run_told(attempt: AttemptId, fate: RunFate) -> String {
    match fate {
        RunFate::Arrives => format!("delivers RunTask {attempt}"),
        RunFate::NotSent => format!("cannot send RunTask {attempt}"),
        RunFate::Lost => format!("loses RunTask {attempt}"),
        RunFate::Unexpected => format!("fails RunTask {attempt} with an unexpected error"),
        RunFate::Late => format!("delays RunTask {attempt} beyond its deadline"),
        RunFate::Duplicated => format!("delivers RunTask {attempt} and keeps a copy"),
    }
}

fn message(what: &str, fate: Fate) -> String {
    match fate {
        Fate::Done => format!("delivers {what}"),
        Fate::RequestLost => format!("loses {what}"),
        Fate::AnswerLost => format!("delivers {what} and loses the answer"),
        Fate::Late => format!("delays {what} beyond its deadline"),
        Fate::Duplicated => format!("delivers {what} and keeps a copy"),
    }
}
