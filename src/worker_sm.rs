//! A worker as a pure machine: [`WorkerSm::on`] takes a fact and answers with orders.
//!
//! Like the controller it has no clock, no chance and no I/O, and the model and the running cluster
//! use the very same type. It remembers every attempt that it was told to run or to stop until its
//! incarnation ends: so a kill that overtakes its run wins, and nothing starts twice.

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::model::exit::{Fault, Final};
use crate::model::id::{AttemptId, Seat};
use crate::model::policy::{Policy, Reconcile};
use crate::model::resources::{Attributes, Resources};
use crate::model::task::Phase;
use crate::model::timer::WorkerTimer;
use crate::model::wire::{
    BeatReply, Clock, Finished, Heartbeat, KillAnswer, KillTask, Report, RunAnswer, RunTask, Word,
};

mod abstraction;
mod records;

pub use records::{Entry, Exit, Lease, Local, WorkerEffect, WorkerEffects, WorkerInput};

use records::listing;

/// A worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerSm {
    seat: Seat,
    reconcile: Reconcile,
    total: Resources,
    attributes: Attributes,
    clock: Clock,
    lease: Lease,
    entries: SmallVec<[Entry; 2]>,
    carried: Finished,
}

/// What the policy says is not hashed.
impl std::hash::Hash for WorkerSm {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        (self.seat.incarnation, self.clock, self.lease).hash(state);
        (self.total, &self.attributes).hash(state);
        self.entries.len().hash(state);
        for entry in &self.entries {
            (entry.attempt, entry.local).hash(state);
        }
        self.carried.hash(state);
    }
}

impl WorkerSm {
    /// A worker at its start. Its driver vouches that nothing of an older incarnation runs.
    pub fn new(seat: Seat, policy: &Policy, total: Resources, attributes: Attributes) -> Self {
        Self {
            seat,
            reconcile: policy.reconcile,
            total,
            attributes,
            clock: Clock(0),
            lease: Lease::Awaited,
            entries: SmallVec::new(),
            carried: Finished::new(),
        }
    }

    /// Takes a fact and answers with orders.
    #[must_use = "an effect that is not performed is a message that is lost"]
    pub fn on(&mut self, input: WorkerInput) -> WorkerEffects {
        let mut effects = WorkerEffects::new();
        match input {
            WorkerInput::Run(call, need) => self.run(&mut effects, call, need),
            WorkerInput::Kill(call) => self.kill(&mut effects, call),
            WorkerInput::BeatDue => effects.push(WorkerEffect::SendBeat(self.heartbeat())),
            WorkerInput::BeatAnswered(incarnation, reply) => {
                if incarnation == self.seat.incarnation {
                    self.beat_answered(&mut effects, &reply);
                }
            }
            WorkerInput::ReportAcked(attempt) => self.acked(attempt),
            WorkerInput::Launched(attempt) => self.launched(&mut effects, attempt),
            WorkerInput::LaunchFailed(attempt, fault) => {
                if self.local(attempt) == Some(Local::Building) {
                    self.finish(&mut effects, attempt, Final::Failed(fault));
                }
            }
            WorkerInput::Exited(attempt, exit) => self.exited(&mut effects, attempt, exit),
            WorkerInput::MonitorDied(attempt) => {
                self.stop(&mut effects, attempt, Final::Failed(Fault::Monitor));
            }
            WorkerInput::Fired(WorkerTimer::Beat) => {
                effects.push(WorkerEffect::SendBeat(self.heartbeat()));
            }
            WorkerInput::Fired(WorkerTimer::Lease) => self.lose_lease(&mut effects),
            WorkerInput::Fired(WorkerTimer::Kill(attempt)) => {
                if matches!(self.local(attempt), Some(Local::Stopping(_))) {
                    effects.push(WorkerEffect::Destroy(attempt));
                }
            }
        }
        effects
    }

    fn run(&mut self, effects: &mut WorkerEffects, call: RunTask, need: Resources) {
        let answer = if call.seat == self.seat {
            match self.local(call.attempt) {
                // Never started and never to be: a kill came first, or it was refused before.
                Some(Local::Done { word: Final::Missing, .. }) => RunAnswer::Refused,
                Some(_) => RunAnswer::Accepted(self.clock),
                None => self.accept(effects, call.attempt, need),
            }
        } else {
            // Not *refused*: an earlier try may have reached the incarnation that was meant, and
            // ended there. The first heartbeat of this one tells, results first.
            RunAnswer::NotNow
        };
        effects.push(WorkerEffect::AnswerRun(answer));
    }

