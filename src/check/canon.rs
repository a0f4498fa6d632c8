//! The canonical form of a state: what differs in names only, or in what nobody will ever ask for,
//! becomes equal. Claims are judged before this.

use std::sync::Arc;

use smallvec::SmallVec;

use crate::controller_sm::{Attempt, Renaming, Standing, rank};
use crate::model::id::{AttemptId, Incarnation, Seat, SliceId, TaskId, VmId, WorkerId};
use crate::model::view::View;
use crate::model::wire::{Clock, Heartbeat, RunAnswer, Word};
use crate::worker_sm::{Lease, Local};

use super::state::{Message, State};
use super::touched;
use super::world::listened;

type Numbers = SmallVec<[u16; 4]>;

/// Makes a state canonical; answers the new names that it gave.
pub(super) fn canonicalize(state: &mut State) -> Renaming {
    named_anew(state, |_| true)
}

/// The same for what one worker has of a state: what others mention is not there, and stays.
pub(super) fn canonicalize_part(state: &mut State, of: WorkerId) -> Renaming {
    named_anew(state, |id| id == of)
}

/// Makes canonical what these workers have.
fn named_anew(state: &mut State, whose: impl Fn(WorkerId) -> bool) -> Renaming {
    prune(state);
    let mut names = Renaming { attempts: attempts(state, &whose), ..Renaming::default() };
    names.incarnations = incarnations(state, &names, &whose);
    names.clocks = clocks(state);
    names.vms = vms(state, &names);
    names.slices = slices(state);
    if !names.is_identity() {
        forget(state, &names);
        rename(state, &names);
    }
    names
}

/// Takes out what can have no effect any more.
pub(super) fn prune(state: &mut State) {
    let controller = &state.controller;
    let live = |id: AttemptId| controller.attempt(id).is_some_and(Attempt::is_live);
    let is_gone = |id: AttemptId| controller.attempt(id).is_none_or(Attempt::is_gone);
    state.exits.retain(|(id, _)| live(*id));
    // What was meant for a former incarnation is refused or dropped without effect, and what it
    // says in a heartbeat nobody hears.
    let nodes = &state.nodes;
    let last = |id: WorkerId| nodes.iter().find(|node| node.id == id).map(|node| node.last);
    state.net.retain(|message| match message {
        Message::Run { awaited: false, seat, .. } => last(seat.worker) == Some(seat.incarnation),
        Message::Kill(kill) => {
            last(kill.seat.worker) == Some(kill.seat.incarnation) && !is_gone(kill.attempt)
        }
        Message::Run { .. } | Message::RunAnswer { .. } => true,
        Message::Report(report) => {
            let known = controller.attempt(report.attempt);
            match report.word {
                // Of one that is over it tells nothing.
                Word::Phase(_) => known.is_some_and(Attempt::is_live),
                // Where no report comes twice, what is confirmed gone needs no further word: a
                // heartbeat gets it acknowledged.
                Word::Final(_) => {
                    let asks = last(report.seat.worker) == Some(report.seat.incarnation);
                    (state.reports_repeat && asks) || known.is_some_and(|a| !a.is_gone())
                }
            }
        }
    });
    let highest = |id| controller.highest(id).unwrap_or(Incarnation(0));
    state.strays.retain(|beat| beat.seat.incarnation >= highest(beat.seat.worker));
    for at in 0..state.nodes.len() {
        let node = &state.nodes[at];
        let missed = node.missed && listened(state, node.id).is_some();
        let at_risk = node.at_risk
            && node.worker.as_ref().is_some_and(|worker| worker.lease() != Lease::Lost);
        if (missed, at_risk) != (node.missed, node.at_risk) {
            let node = Arc::make_mut(&mut state.nodes[at]);
            (node.missed, node.at_risk) = (missed, at_risk);
        }
    }
}

