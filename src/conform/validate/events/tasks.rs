//! What an event log says of tasks and their attempts, judged by the lifecycle of a task.

use crate::model::resources::Resources;
use crate::model::task::{Phase, TaskState};
use crate::model::worker::WorkerState;

use super::super::mismatch::Refusal;
use super::job::{Job, Seat, Task};
use super::line::{OfAttempt, OfPhase, Placed, TaskIs, TaskName};
use super::unseen::{Reached, States, UNSEEN_ATTEMPTS, search};
use super::{Events, unknown};

pub(super) fn refuse<T>(guard: String) -> Result<T, Refusal> {
    Err(Refusal::new(guard))
}

/// Which attempt an event is about.
#[derive(Clone, Copy)]
pub(super) struct About<'a> {
    pub job: &'a str,
    pub task: u16,
    pub attempt: u16,
}

impl About<'_> {
    pub(super) fn name(&self) -> String {
        format!("{}.{}#{}", self.job, self.task, self.attempt)
    }
}

impl Events {
    pub(super) fn placed(&mut self, at: u64, it: &Placed) -> Result<(), Refusal> {
        let about = About { job: &it.job, task: it.task, attempt: it.attempt };
        let name = about.name();
        self.pin(about, false);
        let (job, task) = self.job_and_task(&it.job, it.task)?;
        if job.over {
            let ended = job.certain().map_or_else(String::new, |state| format!(": {state}"));
            let guard = format!("nothing is placed for a job that has ended: {} has", it.job);
            return refuse(guard + &ended);
        }
        if it.attempt < task.placed {
            return refuse(format!("an attempt is placed once: {name} was placed before"));
        }
        let pending = TaskState::Pending;
        let jump = it.attempt - task.placed;
        if self.complete && !task.gone && !self.is_over(task) {
            return refuse(format!(
                "a task is placed again only when its last attempt is confirmed gone: \
                 {}.{}#{} is not",
                it.job,
                it.task,
                task.placed.saturating_sub(1)
            ));
        }
        if jump > 0 || !task.states.any(|state| state == pending) {
            let what = format!("{name} may be placed only while {}.{} is PENDING", it.job, it.task);
            let reached = self.unseen(job, task, Some(jump), &what, |state| state == pending)?;
            self.commit(at, &it.job, it.task, reached);
        }
        self.sit(at, it)?;
        let job = self.jobs.get_mut(&it.job).expect("invariant: it was found above");
        let index = usize::from(it.task);
        job.put(index, States::one(TaskState::Active(Phase::Assigned)));
        let task = &mut job.tasks[index];
        task.placed = it.attempt + 1;
        task.gone = false;
        self.attempts += u64::from(jump) + 1;
        Ok(())
    }

    /// Takes room on a worker, and a place of the gang.
    fn sit(&mut self, at: u64, it: &Placed) -> Result<(), Refusal> {
        let name = &it.worker;
        let job = self.jobs.get_mut(&it.job).expect("invariant: the caller found it");
        let need = job.terms.resources;
        // One of an earlier attempt may have ended unseen.
        let there = |number: u16| self.complete || number == it.attempt;
        let gang = job.terms.is_gang();
        if gang && job.gang_on.insert(name.clone(), it.attempt).is_some_and(there) {
            return refuse(format!(
                "members of a gang run on distinct workers: {name} has one of {} already",
                it.job
            ));
        }
        let complete = self.complete;
        let worker = self.fleet.worker(name);
        match (worker.incarnation, it.incarnation) {
            (Some(known), Some(told)) if told < known => {
                return refuse(format!("{name}@{told} is over: {name} is {name}@{known}"));
            }
            (Some(known), Some(told)) if told == known => {}
            (_, Some(told)) if !complete => worker.begins(Some(told)),
            (_, Some(_) | None) => {}
        }
        let comes_back = !complete && it.incarnation.is_none();
        match worker.state {
            WorkerState::Healthy => {}
            // It registered, or beat again, unseen.
            WorkerState::Degraded(_) if !complete => worker.state = WorkerState::Healthy,
            WorkerState::Absent if !complete => worker.begins(it.incarnation),
            WorkerState::Dead if comes_back => worker.begins(None),
            state @ (WorkerState::Absent | WorkerState::Degraded(_) | WorkerState::Dead) => {
                return refuse(format!("only a HEALTHY worker is given work: {name} is {state}"));
            }
        }
        if let Some(total) = worker.total {
            let held = worker.held.plus(need).filter(|held| held.fits(total));
            let Some(held) = held else {
                return refuse(format!(
                    "what is placed must fit: {name} has {} free, and {} needs {need}",
                    free(total, worker.held),
                    it.job
                ));
            };
            worker.held = held;
        }
        let seat = Seat { worker: name.clone(), generation: worker.generation, at };
        job.tasks[usize::from(it.task)].seat = Some(seat);
        Ok(())
    }

