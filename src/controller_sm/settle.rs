//! The second half of a turn: every consequence of what was applied, drawn once.

use crate::model::id::{AttemptId, JobId, TaskId};
use crate::model::scheduler::Chooser;
use crate::model::task::{Ending, TaskEvent, TaskState};
use crate::model::timer::Timer;
use crate::model::vm::VmState;

use super::ControllerSm;
use super::input::Effect;
use super::records::{Job, Stage, Standing, Task, task_id};
use super::turn::Turn;
use crate::model::worker::WorkerEvent;

impl ControllerSm {
    pub(super) fn settle(&mut self, turn: &mut Turn, chooser: &mut Chooser) {
        let touched = std::mem::take(&mut turn.touched);
        for job in touched {
            self.settle_gang(turn, job);
            self.settle_end(turn, job);
        }
        if turn.replace {
            self.remove_drained(turn);
            self.place_waiting(turn, chooser);
            self.settle_fleet(turn);
        }
        self.settle_grace(turn);
    }

    /// What the end of a member means for its gang. All losses of the event are charged by now.
    fn settle_gang(&mut self, turn: &mut Turn, id: JobId) {
        let Some(job) = self.jobs.get(id) else { return };
        if !job.terms.is_gang() || job.census.active() + job.census.pending() == 0 {
            return;
        }
        let spent = |task: &Task| task.state == TaskState::Pending && !task.has_numbers();
        let broken = || job.census.succeeded() > 0 || job.tasks.iter().any(spent);
        if job.census.pending() > 0 && broken() {
            for task in self.tasks_in(id, |state| state == TaskState::Pending) {
                self.apply(turn, task, TaskEvent::GangBroken);
            }
        }
        let Some(census) = self.jobs.get(id).map(|job| job.census) else { return };
        if census.any_fell() {
            self.stop_rest(turn, id, Ending::SiblingFinished);
        } else if census.pending() > 0 && census.active() > 0 {
            for task in self.tasks_in(id, TaskState::is_active) {
                if let Some(last) = self.task(task).and_then(Task::last) {
                    self.decide(turn, task.attempt(last), Ending::SiblingWentBack);
                }
            }
        }
    }

    fn tasks_in(&self, id: JobId, wanted: impl Fn(TaskState) -> bool) -> Vec<TaskId> {
        let tasks = self.jobs.get(id).map_or(&[][..], |job| &job.tasks);
        let tasks = tasks.iter().enumerate().filter(|(_, task)| wanted(task.state));
        tasks.map(|(index, _)| task_id(id, index)).collect()
    }

    /// When a job ends, what is left of it is stopped, and the oldest ended jobs may have to go.
    fn settle_end(&mut self, turn: &mut Turn, id: JobId) {
        let Some(job) = self.jobs.get(id) else { return };
        if !job.state().has_ended() {
            return;
        }
        self.stop_rest(turn, id, Ending::JobOver);
        let Some(job) = self.jobs.get_mut(id) else { return };
        if job.was_ended {
            return;
        }
        job.was_ended = true;
        self.kept += 1;
        turn.order(Effect::JobEnded(id));
        turn.arm(Timer::Forget(id), self.policy.keep_jobs_for);
        let settled = |(id, job): (JobId, &Job)| (job.was_ended && job.is_settled()).then_some(id);
        while self.kept > self.policy.keep_jobs {
            let oldest = self.jobs.iter().find_map(settled);
            let Some(oldest) = oldest else { break };
            turn.disarm(Timer::Forget(oldest));
            self.drop_job(turn, oldest);
        }
    }

    /// PENDING tasks run out of grace while there is no live worker and none is on its way.
    fn settle_grace(&mut self, turn: &mut Turn) {
        let starved = self.is_starved();
        if starved == turn.starved {
            return;
        }
        for task in self.pending_tasks() {
            if starved {
                turn.arm(Timer::Grace(task), self.policy.no_workers_grace);
            } else {
                turn.disarm(Timer::Grace(task));
            }
        }
    }

    /// All PENDING tasks, in order.
    pub(super) fn pending_tasks(&self) -> Vec<TaskId> {
        let open = self.jobs.iter().filter(|(_, job)| job.census.pending() > 0);
        open.flat_map(|(id, _)| self.tasks_in(id, |state| state == TaskState::Pending)).collect()
    }

    /// Whether PENDING tasks are running out of grace.
    pub(super) fn is_starved(&self) -> bool {
        let hoped = self.barren < self.policy.barren_slices
            && self.slices.iter().any(|(_, slice)| slice.is_on_its_way());
        !hoped && !self.any_live()
    }

    /// After the journal was replayed: what was under way is in doubt, nobody is HEALTHY until
    /// heard, and the timers start that the replay's effects would have armed.
    pub(super) fn restarted(&mut self, turn: &mut Turn) {
        turn.changes();
        turn.replace = true;
        let offered: Vec<AttemptId> = self
            .workers
            .iter()
            .filter_map(|(_, slot)| slot.live.as_ref())
            .flat_map(|worker| worker.attempts.iter().copied())
            .collect();
        for id in offered {
            if let Some(attempt) = self.attempt_mut(id)
                && let Standing::Offered(delivery) = &mut attempt.standing
            {
                delivery.stage = Stage::InDoubt;
                delivery.unknown = true;
            }
        }
        let names: Vec<_> = self.workers.iter().map(|(id, _)| id).collect();
        for id in names {
            self.worker_event(turn, id, WorkerEvent::Restored);
        }
        for timer in self.armed() {
            turn.arm(timer, self.length(timer));
        }
        for (id, slice) in self.slices.iter() {
            if slice.closed {
                turn.order(Effect::TerminateSlice(id));
            } else if slice.vms.iter().any(|(_, state)| *state == VmState::Requesting) {
                // It may have crashed before it asked; the provider knows a slice by its name.
                let vms = slice.vms.iter().map(|(vm, _)| *vm).collect();
                turn.order(Effect::CreateSlice { slice: id, group: id.group, vms });
            }
        }
    }
}