    fn accept(&mut self, effects: &mut WorkerEffects, id: AttemptId, need: Resources) -> RunAnswer {
        if self.lease != Lease::Held {
            return RunAnswer::NotNow;
        }
        if !need.fits(self.free()) {
            // A refusal is for ever: the same call arriving again must not find room.
            self.remember(id, need, Local::Done { word: Final::Missing, listed: false });
            return RunAnswer::Refused;
        }
        self.remember(id, need, Local::Building);
        self.clock = self.clock.next();
        effects.push(WorkerEffect::Launch(id));
        RunAnswer::Accepted(self.clock)
    }

    /// What none of its attempts takes.
    fn free(&self) -> Resources {
        let taken = self.entries.iter().filter(|entry| !matches!(entry.local, Local::Done { .. }));
        taken.fold(self.total, |free, entry| {
            free.minus(entry.need).expect("invariant: only what fits was accepted")
        })
    }

    fn kill(&mut self, effects: &mut WorkerEffects, call: KillTask) {
        let answer = if call.seat == self.seat {
            match self.local(call.attempt) {
                None => {
                    self.bury(call.attempt);
                    KillAnswer::Missing
                }
                Some(Local::Done { word: Final::Missing, .. }) => KillAnswer::Missing,
                Some(_) => {
                    if !call.only_if_not_started {
                        self.stop(effects, call.attempt, Final::Killed);
                    }
                    KillAnswer::Started(self.clock)
                }
            }
        } else {
            KillAnswer::Refused
        };
        effects.push(WorkerEffect::AnswerKill(answer));
    }

    /// Leaves a tombstone for an attempt never seen: a later `RunTask` for it is refused.
    fn bury(&mut self, id: AttemptId) {
        let tombstone = Local::Done { word: Final::Missing, listed: true };
        self.remember(id, Resources::NONE, tombstone);
        self.clock = self.clock.next();
    }

    fn heartbeat(&self) -> Heartbeat {
        let mut running = crate::model::wire::Running::new();
        let mut finished = self.carried.clone();
        for entry in &self.entries {
            match listing(entry.local) {
                Some(Word::Phase(phase)) => running.push((entry.attempt, phase)),
                Some(Word::Final(word)) => finished.push((entry.attempt, word)),
                None => {}
            }
        }
        finished.sort_unstable();
        Heartbeat {
            seat: self.seat,
            clock: self.clock,
            capacity: self.total,
            attributes: self.attributes.clone(),
            running,
            finished,
        }
    }

    fn beat_answered(&mut self, effects: &mut WorkerEffects, reply: &BeatReply) {
        if !reply.known {
            return self.lose_lease(effects);
        }
        for id in &reply.acked {
            self.acked(*id);
        }
        for id in &reply.stop {
            match self.local(*id) {
                None => self.bury(*id),
                Some(Local::Done { word, listed: false }) => {
                    self.put(*id, Local::Done { word, listed: true });
                }
                Some(_) => self.stop(effects, *id, Final::Killed),
            }
        }
        for id in &reply.fence {
            match self.local(*id) {
                None => self.bury(*id),
                // Refused before, and that answer was lost.
                Some(Local::Done { word: Final::Missing, listed: false }) => {
                    self.put(*id, Local::Done { word: Final::Missing, listed: true });
                }
                Some(_) => {}
            }
        }
        if self.lease != Lease::Lost {
            self.lease = Lease::Held;
            effects.push(WorkerEffect::RenewLease);
        }
    }

    /// An entry of `finished` need not be sent again.
    fn acked(&mut self, id: AttemptId) {
        let before = self.carried.len();
        self.carried.retain(|(carried, _)| *carried != id);
        if self.carried.len() < before {
            self.clock = self.clock.next();
        }
        if let Some(Local::Done { word, listed: true }) = self.local(id) {
            self.put(id, Local::Done { word, listed: false });
        }
    }

    fn launched(&mut self, effects: &mut WorkerEffects, id: AttemptId) {
        if self.local(id) == Some(Local::Building) {
            self.put(id, Local::Running);
            self.report(effects, id, Word::Phase(Phase::Running));
        }
    }

    fn exited(&mut self, effects: &mut WorkerEffects, id: AttemptId, exit: Exit) {
        let stopped_for = match self.local(id) {
            Some(Local::Stopping(word)) => word,
            Some(Local::Running) => Final::Killed,
            Some(Local::Building | Local::Done { .. }) | None => return,
        };
        let word = match exit {
            Exit::Success => Final::Succeeded,
            Exit::Error => Final::Failed(Fault::Exit),
            Exit::Stopped => stopped_for,
        };
        self.finish(effects, id, word);
    }

