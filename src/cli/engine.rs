//! All that the command line uses of how a scope is explored and a finding replayed.

use std::net::{SocketAddr, TcpListener};

pub(super) use crate::check::walk::{Sight, Strolled, walk};
pub(super) use crate::check::{
    Outcome, Place, Row, Symmetry, Verdict, run, run_exact, run_flow, run_on_disk, run_symmetric,
    undecided,
};
pub(super) use crate::explore::{
    Cluster, Draw, FlowError, Limits, Phase, Progress, Stop, WalkProgress, Walks, fingerprint,
};
pub(super) use crate::invariants::DESCRIBED;
pub(super) use crate::trace::Trace;

use crate::check::{self, scope::Scope};

/// Repeats a finding; answers how many steps went as recorded: all.
pub(super) fn replay(trace: &Trace) -> Result<usize, String> {
    check::replay(trace).map(|steps| steps.len()).map_err(|error| error.to_string())
}

/// Serves a scope for stepping by hand; returns when the server ends.
pub(super) fn serve(scope: &Scope, address: SocketAddr) -> Result<(), String> {
    // The Explorer panics on an address that is taken; asking first gives a message instead.
    let free = TcpListener::bind(address);
    drop(free.map_err(|error| format!("{address} cannot be listened on: {error}"))?);
    check::serve(scope, address);
    Ok(())
}
