//! The controller of a log, replayed: its machine, its timers, and the calls that are under way.
//! What of its inputs can be judged without its workers is judged here.

use std::collections::BTreeMap;

use crate::controller_sm::{ClientReply, ControllerSm, Effect, Effects, Input, Standing};
use crate::model::id::{AttemptId, JobId, SliceId, VmId};
use crate::model::timer::Timer;
use crate::real::clock::At;

use super::mismatch::Refusal;
use super::post::{Post, Record};

/// A controller that is replayed.
#[derive(Clone)]
pub(super) struct Replay {
    pub machine: ControllerSm,
    /// Whether the controller is up; before the first `restarted` it is not.
    pub up: bool,
    /// When the last input was taken.
    pub last: At,
    /// When each armed timer is due.
    pub armed: BTreeMap<Timer, At>,
    /// The same for timers that keep their instant, as its journal has them.
    durable: BTreeMap<Timer, At>,
    /// What is under way about each attempt.
    pub post: Post,
    /// The last job that was ever submitted.
    pub last_job: JobId,
    pub jobs: u64,
    pub attempts: u64,
}

impl Replay {
    pub(super) fn new(machine: ControllerSm, deadlines: impl Iterator<Item = (Timer, At)>) -> Self {
        let armed: BTreeMap<Timer, At> = deadlines.collect();
        let last_job = machine.jobs().last().map_or(JobId(0), |(id, _)| id);
        Self {
            machine,
            up: false,
            last: At(0),
            durable: armed.clone(),
            armed,
            post: Post::default(),
            last_job,
            jobs: 0,
            attempts: 0,
        }
    }

    /// Whether this was a job once, and is no longer kept.
    pub(super) fn is_forgotten(&self, id: JobId) -> bool {
        id <= self.last_job && self.machine.job(id).is_none()
    }

    /// Whether nothing that is said of this attempt can change anything any more.
    pub(super) fn is_settled(&self, id: AttemptId) -> bool {
        is_settled(&self.machine, self.last_job, id)
    }

    /// Time does not go back at one node.
    pub(super) fn clock(&self, at: At) -> Result<(), Refusal> {
        if at >= self.last {
            return Ok(());
        }
        Err(Refusal::new(format!(
            "time must not go back: the controller's last event was at {} ms",
            self.last.0
        )))
    }

    /// What the cluster's provider can say, and when timers can run out.
    pub(super) fn timers_and_slices(&self, at: At, input: &Input) -> Result<(), Refusal> {
        match input {
            Input::Fired(timer) => self.fires(at, *timer),
            Input::SliceGranted(slice)
            | Input::SliceRefused { slice, .. }
            | Input::SlicePreempted(slice) => self.was_asked_for(*slice),
            Input::SliceTerminated(slice) => self.was_asked_to_end(*slice),
            Input::VmBooted(vm) => self.was_made(*vm),
            Input::Submit(_)
            | Input::Cancel(_)
            | Input::Drain { .. }
            | Input::Beat(_)
            | Input::Report(_)
            | Input::RunAnswered { .. }
            | Input::TryFailed { .. }
            | Input::KillAnswered { .. }
            | Input::Restarted => Ok(()),
        }
    }

    fn fires(&self, at: At, timer: Timer) -> Result<(), Refusal> {
        match self.armed.get(&timer) {
            None => Err(Refusal::new(format!("`{timer}` must be armed to run out: it is not"))),
            Some(due) if *due > at => Err(Refusal::new(format!(
                "`{timer}` must not run out before it is due: that is at {} ms",
                due.0
            ))),
            Some(_) => Ok(()),
        }
    }

    fn was_asked_for(&self, slice: SliceId) -> Result<(), Refusal> {
        let group = self.machine.groups().find(|(id, _)| *id == slice.group);
        match group {
            Some((_, group)) if (1..group.next_slice).contains(&slice.number) => Ok(()),
            Some(_) | None => {
                Err(Refusal::new(format!("{slice} must have been asked for: it never was")))
            }
        }
    }

    fn was_asked_to_end(&self, slice: SliceId) -> Result<(), Refusal> {
        self.was_asked_for(slice)?;
        match self.machine.slices().find(|(id, _)| *id == slice) {
            Some((_, it)) if !it.closed => Err(Refusal::new(format!(
                "{slice} must have been asked to end before it is gone as asked"
            ))),
            Some(_) | None => Ok(()),
        }
    }

    fn was_made(&self, vm: VmId) -> Result<(), Refusal> {
        let (first, next) = self.machine.vm_numbers();
        if (first..next).contains(&vm.0) {
            return Ok(());
        }
        Err(Refusal::new(format!("{vm} must be of a slice that was asked for: none has it")))
    }

    /// That a call is under way which this is the answer to.
    pub(super) fn calls(&self, input: &Input) -> Result<(), Refusal> {
        let (open, call, id) = match input {
            Input::RunAnswered { attempt, .. } | Input::TryFailed { attempt, .. } => {
                (self.call(*attempt, |it| it.run.is_some()), "RunTask", attempt)
            }
            Input::KillAnswered { attempt, .. } => {
                (self.call(*attempt, |it| it.kills > 0), "KillTask", attempt)
            }
            Input::Submit(_)
            | Input::Cancel(_)
            | Input::Drain { .. }
            | Input::Beat(_)
            | Input::Report(_)
            | Input::Fired(_)
            | Input::SliceGranted(_)
            | Input::SliceRefused { .. }
            | Input::VmBooted(_)
            | Input::SlicePreempted(_)
            | Input::SliceTerminated(_)
            | Input::Restarted => return Ok(()),
        };
        if open {
            return Ok(());
        }
        Err(Refusal::new(format!("a {call} {id} must be under way to come to its end: none is")))
    }

