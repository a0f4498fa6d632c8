//! How a process ends, as its worker tells it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How an attempt failed at its worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The process ended with an error.
    Exit,
    /// The bundle could not be fetched or unpacked.
    Bundle,
    /// The container could not be made.
    Container,
    /// The worker's task monitor died; the process was stopped.
    Monitor,
}

impl Fault {
    /// Whether the process never ran: what counts towards a quarantine.
    pub fn is_launch(self) -> bool {
        matches!(self, Self::Bundle | Self::Container)
    }
}

/// A worker's last word on an attempt. Whatever it is: no process of it runs there or ever will.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Final {
    /// Exited 0.
    Succeeded,
    /// Failed.
    Failed(Fault),
    /// Stopped.
    Killed,
    /// Never started here, and never will be.
    Missing,
}

impl fmt::Display for Final {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Succeeded => "SUCCEEDED",
            Self::Failed(Fault::Exit) => "FAILED",
            Self::Failed(Fault::Bundle) => "FAILED (bundle)",
            Self::Failed(Fault::Container) => "FAILED (container)",
            Self::Failed(Fault::Monitor) => "FAILED (monitor)",
            Self::Killed => "KILLED",
            Self::Missing => "MISSING",
        })
    }
}
