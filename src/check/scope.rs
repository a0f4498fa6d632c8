//! A scope: a cluster, a workload and a menu of faults so small that every run of them can be
//! looked at. It is read from TOML, and says in `claims` and `violated` what is expected of it.
//!
//! The keys of a scope file, and what is meant where one is absent:
//!
//! | key | values | default |
//! |---|---|---|
//! | `name` | lower-case letters, digits, `.`, `_`, `-` | must be given |
//! | `about` | a sentence for people | empty |
//! | `policy` | a preset | `hardened` |
//! | `[policy_with]` | fields of the policy that differ from the preset | none |
//! | `clocks` | `kept`, `broken` | `kept` |
//! | `beats` | `one_step`, `three_steps` | `one_step` |
//! | `launches` | `one_step`, `two_steps` (bundle and container may fail) | `two_steps` |
//! | `reports` | `last` (heartbeats tell the rest), `all` | `last` |
//! | `claims` | which claims are judged | all; not S8 where clocks are broken |
//! | `violated` | which of them are expected to be violated | none |
//! | `[[workers]]` | `count`, resources, `attributes`, `registered` | 1, none, true |
//! | `[[jobs]]` | as clients spell them; `timeout_ms`; `submit` | a client's; `at_start` |
//! | `[[groups]]` | `min_slices`, `max_slices`, `vms_per_slice`, resources | 0, 1, 1 |
//! | `[faults]` | `any` so many of `kinds`, `each` kind its own number, `endless` kinds | none |
//! | `[deep]` | the same keys once more, laid over the rest by `--deep` | nothing changes |
//!
//! `submit` is `at_start` (before the run begins) or `any_time` (in order, whenever).
//! Resources are `cpus` or `cpu_milli` (one CPU by default) and `memory_bytes` (0).

mod file;
pub(in crate::check) mod node;
pub(in crate::check) mod section;

use std::fmt;

use serde::Serialize;

use crate::controller_sm::GroupConfig;
use crate::model::id::WorkerId;
use crate::model::operation::FaultKind;
use crate::model::policy::Policy;
use crate::model::resources::{Attributes, Resources};
use crate::model::spec::Terms;

pub use section::BadScope;

/// The largest number a menu may offer: counters of faults are four bits of a state.
pub const MAX_FAULTS: u8 = 15;
/// Every task multiplies what is explored.
pub const MAX_TASKS: usize = 8;
/// Every worker does, too; machines of groups count.
pub const MAX_WORKERS: usize = 4;

/// Whether workers' clocks run as fast as the controller's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clocks {
    /// A worker has stopped everything before it is taken for dead.
    Kept,
    /// It may not have.
    Broken,
}

/// How many steps a heartbeat takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beats {
    /// Sent, received and answered at once, unless a fault comes between.
    OneStep,
    /// Anything may happen between these.
    ThreeSteps,
}

/// How many steps it takes from the acceptance of an attempt to its process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Launches {
    /// One: nothing comes between.
    OneStep,
    /// Two: bundle and container may fail, and a stop may come first.
    TwoSteps,
}

/// Which reports workers send. Heartbeats tell the same, so that a report that is not sent is one
/// that is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reports {
    /// Of results only.
    Last,
    /// At each change.
    All,
}

/// A worker that is there from the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerSpec {
    /// Its name.
    pub id: WorkerId,
    /// What it has.
    pub total: Resources,
    /// What it says of itself.
    pub attributes: Attributes,
    /// Whether it is HEALTHY, with a lease, before the run begins.
    pub registered: bool,
}

/// A job of the client's script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobPlan {
    /// What is asked for.
    pub terms: Terms,
    /// Whether it is submitted before the run begins; otherwise at any time, in order.
    pub at_start: bool,
}

/// A set of kinds of faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct KindSet(u32);

impl KindSet {
    /// No kind at all.
    pub const NONE: Self = Self(0);

