//! What changed of workers, slices, VMs, processes and exits.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::id::{AttemptId, Seat, VmId};
use crate::model::resources::Resources;
use crate::model::view::{ProcessStage, SliceView, View, WorkerView};
use crate::model::vm::VmState;
use crate::model::worker::WorkerState;

use super::{pairs, seat_name};

pub(super) fn workers<V: View>(before: &V, after: &V, entries: &mut Vec<String>) {
    let by_name = |worker: WorkerView<'_>| (worker.seat.worker, Worker::of(&worker));
    for (id, (old, new)) in pairs(before.workers().map(by_name), after.workers().map(by_name)) {
        let state = |view: &V, worker: Option<Worker>| match (worker, view.highest(id)) {
            (Some(worker), _) => worker.state,
            (None, Some(_)) => WorkerState::Dead,
            (None, None) => WorkerState::Absent,
        };
        let (was, is) = (state(before, old), state(after, new));
        if let (Some(old), Some(new)) = (old, new)
            && old.seat != new.seat
        {
            entries.push(format!("{} → {}", old.seat, new.seat));
        }
        let Some(name) = new.or(old).map(|worker| seat_name(worker.seat)) else { continue };
        if was != is {
            entries.push(format!("{name}  {was} → {is}"));
        }
        let Some(new) = new else { continue };
        let had = old.map_or(Resources::NONE, |old| old.held);
        let as_listed = old.is_none_or(|old| listed(before, old.seat) == Some(old.held))
            && listed(after, new.seat) == Some(new.held);
        if had != new.held && !as_listed {
            entries.push(format!("{name}  held {had} → {}", new.held));
        }
    }
}

/// What is told of a worker.
#[derive(Clone, Copy)]
struct Worker {
    seat: Seat,
    state: WorkerState,
    held: Resources,
}

impl Worker {
    fn of(worker: &WorkerView<'_>) -> Self {
        Self { seat: worker.seat, state: worker.state, held: worker.held }
    }
}

/// The sum of the attempts of an incarnation that are not confirmed gone.
fn listed<V: View>(view: &V, seat: Seat) -> Option<Resources> {
    let mut sum = Resources::NONE;
    for job in view.jobs() {
        let attempts = view.tasks(job.id).flat_map(|task| view.attempts(task.id));
        for _ in attempts.filter(|attempt| attempt.seat == seat && !attempt.gone) {
            sum = sum.plus(job.terms.resources)?;
        }
    }
    Some(sum)
}

pub(super) fn slices<V: View>(before: &V, after: &V, entries: &mut Vec<String>) {
    let old = before.slices().map(|slice| (slice.id, slice));
    let new = after.slices().map(|slice| (slice.id, slice));
    for (id, (old, new)) in pairs(old, new) {
        let Some(new) = new else {
            entries.push(format!("{id}  gone"));
            continue;
        };
        let Some(old) = old else {
            entries.push(format!("{id}  created {}", vms(&new)));
            continue;
        };
        if old.closed != new.closed {
            entries.push(format!("{id}  {}", if new.closed { "closed" } else { "open again" }));
        }
        for (vm, states) in pairs(old.vms.iter().copied(), new.vms.iter().copied()) {
            let told = |state: Option<VmState>| {
                state.map_or("absent".to_owned(), |state| state.to_string())
            };
            if states.0 != states.1 {
                entries.push(format!("{vm}  {} → {}", told(states.0), told(states.1)));
            }
        }
    }
}

/// The machines of a new slice; those that wait for the provider, as is usual, by name only.
fn vms(slice: &SliceView<'_>) -> String {
    let waits = |state| state == VmState::Requesting;
    let name = |(vm, state): &(VmId, VmState)| {
        if waits(*state) { vm.to_string() } else { format!("{vm} {state}") }
    };
    let names: Vec<String> = slice.vms.iter().map(name).collect();
    let closed = if slice.closed { ", closed" } else { "" };
    format!("{{{}}}{closed}", names.join(", "))
}

/// What runs where, and what exited without the controller having recorded it.
pub(super) fn processes<V: View>(before: &V, after: &V, entries: &mut Vec<String>) {
    let exits = |view: &V| view.exits().collect::<BTreeSet<_>>();
    let (old_exits, new_exits) = (exits(before), exits(after));
    let mut exited: BTreeSet<_> = new_exits.difference(&old_exits).copied().collect();
    for (seat, (old, new)) in pairs(running(before).into_iter(), running(after).into_iter()) {
        let (old, new) = (old.unwrap_or_default(), new.unwrap_or_default());
        if old == new {
            continue;
        }
        let mut facts = vec![format!("{}  running {} → {}", seat_name(seat), set(&old), set(&new))];
        for (attempt, _) in old {
            if exited.remove(&(attempt, seat)) {
                facts.push(format!("{attempt} exited, not yet recorded"));
            }
        }
        entries.push(facts.join("; "));
    }
    for (attempt, _) in exited {
        entries.push(format!("{attempt}  exited, not yet recorded"));
    }
    for (attempt, _) in old_exits.difference(&new_exits) {
        // An end that was written down in this step is told with its attempt.
        let end = |view: &V| view.attempt(*attempt).map(|attempt| attempt.end);
        if end(before) == end(after) {
            entries.push(format!("{attempt}  its exit is awaited no more"));
        }
    }
}

type Running = Vec<(AttemptId, ProcessStage)>;

fn running<V: View>(view: &V) -> BTreeMap<Seat, Running> {
    let mut running: BTreeMap<Seat, Running> = BTreeMap::new();
    for process in view.processes() {
        running.entry(process.seat).or_default().push((process.attempt, process.stage));
    }
    for processes in running.values_mut() {
        processes.sort_unstable();
    }
    running
}

fn set(running: &[(AttemptId, ProcessStage)]) -> String {
    let names: Vec<String> = running
        .iter()
        .map(|(attempt, stage)| match stage {
            ProcessStage::Launching => format!("{attempt} launching"),
            ProcessStage::Alive => attempt.to_string(),
            ProcessStage::Stopping => format!("{attempt} stopping"),
        })
        .collect();
    format!("{{{}}}", names.join(", "))
}
