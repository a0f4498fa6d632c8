//! A whole run as a value: what the cluster is, and what is done to it, one step after another.
//!
//! Runs are generated, played, shortened, and kept as JSON that a person can read and edit:
//!
//! ```json
//! {
//!   "version": 1,
//!   "seed": 7,
//!   "shape": { "workers": [{ "cpus": 4 }, { "cpus": 2, "zone": "b" }] },
//!   "steps": [
//!     { "submit": { "failure": 1, "tasks": [[{ "after": 500, "ok": false }]] } },
//!     { "fault": "worker.heartbeat on w1 drop_response nth 2" },
//!     { "pass": 15001 },
//!     { "worker_crashes": "w1" }
//!   ]
//! }
//! ```
//!
//! Jobs are named `j1`, `j2` and on, in the order of the steps that submit them.

mod shape;
#[cfg(test)]
mod tests;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::id::{JobId, SliceId, VmId, WorkerId};
use crate::model::operation::{Direction, Operation};
use crate::model::time::Millis;
use crate::real::chaos::Rule;

pub use shape::{Exit, GroupShape, JobPlan, PolicyShape, Shape, WorkerShape, ZONE};

/// The version of the form in which runs are kept.
pub const RUN_VERSION: u32 = 1;

/// A run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// The version of the form: 1.
    pub version: u32,
    /// What it was kept for, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub found: String,
    /// Decides what the cluster draws by chance.
    #[serde(default)]
    pub seed: u64,
    /// What the cluster is.
    pub shape: Shape,
    /// What is done.
    pub steps: Vec<Step>,
}

/// One thing that is done. What the model's operations name as well has the same name here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// A client submits a job.
    Submit(JobPlan),
    /// The client submits this job once more, by the same request.
    Resubmit(JobId),
    /// The client cancels a job.
    Cancel(JobId),
    /// An operator closes a worker.
    Drain(WorkerId),
    /// An operator opens a worker that was closed.
    Open(WorkerId),
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
    /// The provider takes a slice away, if it is there.
    SlicePreempted(SliceId),
    /// A machine of the provider dies, if it is there, and the provider does not say so.
    VmLost(VmId),
    /// A rule of chaos holds from now on. Windows count from the beginning of the run.
    Fault(Rule),
    /// No rule of chaos holds any more.
    FaultsEnd,
    /// Milliseconds pass.
    Pass(Millis),
}

impl Step {
    /// The operation of the model that this is, where there is one.
    pub fn operation(&self) -> Option<Operation> {
        match self {
            Self::Resubmit(job) => Some(Operation::Resubmit(*job)),
            Self::Cancel(job) => Some(Operation::Cancel(*job)),
            Self::Drain(worker) => Some(Operation::Drain(*worker)),
            Self::WorkerCrashes(worker) => Some(Operation::WorkerCrashes(*worker)),
            Self::WorkerStarts(worker) => Some(Operation::WorkerStarts(*worker)),
            Self::ControllerCrashes => Some(Operation::ControllerCrashes),
            Self::ControllerStarts => Some(Operation::ControllerStarts),
            Self::Cut(worker, way) => Some(Operation::Cut(*worker, *way)),
            Self::Mended(worker, way) => Some(Operation::Mended(*worker, *way)),
            Self::SlicePreempted(slice) => Some(Operation::SlicePreempted(*slice)),
            Self::Submit(_)
            | Self::Open(_)
            | Self::VmLost(_)
            | Self::Fault(_)
            | Self::FaultsEnd
            | Self::Pass(_) => None,
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(operation) = self.operation() {
            let (who, did) = operation.told();
            return write!(f, "{who} {did}");
        }
        match self {
            Self::Submit(plan) => write!(f, "client submits {plan}"),
            Self::Open(worker) => write!(f, "operator opens {worker}"),
            Self::VmLost(vm) => write!(f, "provider loses {vm} without a word"),
            Self::Fault(rule) => write!(f, "chaos {rule}"),
            Self::FaultsEnd => f.write_str("chaos ends"),
            Self::Pass(length) => write!(f, "time {} ms pass", length.0),
            Self::Resubmit(_)
            | Self::Cancel(_)
            | Self::Drain(_)
            | Self::WorkerCrashes(_)
            | Self::WorkerStarts(_)
            | Self::ControllerCrashes
            | Self::ControllerStarts
            | Self::Cut(..)
            | Self::Mended(..)
            | Self::SlicePreempted(_) => unreachable!("invariant: it is an operation"),
        }
    }
}

impl Run {
    /// A run of these steps.
    pub fn new(seed: u64, shape: Shape, steps: Vec<Step>) -> Self {
        Self { version: RUN_VERSION, found: String::new(), seed, shape, steps }
    }

    /// The same with other steps.
    #[must_use]
    pub fn with_steps(&self, steps: Vec<Step>) -> Self {
        Self { steps, ..self.clone() }
    }

    /// As the text of a file. Equal runs give equal texts.
    pub fn to_json(&self) -> String {
        let text = serde_json::to_string_pretty(self).expect("invariant: a run is plain values");
        text + "\n"
    }

    /// Reads what [`Run::to_json`] wrote.
    ///
    /// # Errors
    /// What is wrong with the text and where.
    pub fn from_json(text: &str) -> Result<Self, BadRun> {
        let run: Self = serde_json::from_str(text).map_err(|error| BadRun(error.to_string()))?;
        if run.version != RUN_VERSION {
            return Err(BadRun(format!(
                "version is {}, expected {RUN_VERSION}: play it with the iris-check that kept it",
                run.version
            )));
        }
        for step in &run.steps {
            match step {
                Step::Submit(plan) => {
                    plan.terms().validate().map_err(|error| BadRun(error.to_string()))?;
                }
                Step::Fault(rule) => {
                    rule.check().map_err(|error| BadRun(format!("`{rule}`: {error}")))?;
                }
                Step::Resubmit(_)
                | Step::Cancel(_)
                | Step::Drain(_)
                | Step::Open(_)
                | Step::WorkerCrashes(_)
                | Step::WorkerStarts(_)
                | Step::ControllerCrashes
                | Step::ControllerStarts
                | Step::Cut(..)
                | Step::Mended(..)
                | Step::SlicePreempted(_)
                | Step::VmLost(_)
                | Step::FaultsEnd
                | Step::Pass(_) => {}
            }
        }
        run.shape.policy.0.validate().map_err(|error| BadRun(error.to_string()))?;
        Ok(run)
    }
}

/// A text that is no run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadRun(String);

impl fmt::Display for BadRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadRun {}
