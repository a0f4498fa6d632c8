//! A worker of the log, replayed: its machine, its timers, what it runs, and what it has sent.

use std::collections::{BTreeMap, VecDeque};

use crate::model::id::{AttemptId, Incarnation, Seat};
use crate::model::policy::Policy;
use crate::model::resources::{Attributes, Resources};
use crate::model::timer::WorkerTimer;
use crate::model::wire::{BeatReply, Clock, Heartbeat};
use crate::real::clock::At;
use crate::worker_sm::{Exit, Local, WorkerEffect, WorkerEffects, WorkerInput, WorkerSm};

use super::Refusal;

/// Heartbeats that are remembered: one for each time at which what it says was another.
const BEATS: usize = 256;
/// Launches given up whose news may still be on its way.
const ABORTED: usize = 64;

/// A worker's name, up or down.
#[derive(Clone)]
pub(super) struct Node {
    /// Its machine, while it is up.
    pub machine: Option<WorkerSm>,
    /// The highest incarnation that ever was.
    pub highest: Incarnation,
    /// The incarnation as which it was started last.
    since: Incarnation,
    /// Whether its capacity is known: the first heartbeat that arrives tells.
    learned: bool,
    last: At,
    fresh: bool,
    pub beats: VecDeque<(At, Heartbeat)>,
    forgot: Option<(Incarnation, Clock)>,
    /// The heartbeat that is under way, and what it was answered so far.
    pub call: Option<BeatCall>,
    pub timers: BTreeMap<WorkerTimer, At>,
    pub processes: BTreeMap<AttemptId, Process>,
}

/// A heartbeat that was not answered yet.
#[derive(Clone)]
pub(super) struct BeatCall {
    sent: At,
    pub incarnation: Incarnation,
    clock: Clock,
    pub replies: Vec<BeatReply>,
}

/// What is there of an attempt at its worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Process {
    /// Bundle and container are being made.
    Preparing,
    /// That was given up, and the news of its end may be on its way.
    Aborted,
    /// It runs.
    Runs { stopped: bool, unwatched: bool },
}

/// What becomes of a heartbeat that arrives.
pub(super) enum Arrival {
    Sent,
    /// It is older than all that is remembered.
    Trusted,
    /// It was never sent.
    Never,
}

impl Node {
    pub(super) fn new() -> Self {
        Self {
            machine: None,
            highest: Incarnation(0),
            since: Incarnation(0),
            learned: false,
            last: At(0),
            fresh: false,
            beats: VecDeque::new(),
            forgot: None,
            call: None,
            timers: BTreeMap::new(),
            processes: BTreeMap::new(),
        }
    }

    /// Time does not go back at one node.
    pub(super) fn clock(&mut self, at: At) -> Result<(), Refusal> {
        if at < self.last {
            let last = self.last.0;
            let guard = format!("time must not go back: this worker's last event was at {last} ms");
            return Err(Refusal::new(guard));
        }
        self.last = at;
        Ok(())
    }

    pub(super) fn starts(&mut self, at: At, seat: Seat, policy: &Policy) {
        let machine = WorkerSm::new(seat, policy, Resources::NONE, Attributes::default());
        self.machine = Some(machine);
        self.highest = seat.incarnation;
        self.since = seat.incarnation;
        self.learned = false;
        self.fresh = true;
        self.timers.insert(WorkerTimer::Lease, at.plus(policy.worker_lease));
    }

    pub(super) fn dies(&mut self) {
        self.machine = None;
        self.call = None;
        self.timers.clear();
        self.processes.clear();
    }

    /// A heartbeat arrives at the controller.
    pub(super) fn arrives(&mut self, beat: &Heartbeat) -> Arrival {
        let sent = self.beats.iter().rev().find(|(_, sent)| {
            (sent.seat, sent.clock) == (beat.seat, beat.clock)
                && sent.running == beat.running
                && sent.finished == beat.finished
        });
        let age = (beat.seat.incarnation, beat.clock);
        let Some((_, sent)) = sent else {
            let old = self.forgot.is_some_and(|forgot| age <= forgot);
            return if old { Arrival::Trusted } else { Arrival::Never };
        };
        // What an earlier start of the worker had is not known any more.
        if beat.seat.incarnation < self.since {
            return Arrival::Sent;
        }
        if !self.learned {
            self.learn(beat);
            return Arrival::Sent;
        }
        let same = sent.capacity == beat.capacity && sent.attributes == beat.attributes;
        if same { Arrival::Sent } else { Arrival::Never }
    }

