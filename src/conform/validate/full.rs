//! Our own full log, replayed: every input of every machine, and what caused it.
//!
//! The network may lose, delay and repeat; it makes nothing up. So a heartbeat, a report or an
//! answer that arrives must have been sent by a machine of this log before, a call must have been
//! ordered, a timer must be armed and due, and what is told of a process must be true of one that
//! was launched. What a crash takes with it is gone: calls, timers, processes.

mod guard;
mod line;
mod nearest;
mod node;

use std::collections::BTreeMap;

use crate::controller_sm::{Effect, Input};
use crate::model::id::{AttemptId, Seat, VmId, WorkerId};
use crate::real::clock::At;
use crate::worker_sm::{WorkerEffect, WorkerInput};

use super::mismatch::Refusal;
use super::post::Said;
use super::replay::Replay;
use super::{Cluster, Stop};

pub(super) use line::{Header, Shown, controller_kind};

use line::{Raw, Told};
use node::Node;

/// Names of workers from which on it is looked for those that never come back.
const NAMES: usize = 64;

/// A cluster that is replayed.
#[derive(Clone)]
pub(super) struct Full {
    pub replay: Replay,
    nodes: BTreeMap<WorkerId, Node>,
    names: usize,
    /// Events that are too late to be judged.
    pub trusted: u64,
}

impl Cluster for Full {
    type Line = Raw;

    fn take(&mut self, raw: Raw) -> Result<&'static str, Stop> {
        let at = raw.at;
        match raw.told().map_err(Stop::Bad)? {
            Told::Controller(input) => {
                let kind = controller_kind(&input);
                self.controller(at, *input)?;
                Ok(kind)
            }
            Told::Worker(seat, input) => {
                let kind = line::worker_kind(&input);
                self.worker(at, seat, &input)?;
                Ok(kind)
            }
            Told::Up(seat) => {
                self.up(at, seat)?;
                Ok("up")
            }
            Told::Down(who) => {
                self.down(at, who)?;
                Ok("down")
            }
        }
    }

    fn counts(&self) -> (u64, u64, u64) {
        (self.replay.jobs, self.replay.attempts, self.trusted)
    }
}

impl Full {
    pub(super) fn new(header: Header) -> Self {
        let replay = Replay::new(header.controller, std::iter::empty());
        Self { replay, nodes: BTreeMap::new(), names: NAMES, trusted: 0 }
    }

    fn controller(&mut self, at: At, input: Input) -> Result<(), Refusal> {
        if let Err(refusal) = self.judge_controller(at, &input) {
            return Err(self.explain_controller(at, &input, refusal));
        }
        let mut beat = None;
        if let Input::Beat(arrived) = &input {
            beat = Some((arrived.seat, arrived.clock));
        } else if let Input::Report(report) = &input
            && let Some(record) = self.replay.post.get_mut(report.attempt)
        {
            record.report_arrives(report);
        }
        let effects = self.replay.take(at, input);
        for effect in &effects {
            if let Effect::ReplyBeat(reply) = effect
                && let Some((seat, clock)) = beat
                && let Some(node) = self.nodes.get_mut(&seat.worker)
            {
                node.replied(seat, clock, reply);
            }
        }
        Ok(())
    }

    fn worker(&mut self, at: At, seat: Seat, input: &WorkerInput) -> Result<(), Refusal> {
        if let Err(refusal) = self.judge_worker(at, seat, input) {
            return Err(self.explain_worker(at, seat, input, refusal));
        }
        let policy = *self.replay.machine.policy();
        if let WorkerInput::ReportAcked(id) = input
            && let Some(record) = self.replay.post.get_mut(*id)
        {
            record.acknowledged();
        }
        let node = self.nodes.get_mut(&seat.worker);
        let effects = node.and_then(|node| node.take(at, input, &policy)).unwrap_or_default();
        let about = match input {
            WorkerInput::Run(call, _) => Some(call.attempt),
            WorkerInput::Kill(call) => Some(call.attempt),
            WorkerInput::BeatDue
            | WorkerInput::BeatAnswered(..)
            | WorkerInput::ReportAcked(_)
            | WorkerInput::Launched(_)
            | WorkerInput::LaunchFailed(..)
            | WorkerInput::Exited(..)
            | WorkerInput::MonitorDied(_)
            | WorkerInput::Fired(_) => None,
        };
        for effect in effects {
            self.sent(about, &effect);
        }
        Ok(())
    }

    /// A worker has answered a call about an attempt, or has reported.
    fn sent(&mut self, about: Option<AttemptId>, effect: &WorkerEffect) {
        let mut record = about.and_then(|id| self.replay.post.get_mut(id));
        match effect {
            WorkerEffect::AnswerRun(answer) => {
                if let Some(record) = &mut record {
                    record.answered_run(*answer);
                }
            }
            WorkerEffect::AnswerKill(answer) => {
                if let Some(record) = &mut record {
                    record.answered_kill(*answer);
                }
            }
            WorkerEffect::SendReport(report) => {
                let said = Said { report: *report, waits: true, taken: false };
                self.replay.record(report.attempt).said.push(said);
            }
            WorkerEffect::SendBeat(_)
            | WorkerEffect::Launch(_)
            | WorkerEffect::AbortLaunch(_)
            | WorkerEffect::Terminate(_)
            | WorkerEffect::Destroy(_)
            | WorkerEffect::RenewLease
            | WorkerEffect::ArmKill(_)
            | WorkerEffect::BecomeIncarnation(_) => {}
        }
    }

    fn up(&mut self, at: At, seat: Seat) -> Result<(), Refusal> {
        if let Err(refusal) = self.judge_up(seat) {
            return Err(self.explain_up(at, seat, refusal));
        }
        let policy = *self.replay.machine.policy();
        let node = self.nodes.entry(seat.worker).or_insert_with(Node::new);
        node.clock(at)?;
        node.starts(at, seat, &policy);
        self.forget_names();
        Ok(())
    }

    fn down(&mut self, at: At, who: Option<WorkerId>) -> Result<(), Refusal> {
        let Some(worker) = who else {
            self.replay.clock(at)?;
            self.replay.last = at;
            self.replay.dies();
            return Ok(());
        };
        let Some(node) = self.nodes.get_mut(&worker) else {
            return Err(Refusal::new(format!("{worker} must have been up to die: it never was")));
        };
        node.clock(at)?;
        node.dies();
        self.replay.post.worker_died(|seat| seat.worker == worker);
        Ok(())
    }

    /// A VM's name is never given again: when its slice is gone, so is the name.
    fn forget_names(&mut self) {
        if self.nodes.len() <= self.names {
            return;
        }
        let first = self.replay.machine.vm_numbers().0;
        let machine = &self.replay.machine;
        let has =
            |vm: VmId| machine.slices().any(|(_, slice)| slice.vms.iter().any(|(id, _)| *id == vm));
        self.nodes.retain(|id, node| node.machine.is_some() || id.0 < first || has(VmId(id.0)));
        self.names = NAMES.max(2 * self.nodes.len());
    }
}
