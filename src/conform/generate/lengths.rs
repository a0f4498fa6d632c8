//! Lengths of time: where something becomes due, just before and just after, and what lies between.

use crate::conform::run::{JobPlan, Step};
use crate::conform::world::World;
use crate::model::policy::Policy;
use crate::model::time::Millis;

use super::draw::Draw;

/// How long a run may be altogether.
pub const LONGEST_RUN: Millis = Millis::seconds(30 * 60);

/// The longest time that passes at once without aiming at anything.
const LONGEST_WALK: u32 = 120_000;

/// The lengths that a policy names and that something waits for. The first few of them are those
/// of heartbeats and calls, which something always waits for.
pub fn named(policy: &Policy) -> [Millis; 17] {
    [
        policy.heartbeat,
        policy.silence(),
        policy.worker_lease,
        policy.worker_timeout,
        policy.rpc_timeout,
        policy.delivery_backoff,
        Millis(policy.delivery_backoff.0 * 2),
        Millis(policy.delivery_backoff.0 * 4),
        policy.kill_grace,
        policy.quarantine,
        policy.no_workers_grace,
        policy.boot_timeout,
        policy.init_timeout,
        policy.idle_timeout,
        policy.create_backoff,
        policy.quota_backoff,
        // A second is the pause after which a node comes up again that chaos has ended.
        Millis::seconds(1),
    ]
}

/// This length, or one tick to either side; never nothing.
pub fn around(draw: &mut Draw<'_>, length: Millis) -> Millis {
    Millis((length.0 + draw.between(0, 2)).saturating_sub(1).max(1))
}

/// Instants at which something may become due, as far as the steps of a run tell.
#[derive(Debug, Clone, Default)]
pub struct Due(Vec<u64>);

impl Due {
    /// What may become due if all that was submitted began now.
    pub fn from_now(world: &World) -> Self {
        let all = world.plans().iter().flat_map(deadlines);
        Self(all.map(|length| world.now() + u64::from(length.0)).collect())
    }

    /// Notes what a step sets going.
    pub fn note(&mut self, world: &World, policy: &Policy, step: &Step) {
        let now = world.now();
        let mut add = |length: Millis| self.0.push(now + u64::from(length.0));
        match step {
            Step::Submit(plan) => deadlines(plan).into_iter().for_each(add),
            Step::WorkerCrashes(_) | Step::Cut(..) | Step::ControllerStarts | Step::VmLost(_) => {
                let waits = [policy.silence(), policy.worker_lease, policy.worker_timeout];
                waits.into_iter().chain([policy.no_workers_grace]).for_each(add);
            }
            Step::Cancel(_) => add(policy.kill_grace),
            Step::WorkerStarts(_) | Step::Open(_) | Step::Mended(..) => add(policy.heartbeat),
            Step::Fault(rule) => {
                let (from, until) = rule.when.during.unwrap_or_default();
                self.0.extend([from, until].map(|end| u64::from(end.0)));
            }
            Step::SlicePreempted(_) => add(policy.create_backoff),
            Step::Resubmit(_)
            | Step::Drain(_)
            | Step::ControllerCrashes
            | Step::FaultsEnd
            | Step::Pass(_) => {}
        }
        self.0.retain(|instant| *instant > now);
    }
}

/// After what time something is due of a job that begins.
fn deadlines(plan: &JobPlan) -> Vec<Millis> {
    let exits = plan.tasks.iter().flatten().map(|exit| exit.after);
    exits.chain(plan.timeout).chain(plan.scheduling_timeout).collect()
}

/// How much time may still pass, if any.
pub fn left(world: &World) -> Option<u32> {
    let left = u64::from(LONGEST_RUN.0).checked_sub(world.now()).filter(|left| *left > 0)?;
    u32::try_from(left).ok()
}

/// Whether a step leaves a run as short as it must be.
pub fn fits(world: &World, step: &Step) -> bool {
    if let Step::Pass(length) = step {
        left(world).is_some_and(|left| length.0 <= left)
    } else {
        true
    }
}

/// A length of time that may pass now. Some time is left.
pub fn pass(draw: &mut Draw<'_>, world: &World, policy: &Policy, due: &Due) -> Millis {
    let most = left(world).expect("invariant: some time is left");
    let length = match draw.between(0, 9) {
        0 | 1 => Millis(draw.between(1, 20)),
        2..=4 if !due.0.is_empty() => {
            let instant = draw.one(&due.0);
            let until = u32::try_from(instant.saturating_sub(world.now())).unwrap_or(most);
            around(draw, Millis(until))
        }
        2..=5 => often_named(draw, policy),
        6 => named_at_all(draw, policy),
        _ => {
            // First the size, then the length: short and long ones are equally likely.
            let most = LONGEST_WALK >> draw.between(0, 10);
            Millis(draw.between(1, most))
        }
    };
    Millis(length.0.min(most))
}

fn often_named(draw: &mut Draw<'_>, policy: &Policy) -> Millis {
    let length = draw.one(&named(policy)[..5]);
    around(draw, length)
}

fn named_at_all(draw: &mut Draw<'_>, policy: &Policy) -> Millis {
    let length = draw.one(&named(policy));
    around(draw, length)
}
