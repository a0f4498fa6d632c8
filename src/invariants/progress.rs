//! What happens sooner or later: L1 to L5. Each says when its obligation is open; that it does not
//! stay open for ever is for a search for fair endless runs to decide.
//!
//! Every process exits in a fair run, so L1's "if its processes exit or it has a `timeout`" needs
//! no condition of its own.

use crate::model::id::Seat;
use crate::model::resources::Resources;
use crate::model::task::TaskState;
use crate::model::view::{AttemptView, JobView, ProcessView, StepView, View, WorkerView};
use crate::model::vm::VmState;

use super::{
    Claim, Described, Found, Judge, Open, Per, Subject, claim, is_wanted, job, listened, place_for,
};

#[cfg(test)]
mod tests;

const fn describe(id: &'static str, name: &'static str, sentence: &'static str) -> Described {
    Described { id, name, sentence, class: "progress" }
}

/// Rows of a claim: what may be open, by name.
type Rows<V> = &'static [(&'static str, Open<V>)];

/// "The obligation arises and a fault delays it."
fn delayed<V: View>(step: &StepView<'_, V>, per: Per, open: Rows<V>) -> bool {
    step.fault
        && per.any(step.after, |subject| open.iter().any(|(_, open)| open(step.after, subject)))
}

/// What is open in views of one kind, claim by claim.
struct Opens<V>(V);

impl<V: View + 'static> Opens<V> {
    const L1: Rows<V> = &[
        ("fits", fits),
        ("no live worker", has_no_worker),
        ("scheduling_timeout", has_scheduling_timeout),
    ];
    const L2: Rows<V> = &[("exit not recorded", has_unrecorded_exit)];
    const L3: Rows<V> = &[("ended, not confirmed gone", has_unconfirmed_end)];
    const L4: Rows<V> = &[("unwanted process", has_unwanted_process)];
    /// No VM goes back, so one that is stuck for ever is for ever in one of these states.
    const L5: Rows<V> = &[
        ("REQUESTING", |view, vm| stands(view, vm, VmState::Requesting)),
        ("BOOTING", |view, vm| stands(view, vm, VmState::Booting)),
        ("INITIALIZING", |view, vm| stands(view, vm, VmState::Initializing)),
        ("STOPPING", |view, vm| stands(view, vm, VmState::Stopping)),
        ("FAILED", |view, vm| stands(view, vm, VmState::Failed)),
    ];
}

pub(super) const L1: Described = describe(
    "L1",
    "a_job_that_fits_or_may_give_up_ends",
    "a job whose processes exit, or which has a timeout, ends if it has a scheduling_timeout, or \
     from some point on always fits the HEALTHY workers, or there is never a live worker",
);

pub(super) const fn l1<V: View>() -> Claim<V> {
    let judge = Judge::Progress { per: Per::Job, open: Opens::<V>::L1, found: l1_found };
    claim(L1, |step| delayed(step, Per::Job, Opens::<V>::L1), judge)
}

/// The subject, if it is a job that has not ended.
fn open_job<V: View>(view: &V, subject: Subject) -> Option<JobView<'_>> {
    let Subject::Job(id) = subject else { return None };
    job(view, id).filter(|job| !job.told.has_ended())
}

/// Whether every PENDING task has a place as far as what others hold is concerned: what is held by
/// its own former attempts is given back (L3). The others of a gang's task are other jobs.
fn fits<V: View>(view: &V, subject: Subject) -> bool {
    let Some(job) = open_job(view, subject) else { return false };
    let pending = |state| state == TaskState::Pending;
    if job.terms.is_gang() {
        let own = |seat| held_by(job, view.tasks(job.id).flat_map(|t| view.attempts(t.id)), seat);
        return !view.tasks(job.id).any(|task| pending(task.state)) || has_place(view, job, own);
    }
    view.tasks(job.id)
        .filter(|task| pending(task.state))
        .all(|task| has_place(view, job, |seat| held_by(job, view.attempts(task.id), seat)))
}

/// What these attempts of a job hold at a worker.
fn held_by(
    job: JobView<'_>,
    mut attempts: impl Iterator<Item = AttemptView>,
    seat: Seat,
) -> Option<Resources> {
    attempts.try_fold(Resources::NONE, |sum, attempt| {
        let holds = attempt.seat == seat && !attempt.gone;
        if holds { sum.plus(job.terms.resources) } else { Some(sum) }
    })
}

/// Whether there is a place beside what is held by all but these; S4 is why `held` is right.
fn has_place<V: View>(view: &V, job: JobView<'_>, own: impl Fn(Seat) -> Option<Resources>) -> bool {
    let free = |worker: WorkerView<'_>| worker.total.minus(worker.held.minus(own(worker.seat)?)?);
    place_for(view, job.terms, free).is_some()
}

fn has_no_worker<V: View>(view: &V, subject: Subject) -> bool {
    view.workers().next().is_none() && open_job(view, subject).is_some()
}

fn has_scheduling_timeout<V: View>(view: &V, subject: Subject) -> bool {
    open_job(view, subject).is_some_and(|job| job.terms.scheduling_timeout.is_some())
}

