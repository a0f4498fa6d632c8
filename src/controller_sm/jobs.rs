//! Jobs and tasks: submitting, cancelling, and the one place where an attempt ends.

use smallvec::SmallVec;

use crate::model::budget::{Budget, Tally};
use crate::model::id::{AttemptId, JobId, TaskId};
use crate::model::policy::Retry;
use crate::model::spec::{JobSpec, Payload};
use crate::model::step::Step;
use crate::model::task::{Cause, Ending, Outcome, TaskEvent, TaskState};
use crate::model::timer::Timer;

use super::ControllerSm;
use super::input::{ClientReply, Effect};
use super::records::{Attempt, Job, Stage, Standing, Task, task_id};
use super::turn::Turn;

impl ControllerSm {
    pub(super) fn submit(&mut self, turn: &mut Turn, spec: JobSpec) {
        if let Err(bad) = spec.terms.validate() {
            return turn.order(Effect::Reply(ClientReply::BadSpec(bad)));
        }
        if let Some(job) = spec.request_id.as_ref().and_then(|id| self.requests.get(id)) {
            return turn.order(Effect::Reply(ClientReply::Submitted(*job)));
        }
        let id = JobId(self.next_job);
        self.next_job += 1;
        if let Some(request) = &spec.request_id {
            self.requests.insert(request.clone(), id);
        }
        let task = Task {
            state: TaskState::Pending,
            spent: Tally::default(),
            avoid: None,
            attempts: SmallVec::new(),
        };
        let tasks = vec![task; usize::from(spec.terms.replicas)];
        let mut census = crate::model::job::Census::default();
        for task in &tasks {
            census.add(task.state);
        }
        let ids = (0..spec.terms.replicas).map(|index| id.task(index));
        let payload = (spec.payload != Payload::default()).then(|| Box::new(spec.payload));
        let (terms, request_id) = (spec.terms, spec.request_id);
        self.jobs.entry(id, || Job { terms, payload, request_id, tasks, census, was_ended: false });
        for task in ids {
            self.became_pending(turn, task);
        }
        turn.changes();
        turn.order(Effect::Reply(ClientReply::Submitted(id)));
    }

    pub(super) fn cancel(&mut self, turn: &mut Turn, id: JobId) {
        let Some(job) = self.jobs.get(id) else {
            return turn.order(Effect::Reply(ClientReply::NotFound));
        };
        if !job.state().has_ended() {
            turn.touch(id);
            self.stop_rest(turn, id, Ending::Cancelled);
        }
        turn.order(Effect::Reply(ClientReply::Cancelled(id)));
    }

    /// Every unfinished task of a job becomes KILLED; live attempts end for this reason.
    pub(super) fn stop_rest(&mut self, turn: &mut Turn, id: JobId, ending: Ending) {
        let Some(job) = self.jobs.get(id) else { return };
        let unfinished: SmallVec<[(TaskId, TaskState, Option<u16>); 4]> = job
            .tasks
            .iter()
            .enumerate()
            .filter(|(_, task)| !task.state.is_finished())
            .map(|(index, task)| (task_id(id, index), task.state, task.last()))
            .collect();
        for (task, state, last) in unfinished {
            match (state.is_active(), last) {
                (true, Some(number)) => self.decide(turn, task.attempt(number), ending),
                _ => {
                    self.apply(turn, task, TaskEvent::Dropped);
                }
            }
        }
    }

    /// Ends a live attempt by the controller's own decision and tells its worker to stop it.
    pub(super) fn decide(&mut self, turn: &mut Turn, id: AttemptId, ending: Ending) {
        let Some(attempt) = self.attempt(id).copied().filter(Attempt::is_live) else { return };
        self.end(turn, id, ending);
        turn.send_kill(id, attempt.seat, false);
    }

    /// The one place where an attempt ends: its outcome, its cause, the charge, the task's next
    /// state, its timers. Whether it is confirmed gone is another fact: see `confirm_gone`.
    pub(super) fn end(&mut self, turn: &mut Turn, id: AttemptId, ending: Ending) {
        let retry = self.policy.retry;
        let Some(job) = self.jobs.get_mut(id.task.job) else { return };
        let Some(task) = job.tasks.get_mut(usize::from(id.task.index)) else { return };
        let TaskState::Active(phase) = task.state else { return };
        let Some(attempt) = task.attempts.get_mut(usize::from(id.number)) else { return };
        let (outcome, cause) = ending.verdict(phase);
        match attempt.standing {
            Standing::Offered(delivery) => {
                if delivery.stage == Stage::Pausing {
                    turn.disarm(Timer::Retry(id));
                }
            }
            Standing::Accepted(_) => {
                if job.terms.timeout.is_some() && cause != Cause::Timeout {
                    turn.disarm(Timer::Timeout(id));
                }
            }
            Standing::Ended { .. } => return,
        }
        attempt.standing = Standing::Ended { outcome, cause, gone: false };
        let seat = attempt.seat;
        let charged = charge(retry, cause, outcome);
        if let Some(budget) = charged {
            task.spent.charge(budget);
            task.avoid = Some(seat.worker);
        }
        let exhausted = charged.is_some_and(|budget| job.terms.exhausted(task.spent, budget));
        turn.changes();
        self.apply(turn, id.task, TaskEvent::Ended { ending, exhausted });
    }

