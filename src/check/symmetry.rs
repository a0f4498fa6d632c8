//! Workers that are equal but for their names: which state stands for all that differ in those.
//!
//! Machines never look at a name but to tell it from others, and what is equal to them is told
//! apart by a choice that comes in. Tasks are another matter: in a job the one with the lower
//! index is placed first, so no two of them can change places.

use std::hash::{Hash, Hasher};

use smallvec::SmallVec;

use crate::controller_sm::Renaming;
use crate::explore::{Symmetric, fingerprint};
use crate::model::id::{Seat, WorkerId};

use super::canon::{rename, renamed};
use super::model::ClusterModel;
use super::scope::{Scope, WorkerSpec};
use super::state::State;
use super::step::Machines;

/// Names that can be exchanged.
pub(super) type Alike = SmallVec<[WorkerId; 4]>;

/// The workers of a scope that are equal but for their names; sorted, two or more each.
pub(super) fn alike(scope: &Scope) -> Vec<Alike> {
    let mut all: Vec<(&WorkerSpec, Alike)> = Vec::new();
    for worker in &scope.workers {
        let is_like = |(other, _): &&mut (&WorkerSpec, Alike)| {
            let says = |it: &WorkerSpec| (it.total, it.registered);
            says(other) == says(worker) && other.attributes == worker.attributes
        };
        match all.iter_mut().find(is_like) {
            Some((_, names)) => names.push(worker.id),
            None => all.push((worker, SmallVec::from_slice(&[worker.id]))),
        }
    }
    all.into_iter().map(|(_, names)| names).filter(|names| names.len() > 1).collect()
}

impl<M: Machines> Symmetric for ClusterModel<M> {
    /// Of workers that are alike, what happens at the first comes before what happens at the
    /// second, in the order of its fingerprint.
    fn representative(&self, mut state: State) -> State {
        let mut names = Renaming::default();
        for alike in self.alike() {
            let mut sorted: SmallVec<[(u64, WorkerId); 4]> =
                alike.iter().map(|id| (fingerprint(&Everything(&state, *id)), *id)).collect();
            // Equal fingerprints: nothing tells the two apart, and the order is of no matter.
            sorted.sort_unstable();
            let moved = sorted.iter().zip(alike).filter(|((_, old), new)| old != *new);
            names.workers.extend(moved.map(|((_, old), new)| (*old, *new)));
        }
        if !names.workers.is_empty() {
            rename(&mut state, &names);
        }
        state
    }
}

/// All that a state says of a worker, its name left out.
struct Everything<'a>(&'a State, WorkerId);

impl Hash for Everything<'_> {
    fn hash<H: Hasher>(&self, out: &mut H) {
        let Self(state, id) = *self;
        let here = |seat: Seat| seat.worker == id;
        if let Some(node) = state.node(id) {
            (node.last, &node.processes).hash(out);
            (node.missed, node.at_risk, node.cut_to, node.cut_from).hash(out);
            if let Some(worker) = &node.worker {
                (worker.seat().incarnation, worker.clock(), worker.lease()).hash(out);
                (worker.entries(), worker.carried()).hash(out);
            }
        }
        state.controller.workers().filter(|row| row.0 == id).for_each(|row| row.1.hash(out));
        for (job, record) in state.controller.jobs() {
            for (index, task) in (0_u16..).zip(&record.tasks) {
                for (number, attempt) in (0_u16..).zip(&task.attempts) {
                    if here(attempt.seat) {
                        (job, index, number, attempt.seat.incarnation).hash(out);
                    }
                }
                if task.avoid == Some(id) {
                    (job, index).hash(out);
                }
            }
        }
        let workers = SmallVec::from_slice(&[(id, WorkerId(0))]);
        let nameless = Renaming { workers, ..Renaming::default() };
        for message in state.net.iter().filter(|message| here(message.seat())) {
            renamed(&nameless, *message).hash(out);
        }
        let strays = state.strays.iter().map(|beat| (0, beat));
        let beats = strays.chain(state.beats.iter().map(|beat| (1, beat)));
        for (kind, beat) in beats.filter(|(_, beat)| here(beat.seat)) {
            (kind, beat.seat.incarnation, beat.clock, &beat.running, &beat.finished).hash(out);
        }
        for (seat, reply) in state.answers.iter().filter(|row| here(row.0)) {
            (2, seat.incarnation, reply).hash(out);
        }
        for (attempt, seat) in state.exits.iter().filter(|row| here(row.1)) {
            (3, attempt, seat.incarnation).hash(out);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use stateright::Model;

    use super::*;
    use crate::explore::Subject;

    /// A scope of three equal workers beside the standard ones.
    const THREE: &str = r#"
        name = "three"
        about = "three workers, two tasks"
        launches = "one_step"
        [policy_with]
        delivery_tries = 2
        quarantine_after = 1
        [[workers]]
        count = 3
        [[jobs]]
        replicas = 2
        max_retries_failure = 1
        max_retries_preemption = 1
        max_dispatch_failures = 1
        [faults]
        any = 2
        kinds = ["run_lost", "run_late", "kill_lost", "report_lost", "beat_lost", "beat_late",
                 "worker_crash", "exit_error", "cut_to_worker", "controller_crash"]
    "#;

    fn scopes() -> Vec<Scope> {
        let three = Scope::parse(THREE, "three").unwrap_or_else(|bad| panic!("{bad}"));
        let all = Scope::standard().into_iter().chain([three]);
        all.filter(|scope| !alike(scope).is_empty()).collect()
    }

    /// What a state comes to for whoever cannot tell the step that led to it but by its claims.
    fn seen(model: &ClusterModel, state: &State) -> (u64, u64, u64) {
        (fingerprint(state), model.broken(state), model.broken_by_step(state))
    }

    fn successors(model: &ClusterModel, state: &State) -> Vec<State> {
        let mut acts = Vec::new();
        model.actions(state, &mut acts);
        acts.into_iter().filter_map(|act| model.next_state(state, act)).collect()
    }

    /// Some states of a scope: every third of those that are found, so that they get deep.
    fn some_states(model: &ClusterModel, most: usize) -> Vec<State> {
        let mut states = model.init_states();
        let (mut known, mut next) = (BTreeSet::new(), 0);
        while next < states.len() && next < most {
            for state in successors(model, &states[next]) {
                if known.insert(fingerprint(&state)) && known.len() % 3 == 0 {
                    states.push(state);
                }
            }
            next += 1;
        }
        states
    }

    #[test]
    fn workers_that_are_alike_can_change_places() {
        let scopes = scopes();
        assert!(scopes.len() > 3, "only {} scopes have equal workers", scopes.len());
        for scope in scopes {
            let model = ClusterModel::new(scope);
            let states = some_states(&model, 6_000);
            for state in &states[..states.len().min(6_000)] {
                let ways = successors(&model, state);
                for pair in model.alike().iter().flat_map(|names| names.windows(2)) {
                    let workers = SmallVec::from_slice(&[(pair[0], pair[1]), (pair[1], pair[0])]);
                    let names = Renaming { workers, ..Renaming::default() };
                    let swapped = |state: &State| {
                        let mut state = state.clone();
                        rename(&mut state, &names);
                        state
                    };
                    let image = swapped(state);
                    let after = |states: &[State]| -> BTreeSet<_> {
                        states.iter().map(|state| seen(&model, state)).collect()
                    };
                    let images: Vec<State> = ways.iter().map(swapped).collect();
                    assert_eq!(after(&images), after(&successors(&model, &image)));
                    let (one, other) = (state.clone(), image);
                    assert!(model.representative(one) == model.representative(other));
                }
            }
        }
    }
}