    /// The log does not say with which capacity a worker starts: its first heartbeat does. Before
    /// it was answered the machine takes nothing in, so it only has to know now.
    fn learn(&mut self, beat: &Heartbeat) {
        self.learned = true;
        for (_, sent) in &mut self.beats {
            if sent.seat.incarnation >= self.since {
                sent.capacity = beat.capacity;
                sent.attributes = beat.attributes.clone();
            }
        }
        if let Some(machine) = &mut self.machine {
            let taught = taught(machine, beat);
            *machine = taught.expect("invariant: a machine is read as it was written");
        }
    }

    /// The controller answers a heartbeat.
    pub(super) fn replied(&mut self, seat: Seat, clock: Clock, reply: &BeatReply) {
        if let Some(call) = &mut self.call
            && (call.incarnation, call.clock) == (seat.incarnation, clock)
            && !call.replies.contains(reply)
        {
            call.replies.push(reply.clone());
        }
    }

    /// Whether what is inside the worker, and its calls, can be as an input says.
    pub(super) fn judge(&self, at: At, input: &WorkerInput) -> Result<(), Refusal> {
        if self.fresh != matches!(input, WorkerInput::BeatDue) {
            let guard = "a worker that has just started beats first (`beat_due`), and only then";
            return Err(Refusal::new(guard));
        }
        let process = |id: &AttemptId| self.processes.get(id).copied();
        let guard = match input {
            WorkerInput::BeatAnswered(incarnation, reply) => match &self.call {
                None => "a heartbeat must be under way to be answered: none is".to_owned(),
                Some(call) if call.incarnation != *incarnation => format!(
                    "the heartbeat that is under way is of incarnation {}, not {}",
                    call.incarnation.0, incarnation.0
                ),
                Some(call) if call.replies.contains(reply) => return Ok(()),
                Some(_) => "the controller must have given this answer to the heartbeat that is \
                            under way: it did not"
                    .to_owned(),
            },
            WorkerInput::Launched(id) | WorkerInput::LaunchFailed(id, _)
                if !matches!(process(id), Some(Process::Preparing | Process::Aborted)) =>
            {
                format!("{id} must be on its way to a process: nothing of it is being made ready")
            }
            WorkerInput::LaunchFailed(id, fault) if !fault.is_launch() => {
                format!("{id} has no process, so only bundle or container can have failed")
            }
            WorkerInput::Exited(id, exit) => match process(id) {
                Some(Process::Runs { stopped, .. }) => {
                    if stopped || *exit != Exit::Stopped {
                        return Ok(());
                    }
                    format!("{id} must have been asked to end, to end so: nobody asked it")
                }
                Some(Process::Preparing | Process::Aborted) | None => {
                    format!("{id} must run to exit: no process of it runs")
                }
            },
            WorkerInput::MonitorDied(id)
                if !matches!(process(id), Some(Process::Runs { unwatched: false, .. })) =>
            {
                format!("{id} must run with a monitor that can die: it does not")
            }
            WorkerInput::Fired(timer) => match self.timers.get(timer) {
                Some(due) if *due <= at => return Ok(()),
                Some(due) => format!(
                    "the timer {timer:?} must not run out before it is due: that is at {} ms",
                    due.0
                ),
                None => format!("the timer {timer:?} must be armed to run out: it is not"),
            },
            WorkerInput::Launched(_)
            | WorkerInput::LaunchFailed(..)
            | WorkerInput::MonitorDied(_)
            | WorkerInput::Run(..)
            | WorkerInput::Kill(_)
            | WorkerInput::BeatDue
            | WorkerInput::ReportAcked(_) => return Ok(()),
        };
        Err(Refusal::new(guard))
    }

