//! Where a step may have to tell equals apart, every way of it: scripts for the chooser. More are
//! offered than there are ways; a script with a digit too many is no step.

use crate::model::id::{AttemptId, WorkerId};
use crate::model::operation::{Fate, Operation, RunFate};
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

/// The worker whose heartbeat reaches the controller in the step.
fn beating(operation: Operation) -> Option<WorkerId> {
    if let Operation::Beat(id, fate) | Operation::BeatArrives(id, fate) = operation {
        let arrives = !matches!(fate, Fate::RequestLost | Fate::Late);
        return arrives.then_some(id);
    }
    if let Operation::StrayBeat(id, Fate::Done) = operation {
        return Some(id);
    }
    None
}

/// How many workers may be HEALTHY in the step.
fn candidates(state: &State, operation: Operation) -> u64 {
    let beating = beating(operation);
    let able = |(id, slot): &(WorkerId, &crate::controller_sm::Slot)| {
        let reasons = slot.live.as_ref().map(|worker| worker.state.reasons());
        reasons == Some(Reasons::NONE) || Some(*id) == beating
    };
    let known = state.controller.workers().filter(able).count() as u64;
    let new = beating.is_some_and(|id| state.controller.highest(id).is_none());
    known + u64::from(new)
}

/// How many tasks may be placed in the step, at most.
fn placeable(state: &State, operation: Operation) -> usize {
    if !state.up {
        return 0;
    }
    if let Operation::Submit(_) = operation {
        return MOST;
    }
    let waiting = state.controller.waiting();
    let jobs = state.controller.jobs().map(|(_, job)| job.census());
    let unfinished: usize =
        jobs.map(|census| usize::from(census.pending() + census.active())).sum();
    let all = unfinished.min(MOST);
    if let Some(id) = beating(operation) {
        // One that only says again what is known lets nothing be placed that was not before.
        let one_step = matches!(operation, Operation::Beat(..));
        return if one_step && waiting == 0 && !has_news(state, id) { 0 } else { all };
    }
    match back(state, operation) {
        Some(tasks) => (waiting + tasks).min(all),
        None => 0,
    }
}

/// As many choices as a script is made for.
const MOST: usize = 4;

/// Whether a worker's heartbeat would say anything of attempts that are over, or of a new
/// incarnation.
fn has_news(state: &State, id: WorkerId) -> bool {
    let worker = state.node(id).and_then(|node| node.worker.as_ref());
    worker.is_some_and(|worker| {
        let listed = |local| matches!(local, Local::Done { listed: true, .. });
        !worker.carried().is_empty()
            || worker.entries().iter().any(|entry| listed(entry.local))
            || listened(state, id) != Some(worker.seat())
    })
}

/// How many tasks may come back, or get room, by what the controller hears in the step; nothing if
/// it hears nothing that could.
fn back(state: &State, operation: Operation) -> Option<usize> {
    if let Operation::Run(id, fate) = operation {
        let fails = !matches!(fate, RunFate::Arrives | RunFate::Duplicated);
        return fails.then(|| members(state, id));
    }
    if let Operation::FinalReport(id, fate) = operation {
        return (fate != Fate::RequestLost).then(|| members(state, id));
    }
    if let Operation::RunAnswer(id, _) | Operation::Kill(id, Fate::Done) = operation {
        return Some(members(state, id));
    }
    let many = matches!(
        operation,
        Operation::SlicePreempted(_)
            | Operation::SliceTerminated(_)
            | Operation::Fires(Timer::Dead(_))
    );
    many.then_some(MOST)
}

/// The tasks that go back with one.
fn members(state: &State, id: AttemptId) -> usize {
    let gang = state.controller.job(id.task.job).filter(|job| job.terms.is_gang());
    gang.map_or(1, |job| job.tasks.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{ClusterModel, Scope, actions::Offered};
    use crate::model::operation::Act;
    use stateright::Model;

    fn fingerprint(state: &State) -> u64 {
        let mut hasher = std::hash::DefaultHasher::new();
        std::hash::Hash::hash(state, &mut hasher);
        std::hash::Hasher::finish(&hasher)
    }

    /// Every script of four digits that is a step of its own.
    fn exact(model: &ClusterModel, state: &State, operation: Operation) -> Vec<u64> {
        let workers = state.nodes.len() as u64;
        let all = (0..workers.pow(4)).map(|n| {
            (0..4)
                .fold(0, |script, digit| script | (n / workers.pow(digit) % workers) << (4 * digit))
        });
        let step = |choice: &u64| {
            model.step(state, Act { operation, choice: *choice, dies: false }).is_some()
        };
        let mut scripts: Vec<u64> = all.filter(step).collect();
        scripts.sort_unstable();
        scripts
    }

    #[test]
    fn every_way_to_tell_equals_apart_is_offered() {
        for name in ["gang", "crash", "mix.wide"] {
            let model = ClusterModel::new(Scope::named(name).expect("a standard scope"));
            let mut states = model.init_states();
            let mut known = std::collections::BTreeSet::new();
            let mut next = 0;
            while next < states.len() && next < 4_000 {
                let state = states[next].clone();
                next += 1;
                for operation in Offered::all(model.scope(), &state) {
                    let mut offered = Vec::new();
                    scripts(&state, operation, |choice| {
                        let act = Act { operation, choice, dies: false };
                        if let Some(after) = model.next_state(&state, act) {
                            offered.push(choice);
                            // Every third state, so that the walk gets deep.
                            if known.insert(fingerprint(&after)) && known.len() % 3 == 0 {
                                states.push(after);
                            }
                        }
                    });
                    offered.sort_unstable();
                    assert_eq!(offered, exact(&model, &state, operation), "{operation:?}");
                }
            }
        }
    }
}
