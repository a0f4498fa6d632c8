//! What a cluster is made of, and the jobs that it is given, as plain values.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::controller_sm::GroupConfig;
use crate::model::budget::Tally;
use crate::model::id::WorkerId;
use crate::model::policy::Policy;
use crate::model::resources::{Attributes, Resources};
use crate::model::spec::Terms;
use crate::model::time::Millis;
use crate::real::cloud::Pace;

/// The attribute that says in which zone a worker is: what gangs are grouped by.
pub const ZONE: &str = "zone";

/// What a cluster is made of.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Shape {
    /// Workers that belong to no group, `w1` and on.
    pub workers: Vec<WorkerShape>,
    /// Scale groups, `g1` and on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<GroupShape>,
    /// What differs from the policy of local clusters.
    #[serde(skip_serializing_if = "PolicyShape::is_local")]
    pub policy: PolicyShape,
}

/// A worker that belongs to no group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkerShape {
    /// CPUs that it has.
    pub cpus: u32,
    /// In which zone it is.
    #[serde(default = "first_zone", skip_serializing_if = "is_first_zone")]
    pub zone: String,
    /// Whether it only comes up when it is started.
    #[serde(default, skip_serializing_if = "is_default")]
    pub waits: bool,
}

/// A scale group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupShape {
    /// Slices that there always are.
    #[serde(default, skip_serializing_if = "is_default")]
    pub min_slices: u16,
    /// Slices that there may be at once.
    pub max_slices: u16,
    /// VMs of a slice.
    pub vms: u8,
    /// CPUs of a VM.
    pub cpus: u32,
    /// In which zone they are.
    #[serde(default = "first_zone", skip_serializing_if = "is_first_zone")]
    pub zone: String,
    /// How long each step of the provider takes, in milliseconds.
    pub pace: Millis,
    /// Slices that the provider grants at once.
    #[serde(default = "unlimited", skip_serializing_if = "is_unlimited")]
    pub quota: u16,
}

/// A policy, kept as what differs from [`Policy::LOCAL`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Fields", into = "Fields")]
pub struct PolicyShape(pub Policy);

type Fields = serde_json::Map<String, serde_json::Value>;

/// A job, and how long its tasks run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct JobPlan {
    /// How many tasks.
    #[serde(skip_serializing_if = "is_one")]
    pub replicas: u16,
    /// CPUs of each.
    pub cpus: u32,
    /// How many failures each may have and go on.
    #[serde(skip_serializing_if = "is_default")]
    pub failure: u16,
    /// How many failed deliveries.
    pub delivery: u16,
    /// How many losses.
    pub preemption: u16,
    /// How many tasks may fail before the job does.
    #[serde(skip_serializing_if = "is_default")]
    pub max_task_failures: u16,
    /// How long an attempt may take.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Millis>,
    /// How long a task may wait.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheduling_timeout: Option<Millis>,
    /// Whether all tasks run together in one zone or not at all.
    #[serde(skip_serializing_if = "is_default")]
    pub gang: bool,
    /// How the attempts of each task end by themselves: those of the task's place, else the last
    /// list; in it that of the attempt's number, else the last. Without any they never do.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tasks: Vec<Vec<Exit>>,
}

/// How an attempt ends by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exit {
    /// Milliseconds after its process started.
    pub after: Millis,
    /// With 0, or with an error.
    pub ok: bool,
}

impl Shape {
    /// This many workers of 4 CPUs.
    pub fn of_workers(count: usize) -> Self {
        let worker = WorkerShape { cpus: 4, zone: first_zone(), waits: false };
        Self { workers: vec![worker; count], ..Self::default() }
    }

    /// The names of the workers that belong to no group.
    pub fn worker_ids(&self) -> impl Iterator<Item = (WorkerId, &WorkerShape)> {
        (1..).map(WorkerId).zip(&self.workers)
    }
}

impl WorkerShape {
    /// What it has.
    pub fn capacity(&self) -> Resources {
        Resources::cpus(self.cpus)
    }

    /// What it says of itself.
    pub fn attributes(&self) -> Attributes {
        Attributes::new([(ZONE, self.zone.as_str())])
    }
}