    /// Whether a call is under way about an attempt, as far as that is still known.
    fn call(&self, id: AttemptId, is_open: impl Fn(&Record) -> bool) -> bool {
        match self.post.get(id) {
            Some(record) => is_open(record),
            None => self.post.forgot() && self.is_settled(id),
        }
    }

    /// What is under way about an attempt, to be changed.
    pub(super) fn record(&mut self, id: AttemptId) -> &mut Record {
        let (machine, last_job) = (&self.machine, self.last_job);
        self.post.entry(id, |id| is_settled(machine, last_job, id))
    }

    /// The controller dies: its calls do, and its timers with it.
    pub(super) fn dies(&mut self) {
        self.up = false;
        self.post.controller_died();
    }

    /// Takes an input that was found legal.
    pub(super) fn take(&mut self, at: At, input: Input) -> Effects {
        self.last = at;
        match &input {
            Input::RunAnswered { attempt, .. } | Input::TryFailed { attempt, .. } => {
                if let Some(record) = self.post.get_mut(*attempt) {
                    record.run = None;
                }
            }
            Input::KillAnswered { attempt, .. } => {
                if let Some(record) = self.post.get_mut(*attempt) {
                    record.kill_ended();
                }
            }
            Input::Restarted => {
                self.dies();
                self.up = true;
            }
            Input::Submit(_)
            | Input::Cancel(_)
            | Input::Drain { .. }
            | Input::Beat(_)
            | Input::Report(_)
            | Input::Fired(_)
            | Input::SliceGranted(_)
            | Input::SliceRefused { .. }
            | Input::VmBooted(_)
            | Input::SlicePreempted(_)
            | Input::SliceTerminated(_) => {}
        }
        let restarted = matches!(input, Input::Restarted);
        let fired = if let Input::Fired(timer) = input { Some(timer) } else { None };
        let effects = self.machine.on(input);
        let persists = effects.first() == Some(&Effect::Persist);
        self.keep_time(at, restarted, fired, persists, &effects);
        self.note(&effects);
        effects
    }

    /// When timers run out from now on. A restart knows what its journal knows, which of a timer
    /// that was armed anew without a change may be an earlier instant.
    fn keep_time(
        &mut self,
        at: At,
        restarted: bool,
        fired: Option<Timer>,
        persists: bool,
        effects: &[Effect],
    ) {
        let mut before = BTreeMap::new();
        if restarted {
            before = std::mem::take(&mut self.armed);
            for (timer, due) in std::mem::take(&mut self.durable) {
                let known = before.entry(timer).or_insert(due);
                *known = due.min(*known);
            }
        }
        if let Some(timer) = fired {
            self.armed.remove(&timer);
            if persists {
                self.durable.remove(&timer);
            }
        }
        for effect in effects {
            match effect {
                Effect::Arm(timer, after) => {
                    let keeps = timer.keeps_its_instant();
                    let kept = before.get(timer).copied().filter(|_| keeps);
                    let due = kept.unwrap_or_else(|| at.plus(*after));
                    self.armed.insert(*timer, due);
                    if keeps && persists {
                        self.durable.insert(*timer, due);
                    }
                }
                Effect::Disarm(timer) => {
                    self.armed.remove(timer);
                    self.durable.remove(timer);
                }
                Effect::Persist
                | Effect::Reply(_)
                | Effect::ReplyBeat(_)
                | Effect::ReplyReport
                | Effect::SendRun { .. }
                | Effect::SendKill { .. }
                | Effect::CreateSlice { .. }
                | Effect::TerminateSlice(_)
                | Effect::JobEnded(_) => {}
            }
        }
    }

    /// What is under way from now on, and what there was.
    fn note(&mut self, effects: &[Effect]) {
        for effect in effects {
            match effect {
                Effect::SendRun { attempt, .. } => {
                    self.attempts += u64::from(self.is_first_try(*attempt));
                    self.record(*attempt).run = Some(Vec::new());
                }
                Effect::SendKill { attempt, only_if_not_started, .. } => {
                    let record = self.record(*attempt);
                    record.kills = record.kills.saturating_add(1);
                    record.fence |= only_if_not_started;
                    record.stop |= !only_if_not_started;
                }
                Effect::Reply(ClientReply::Submitted(job)) if *job > self.last_job => {
                    self.last_job = *job;
                    self.jobs += 1;
                }
                Effect::Reply(_)
                | Effect::Persist
                | Effect::ReplyBeat(_)
                | Effect::ReplyReport
                | Effect::Arm(..)
                | Effect::Disarm(_)
                | Effect::CreateSlice { .. }
                | Effect::TerminateSlice(_)
                | Effect::JobEnded(_) => {}
            }
        }
    }

    fn is_first_try(&self, id: AttemptId) -> bool {
        match self.machine.attempt(id).map(|it| it.standing) {
            Some(Standing::Offered(delivery)) => delivery.tries == 1,
            Some(Standing::Accepted(_) | Standing::Ended { .. }) | None => false,
        }
    }
}

fn is_settled(machine: &ControllerSm, last_job: JobId, id: AttemptId) -> bool {
    match machine.attempt(id) {
        Some(attempt) => attempt.is_gone(),
        None => id.task.job <= last_job && machine.job(id.task.job).is_none(),
    }
}
