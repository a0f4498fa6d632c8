//! The one place that looks at a clock: for how long a search took, and when its time is up.

use std::time::Instant;

/// Now.
#[expect(clippy::disallowed_methods, reason = "people want to know how long it took")]
pub(super) fn now() -> Instant {
    Instant::now()
}