    pub(super) fn phase(&mut self, at: u64, it: &OfPhase) -> Result<(), Refusal> {
        let about = About { job: &it.job, task: it.task, attempt: it.attempt };
        self.pin(about, self.is_begun(about));
        let (job, task) = self.job_and_task(&it.job, it.task)?;
        let jump = current(about, task)?;
        let name = about.name();
        if jump == 0
            && let Some(seat) = &task.seat
        {
            if let Some(told) = it.worker.as_ref().filter(|told| **told != seat.worker) {
                return refuse(format!("{name} was placed on {}, not on {told}", seat.worker));
            }
            if self.has_lost(seat) {
                return refuse(format!(
                    "what ran on {} was lost with it: {name} cannot come to {}",
                    seat.worker, it.phase
                ));
            }
        }
        let wanted = |state| matches!(state, TaskState::Active(phase) if phase <= it.phase);
        if jump > 0 || !task.states.any(wanted) {
            let what = format!("{name} must live, and not be beyond {}", it.phase);
            let reached = self.unseen(job, task, Some(jump), &what, wanted)?;
            self.commit(at, &it.job, it.task, reached);
        }
        self.put(&it.job, it.task, States::one(TaskState::Active(it.phase)));
        Ok(())
    }

    pub(super) fn is_gone(&mut self, at: u64, it: &OfAttempt) -> Result<(), Refusal> {
        let about = About { job: &it.job, task: it.task, attempt: it.attempt };
        self.pin(about, true);
        let (job, task) = self.job_and_task(&it.job, it.task)?;
        if it.attempt + 1 < task.placed {
            return Ok(());
        }
        let jump = it.attempt + 1 - task.placed;
        let ended = |state: TaskState| !state.is_active();
        if jump > 0 || !task.states.any(ended) {
            let what = format!("{} must have ended to be gone", about.name());
            let reached = self.unseen(job, task, Some(jump), &what, ended)?;
            self.commit(at, &it.job, it.task, reached);
        }
        let job = self.jobs.get_mut(&it.job).expect("invariant: it was found above");
        let need = job.terms.resources;
        let index = usize::from(it.task);
        let states = job.tasks[index].states.only(ended);
        job.put(index, states);
        job.tasks[index].gone = true;
        let seat = job.tasks[index].seat.take();
        if self.complete
            && let Some(seat) = seat
        {
            self.release(&seat, need);
        }
        Ok(())
    }

    pub(super) fn task_is(&mut self, at: u64, it: &TaskIs) -> Result<(), Refusal> {
        let (job, task) = self.job_and_task(&it.job, it.task)?;
        let wanted = |state| TaskName::of(state) == it.state;
        let name = format!("{}.{}", it.job, it.task);
        if it.state == TaskName::Unschedulable
            && let Some(limit) = job.scheduling_timeout
            && at < task.pending_since + limit
        {
            return refuse(format!(
                "{name} cannot be UNSCHEDULABLE before its scheduling timeout: it was not PENDING \
                 for {limit} ms"
            ));
        }
        let loose = !self.complete && task.states.any(|state| !state.is_finished());
        let told = job.rules(self.complete).told(task.states).only(wanted);
        if !task.states.any(wanted) && told.is_empty() {
            let what = format!("{name} must be able to become so");
            let reached = self.unseen(job, task, None, &what, wanted)?;
            self.commit(at, &it.job, it.task, reached);
        } else if !task.states.any(wanted) {
            self.put(&it.job, it.task, told);
        }
        let job = self.jobs.get_mut(&it.job).expect("invariant: it was found above");
        let index = usize::from(it.task);
        let states = job.tasks[index].states.only(wanted);
        job.put(index, states);
        if loose {
            let task = &mut job.tasks[index];
            task.loose = true;
            task.spent.most = task.spent.most.saturating_add(UNSEEN_ATTEMPTS);
        }
        if let Some(told) = it.spent {
            let spent = &mut job.tasks[index].spent;
            if !spent.may_be(told) {
                let (known, least, most) = (spent.known, spent.least, spent.most);
                return refuse(format!(
                    "what {name} has spent must equal its attempts that were charged: failure {}, \
                     delivery {}, preemption {}, and {least} to {most} more that were not logged",
                    known.failure, known.delivery, known.preemption
                ));
            }
            (spent.known, spent.least, spent.most) = (told, 0, 0);
        }
        Ok(())
    }

    pub(super) fn job_and_task(&self, job: &str, index: u16) -> Result<(&Job, &Task), Refusal> {
        let name = job;
        let job = self.jobs.get(name).ok_or_else(|| unknown(name))?;
        let task = job.tasks.get(usize::from(index)).ok_or_else(|| {
            Refusal::new(format!(
                "{name} has {} tasks: there is no {name}.{index}",
                job.tasks.len()
            ))
        })?;
        Ok((job, task))
    }

