//! The nodes of a cluster as processes of their own: a controller, workers, and a whole cluster on
//! this machine. What a node does is in its driver; here is how it starts, what keeps two of a kind
//! apart, and how it ends.
//!
//! - A controller keeps its journal's folder for itself, a worker its own folder. Whoever comes
//!   second is refused.
//! - A worker first ends what its former incarnation left behind, then makes its next incarnation
//!   durable, and only then speaks. It asks the controller for the policy of the cluster: a worker
//!   with a longer lease than its controller believes in would break what the lease promises.
//! - Who listens on more than this machine asks for a token, and does not start without one.
//! - SIGINT and SIGTERM end a node. A worker then ends all that it runs. A node on a *leash* also
//!   ends when its standard input does: so nothing outlives whoever started it.
//! - A rule of chaos that says `crash` aborts the process where its point stands.
//!
//! The `local` provider is the cloud whose machines are worker processes. It runs in the process of
//! `up`, beside its controller, so that workers outlive a controller that dies; the two speak over
//! a pipe, one JSON object a line (see `stdio`).
//!
//! Reading order: `listen` and `folder` (who may start), `controller`, `worker`, `stdio`, `local`
//! (machines that are processes), `up` (all of it).

mod controller;
mod folder;
mod listen;
mod local;
mod stdio;
mod up;
mod worker;

use std::fmt;
use std::io;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::net::unix::pipe::Receiver;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::model::id::{GroupId, WorkerId};
use crate::model::resources::{Attributes, Resources};

use super::chaos::{Chaos, Rule};
use super::clock::Clock;

pub use controller::{ControllerSettings, run_controller};
pub use up::{UpSettings, run_up};
pub use worker::{WorkerSettings, run_worker};

/// Where a process finds the token of its cluster.
pub const TOKEN: &str = "IRIS_CHECK_TOKEN";

/// The file in the folder of `up` that says where its controller listens.
pub const ADDRESS: &str = "address";

/// Why a process did not start, or ended without having been told to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem(String);

impl Problem {
    fn new(says: impl fmt::Display) -> Self {
        Self(says.to_string())
    }

    fn io(doing: impl fmt::Display, error: &io::Error) -> Self {
        Self(format!("{doing}: {error}"))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Problem {}

/// What people are told while a process runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A controller serves at this address.
    Serves(String),
    /// A write to the journal had been interrupted; this was cut off.
    Torn(String),
    /// A worker waits for a controller at this address, which does not answer.
    Waits(String),
    /// A worker works, as this incarnation, for the controller at this address.
    Works(crate::model::id::Seat, String),
    /// The process of a worker was started.
    Started(WorkerId, u32),
    /// The process of a worker has ended without having been told to, and all that it ran.
    Lost(WorkerId, u32, String),
    /// Something went wrong that is tried again.
    Trouble(String),
    /// The controller has ended without having been told to; it is started again.
    ControllerLost(String),
    /// The process was told to end, and ends.
    Ends,
}

/// Who is told.
pub type Tell = Arc<dyn Fn(&Event) + Send + Sync>;

/// A scale group of the `local` provider: slices of worker processes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalGroup {
    /// Its number in the order of names.
    pub id: GroupId,
    /// What each worker has.
    pub capacity: Resources,
    /// What each says of itself, beside `slice`.
    pub attributes: Attributes,
}

/// What tells this process to end.
struct Told {
    interrupt: Signal,
    terminate: Signal,
    leash: Option<Lines<BufReader<Receiver>>>,
}

impl Told {
    /// Listens from now on; on a leash also to the end of standard input.
    fn new(on_a_leash: bool) -> Result<Self, Problem> {
        let hears = |kind| signal(kind).map_err(|error| Problem::io("signals", &error));
        let leash = if on_a_leash { Some(input()?) } else { None };
        Ok(Self {
            interrupt: hears(SignalKind::interrupt())?,
            terminate: hears(SignalKind::terminate())?,
            leash,
        })
    }

    /// Returns when the process is to end.
    async fn end(&mut self) {
        let leash = &mut self.leash;
        let input = async {
            match leash {
                Some(lines) => while let Ok(Some(_)) = lines.next_line().await {},
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            () = input => {}
        }
    }
}

/// Standard input, line by line. It must be a pipe.
fn input() -> Result<Lines<BufReader<Receiver>>, Problem> {
    let input = io::stdin().as_fd().try_clone_to_owned().and_then(Receiver::from_owned_fd);
    let input = input.map_err(|error| {
        Problem::io(
            "standard input must be a pipe, whose other end whoever starts this has",
            &error,
        )
    })?;
    Ok(BufReader::new(input).lines())
}

/// The registry of this process.
fn chaos(seed: u64, clock: Clock, rules: &[Rule]) -> Result<Chaos, Problem> {
    let chaos = Chaos::new(seed, clock);
    chaos.set_on_crash(Arc::new(|_, _| std::process::abort()));
    for rule in rules {
        chaos.add(rule.clone()).map_err(Problem::new)?;
    }
    Ok(chaos)
}

/// Does what takes long or waits for the file system.
async fn aside<T: Send + 'static>(
    doing: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    match tokio::task::spawn_blocking(doing).await {
        Ok(done) => done,
        Err(error) => Err(io::Error::other(error)),
    }
}

/// The folder of a worker below that of its cluster.
fn worker_folder(cluster: &std::path::Path, worker: WorkerId) -> PathBuf {
    cluster.join("workers").join(worker.to_string())
}
