//! What holds in every state of what belongs together: S6 of gangs, S7 of slices and groups.

use crate::model::id::{JobId, WorkerId};
use crate::model::task::TaskState;
use crate::model::view::{AttemptView, SliceView, StepView, TaskView, View};
use crate::model::vm::VmState;
use crate::model::worker::WorkerState;

use super::super::{Described, Found, any_task, listened, live_attempt, worker};
use super::{describe, is_retried};

pub(in crate::invariants) const S6: Described = describe(
    "S6",
    "a_gang_that_is_active_runs_together_on_distinct_workers_of_one_group",
    "a gang with an active member has every member active or SUCCEEDED, on distinct workers of one \
     group",
);

pub(in crate::invariants) fn s6<V: View>(view: &V) -> Option<Found> {
    view.jobs().find_map(|job| {
        let key = job.terms.group_by.as_ref()?;
        let active = view.tasks(job.id).find(|task| task.state.is_active())?;
        let runs = |task: &TaskView| task.state.is_active() || task.state == TaskState::Succeeded;
        if let Some(other) = view.tasks(job.id).find(|task| !runs(task)) {
            let (one, other, state) = (active.id, other.id, other.state);
            return Some(format!("{one} is {}, and {other} of its gang is {state}", active.state));
        }
        members(view, job.id).enumerate().find_map(|(at, one)| {
            let place = listened(view, one.seat).map(|worker| worker.attributes.get(key));
            if place == Some(None) {
                return Some(format!("{} is on {}, which has no {key}", one.id, one.seat.worker));
            }
            members(view, job.id).skip(at + 1).find_map(|other| {
                let (a, b) = (one.seat.worker, other.seat.worker);
                let (one, two) = (one.id, other.id);
                if a == b {
                    return Some(format!("{one} and {two} of one gang are both on {a}"));
                }
                let away = listened(view, other.seat).map(|worker| worker.attributes.get(key));
                (place.is_some() && away.is_some() && place != away).then(|| {
                    format!("{one} and {two} of one gang are on {a} and {b}, which differ in {key}")
                })
            })
        })
    })
}

/// The live attempts of a job.
fn members<V: View>(view: &V, job: JobId) -> impl Iterator<Item = AttemptView> {
    view.tasks(job).filter_map(|task| live_attempt(view, task.id))
}

/// "A gang placed again."
pub(in crate::invariants) fn s6_hard<V: View>(step: &StepView<'_, V>) -> bool {
    any_task(step.after, |job, task| {
        job.terms.is_gang() && task.state.is_active() && is_retried(step.after, task)
    })
}

pub(in crate::invariants) const S7: Described = describe(
    "S7",
    "a_slice_and_its_members_agree_and_no_group_has_too_many",
    "a slice's members agree with it; a group has at most max_slices slices",
);

pub(in crate::invariants) fn s7<V: View>(view: &V) -> Option<Found> {
    for (at, slice) in view.slices().enumerate() {
        let id = slice.id;
        for (vm, state) in slice.vms {
            if slice.closed == is_to_serve(*state) && *state != VmState::Unhealthy {
                let says = if slice.closed { "closed" } else { "not closed" };
                return Some(format!("{id} is {says}, and its {vm} is {state}"));
            }
            let name = vm.worker();
            if slice.closed && is_healthy_name(view, name) {
                return Some(format!("{id} is closed, and {name} of its {vm} is HEALTHY"));
            }
            let has = |other: &SliceView<'_>| other.vms.iter().any(|(id, _)| id == vm);
            if let Some(other) = view.slices().skip(at + 1).find(has) {
                return Some(format!("{vm} belongs to {id} and to {}", other.id));
            }
        }
    }
    view.groups().find_map(|group| {
        let count = view.slices().filter(|slice| slice.id.group == group.id).count();
        let (id, most) = (group.id, group.max_slices);
        (count > usize::from(most)).then(|| format!("{id} has {count} slices where {most} may be"))
    })
}

/// Whether a VM serves or is on its way to.
fn is_to_serve(state: VmState) -> bool {
    match state {
        VmState::Requesting | VmState::Booting | VmState::Initializing | VmState::Ready => true,
        VmState::Unhealthy
        | VmState::Stopping
        | VmState::Terminated
        | VmState::Failed
        | VmState::Preempted => false,
    }
}

fn is_healthy_name<V: View>(view: &V, name: WorkerId) -> bool {
    worker(view, name).is_some_and(|worker| worker.state == WorkerState::Healthy)
}

/// A slice is to go, or one of its VMs failed or was taken away.
pub(in crate::invariants) fn s7_hard<V: View>(step: &StepView<'_, V>) -> bool {
    let fell = |state: VmState| matches!(state, VmState::Failed | VmState::Preempted);
    step.after.slices().any(|slice| slice.closed || slice.vms.iter().any(|(_, s)| fell(*s)))
}