impl GroupShape {
    /// The group as the controller is told of it, and how the cloud treats it.
    pub fn config(&self) -> (GroupConfig, Pace) {
        let config = GroupConfig {
            min_slices: self.min_slices,
            max_slices: self.max_slices,
            vms_per_slice: self.vms,
            capacity: Resources::cpus(self.cpus),
            attributes: Attributes::new([(ZONE, self.zone.as_str())]),
        };
        let pace = self.pace;
        (config, Pace { grant: pace, boot: pace, init: pace, end: pace, quota: self.quota })
    }
}

impl JobPlan {
    /// What the machines decide by.
    pub fn terms(&self) -> Terms {
        let (failure, delivery, preemption) = (self.failure, self.delivery, self.preemption);
        Terms {
            replicas: self.replicas,
            resources: Resources::cpus(self.cpus),
            budgets: Tally { failure, delivery, preemption },
            max_task_failures: self.max_task_failures,
            scheduling_timeout: self.scheduling_timeout,
            timeout: self.timeout,
            group_by: self.gang.then(|| ZONE.into()),
        }
    }

    /// How an attempt of a task ends by itself, if it does.
    pub fn exit(&self, task: u16, attempt: u16) -> Option<Exit> {
        let of_task = self.tasks.get(usize::from(task)).or(self.tasks.last())?;
        of_task.get(usize::from(attempt)).or(of_task.last()).copied()
    }
}

impl fmt::Display for JobPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gang = if self.gang { "a gang of " } else { "" };
        let Self { replicas, cpus, failure, delivery, preemption, .. } = self;
        write!(f, "{gang}{replicas} x {cpus} CPU, budgets {failure}/{delivery}/{preemption}")?;
        if self.max_task_failures > 0 {
            write!(f, ", {} tasks may fail", self.max_task_failures)?;
        }
        for (name, limit) in
            [("timeout", self.timeout), ("scheduling timeout", self.scheduling_timeout)]
        {
            if let Some(limit) = limit {
                write!(f, ", {name} {} ms", limit.0)?;
            }
        }
        for exits in &self.tasks {
            let told = exits.iter().map(|exit| {
                format!("{} after {} ms", if exit.ok { "0" } else { "error" }, exit.after.0)
            });
            write!(f, "; exits {}", told.collect::<Vec<_>>().join(", "))?;
        }
        Ok(())
    }
}

impl Default for JobPlan {
    fn default() -> Self {
        let Terms { replicas, budgets, .. } = Terms::default();
        Self {
            replicas,
            cpus: 1,
            failure: budgets.failure,
            delivery: budgets.delivery,
            preemption: budgets.preemption,
            max_task_failures: 0,
            timeout: None,
            scheduling_timeout: None,
            gang: false,
            tasks: Vec::new(),
        }
    }
}

impl PolicyShape {
    fn is_local(&self) -> bool {
        self.0 == Policy::LOCAL
    }
}

impl Default for PolicyShape {
    fn default() -> Self {
        Self(Policy::LOCAL)
    }
}

fn fields(policy: Policy) -> Fields {
    match serde_json::to_value(policy) {
        Ok(serde_json::Value::Object(fields)) => fields,
        Ok(_) | Err(_) => unreachable!("invariant: a policy is an object of plain values"),
    }
}

impl From<PolicyShape> for Fields {
    fn from(shape: PolicyShape) -> Self {
        let local = fields(Policy::LOCAL);
        let all = fields(shape.0).into_iter();
        all.filter(|(field, value)| local.get(field) != Some(value)).collect()
    }
}

impl TryFrom<Fields> for PolicyShape {
    type Error = serde_json::Error;

    fn try_from(with: Fields) -> Result<Self, Self::Error> {
        let mut all = fields(Policy::LOCAL);
        all.extend(with);
        serde_json::from_value(serde_json::Value::Object(all)).map(Self)
    }
}

fn first_zone() -> String {
    "a".to_owned()
}

fn is_first_zone(zone: &str) -> bool {
    zone == "a"
}

fn unlimited() -> u16 {
    u16::MAX
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_unlimited(quota: &u16) -> bool {
    *quota == u16::MAX
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_one(count: &u16) -> bool {
    *count == 1
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
