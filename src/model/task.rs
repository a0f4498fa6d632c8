//! The lifecycle of a task and of its attempts.
//!
//! A task is PENDING, active (its last attempt is ASSIGNED, BUILDING or RUNNING) or finished. Why
//! an attempt ends is an [`Ending`]; it decides the attempt's outcome, its cause and the budget
//! charged.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::budget::Budget;
use super::step::{IllegalTransition, Step, Transition};

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

/// What an attempt ended as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Outcome {
    /// Exited 0.
    Succeeded,
    /// Exited otherwise, could not start, or took too long.
    Failed,
    /// Stopped on request, or by somebody unknown.
    Killed,
    /// Undeliverable, missing, or lost with its worker.
    WorkerFailed,
    /// Its VM was reclaimed.
    Preempted,
    /// A sibling of its gang went back to PENDING.
    CoschedFailed,
}

/// Why an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The process ended by itself, or could not be started.
    Exit,
    /// Nobody ever heard of it.
    Delivery,
    /// It had been heard of and was taken away.
    Loss,
    /// It took longer than the job's `timeout`.
    Timeout,
    /// The client cancelled the job.
    Cancel,
    /// A sibling of its gang.
    Gang,
    /// The job ended for another reason.
    JobOver,
}

impl Cause {
    /// The budget that attempts of this cause and outcome are charged to.
    pub fn charges(self, outcome: Outcome) -> Option<Budget> {
        match self {
            Self::Exit => (outcome == Outcome::Failed).then_some(Budget::Failure),
            Self::Delivery => Some(Budget::Delivery),
            Self::Loss => Some(Budget::Preemption),
            Self::Timeout | Self::Cancel | Self::Gang | Self::JobOver => None,
        }
    }
}

/// Why an attempt ends: one row of the contract's task table each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// Its worker reports SUCCEEDED.
    Succeeded,
    /// Its worker reports FAILED.
    Failed,
    /// The delivery failed.
    Undelivered,
    /// Its worker is DEAD or has a newer incarnation, or does not list it any more.
    Lost,
    /// Its VM was preempted.
    Preempted,
    /// Its worker reports KILLED, and nobody had asked for it.
    KilledUnasked,
    /// The job's `timeout` since it was accepted.
    TimedOut,
    /// The client cancelled.
    Cancelled,
    /// The job ended for another reason.
    JobOver,
    /// A sibling of its gang went back to PENDING.
    SiblingWentBack,
    /// A sibling of its gang finished as anything but SUCCEEDED.
    SiblingFinished,
}

impl Ending {
    /// What an attempt of this phase ends as, and the cause that it stores.
    pub fn verdict(self, phase: Phase) -> (Outcome, Cause) {
        // What was never heard of can only have been lost in delivery.
        let taken = if phase == Phase::Assigned { Cause::Delivery } else { Cause::Loss };
        match self {
            Self::Succeeded => (Outcome::Succeeded, Cause::Exit),
            Self::Failed => (Outcome::Failed, Cause::Exit),
            Self::Undelivered => (Outcome::WorkerFailed, Cause::Delivery),
            Self::Lost => (Outcome::WorkerFailed, taken),
            Self::Preempted if phase == Phase::Assigned => (Outcome::WorkerFailed, taken),
            Self::Preempted => (Outcome::Preempted, taken),
            Self::KilledUnasked => (Outcome::Killed, taken),
            Self::TimedOut => (Outcome::Failed, Cause::Timeout),
            Self::Cancelled => (Outcome::Killed, Cause::Cancel),
            Self::JobOver => (Outcome::Killed, Cause::JobOver),
            Self::SiblingWentBack => (Outcome::CoschedFailed, Cause::Gang),
            Self::SiblingFinished => (Outcome::Killed, Cause::Gang),
        }
    }
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

impl Outcome {
    /// The number of the outcome on the wire.
    pub fn wire(self) -> u8 {
        match self {
            Self::Succeeded => 4,
            Self::Failed => 5,
            Self::Killed => 6,
            Self::WorkerFailed => 7,
            Self::Preempted => 10,
            Self::CoschedFailed => 11,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Succeeded => "SUCCEEDED",
            Self::Failed => "FAILED",
            Self::Killed => "KILLED",
            Self::WorkerFailed => "WORKER_FAILED",
            Self::Preempted => "PREEMPTED",
            Self::CoschedFailed => "COSCHED_FAILED",
        })
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Exit => "exit",
            Self::Delivery => "delivery",
            Self::Loss => "loss",
            Self::Timeout => "timeout",
            Self::Cancel => "cancel",
            Self::Gang => "gang",
            Self::JobOver => "job over",
        })
    }
}