/// Whether anything but the controller's record still speaks of an attempt.
fn is_mentioned(state: &State, id: AttemptId) -> bool {
    let in_beat = |beat: &Heartbeat| {
        beat.running.iter().any(|(a, _)| *a == id) || beat.finished.iter().any(|(a, _)| *a == id)
    };
    let at_node = |node: &Arc<super::state::Node>| {
        node.processes.iter().any(|process| process.attempt == id)
            || node.worker.as_ref().is_some_and(|worker| {
                let remembered = worker.local(id);
                let over = matches!(remembered, None | Some(Local::Done { listed: false, .. }));
                !over || worker.carried().iter().any(|(a, _)| *a == id)
            })
    };
    state.net.iter().any(|message| message.attempt() == id)
        || state.nodes.iter().any(at_node)
        || state.strays.iter().chain(&state.beats).any(in_beat)
        || state.answers.iter().any(|(_, reply)| {
            reply.acked.contains(&id) || reply.stop.contains(&id) || reply.fence.contains(&id)
        })
}

/// Attempts that stay, of the tasks of which one goes.
fn attempts(state: &State, whose: impl Fn(WorkerId) -> bool) -> SmallVec<[(TaskId, Numbers); 2]> {
    let mut renamed = SmallVec::new();
    for (job, record) in state.controller.jobs() {
        for (index, task) in (0..).zip(&record.tasks) {
            if !task.attempts.iter().any(Attempt::is_gone) {
                continue;
            }
            let id = job.task(index);
            let stays = |number: &u16| {
                let attempt = &task.attempts[usize::from(*number)];
                !attempt.is_gone()
                    || !whose(attempt.seat.worker)
                    || is_mentioned(state, id.attempt(*number))
            };
            let count = u16::try_from(task.attempts.len()).unwrap_or(u16::MAX);
            let kept: Numbers = (0..count).filter(stays).collect();
            if kept.len() < task.attempts.len() {
                renamed.push((id, kept));
            }
        }
    }
    renamed
}

fn note<T: Ord>(values: &mut SmallVec<[T; 4]>, value: T) {
    if let Err(at) = values.binary_search(&value) {
        values.insert(at, value);
    }
}

/// The seats of the attempts that stay.
fn attempt_seats(state: &State, names: &Renaming, mut see: impl FnMut(Seat)) {
    for (job, record) in state.controller.jobs() {
        for (index, task) in (0..).zip(&record.tasks) {
            for (number, attempt) in (0..).zip(&task.attempts) {
                if names.attempt(job.task(index).attempt(number)).is_some() {
                    see(attempt.seat);
                }
            }
        }
    }
}

/// Every seat that is mentioned anywhere.
fn each_seat(state: &State, names: &Renaming, mut see: impl FnMut(Seat)) {
    for (worker, slot) in state.controller.workers() {
        see(Seat { worker, incarnation: slot.highest });
    }
    attempt_seats(state, names, &mut see);
    state.nodes.iter().for_each(|node| see(node.seat()));
    state.net.iter().for_each(|message| see(message.seat()));
    state.strays.iter().chain(&state.beats).for_each(|beat| see(beat.seat));
    state.answers.iter().for_each(|(seat, _)| see(*seat));
}

/// Incarnations of the workers whose incarnations are not dense from 1.
fn incarnations(
    state: &State,
    names: &Renaming,
    whose: impl Fn(WorkerId) -> bool,
) -> SmallVec<[(WorkerId, SmallVec<[Incarnation; 4]>); 2]> {
    // Nearly always they are dense, and a set of bits tells: the n-th stands for n + 1.
    let mut sets: SmallVec<[(WorkerId, u64); 4]> = SmallVec::new();
    let mut dense = true;
    each_seat(state, names, |seat| {
        let bit = match seat.incarnation.0 {
            0 => return,
            n @ 1..=64 => 1 << (n - 1),
            _ => return dense = false,
        };
        if !whose(seat.worker) {
            return;
        }
        match sets.iter_mut().find(|(id, _)| *id == seat.worker) {
            Some((_, set)) => *set |= bit,
            None => sets.push((seat.worker, bit)),
        }
    });
    if dense && sets.iter().all(|(_, set)| set & set.wrapping_add(1) == 0) {
        return SmallVec::new();
    }
    let mut all: SmallVec<[(WorkerId, SmallVec<[Incarnation; 4]>); 2]> = SmallVec::new();
    each_seat(state, names, |seat| {
        if seat.incarnation.0 == 0 || !whose(seat.worker) {
            return;
        }
        match all.iter_mut().find(|(id, _)| *id == seat.worker) {
            Some((_, values)) => note(values, seat.incarnation),
            None => all.push((seat.worker, SmallVec::from_slice(&[seat.incarnation]))),
        }
    });
    all.retain(|(_, values)| (1..).zip(values.iter()).any(|(rank, i)| i.0 != rank));
    all
}

