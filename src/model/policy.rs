//! Every timeout, limit and protocol switch of a cluster, and the presets.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::time::Millis;

/// What a delivery that was given up costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Retry {
    /// One unit of the task's delivery budget.
    Budgeted,
    /// As reported in January: the whole worker fails, nothing is charged, and it goes on for ever.
    Unbounded,
}

/// What a heartbeat says of attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reconcile {
    /// What runs and what finished; results are applied before absence is judged.
    ResultsFirst,
    /// As reported in January: only what runs; what is not listed is taken for lost.
    RunningOnly,
}

/// How an error of an unexpected type is taken in the delivery of a `RunTask`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryErrors {
    /// As an unknown outcome: the try counts, and the next one follows.
    Typed,
    /// As reported in January: it bypasses the inner retry and fails the delivery at once.
    Untyped,
}

/// Every timeout, limit and protocol switch. The default is [`Policy::HARDENED`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// What a delivery that was given up costs.
    pub retry: Retry,
    /// What a heartbeat says of attempts.
    pub reconcile: Reconcile,
    /// How an unexpected error is taken in a delivery.
    pub delivery_errors: DeliveryErrors,
    /// The interval of heartbeats; a worker is DEGRADED after one and a half.
    pub heartbeat: Millis,
    /// Without a heartbeat for this long a worker is DEAD.
    pub worker_timeout: Millis,
    /// A worker works for this long after sending the last heartbeat that was acknowledged.
    pub worker_lease: Millis,
    /// How long a call may take.
    pub rpc_timeout: Millis,
    /// The pause after the first failed try of a delivery; it doubles with each further one.
    pub delivery_backoff: Millis,
    /// How often a `RunTask` is tried, 1 to 15.
    pub delivery_tries: u8,
    /// Between SIGTERM and SIGKILL.
    pub kill_grace: Millis,
    /// How long a VM may take to start.
    pub boot_timeout: Millis,
    /// How long a started VM may take until its worker is heard.
    pub init_timeout: Millis,
    /// How long a slice above the minimum may be idle.
    pub idle_timeout: Millis,
    /// Failed launches in a row that close a worker for a while; 0 means never.
    pub quarantine_after: u8,
    /// For how long they do.
    pub quarantine: Millis,
    /// How long a task waits while there is no live worker at all.
    pub no_workers_grace: Millis,
    /// Slices in a row that may pause that grace without ever serving.
    pub barren_slices: u8,
    /// A group's pause after a failed slice; it doubles up to [`Policy::create_backoff_max`].
    pub create_backoff: Millis,
    /// The longest such pause.
    pub create_backoff_max: Millis,
    /// A group's pause after a quota error.
    pub quota_backoff: Millis,
    /// How long a job is kept after its end.
    pub keep_jobs_for: Millis,
    /// How many ended jobs are kept.
    pub keep_jobs: u32,
}

impl Default for Policy {
    fn default() -> Self {
        Self::HARDENED
    }
}