    /// Stops an attempt: a launch at once, a process by asking it to end.
    fn stop(&mut self, effects: &mut WorkerEffects, id: AttemptId, word: Final) {
        match self.local(id) {
            Some(Local::Building) => {
                effects.push(WorkerEffect::AbortLaunch(id));
                self.finish(effects, id, word);
            }
            Some(Local::Running) => {
                self.put(id, Local::Stopping(word));
                effects.push(WorkerEffect::Terminate(id));
                effects.push(WorkerEffect::ArmKill(id));
            }
            Some(Local::Stopping(_) | Local::Done { .. }) | None => {}
        }
    }

    fn finish(&mut self, effects: &mut WorkerEffects, id: AttemptId, word: Final) {
        // The January heartbeat lists no results; what it was told to stop it still answers.
        let result = matches!(word, Final::Succeeded | Final::Failed(_));
        let listed = self.reconcile == Reconcile::ResultsFirst || !result;
        self.put(id, Local::Done { word, listed });
        self.report(effects, id, Word::Final(word));
        self.move_on(effects);
    }

    fn report(&self, effects: &mut WorkerEffects, attempt: AttemptId, word: Word) {
        let report = Report { seat: self.seat, attempt, word, clock: self.clock };
        effects.push(WorkerEffect::SendReport(report));
    }

    /// Nothing more is started, everything is stopped; then comes the next incarnation.
    fn lose_lease(&mut self, effects: &mut WorkerEffects) {
        if self.lease == Lease::Lost {
            return;
        }
        self.lease = Lease::Lost;
        let ids: SmallVec<[AttemptId; 4]> =
            self.entries.iter().map(|entry| entry.attempt).collect();
        for id in ids {
            self.stop(effects, id, Final::Killed);
        }
        self.move_on(effects);
    }

    /// Takes the next incarnation once the lease is lost and nothing is left to stop.
    fn move_on(&mut self, effects: &mut WorkerEffects) {
        let over = |entry: &Entry| matches!(entry.local, Local::Done { .. });
        if self.lease != Lease::Lost || !self.entries.iter().all(over) {
            return;
        }
        for entry in std::mem::take(&mut self.entries) {
            // That nothing of it ever ran is what the new incarnation says anyway.
            if let Local::Done { word, listed: true } = entry.local
                && word != Final::Missing
            {
                self.carried.push((entry.attempt, word));
            }
        }
        self.carried.sort_unstable();
        self.seat.incarnation = self.seat.incarnation.next();
        self.clock = Clock(0);
        self.lease = Lease::Awaited;
        effects.push(WorkerEffect::BecomeIncarnation(self.seat.incarnation));
    }

    /// What is done about an attempt.
    pub fn local(&self, id: AttemptId) -> Option<Local> {
        let at = self.entries.binary_search_by_key(&id, |entry| entry.attempt).ok()?;
        Some(self.entries[at].local)
    }

    fn remember(&mut self, attempt: AttemptId, need: Resources, local: Local) {
        if let Err(at) = self.entries.binary_search_by_key(&attempt, |entry| entry.attempt) {
            self.entries.insert(at, Entry { attempt, need, local });
        }
    }

    fn put(&mut self, id: AttemptId, local: Local) {
        if let Ok(at) = self.entries.binary_search_by_key(&id, |entry| entry.attempt) {
            let before = std::mem::replace(&mut self.entries[at].local, local);
            if listing(before) != listing(local) {
                self.clock = self.clock.next();
            }
        }
    }

    /// Its name and incarnation.
    pub fn seat(&self) -> Seat {
        self.seat
    }

    /// Whether it may start anything.
    pub fn lease(&self) -> Lease {
        self.lease
    }

    /// Its logical clock.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// Every attempt that this incarnation was told of, sorted.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Results of former incarnations that nobody has acknowledged yet.
    pub fn carried(&self) -> &[(AttemptId, Final)] {
        &self.carried
    }

    /// Whether it has last words that nobody has acknowledged yet.
    pub fn has_unacknowledged(&self) -> bool {
        let listed = |entry: &Entry| matches!(entry.local, Local::Done { listed: true, .. });
        !self.carried.is_empty() || self.entries.iter().any(listed)
    }

    /// What it has in all.
    pub fn total(&self) -> Resources {
        self.total
    }
}
