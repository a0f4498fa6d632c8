//! When: milliseconds since some beginning, in real time or in virtual time.
//!
//! In virtual time the paused clock of the runtime jumps as soon as every task waits. One virtual
//! millisecond is three of its ticks: messages and work happen on the first, whoever looks on from
//! outside looks on the second, timers fire on the third. So at one instant all that was sent has
//! arrived before anybody looks, and before a timer fires.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

use crate::model::time::Millis;

/// An instant, in milliseconds: of the cluster's virtual time, or since 1970 in real time.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    serde::Serialize,
    serde::Deserialize,
)]
#[serde(transparent)]
pub struct At(pub u64);

impl At {
    /// This much later.
    #[must_use]
    pub fn plus(self, length: Millis) -> Self {
        Self(self.0.saturating_add(u64::from(length.0)))
    }

    /// How long after `earlier` this is, in milliseconds; 0 if it is not.
    pub fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// A clock: copies tell the same time.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    start: Instant,
    base: u64,
    ticks: u64,
}

impl Clock {
    /// Real time. It follows the machine's clock at its start and never jumps afterwards.
    #[expect(clippy::disallowed_methods, reason = "the one place where real time comes in")]
    pub fn real() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let base = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
        Self { start: Instant::now(), base, ticks: 1 }
    }

    /// Virtual time from 0. The runtime's clock must be paused.
    pub fn virtual_time() -> Self {
        Self { start: Instant::now(), base: 0, ticks: 3 }
    }

    /// Whether time is virtual.
    pub fn is_virtual(&self) -> bool {
        self.ticks > 1
    }

    /// Now.
    pub fn now(&self) -> At {
        let ticks = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        At(self.base + ticks / self.ticks)
    }

    /// Waits for a length of time.
    pub async fn sleep(&self, length: Millis) {
        self.reach(self.now().plus(length), 0).await;
    }

    /// Waits for an instant.
    pub async fn until(&self, at: At) {
        self.reach(at, 0).await;
    }

    /// Waits until all that was sent by an instant has arrived; timers of that instant have not
    /// fired. In real time that cannot be told: it is the instant itself.
    pub async fn until_settled(&self, at: At) {
        self.reach(at, u64::from(self.is_virtual())).await;
    }

    /// Waits until all that happens at an instant by itself has happened: timers fire then.
    pub async fn until_late(&self, at: At) {
        self.reach(at, self.ticks - 1).await;
    }

    /// Waits until a timer fires; for ever where none is armed.
    pub(super) async fn until_due(&self, next: Option<At>) {
        match next {
            Some(at) => self.until_late(at).await,
            None => std::future::pending().await,
        }
    }

    /// What comes of a future within a length of time: what arrives at the last instant counts.
    pub async fn within<F: Future>(&self, length: Millis, future: F) -> Option<F::Output> {
        tokio::select! {
            biased;
            output = future => Some(output),
            () = self.until_late(self.now().plus(length)) => None,
        }
    }

    async fn reach(&self, at: At, late: u64) {
        let ticks = at.0.saturating_sub(self.base).saturating_mul(self.ticks) + late;
        tokio::time::sleep_until(self.start + Duration::from_millis(ticks)).await;
    }
}
