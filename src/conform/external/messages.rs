//! What is said to a driver and what it answers, as values.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::model::policy::Policy;
use crate::model::time::Millis;

use super::super::run::{Shape, Step};
use super::super::seen::{AttemptSeen, Seen};
use super::super::subject::Abilities;
use super::PROTOCOL;

/// A question, with the number that its answer repeats.
#[derive(Serialize)]
pub(super) struct Question<'a> {
    pub id: u64,
    #[serde(flatten)]
    pub request: &'a Request<'a>,
}

/// What is asked.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Request<'a> {
    #[serde(rename = "iris-check-driver")]
    Hello(u32),
    Start {
        seed: u64,
        shape: &'a Shape,
        policy: &'a Policy,
    },
    Apply(&'a Step),
    Pass(Millis),
    See {},
    Heal {},
    End {},
}

impl Request<'_> {
    /// What `ok` holds in its answer.
    pub(super) fn expected(&self) -> &'static str {
        match self {
            Self::Hello(_) => "{\"protocol\":1,\"name\":…,\"abilities\":{\"steps\":[…]},…}",
            Self::Start { .. } | Self::Heal {} => "null",
            Self::Apply(_) => {
                "\"done\", {\"job\":\"j1\"}, \"not_found\", {\"invalid\":…} or \"unavailable\""
            }
            Self::Pass(_) => "{\"at\":MILLISECONDS}",
            Self::See {} => "null or {\"at\":…,\"jobs\":[…],…}",
            Self::End {} => "{} or {\"strays\":[…],…}",
        }
    }
}

/// What a driver answers.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Answer {
    pub id: u64,
    /// An answer of `null` is one.
    #[serde(default, deserialize_with = "present")]
    pub ok: Option<Value>,
    #[serde(default)]
    pub error: Option<String>,
}

fn present<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(from).map(Some)
}

impl Answer {
    /// Reads the answer to the question of this number.
    pub(super) fn read<T: DeserializeOwned>(line: &str, id: u64) -> Result<T, String> {
        let answer: Self = serde_json::from_str(line).map_err(|error| error.to_string())?;
        if answer.id != id {
            return Err(format!("its `id` is {}", answer.id));
        }
        match (answer.ok, answer.error) {
            (Some(value), None) => {
                serde_json::from_value(value).map_err(|error| format!("in `ok`: {error}"))
            }
            (None, Some(says)) => Err(format!("it gives up: {says}")),
            (Some(_), Some(_)) => Err("it has both `ok` and `error`".to_owned()),
            (None, None) => Err("it has neither `ok` nor `error`".to_owned()),
        }
    }
}

/// What a driver says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hello {
    /// The version of the protocol that it speaks.
    pub protocol: u32,
    /// The name of the orchestrator, for people.
    pub name: String,
    /// What the orchestrator can do.
    pub abilities: Abilities,
    /// What it shows besides what each must show.
    #[serde(default)]
    pub shows: Vec<Shown>,
}

impl Hello {
    /// What is wrong with it, if anything.
    pub(super) fn wrong(&self) -> Option<String> {
        if self.protocol != PROTOCOL {
            let found = self.protocol;
            return Some(format!("it speaks protocol {found}, this iris-check speaks {PROTOCOL}"));
        }
        self.abilities.steps.is_empty().then(|| "it can do no step at all".to_owned())
    }
}

/// Something that a driver may show or not. What it does not show is not looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shown {
    /// The live workers.
    Workers,
    /// The attempts of each worker that are not confirmed gone.
    WorkerAttempts,
    /// The slices.
    Slices,
    /// Attempts of which something really runs.
    Runs,
    /// What each task has spent.
    Spent,
    /// Of which incarnation of its worker an attempt is.
    Incarnations,
    /// How far a live attempt has come.
    Phases,
    /// Why an attempt has ended.
    Causes,
    /// Whether it is confirmed that nothing of an attempt runs.
    Gone,
    /// Why a job is not placed.
    PendingReasons,
}

impl Shown {
    const ALL: [Self; 10] = [
        Self::Workers,
        Self::WorkerAttempts,
        Self::Slices,
        Self::Runs,
        Self::Spent,
        Self::Incarnations,
        Self::Phases,
        Self::Causes,
        Self::Gone,
        Self::PendingReasons,
    ];

    /// Takes out what was not promised.
    ///
    /// # Errors
    /// Something that was promised is not there.
    pub(super) fn hold(promised: &[Self], seen: &mut Seen) -> Result<(), String> {
        for shown in Self::ALL {
            if !promised.contains(&shown) {
                shown.take_out(seen);
            } else if !shown.is_there(seen) {
                let name = serde_json::to_string(&shown).unwrap_or_default();
                return Err(format!("it shows {name}, as `shows` said, but not everywhere"));
            }
        }
        Ok(())
    }

    fn is_there(self, seen: &Seen) -> bool {
        let tasks = || seen.jobs.iter().flat_map(|job| &job.tasks);
        let attempts = || tasks().flat_map(|task| &task.attempts);
        let workers = || seen.workers.iter().flatten();
        match self {
            Self::Workers => seen.workers.is_some(),
            Self::WorkerAttempts => workers().all(|it| it.attempts.is_some()),
            Self::Slices => seen.slices.is_some(),
            Self::Runs => seen.runs.is_some(),
            Self::Spent => tasks().all(|it| it.spent.is_some()),
            Self::Incarnations => {
                attempts().all(|it| it.incarnation.is_some())
                    && workers().all(|it| it.incarnation.is_some())
            }
            Self::Phases => attempts().all(|it| it.phase.is_some() == it.is_live()),
            Self::Causes => attempts().all(|it| it.cause.is_some() != it.is_live()),
            Self::Gone => attempts().all(|it| it.gone.is_some()),
            // A job that is placed has none.
            Self::PendingReasons => true,
        }
    }

    fn take_out(self, seen: &mut Seen) {
        match self {
            Self::Workers => seen.workers = None,
            Self::WorkerAttempts => {
                seen.workers.iter_mut().flatten().for_each(|it| it.attempts = None);
            }
            Self::Slices => seen.slices = None,
            Self::Runs => seen.runs = None,
            Self::Spent => {
                let tasks = seen.jobs.iter_mut().flat_map(|job| &mut job.tasks);
                tasks.for_each(|task| task.spent = None);
            }
            Self::Incarnations => {
                seen.workers.iter_mut().flatten().for_each(|it| it.incarnation = None);
                each_attempt(seen, |it| it.incarnation = None);
            }
            Self::Phases => each_attempt(seen, |it| it.phase = None),
            Self::Causes => each_attempt(seen, |it| it.cause = None),
            Self::Gone => each_attempt(seen, |it| it.gone = None),
            Self::PendingReasons => {
                seen.jobs.iter_mut().for_each(|job| job.pending_reason = None);
            }
        }
    }
}

fn each_attempt(seen: &mut Seen, change: impl FnMut(&mut AttemptSeen)) {
    let tasks = seen.jobs.iter_mut().flat_map(|job| &mut job.tasks);
    tasks.flat_map(|task| &mut task.attempts).for_each(change);
}

/// Where the time of a driver's cluster stands.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Passed {
    pub at: u64,
}
