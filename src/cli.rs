//! Text in, text out, exit codes. Only this folder prints and looks at a clock.
//!
//! Reading order: `args` (what can be asked), `sources` (which scopes are meant), `job` (one
//! after the other, with `progress`), `disk` (where their states are kept, if not in memory),
//! `flow` (which other processes share the work), `verdict` (what came out, against what was
//! expected), `table` and `json` (how it is said), `findings` (what is kept). `engine` is all that
//! is known here of how a scope is explored. `walk` is its own way through all this. `validate`
//! looks at logs, `conform` plays generated runs.
//! `cluster` is the other half: the cluster that runs.

mod args;
mod chaos;
mod clock;
mod cluster;
mod conform;
mod disk;
mod engine;
mod findings;
mod flow;
mod interrupt;
mod job;
mod json;
mod progress;
mod replay;
mod shown;
mod sources;
mod table;
#[cfg(test)]
mod tests;
mod validate;
mod verdict;
mod walk;

use std::ffi::OsString;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use clap::Parser;

use self::args::{Cli, Command};
use crate::real::work::supervise;

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// All holds that should, and everything was looked at.
    Fine,
    /// The call or a file is not what it should be; or a job that was waited for did not succeed.
    Bad,
    /// A safety or stability claim is violated, or one that should be is not.
    Safety,
    /// The same of a progress claim.
    Progress,
    /// Model and cluster disagree: in a generated run, or by a log.
    Disagree,
    /// Nothing was found, and not everything was looked at.
    Incomplete,
    /// A mistake in this program.
    Internal,
}

impl Exit {
    /// The number that the shell sees.
    pub fn code(self) -> u8 {
        match self {
            Self::Fine => 0,
            Self::Bad => 1,
            Self::Safety => 2,
            Self::Progress => 3,
            Self::Disagree => 4,
            Self::Incomplete => 5,
            Self::Internal => 70,
        }
    }
}

/// Why a command came to no answer.
#[derive(Debug)]
enum Failure {
    /// The call or a file is not what it should be: what, and what to do.
    Bad(String),
    /// Whoever reads the output has gone, or it cannot be written.
    Output(io::Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

/// Runs the program with these arguments, the first of which is its own name.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            let exit = if error.use_stderr() { Exit::Bad } else { Exit::Fine };
            // Nothing can be said any more where even this cannot be written.
            let _ = error.print();
            return exit.code().into();
        }
    };
    let command = cli.command.unwrap_or_default();
    if matches!(command, Command::Supervise) {
        return supervise();
    }
    // The message and the place of a panic have been written by the time it is caught.
    let exit = catch_unwind(AssertUnwindSafe(|| dispatch(command))).unwrap_or_else(|_| {
        complain(
            "this is a mistake in iris-check, not in what was checked; please report it with the \
             command and the lines above",
        );
        Exit::Internal
    });
    exit.code().into()
}

fn dispatch(command: Command) -> Exit {
    let lists = !matches!(command, Command::Check(_) | Command::Walk(_) | Command::Replay { .. });
    // Not locked: the processes of a cluster say what they have to say from other threads.
    let mut out = io::BufWriter::new(io::stdout());
    let done = perform(command, &mut out).and_then(|exit| {
        out.flush()?;
        Ok(exit)
    });
    match done {
        Ok(exit) => exit,
        Err(Failure::Bad(says)) => {
            // What was written before belongs above the message.
            let _ = out.flush();
            complain(&says);
            Exit::Bad
        }
        // Who reads only the first lines of a list (`| head`) has what they wanted; a search that
        // nobody reads any more was given up.
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
            if lists {
                Exit::Fine
            } else {
                Exit::Incomplete
            }
        }
        Err(Failure::Output(error)) => {
            complain(&format!("the output cannot be written: {error}"));
            Exit::Bad
        }
    }
}

fn perform(command: Command, out: &mut dyn Write) -> Result<Exit, Failure> {
    match command {
        Command::Check(asked) => job::check(&asked, out),
        Command::Walk(asked) => walk::walk(&asked, out),
        Command::Supervise => unreachable!("invariant: it was done before any output"),
        Command::Chaos(asked) => chaos::chaos(&asked, out),
        Command::Claims => shown::claims(out),
        Command::Scopes => shown::scopes(out),
        Command::Validate(asked) => validate::validate(&asked, out),
        Command::Replay { file, on, driver } => replay::replay(&file, on, driver.as_deref(), out),
        Command::Conform(asked) => conform::conform(&asked, out),
        Command::Shrink(asked) => conform::shrink(&asked, out),
        Command::Merge(asked) => conform::merge(&asked, out),
        Command::Explore { scope, scope_file, port } => {
            replay::explore(scope.as_deref(), scope_file.as_deref(), port, out)
        }
        Command::Cluster(command) => cluster::perform(command, out),
    }
}

/// Says what is wrong where nobody takes it for a result.
fn complain(says: &str) {
    let _ = writeln!(io::stderr(), "iris-check: {says}");
}
