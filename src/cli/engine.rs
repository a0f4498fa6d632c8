//! All that the command line uses of how a scope is explored and a finding replayed.

use std::net::{SocketAddr, TcpListener};

pub(super) use crate::check::{Outcome, Row, Verdict, run};
pub(super) use crate::explore::{Limits, Phase, Progress, Stop};
pub(super) use crate::invariants::DESCRIBED;
pub(super) use crate::trace::Trace;

use crate::check::{self, scope::Scope};

/// Repeats a finding, and says of each step what it did.
pub(super) fn replay(trace: &Trace) -> Result<Vec<String>, String> {
    let steps = check::replay(trace).map_err(|error| error.to_string())?;
    let told = |step: crate::trace::TraceStep| {
        let changed = if step.changed.is_empty() {
            String::new()
        } else {
            format!("  ({})", step.changed.join("; "))
        };
        format!("{} {}{changed}", step.who, step.did)
    };
    Ok(steps.into_iter().map(told).collect())
}

/// Serves a scope for stepping by hand; returns when the server ends.
pub(super) fn serve(scope: &Scope, address: SocketAddr) -> Result<(), String> {
    // The Explorer panics on an address that is taken; asking first gives a message instead.
    let free = TcpListener::bind(address);
    drop(free.map_err(|error| format!("{address} cannot be listened on: {error}"))?);
    check::serve(scope, address);
    Ok(())
}
