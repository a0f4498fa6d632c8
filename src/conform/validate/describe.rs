//! What a replayed controller knows, in words, and which of its timers run out next.

use crate::controller_sm::{Input, Standing};
use crate::model::id::{AttemptId, WorkerId};
use crate::model::timer::Timer;
use crate::real::clock::At;

use super::full::Shown;
use super::replay::Replay;

/// How many timers are shown.
const FEW: usize = 2;

impl Replay {
    /// The events of timers that may come next: the one that was meant first, if it is armed.
    pub(super) fn next_timers(&self, input: &Input, at: At) -> Vec<String> {
        let meant = if let Input::Fired(timer) = input { Some(*timer) } else { None };
        let key = |(timer, due): &(&Timer, &At)| (Some(**timer) != meant, **due, **timer);
        let mut armed: Vec<_> = self.armed.iter().collect();
        armed.sort_by_key(key);
        let show = |(timer, due): (&Timer, &At)| {
            let input = Input::Fired(*timer);
            Shown::Controller { at: at.max(*due), controller: &input }.to_string()
        };
        armed.into_iter().take(FEW).map(show).collect()
    }

    pub(super) fn describe_attempt(&self, id: AttemptId) -> String {
        let Some(job) = self.machine.job(id.task.job) else {
            let known = if self.is_forgotten(id.task.job) { "no longer kept" } else { "unknown" };
            return format!("{} is {known}", id.task.job);
        };
        let Some(task) = job.tasks.get(usize::from(id.task.index)) else {
            return format!("{} has {} tasks", id.task.job, job.tasks.len());
        };
        let task = format!("{} is {}", id.task, task.state);
        let Some(attempt) = self.machine.attempt(id) else {
            return format!("{task}; there is no {id}");
        };
        let stands = match attempt.standing {
            Standing::Offered(delivery) => {
                format!("was not heard of ({:?}, try {})", delivery.stage, delivery.tries)
            }
            Standing::Accepted(clock) => format!("was accepted, clock {} at the latest", clock.0),
            Standing::Ended { outcome, cause, gone } => {
                let gone = if gone { ", confirmed gone" } else { "" };
                format!("ended {outcome} ({cause}){gone}")
            }
        };
        format!("{task}; {id} was given to {} and {stands}", attempt.seat)
    }

    pub(super) fn describe_worker(&self, worker: WorkerId) -> String {
        let state = self.machine.worker_state(worker);
        match self.machine.highest(worker) {
            None => format!("to the controller {worker} is {state}"),
            Some(highest) => {
                let highest = highest.0;
                format!("to the controller {worker} is {state}, at most {worker}@{highest}")
            }
        }
    }
}
