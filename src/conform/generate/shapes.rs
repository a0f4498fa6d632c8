//! What clusters are made of.

use crate::conform::run::{GroupShape, PolicyShape, Shape, WorkerShape};
use crate::conform::subject::Kind;
use crate::model::policy::Policy;
use crate::model::time::Millis;

use super::draw::Draw;

/// How many workers that belong to no group. A cluster without any is one in which jobs are given
/// up, or which has groups.
const WORKERS: &[(u32, u32)] = &[(1, 0), (8, 1), (12, 2), (6, 3), (3, 4)];
/// Where few are, what happens to one of them decides more.
const FEW_WORKERS: &[(u32, u32)] = &[(1, 0), (9, 1), (12, 2), (4, 3)];
const WORKER_CPUS: &[(u32, u32)] = &[(6, 4), (2, 2), (2, 1), (1, 8)];
const PACES: &[(u32, u32)] = &[(4, 1000), (2, 1), (2, 10_000), (1, 60_000)];
const QUOTAS: &[(u32, u16)] = &[(6, u16::MAX), (1, 0), (2, 1), (1, 2)];

/// A cluster for runs of these kinds of steps.
pub fn shape(draw: &mut Draw<'_>, kinds: &[Kind], plots: bool) -> Shape {
    let gangs = kinds.contains(&Kind::Gang);
    let starts = kinds.contains(&Kind::Worker);
    let fleet = kinds.contains(&Kind::Fleet);
    let count = draw.weighted(if plots { FEW_WORKERS } else { WORKERS });
    let worker = |draw: &mut Draw<'_>| WorkerShape {
        cpus: draw.weighted(WORKER_CPUS),
        zone: zone(draw, gangs),
        waits: starts && draw.percent(10),
    };
    let workers = (0..count).map(|_| worker(draw)).collect();
    let groups = if fleet { draw.between(1, 2) } else { 0 };
    let groups = (0..groups).map(|_| group(draw, gangs)).collect();
    Shape { workers, groups, policy: PolicyShape(policy(draw, plots)) }
}

/// Zones tell workers apart only for gangs.
fn zone(draw: &mut Draw<'_>, gangs: bool) -> String {
    let second = gangs && draw.percent(35);
    if second { "b" } else { "a" }.to_owned()
}

fn group(draw: &mut Draw<'_>, gangs: bool) -> GroupShape {
    let max_slices = draw.of(&(1..=3_u16));
    GroupShape {
        min_slices: draw.of(&(0..=max_slices.min(2))),
        max_slices,
        vms: draw.of(&(1..=3_u8)),
        cpus: draw.one(&[1, 2, 4]),
        zone: zone(draw, gangs),
        pace: Millis(draw.weighted(PACES)),
        quota: draw.weighted(QUOTAS),
    }
}

/// A change of a policy.
type Change = fn(&mut Policy);

/// What is changed in a policy: values at the edges, and short times so that they run out within a
/// run. Any of them go together: those that a rule of [`Policy::validate`] ties to others leave
/// room for these.
const CHANGES: [Change; 20] = [
    |policy| policy.delivery_tries = 1,
    |policy| policy.delivery_tries = 15,
    |policy| policy.quarantine_after = 0,
    |policy| policy.quarantine_after = 1,
    |policy| policy.quarantine = Millis::seconds(1),
    |policy| policy.no_workers_grace = Millis(1),
    |policy| policy.no_workers_grace = Millis::seconds(61),
    |policy| policy.kill_grace = Millis(1),
    // With the usual lease, heartbeat and worker timeout there is no longer one.
    |policy| policy.kill_grace = Millis(8_999),
    |policy| policy.rpc_timeout = Millis::seconds(1),
    |policy| policy.rpc_timeout = Millis::seconds(30),
    |policy| policy.delivery_backoff = Millis(1),
    |policy| policy.heartbeat = Millis::seconds(1),
    |policy| policy.worker_timeout = Millis::seconds(90),
    |policy| policy.worker_lease = Millis::seconds(20),
    |policy| policy.boot_timeout = Millis::seconds(2),
    |policy| policy.init_timeout = Millis::seconds(2),
    |policy| policy.idle_timeout = Millis::seconds(10),
    |policy| policy.barren_slices = 1,
    |policy| policy.create_backoff = Millis(100),
];

/// What is changed where plots are told, besides: what decides how soon something meets.
const FAVOURED: [Change; 9] = [
    |policy| policy.delivery_tries = 15,
    |policy| policy.delivery_tries = 1,
    |policy| policy.delivery_tries = 2,
    |policy| policy.quarantine_after = 1,
    |policy| policy.no_workers_grace = Millis(1),
    |policy| policy.no_workers_grace = Millis(1),
    |policy| policy.rpc_timeout = Millis::seconds(30),
    |policy| policy.heartbeat = Millis::seconds(1),
    |policy| policy.worker_lease = Millis::seconds(20),
];

fn policy(draw: &mut Draw<'_>, plots: bool) -> Policy {
    let mut policy = Policy::LOCAL;
    for _ in 0..if plots { draw.weighted(&[(3, 0), (3, 1), (1, 2)]) } else { 0 } {
        draw.one(&FAVOURED)(&mut policy);
    }
    let changes = draw.weighted(&[(5, 0), (3, 2), (2, 4)]);
    for _ in 0..changes {
        draw.one(&CHANGES)(&mut policy);
    }
    debug_assert_eq!(policy.validate(), Ok(()), "invariant: any changes go together");
    policy
}
