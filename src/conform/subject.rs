//! A cluster under test: whatever can be told the steps of a run, and shows what a user sees.
//!
//! The comparison knows no more of a cluster than this trait. What a cluster cannot do or show it
//! says once, at its beginning; such steps are not drawn for it, and such things not looked at.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::id::{AttemptId, JobId};
use crate::model::time::Millis;

use super::edges::Edges;
use super::run::{Run, Step};
use super::seen::Seen;

/// How long a step takes that is not itself a passing of time: what it causes at once has happened
/// by then.
pub const STEP: Millis = Millis(1);

/// A cluster under test.
pub trait Subject {
    /// What it can do, and how exact it is.
    fn abilities(&self) -> &Abilities;

    /// Does a step and lets [`STEP`] pass; [`Step::Pass`] is passing time and nothing else.
    ///
    /// # Errors
    /// The harness itself failed: nothing is known of the cluster.
    fn apply(&mut self, step: &Step) -> Result<Reply, Trouble>;

    /// Lets time pass, in the cluster's time: to the instant itself, at which all has arrived that
    /// was sent, and no timer has fired.
    ///
    /// # Errors
    /// The harness itself failed.
    fn pass(&mut self, length: Millis) -> Result<(), Trouble>;

    /// What a user sees now that everything has settled; nothing while no controller answers.
    ///
    /// # Errors
    /// The harness itself failed.
    fn see(&mut self) -> Result<Option<Seen>, Trouble>;

    /// Takes back every fault, mends every cut, starts every node, opens every worker.
    ///
    /// # Errors
    /// The harness itself failed.
    fn heal(&mut self) -> Result<(), Trouble>;

    /// Ends the cluster, and tells what was found out besides what was seen.
    ///
    /// # Errors
    /// The harness itself failed.
    fn end(self: Box<Self>) -> Result<Found, Trouble>;
}

/// What a cluster under test can do and show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Abilities {
    /// The kinds of steps that it can do.
    pub steps: Vec<Kind>,
    /// How late something may be seen that happens at an instant, in milliseconds. In virtual time
    /// nothing is late.
    #[serde(default)]
    pub slack: Millis,
}

/// A kind of step: what runs are drawn from, and what a cluster can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Submitting a job.
    Submit,
    /// Jobs whose tasks run together.
    Gang,
    /// The same request once more.
    Resubmit,
    /// Cancelling.
    Cancel,
    /// Closing and opening workers.
    Drain,
    /// Workers that die and start.
    Worker,
    /// A controller that dies and starts.
    Controller,
    /// Ways of the network that are cut and mended.
    Cut,
    /// Rules of chaos.
    Fault,
    /// Scale groups: slices that come, are taken away, and die.
    Fleet,
    /// Passing of time.
    Pass,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 11] = [
        Self::Submit,
        Self::Gang,
        Self::Resubmit,
        Self::Cancel,
        Self::Drain,
        Self::Worker,
        Self::Controller,
        Self::Cut,
        Self::Fault,
        Self::Fleet,
        Self::Pass,
    ];
}

/// What a cluster answers to a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// It was done.
    Done,
    /// The job that was submitted, by the run's own number.
    Job(JobId),
    /// There is no such thing; nothing happened.
    NotFound,
    /// The request is out of its limits; nothing happened.
    Invalid(String),
    /// Nobody answers; it may have happened.
    Unavailable,
}

/// What was found out of a cluster besides what was seen.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Found {
    /// A claim that was violated inside, with its story.
    pub violation: Option<String>,
    /// Attempts of which something still ran at the end.
    pub strays: Vec<AttemptId>,
    /// It never came to rest, and was busy with this: the run says nothing.
    pub restless: Option<String>,
    /// Claims whose hard case occurred.
    pub exercised: Vec<String>,
    /// Edges of the model that were seen.
    pub edges: Edges,
    /// Calls of gRPC that were made, where they are counted: what the run has cost.
    #[serde(skip)]
    pub calls: u64,
}

/// The harness failed: what happened, and what to do. It says nothing of the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble(pub String);

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Trouble {}

/// Where clusters under test come from.
pub trait Stand {
    /// What they can do, and how exact they are.
    fn abilities(&self) -> &Abilities;

    /// A fresh cluster for a run. Its steps are not done yet.
    ///
    /// # Errors
    /// It cannot be started.
    fn start(&self, run: &Run) -> Result<Box<dyn Subject>, Trouble>;
}
