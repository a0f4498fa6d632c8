//! The worker's driver: facts into the machine, its orders out. Every decision is the machine's.
//!
//! One task owns the machine and the [`Workshop`] where attempts run. Reading order:
//! [`Driver::run`], then `service` (what comes in over gRPC).

mod service;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use crate::model::id::{AttemptId, Incarnation, Seat};
use crate::model::policy::Policy;
use crate::model::resources::{Attributes, Resources};
use crate::model::spec::Payload;
use crate::model::timer::WorkerTimer;
use crate::model::wire::{
    BeatReply, Heartbeat, KillAnswer, KillTask, Report, RunAnswer, RunTask, Word,
};
use crate::worker_sm::{Local, WorkerEffect, WorkerInput, WorkerSm};

use super::chaos::{Chaos, Node, Point, Verb};
use super::clock::{At, Clock};
use super::net::{BadAddress, Network, Way};
use super::observe::Observer;
use super::timers::Timers;
use super::wire;
use super::wire::proto::controller_client::ControllerClient;
use super::work::{News, Order, Workshop};

pub(super) use service::{Door, serve};

/// Calls that may wait to be taken.
const INBOX: usize = 1024;

/// What a worker is made of.
pub struct Setup {
    /// Its name and incarnation; nothing of an older one runs.
    pub seat: Seat,
    /// What it has.
    pub capacity: Resources,
    /// What it says of itself.
    pub attributes: Attributes,
    /// The policy of its cluster.
    pub policy: Policy,
    /// Where it listens.
    pub address: String,
    /// Where its controller listens.
    pub controller: String,
    /// Makes the next incarnation durable.
    pub remember: Remember,
    /// When.
    pub clock: Clock,
    /// How it reaches the controller.
    pub network: Network,
    /// What goes wrong on demand.
    pub chaos: Chaos,
    /// Who is told of everything.
    pub observer: Arc<dyn Observer>,
}

/// Makes an incarnation durable before it is used.
pub type Remember = Box<dyn FnMut(Incarnation) -> io::Result<()> + Send>;

/// What comes in.
pub(super) enum Ask {
    /// Run an attempt.
    Run(RunTask, Resources, Box<Payload>, oneshot::Sender<RunAnswer>),
    /// Stop an attempt.
    Kill(KillTask, oneshot::Sender<KillAnswer>),
    /// A heartbeat, sent then by that incarnation, was answered, or not.
    Beaten(At, Incarnation, Option<BeatReply>),
    /// A last report was acknowledged.
    Acked(AttemptId),
    /// What an attempt wrote.
    Log(AttemptId, bool, oneshot::Sender<Option<PathBuf>>),
}

/// Why a worker has ended.
#[derive(Debug)]
pub enum End {
    /// A rule of chaos says that it dies here.
    Crashed,
    /// It cannot make its next incarnation durable, and may not go on without.
    Forgetful(io::Error),
    /// Nobody is left who could tell it anything.
    Alone,
    /// Its observer has seen enough.
    Stopped,
}

impl std::fmt::Display for End {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Crashed => f.write_str("it died of a rule of chaos"),
            Self::Forgetful(error) => {
                write!(
                    f,
                    "it cannot write its next incarnation, and may not go on without: {error}"
                )
            }
            Self::Alone => f.write_str("nobody is left who could tell it anything"),
            Self::Stopped => f.write_str("its observer has seen enough"),
        }
    }
}

/// The driver.
pub struct Driver {
    machine: WorkerSm,
    timers: Timers<WorkerTimer>,
    inbox: mpsc::Receiver<Ask>,
    to_self: mpsc::WeakSender<Ask>,
    workshop: Workshop,
    news: mpsc::UnboundedReceiver<News>,
    controller: ControllerClient<Way>,
    calls: JoinSet<()>,
    /// Whether a heartbeat is under way; there is one at most.
    beating: bool,
    /// Whether the next one was due meanwhile.
    overdue: bool,
    /// When it last took another incarnation, and beat as that.
    renamed: Option<At>,
    policy: Policy,
    address: String,
    remember: Remember,
    clock: Clock,
    chaos: Chaos,
    observer: Arc<dyn Observer>,
}

/// Who waits for the answer to a call.
#[derive(Default)]
struct Waits {
    run: Option<oneshot::Sender<RunAnswer>>,
    kill: Option<oneshot::Sender<KillAnswer>>,
    /// What is to run, if something is.
    payload: Option<Box<Payload>>,
    /// When the heartbeat was sent that is answered.
    sent: Option<At>,
}

