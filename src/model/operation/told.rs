//! Operations as people say them: who does what.

use std::fmt;

use super::{Act, Direction, Fate, Launch, Operation, RunFate};
use crate::model::id::{AttemptId, WorkerId};

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
            Self::StrayBeat(w, fate) => {
                (network(), message(&format!("a Heartbeat of {w} that was given up"), fate))
            }
            Self::BeatSent(w) => (w.to_string(), "sends a Heartbeat".into()),
            Self::Beat(w, fate) | Self::BeatArrives(w, fate) => {
                (network(), message(&format!("Heartbeat of {w}"), fate))
            }
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
