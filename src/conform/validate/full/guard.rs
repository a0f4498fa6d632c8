//! What must be true for an event to happen, beside what `Replay` and `Node` know by themselves.

use crate::controller_sm::Input;
use crate::model::id::{AttemptId, Seat};
use crate::model::resources::Resources;
use crate::model::wire::{Heartbeat, KillTask, Report, RunTask};
use crate::real::clock::At;
use crate::worker_sm::{WorkerInput, WorkerSm};

use super::node::Arrival;
use super::{Full, Refusal};

impl Full {
    pub(super) fn judge_controller(&mut self, at: At, input: &Input) -> Result<(), Refusal> {
        self.replay.clock(at)?;
        let restarts = matches!(input, Input::Restarted);
        if self.replay.up == restarts {
            let guard = if restarts {
                "the controller must have been down to start again: it is up"
            } else {
                "the controller must be up: its first event is `restarted`"
            };
            return Err(Refusal::new(guard));
        }
        self.replay.timers_and_slices(at, input)?;
        self.replay.calls(input)?;
        match input {
            Input::Beat(beat) => self.beat(beat),
            Input::Report(report) => self.report(report),
            Input::RunAnswered { attempt, answer } => {
                let gave = |answers: &Vec<_>| answers.contains(answer);
                let record = self.replay.post.get(*attempt);
                self.gave(*attempt, record.is_none_or(|it| it.run.as_ref().is_some_and(gave)))
            }
            Input::KillAnswered { attempt, answer } => {
                let record = self.replay.post.get(*attempt);
                self.gave(*attempt, record.is_none_or(|it| it.kill_answers.contains(answer)))
            }
            Input::Submit(_)
            | Input::Cancel(_)
            | Input::Drain { .. }
            | Input::TryFailed { .. }
            | Input::Fired(_)
            | Input::SliceGranted(_)
            | Input::SliceRefused { .. }
            | Input::VmBooted(_)
            | Input::SlicePreempted(_)
            | Input::SliceTerminated(_)
            | Input::Restarted => Ok(()),
        }
    }

    fn gave(&self, id: AttemptId, gave: bool) -> Result<(), Refusal> {
        if gave {
            return Ok(());
        }
        let worker = self.replay.machine.attempt(id).map(|it| it.seat.worker.to_string());
        let worker = worker.as_deref().unwrap_or("its worker");
        Err(Refusal::new(format!(
            "{worker} must have given this answer to a call about {id}: it gave none like it since \
             the call began"
        )))
    }

    fn beat(&mut self, beat: &Heartbeat) -> Result<(), Refusal> {
        let seat = beat.seat;
        let Some(node) = self.nodes.get_mut(&seat.worker) else {
            // A VM whose slice is gone for good is forgotten; its name means nobody any more.
            let (first, next) = self.replay.machine.vm_numbers();
            if (first..next).contains(&seat.worker.0) && self.names_were_forgotten() {
                self.trusted += 1;
                return Ok(());
            }
            return Err(Refusal::new(format!("{seat} must be up to beat: it never was")));
        };
        let clock = beat.clock.0;
        match node.arrives(beat) {
            Arrival::Sent => Ok(()),
            Arrival::Trusted => {
                self.trusted += 1;
                Ok(())
            }
            Arrival::Never => Err(Refusal::new(format!(
                "{seat} must have sent this heartbeat of clock {clock}: it never did"
            ))),
        }
    }

    fn names_were_forgotten(&self) -> bool {
        self.names > super::NAMES || self.nodes.len() >= super::NAMES
    }

    fn report(&mut self, report: &Report) -> Result<(), Refusal> {
        let Report { seat, attempt, .. } = report;
        match self.replay.post.get(*attempt) {
            Some(record) if record.said.iter().any(|it| it.report == *report) => Ok(()),
            None if self.replay.post.forgot() && self.replay.is_settled(*attempt) => {
                self.trusted += 1;
                Ok(())
            }
            Some(_) | None => Err(Refusal::new(format!(
                "{seat} must have sent this report on {attempt}: it never did"
            ))),
        }
    }

