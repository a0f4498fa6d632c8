//! The controller's driver: facts into the machine, its inputs into the journal, its orders out.
//!
//! One task owns the machine. It takes what has come in (a few inputs at once, as far as they have
//! come already), makes what changed the machine durable with one write, and only then performs
//! the orders, in order. Every decision is the machine's.
//!
//! Reading order: [`Driver::run`], `durable` (what is written down), `recovery` (what a restart
//! begins with), `orders` (what becomes of an order), `service` (what comes in over gRPC).

mod durable;
mod orders;
mod recovery;
mod service;

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use crate::controller_sm::{ClientReply, ControllerSm, Effect, Effects, GroupConfig, Input};
use crate::model::id::{AttemptId, JobId, WorkerId};
use crate::model::policy::Policy;
use crate::model::time::Millis;
use crate::model::timer::Timer;
use crate::model::wire::BeatReply;

use super::chaos::{Chaos, Point, Verb};
use super::clock::Clock;
use super::journal::{AppendError, Entry, Journal, JournalError, Store};
use super::net::{Network, Way};
use super::observe::Observer;
use super::provider::{News, Provider};
use super::status::JobStatus;
use super::timers::Timers;
use super::wire::proto::worker_client::WorkerClient;

use durable::Appended;

pub use recovery::BadJournal;
pub use service::Limits;
pub(super) use service::{Door, serve};

/// Inputs that one write may make durable.
const BATCH: usize = 256;
/// Inputs that may wait; beyond that clients are told to come back, and workers' words are lost.
const INBOX: usize = 4096;
/// After an append that did not happen, a timer and an answer of a worker come again.
const AGAIN: Millis = Millis(100);

/// What a controller is made of.
pub struct Setup {
    /// Its policy; a journal remembers the one that it was begun with.
    pub policy: Policy,
    /// Its scale groups, in the order of their names.
    pub groups: Vec<GroupConfig>,
    /// Workers with lower numbers belong to no group.
    pub first_vm: u32,
    /// Where its journal is.
    pub store: Box<dyn Store>,
    /// When.
    pub clock: Clock,
    /// How it reaches workers.
    pub network: Network,
    /// What goes wrong on demand.
    pub chaos: Chaos,
    /// Who is told of everything.
    pub observer: Arc<dyn Observer>,
    /// Whether it is told of each input by itself: then no write is shared.
    pub one_by_one: bool,
}

/// How others tell a controller something; copies speak to the same one.
#[derive(Clone)]
pub struct ToController(pub(super) mpsc::Sender<Ask>);

impl ToController {
    /// What a provider has to say. A controller that is down hears nothing.
    pub async fn provided(&self, news: News) {
        let input = match news {
            News::Granted(slice) => Input::SliceGranted(slice),
            News::Refused(slice, quota) => Input::SliceRefused { slice, quota },
            News::Booted(vm) => Input::VmBooted(vm),
            News::Preempted(slice) => Input::SlicePreempted(slice),
            News::Terminated(slice) => Input::SliceTerminated(slice),
        };
        let _ = self.0.send(Ask::Fact(input, Waits::Nobody)).await;
    }
}

/// What comes in.
pub(super) enum Ask {
    /// A fact, and who waits for the answer.
    Fact(Input, Waits),
    /// A look at the machine, between two inputs.
    Look(Box<dyn FnOnce(&ControllerSm) + Send>),
    /// To be told of a job's state, now and at each change.
    Watch(JobId, mpsc::Sender<JobStatus>),
    /// Where a worker listens.
    Lives(WorkerId, String),
    /// A line to the worker of an attempt, if there is such an attempt and it is known where.
    Line(AttemptId, oneshot::Sender<Option<WorkerClient<Way>>>),
}

/// Who waits for the answer to an input. One that is dropped learns that nothing happened.
pub(super) enum Waits {
    /// Nobody: the input comes again if it cannot be made durable.
    Nobody,
    /// A client.
    Client(oneshot::Sender<ClientReply>),
    /// A worker, for the answer to its heartbeat.
    Beat(oneshot::Sender<BeatReply>),
    /// A worker, for the acknowledgement of its report.
    Report(oneshot::Sender<()>),
}

/// Why a controller has ended.
#[derive(Debug)]
pub enum End {
    /// A rule of chaos says that it dies here.
    Crashed,
    /// Nobody can tell any more what is durable.
    Journal(AppendError),
    /// Its journal could not be read back.
    Unread(JournalError),
    /// Nobody is left who could tell it anything.
    Alone,
    /// Its observer has seen enough.
    Stopped,
}

impl std::fmt::Display for End {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Crashed => f.write_str("it died of a rule of chaos"),
            Self::Journal(error) => write!(f, "{error}"),
            Self::Unread(error) => write!(f, "{error}"),
            Self::Alone => f.write_str("nobody is left who could tell it anything"),
            Self::Stopped => f.write_str("its observer has seen enough"),
        }
    }
}

/// The driver.
pub struct Driver {
    machine: ControllerSm,
    journal: Journal,
    timers: Timers<Timer>,
    inbox: mpsc::Receiver<Ask>,
    /// For what is done on the side; weak where nobody else speaks any more.
    to_self: mpsc::WeakSender<Ask>,
    /// Where workers listen, as far as they have said since this run began.
    addresses: BTreeMap<WorkerId, String>,
    watchers: BTreeMap<JobId, Watched>,
    calls: JoinSet<()>,
    lines: orders::Lines,
    provider: Box<dyn Provider>,
    clock: Clock,
    chaos: Chaos,
    observer: Arc<dyn Observer>,
    batch: usize,
    /// What had come in when a timer was found due, and is still ahead of it.
    ahead: Option<usize>,
}