    /// The set with one kind more.
    #[must_use]
    pub const fn with(self, kind: FaultKind) -> Self {
        Self(self.0 | 1 << kind as u32)
    }

    /// Whether the kind is one of them.
    pub const fn contains(self, kind: FaultKind) -> bool {
        self.0 & 1 << kind as u32 != 0
    }

    /// How many kinds there are.
    pub const fn len(self) -> u32 {
        self.0.count_ones()
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The kinds, in the order in which menus are printed.
    pub fn iter(self) -> impl Iterator<Item = FaultKind> {
        FaultKind::ALL.into_iter().filter(move |kind| self.contains(*kind))
    }
}

/// Which faults may happen, and how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Menu {
    /// How many faults of `kinds` there may be together.
    pub any: u8,
    /// What `any` is spent on.
    pub kinds: KindSet,
    /// How often each kind may happen beside that, by `FaultKind as usize`.
    pub each: [u8; 29],
    /// What may happen again and again for ever.
    pub endless: KindSet,
}

/// A question that is small enough to be answered completely.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// What it is called on the command line and in file names.
    pub name: String,
    /// What it asks, for people.
    pub about: String,
    /// The preset that the policy started from.
    pub policy_name: String,
    /// The policy, with all that differs from the preset.
    pub policy: Policy,
    /// Whether clocks can be relied on.
    pub clocks: Clocks,
    /// How fine heartbeats are told apart.
    pub beats: Beats,
    /// Whether a process runs as soon as its attempt is accepted.
    pub launches: Launches,
    /// Which reports workers send.
    pub reports: Reports,
    /// The workers that are there from the start.
    pub workers: Vec<WorkerSpec>,
    /// The client's script.
    pub jobs: Vec<JobPlan>,
    /// Where further workers may come from.
    pub groups: Vec<GroupConfig>,
    /// What may go wrong.
    pub faults: Menu,
    /// The claims that are judged.
    pub claims: Vec<String>,
    /// Those expected to be violated; when there are none, all are expected to hold.
    pub violated: Vec<String>,
    /// The TOML that it was made from, complete: reading it gives this scope again.
    pub text: String,
}

/// The standard scopes as `(file, text)`, in the order in which they are checked.
const STANDARD: [(&str, &str); 16] = [
    ("scopes/delivery.toml", include_str!("../../scopes/delivery.toml")),
    ("scopes/copies.toml", include_str!("../../scopes/copies.toml")),
    ("scopes/reports.toml", include_str!("../../scopes/reports.toml")),
    ("scopes/crash.toml", include_str!("../../scopes/crash.toml")),
    ("scopes/lease.toml", include_str!("../../scopes/lease.toml")),
    ("scopes/gang.toml", include_str!("../../scopes/gang.toml")),
    ("scopes/capacity.toml", include_str!("../../scopes/capacity.toml")),
    ("scopes/cancel.toml", include_str!("../../scopes/cancel.toml")),
    ("scopes/timeouts.toml", include_str!("../../scopes/timeouts.toml")),
    ("scopes/restart.toml", include_str!("../../scopes/restart.toml")),
    ("scopes/fleet.toml", include_str!("../../scopes/fleet.toml")),
    ("scopes/mix.toml", include_str!("../../scopes/mix.toml")),
    ("scopes/mix.wide.toml", include_str!("../../scopes/mix.wide.toml")),
    ("scopes/as_reported.retry.toml", include_str!("../../scopes/as_reported.retry.toml")),
    ("scopes/as_reported.reconcile.toml", include_str!("../../scopes/as_reported.reconcile.toml")),
    (
        "scopes/as_reported.delivery_errors.toml",
        include_str!("../../scopes/as_reported.delivery_errors.toml"),
    ),
];

impl Scope {
    /// Reads a scope; `origin` is the file, for messages.
    ///
    /// # Errors
    /// The first thing that is wrong with it: where, what was expected, what to do.
    pub fn parse(text: &str, origin: &str) -> Result<Self, BadScope> {
        file::parse(text, origin)
    }

