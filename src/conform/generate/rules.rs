//! Rules of chaos that can fire.

use crate::conform::world::World;
use crate::model::id::{GroupId, SliceId, VmId, WorkerId};
use crate::model::policy::Policy;
use crate::model::time::Millis;
use crate::real::chaos::{About, Code, Node, Point, Rule, Verb, When};

use super::draw::Draw;
use super::lengths::around;

const CODES: [Code; 4] =
    [Code::Unavailable, Code::Internal, Code::DeadlineExceeded, Code::ResourceExhausted];
const RATES: [f64; 4] = [0.1, 0.3, 0.5, 1.0];
const SMALL: [Millis; 4] = [Millis(1), Millis(2), Millis(50), Millis(500)];

/// Whether something can happen at a point in a cluster like this.
pub fn is_there(world: &World, point: Point) -> bool {
    match point.about() {
        About::Cluster => true,
        About::Worker => world.workers().next().is_some() || world.groups() > 0,
        About::Slice | About::Vm => world.groups() > 0,
    }
}

/// A rule at this point, which is there.
pub fn rule(draw: &mut Draw<'_>, world: &World, policy: &Policy, point: Point) -> Rule {
    let verb = verb(draw, policy, point);
    let mut when = when(draw, point, verb);
    if draw.percent(20) {
        when.during = Some(window(draw, world, policy));
    }
    Rule { point, node: node(draw, world, point.about()), verb, when }
}

fn verb(draw: &mut Draw<'_>, policy: &Policy, point: Point) -> Verb {
    match draw.one(point.verbs()) {
        "fail" => Verb::Fail(draw.one(&CODES)),
        "delay" => Verb::Delay(delay(draw, policy, point)),
        "drop_request" => Verb::DropRequest,
        "drop_response" => Verb::DropResponse,
        "duplicate" => Verb::Duplicate,
        "crash" => Verb::Crash,
        word => unreachable!("invariant: {word} is one of {:?}", Verb::WORDS),
    }
}

fn delay(draw: &mut Draw<'_>, policy: &Policy, point: Point) -> Millis {
    let patience = if point == Point::ProviderBoot {
        policy.boot_timeout
    } else if point == Point::ProviderInit {
        policy.init_timeout
    } else {
        policy.heartbeat
    };
    match draw.between(0, 3) {
        0 => draw.one(&SMALL),
        1 => around(draw, patience),
        2.. => around(draw, policy.rpc_timeout),
    }
}

fn node(draw: &mut Draw<'_>, world: &World, about: About) -> Option<Node> {
    if about == About::Cluster || draw.percent(35) {
        return None;
    }
    match about {
        About::Cluster => None,
        About::Worker => Some(Node::Worker(worker(draw, world))),
        About::Slice if draw.percent(50) => Some(Node::Group(group(draw, world))),
        About::Slice => Some(Node::Slice(slice(draw, world))),
        About::Vm => Some(Node::Vm(vm(draw, world))),
    }
}

/// A worker that is there, or that a group may bring.
fn worker(draw: &mut Draw<'_>, world: &World) -> WorkerId {
    let own: Vec<WorkerId> = world.workers().map(|(id, _)| id).collect();
    if own.is_empty() || (world.groups() > 0 && draw.percent(40)) {
        return vm(draw, world).worker();
    }
    draw.one(&own)
}

fn group(draw: &mut Draw<'_>, world: &World) -> GroupId {
    let groups = u16::try_from(world.groups()).expect("invariant: there are a few groups");
    GroupId(draw.of(&(1..=groups)))
}

/// A slice that may have come; there are groups.
pub fn slice(draw: &mut Draw<'_>, world: &World) -> SliceId {
    SliceId { group: group(draw, world), number: draw.between(1, 3) }
}

/// A machine that may have come: they are numbered on from the workers that belong to no group.
pub fn vm(draw: &mut Draw<'_>, world: &World) -> VmId {
    let before = world.workers().count();
    let before = u32::try_from(before).expect("invariant: there are a few workers");
    VmId(before + draw.between(1, 6))
}

fn when(draw: &mut Draw<'_>, point: Point, verb: Verb) -> When {
    let few = draw.weighted(&[(5, 1), (4, 2), (2, 3), (1, 4), (2, 5)]);
    let rate = draw.one(&RATES);
    let none = When::default();
    let bounded = When { rate: Some(rate), at_most: Some(few), ..none };
    match draw.between(0, 9) {
        0..=2 => When { nth: Some(few), ..none },
        3 | 4 => When { first: Some(few), ..none },
        5 | 6 => bounded,
        _ if may_go_on(point, verb) => {
            let rate = draw.weighted(&[(2, Some(rate)), (1, None)]);
            When { rate, ..none }
        }
        _ => bounded,
    }
}

/// Whether a rule may fire for as long as it holds. Not if no time would pass in between, for then
/// a job with large budgets would try for ever at one instant; and not if nothing would come of any
/// step.
fn may_go_on(point: Point, verb: Verb) -> bool {
    let at_once = match point {
        Point::WorkerBundleDownload
        | Point::WorkerCreateContainer
        | Point::WorkerTaskMonitor
        | Point::JournalAppend => true,
        Point::ControllerDispatch
        | Point::ControllerKill
        | Point::ControllerHeartbeatReply
        | Point::ControllerCrash
        | Point::WorkerHeartbeat
        | Point::WorkerReportTaskState
        | Point::WorkerSubmitTask
        | Point::WorkerCrash
        | Point::ProviderCreateSlice
        | Point::ProviderBoot
        | Point::ProviderInit
        | Point::ProviderPreempt => false,
    };
    !at_once && verb != Verb::Crash
}

/// From now, or soon, for a while.
fn window(draw: &mut Draw<'_>, world: &World, policy: &Policy) -> (Millis, Millis) {
    let now = u32::try_from(world.now()).expect("invariant: a run is shorter than 49 days");
    let heartbeat = policy.heartbeat.0;
    let from = now + draw.one(&[0, 0, 1, heartbeat, 3 * heartbeat]);
    let while_ = draw.one(&[1, policy.rpc_timeout.0, heartbeat, policy.worker_timeout.0]);
    (Millis(from), Millis(from + while_))
}
