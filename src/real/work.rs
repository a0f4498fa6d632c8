//! What a worker runs: commands in processes of their own, and closures of the embedding program.
//!
//! A [`Workshop`] belongs to one worker. It decides nothing: it is told to prepare, start and stop
//! attempts, and tells by [`News`] what became of them.
//!
//! # What holds
//!
//! - Of an attempt that is not started nothing of the user's runs; of one that was given up nothing
//!   ever will.
//! - `Exited` comes when nothing is left: neither the command nor whatever descends from it, also
//!   what moved to another session or was orphaned. What a command leaves behind when it ends is
//!   ended first. Each started attempt gets exactly one `Exited`, in the end.
//! - When the worker dies, however it dies, its commands are ended (see `supervisor`), and before
//!   it runs anything again [`clean_up`] ends what was left by a worker *and* supervisors that were
//!   killed together.
//!
//! What another service starts on behalf of a command (`at`, `systemd-run`) does not descend from
//! it and is not ended. A process of another user, which the worker may not end, is waited for.
//!
//! # What a command finds
//!
//! An empty working directory, or its bundle, removed when the attempt is over; no input; output in
//! the files `attempts/j1.0#2/stdout` and `stderr` below the worker's folder, which are kept and
//! whose size is not limited. Of the worker's environment it sees only what a program needs to be
//! found and to write text (`PATH`, `HOME`, `USER`, `LOGNAME`, `SHELL`, `LANG`, `LC_ALL`, `TZ`,
//! `TMPDIR`); then that of the job; then `IRIS_JOB`, `IRIS_TASK`, `IRIS_ATTEMPT` and the mark
//! `IRIS_WORKER_FOLDER`, which cannot be set by a job.
//!
//! Reading order: `closures`, `faults`, `keeper` (one attempt from beginning to end), `folders` and
//! `bundle` (its files), `leash`, `protocol` and `supervisor` (its process), `processes` (what
//! nobody supervises any more), `standalone`.

mod bundle;
mod closures;
mod faults;
mod folders;
mod keeper;
mod leash;
mod processes;
mod protocol;
mod standalone;
mod supervisor;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::sync::watch;
use tokio::task::AbortHandle;

pub use self::closures::{Closures, Context};
pub use self::faults::{Faults, NoFaults, Step, Verdict};
pub use self::folders::LOG_LIMIT;
pub use self::processes::{clean_up, running};
pub use self::standalone::Standalone;
pub use self::supervisor::supervise;

use self::folders::{Place, tail};
use self::keeper::{Shop, Voice, Word, keep, locked};
use super::clock::Clock;
use crate::model::exit::Fault;
use crate::model::id::AttemptId;
use crate::model::spec::{Entrypoint, Payload};
use crate::worker_sm::Exit;

/// An attempt to be made ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Which.
    pub attempt: AttemptId,
    /// What it runs.
    pub payload: Arc<Payload>,
}

/// What became of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// All is ready; nothing of the user's runs yet.
    Prepared(AttemptId),
    /// It could not be made ready, for this reason, told for people. Nothing of it runs or will.
    Failed(AttemptId, Fault, String),
    /// It ended in this way, and nothing of it is left.
    Exited(AttemptId, Exit),
    /// Its monitor died. It still runs; its end will be told.
    MonitorDied(AttemptId),
}

/// What a workshop works with.
#[derive(Clone)]
pub struct Settings {
    /// Where the files of attempts are kept; no other worker may use it. Without one there are
    /// neither commands nor bundles: so it is in virtual time.
    pub folder: Option<PathBuf>,
    /// The functions that jobs may name.
    pub closures: Closures,
    /// The program `iris-check`, which supervises commands; this very program, if not named.
    pub supervisor: Option<PathBuf>,
    /// What delays are measured by, and what closures sleep by.
    pub clock: Clock,
    /// What goes wrong on demand.
    pub faults: Arc<dyn Faults>,
}

/// A started closure.
struct Running {
    task: AbortHandle,
    stop: watch::Sender<bool>,
    stubborn: bool,
}

/// An attempt that is not over, as the workshop sees it.
struct Job {
    order: Order,
    voice: Voice,
    words: UnboundedSender<Word>,
    started: bool,
    closure: Option<Running>,
}

impl Job {
    /// A keeper that does not hear is at its end.
    fn tell(&self, word: Word) {
        let _ = self.words.send(word);
    }
}

/// What a worker runs. Dropped, it ends all of it without a word, as if the worker had been killed.
///
/// Its methods return at once and must be called inside a tokio runtime. What makes no sense in the
/// state of an attempt (to start what is not prepared, to stop what is not started or over) does
/// nothing.
pub struct Workshop {
    shop: Arc<Shop>,
    news: UnboundedSender<News>,
    jobs: BTreeMap<AttemptId, Job>,
}

