//! Simpler clusters.

use crate::conform::run::{GroupShape, PolicyShape, Run, Shape, WorkerShape};
use crate::model::id::{GroupId, VmId};

use super::names::Renaming;
use super::{coarser, shorter};

/// The first machine of the groups: they are numbered on from the workers that belong to none.
pub(super) fn first_vm(shape: &Shape) -> VmId {
    let workers = u32::try_from(shape.workers.len()).expect("invariant: there are a few workers");
    VmId(workers + 1)
}

/// Each with one thing simpler, simplest first; what is done to what is gone goes with it.
pub(super) fn simpler(run: &Run) -> Vec<Run> {
    let mut all = fewer(run);
    let mut of_shape = |shape| all.push(Run { shape, ..run.clone() });
    for policy in policies(run.shape.policy) {
        of_shape(Shape { policy, ..run.shape.clone() });
    }
    for (at, worker) in run.shape.workers.iter().enumerate() {
        for worker in workers(worker) {
            let mut shape = run.shape.clone();
            shape.workers[at] = worker;
            of_shape(shape);
        }
    }
    for (at, group) in run.shape.groups.iter().enumerate() {
        for group in groups(group) {
            let mut shape = run.shape.clone();
            shape.groups[at] = group;
            of_shape(shape);
        }
    }
    if run.seed != 0 {
        all.push(Run { seed: 0, ..run.clone() });
    }
    all
}

/// Without one of the groups, or of the workers; the last first, so that the others keep their
/// names.
fn fewer(run: &Run) -> Vec<Run> {
    let first_vm = first_vm(&run.shape).0;
    let mut all = Vec::new();
    let groups = (1..).map(GroupId).take(run.shape.groups.len());
    for (at, group) in groups.enumerate().collect::<Vec<_>>().into_iter().rev() {
        let mut shape = run.shape.clone();
        shape.groups.remove(at);
        all.push((shape, Renaming { group: Some(group), first_vm, ..Renaming::default() }));
    }
    let workers: Vec<_> = run.shape.worker_ids().map(|(id, _)| id).collect();
    for (at, worker) in workers.into_iter().enumerate().rev() {
        let mut shape = run.shape.clone();
        shape.workers.remove(at);
        all.push((shape, Renaming { worker: Some(worker), first_vm, ..Renaming::default() }));
    }
    let renamed = all.into_iter();
    renamed
        .map(|(shape, renaming)| Run { steps: renaming.steps(&run.steps), shape, ..run.clone() })
        .collect()
}

/// The usual one, then with one field less that is not usual.
fn policies(policy: PolicyShape) -> Vec<PolicyShape> {
    let local = PolicyShape::default();
    let Ok(serde_json::Value::Object(fields)) = serde_json::to_value(policy) else {
        unreachable!("invariant: a policy is kept as what is not usual in it, by field");
    };
    let without = fields.keys().map(|field| {
        let mut fields = fields.clone();
        fields.remove(field);
        let policy = serde_json::from_value(serde_json::Value::Object(fields));
        policy.expect("invariant: any of the fields may be left out")
    });
    let valid = without.filter(|simpler: &PolicyShape| simpler.0.validate().is_ok());
    let mut all: Vec<PolicyShape> = [local].into_iter().chain(valid).collect();
    all.dedup();
    all.retain(|simpler| *simpler != policy);
    all
}

fn workers(worker: &WorkerShape) -> Vec<WorkerShape> {
    let WorkerShape { cpus, zone, waits } = worker;
    let mut all = Vec::new();
    if *waits {
        all.push(WorkerShape { waits: false, ..worker.clone() });
    }
    if *zone != first_zone() {
        all.push(WorkerShape { zone: first_zone(), ..worker.clone() });
    }
    all.extend(coarser(*cpus, 1).into_iter().map(|cpus| WorkerShape { cpus, ..worker.clone() }));
    all
}

fn groups(group: &GroupShape) -> Vec<GroupShape> {
    let mut all = Vec::new();
    let mut change = |change: &dyn Fn(&mut GroupShape)| {
        let mut changed = group.clone();
        change(&mut changed);
        all.push(changed);
    };
    change(&|group| group.quota = u16::MAX);
    change(&|group| group.zone = first_zone());
    change(&|group| group.min_slices = 0);
    change(&|group| group.max_slices = group.min_slices.max(1).min(group.max_slices));
    change(&|group| group.vms = group.vms.min(1));
    for cpus in coarser(group.cpus, 1) {
        change(&|group| group.cpus = cpus);
    }
    for pace in shorter(group.pace, 1) {
        change(&|group| group.pace = pace);
    }
    all
}

fn first_zone() -> String {
    Shape::of_workers(1).workers.remove(0).zone
}
