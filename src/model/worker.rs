//! The lifecycle of a worker as the controller sees it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::step::{IllegalTransition, Step, Transition};

/// Why nothing new is placed on a live worker; several reasons may hold at once.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub struct Reasons(u8);

impl Reasons {
    /// None at all: the worker is HEALTHY.
    pub const NONE: Self = Self(0);
    /// No heartbeat for one and a half intervals, or none yet since the controller started or the
    /// quarantine ended: only a heartbeat lifts it.
    pub const SILENT: Self = Self(1);
    /// Too many failed launches in a row.
    pub const QUARANTINED: Self = Self(2);
    /// Drained by an operator, or its slice is to go: lifted only by the operator.
    pub const CLOSED: Self = Self(4);

    /// Whether all of the other's reasons hold.
    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Both.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// These but not the other's.
    #[must_use]
    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

/// What the controller thinks of a worker; *live* is HEALTHY or DEGRADED.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum WorkerState {
    /// Never heard of.
    Absent,
    /// Work may be placed on it.
    Healthy,
    /// Nothing new is placed on it, and it is still listened to. At least one reason holds.
    Degraded(Reasons),
    /// Removed: its incarnation has ended.
    Dead,
}

/// What happens to a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WorkerEvent {
    /// A heartbeat of the incarnation that is listened to.
    Beat,
    /// The first heartbeat of a newer incarnation than any before.
    NewIncarnation,
    /// One and a half intervals without a heartbeat.
    Silent,
    /// `worker_timeout` without a heartbeat.
    TimedOut,
    /// `quarantine_after` failed launches in a row.
    Quarantined,
    /// The quarantine is over.
    QuarantineOver,
    /// Drained, or its slice is to go.
    Closed,
    /// No longer drained.
    Opened,
    /// The controller restarted and has not heard of it since.
    Restored,
    /// Closed and empty, or its VM is gone.
    Removed,
}

impl WorkerState {
    /// Whether the controller listens to it.
    pub fn is_live(self) -> bool {
        match self {
            Self::Healthy | Self::Degraded(_) => true,
            Self::Absent | Self::Dead => false,
        }
    }

    /// Live for these reasons: none means HEALTHY.
    fn live(reasons: Reasons) -> Self {
        if reasons == Reasons::NONE { Self::Healthy } else { Self::Degraded(reasons) }
    }

    /// The reasons why nothing is placed on it.
    pub fn reasons(self) -> Reasons {
        match self {
            Self::Degraded(reasons) => reasons,
            Self::Absent | Self::Healthy | Self::Dead => Reasons::NONE,
        }
    }

    /// The lifecycle: which state an event leads to.
    ///
    /// # Errors
    /// The event does not belong in this state; the caller is wrong.
    pub fn on(self, event: WorkerEvent) -> Transition<Self, WorkerEvent> {
        let illegal = Err(IllegalTransition { state: self, event });
        match self {
            Self::Absent | Self::Dead => match event {
                WorkerEvent::NewIncarnation => Ok(Step::Moved(Self::Healthy)),
                // A late word of what was removed must not conjure it back.
                WorkerEvent::Beat
                | WorkerEvent::Silent
                | WorkerEvent::TimedOut
                | WorkerEvent::QuarantineOver => Ok(Step::Stale),
                WorkerEvent::Quarantined
                | WorkerEvent::Closed
                | WorkerEvent::Opened
                | WorkerEvent::Restored
                | WorkerEvent::Removed => illegal,
            },
            Self::Healthy | Self::Degraded(_) => {
                let reasons = self.reasons();
                let next = match event {
                    WorkerEvent::NewIncarnation => Self::Healthy,
                    WorkerEvent::Beat => Self::live(reasons.without(Reasons::SILENT)),
                    WorkerEvent::Silent | WorkerEvent::Restored => {
                        Self::live(reasons.with(Reasons::SILENT))
                    }
                    WorkerEvent::Quarantined => Self::live(reasons.with(Reasons::QUARANTINED)),
                    // Only a heartbeat makes a worker HEALTHY: the end of a quarantine waits for
                    // one.
                    WorkerEvent::QuarantineOver if reasons.contains(Reasons::QUARANTINED) => {
                        Self::live(reasons.without(Reasons::QUARANTINED).with(Reasons::SILENT))
                    }
                    WorkerEvent::Opened if reasons.contains(Reasons::CLOSED) => {
                        Self::live(reasons.without(Reasons::CLOSED).with(Reasons::SILENT))
                    }
                    WorkerEvent::QuarantineOver | WorkerEvent::Opened => return Ok(Step::Stale),
                    WorkerEvent::Closed => Self::live(reasons.with(Reasons::CLOSED)),
                    WorkerEvent::TimedOut | WorkerEvent::Removed => Self::Dead,
                };
                Ok(if next == self && event != WorkerEvent::NewIncarnation {
                    Step::Stale
                } else {
                    Step::Moved(next)
                })
            }
        }
    }
}

impl fmt::Display for WorkerState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("absent"),
            Self::Healthy => f.write_str("HEALTHY"),
            Self::Dead => f.write_str("DEAD"),
            Self::Degraded(reasons) => {
                let named = [
                    (Reasons::SILENT, "silent"),
                    (Reasons::QUARANTINED, "quarantine"),
                    (Reasons::CLOSED, "closed"),
                ];
                let why: Vec<&str> = named
                    .into_iter()
                    .filter(|(reason, _)| reasons.contains(*reason))
                    .map(|(_, name)| name)
                    .collect();
                write!(f, "DEGRADED ({})", why.join(", "))
            }
        }
    }
}
