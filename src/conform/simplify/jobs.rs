//! Simpler jobs.

use crate::conform::run::{Exit, JobPlan};
use crate::model::spec::Terms;
use crate::model::time::Millis;

use super::{coarser, shorter};

/// Each with one thing simpler, simplest first.
pub(super) fn simpler(plan: &JobPlan) -> Vec<JobPlan> {
    let mut all = Vec::new();
    let mut change = |change: &dyn Fn(&mut JobPlan)| {
        let mut changed = plan.clone();
        change(&mut changed);
        all.push(changed);
    };
    if plan.gang {
        change(&|plan| plan.gang = false);
    }
    for replicas in small(plan.replicas, 1) {
        change(&|plan| plan.replicas = replicas);
    }
    for cpus in if plan.cpus == 0 { vec![1] } else { coarser(plan.cpus, 1) } {
        change(&|plan| plan.cpus = cpus);
    }
    let usual = Terms::default().budgets;
    for failure in budget(plan.failure, usual.failure) {
        change(&|plan| plan.failure = failure);
    }
    for delivery in budget(plan.delivery, usual.delivery) {
        change(&|plan| plan.delivery = delivery);
    }
    for preemption in budget(plan.preemption, usual.preemption) {
        change(&|plan| plan.preemption = preemption);
    }
    for may_fail in small(plan.max_task_failures, 0) {
        change(&|plan| plan.max_task_failures = may_fail);
    }
    for timeout in limit(plan.timeout) {
        change(&|plan| plan.timeout = timeout);
    }
    for timeout in limit(plan.scheduling_timeout) {
        change(&|plan| plan.scheduling_timeout = timeout);
    }
    for tasks in exits(&plan.tasks) {
        change(&|plan| plan.tasks.clone_from(&tasks));
    }
    all
}

fn small(number: u16, least: u16) -> Vec<u16> {
    let smaller = coarser(number.into(), least.into()).into_iter();
    smaller.map(|n| u16::try_from(n).expect("invariant: it is smaller")).collect()
}

/// Nothing, then what is usual, then less.
fn budget(number: u16, usual: u16) -> Vec<u16> {
    if number == usual {
        return if usual == 0 { Vec::new() } else { vec![0] };
    }
    let mut simpler = small(number, 0);
    if number > 0 && !simpler.contains(&usual) {
        simpler.insert(1, usual);
    }
    simpler
}

/// None, then shorter.
fn limit(limit: Option<Millis>) -> Vec<Option<Millis>> {
    let Some(length) = limit else { return Vec::new() };
    [None].into_iter().chain(shorter(length, 1).map(Some)).collect()
}

/// Fewer lists, then shorter ones, then simpler exits.
fn exits(tasks: &[Vec<Exit>]) -> Vec<Vec<Vec<Exit>>> {
    let mut simpler: Vec<Vec<Vec<Exit>>> = if tasks.is_empty() { Vec::new() } else { vec![vec![]] };
    for at in (0..tasks.len()).rev().filter(|_| tasks.len() > 1) {
        simpler.push(without(tasks, at));
    }
    for (at, list) in tasks.iter().enumerate() {
        let shorter = (0..list.len()).rev().filter(|_| list.len() > 1).map(|at| without(list, at));
        let plainer = list.iter().enumerate().flat_map(|(place, exit)| {
            plainer(*exit).into_iter().map(move |exit| with(list, place, exit))
        });
        simpler.extend(shorter.chain(plainer).map(|list| with(tasks, at, list)));
    }
    simpler
}

fn plainer(exit: Exit) -> Vec<Exit> {
    let well = (!exit.ok).then_some(Exit { ok: true, ..exit });
    well.into_iter().chain(shorter(exit.after, 0).map(|after| Exit { after, ..exit })).collect()
}

fn without<T: Clone>(list: &[T], at: usize) -> Vec<T> {
    let mut list = list.to_vec();
    list.remove(at);
    list
}

fn with<T: Clone>(list: &[T], at: usize, value: T) -> Vec<T> {
    let mut list = list.to_vec();
    list[at] = value;
    list
}