fn l1_found<V: View>(view: &V, subject: Subject) -> Found {
    let Some(job) = open_job(view, subject) else { return format!("{subject} never ends") };
    let unfinished = view.tasks(job.id).find(|task| !task.state.is_finished());
    match unfinished {
        Some(task) => {
            format!("{} never ends: it stays {}, with {} {}", job.id, job.told, task.id, task.state)
        }
        None => format!("{} never ends: it stays {}, with no task left", job.id, job.told),
    }
}

pub(super) const L2: Described = describe(
    "L2",
    "an_exit_on_a_live_worker_is_recorded",
    "every exit is recorded, or its incarnation ends, or a decision had ended the attempt before",
);

pub(super) const fn l2<V: View>() -> Claim<V> {
    let judge = Judge::Progress { per: Per::Task, open: Opens::<V>::L2, found: l2_found };
    claim(L2, |step| delayed(step, Per::Task, Opens::<V>::L2), judge)
}

fn unrecorded_exit<V: View>(view: &V, subject: Subject) -> Option<AttemptView> {
    let Subject::Task(task) = subject else { return None };
    let mut exits =
        view.exits().filter(|(id, seat)| id.task == task && is_wanted(view, *id, *seat));
    exits.next().and_then(|(id, _)| view.attempt(id))
}

fn has_unrecorded_exit<V: View>(view: &V, subject: Subject) -> bool {
    unrecorded_exit(view, subject).is_some()
}

fn l2_found<V: View>(view: &V, subject: Subject) -> Found {
    match unrecorded_exit(view, subject) {
        Some(AttemptView { id, seat, .. }) => format!(
            "{id} exited by itself on {}, which is alive, and that is never recorded",
            seat.worker
        ),
        None => format!("an exit of {subject} is never recorded"),
    }
}

pub(super) const L3: Described =
    describe("L3", "an_ended_attempt_is_confirmed_gone", "every ended attempt is confirmed gone");

pub(super) const fn l3<V: View>() -> Claim<V> {
    let judge = Judge::Progress { per: Per::Task, open: Opens::<V>::L3, found: l3_found };
    claim(L3, |step| delayed(step, Per::Task, Opens::<V>::L3), judge)
}

fn unconfirmed_end<V: View>(view: &V, subject: Subject) -> Option<AttemptView> {
    let Subject::Task(task) = subject else { return None };
    view.attempts(task).find(|attempt| attempt.end.is_some() && !attempt.gone)
}

fn has_unconfirmed_end<V: View>(view: &V, subject: Subject) -> bool {
    unconfirmed_end(view, subject).is_some()
}

fn l3_found<V: View>(view: &V, subject: Subject) -> Found {
    match unconfirmed_end(view, subject) {
        Some(AttemptView { id, seat, end: Some((outcome, cause)), .. }) => {
            format!("{id} on {seat} ended {outcome} ({cause}) and is never confirmed gone")
        }
        Some(_) | None => format!("an ended attempt of {subject} is never confirmed gone"),
    }
}

pub(super) const L4: Described = describe(
    "L4",
    "a_process_that_nobody_wants_is_stopped",
    "no worker runs for ever what nobody wants",
);

pub(super) const fn l4<V: View>() -> Claim<V> {
    let judge = Judge::Progress { per: Per::Task, open: Opens::<V>::L4, found: l4_found };
    claim(L4, |step| delayed(step, Per::Task, Opens::<V>::L4), judge)
}

fn unwanted_process<V: View>(view: &V, subject: Subject) -> Option<ProcessView> {
    let Subject::Task(task) = subject else { return None };
    let mut processes = view.processes().filter(|process| process.attempt.task == task);
    processes.find(|process| !is_wanted(view, process.attempt, process.seat))
}

fn has_unwanted_process<V: View>(view: &V, subject: Subject) -> bool {
    unwanted_process(view, subject).is_some()
}

fn l4_found<V: View>(view: &V, subject: Subject) -> Found {
    let Some(ProcessView { attempt, seat, .. }) = unwanted_process(view, subject) else {
        return format!("a process of {subject} that nobody wants is never stopped");
    };
    let why = if listened(view, seat).is_none() {
        "to which nobody listens"
    } else {
        "where nobody wants it"
    };
    format!("{attempt} runs for ever on {seat}, {why}")
}

pub(super) const L5: Described = describe(
    "L5",
    "a_vm_that_is_stuck_is_given_up",
    "a VM that neither serves nor goes is given up",
);

pub(super) const fn l5<V: View>() -> Claim<V> {
    let judge = Judge::Progress { per: Per::Vm, open: Opens::<V>::L5, found: l5_found };
    claim(L5, |step| delayed(step, Per::Vm, Opens::<V>::L5), judge)
}

fn state_of<V: View>(view: &V, subject: Subject) -> Option<VmState> {
    let Subject::Vm(vm) = subject else { return None };
    view.slices()
        .find_map(|slice| slice.vms.iter().find(|(id, _)| *id == vm).map(|(_, state)| *state))
}

fn stands<V: View>(view: &V, subject: Subject, state: VmState) -> bool {
    state_of(view, subject) == Some(state)
}

fn l5_found<V: View>(view: &V, subject: Subject) -> Found {
    match state_of(view, subject) {
        Some(state) => format!("{subject} stays {state} for ever"),
        None => format!("{subject} is never given up"),
    }
}