impl Workshop {
    /// A workshop that tells its news here.
    pub fn new(mut settings: Settings, news: UnboundedSender<News>) -> Self {
        if let Some(folder) = &mut settings.folder {
            // The mark of its processes is this name. Where it cannot be made, no attempt's folder
            // can, and that is told for each.
            let made = std::fs::create_dir_all(&folder).and_then(|()| folder.canonicalize());
            *folder = made.unwrap_or_else(|_| folder.clone());
        }
        let shop = Arc::new(Shop { settings, notes: Mutex::new(BTreeMap::new()) });
        Self { shop, news, jobs: BTreeMap::new() }
    }

    /// Makes an attempt ready: bundle, working directory, supervisor. `Prepared` or `Failed` will
    /// tell. An attempt that is here already is left as it is.
    pub fn prepare(&mut self, order: Order) {
        self.jobs.retain(|_, job| !job.words.is_closed());
        if self.jobs.contains_key(&order.attempt) {
            return;
        }
        let (words, heard) = unbounded_channel();
        let voice = Voice::new(self.news.clone());
        tokio::spawn(keep(Arc::clone(&self.shop), order.clone(), voice.clone(), heard));
        let job = Job { voice, words, started: false, closure: None, order };
        self.jobs.insert(job.order.attempt, job);
    }

    /// Starts an attempt that is prepared. A program that cannot be executed has exited with an
    /// error, and its log of errors says why.
    pub fn start(&mut self, attempt: AttemptId) {
        let Some(job) = self.jobs.get_mut(&attempt) else { return };
        if job.started || !job.voice.is_prepared() {
            return;
        }
        job.started = true;
        let word = if let Entrypoint::Closure(name) = &job.order.payload.entrypoint {
            let closure = self.shop.settings.closures.get(name);
            let closure = closure.expect("invariant: what is prepared is registered");
            let (stop, stopped) = watch::channel(false);
            let context = self.shop.context(&job.order, stopped);
            let body = closure.clone();
            // Called inside the task, so that a panic of the call itself is caught as well.
            let task = tokio::spawn(async move { body.call(context).await });
            let stubborn = closure.stubborn;
            job.closure = Some(Running { task: task.abort_handle(), stop, stubborn });
            Word::Runs(task)
        } else {
            Word::Go
        };
        job.tell(word);
    }

    /// Gives up an attempt that is not started. When this returns nothing of it will ever run, and
    /// no news of it will be sent; news sent before may still be on its way to its reader. One that
    /// was started is destroyed instead, and its end is told.
    pub fn abort(&mut self, attempt: AttemptId) {
        if self.jobs.get(&attempt).is_some_and(|job| job.started) {
            return self.destroy(attempt);
        }
        // Only a workshop that knows the attempt can start it.
        if let Some(job) = self.jobs.remove(&attempt) {
            job.voice.silence();
        }
    }

    /// Asks a started attempt to end: SIGTERM to its process group.
    pub fn terminate(&mut self, attempt: AttemptId) {
        let Some(job) = self.jobs.get(&attempt).filter(|job| job.started) else { return };
        match &job.closure {
            Some(running) if running.stubborn => {
                running.stop.send_replace(true);
            }
            Some(running) => running.task.abort(),
            None => job.tell(Word::Terminate),
        }
    }

    /// Ends a started attempt: SIGKILL to its process group and to all that descends from it.
    pub fn destroy(&mut self, attempt: AttemptId) {
        let Some(job) = self.jobs.get(&attempt).filter(|job| job.started) else { return };
        match &job.closure {
            Some(running) => running.task.abort(),
            None => job.tell(Word::Destroy),
        }
    }

    /// Where an attempt's output, or its errors, are or would be; nothing without a folder.
    pub fn log_path(&self, attempt: AttemptId, stderr: bool) -> Option<PathBuf> {
        let folder = self.shop.settings.folder.as_deref()?;
        Some(Place::new(folder, attempt).log(stderr))
    }

    /// The end of an attempt's output, or of its errors, at most [`LOG_LIMIT`]; also when over.
    ///
    /// # Errors
    /// There is no such log, or it cannot be read.
    pub fn read_log(&self, attempt: AttemptId, stderr: bool) -> io::Result<Vec<u8>> {
        if let Some(path) = self.log_path(attempt, stderr) {
            return tail(&path).map_err(|error| {
                io::Error::new(error.kind(), format!("{}: {error}", path.display()))
            });
        }
        let notes = locked(&self.shop.notes);
        let note = notes.get(&attempt).filter(|_| stderr);
        Ok(note.map(|note| note.clone().into_bytes()).unwrap_or_default())
    }
}

impl Drop for Workshop {
    fn drop(&mut self) {
        for job in self.jobs.values() {
            job.voice.silence();
            if let Some(running) = &job.closure {
                running.task.abort();
            }
        }
    }
}
