//! Ctrl-C: the first one asks for an end, and what is known is still reported; the second ends it.

use std::io;
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{Exit, Failure};

/// Whether the user wants an end.
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Hears Ctrl-C from now on.
pub(super) fn listen() -> Result<(), Failure> {
    ctrlc::set_handler(|| {
        if INTERRUPTED.swap(true, Ordering::Relaxed) {
            process::exit(i32::from(Exit::Incomplete.code()));
        }
    })
    .map_err(|error| Failure::Output(io::Error::other(error)))
}

/// Whether it was heard.
pub(super) fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::Relaxed)
}
