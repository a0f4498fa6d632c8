//! Where a step may have to tell equals apart, every way of it: scripts for the chooser.

use crate::controller_sm::Standing;
use crate::model::id::{AttemptId, WorkerId};
use crate::model::operation::{Fate, Operation, RunFate};
use crate::model::scheduler::Chooser;
use crate::model::timer::Timer;
use crate::model::wire::RunAnswer;
use crate::model::worker::{Reasons, WorkerState};
use crate::worker_sm::Local;

use super::state::{Message, State};
use super::world::listened;

/// Offers every script of a step. `taken` takes the step by a script and answers with the chooser
/// as it was left, or nothing where the step is impossible.
pub(super) fn scripts(
    state: &State,
    operation: Operation,
    taken: impl Fn(u64) -> Option<Chooser>,
    mut offer: impl FnMut(u64),
) {
    offer(0);
    if !may_choose(state, operation) {
        return;
    }
    let mut script = 0;
    while let Some(next) = taken(script).and_then(|chooser| chooser.next_script(script)) {
        offer(next);
        script = next;
    }
}

/// Whether the step may have to tell equals apart: a task may be placed, and two workers may be
/// HEALTHY. Taking a step to find out costs as much as the step.
fn may_choose(state: &State, operation: Operation) -> bool {
    state.up && candidates(state, operation) > 1 && may_place(state, operation)
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
fn candidates(state: &State, operation: Operation) -> usize {
    let beating = beating(operation);
    let able = |(id, slot): &(WorkerId, &crate::controller_sm::Slot)| {
        let reasons = slot.live.as_ref().map(|worker| worker.state.reasons());
        reasons == Some(Reasons::NONE) || Some(*id) == beating
    };
    let known = state.controller.workers().filter(able).count();
    let new = beating.is_some_and(|id| state.controller.highest(id).is_none());
    known + usize::from(new)
}

/// Whether the step may place a task.
fn may_place(state: &State, operation: Operation) -> bool {
    if let Some(id) = beating(operation) {
        // One that only says again what is known lets nothing be placed that was not before.
        let one_step = matches!(operation, Operation::Beat(..));
        let heals = state.controller.worker_state(id) != WorkerState::Healthy;
        return !one_step || heals || has_news(state, id);
    }
    if let Operation::Run(id, fate) = operation {
        let fails = !matches!(fate, RunFate::Arrives | RunFate::Duplicated);
        return fails && (fate == RunFate::Unexpected || is_last_try(state, id));
    }
    if let Operation::RunAnswer(id, Fate::Done) = operation {
        let accepts = |message: &Message| {
            let answer = |answer: &RunAnswer| matches!(answer, RunAnswer::Accepted(_));
            matches!(message, Message::RunAnswer { attempt, answer: said, .. }
                if *attempt == id && answer(said))
        };
        return !state.net.iter().any(accepts);
    }
    if let Operation::FinalReport(_, fate) = operation {
        return fate != Fate::RequestLost;
    }
    matches!(
        operation,
        Operation::Submit(_)
            | Operation::RunAnswer(..)
            | Operation::Kill(_, Fate::Done)
            | Operation::SlicePreempted(_)
            | Operation::SliceTerminated(_)
            | Operation::Fires(Timer::Dead(_))
    )
}

/// Whether no try of a delivery follows this one.
fn is_last_try(state: &State, id: AttemptId) -> bool {
    let standing = state.controller.attempt(id).map(|attempt| attempt.standing);
    let tries = state.controller.policy().delivery_tries;
    matches!(standing, Some(Standing::Offered(delivery)) if delivery.tries >= tries)
}

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
                    let taken =
                        |choice| model.taken(&state, Act { operation, choice, dies: false });
                    scripts(&state, operation, taken, |choice| {
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
