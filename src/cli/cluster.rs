//! The cluster that runs, from the command line: its processes, and what clients ask of it.
//!
//! Reading order: `args` (what can be asked), `values` and `policy` (how it is written), `nodes`
//! (processes), `ask` (how a cluster is found, and spoken to), `jobs` (what is asked), `show` (what
//! is shown to people) and `json`.

mod args;
mod ask;
mod jobs;
mod json;
mod nodes;
mod policy;
mod show;
mod values;

use std::io::Write;

use super::{Exit, Failure};

pub(super) use args::Command;

/// Does what was asked.
pub(super) fn perform(command: Command, out: &mut dyn Write) -> Result<Exit, Failure> {
    match command {
        Command::Up(up) => nodes::up(up),
        Command::Controller(controller) => nodes::controller(controller),
        Command::Worker(worker) => nodes::worker(worker),
        Command::Submit(submit) => jobs::submit(&submit, out),
        Command::Wait { at, job } => jobs::wait(&at, job),
        Command::Status { at, job, json } => jobs::status(&at, job, json, out),
        Command::List { at, json } => jobs::list(&at, json, out),
        Command::Cancel { at, job } => jobs::cancel(&at, job),
        Command::Logs { at, whose, stderr } => jobs::logs(&at, whose, stderr, out),
        Command::Workers { at, json, wait } => jobs::workers(&at, json, wait, out),
        Command::Drain { at, worker, open } => jobs::drain(&at, worker, open),
    }
}
