//! Who is still there: a connection to each other process beside the one for data, over which both
//! show signs of life, and say what all must know at once.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::Scope;
use std::time::Duration;

use super::connect::{Peer, is_late};
use super::tally::{code_of, stop_of};
use super::{Cluster, FlowError, open};
use crate::explore::limits::{Limits, Progress, Stop};

/// Between two signs of life.
const BEAT: Duration = Duration::from_millis(500);

/// Between two looks at what the caller wants.
const LOOK: Duration = Duration::from_millis(20);

/// So many looks are for what is still to be heard.
const LOOKS: u32 = 50;

/// What is said, each with one more byte.
const ALIVE: u8 = 0;
const HALT: u8 = 1;
const LOST: u8 = 2;
const BYE: u8 = 3;

/// What the threads of a process know of the others.
pub(super) struct Link {
    /// This process.
    process: usize,
    hosts: Vec<String>,
    silence: Duration,
    lost: OnceLock<FlowError>,
    halted: OnceLock<Stop>,
    inner: Mutex<Inner>,
    changed: Condvar,
    /// Of the connections for data, to be shut when a process is lost.
    data: Mutex<Vec<TcpStream>>,
}

struct Inner {
    /// What all are to be told.
    news: VecDeque<[u8; 2]>,
    /// Nothing more will be said.
    leaving: Option<Leave>,
    /// Workers that have not left yet.
    inside: usize,
    /// Ends of connections that timely still uses.
    wires: usize,
    /// How far the search is, if nobody was told yet.
    word: Option<Progress>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Leave {
    /// All is done.
    Done,
    /// A process was lost.
    Lost,
}

impl Link {
    pub(super) fn new(cluster: &Cluster, peers: &[Peer]) -> Arc<Self> {
        let data = peers.iter().filter_map(|peer| peer.data.try_clone().ok()).collect();
        let inner = Inner {
            news: VecDeque::new(),
            leaving: None,
            inside: cluster.threads,
            wires: 0,
            word: None,
        };
        Arc::new(Self {
            process: cluster.process,
            hosts: cluster.hosts.clone(),
            silence: cluster.silence.max(4 * BEAT),
            lost: OnceLock::new(),
            halted: OnceLock::new(),
            inner: Mutex::new(inner),
            changed: Condvar::new(),
            data: Mutex::new(data),
        })
    }

    /// Listens to all and speaks to all until it is left.
    pub(super) fn start<'a>(self: &Arc<Self>, scope: &'a Scope<'a, '_>, peers: &[Peer]) {
        let mut all = Vec::with_capacity(peers.len());
        for peer in peers {
            let process = peer.process;
            let ends = peer.control.try_clone().and_then(|read| {
                read.set_read_timeout(Some(self.silence))?;
                read.set_write_timeout(Some(self.silence))?;
                Ok((read, peer.control.try_clone()?))
            });
            match ends {
                Ok((read, write)) => {
                    let link = Arc::clone(self);
                    scope.spawn(move || link.listen(process, read));
                    all.push((process, write));
                }
                Err(error) => self.lose(process, error.to_string()),
            }
        }
        let link = Arc::clone(self);
        scope.spawn(move || link.speak(all));
    }

    /// Hears one process out.
    fn listen(&self, process: usize, mut control: TcpStream) {
        let mut said_bye = false;
        loop {
            let mut word = [0; 2];
            match control.read_exact(&mut word) {
                Ok(()) if word[0] == HALT => {
                    self.halted.get_or_init(|| stop_of(word[1]));
                }
                Ok(()) if word[0] == LOST => {
                    let who = usize::from(word[1]);
                    let why = format!("process {process} says so");
                    self.lose(who.min(self.hosts.len() - 1), why);
                }
                Ok(()) => said_bye |= word[0] == BYE,
                Err(error) => {
                    if !said_bye {
                        self.lose(process, self.reason(&error));
                    }
                    return;
                }
            }
        }
    }

    fn reason(&self, error: &std::io::Error) -> String {
        if is_late(error) {
            format!("no sign of life for {} s", self.silence.as_secs())
        } else if error.kind() == ErrorKind::UnexpectedEof {
            "it closed the connection".to_owned()
        } else {
            error.to_string()
        }
    }

