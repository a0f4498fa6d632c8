//! The lines of our own log, as they are read, and as they would be written.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::controller_sm::{ControllerSm, Input};
use crate::model::id::{Seat, WorkerId};
use crate::real::clock::At;
use crate::worker_sm::WorkerInput;

/// The first line.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::conform::validate) struct Header {
    #[serde(rename = "log")]
    pub _log: String,
    #[serde(rename = "version")]
    pub _version: u32,
    pub controller: ControllerSm,
}

/// Any other line, as it is read.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::conform::validate) struct Raw {
    pub at: At,
    controller: Option<Input>,
    worker: Option<Seat>,
    input: Option<WorkerInput>,
    up: Option<Seat>,
    down: Option<String>,
}

/// What a line tells.
pub(super) enum Told {
    Controller(Box<Input>),
    Worker(Seat, WorkerInput),
    Up(Seat),
    /// The controller, or a worker.
    Down(Option<WorkerId>),
}

/// What a line must have beside `at`.
const EXPECTED: &str = "expected `at` with one of `controller`, `worker` and `input`, `up`, `down`";

impl Raw {
    /// What it tells, if it is one thing.
    pub(super) fn told(self) -> Result<Told, String> {
        match (self.controller, self.worker, self.input, self.up, self.down) {
            (Some(input), None, None, None, None) => Ok(Told::Controller(Box::new(input))),
            (None, Some(seat), Some(input), None, None) => Ok(Told::Worker(seat, input)),
            (None, None, None, Some(seat), None) => Ok(Told::Up(seat)),
            (None, None, None, None, Some(who)) if who == "controller" => Ok(Told::Down(None)),
            (None, None, None, None, Some(who)) => match who.parse() {
                Ok(worker) => Ok(Told::Down(Some(worker))),
                Err(error) => Err(format!("`down`: {error}, nor `controller`")),
            },
            _ => Err(EXPECTED.to_owned()),
        }
    }
}

/// A line as it would be written.
#[derive(Serialize)]
#[serde(untagged)]
pub(in crate::conform::validate) enum Shown<'a> {
    Controller { at: At, controller: &'a Input },
    Worker { at: At, worker: Seat, input: &'a WorkerInput },
    Up { at: At, up: Seat },
    Down { at: At, down: &'a str },
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = serde_json::to_string(self).map_err(|_| fmt::Error)?;
        f.write_str(&text)
    }
}

/// What an input of the controller is called in a summary.
pub(in crate::conform::validate) fn controller_kind(input: &Input) -> &'static str {
    match input {
        Input::Submit(_) => "submit",
        Input::Cancel(_) => "cancel",
        Input::Drain { .. } => "drain",
        Input::Beat(_) => "beat",
        Input::Report(_) => "report",
        Input::RunAnswered { .. } => "run_answered",
        Input::TryFailed { .. } => "try_failed",
        Input::KillAnswered { .. } => "kill_answered",
        Input::Fired(_) => "fired",
        Input::SliceGranted(_) => "slice_granted",
        Input::SliceRefused { .. } => "slice_refused",
        Input::VmBooted(_) => "vm_booted",
        Input::SlicePreempted(_) => "slice_preempted",
        Input::SliceTerminated(_) => "slice_terminated",
        Input::Restarted => "restarted",
    }
}

/// What an input of a worker is called in a summary.
pub(super) fn worker_kind(input: &WorkerInput) -> &'static str {
    match input {
        WorkerInput::Run(..) => "worker run",
        WorkerInput::Kill(_) => "worker kill",
        WorkerInput::BeatDue => "worker beat_due",
        WorkerInput::BeatAnswered(..) => "worker beat_answered",
        WorkerInput::ReportAcked(_) => "worker report_acked",
        WorkerInput::Launched(_) => "worker launched",
        WorkerInput::LaunchFailed(..) => "worker launch_failed",
        WorkerInput::Exited(..) => "worker exited",
        WorkerInput::MonitorDied(_) => "worker monitor_died",
        WorkerInput::Fired(_) => "worker fired",
    }
}