    /// The wider form of this scope, as its `[deep]` says; itself if there is none.
    ///
    /// # Errors
    /// What is wrong with the wider form. [`Scope::parse`] has looked at it already, so that only a
    /// scope whose `text` was changed by hand can fail here.
    pub fn deepened(&self) -> Result<Self, BadScope> {
        file::deepened(&self.text, &format!("scope {}", self.name))
    }

    /// The scopes that are embedded in this program, in a fixed order.
    pub fn standard() -> Vec<Self> {
        let read = |(origin, text): (&str, &str)| {
            Self::parse(text, origin)
                .unwrap_or_else(|bad| panic!("invariant: a standard scope: {bad}"))
        };
        STANDARD.into_iter().map(read).collect()
    }

    /// The standard scope of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::standard().into_iter().find(|scope| scope.name == name)
    }

    /// How many tasks the client asks for in all.
    pub fn tasks(&self) -> usize {
        self.jobs.iter().map(|job| usize::from(job.terms.replicas)).sum()
    }

    /// What it is made of, in a line: `1 worker, 1 task, any 2 of 5 faults, policy hardened`.
    pub fn describe(&self) -> String {
        let mut parts = Vec::new();
        if !self.workers.is_empty() {
            parts.push(count(self.workers.len(), "worker"));
        }
        if !self.groups.is_empty() {
            let slices = self.groups.iter().map(|group| usize::from(group.max_slices)).sum();
            let groups = count(self.groups.len(), "scale group");
            parts.push(format!("{groups} of at most {}", count(slices, "slice")));
        }
        if self.jobs.len() > 1 {
            parts.push(count(self.jobs.len(), "job"));
        }
        let gang = self.jobs.iter().any(|job| job.terms.is_gang());
        let tasks = count(self.tasks(), "task");
        parts.push(if gang { format!("{tasks} (gang)") } else { tasks });
        parts.extend(self.faults.describe());
        if self.clocks == Clocks::Broken {
            parts.push("broken clocks".to_owned());
        }
        if self.beats == Beats::ThreeSteps {
            parts.push("heartbeats in three steps".to_owned());
        }
        let preset: Result<Policy, _> = self.policy_name.parse();
        let changed = if preset == Ok(self.policy) { "" } else { " with changes" };
        parts.push(format!("policy {}{changed}", self.policy_name));
        parts.join(", ")
    }
}

impl Menu {
    /// Whether a fault of this kind can occur at all.
    pub fn offers(&self, kind: FaultKind) -> bool {
        self.endless.contains(kind)
            || self.each[kind as usize] > 0
            || (self.any > 0 && self.kinds.contains(kind))
    }

    fn describe(&self) -> Vec<String> {
        let mut parts = Vec::new();
        match (self.any, self.kinds.len()) {
            (0, _) => {}
            (any, 1) => parts.push(format!("{any} × {}", Named(self.kinds))),
            (any, kinds) => parts.push(format!("any {any} of {kinds} faults")),
        }
        for kind in FaultKind::ALL {
            let n = self.each[kind as usize];
            if n > 0 {
                parts.push(format!("{n} × {}", Named(KindSet::NONE.with(kind))));
            }
        }
        if !self.endless.is_empty() {
            parts.push(format!("endless {}", Named(self.endless)));
        }
        if parts.is_empty() {
            parts.push("no faults".to_owned());
        }
        parts
    }
}

/// Kinds as scope files spell them.
struct Named(KindSet);

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, kind) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str(" + ")?;
            }
            kind.serialize(&mut *f)?;
        }
        Ok(())
    }
}

/// A kind as scope files spell it.
pub fn kind_name(kind: FaultKind) -> String {
    Named(KindSet::NONE.with(kind)).to_string()
}

fn count(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}
