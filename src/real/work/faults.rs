//! What may go wrong on demand while an attempt is made ready and watched.

use crate::model::id::AttemptId;
use crate::model::time::Millis;

/// A step of an attempt at which a fault can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// The bundle is put into the working directory; passed by every attempt, bundle or not.
    Bundle,
    /// The supervisor is started, or the closure looked up.
    Container,
    /// The monitor of a started attempt begins.
    Monitor,
}

/// What happens at a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing out of the ordinary.
    Go,
    /// The step fails, for this reason.
    Fail(String),
    /// The step takes this much longer.
    Delay(Millis),
}

/// Who decides about faults.
pub trait Faults: Send + Sync {
    /// Asked once at each step of each attempt, in order.
    fn check(&self, step: Step, attempt: AttemptId) -> Verdict;
}

/// No faults.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoFaults;

impl Faults for NoFaults {
    fn check(&self, _: Step, _: AttemptId) -> Verdict {
        Verdict::Go
    }
}