impl Driver {
    /// A worker that is ready to run, and how others tell it something. The workshop tells `news`.
    ///
    /// # Errors
    /// The controller's address is none.
    pub(super) fn new(
        setup: Setup,
        workshop: Workshop,
        news: mpsc::UnboundedReceiver<News>,
    ) -> Result<(Self, mpsc::Sender<Ask>), BadAddress> {
        let controller = ControllerClient::new(setup.network.reach(&setup.controller)?);
        let (to_worker, inbox) = mpsc::channel(INBOX);
        let machine = WorkerSm::new(setup.seat, &setup.policy, setup.capacity, setup.attributes);
        // It is up from now on: it may die before it first runs.
        setup.observer.worker_up(setup.clock.now(), &machine);
        let driver = Self {
            machine,
            timers: Timers::new(),
            inbox,
            to_self: to_worker.downgrade(),
            workshop,
            news,
            controller,
            calls: JoinSet::new(),
            beating: false,
            overdue: false,
            renamed: None,
            policy: setup.policy,
            address: setup.address,
            remember: setup.remember,
            clock: setup.clock,
            chaos: setup.chaos,
            observer: setup.observer,
        };
        Ok((driver, to_worker))
    }

    /// Runs until the worker dies.
    pub async fn run(mut self) -> End {
        let now = self.clock.now();
        // A lease that is never granted runs out as well.
        self.timers.arm(WorkerTimer::Lease, now.plus(self.policy.worker_lease));
        if let Err(end) = self.feed(&WorkerInput::BeatDue, Waits::default()) {
            return end;
        }
        loop {
            let (clock, next) = (self.clock, self.timers.next());
            // Messages come before timers.
            let done = tokio::select! {
                biased;
                news = self.news.recv() => match news {
                    Some(news) => self.hear(&news),
                    None => return End::Alone,
                },
                ask = self.inbox.recv() => match ask {
                    Some(ask) => self.take(ask),
                    None => return End::Alone,
                },
                () = clock.until_due(next) => self.fire(),
                Some(_) = self.calls.join_next() => Ok(()),
            };
            if let Err(end) = done {
                return end;
            }
        }
    }

    fn take(&mut self, ask: Ask) -> Result<(), End> {
        let nobody = Waits::default();
        match ask {
            Ask::Run(call, need, payload, answer) => {
                let waits = Waits { run: Some(answer), payload: Some(payload), ..nobody };
                self.feed(&WorkerInput::Run(call, need), waits)
            }
            Ask::Kill(call, answer) => {
                self.feed(&WorkerInput::Kill(call), Waits { kill: Some(answer), ..nobody })
            }
            Ask::Beaten(sent, incarnation, reply) => {
                self.beating = false;
                if let Some(reply) = reply {
                    let waits = Waits { sent: Some(sent), ..nobody };
                    self.feed(&WorkerInput::BeatAnswered(incarnation, reply), waits)?;
                }
                if std::mem::take(&mut self.overdue) {
                    self.feed(&WorkerInput::Fired(WorkerTimer::Beat), Waits::default())?;
                }
                Ok(())
            }
            Ask::Acked(attempt) => self.feed(&WorkerInput::ReportAcked(attempt), nobody),
            Ask::Log(attempt, stderr, answer) => {
                let _ = answer.send(self.workshop.log_path(attempt, stderr));
                Ok(())
            }
        }
    }

    fn hear(&mut self, news: &News) -> Result<(), End> {
        let nobody = Waits::default();
        match *news {
            News::Prepared(attempt) => {
                self.feed(&WorkerInput::Launched(attempt), nobody)?;
                // Only what the machine takes for running ever runs.
                if self.machine.local(attempt) == Some(Local::Running) {
                    self.workshop.start(attempt);
                }
                Ok(())
            }
            News::Failed(attempt, fault, _) => {
                self.feed(&WorkerInput::LaunchFailed(attempt, fault), nobody)
            }
            News::Exited(attempt, exit) => self.feed(&WorkerInput::Exited(attempt, exit), nobody),
            News::MonitorDied(attempt) => self.feed(&WorkerInput::MonitorDied(attempt), nobody),
        }
    }

    fn fire(&mut self) -> Result<(), End> {
        let now = self.clock.now();
        while let Some(timer) = self.timers.pop_due(now) {
            if timer == WorkerTimer::Beat && self.beating {
                self.overdue = true;
                continue;
            }
            self.feed(&WorkerInput::Fired(timer), Waits::default())?;
        }
        Ok(())
    }

