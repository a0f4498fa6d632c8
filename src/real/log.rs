//! The log of a run: one JSON object a line for every input of every machine, in the order in
//! which they were taken. Equal runs give equal bytes.
//!
//! The first line is `{"log":"iris-check","version":1,"controller":{…}}`, with the controller's
//! machine before anything has happened. Then come lines with `at`, in milliseconds, and one of:
//! `controller` (an input of the controller, after it was durable), `worker` and `input` (an input
//! of that incarnation), `up` (an incarnation was started), `down` (a node died).

use std::io::Write;
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

use crate::controller_sm::{ControllerSm, Input};
use crate::model::id::{Seat, WorkerId};
use crate::worker_sm::{WorkerEffect, WorkerInput, WorkerSm};

use super::clock::At;
use super::observe::Observer;

/// The version of the format.
pub const LOG_VERSION: u32 = 1;

#[derive(Serialize)]
struct Header<'a> {
    log: &'static str,
    version: u32,
    controller: &'a ControllerSm,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Line<'a> {
    Controller { at: At, controller: &'a Input },
    Worker { at: At, worker: Seat, input: &'a WorkerInput },
    Up { at: At, up: Seat },
    Down { at: At, down: String },
}

/// Writes the log of a run.
pub struct Log<W>(Mutex<Option<W>>);

impl<W: Write + Send> Log<W> {
    /// Begins a log for a cluster whose controller begins as this machine.
    ///
    /// # Errors
    /// The first line cannot be written.
    pub fn begin(mut out: W, controller: &ControllerSm) -> std::io::Result<Self> {
        let header = Header { log: "iris-check", version: LOG_VERSION, controller };
        put(&mut out, &header)?;
        Ok(Self(Mutex::new(Some(out))))
    }

    /// Ends the log; nothing if it could not be written to its end.
    pub fn end(&self) -> Option<W> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn write(&self, line: &Line<'_>) {
        let mut out = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A log with a hole is none: after an error there is none any more.
        if let Some(writer) = &mut *out
            && put(writer, line).is_err()
        {
            *out = None;
        }
    }
}

fn put(out: &mut impl Write, value: &impl Serialize) -> std::io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")
}

impl<W: Write + Send> Observer for Log<W> {
    fn controller(&self, at: At, input: &Input, _: &ControllerSm) {
        self.write(&Line::Controller { at, controller: input });
    }

    fn worker(&self, at: At, seat: Seat, input: &WorkerInput, _: &[WorkerEffect], _: &WorkerSm) {
        self.write(&Line::Worker { at, worker: seat, input });
    }

    fn worker_up(&self, at: At, machine: &WorkerSm) {
        self.write(&Line::Up { at, up: machine.seat() });
    }

    fn worker_down(&self, at: At, worker: WorkerId) {
        self.write(&Line::Down { at, down: worker.to_string() });
    }

    fn controller_down(&self, at: At) {
        self.write(&Line::Down { at, down: "controller".to_owned() });
    }
}