/// A job that somebody watches.
struct Watched {
    last: JobStatus,
    by: Vec<mpsc::Sender<JobStatus>>,
}

/// An input that was taken, with its orders.
struct Turn {
    input: Input,
    waits: Waits,
    effects: Effects,
}

impl Driver {
    /// Runs until the controller dies.
    pub async fn run(mut self) -> End {
        if let Err(end) = self.begin().await {
            return end;
        }
        loop {
            if self.has_waited_its_turn() {
                if let Err(end) = self.fire().await {
                    return end;
                }
                continue;
            }
            let (clock, next) = (self.clock, self.timers.next());
            // Messages come before timers.
            let done = tokio::select! {
                biased;
                ask = self.inbox.recv() => match ask {
                    Some(ask) => self.take(ask).await,
                    None => return End::Alone,
                },
                () = clock.until_due(next) => self.fire().await,
                Some(_) = self.calls.join_next() => Ok(()),
            };
            if let Err(end) = done {
                return end;
            }
        }
    }

    /// Whether a timer that is due has let all pass that had come in by then. More may have come
    /// in behind, and under load always has: that must not keep it waiting. In virtual time nothing
    /// comes in behind, because time only goes on when everybody waits.
    fn has_waited_its_turn(&mut self) -> bool {
        let now = self.clock.now();
        if self.clock.is_virtual() || self.timers.next().is_none_or(|at| now <= at) {
            self.ahead = None;
            return false;
        }
        *self.ahead.get_or_insert(self.inbox.len()) == 0
    }

    /// Takes what has come in.
    async fn take(&mut self, first: Ask) -> Result<(), End> {
        let mut facts = Vec::new();
        let mut after = Vec::new();
        let mut next = Some(first);
        // Under load nobody waits for calls on the side, and what is left of them piles up.
        while self.calls.try_join_next().is_some() {}
        while let Some(ask) = next {
            self.ahead = self.ahead.map(|ahead| ahead.saturating_sub(1));
            match ask {
                Ask::Fact(input, waits) => facts.push((input, waits)),
                Ask::Lives(worker, address) => {
                    self.addresses.insert(worker, address);
                }
                // What is looked at is durable by then.
                Ask::Look(_) | Ask::Watch(..) | Ask::Line(..) => after.push(ask),
            }
            next = if facts.len() < self.batch { self.inbox.try_recv().ok() } else { None };
        }
        self.turn(facts).await?;
        for ask in after {
            match ask {
                Ask::Look(look) => look(&self.machine),
                Ask::Watch(job, watcher) => self.watch(job, watcher),
                Ask::Line(attempt, asker) => {
                    let worker = self.machine.attempt(attempt).map(|it| it.seat.worker);
                    let _ = asker.send(worker.and_then(|worker| self.line(worker)));
                }
                Ask::Fact(..) | Ask::Lives(..) => {}
            }
        }
        Ok(())
    }

    /// Fires what is due.
    async fn fire(&mut self) -> Result<(), End> {
        let now = self.clock.now();
        while let Some(timer) = self.timers.pop_due(now) {
            self.turn(vec![(Input::Fired(timer), Waits::Nobody)]).await?;
        }
        Ok(())
    }

    /// Inputs into the machine, then into the journal, then the orders out.
    async fn turn(&mut self, facts: Vec<(Input, Waits)>) -> Result<bool, End> {
        if facts.is_empty() {
            return Ok(true);
        }
        let at = self.clock.now();
        let mut turns = Vec::with_capacity(facts.len());
        let mut entries = Vec::new();
        for (input, waits) in facts {
            let effects = self.machine.on(input.clone());
            if effects.first() == Some(&Effect::Persist) {
                entries.push(Entry { at, input: input.clone() });
            }
            turns.push(Turn { input, waits, effects });
        }
        let changed = !entries.is_empty();
        if changed {
            match self.append(&entries).await? {
                Appended::Durable => {}
                Appended::Undone => return self.undo(turns).map(|()| false),
            }
        }
        for turn in &turns {
            self.observer.controller(at, &turn.input, &self.machine);
        }
        if self.observer.has_seen_enough() {
            return Err(End::Stopped);
        }
        if changed && self.chaos.decide(Point::ControllerCrash, None) == Some(Verb::Crash) {
            return Err(End::Crashed);
        }
        for turn in turns {
            recovery::keep_time(&mut self.timers, at, &turn.input, &turn.effects);
            self.perform(turn);
        }
        self.tell_watchers();
        self.snapshot(at).map(|()| true)
    }

    fn watch(&mut self, job: JobId, watcher: mpsc::Sender<JobStatus>) {
        let Some(status) = JobStatus::of(&self.machine, job) else { return };
        let ended = status.state.has_ended();
        if watcher.try_send(status.clone()).is_err() || ended {
            return;
        }
        let watched =
            self.watchers.entry(job).or_insert_with(|| Watched { last: status, by: Vec::new() });
        watched.by.push(watcher);
    }

    fn tell_watchers(&mut self) {
        let machine = &self.machine;
        self.watchers.retain(|job, watched| {
            if machine.status(*job) == Some(watched.last.state) {
                return true;
            }
            let Some(status) = JobStatus::of(machine, *job) else { return false };
            // One that does not read, or has gone, is let go: it may ask again.
            watched.by.retain(|watcher| watcher.try_send(status.clone()).is_ok());
            let ended = status.state.has_ended();
            watched.last = status;
            !ended && !watched.by.is_empty()
        });
    }
}

#[cfg(test)]
mod tests;
