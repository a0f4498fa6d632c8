//! Where a step may have to tell equals apart, every way of it: scripts for the chooser. More are
//! offered than there are ways; a script with a digit too many is no step.

use crate::model::id::{AttemptId, WorkerId};
use crate::model::operation::{Fate, Operation, RunFate};
use crate::model::task::TaskState;
use crate::model::timer::Timer;
use crate::model::worker::Reasons;
use crate::worker_sm::Local;

use super::state::State;
use super::world::listened;

/// Offers every script that the step may need.
pub(super) fn scripts(state: &State, operation: Operation, mut offer: impl FnMut(u64)) {
    let workers = candidates(state, operation);
    let tasks = if workers < 2 { 0 } else { placeable(state, operation) };
    let mut script: u64 = 0;
    loop {
        offer(script);
        // The next script: digits below the number of workers, as many as there are tasks.
        let mut at = 0;
        loop {
            if at == tasks {
                return;
            }
            let digit = script >> (4 * at) & 15;
            if digit + 1 < workers {
                script += 1 << (4 * at);
                break;
            }
            script &= !(15 << (4 * at));
            at += 1;
        }
    }
}

/// How many workers may be HEALTHY in the step.
fn candidates(state: &State, operation: Operation) -> u64 {
    let beating = match operation {
        Operation::Beat(id, _) | Operation::StrayBeat(id, _) | Operation::BeatArrives(id, _) => {
            Some(id)
        }
        _ => None,
    };
    let able = |(id, slot): &(WorkerId, &crate::controller_sm::Slot)| {
        let reasons = slot.live.as_ref().map(|worker| worker.state.reasons());
        reasons == Some(Reasons::NONE) || Some(*id) == beating
    };
    let known = state.controller.workers().filter(able).count();
    let new = beating.is_some_and(|id| state.controller.highest(id).is_none());
    known as u64 + u64::from(new)
}

/// How many tasks may be placed in the step.
fn placeable(state: &State, operation: Operation) -> usize {
    if !state.up {
        return 0;
    }
    let waiting = state.controller.waiting();
    let jobs = || state.controller.jobs().map(|(_, job)| job);
    let unfinished = jobs().map(|job| usize::from(job.census().pending() + job.census().active()));
    let unfinished: usize = unfinished.sum();
    match operation {
        Operation::Submit(job) => {
            let _ = job;
            waiting + 4
        }
        Operation::Run(id, fate) => match fate {
            RunFate::Arrives | RunFate::Duplicated => 0,
            RunFate::NotSent | RunFate::Lost | RunFate::Unexpected | RunFate::Late => {
                back(state, id, waiting)
            }
        },
        Operation::RunAnswer(id, _) | Operation::Kill(id, Fate::Done) => back(state, id, waiting),
        Operation::FinalReport(id, fate) if fate != Fate::RequestLost => back(state, id, waiting),
        Operation::Beat(id, fate) if fate != Fate::RequestLost && fate != Fate::Late => {
            let node = state.node(id).and_then(|node| node.worker.as_ref());
            let news = node.is_some_and(|worker| {
                let listed = |local| matches!(local, Local::Done { listed: true, .. });
                !worker.carried().is_empty()
                    || worker.entries().iter().any(|entry| listed(entry.local))
                    || listed_seat(state, id) != Some(worker.seat())
            });
            if news || waiting > 0 { unfinished } else { 0 }
        }
        Operation::StrayBeat(..) | Operation::BeatArrives(..) | Operation::SlicePreempted(_) => {
            unfinished
        }
        Operation::Fires(Timer::Dead(_) | Timer::Quarantine(_)) => unfinished,
        Operation::SliceTerminated(_) => unfinished,
        _ => 0,
    }
    .min(unfinished.max(4))
}

fn listed_seat(state: &State, id: WorkerId) -> Option<crate::model::id::Seat> {
    listened(state, id)
}

/// Tasks that may be placed when one attempt ends or is confirmed gone.
fn back(state: &State, id: AttemptId, waiting: usize) -> usize {
    let gang = state.controller.job(id.task.job).filter(|job| job.terms.is_gang());
    let own = gang.map_or(1, |job| job.tasks.len());
    let _ = TaskState::Pending;
    waiting + own
}