    /// Tells all what is new, and now and then that this process is alive.
    fn speak(&self, mut all: Vec<(usize, TcpStream)>) {
        let mut inner = self.inner();
        loop {
            let mut words: Vec<u8> = inner.news.drain(..).flatten().collect();
            let leaving = inner.leaving;
            drop(inner);
            words.extend(match leaving {
                None => [ALIVE, 0],
                Some(_) => [BYE, 0],
            });
            for (process, control) in &mut all {
                if let Err(error) = control.write_all(&words) {
                    self.lose(*process, error.to_string());
                }
            }
            if let Some(leave) = leaving {
                let how = if leave == Leave::Done { Shutdown::Write } else { Shutdown::Both };
                // One that is not there any more needs no goodbye.
                for (_, control) in &all {
                    drop(control.shutdown(how));
                }
                return;
            }
            inner = self.inner();
            if inner.news.is_empty() && inner.leaving.is_none() {
                let waited = self.changed.wait_timeout(inner, BEAT);
                inner = waited.unwrap_or_else(PoisonError::into_inner).0;
            }
        }
    }

    /// A process is not there any more: the first that is lost counts.
    pub(super) fn lose(&self, process: usize, why: String) {
        let mut inner = self.inner();
        if inner.leaving.is_some() {
            return;
        }
        let host = self.hosts[process].clone();
        let lost = FlowError::Lost { process, host, why };
        if self.lost.set(lost).is_ok() {
            inner.news.push_back([LOST, u8::try_from(process).unwrap_or(u8::MAX)]);
            self.changed.notify_all();
        }
    }

    /// A connection for data is closed. If a process has left because another is lost, it says so
    /// on the other connection, and that is to be heard first.
    pub(super) fn suspect(&self, process: usize, why: String) {
        let mut inner = self.inner();
        for _ in 0..LOOKS {
            if self.lost.get().is_some() || inner.leaving.is_some() {
                return;
            }
            inner =
                self.changed.wait_timeout(inner, LOOK).unwrap_or_else(PoisonError::into_inner).0;
        }
        drop(inner);
        self.lose(process, why);
    }

    /// This process itself cannot go on.
    pub(super) fn fail(&self) {
        self.lose(self.process, "a mistake in iris-check or in the model".to_owned());
    }

    pub(super) fn lost(&self) -> Option<&FlowError> {
        self.lost.get()
    }

    /// Asks the caller whether to end, and tells how far it is, until no worker is left.
    pub(super) fn attend(&self, limits: &Limits) {
        loop {
            let mut inner = self.inner();
            if inner.inside == 0 {
                return;
            }
            if inner.word.is_none() {
                let waited = self.changed.wait_timeout(inner, LOOK);
                inner = waited.unwrap_or_else(PoisonError::into_inner).0;
            }
            let word = inner.word.take();
            drop(inner);
            word.into_iter().for_each(limits.progress);
            if let Some(stop) = (limits.stop)() {
                self.halt(stop);
            }
        }
    }

    /// Says how far the search is.
    pub(super) fn tell(&self, word: Progress) {
        self.inner().word = Some(word);
        self.changed.notify_all();
    }

    /// All must end now.
    fn halt(&self, stop: Stop) {
        if self.halted.get().is_none() {
            self.halted.get_or_init(|| stop);
            self.inner().news.push_back([HALT, code_of(stop)]);
            self.changed.notify_all();
        }
    }

    pub(super) fn halted(&self) -> Option<Stop> {
        self.halted.get().copied()
    }

    /// How many processes there are.
    pub(super) fn processes(&self) -> usize {
        self.hosts.len()
    }

    /// A worker has left the dataflow.
    pub(super) fn depart(&self) {
        self.inner().inside -= 1;
        self.changed.notify_all();
    }

    /// Waits until no worker of this process looks at the dataflow any more.
    pub(super) fn wait_until_empty(&self) {
        self.wait(|inner| inner.inside == 0);
    }

    /// One more end of a connection is in use, or one less.
    pub(super) fn count_wire(&self, more: bool) {
        let mut inner = self.inner();
        inner.wires = if more { inner.wires + 1 } else { inner.wires - 1 };
        self.changed.notify_all();
    }

    /// Waits until all that was sent is on its way and all that comes is here.
    pub(super) fn wait_for_wires(&self) {
        self.wait(|inner| inner.wires == 0 || self.lost.get().is_some());
    }

    /// Shuts the connections for data: whoever waits for one goes on.
    pub(super) fn shut(&self) {
        for data in open(&self.data).drain(..) {
            // One that is shut already is what is wanted.
            drop(data.shutdown(Shutdown::Both));
        }
    }

    /// Says goodbye; what is lost from now on is not missed.
    pub(super) fn leave(&self, done: bool) {
        self.inner().leaving = Some(if done { Leave::Done } else { Leave::Lost });
        self.changed.notify_all();
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        open(&self.inner)
    }

    fn wait(&self, until: impl Fn(&Inner) -> bool) {
        let mut inner = self.inner();
        while !until(&inner) {
            inner = self.changed.wait(inner).unwrap_or_else(PoisonError::into_inner);
        }
    }
}
