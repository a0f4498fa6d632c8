//! What is told beside a guard that is false: the state that the event met, and the nearest events
//! that could stand in its place.

use crate::controller_sm::{Input, Standing};
use crate::model::id::{AttemptId, Incarnation, Seat, WorkerId};
use crate::model::wire::{RunTask, TryError};
use crate::real::clock::At;
use crate::worker_sm::{Exit, WorkerInput};

use super::node::Process;
use super::{Full, Refusal, Shown};

/// How many of one kind are shown.
const FEW: usize = 3;

impl Full {
    pub(super) fn explain_controller(
        &self,
        at: At,
        input: &Input,
        mut refusal: Refusal,
    ) -> Refusal {
        let at = at.max(self.replay.last);
        let mut near: Vec<Input> = Vec::new();
        let (mut worker, mut about) = (None, None);
        match input {
            Input::Beat(beat) => {
                worker = Some(beat.seat.worker);
                let beats = self.nodes.get(&beat.seat.worker).into_iter().flat_map(|it| &it.beats);
                let beats = beats.rev().take(FEW).map(|(_, beat)| beat.clone());
                near.extend(beats.map(|beat| Input::Beat(Box::new(beat))));
            }
            Input::Report(report) => {
                (worker, about) = (Some(report.seat.worker), Some(report.attempt));
                let said = self.replay.post.get(report.attempt).into_iter().flat_map(|it| &it.said);
                near.extend(said.map(|said| Input::Report(said.report)));
            }
            Input::RunAnswered { attempt, .. } | Input::TryFailed { attempt, .. } => {
                about = Some(*attempt);
                near.extend(self.run_ends(*attempt));
            }
            Input::KillAnswered { attempt, .. } => {
                about = Some(*attempt);
                let answers = self.replay.post.get(*attempt).into_iter();
                let answers = answers.flat_map(|it| &it.kill_answers);
                let ended = |answer| Input::KillAnswered { attempt: *attempt, answer };
                near.extend(answers.copied().map(ended));
            }
            Input::Submit(_)
            | Input::Cancel(_)
            | Input::Drain { .. }
            | Input::Fired(_)
            | Input::SliceGranted(_)
            | Input::SliceRefused { .. }
            | Input::VmBooted(_)
            | Input::SlicePreempted(_)
            | Input::SliceTerminated(_)
            | Input::Restarted => {}
        }
        let show = |input: &Input| Shown::Controller { at, controller: input }.to_string();
        if self.replay.up {
            refusal.nearest.extend(near.iter().map(show));
            refusal.nearest.extend(self.replay.next_timers(input, at));
        } else {
            refusal.nearest.push(show(&Input::Restarted));
        }
        refusal.nearest.push(Shown::Down { at, down: "controller" }.to_string());
        let worker = worker.or_else(|| about.and_then(|id| self.worker_of(id)));
        self.describe(worker, about, &mut refusal.state);
        refusal
    }

    /// How a try that is under way may end; if none is about this attempt, those that are.
    fn run_ends(&self, id: AttemptId) -> Vec<Input> {
        let own = self.replay.post.get(id).filter(|it| it.run.is_some()).map(|it| (id, it));
        let others = self.replay.post.iter().rev().filter(|(_, it)| it.run.is_some());
        let mut ends = Vec::new();
        for (attempt, record) in own.into_iter().chain(others).take(FEW) {
            let answers = record.run.iter().flatten();
            ends.extend(answers.map(|it| Input::RunAnswered { attempt, answer: *it }));
            ends.push(Input::TryFailed { attempt, error: TryError::Unknown });
        }
        ends
    }

