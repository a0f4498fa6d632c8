//! A run with the log of all its machines: for the other direction, cluster → model.

use std::io::{self, Write};
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};

use crate::controller_sm::ControllerSm;
use crate::real::log::Log;
use crate::real::observe::{Nobody, Observer};

use super::super::play::{Played, play};
use super::super::run::Run;
use super::InProcess;

/// Where the log of the cluster that was started last is kept.
#[derive(Debug, Clone, Default)]
pub(super) struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Who is told of a cluster besides the monitors: its log, if one is kept.
pub(super) fn next(log: Option<&Kept>, controller: &ControllerSm) -> Arc<dyn Observer> {
    let Some(log) = log else { return Arc::new(Nobody) };
    let log = Log::begin(log.clone(), controller).expect("invariant: memory takes every line");
    Arc::new(log)
}

/// Plays a run in virtual time, and keeps the log of every input of every machine.
pub fn logged(run: &Run) -> (Played, Vec<u8>) {
    let log = Kept::default();
    let stand = InProcess { log: Some(log.clone()), ..InProcess::virtual_time() };
    let played = play(run, &stand);
    let kept = mem::take(&mut *log.0.lock().unwrap_or_else(PoisonError::into_inner));
    (played, kept)
}