    /// What unseen steps of a task lead to, unless the log says that there are none.
    pub(super) fn unseen(
        &self,
        job: &Job,
        task: &Task,
        placements: Option<u16>,
        what: &str,
        wanted: impl Fn(TaskState) -> bool,
    ) -> Result<Reached, Refusal> {
        let is: Vec<String> = task.states.iter().map(|it| it.to_string()).collect();
        let is = is.join(" or ");
        if self.complete {
            return refuse(format!("{what}: it is {is}, and this log leaves no step out"));
        }
        if placements.is_some_and(|it| it > UNSEEN_ATTEMPTS) {
            let most = UNSEEN_ATTEMPTS;
            return refuse(format!("{what}: more than {most} attempts before it were not logged"));
        }
        let rules = job.rules(false);
        let found = search(task.states, &rules, &task.spent, placements, wanted);
        found.ok_or_else(|| {
            Refusal::new(format!("{what}: it is {is}, and no unseen steps lead there"))
        })
    }

    /// Whether the attempt that a line speaks of may be the last one that was placed: while its
    /// task is PENDING it can only be the next one.
    pub(super) fn is_begun(&self, about: About<'_>) -> bool {
        let found = self.job_and_task(about.job, about.task);
        found.is_ok_and(|(_, task)| task.states.any(|state| state != TaskState::Pending))
    }

    /// A line names an attempt of a task of which it was not known how many there are: as many as
    /// it says, with that attempt or before it.
    pub(super) fn pin(&mut self, about: About<'_>, with: bool) {
        let placed = about.attempt + u16::from(with);
        let Some(job) = self.jobs.get_mut(about.job) else { return };
        let need = job.terms.resources;
        let Some(task) = job.tasks.get_mut(usize::from(about.task)) else { return };
        if !std::mem::take(&mut task.loose) || task.placed >= placed {
            return;
        }
        self.attempts += u64::from(placed - task.placed);
        task.placed = placed;
        task.gone = false;
        if let Some(seat) = task.seat.take() {
            job.gang_on.remove(&seat.worker);
            self.release(&seat, need);
        }
    }

    /// Unseen steps have happened.
    pub(super) fn commit(&mut self, at: u64, job: &str, index: u16, reached: Reached) {
        let Some(job) = self.jobs.get_mut(job) else { return };
        let at_index = usize::from(index);
        job.put(at_index, reached.states);
        let task = &mut job.tasks[at_index];
        task.spent.least += reached.least;
        task.spent.most += reached.most;
        task.placed += reached.placed;
        task.pending_since = at;
        self.attempts += u64::from(reached.placed);
        let need = job.terms.resources;
        let ended = !task.states.any(TaskState::is_active) || reached.placed > 0;
        if ended && let Some(seat) = task.seat.take() {
            job.gang_on.remove(&seat.worker);
            self.release(&seat, need);
        }
    }

    pub(super) fn put(&mut self, job: &str, index: u16, states: States) {
        if let Some(job) = self.jobs.get_mut(job) {
            job.put(usize::from(index), states);
        }
        self.forget(job);
    }

    pub(super) fn release(&mut self, seat: &Seat, need: Resources) {
        let worker = self.fleet.workers.get_mut(&seat.worker);
        if let Some(worker) = worker.filter(|it| it.generation == seat.generation) {
            worker.held = worker.held.minus(need).unwrap_or_default();
        }
    }

    /// Whether the incarnation that an attempt was given to has ended.
    pub(super) fn has_lost(&self, seat: &Seat) -> bool {
        self.fleet.workers.get(&seat.worker).is_none_or(|worker| {
            worker.generation != seat.generation || worker.state == WorkerState::Dead
        })
    }

    fn is_over(&self, task: &Task) -> bool {
        task.seat.as_ref().is_some_and(|seat| self.has_lost(seat))
    }
}

/// How many attempts lie between the last one that was told of and this one.
pub(super) fn current(about: About<'_>, task: &Task) -> Result<u16, Refusal> {
    if about.attempt + 1 < task.placed {
        let later = task.placed - 1;
        return refuse(format!(
            "what has ended does not change: {} was followed by attempt {later}",
            about.name()
        ));
    }
    Ok(about.attempt + 1 - task.placed)
}

/// What is left of a worker, of what the log tells of it.
fn free(total: Resources, held: Resources) -> Resources {
    let left = total.minus(held).unwrap_or_default();
    // What is not told of has no end.
    let told = |all: u64, left: u64| if all == u64::MAX { 0 } else { left };
    Resources { memory_bytes: told(total.memory_bytes, left.memory_bytes), ..left }
}