    /// Applies an event to a task and keeps the census; answers whether it moved.
    pub(super) fn apply(&mut self, turn: &mut Turn, id: TaskId, event: TaskEvent) -> bool {
        let Some(job) = self.jobs.get_mut(id.job) else { return false };
        let Some(task) = job.tasks.get_mut(usize::from(id.index)) else { return false };
        let before = task.state;
        let step = before.on(event).expect("invariant: the machine applies only legal events");
        let Step::Moved(next) = step else { return false };
        task.state = next;
        job.census.remove(before);
        job.census.add(next);
        let scheduling = job.terms.scheduling_timeout.is_some();
        turn.changes();
        turn.touch(id.job);
        if before == TaskState::Pending {
            self.waiting_remove(id);
            if scheduling {
                turn.disarm(Timer::Scheduling(id));
            }
            if turn.starved {
                turn.disarm(Timer::Grace(id));
            }
        }
        if next == TaskState::Pending {
            self.became_pending(turn, id);
        }
        true
    }

    /// A task begins a spell of PENDING.
    fn became_pending(&mut self, turn: &mut Turn, id: TaskId) {
        turn.replace = true;
        let Some(job) = self.jobs.get(id.job) else { return };
        if let Some(limit) = job.terms.scheduling_timeout {
            turn.arm(Timer::Scheduling(id), limit);
        }
        if turn.starved {
            turn.arm(Timer::Grace(id), self.policy.no_workers_grace);
        }
        if self.task(id).is_some_and(Task::may_be_placed) {
            self.waiting_add(id);
        }
    }

    /// No process of this ended attempt runs or ever will: frees what it held, and its task may be
    /// placed again.
    pub(super) fn confirm_gone(&mut self, turn: &mut Turn, id: AttemptId) {
        let Some(attempt) = self.attempt_mut(id) else { return };
        let seat = attempt.seat;
        match &mut attempt.standing {
            Standing::Ended { gone, .. } if !*gone => *gone = true,
            Standing::Ended { .. } | Standing::Offered(_) | Standing::Accepted(_) => return,
        }
        turn.changes();
        turn.replace = true;
        turn.touch(id.task.job);
        self.release(id, seat);
        if self.task(id.task).is_some_and(Task::may_be_placed) {
            self.waiting_add(id.task);
        }
    }

    pub(super) fn attempt_timed_out(&mut self, turn: &mut Turn, id: AttemptId) {
        let accepted = |a: &Attempt| matches!(a.standing, Standing::Accepted(_));
        if self.attempt(id).is_some_and(accepted) {
            self.decide(turn, id, Ending::TimedOut);
        }
    }

    pub(super) fn scheduling_timed_out(&mut self, turn: &mut Turn, id: TaskId) {
        self.apply(turn, id, TaskEvent::SchedulingTimedOut);
    }

    pub(super) fn grace_over(&mut self, turn: &mut Turn, id: TaskId) {
        if turn.starved {
            self.apply(turn, id, TaskEvent::WorkersExhausted);
        }
    }

    /// An ended job has been kept long enough. One of whose attempts something may still run waits.
    pub(super) fn forget(&mut self, turn: &mut Turn, id: JobId) {
        let Some(job) = self.jobs.get(id) else { return };
        if !job.state().has_ended() {
            return;
        }
        if !job.is_settled() {
            return turn.arm(Timer::Forget(id), self.policy.worker_timeout);
        }
        self.drop_job(turn, id);
    }

    /// Takes an ended job out of the records.
    pub(super) fn drop_job(&mut self, turn: &mut Turn, id: JobId) {
        let Some(job) = self.jobs.remove(id) else { return };
        if let Some(request) = job.request_id {
            self.requests.remove(&request);
        }
        self.kept -= 1;
        turn.changes();
    }
}

impl Job {
    /// Whether nothing of it runs or is held.
    pub(super) fn is_settled(&self) -> bool {
        self.tasks.iter().all(|task| task.attempts.iter().all(Attempt::is_gone))
    }
}

/// What an end is charged to under a retry policy.
fn charge(retry: Retry, cause: Cause, outcome: Outcome) -> Option<Budget> {
    let budget = cause.charges(outcome);
    match retry {
        Retry::Budgeted => budget,
        Retry::Unbounded => budget.filter(|b| *b == Budget::Failure),
    }
}
