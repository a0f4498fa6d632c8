//! Jobs at the edges of what can be asked for.

use crate::conform::run::{Exit, JobPlan};
use crate::model::policy::Policy;
use crate::model::spec::MAX_BUDGET;
use crate::model::time::Millis;

use super::draw::Draw;
use super::lengths::around;

const REPLICAS: &[(u32, u16)] = &[(10, 1), (5, 2), (3, 3), (2, 4)];
/// No worker has 64 CPUs.
const CPUS: &[(u32, u32)] = &[(9, 1), (4, 2), (4, 4), (2, 0), (1, 64)];
const FAILURE: &[(u32, u16)] = &[(8, 0), (6, 1), (4, 2), (1, MAX_BUDGET)];
const DELIVERY: &[(u32, u16)] = &[(8, 10), (3, 0), (3, 1), (2, 2), (1, MAX_BUDGET)];
const PREEMPTION: &[(u32, u16)] = &[(8, 100), (3, 0), (3, 1), (2, 2), (1, MAX_BUDGET)];
const MAY_FAIL: &[(u32, u16)] = &[(7, 0), (2, 1), (1, 2)];
/// How many lists of exits there are; without any, tasks never end.
const LISTS: &[(u32, u32)] = &[(1, 0), (6, 1), (2, 2), (1, 3)];
const EXITS: &[(u32, u32)] = &[(5, 1), (3, 2), (2, 3)];

/// A job; a gang if asked for.
pub fn plan(draw: &mut Draw<'_>, policy: &Policy, gang: bool) -> JobPlan {
    let failure = draw.weighted(FAILURE);
    let lists = draw.weighted(LISTS);
    let tasks: Vec<_> = (0..lists).map(|_| exits(draw, policy, failure)).collect();
    let timeout = draw.percent(35).then(|| timeout(draw, policy, &tasks));
    // Without a quarantine nothing slows down deliveries that fail at once: ten thousand of them
    // would fall on one instant.
    let most = if policy.quarantine_after == 0 { 100 } else { u16::MAX };
    JobPlan {
        replicas: if gang { draw.of(&(1..=3_u16)) } else { draw.weighted(REPLICAS) },
        cpus: draw.weighted(CPUS),
        failure,
        delivery: draw.weighted(DELIVERY).min(most),
        preemption: draw.weighted(PREEMPTION),
        max_task_failures: if gang { 0 } else { draw.weighted(MAY_FAIL) },
        timeout,
        scheduling_timeout: draw.percent(25).then(|| spell(draw, policy)),
        gang,
        tasks,
    }
}

/// A job whose course is decided soon: small budgets, and exits that do not let wait.
pub fn small(draw: &mut Draw<'_>, policy: &Policy, gang: bool) -> JobPlan {
    const FEW: &[(u32, u16)] = &[(4, 0), (4, 1), (2, 2)];
    let lists = draw.weighted(&[(3, 1), (3, 2)]);
    let exit = |draw: &mut Draw<'_>| {
        let after = draw.weighted(&[(4, 0), (3, 1), (2, 100), (2, 2000), (1, 15_000), (2, 90_000)]);
        Exit { after: Millis(after), ok: draw.percent(45) }
    };
    let list = |draw: &mut Draw<'_>| (0..draw.weighted(EXITS)).map(|_| exit(draw)).collect();
    let tasks: Vec<_> = (0..lists).map(|_| list(draw)).collect();
    let soon =
        |draw: &mut Draw<'_>, other: Millis| if draw.percent(60) { Millis(1) } else { other };
    let timeout = draw.percent(30).then(|| timeout(draw, policy, &tasks));
    let timeout = timeout.map(|length| soon(draw, length));
    let spell = draw.percent(30).then(|| spell(draw, policy));
    JobPlan {
        replicas: if gang { draw.of(&(2..=3_u16)) } else { draw.weighted(&[(4, 1), (3, 2)]) },
        cpus: draw.weighted(&[(6, 1), (2, 2), (3, 4)]),
        failure: draw.weighted(FEW),
        delivery: draw.weighted(FEW),
        preemption: draw.weighted(FEW),
        max_task_failures: if gang { 0 } else { draw.weighted(MAY_FAIL) },
        timeout,
        scheduling_timeout: spell.map(|length| soon(draw, length)),
        gang,
        tasks,
    }
}

fn exits(draw: &mut Draw<'_>, policy: &Policy, failure: u16) -> Vec<Exit> {
    let count = draw.weighted(EXITS);
    let mut exits: Vec<Exit> =
        (0..count).map(|_| Exit { after: runtime(draw, policy), ok: draw.percent(60) }).collect();
    // Ten thousand attempts that all fail at once would take longer than all other runs together.
    if failure == MAX_BUDGET
        && let Some(last) = exits.last_mut()
    {
        last.ok = true;
    }
    exits
}

fn runtime(draw: &mut Draw<'_>, policy: &Policy) -> Millis {
    let second = Millis::seconds(1);
    let plain = [Millis(0), Millis(1), Millis(500), second, Millis(2000), Millis(15_000)];
    match draw.between(0, 9) {
        0..=6 => draw.one(&plain),
        7 | 8 => around(draw, policy.heartbeat),
        _ => Millis::seconds(60),
    }
}

/// How long an attempt may take: sometimes exactly as long as it takes.
fn timeout(draw: &mut Draw<'_>, policy: &Policy, tasks: &[Vec<Exit>]) -> Millis {
    let exits: Vec<Exit> = tasks.iter().flatten().copied().collect();
    if !exits.is_empty() && draw.percent(40) {
        let after = draw.one(&exits).after;
        return around(draw, after);
    }
    let edges = [Millis(1), Millis::seconds(1), Millis::seconds(60)];
    if draw.percent(50) { draw.one(&edges) } else { around(draw, policy.heartbeat) }
}

/// How long a spell of waiting may last.
fn spell(draw: &mut Draw<'_>, policy: &Policy) -> Millis {
    let edges = [Millis(1), Millis::seconds(1), Millis::seconds(60)];
    let named = [policy.heartbeat, policy.no_workers_grace, policy.worker_timeout];
    if draw.percent(50) {
        draw.one(&edges)
    } else {
        let length = draw.one(&named);
        around(draw, length)
    }
}
