//! One step of the modelled cluster: an operation applied to a state, every effect performed.
//!
//! The machines decide; this file only carries facts to them and their orders away, the way the
//! drivers of the running cluster do.

use std::sync::Arc;

use crate::controller_sm::{ControllerSm, Effect, Effects, Input};
use crate::model::id::{AttemptId, WorkerId};
use crate::model::operation::Act;
use crate::model::resources::Resources;
use crate::model::scheduler::Chooser;
use crate::model::view::{Event, ProcessStage, Started};
use crate::model::wire::{BeatReply, KillAnswer, KillTask, Report, RunAnswer, Word};
use crate::worker_sm::{WorkerEffect, WorkerEffects, WorkerInput, WorkerSm};

use super::scope::{Launches, Reports, Scope};
use super::state::{CloudSlice, CloudVm, Message, Process, State};
use super::turns::{Turn, Turns};

/// The machines that the model runs. Tests put wrong ones in their place, to see them caught.
pub trait Machines: Clone + Send + Sync + 'static {
    /// What the controller makes of an input.
    fn controller(&self, sm: &mut ControllerSm, input: Input, chooser: &mut Chooser) -> Effects {
        sm.on_choosing(input, chooser)
    }

    /// What a worker makes of an input.
    fn worker(&self, sm: &mut WorkerSm, input: WorkerInput) -> WorkerEffects {
        sm.on(input)
    }
}

/// The machines as they are.
#[derive(Debug, Clone, Copy, Default)]
pub struct Real;

impl Machines for Real {}

/// A step being taken.
pub(super) struct Move<'m, M> {
    pub(super) scope: &'m Scope,
    pub(super) machines: &'m M,
    turns: Option<&'m Turns>,
    pub(super) state: State,
    chooser: Chooser,
    dies: bool,
    turn: Option<Arc<Turn>>,
    pub(super) started: Started,
}

impl<'m, M: Machines> Move<'m, M> {
    /// With `turns`, the controller's turns are remembered there.
    pub(super) fn new(
        scope: &'m Scope,
        machines: &'m M,
        turns: Option<&'m Turns>,
        state: State,
        act: Act,
    ) -> Self {
        Self {
            scope,
            machines,
            turns,
            state,
            chooser: Chooser::scripted(act.choice),
            dies: act.dies,
            turn: None,
            started: Started::Nothing,
        }
    }

    /// The chooser as the step left it.
    pub(super) fn chooser(&self) -> Chooser {
        self.chooser
    }

    /// Whether the act was one that there is: every choice in it was needed, and the controller
    /// that dies before its effects had something to act on.
    pub(super) fn was_exact(&self) -> bool {
        self.chooser.was_exact() && !self.dies
    }

