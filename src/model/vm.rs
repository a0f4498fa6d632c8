//! The lifecycle of a VM.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::step::{IllegalTransition, Step, Transition};

/// Where a VM stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum VmState {
    /// Asked of the provider, not yet granted.
    Requesting,
    /// Granted; the machine starts.
    Booting,
    /// Started; the worker is being set up.
    Initializing,
    /// Its worker's first heartbeat was received.
    Ready,
    /// Reserved: never produced.
    Unhealthy,
    /// Its slice is to go; the provider was told.
    Stopping,
    /// The provider says that it is gone, as asked.
    Terminated,
    /// It never served, or its worker died; the slice is to go.
    Failed,
    /// The provider took it away.
    Preempted,
}

/// What happens to a VM.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum VmEvent {
    /// The provider granted the slice.
    Granted,
    /// The provider refused the slice.
    Refused,
    /// The machine has started.
    Booted,
    /// The first heartbeat of its worker.
    FirstBeat,
    /// The boot timeout or the init timeout.
    TimedOut,
    /// Its worker is DEAD.
    WorkerDied,
    /// Its slice is to go.
    Stop,
    /// The provider says that it is gone, as asked.
    Gone,
    /// The provider took it away.
    Reclaimed,
}

impl VmState {
    /// Whether the provider has said that it is gone for ever.
    pub fn is_gone(self) -> bool {
        match self {
            Self::Terminated | Self::Preempted => true,
            Self::Requesting
            | Self::Booting
            | Self::Initializing
            | Self::Ready
            | Self::Unhealthy
            | Self::Stopping
            | Self::Failed => false,
        }
    }

    /// Whether it may still come to serve.
    pub fn is_on_its_way(self) -> bool {
        match self {
            Self::Requesting | Self::Booting | Self::Initializing => true,
            Self::Ready
            | Self::Unhealthy
            | Self::Stopping
            | Self::Terminated
            | Self::Failed
            | Self::Preempted => false,
        }
    }

    /// The number of the state on the wire.
    pub fn wire(self) -> u8 {
        match self {
            Self::Booting => 1,
            Self::Initializing => 2,
            Self::Ready => 3,
            Self::Unhealthy => 4,
            Self::Stopping => 5,
            Self::Terminated => 6,
            Self::Failed => 7,
            Self::Preempted => 8,
            Self::Requesting => 9,
        }
    }

    /// The lifecycle: which state an event leads to.
    ///
    /// # Errors
    /// The event does not belong in this state; the caller is wrong.
    pub fn on(self, event: VmEvent) -> Transition<Self, VmEvent> {
        let illegal = Err(IllegalTransition { state: self, event });
        match self {
            Self::Requesting => match event {
                VmEvent::Granted => Ok(Step::Moved(Self::Booting)),
                VmEvent::Refused => Ok(Step::Moved(Self::Failed)),
                VmEvent::Stop => Ok(Step::Moved(Self::Stopping)),
                VmEvent::Reclaimed => Ok(Step::Moved(Self::Preempted)),
                // A worker or a machine that is heard was granted, whatever became of that word.
                VmEvent::Booted => Ok(Step::Moved(Self::Initializing)),
                VmEvent::FirstBeat => Ok(Step::Moved(Self::Ready)),
                VmEvent::TimedOut => Ok(Step::Stale),
                VmEvent::WorkerDied | VmEvent::Gone => illegal,
            },
            Self::Booting => match event {
                VmEvent::Booted => Ok(Step::Moved(Self::Initializing)),
                // The worker may be heard before the provider says that its machine has started.
                VmEvent::FirstBeat => Ok(Step::Moved(Self::Ready)),
                VmEvent::TimedOut => Ok(Step::Moved(Self::Failed)),
                VmEvent::Stop => Ok(Step::Moved(Self::Stopping)),
                VmEvent::Reclaimed => Ok(Step::Moved(Self::Preempted)),
                VmEvent::Granted => Ok(Step::Stale),
                VmEvent::Refused | VmEvent::WorkerDied | VmEvent::Gone => illegal,
            },
            Self::Initializing => match event {
                VmEvent::FirstBeat => Ok(Step::Moved(Self::Ready)),
                VmEvent::TimedOut => Ok(Step::Moved(Self::Failed)),
                VmEvent::Stop => Ok(Step::Moved(Self::Stopping)),
                VmEvent::Reclaimed => Ok(Step::Moved(Self::Preempted)),
                VmEvent::Granted | VmEvent::Booted => Ok(Step::Stale),
                VmEvent::Refused | VmEvent::WorkerDied | VmEvent::Gone => illegal,
            },
            Self::Ready => match event {
                VmEvent::WorkerDied => Ok(Step::Moved(Self::Failed)),
                VmEvent::Stop => Ok(Step::Moved(Self::Stopping)),
                VmEvent::Reclaimed => Ok(Step::Moved(Self::Preempted)),
                VmEvent::Granted | VmEvent::Booted | VmEvent::FirstBeat | VmEvent::TimedOut => {
                    Ok(Step::Stale)
                }
                VmEvent::Refused | VmEvent::Gone => illegal,
            },
            Self::Stopping | Self::Failed | Self::Terminated | Self::Preempted => {
                Ok(self.on_its_way_out(event))
            }
            Self::Unhealthy => illegal,
        }
    }

    /// What may still be heard of a VM that is to go or is gone: anything, late.
    fn on_its_way_out(self, event: VmEvent) -> Step<Self> {
        match event {
            VmEvent::Refused if self == Self::Stopping => Step::Moved(Self::Terminated),
            // FAILED is known of the machine; that it is gone is still the provider's word.
            VmEvent::Gone if !self.is_gone() => Step::Moved(Self::Terminated),
            VmEvent::Reclaimed if !self.is_gone() => Step::Moved(Self::Preempted),
            VmEvent::Granted
            | VmEvent::Refused
            | VmEvent::Booted
            | VmEvent::FirstBeat
            | VmEvent::TimedOut
            | VmEvent::WorkerDied
            | VmEvent::Stop
            | VmEvent::Gone
            | VmEvent::Reclaimed => Step::Stale,
        }
    }
}

impl fmt::Display for VmState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Requesting => "REQUESTING",
            Self::Booting => "BOOTING",
            Self::Initializing => "INITIALIZING",
            Self::Ready => "READY",
            Self::Unhealthy => "UNHEALTHY",
            Self::Stopping => "STOPPING",
            Self::Terminated => "TERMINATED",
            Self::Failed => "FAILED",
            Self::Preempted => "PREEMPTED",
        })
    }
}