/// Clock values of the heartbeats under way, of the workers of which some value is higher than it
/// need be. Nothing else is ever compared with a clock: a heartbeat that is still to be built is
/// later than everything.
fn clocks(state: &State) -> SmallVec<[(WorkerId, SmallVec<[Clock; 4]>); 2]> {
    let mut renamed = SmallVec::new();
    for node in &state.nodes {
        let id = node.id;
        let mut marks = SmallVec::new();
        for beat in state.strays.iter().chain(&state.beats).filter(|b| b.seat.worker == id) {
            note(&mut marks, beat.clock);
        }
        let mut changes = false;
        let mut see = |clock: Clock| changes |= rank(&marks, clock) != clock;
        node.worker.iter().for_each(|worker| see(worker.clock()));
        marks.iter().for_each(|clock| see(*clock));
        for (_, job) in state.controller.jobs() {
            for attempt in job.tasks.iter().filter_map(|task| task.attempts.last()) {
                if let Standing::Accepted(clock) = attempt.standing
                    && attempt.seat.worker == id
                {
                    see(clock);
                }
            }
        }
        for message in state.net.iter().filter(|message| message.seat().worker == id) {
            match message {
                Message::RunAnswer { answer: RunAnswer::Accepted(clock), .. } => see(*clock),
                Message::Report(report) => see(report.clock),
                Message::Run { .. } | Message::RunAnswer { .. } | Message::Kill(_) => {}
            }
        }
        if changes {
            renamed.push((id, marks));
        }
    }
    renamed
}

/// VMs that stay, if some of those ever numbered are gone for good.
fn vms(state: &State, names: &Renaming) -> Option<(u32, SmallVec<[VmId; 4]>)> {
    let (first, next) = state.controller.vm_numbers();
    if first == next {
        return None;
    }
    let mut kept = SmallVec::new();
    let mut see = |id: WorkerId| {
        if id.0 >= first {
            note(&mut kept, VmId(id.0));
        }
    };
    for (_, slice) in state.controller.slices() {
        slice.vms.iter().for_each(|(vm, _)| see(vm.worker()));
    }
    state.cloud.iter().flat_map(|cloud| &cloud.vms).for_each(|vm| see(vm.id.worker()));
    state.nodes.iter().for_each(|node| see(node.id));
    state.net.iter().for_each(|message| see(message.seat().worker));
    state.strays.iter().chain(&state.beats).for_each(|beat| see(beat.seat.worker));
    attempt_seats(state, names, |seat| see(seat.worker));
    let dense = u32::try_from(kept.len()).ok() == Some(next - first);
    (!dense).then_some((first, kept))
}

/// Slices that stay, if some of those ever numbered are gone for good.
fn slices(state: &State) -> Option<SmallVec<[SliceId; 4]>> {
    let numbered: u32 = state.controller.groups().map(|(_, group)| group.next_slice - 1).sum();
    let mut kept = SmallVec::new();
    state.controller.slices().for_each(|(id, _)| note(&mut kept, id));
    state.cloud.iter().for_each(|cloud| note(&mut kept, cloud.id));
    (u32::try_from(kept.len()).ok() != Some(numbered)).then_some(kept)
}

/// Counts the ends of the attempts that go, so that the counters can still be checked: only those
/// that the policy charges, because what no counter counts would tell equal states apart.
fn forget(state: &mut State, names: &Renaming) {
    for (task, kept) in &names.attempts {
        let Some(record) = state.controller.task(*task) else { continue };
        let mut tally = crate::model::budget::Tally::default();
        for (number, attempt) in (0..).zip(&record.attempts) {
            if let Standing::Ended { outcome, cause, .. } = attempt.standing
                && !kept.contains(&number)
                && let Some(budget) = cause.charges(outcome)
                && state.charges(budget)
            {
                tally.charge(budget);
            }
        }
        if tally == crate::model::budget::Tally::default() {
            continue;
        }
        let at = state.forgotten.partition_point(|(other, _)| other < task);
        if state.forgotten.get(at).is_none_or(|(other, _)| other != task) {
            state.forgotten.insert(at, (*task, crate::model::budget::Tally::default()));
        }
        let (_, sum) = &mut state.forgotten[at];
        sum.failure += tally.failure;
        sum.delivery += tally.delivery;
        sum.preemption += tally.preemption;
    }
}