    /// What the controller heard, for the claims across steps.
    pub(super) fn event(&self) -> Event<'_> {
        self.turn.as_ref().map_or(Event::Elsewhere, |turn| turn.heard.event())
    }

    /// The controller's turn in it, if it had one: never more than one.
    pub(super) fn turn(&self) -> Option<&Turn> {
        self.turn.as_deref()
    }

    /// Gives the controller an input and performs what it orders; answers the heartbeat's reply.
    /// A controller that dies before its effects orders nothing, and is down afterwards.
    pub(super) fn feed(&mut self, input: Input) -> Option<BeatReply> {
        let restarted = matches!(input, Input::Restarted);
        let (machines, before, asked) = (self.machines, &self.state.controller, self.chooser);
        let turn = match self.turns {
            Some(turns) => turns.turn(machines, before, input, asked),
            None => Arc::new(Turn::take(machines, before, input, asked)),
        };
        self.state.controller = Arc::clone(&turn.after);
        self.chooser = turn.chooser;
        self.turn = Some(Arc::clone(&turn));
        if std::mem::take(&mut self.dies) {
            self.controller_down();
            return None;
        }
        let mut reply = None;
        for order in &turn.orders {
            match order {
                Effect::SendRun { attempt, seat } => {
                    let (attempt, seat) = (*attempt, *seat);
                    self.state.send(Message::Run { attempt, seat, awaited: true });
                }
                Effect::SendKill { attempt, seat, only_if_not_started } => {
                    let (attempt, seat) = (*attempt, *seat);
                    let only_if_not_started = *only_if_not_started;
                    self.state.send(Message::Kill(KillTask { attempt, seat, only_if_not_started }));
                }
                Effect::CreateSlice { slice, vms, .. } => {
                    let fresh = |id: &_| CloudVm { id: *id, booted: false, stuck: false };
                    let (id, vms) = (*slice, vms.iter().map(fresh).collect());
                    self.create_slice(CloudSlice { id, vms, granted: false, ending: false });
                }
                Effect::TerminateSlice(slice) => self.end_slice(*slice, restarted),
                Effect::ReplyBeat(beat) => reply = Some(beat.clone()),
                Effect::Persist
                | Effect::Reply(_)
                | Effect::ReplyReport
                | Effect::Arm(..)
                | Effect::Disarm(_)
                | Effect::JobEnded(_) => {}
            }
        }
        reply
    }

    /// Gives the worker of a machine an input and performs what it orders.
    pub(super) fn work(&mut self, id: WorkerId, input: WorkerInput) -> Answers {
        let mut answers = Answers::default();
        let Some(node) = self.state.node_mut(id) else { return answers };
        let Some(worker) = &mut node.worker else { return answers };
        let effects = self.machines.worker(worker, input);
        for effect in effects {
            match effect {
                WorkerEffect::AnswerRun(answer) => answers.run = Some(answer),
                WorkerEffect::AnswerKill(answer) => answers.kill = Some(answer),
                WorkerEffect::SendBeat(beat) => answers.beat = Some(beat),
                WorkerEffect::SendReport(report) => self.report(report),
                WorkerEffect::Launch(attempt) => self.launch(id, attempt),
                WorkerEffect::AbortLaunch(attempt) => self.end_process(id, attempt),
                WorkerEffect::Terminate(attempt) => {
                    if let Some(process) =
                        self.state.node_mut(id).and_then(|node| node.process_mut(attempt))
                    {
                        process.stage = ProcessStage::Stopping;
                    }
                }
                WorkerEffect::BecomeIncarnation(next) => {
                    if let Some(node) = self.state.node_mut(id) {
                        node.last = next;
                    }
                }
                // When a process dies that is to be stopped is the world's choice anyway.
                WorkerEffect::Destroy(_) | WorkerEffect::ArmKill(_) | WorkerEffect::RenewLease => {}
            }
        }
        if let Started::Launch(attempt) = self.started
            && self.scope.launches == Launches::OneStep
            && answers.run.is_some()
        {
            self.launch_works(id, attempt);
        }
        answers
    }

    fn report(&mut self, mut report: Report) {
        match report.word {
            // Nobody compares the clock of a last word.
            Word::Final(_) => report.clock = crate::model::wire::Clock(0),
            Word::Phase(_) if self.scope.reports == Reports::Last => return,
            Word::Phase(_) => {}
        }
        self.state.send(Message::Report(report));
    }

    fn launch(&mut self, id: WorkerId, attempt: AttemptId) {
        self.started = Started::Launch(attempt);
        if let Err(at) = self.state.started.binary_search(&attempt) {
            self.state.started.insert(at, attempt);
        }
        if let Some(node) = self.state.node_mut(id) {
            node.processes.push(Process { attempt, stage: ProcessStage::Launching });
            node.processes.sort_unstable();
        }
    }

    /// A process is no more.
    pub(super) fn end_process(&mut self, id: WorkerId, attempt: AttemptId) {
        if let Some(node) = self.state.node_mut(id) {
            node.processes.retain(|process| process.attempt != attempt);
        }
    }

    /// What a task needs.
    pub(super) fn need(&self, id: AttemptId) -> Resources {
        let job = self.state.controller.job(id.task.job);
        job.map_or(Resources::NONE, |job| job.terms.resources)
    }

    /// The controller is no more: nobody waits for answers, and answers under way find nobody.
    pub(super) fn controller_down(&mut self) {
        let state = &mut self.state;
        state.up = false;
        let answers = std::mem::take(&mut state.answers);
        for (seat, _) in answers {
            if let Some(node) = state.node_mut(seat.worker) {
                node.at_risk = true;
            }
        }
        let mut net = std::mem::take(&mut state.net);
        net.retain(|message| !matches!(message, Message::RunAnswer { .. }));
        for message in net {
            state.send(if let Message::Run { attempt, seat, .. } = message {
                Message::Run { attempt, seat, awaited: false }
            } else {
                message
            });
        }
    }
}

/// What a worker answered.
#[derive(Default)]
pub(super) struct Answers {
    pub(super) run: Option<RunAnswer>,
    pub(super) kill: Option<KillAnswer>,
    pub(super) beat: Option<crate::model::wire::Heartbeat>,
}