    /// Takes an input that was found legal. A worker that is down takes none.
    pub(super) fn take(
        &mut self,
        at: At,
        input: &WorkerInput,
        policy: &Policy,
    ) -> Option<WorkerEffects> {
        let machine = self.machine.as_mut()?;
        let mut sent = at;
        self.fresh = false;
        let effects = machine.on(input.clone());
        match input {
            WorkerInput::BeatAnswered(..) => {
                sent = self.call.take().map_or(at, |call| call.sent);
            }
            WorkerInput::Fired(timer) => {
                self.timers.remove(timer);
            }
            WorkerInput::Launched(id) => {
                self.processes.remove(id);
                if machine.local(*id) == Some(Local::Running) {
                    let runs = Process::Runs { stopped: false, unwatched: false };
                    self.processes.insert(*id, runs);
                }
            }
            WorkerInput::LaunchFailed(id, _) | WorkerInput::Exited(id, _) => {
                self.processes.remove(id);
            }
            WorkerInput::MonitorDied(id) => {
                if let Some(Process::Runs { unwatched, .. }) = self.processes.get_mut(id) {
                    *unwatched = true;
                }
            }
            WorkerInput::Run(..)
            | WorkerInput::Kill(_)
            | WorkerInput::BeatDue
            | WorkerInput::ReportAcked(_) => {}
        }
        for effect in &effects {
            self.perform(at, sent, effect, policy);
        }
        Some(effects)
    }

    fn perform(&mut self, at: At, sent: At, effect: &WorkerEffect, policy: &Policy) {
        match effect {
            WorkerEffect::SendBeat(beat) => self.send(at, beat, policy),
            WorkerEffect::Launch(id) => {
                self.processes.insert(*id, Process::Preparing);
            }
            WorkerEffect::AbortLaunch(id) => self.abort(*id),
            WorkerEffect::Terminate(id) | WorkerEffect::Destroy(id) => {
                if let Some(Process::Runs { stopped, .. }) = self.processes.get_mut(id) {
                    *stopped = true;
                }
            }
            WorkerEffect::RenewLease => {
                self.timers.insert(WorkerTimer::Lease, sent.plus(policy.worker_lease));
            }
            WorkerEffect::ArmKill(id) => {
                self.timers.insert(WorkerTimer::Kill(*id), at.plus(policy.kill_grace));
            }
            WorkerEffect::BecomeIncarnation(next) => {
                self.highest = *next;
                self.timers.clear();
                self.timers.insert(WorkerTimer::Lease, at.plus(policy.worker_lease));
                self.timers.insert(WorkerTimer::Beat, at);
            }
            WorkerEffect::AnswerRun(_)
            | WorkerEffect::AnswerKill(_)
            | WorkerEffect::SendReport(_) => {}
        }
    }

    fn send(&mut self, at: At, beat: &Heartbeat, policy: &Policy) {
        self.timers.insert(WorkerTimer::Beat, at.plus(policy.heartbeat));
        let (incarnation, clock) = (beat.seat.incarnation, beat.clock);
        self.call = Some(BeatCall { sent: at, incarnation, clock, replies: Vec::new() });
        let last = self.beats.back().map(|(_, last)| (last.seat, last.clock));
        // Of one time on its logical clock all heartbeats say the same.
        if last == Some((beat.seat, beat.clock)) {
            return;
        }
        self.beats.push_back((at, beat.clone()));
        if self.beats.len() > BEATS
            && let Some((_, oldest)) = self.beats.pop_front()
        {
            self.forgot = Some((oldest.seat.incarnation, oldest.clock));
        }
    }

    fn abort(&mut self, id: AttemptId) {
        self.processes.insert(id, Process::Aborted);
        let aborted = |(_, process): &(&AttemptId, &Process)| **process == Process::Aborted;
        if self.processes.iter().filter(aborted).count() > ABORTED
            && let Some(oldest) = self.processes.iter().find(aborted).map(|(id, _)| *id)
        {
            self.processes.remove(&oldest);
        }
    }
}

/// The machine with what a heartbeat says of its capacity.
fn taught(machine: &WorkerSm, beat: &Heartbeat) -> serde_json::Result<WorkerSm> {
    let mut value = serde_json::to_value(machine)?;
    value["total"] = serde_json::to_value(beat.capacity)?;
    value["attributes"] = serde_json::to_value(&beat.attributes)?;
    serde_json::from_value(value)
}
