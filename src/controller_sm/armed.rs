//! Which timers are armed: they follow from the state, which is why it needs no clock. The effects
//! tell the driver of changes; this tells the model, and a restarted controller, of the whole.

use crate::model::id::{TaskId, VmId};
use crate::model::task::TaskState;
use crate::model::time::Millis;
use crate::model::timer::Timer;
use crate::model::vm::VmState;
use crate::model::worker::{Reasons, WorkerState};

use super::ControllerSm;
use super::records::{Job, Stage, Standing, Task, task_id};

impl ControllerSm {
    /// Every armed timer, grouped by what it is about.
    pub fn armed(&self) -> Vec<Timer> {
        let mut armed = Vec::new();
        self.worker_timers(&mut armed);
        let starved = self.is_starved();
        for (id, job) in self.jobs.iter() {
            if job.was_ended {
                armed.push(Timer::Forget(id));
            }
            for (index, task) in job.tasks.iter().enumerate() {
                task_timers(&mut armed, job, task_id(id, index), task, starved);
            }
        }
        self.fleet_timers(&mut armed);
        armed
    }

    fn worker_timers(&self, armed: &mut Vec<Timer>) {
        for (id, slot) in self.workers.iter() {
            let Some(worker) = &slot.live else { continue };
            if worker.state == WorkerState::Healthy
                || !worker.state.reasons().contains(Reasons::SILENT)
            {
                armed.push(Timer::Silent(id));
            }
            armed.push(Timer::Dead(id));
            if worker.state.reasons().contains(Reasons::QUARANTINED) {
                armed.push(Timer::Quarantine(id));
            }
        }
    }

    fn fleet_timers(&self, armed: &mut Vec<Timer>) {
        for (id, slice) in self.slices.iter() {
            armed.extend(slice.vms.iter().filter_map(|(vm, state)| vm_timer(*vm, *state)));
            if slice.idle {
                armed.push(Timer::Idle(id));
            }
        }
        for (at, group) in self.groups.iter().enumerate() {
            if group.state != super::GroupState::Available {
                armed.push(Timer::Backoff(super::fleet::group_id(at)));
            }
        }
    }

    /// How long a timer runs when it is armed anew after a restart. Deadlines that must keep their
    /// original instant are the driver's: it has the journal's times.
    pub(super) fn length(&self, timer: Timer) -> Millis {
        let policy = &self.policy;
        let terms = |task: TaskId| self.jobs.get(task.job).map(|job| &job.terms);
        match timer {
            Timer::Silent(_) => policy.silence(),
            Timer::Dead(_) => policy.worker_timeout,
            Timer::Quarantine(_) => policy.quarantine,
            Timer::Retry(_) => policy.delivery_backoff,
            Timer::Timeout(a) => terms(a.task).and_then(|t| t.timeout).unwrap_or_default(),
            Timer::Scheduling(t) => terms(t).and_then(|t| t.scheduling_timeout).unwrap_or_default(),
            Timer::Grace(_) => policy.no_workers_grace,
            Timer::Boot(_) => policy.boot_timeout,
            Timer::Init(_) => policy.init_timeout,
            Timer::Idle(_) => policy.idle_timeout,
            Timer::Backoff(id) => usize::from(id.0)
                .checked_sub(1)
                .and_then(|at| self.groups.get(at))
                .map_or(policy.create_backoff, |group| super::fleet::group_pause(policy, group)),
            Timer::Forget(_) => policy.keep_jobs_for,
        }
    }
}

/// The timer that runs while a VM is in this state, if there is one.
pub(super) fn vm_timer(vm: VmId, state: VmState) -> Option<Timer> {
    match state {
        VmState::Booting => Some(Timer::Boot(vm)),
        VmState::Initializing => Some(Timer::Init(vm)),
        VmState::Requesting
        | VmState::Ready
        | VmState::Unhealthy
        | VmState::Stopping
        | VmState::Terminated
        | VmState::Failed
        | VmState::Preempted => None,
    }
}

fn task_timers(armed: &mut Vec<Timer>, job: &Job, id: TaskId, task: &Task, starved: bool) {
    match task.state {
        TaskState::Pending => {
            if job.terms.scheduling_timeout.is_some() {
                armed.push(Timer::Scheduling(id));
            }
            if starved {
                armed.push(Timer::Grace(id));
            }
        }
        TaskState::Active(_) => {
            let (Some(number), Some(last)) = (task.last(), task.attempts.last()) else { return };
            match last.standing {
                Standing::Offered(delivery) if delivery.stage == Stage::Pausing => {
                    armed.push(Timer::Retry(id.attempt(number)));
                }
                Standing::Accepted(_) if job.terms.timeout.is_some() => {
                    armed.push(Timer::Timeout(id.attempt(number)));
                }
                Standing::Offered(_) | Standing::Accepted(_) | Standing::Ended { .. } => {}
            }
        }
        TaskState::Succeeded
        | TaskState::Failed(_)
        | TaskState::Killed
        | TaskState::WorkerFailed
        | TaskState::Unschedulable => {}
    }
}
