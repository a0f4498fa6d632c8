//! Whether an end has a cause in what was done.

use crate::model::id::{JobId, TaskId, WorkerId};
use crate::model::job::JobState;
use crate::model::task::{Ending, TaskEvent, TaskState};

use super::super::run::JobPlan;
use super::super::seen::JobSeen;
use super::{Difference, Reference, Rule, Span, exit_of, id_of};

impl Reference {
    /// Whether an attempt may have ended so between two looks.
    pub(super) fn may_end(
        &self,
        job: &JobSeen,
        plan: &JobPlan,
        task: TaskId,
        number: usize,
        ending: Ending,
        span: Span,
    ) -> Result<(), String> {
        let id = id_of(task, number);
        let Some(attempt) =
            job.tasks.get(usize::from(task.index)).and_then(|it| it.attempts.get(number))
        else {
            return Ok(());
        };
        let (worker, now) = (attempt.worker, span.to);
        // What was placed since the last look was placed after it.
        let known = self.attempts.get(&id);
        let placed = known.map_or(span.from, |known| known.placed.from);
        let exit = exit_of(plan, id);
        let exited = |ok: bool| {
            exit.is_some_and(|it| it.ok == ok && placed + u64::from(it.after.0) <= now + self.slack)
        };
        let lost = || self.weather.of_worker(worker, placed, now);
        let fails = |says: &str| Err(format!("{id} on {worker} ended as if {says}"));
        match ending {
            Ending::Succeeded if exited(true) => Ok(()),
            Ending::Succeeded => fails("it had exited 0, which by its plan it cannot have"),
            Ending::Failed if exited(false) || self.weather.of_launch(worker, placed, now) => {
                Ok(())
            }
            Ending::Failed => {
                fails("it had failed, and by its plan it cannot have, nor does a launch fail there")
            }
            Ending::Undelivered if lost() => Ok(()),
            Ending::Lost | Ending::KilledUnasked if lost() && self.may_be_over(worker, now) => {
                Ok(())
            }
            Ending::Undelivered => {
                fails("it could not be delivered, and nothing disturbs its worker")
            }
            Ending::Lost => fails("its worker were lost, and nothing disturbs it for that long"),
            Ending::KilledUnasked => {
                fails("its worker had stopped it, and nothing disturbs it for that long")
            }
            Ending::Preempted if self.weather.of_fleet(worker) => Ok(()),
            Ending::Preempted => fails("its machine were taken away, and nobody did that"),
            Ending::TimedOut => {
                let accepted = known.and_then(|it| it.accepted).map_or(placed, |it| it.from);
                let due = plan.timeout.map(|it| accepted + u64::from(it.0));
                match due {
                    Some(due) if now + self.slack > due => Ok(()),
                    Some(due) => fails(&format!("it had taken too long, before {due} ms")),
                    None => fails("it had taken too long, and its job has no timeout"),
                }
            }
            Ending::Cancelled if self.asked.contains(&task.job) => Ok(()),
            Ending::Cancelled => fails("it had been cancelled, and nobody asked for that"),
            Ending::JobOver if job.state.has_ended() => Ok(()),
            Ending::JobOver => fails("its job were over, and it is not"),
            Ending::SiblingWentBack | Ending::SiblingFinished if plan.gang && plan.replicas > 1 => {
                Ok(())
            }
            Ending::SiblingWentBack | Ending::SiblingFinished => {
                fails("a sibling of its gang had ended, and it has none")
            }
        }
    }

    /// Whether an incarnation of a worker may be over: a lease runs out, and a worker is DEAD, only
    /// so long after the last heartbeat that nothing disturbed. A machine goes with its slice as
    /// soon as another of it has not come up in time, whatever that was disturbed by.
    fn may_be_over(&self, worker: WorkerId, now: u64) -> bool {
        if self.weather.is_of_group(worker) {
            return true;
        }
        let policy = &self.policy;
        let least = policy.worker_lease.min(policy.worker_timeout).0;
        let silence = u64::from(least.saturating_sub(policy.heartbeat.0));
        self.weather.may_end(worker, now + self.slack, silence)
    }

    /// Whether a task may have ended without the end of an attempt between two looks.
    pub(super) fn may_end_without(
        &self,
        job: &JobSeen,
        plan: &JobPlan,
        task: TaskId,
        event: TaskEvent,
        span: Span,
    ) -> Result<(), Difference> {
        let fails = |says: String| Err(Difference::new(Rule::Blame, format!("{task}: {says}")));
        let now = span.to + self.slack;
        let since = self.pending.get(&task).map_or(span.from, |it| it.from);
        match event {
            TaskEvent::SchedulingTimedOut => match plan.scheduling_timeout {
                Some(limit) if now > since + u64::from(limit.0) => Ok(()),
                Some(limit) => {
                    fails(format!("it is UNSCHEDULABLE before {} ms", since + u64::from(limit.0)))
                }
                None => fails("it is UNSCHEDULABLE, and its job has no such timeout".to_owned()),
            },
            TaskEvent::WorkersExhausted => {
                let since = since.max(self.workers_at.unwrap_or(0));
                let due = since + u64::from(self.policy.no_workers_grace.0);
                if now > due {
                    Ok(())
                } else {
                    fails(format!("its workers are said to be exhausted before {due} ms"))
                }
            }
            TaskEvent::GangBroken => {
                let succeeded = job.tasks.iter().any(|it| it.state == TaskState::Succeeded);
                if plan.gang && succeeded {
                    Ok(())
                } else {
                    fails("its gang is said to be broken, and no member has SUCCEEDED".to_owned())
                }
            }
            TaskEvent::Dropped => self.may_be_dropped(job.job, job.state).or_else(fails),
            TaskEvent::Placed
            | TaskEvent::Accepted
            | TaskEvent::Started
            | TaskEvent::Ended { .. } => fails("that is no end without an attempt".to_owned()),
        }
    }

    fn may_be_dropped(&self, job: JobId, state: JobState) -> Result<(), String> {
        if self.asked.contains(&job) || (state.has_ended() && state != JobState::Killed) {
            Ok(())
        } else {
            Err("it is KILLED, its job was not cancelled, and is not over otherwise".to_owned())
        }
    }
}
