//! The three finite budgets that every way back to PENDING is paid from.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Which budget a try is charged to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Budget {
    /// The task itself failed: exit, bundle, container or monitor.
    Failure,
    /// The try never reached its worker, as far as anybody heard.
    Delivery,
    /// The try was taken away: its worker was lost, its VM preempted, or it was killed unasked.
    Preemption,
}

impl Budget {
    /// All of them, in the order in which they are printed.
    pub const ALL: [Self; 3] = [Self::Failure, Self::Delivery, Self::Preemption];
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Failure => "failure",
            Self::Delivery => "delivery",
            Self::Preemption => "preemption",
        })
    }
}

/// A number for each budget: what a task may spend, or has spent.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub struct Tally {
    /// Failures of the task itself.
    pub failure: u16,
    /// Deliveries that failed.
    pub delivery: u16,
    /// Tries taken away.
    pub preemption: u16,
}

impl Tally {
    /// The number of one budget.
    pub fn of(self, budget: Budget) -> u16 {
        match budget {
            Budget::Failure => self.failure,
            Budget::Delivery => self.delivery,
            Budget::Preemption => self.preemption,
        }
    }

    /// Adds one unit and answers the new number.
    pub fn charge(&mut self, budget: Budget) -> u16 {
        let counter = match budget {
            Budget::Failure => &mut self.failure,
            Budget::Delivery => &mut self.delivery,
            Budget::Preemption => &mut self.preemption,
        };
        *counter = counter.saturating_add(1);
        *counter
    }
}