    pub(super) fn explain_worker(
        &self,
        at: At,
        seat: Seat,
        input: &WorkerInput,
        mut refusal: Refusal,
    ) -> Refusal {
        let about = match input {
            WorkerInput::Run(call, _) => Some(call.attempt),
            WorkerInput::Kill(call) => Some(call.attempt),
            WorkerInput::ReportAcked(id)
            | WorkerInput::Launched(id)
            | WorkerInput::LaunchFailed(id, _)
            | WorkerInput::Exited(id, _)
            | WorkerInput::MonitorDied(id) => Some(*id),
            WorkerInput::BeatDue | WorkerInput::BeatAnswered(..) | WorkerInput::Fired(_) => None,
        };
        self.describe(Some(seat.worker), about, &mut refusal.state);
        let node = self.nodes.get(&seat.worker);
        let machine = node.and_then(|node| node.machine.as_ref());
        let (Some(node), Some(machine)) = (node, machine) else {
            let next = node.map_or(Incarnation::FIRST, |node| node.highest.next());
            let up = Seat { worker: seat.worker, incarnation: next.max(seat.incarnation) };
            refusal.nearest.push(Shown::Up { at, up }.to_string());
            refusal.nearest.extend(self.replay.next_timers(&Input::Restarted, at));
            return refusal;
        };
        let mut near = Vec::new();
        if let WorkerInput::BeatAnswered(..) = input
            && let Some(call) = &node.call
        {
            let answered = |reply| WorkerInput::BeatAnswered(call.incarnation, reply);
            near.extend(call.replies.iter().cloned().map(answered));
        }
        for (id, process) in node.processes.iter().take(FEW) {
            near.push(match process {
                Process::Preparing | Process::Aborted => WorkerInput::Launched(*id),
                Process::Runs { .. } => WorkerInput::Exited(*id, Exit::Success),
            });
        }
        near.extend(self.runs_for(seat.worker));
        let worker = machine.seat();
        let timers = node.timers.iter().map(|(timer, due)| (*due, WorkerInput::Fired(*timer)));
        let near = near.into_iter().map(|input| (at, input)).chain(timers);
        let show = |(when, input): (At, WorkerInput)| {
            Shown::Worker { at: when.max(at), worker, input: &input }.to_string()
        };
        refusal.nearest.extend(near.map(show));
        let name = seat.worker.to_string();
        refusal.nearest.push(Shown::Down { at, down: &name }.to_string());
        refusal
    }

    /// Calls that may arrive at a worker: for what it was given and not heard of.
    fn runs_for(&self, worker: WorkerId) -> Vec<WorkerInput> {
        let machine = &self.replay.machine;
        let slot = machine.workers().find(|(id, _)| *id == worker).map(|(_, slot)| slot);
        let held = slot.and_then(|slot| slot.live.as_ref());
        let held = held.map_or(&[][..], |live| live.attempts.as_slice());
        let offered = |id: &&AttemptId| {
            machine.attempt(**id).is_some_and(|it| matches!(it.standing, Standing::Offered(_)))
        };
        let call = |attempt: &AttemptId| {
            let seat = machine.attempt(*attempt)?.seat;
            let need = machine.job(attempt.task.job)?.terms.resources;
            Some(WorkerInput::Run(RunTask { attempt: *attempt, seat }, need))
        };
        held.iter().filter(offered).filter_map(call).take(FEW).collect()
    }

    pub(super) fn explain_up(&self, at: At, seat: Seat, mut refusal: Refusal) -> Refusal {
        self.describe(Some(seat.worker), None, &mut refusal.state);
        if let Some(node) = self.nodes.get(&seat.worker) {
            if node.machine.is_some() {
                let down = seat.worker.to_string();
                refusal.nearest.push(Shown::Down { at, down: &down }.to_string());
            } else {
                let up = Seat { worker: seat.worker, incarnation: node.highest.next() };
                refusal.nearest.push(Shown::Up { at, up }.to_string());
            }
        }
        refusal.nearest.extend(self.replay.next_timers(&Input::Restarted, at));
        refusal.nearest.push(Shown::Down { at, down: "controller" }.to_string());
        refusal
    }

    fn worker_of(&self, id: AttemptId) -> Option<WorkerId> {
        self.replay.machine.attempt(id).map(|it| it.seat.worker)
    }

    fn describe(&self, worker: Option<WorkerId>, id: Option<AttemptId>, to: &mut Vec<String>) {
        to.extend(id.map(|id| self.replay.describe_attempt(id)));
        let Some(worker) = worker else { return };
        to.push(self.replay.describe_worker(worker));
        let node = self.nodes.get(&worker);
        to.push(match node.and_then(|node| node.machine.as_ref()) {
            None => format!("{worker} itself is down"),
            Some(machine) => {
                let (seat, lease, clock) = (machine.seat(), machine.lease(), machine.clock().0);
                let local = id.map(|id| match machine.local(id) {
                    None => format!(", has never heard of {id}"),
                    Some(local) => format!(", has {id} as {local:?}"),
                });
                let local = local.unwrap_or_default();
                format!("{worker} itself is {seat}, lease {lease:?}, clock {clock}{local}")
            }
        });
    }
}