impl Policy {
    /// The fields that count something. All other numbers are lengths of time.
    pub const COUNTS: [&'static str; 4] =
        ["delivery_tries", "quarantine_after", "barren_slices", "keep_jobs"];

    /// Everything that the contract asks for.
    pub const HARDENED: Self = Self {
        retry: Retry::Budgeted,
        reconcile: Reconcile::ResultsFirst,
        delivery_errors: DeliveryErrors::Typed,
        heartbeat: Millis::seconds(10),
        worker_timeout: Millis::seconds(60),
        worker_lease: Millis::seconds(50),
        rpc_timeout: Millis::seconds(5),
        delivery_backoff: Millis(100),
        delivery_tries: 4,
        kill_grace: Millis::seconds(5),
        boot_timeout: Millis::seconds(300),
        init_timeout: Millis::seconds(600),
        idle_timeout: Millis::seconds(300),
        quarantine_after: 3,
        quarantine: Millis::seconds(15),
        no_workers_grace: Millis::seconds(600),
        barren_slices: 3,
        create_backoff: Millis::seconds(5),
        create_backoff_max: Millis::seconds(300),
        quota_backoff: Millis::seconds(300),
        keep_jobs_for: Millis::seconds(7 * 24 * 3600),
        keep_jobs: 10_000,
    };

    /// For a cluster on one machine: gives up sooner when there is no worker at all.
    pub const LOCAL: Self = Self { no_workers_grace: Millis::seconds(20), ..Self::HARDENED };

    /// Finding 1 of the chaos analysis.
    pub const AS_REPORTED_RETRY: Self = Self { retry: Retry::Unbounded, ..Self::HARDENED };

    /// Finding 2 of the chaos analysis.
    pub const AS_REPORTED_RECONCILE: Self =
        Self { reconcile: Reconcile::RunningOnly, ..Self::HARDENED };

    /// Finding 3 of the chaos analysis.
    pub const AS_REPORTED_DELIVERY_ERRORS: Self =
        Self { delivery_errors: DeliveryErrors::Untyped, ..Self::HARDENED };

    /// The presets by name.
    pub const PRESETS: [(&'static str, Self); 5] = [
        ("hardened", Self::HARDENED),
        ("local", Self::LOCAL),
        ("as_reported.retry", Self::AS_REPORTED_RETRY),
        ("as_reported.reconcile", Self::AS_REPORTED_RECONCILE),
        ("as_reported.delivery_errors", Self::AS_REPORTED_DELIVERY_ERRORS),
    ];

    /// Without a heartbeat for this long, one and a half intervals, a worker is DEGRADED.
    pub fn silence(&self) -> Millis {
        Millis(self.heartbeat.0.saturating_add(self.heartbeat.0 / 2))
    }

    /// Checks that the numbers can keep what the protocol promises.
    ///
    /// # Errors
    /// The rule that is broken, with the numbers that break it.
    pub fn validate(&self) -> Result<(), BadPolicy> {
        // A worker that lost its lease must have stopped everything before it is taken for dead;
        // a tenth of an interval is left for clocks that differ.
        let stopped = u64::from(self.worker_lease.0)
            + u64::from(self.kill_grace.0)
            + u64::from(self.heartbeat.0 / 10);
        if stopped >= u64::from(self.worker_timeout.0) {
            return Err(BadPolicy(format!(
                "worker_lease + kill_grace + heartbeat/10 must be less than worker_timeout, so \
                 that a worker has stopped everything before it is taken for dead: \
                 {} + {} + {} is not less than {}",
                self.worker_lease,
                self.kill_grace,
                Millis(self.heartbeat.0 / 10),
                self.worker_timeout
            )));
        }
        if self.heartbeat.0 == 0 || self.heartbeat > self.worker_lease {
            return Err(BadPolicy(format!(
                "heartbeat must be more than 0 and at most worker_lease ({}), it is {}",
                self.worker_lease, self.heartbeat
            )));
        }
        if !(1..=15).contains(&self.delivery_tries) {
            let found = self.delivery_tries;
            return Err(BadPolicy(format!("delivery_tries must be 1 to 15, it is {found}")));
        }
        Ok(())
    }
}

/// A policy that cannot keep what the protocol promises.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadPolicy(String);

impl fmt::Display for BadPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadPolicy {}

impl FromStr for Policy {
    type Err = BadPolicy;

    fn from_str(name: &str) -> Result<Self, BadPolicy> {
        let preset = Self::PRESETS.into_iter().find(|(preset, _)| *preset == name);
        preset.map(|(_, policy)| policy).ok_or_else(|| {
            let names: Vec<&str> = Self::PRESETS.iter().map(|(name, _)| *name).collect();
            BadPolicy(format!("`{name}` is not a policy; there are {}", names.join(", ")))
        })
    }
}
