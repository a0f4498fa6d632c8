//! The lifecycle of a task and of its attempts.
//!
//! A task is PENDING, active (its last attempt is ASSIGNED, BUILDING or RUNNING) or finished. Why
//! an attempt ends is an [`Ending`]; it decides the attempt's outcome, its cause and the budget
//! charged.

mod ending;

use std::fmt;

use serde::{Deserialize, Serialize};

use super::step::{IllegalTransition, Step, Transition};

pub use ending::{Cause, Ending, Outcome};

/// How far a live attempt has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Phase {
    /// Placed, and not heard of.
    Assigned,
    /// Accepted by its worker: the bundle and the container are being made.
    Building,
    /// Its process runs.
    Running,
}

/// Why a task is FAILED.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailedBy {
    /// Its failures exceed the budget.
    Exit,
    /// Its failed deliveries exceed the budget.
    DeliveryBudget,
    /// It took longer than `timeout`.
    Timeout,
    /// No live worker for the whole grace.
    WorkersExhausted,
    /// It had to go back while a sibling of its gang had already SUCCEEDED.
    GangBroken,
}

impl FailedBy {
    /// All of them, in order.
    pub const ALL: [Self; 5] =
        [Self::Exit, Self::DeliveryBudget, Self::Timeout, Self::WorkersExhausted, Self::GangBroken];
}

impl fmt::Display for FailedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Exit => "exit",
            Self::DeliveryBudget => "delivery budget spent",
            Self::Timeout => "timeout",
            Self::WorkersExhausted => "workers exhausted",
            Self::GangBroken => "gang broken",
        })
    }
}

/// Where a task stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TaskState {
    /// Waits for a worker.
    Pending,
    /// Its last attempt lives and has come this far.
    Active(Phase),
    /// Its last attempt exited 0.
    Succeeded,
    /// Given up.
    Failed(FailedBy),
    /// Cancelled, or the job ended for another reason.
    Killed,
    /// Taken away more often than its budget allows.
    WorkerFailed,
    /// PENDING for longer than `scheduling_timeout`.
    Unschedulable,
}

/// What happens to a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TaskEvent {
    /// The scheduler chose a worker.
    Placed,
    /// Its worker accepted it, or reported BUILDING.
    Accepted,
    /// Its worker reported RUNNING.
    Started,
    /// Its attempt ended; `exhausted` says whether the budget that this is charged to is overspent.
    Ended {
        /// Why.
        ending: Ending,
        /// Whether the charge exceeded the budget.
        exhausted: bool,
    },
    /// It went back while a sibling of its gang had already SUCCEEDED: the gang can never form
    /// again.
    GangBroken,
    /// `scheduling_timeout` of this spell of PENDING.
    SchedulingTimedOut,
    /// No live worker for the whole grace.
    WorkersExhausted,
    /// The client cancelled, or the job ended, while it was PENDING.
    Dropped,
}

impl TaskState {
    /// All of them, in order.
    pub const ALL: [Self; 13] = [
        Self::Pending,
        Self::Active(Phase::Assigned),
        Self::Active(Phase::Building),
        Self::Active(Phase::Running),
        Self::Succeeded,
        Self::Failed(FailedBy::Exit),
        Self::Failed(FailedBy::DeliveryBudget),
        Self::Failed(FailedBy::Timeout),
        Self::Failed(FailedBy::WorkersExhausted),
        Self::Failed(FailedBy::GangBroken),
        Self::Killed,
        Self::WorkerFailed,
        Self::Unschedulable,
    ];

    /// Whether nothing will ever change it again.
    pub fn is_finished(self) -> bool {
        match self {
            Self::Pending | Self::Active(_) => false,
            Self::Succeeded
            | Self::Failed(_)
            | Self::Killed
            | Self::WorkerFailed
            | Self::Unschedulable => true,
        }
    }

    /// Whether an attempt of it lives.
    pub fn is_active(self) -> bool {
        matches!(self, Self::Active(_))
    }

    /// The number of the state on the wire.
    pub fn wire(self) -> u8 {
        match self {
            Self::Pending => 1,
            Self::Active(Phase::Building) => 2,
            Self::Active(Phase::Running) => 3,
            Self::Succeeded => 4,
            Self::Failed(_) => 5,
            Self::Killed => 6,
            Self::WorkerFailed => 7,
            Self::Unschedulable => 8,
            Self::Active(Phase::Assigned) => 9,
        }
    }