    /// A fact into the machine, its orders out.
    fn feed(&mut self, input: &WorkerInput, mut waits: Waits) -> Result<(), End> {
        let node = Some(Node::Worker(self.machine.seat().worker));
        if self.chaos.decide(Point::WorkerCrash, node) == Some(Verb::Crash) {
            return Err(End::Crashed);
        }
        let (now, seat) = (self.clock.now(), self.machine.seat());
        let effects = self.machine.on(input.clone());
        self.observer.worker(now, seat, input, &effects, &self.machine);
        if self.observer.has_seen_enough() {
            return Err(End::Stopped);
        }
        for effect in effects {
            match effect {
                WorkerEffect::AnswerRun(answer) => {
                    if let Some(caller) = waits.run.take() {
                        let _ = caller.send(answer);
                    }
                }
                WorkerEffect::AnswerKill(answer) => {
                    if let Some(caller) = waits.kill.take() {
                        let _ = caller.send(answer);
                    }
                }
                WorkerEffect::SendBeat(beat) => self.send_beat(&beat),
                WorkerEffect::SendReport(report) => self.send_report(report),
                WorkerEffect::Launch(attempt) => {
                    let payload = waits.payload.take().unwrap_or_default();
                    self.workshop.prepare(Order { attempt, payload: Arc::from(payload) });
                }
                WorkerEffect::AbortLaunch(attempt) => self.workshop.abort(attempt),
                WorkerEffect::Terminate(attempt) => self.workshop.terminate(attempt),
                WorkerEffect::Destroy(attempt) => self.workshop.destroy(attempt),
                WorkerEffect::RenewLease => {
                    let sent = waits.sent.unwrap_or(now);
                    self.timers.arm(WorkerTimer::Lease, sent.plus(self.policy.worker_lease));
                }
                WorkerEffect::ArmKill(attempt) => {
                    let at = now.plus(self.policy.kill_grace);
                    self.timers.arm(WorkerTimer::Kill(attempt), at);
                }
                WorkerEffect::BecomeIncarnation(next) => {
                    (self.remember)(next).map_err(End::Forgetful)?;
                    self.timers = Timers::new();
                    self.timers.arm(WorkerTimer::Lease, now.plus(self.policy.worker_lease));
                    // One that is unknown again at once, as one that was drained is, must not ask
                    // as fast as it is answered.
                    let interval = self.policy.heartbeat;
                    let beat = self.renamed.map_or(now, |last| now.max(last.plus(interval)));
                    self.renamed = Some(beat);
                    self.timers.arm(WorkerTimer::Beat, beat);
                }
            }
        }
        Ok(())
    }

    fn send_beat(&mut self, beat: &Heartbeat) {
        let (sent, incarnation) = (self.clock.now(), beat.seat.incarnation);
        self.beating = true;
        self.timers.arm(WorkerTimer::Beat, sent.plus(self.policy.heartbeat));
        let (message, controller) = (wire::beat_to(beat, &self.address), self.controller.clone());
        let call = move || {
            let (mut controller, message) = (controller.clone(), message.clone());
            async move { controller.beat(message).await }
        };
        let (chaos, clock, policy) = (self.chaos.clone(), self.clock, self.policy);
        let (to_self, node) = (self.to_self.clone(), Node::Worker(beat.seat.worker));
        // A call is kilobytes, and a task would move it some times before it is done.
        self.calls.spawn(Box::pin(async move {
            let called = chaos.around(Point::WorkerHeartbeat, Some(node), call);
            let reply = clock.within(policy.rpc_timeout, called).await.and_then(Result::ok);
            let reply = reply.and_then(|reply| wire::reply_from(reply.get_ref()).ok());
            tell(&to_self, Ask::Beaten(sent, incarnation, reply)).await;
        }));
    }

    fn send_report(&mut self, report: Report) {
        let controller = self.controller.clone();
        let call = move || {
            let mut controller = controller.clone();
            async move { controller.report_task_state(wire::report_to(&report)).await }
        };
        let (chaos, clock, policy) = (self.chaos.clone(), self.clock, self.policy);
        let (to_self, node) = (self.to_self.clone(), Node::Worker(report.seat.worker));
        self.calls.spawn(Box::pin(async move {
            let called = chaos.around(Point::WorkerReportTaskState, Some(node), call);
            let acked = clock.within(policy.rpc_timeout, called).await;
            // Heartbeats repeat last words until they are acknowledged.
            if matches!(acked, Some(Ok(_))) && matches!(report.word, Word::Final(_)) {
                tell(&to_self, Ask::Acked(report.attempt)).await;
            }
        }));
    }
}

async fn tell(driver: &mpsc::WeakSender<Ask>, ask: Ask) {
    if let Some(driver) = driver.upgrade() {
        // Where the driver is gone there is nobody left to tell.
        let _ = driver.send(ask).await;
    }
}
