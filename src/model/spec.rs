//! What a client asks for: the job spec, its defaults and its limits.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::budget::{Budget, Tally};
use super::resources::Resources;
use super::time::Millis;

/// The largest number of replicas of one job.
pub const MAX_REPLICAS: u16 = 10_000;
/// The largest budget that can be asked for: attempt numbers of one task stay below 65,536.
pub const MAX_BUDGET: u16 = 10_000;

/// What the machines need to know of a job; the rest is [`Payload`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Terms {
    /// How many identical tasks, 1 to [`MAX_REPLICAS`].
    pub replicas: u16,
    /// What each task needs.
    pub resources: Resources,
    /// What each task may spend; zero means zero.
    pub budgets: Tally,
    /// How many tasks may end FAILED before the job does; 0 for a gang.
    pub max_task_failures: u16,
    /// How long one spell of PENDING may last.
    pub scheduling_timeout: Option<Millis>,
    /// How long an attempt may take from the moment its worker accepted it.
    pub timeout: Option<Millis>,
    /// A gang: all tasks run together on distinct workers that share this attribute's value.
    pub group_by: Option<SmolStr>,
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            replicas: 1,
            resources: Resources::NONE,
            budgets: Tally { failure: 0, delivery: 10, preemption: 100 },
            max_task_failures: 0,
            scheduling_timeout: None,
            timeout: None,
            group_by: None,
        }
    }
}

impl Terms {
    /// Whether the tasks run together or not at all.
    pub fn is_gang(&self) -> bool {
        self.group_by.is_some()
    }

    /// Whether a task that has spent this much of a budget must not be sent back.
    pub fn exhausted(&self, spent: Tally, budget: Budget) -> bool {
        spent.of(budget) > self.budgets.of(budget)
    }

    /// Checks the limits of a job.
    ///
    /// # Errors
    /// The first field that is out of its limits.
    pub fn validate(&self) -> Result<(), BadSpec> {
        if !(1..=MAX_REPLICAS).contains(&self.replicas) {
            return Err(BadSpec { field: "replicas", expected: "1 to 10,000" });
        }
        let budgets = [
            ("max_retries_failure", self.budgets.failure),
            ("max_dispatch_failures", self.budgets.delivery),
            ("max_retries_preemption", self.budgets.preemption),
            ("max_task_failures", self.max_task_failures),
        ];
        if let Some((field, _)) = budgets.into_iter().find(|(_, n)| *n > MAX_BUDGET) {
            return Err(BadSpec { field, expected: "0 to 10,000" });
        }
        if self.is_gang() && self.max_task_failures > 0 {
            let expected = "0, because a gang cannot go on without a member";
            return Err(BadSpec { field: "max_task_failures", expected });
        }
        for (field, limit) in
            [("timeout", self.timeout), ("scheduling_timeout", self.scheduling_timeout)]
        {
            if limit == Some(Millis(0)) {
                return Err(BadSpec { field, expected: "more than 0, or absent" });
            }
        }
        Ok(())
    }
}

/// What a worker executes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entrypoint {
    /// Nothing: the model's tasks.
    #[default]
    None,
    /// A program and its arguments, run in its own process group.
    Command(Vec<String>),
    /// A function that the embedding program registered under this name.
    Closure(String),
}

/// What the machines carry but never look at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Payload {
    /// For people.
    pub name: String,
    /// What runs.
    pub entrypoint: Entrypoint,
    /// The environment of the process.
    pub env: BTreeMap<String, String>,
    /// A folder, or an archive, on the worker's machine, put into the working directory first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bundle: Option<String>,
}

/// A job as a client submits it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct JobSpec {
    /// What the machines decide by.
    pub terms: Terms,
    /// What they hand on.
    pub payload: Payload,
    /// The same id submits once.
    pub request_id: Option<SmolStr>,
}

/// A job spec that is out of its limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BadSpec {
    /// The field at fault, as clients spell it.
    pub field: &'static str,
    /// What it may be.
    pub expected: &'static str,
}

impl fmt::Display for BadSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} must be {}", self.field, self.expected)
    }
}

impl std::error::Error for BadSpec {}