    /// The lifecycle: which state an event leads to.
    ///
    /// # Errors
    /// The event does not belong in this state; the caller is wrong.
    pub fn on(self, event: TaskEvent) -> Transition<Self, TaskEvent> {
        let illegal = Err(IllegalTransition { state: self, event });
        match self {
            Self::Pending => match event {
                TaskEvent::Placed => Ok(Step::Moved(Self::Active(Phase::Assigned))),
                TaskEvent::SchedulingTimedOut => Ok(Step::Moved(Self::Unschedulable)),
                TaskEvent::WorkersExhausted => {
                    Ok(Step::Moved(Self::Failed(FailedBy::WorkersExhausted)))
                }
                TaskEvent::GangBroken => Ok(Step::Moved(Self::Failed(FailedBy::GangBroken))),
                TaskEvent::Dropped => Ok(Step::Moved(Self::Killed)),
                TaskEvent::Accepted | TaskEvent::Started | TaskEvent::Ended { .. } => {
                    Ok(Step::Stale)
                }
            },
            Self::Active(phase) => match event {
                TaskEvent::Accepted => Ok(phase.forward(Phase::Building)),
                TaskEvent::Started => Ok(phase.forward(Phase::Running)),
                // What was heard of has been delivered.
                TaskEvent::Ended { ending: Ending::Undelivered, .. } if phase > Phase::Assigned => {
                    illegal
                }
                TaskEvent::Ended { ending, exhausted } => {
                    Ok(Step::Moved(after(ending, phase, exhausted)))
                }
                TaskEvent::SchedulingTimedOut | TaskEvent::WorkersExhausted => Ok(Step::Stale),
                TaskEvent::Placed | TaskEvent::GangBroken | TaskEvent::Dropped => illegal,
            },
            Self::Succeeded
            | Self::Failed(_)
            | Self::Killed
            | Self::WorkerFailed
            | Self::Unschedulable => match event {
                TaskEvent::Accepted
                | TaskEvent::Started
                | TaskEvent::Ended { .. }
                | TaskEvent::GangBroken
                | TaskEvent::SchedulingTimedOut
                | TaskEvent::WorkersExhausted
                | TaskEvent::Dropped => Ok(Step::Stale),
                TaskEvent::Placed => illegal,
            },
        }
    }
}

impl Phase {
    /// Phases only go forwards.
    fn forward(self, to: Self) -> Step<TaskState> {
        if to > self { Step::Moved(TaskState::Active(to)) } else { Step::Stale }
    }
}

/// Where a task goes when its attempt ends.
fn after(ending: Ending, phase: Phase, exhausted: bool) -> TaskState {
    match ending {
        Ending::Succeeded => TaskState::Succeeded,
        Ending::TimedOut => TaskState::Failed(FailedBy::Timeout),
        Ending::Cancelled | Ending::JobOver | Ending::SiblingFinished => TaskState::Killed,
        Ending::Failed if exhausted => TaskState::Failed(FailedBy::Exit),
        Ending::Undelivered if exhausted => TaskState::Failed(FailedBy::DeliveryBudget),
        Ending::Lost | Ending::Preempted | Ending::KilledUnasked if exhausted => match phase {
            Phase::Assigned => TaskState::Failed(FailedBy::DeliveryBudget),
            Phase::Building | Phase::Running => TaskState::WorkerFailed,
        },
        Ending::SiblingWentBack
        | Ending::Failed
        | Ending::Undelivered
        | Ending::Lost
        | Ending::Preempted
        | Ending::KilledUnasked => TaskState::Pending,
    }
}

/// The state's name in logs and traces.
fn name(state: TaskState) -> &'static str {
    match state {
        TaskState::Pending => "PENDING",
        TaskState::Active(Phase::Assigned) => "ASSIGNED",
        TaskState::Active(Phase::Building) => "BUILDING",
        TaskState::Active(Phase::Running) => "RUNNING",
        TaskState::Succeeded => "SUCCEEDED",
        TaskState::Failed(_) => "FAILED",
        TaskState::Killed => "KILLED",
        TaskState::WorkerFailed => "WORKER_FAILED",
        TaskState::Unschedulable => "UNSCHEDULABLE",
    }
}

impl fmt::Display for TaskState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(name(*self))?;
        match self {
            Self::Failed(by) if *by != FailedBy::Exit => write!(f, " ({by})"),
            Self::Failed(_)
            | Self::Pending
            | Self::Active(_)
            | Self::Succeeded
            | Self::Killed
            | Self::WorkerFailed
            | Self::Unschedulable => Ok(()),
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(name(TaskState::Active(*self)))
    }
}
