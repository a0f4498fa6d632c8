//! How an attempt of an event log ends: in which ways it may have, and what that costs.

use crate::model::task::{Ending, Phase, TaskState};

use super::super::mismatch::Refusal;
use super::Events;
use super::job::{Job, Task};
use super::line::Ended;
use super::tasks::{About, current, refuse};
use super::unseen::{Rules, Spent, States, endings};

/// How far an attempt comes.
const PHASES: [Phase; 3] = [Phase::Assigned, Phase::Building, Phase::Running];

impl Events {
    pub(super) fn ended(&mut self, at: u64, it: &Ended) -> Result<(), Refusal> {
        let about = About { job: &it.job, task: it.task, attempt: it.attempt };
        let name = about.name();
        self.pin(about, self.is_begun(about));
        let (job, task) = self.job_and_task(&it.job, it.task)?;
        let jump = current(about, task)?;
        let active = TaskState::is_active;
        if jump > 0 || !task.states.any(active) {
            let what = format!("{name} must live to end");
            let reached = self.unseen(job, task, Some(jump), &what, active)?;
            self.commit(at, &it.job, it.task, reached);
        }
        let (job, task) = self.job_and_task(&it.job, it.task)?;
        let Some((after, spent)) = self.after(at, job, task, it) else {
            return refuse(why_not(&name, job, task, it));
        };
        let complete = self.complete;
        let entry = self.jobs.get_mut(&it.job).expect("invariant: it was found above");
        let need = entry.terms.resources;
        let task = &mut entry.tasks[usize::from(it.task)];
        (task.spent, task.gone, task.pending_since) = (spent, false, at);
        let seat = if complete { None } else { task.seat.take() };
        let on = seat.as_ref().or(task.seat.as_ref()).map(|seat| seat.worker.clone());
        if let Some(worker) = on {
            entry.gang_on.remove(&worker);
        }
        self.put(&it.job, it.task, after);
        if let Some(seat) = seat {
            self.release(&seat, need);
        }
        Ok(())
    }

    /// Where a task may stand when its attempt ends as told, and what it then has spent; nothing if
    /// it cannot end so.
    fn after(&self, at: u64, job: &Job, task: &Task, it: &Ended) -> Option<(States, Spent)> {
        let rules = job.rules(self.complete);
        let (mut after, mut charges) = (States::default(), Vec::new());
        for phase in self.phases(task) {
            for ending in endings(phase, it.outcome, it.cause) {
                if !rules.may_end(ending) || self.contradicts(at, job, task, ending) {
                    continue;
                }
                let budget = Rules::charge(ending, phase);
                let spent = budget.map_or(task.spent, |budget| task.spent.charged(budget));
                let next = rules.after(phase, ending, &spent, 0);
                if !next.is_empty() && !charges.contains(&budget) {
                    charges.push(budget);
                }
                after = after.with(next);
            }
        }
        let spent = match charges.as_slice() {
            [] => return None,
            [one] => one.map_or(task.spent, |budget| task.spent.charged(budget)),
            several => task.spent.charged_somehow(several.contains(&None)),
        };
        Some((after, spent))
    }

    /// How far its attempt may have come: also further than was logged.
    fn phases(&self, task: &Task) -> Vec<Phase> {
        let told = |phase: Phase| {
            task.states.any(|state| match state {
                TaskState::Active(told) => told == phase || (told < phase && !self.complete),
                TaskState::Pending
                | TaskState::Succeeded
                | TaskState::Failed(_)
                | TaskState::Killed
                | TaskState::WorkerFailed
                | TaskState::Unschedulable => false,
            })
        };
        PHASES.into_iter().filter(|phase| told(*phase)).collect()
    }

    /// Whether what was logged of its worker, or the time, speaks against it.
    fn contradicts(&self, at: u64, job: &Job, task: &Task, ending: Ending) -> bool {
        let Some(seat) = &task.seat else { return false };
        match ending {
            Ending::Succeeded | Ending::Failed | Ending::KilledUnasked => self.has_lost(seat),
            Ending::TimedOut => job.timeout.is_some_and(|limit| at < seat.at + limit),
            Ending::Undelivered
            | Ending::Lost
            | Ending::Preempted
            | Ending::Cancelled
            | Ending::JobOver
            | Ending::SiblingWentBack
            | Ending::SiblingFinished => false,
        }
    }
}

/// Which guard is false when an attempt is told to have ended in no way that it can.
fn why_not(name: &str, job: &Job, task: &Task, it: &Ended) -> String {
    let (outcome, id) = (it.outcome, &it.job);
    let cause = it.cause.map_or_else(String::new, |cause| format!(" for the cause {cause}"));
    let mut fits = PHASES.into_iter().flat_map(|phase| endings(phase, outcome, it.cause));
    match fits.next() {
        None => format!("no attempt ends {outcome}{cause}: {name} cannot"),
        Some(Ending::Cancelled | Ending::JobOver | Ending::SiblingFinished)
            if !job.cancelled && !job.over =>
        {
            format!("{name} ends {outcome}{cause} only when {id} is cancelled or over: it is not")
        }
        Some(Ending::TimedOut) => match (job.timeout, &task.seat) {
            (Some(limit), Some(seat)) => format!(
                "{name} cannot time out before its time: it was placed at {} ms and has {limit} ms",
                seat.at
            ),
            (_, _) => format!("{name} cannot time out: {id} has no timeout"),
        },
        Some(Ending::SiblingWentBack) => format!("{name} has no siblings of a gang: {id} is none"),
        Some(
            Ending::Succeeded
            | Ending::Failed
            | Ending::Undelivered
            | Ending::Lost
            | Ending::Preempted
            | Ending::KilledUnasked
            | Ending::Cancelled
            | Ending::JobOver
            | Ending::SiblingFinished,
        ) => format!(
            "{name} cannot end {outcome}{cause}: it has not come so far, or was lost before"
        ),
    }
}
