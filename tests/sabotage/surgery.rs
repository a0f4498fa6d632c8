//! Changing what a machine keeps to itself: out as JSON, changed, and in again.

use iris_check::controller_sm::{
    Attempt, ControllerSm, Delivery, Effect, Group, Job, Slot, Stage, Standing, Table, Worker,
};
use iris_check::model::id::{AttemptId, JobId, Seat, TaskId, WorkerId};
use iris_check::model::resources::Resources;
use iris_check::model::worker::WorkerState;
use iris_check::worker_sm::{Entry, WorkerSm};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The job of a scope with one job.
pub const J1: JobId = JobId(1);
/// The worker of a scope with one worker.
pub const W1: WorkerId = WorkerId(1);

const SAME: &str = "what was a machine is still one";

/// Changes one field of a machine.
fn field<M, T>(sm: &mut M, name: &str, edit: impl FnOnce(&mut T))
where
    M: Serialize + DeserializeOwned,
    T: Serialize + DeserializeOwned,
{
    let mut whole = serde_json::to_value(&*sm).expect(SAME);
    let old = whole.get_mut(name).expect("the machine has this field");
    let mut value: T = serde_json::from_value(old.take()).expect(SAME);
    edit(&mut value);
    *old = serde_json::to_value(value).expect(SAME);
    *sm = serde_json::from_value(whole).expect(SAME);
}

/// Changes the record of the first job, if there is one.
pub fn job(sm: &mut ControllerSm, edit: impl FnOnce(&mut Job)) {
    field(sm, "jobs", |jobs: &mut Table<JobId, Job>| {
        if let Some(job) = jobs.get_mut(J1) {
            edit(job);
        }
    });
}

/// Changes how many tasks of the first job are said to stand where.
pub fn census(sm: &mut ControllerSm, edit: impl FnOnce(&mut Value)) {
    field(sm, "jobs", |jobs: &mut Value| {
        if let Some(census) = jobs.pointer_mut("/0/1/census") {
            edit(census);
        }
    });
}

/// Changes the record of a worker, if it is live.
pub fn worker(sm: &mut ControllerSm, id: WorkerId, edit: impl FnOnce(&mut Worker)) {
    field(sm, "workers", |workers: &mut Table<WorkerId, Slot>| {
        if let Some(worker) = workers.get_mut(id).and_then(|slot| slot.live.as_mut()) {
            edit(worker);
        }
    });
}

/// Has the controller think something else of the first worker, if it is live.
pub fn think(sm: &mut ControllerSm, state: WorkerState) {
    worker(sm, W1, |worker| worker.state = state);
}

/// Gives a task of the first job one attempt more, of which the worker has yet to be told.
pub fn place(sm: &mut ControllerSm, attempt: AttemptId, seat: Seat) -> Effect {
    let delivery = Delivery { tries: 1, unknown: false, stage: Stage::Trying };
    let standing = Standing::Offered(delivery);
    let mut need = Resources::NONE;
    job(sm, |job| {
        need = job.terms.resources;
        let task = &mut job.tasks[usize::from(attempt.task.index)];
        task.attempts.push(Attempt { seat, standing });
    });
    worker(sm, seat.worker, |worker| {
        worker.held = worker.held.plus(need).expect("a scope is small");
        worker.attempts.push(attempt);
    });
    Effect::SendRun { attempt, seat }
}

/// Changes the scale groups.
pub fn groups(sm: &mut ControllerSm, edit: impl FnOnce(&mut Vec<Group>)) {
    field(sm, "groups", edit);
}

/// Changes the queue of tasks that may be placed.
pub fn waiting(sm: &mut ControllerSm, edit: impl FnOnce(&mut Vec<TaskId>)) {
    field(sm, "waiting", edit);
}

/// Has a worker forget an attempt.
pub fn forget(sm: &mut WorkerSm, id: AttemptId) {
    field(sm, "entries", |entries: &mut Vec<Entry>| entries.retain(|it| it.attempt != id));
}

/// Changes what a worker knows of an attempt.
pub fn entry(sm: &mut WorkerSm, id: AttemptId, edit: impl FnOnce(&mut Entry)) {
    field(sm, "entries", |entries: &mut Vec<Entry>| {
        if let Some(entry) = entries.iter_mut().find(|it| it.attempt == id) {
            edit(entry);
        }
    });
}
