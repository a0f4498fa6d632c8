//! The same search on many machines: a timely dataflow in which states are exchanged by
//! fingerprint.
//!
//! Every worker owns the states whose fingerprint falls to it. It expands those of the level that
//! are its own, in the order of their numbers, and sends what it reaches to whoever owns that. When
//! all of a level has arrived everywhere, the new states are numbered by the order of (parent,
//! action) over all workers, each of which ranks a range of parents. So the numbers are those of
//! [`search`](super::search()), and with them the counts, the verdicts and the runs. An epoch of
//! the dataflow is a step of that: its frontier tells that all has arrived.
//!
//! In the end process 0 gathers what makes numbers into runs again (12 bytes for each state), and,
//! if progress claims are to be decided, the steps of all states; [`search_flow()`] says what it
//! needs for that.
//!
//! What is sent is neither encrypted nor authenticated: it belongs into a private network.
//!
//! Reading order: `connect` with `hello` (who may take part), `link` (who is still there) and
//! `wire` (what timely reads and writes), `post` (the dataflow), `worker` (the levels) with
//! `expand`, `owned`, `rank` and `tally`, then `gather` (what process 0 makes of it). `bytes` is
//! how all of them write things down.

mod bytes;
mod connect;
mod expand;
mod gather;
mod hello;
mod link;
mod owned;
mod post;
mod rank;
mod tally;
mod wire;
mod worker;

use std::fmt;
use std::net::TcpListener;
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use connect::Peer;
use gather::Gathered;
use link::Link;
use stateright::Model;
use timely::communication::initialize_from;
use worker::Bounds;

use super::limits::{Limits, Stop};
use super::portable::Portable;
use super::report::Report;
use super::subject::Subject;
use super::table::fingerprint;

/// The processes that search together, and which of them this is.
#[derive(Debug)]
pub struct Cluster {
    /// Where each of them listens, as `host:port`. At most 64.
    pub hosts: Vec<String>,
    /// Which one this is.
    pub process: usize,
    /// The workers of each process (0 counts as 1); all have the same number.
    pub threads: usize,
    /// What is searched and by which program, in a few words: all must mean the same. Limits that
    /// depend on the model are compared as well.
    pub identity: String,
    /// What this process listens on, if that is open already.
    pub listener: Option<TcpListener>,
    /// How long the others may take to come: at least so long, and not much longer.
    pub patience: Duration,
    /// After so long without a sign of life a process counts as lost. At least two seconds.
    pub silence: Duration,
}

/// Why there is no report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FlowError {
    /// A process is not there any more, or never came.
    Lost {
        /// Which.
        process: usize,
        /// Where it listened.
        host: String,
        /// How that was noticed.
        why: String,
    },
    /// This process and another were not started for the same search, or it cannot take part.
    Refused(String),
    /// The search had to end before the others came.
    Stopped(Stop),
}

impl fmt::Display for FlowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lost { process, host, why } => {
                write!(f, "lost process {process} ({host}): {why}")
            }
            Self::Refused(why) => f.write_str(why),
            Self::Stopped(_) => f.write_str("ended before all processes were there"),
        }
    }
}

impl std::error::Error for FlowError {}

/// The report of a model.
type Of<M> = Report<<M as Model>::State, <M as Model>::Action>;

/// Searches with the other processes of a cluster; the report is at process 0.
///
/// It is the report of [`search`](super::search()), but for `memory`, and for where a limit stops
/// it: `max_states` and `max_depth` stop at the same state; `max_memory` is for what a process
/// holds, and is looked at after each level; and what was begun of a level when the caller wants
/// it to end is not counted, though what it broke is told.
///
/// Process 0 needs 12 bytes for each state beside what it owns, and where there are progress
/// claims 40 to 60 more and 5 for each step. Where that is more than `max_memory`, it is left
/// undecided. `limits.threads` are for deciding progress.
///
/// # Errors
/// If a process is lost, or was started for something else.
///
/// # Panics
/// As [`search`](super::search()), or if the cluster has no such process.
pub fn search_flow<M: Subject + Portable + Send + 'static>(
    model: &Arc<M>,
    limits: &Limits,
    mut cluster: Cluster,
) -> Result<Option<Of<M>>, FlowError> {
    assert!(cluster.process < cluster.hosts.len(), "a cluster has the process that this is");
    let (claims, obligations) = (model.claims(), model.obligations());
    assert!(claims.len() <= 64 && obligations.len() <= 64, "at most 64 claims and obligations");
    cluster.threads = cluster.threads.max(1);
    let (states, depth, memory) = (limits.max_states, limits.max_depth, limits.max_memory);
    let bounds = Bounds { states, depth, memory };
    let inits: Vec<u64> = model.init_states().iter().map(fingerprint).collect();
    let text = format!("{} {bounds:?} {inits:?} {claims:?} {obligations:?}", cluster.identity);
    let peers = connect::connect(&mut cluster, fingerprint(&text), limits)?;
    let link = Link::new(&cluster, &peers);
    let found = std::thread::scope(|scope| {
        link.start(scope, &peers);
        let found = together(model, (bounds, limits), &cluster, &link, peers);
        link.leave(found.is_ok());
        found
    })?;
    Ok(found.map(|found| gather::report(&**model, limits, &claims, &obligations, &found)))
}

/// Lets the workers of this process do their part.
fn together<M: Subject + Portable + Send + 'static>(
    model: &Arc<M>,
    (bounds, limits): (Bounds, &Limits),
    cluster: &Cluster,
    link: &Arc<Link>,
    peers: Vec<Peer>,
) -> Result<Option<Gathered>, FlowError> {
    let builders = wire::allocators(cluster, link, peers);
    let builders = builders.map_err(|error| FlowError::Refused(error.to_string()))?;
    let (model, workers) = (Arc::clone(model), Arc::clone(link));
    let guards = initialize_from(builders, Box::new(()), move |allocator| {
        worker::work(&*model, bounds, &workers, allocator)
    });
    let guards = guards.map_err(FlowError::Refused)?;
    link.attend(limits);
    let mut parts = Vec::with_capacity(cluster.threads);
    let mut panicked = None;
    for result in guards.join() {
        match result {
            Ok(part) => parts.extend(part),
            Err(panic) => panicked = Some(panic),
        }
    }
    if panicked.is_none() && parts.len() == cluster.threads {
        // The others may still have to hear the last of it.
        link.wait_for_wires();
        link.shut();
        return Ok(parts.into_iter().flatten().next());
    }
    link.shut();
    if let Some(panic) = panicked {
        link.leave(false);
        resume_unwind(Box::new(panic));
    }
    Err(link.lost().cloned().expect("invariant: workers leave only if a process is lost"))
}

/// What a lock guards is whole whenever it is open.
fn open<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}