    pub(super) fn judge_worker(
        &mut self,
        at: At,
        seat: Seat,
        input: &WorkerInput,
    ) -> Result<(), Refusal> {
        let node = self.nodes.get_mut(&seat.worker);
        let Some(node) = node.filter(|node| node.machine.is_some()) else {
            return Err(Refusal::new(format!("{seat} must be up: it is not")));
        };
        let is = node.machine.as_ref().map_or(seat, WorkerSm::seat);
        if is != seat {
            return Err(Refusal::new(format!("{} is {is} now, not {seat}", seat.worker)));
        }
        node.clock(at)?;
        node.judge(at, input)?;
        match input {
            WorkerInput::Run(call, need) => self.was_told_to_run(seat, call, *need),
            WorkerInput::Kill(call) => self.was_told_to_stop(seat, call),
            WorkerInput::ReportAcked(id) => self.was_acknowledged(seat, *id),
            WorkerInput::BeatDue
            | WorkerInput::BeatAnswered(..)
            | WorkerInput::Launched(_)
            | WorkerInput::LaunchFailed(..)
            | WorkerInput::Exited(..)
            | WorkerInput::MonitorDied(_)
            | WorkerInput::Fired(_) => Ok(()),
        }
    }

    fn was_told_to_run(
        &mut self,
        seat: Seat,
        call: &RunTask,
        need: Resources,
    ) -> Result<(), Refusal> {
        let id = call.attempt;
        if self.replay.is_forgotten(id.task.job) {
            self.trusted += 1;
            return Ok(());
        }
        let given = self.replay.machine.attempt(id).map(|it| it.seat);
        let guard = match given {
            None => format!("{id} must have been placed to be run: it never was"),
            Some(given) if given != call.seat || given.worker != seat.worker => {
                format!("{id} must go to the worker it was placed on: that is {given}")
            }
            Some(_) => {
                let job = self.replay.machine.job(id.task.job);
                let needs = job.map_or(need, |job| job.terms.resources);
                if need == needs {
                    return Ok(());
                }
                format!("{id} must come with what its job asks for: that is {needs}")
            }
        };
        Err(Refusal::new(guard))
    }

    fn was_told_to_stop(&mut self, seat: Seat, call: &KillTask) -> Result<(), Refusal> {
        let id = call.attempt;
        let Some(record) = self.replay.post.get(id) else {
            if self.replay.post.forgot() && self.replay.is_settled(id) {
                self.trusted += 1;
                return Ok(());
            }
            let guard = format!("a KillTask {id} must have been ordered: none ever was");
            return Err(Refusal::new(guard));
        };
        let ordered = if call.only_if_not_started { record.fence } else { record.stop };
        let given = self.replay.machine.attempt(id).map(|it| it.seat);
        let right = given.is_none_or(|it| it == call.seat && it.worker == seat.worker);
        if ordered && right {
            return Ok(());
        }
        let which = if call.only_if_not_started { " (only if not started)" } else { "" };
        let given = given.map_or_else(|| call.seat.to_string(), |given| given.to_string());
        Err(Refusal::new(format!(
            "a KillTask {id}{which} to {given} must have been ordered: none like this ever was"
        )))
    }

    fn was_acknowledged(&mut self, seat: Seat, id: AttemptId) -> Result<(), Refusal> {
        match self.replay.post.get(id) {
            Some(record) if record.may_be_acknowledged() => Ok(()),
            None if self.replay.post.forgot() && self.replay.is_settled(id) => {
                self.trusted += 1;
                Ok(())
            }
            Some(_) | None => Err(Refusal::new(format!(
                "the controller must have taken a last report of {seat} on {id} that waits for its \
                 acknowledgement: it took none"
            ))),
        }
    }

    pub(super) fn judge_up(&self, seat: Seat) -> Result<(), Refusal> {
        let Seat { worker, incarnation } = seat;
        let (first, next) = self.replay.machine.vm_numbers();
        let has_groups = self.replay.machine.groups().next().is_some();
        if has_groups && worker.0 >= next.max(first) {
            let guard = format!("{worker} must be of a VM that was asked for: none has its number");
            return Err(Refusal::new(guard));
        }
        let Some(node) = self.nodes.get(&worker) else { return Ok(()) };
        if node.machine.is_some() {
            return Err(Refusal::new(format!("{worker} must be down to be started: it is up")));
        }
        if incarnation <= node.highest {
            return Err(Refusal::new(format!(
                "incarnations only go up: {worker} must be more than {worker}@{}",
                node.highest.0
            )));
        }
        Ok(())
    }
}