pub(super) fn rename(state: &mut State, names: &Renaming) {
    if touched::controller(names, &state.controller) {
        Arc::make_mut(&mut state.controller).rename(names);
    }
    for node in state.nodes.iter_mut().filter(|node| touched::node(names, node)) {
        let node = Arc::make_mut(node);
        let old = node.id;
        if let Some(worker) = &mut node.worker {
            let clock = names.clock(old, worker.clock());
            worker.rename(names.seat(worker.seat()), clock, |id| names.attempt(id));
        }
        let seat = names.seat(node.seat());
        (node.id, node.last) = (seat.worker, seat.incarnation);
        for process in &mut node.processes {
            process.attempt = kept(names, process.attempt);
        }
        node.processes.sort_unstable();
    }
    for message in &mut state.net {
        *message = renamed(names, *message);
    }
    state.net.sort_unstable();
    let beats = state.strays.iter_mut().chain(&mut state.beats);
    beats.for_each(|beat| rename_beat(names, beat));
    for (seat, reply) in &mut state.answers {
        *seat = names.seat(*seat);
        for ids in [&mut reply.acked, &mut reply.stop, &mut reply.fence] {
            ids.iter_mut().for_each(|id| *id = kept(names, *id));
            ids.sort_unstable();
        }
    }
    for cloud in &mut state.cloud {
        cloud.id = names.slice(cloud.id);
        cloud.vms.iter_mut().for_each(|vm| vm.id = names.vm(vm.id));
    }
    let started = std::mem::take(&mut state.started);
    state.started = started.into_iter().filter_map(|id| names.attempt(id)).collect();
    for (id, seat) in &mut state.exits {
        (*id, *seat) = (kept(names, *id), names.seat(*seat));
    }
    if !names.workers.is_empty() {
        state.nodes.sort_unstable_by_key(|node| node.id);
        state.strays.sort_unstable();
        state.beats.sort_unstable();
        state.answers.sort_unstable();
    }
    if !names.tasks.is_empty() {
        state.forgotten.iter_mut().for_each(|(task, _)| *task = names.task(*task));
        state.forgotten.sort_unstable_by_key(|row| row.0);
        state.started.sort_unstable();
    }
    state.exits.sort_unstable();
}

fn kept(names: &Renaming, id: AttemptId) -> AttemptId {
    names.attempt(id).expect("invariant: an attempt that is mentioned stays")
}

fn rename_beat(names: &Renaming, beat: &mut Heartbeat) {
    beat.clock = names.clock(beat.seat.worker, beat.clock);
    beat.seat = names.seat(beat.seat);
    beat.running.iter_mut().for_each(|(id, _)| *id = kept(names, *id));
    beat.finished.iter_mut().for_each(|(id, _)| *id = kept(names, *id));
    beat.running.sort_unstable();
    beat.finished.sort_unstable();
}

pub(super) fn renamed(names: &Renaming, message: Message) -> Message {
    let attempt = kept(names, message.attempt());
    let old = message.seat();
    let seat = names.seat(old);
    match message {
        Message::Run { awaited, .. } => Message::Run { attempt, seat, awaited },
        Message::RunAnswer { answer, .. } => {
            let answer = match answer {
                RunAnswer::Accepted(c) => RunAnswer::Accepted(names.clock(old.worker, c)),
                RunAnswer::Refused | RunAnswer::NotNow => answer,
            };
            Message::RunAnswer { attempt, seat, answer }
        }
        Message::Kill(mut kill) => {
            (kill.attempt, kill.seat) = (attempt, seat);
            Message::Kill(kill)
        }
        Message::Report(mut report) => {
            report.clock = names.clock(old.worker, report.clock);
            (report.attempt, report.seat) = (attempt, seat);
            Message::Report(report)
        }
    }
}
