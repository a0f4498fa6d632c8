//! What is done next, and with which preferences.

use proptest::strategy::{BoxedStrategy, Strategy};

use crate::conform::run::Step;
use crate::conform::subject::{Abilities, Kind};
use crate::conform::world::World;
use crate::model::id::{JobId, WorkerId};
use crate::model::operation::Direction;
use crate::model::policy::Policy;
use crate::real::chaos::Point;

use super::draw::{Draw, Drawing};
use super::{jobs, lengths, rules};

/// What a run prefers. Each run leaves out some kinds of steps: those that are left come in numbers
/// and meet each other, where a run of everything would do a little of each (swarm testing, Groce
/// et al., 2012).
#[derive(Debug, Clone)]
pub struct Swarm {
    kinds: Vec<(u32, Kind)>,
    points: Vec<Point>,
    policy: Policy,
}

impl Swarm {
    /// Preferences among the kinds that a cluster can do. Jobs and time there always are.
    pub(super) fn draw(draw: &mut Draw<'_>, able: &[Kind]) -> Self {
        let always = |kind: &Kind| [Kind::Submit, Kind::Pass].contains(kind);
        let free: Vec<Kind> = able.iter().copied().filter(|kind| !always(kind)).collect();
        let mut chosen: Vec<Kind> = free.iter().copied().filter(|_| draw.percent(45)).collect();
        if chosen.is_empty() && !free.is_empty() {
            chosen.push(draw.one(&free));
        }
        let mut kinds: Vec<(u32, Kind)> =
            chosen.into_iter().map(|kind| (draw.one(&[1, 2, 4]), kind)).collect();
        kinds.push((draw.one(&[2, 3, 5]), Kind::Submit));
        kinds.push((draw.one(&[4, 7, 10]), Kind::Pass));
        let mut points: Vec<Point> = Point::ALL.into_iter().filter(|_| draw.percent(35)).collect();
        points.push(draw.one(&Point::ALL));
        Self { kinds, points, policy: Policy::LOCAL }
    }

    /// The same for a cluster of this policy, whose lengths of time are aimed at.
    #[must_use]
    pub(super) fn of_policy(self, policy: Policy) -> Self {
        Self { policy, ..self }
    }

    /// The kinds of steps that it does.
    pub fn kinds(&self) -> Vec<Kind> {
        self.kinds.iter().map(|(_, kind)| *kind).collect()
    }

    /// The policy of its cluster.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }
}

/// A step that is possible now.
pub fn next_step(world: &World, swarm: &Swarm) -> BoxedStrategy<Step> {
    let (world, swarm) = (world.clone(), swarm.clone());
    Drawing(move |draw: &mut Draw<'_>| step(draw, &world, &swarm, &lengths::Due::from_now(&world)))
        .boxed()
}

/// What kind of step it is.
pub fn kind_of(step: &Step) -> Kind {
    match step {
        Step::Submit(plan) => {
            if plan.gang {
                Kind::Gang
            } else {
                Kind::Submit
            }
        }
        Step::Resubmit(_) => Kind::Resubmit,
        Step::Cancel(_) => Kind::Cancel,
        Step::Drain(_) | Step::Open(_) => Kind::Drain,
        Step::WorkerCrashes(_) | Step::WorkerStarts(_) => Kind::Worker,
        Step::ControllerCrashes | Step::ControllerStarts => Kind::Controller,
        Step::Cut(..) | Step::Mended(..) => Kind::Cut,
        Step::SlicePreempted(_) | Step::VmLost(_) => Kind::Fleet,
        Step::Fault(_) | Step::FaultsEnd => Kind::Fault,
        Step::Pass(_) => Kind::Pass,
    }
}

/// How often a kind is taken now, beside the others: never, if none of its steps is possible. What
/// takes back something that keeps everything from going on comes sooner.
fn factor(world: &World, swarm: &Swarm, kind: Kind) -> u32 {
    let if_any = |there: bool| if there { 2 } else { 0 };
    match kind {
        // Without a job little can be seen; with many of them, most only wait.
        Kind::Submit | Kind::Gang => match world.plans().len() {
            0 => 20,
            1..=5 => 2,
            _ => 1,
        },
        Kind::Resubmit | Kind::Cancel => if_any(!world.plans().is_empty()),
        Kind::Drain | Kind::Worker | Kind::Cut => if_any(world.workers().next().is_some()),
        Kind::Controller => {
            if world.controller_is_up() {
                1
            } else {
                8
            }
        }
        Kind::Fault => {
            let there = swarm.points.iter().any(|point| rules::is_there(world, *point));
            if_any(there || !world.rules().is_empty())
        }
        Kind::Fleet => if_any(world.groups() > 0),
        Kind::Pass => if_any(lengths::left(world).is_some()),
    }
}

/// A step that is possible now, given what may become due.
pub fn step(draw: &mut Draw<'_>, world: &World, swarm: &Swarm, due: &lengths::Due) -> Step {
    let weighted = |(weight, kind): &(u32, Kind)| (weight * factor(world, swarm, *kind), *kind);
    let kinds: Vec<(u32, Kind)> = swarm.kinds.iter().map(weighted).collect();
    let kind = draw.weighted(&kinds);
    of_kind(draw, world, swarm, due, kind)
}

/// A step of a kind that is possible now.
fn of_kind(
    draw: &mut Draw<'_>,
    world: &World,
    swarm: &Swarm,
    due: &lengths::Due,
    kind: Kind,
) -> Step {
    match kind {
        Kind::Submit => Step::Submit(jobs::plan(draw, &swarm.policy, false)),
        Kind::Gang => Step::Submit(jobs::plan(draw, &swarm.policy, true)),
        Kind::Resubmit => Step::Resubmit(job(draw, world)),
        Kind::Cancel => Step::Cancel(job(draw, world)),
        Kind::Drain => drain(draw, world),
        Kind::Worker => worker(draw, world),
        Kind::Controller if world.controller_is_up() => Step::ControllerCrashes,
        Kind::Controller => Step::ControllerStarts,
        Kind::Cut => cut(draw, world),
        Kind::Fault => fault(draw, world, swarm),
        Kind::Fleet if draw.percent(50) => Step::SlicePreempted(rules::slice(draw, world)),
        Kind::Fleet => Step::VmLost(rules::vm(draw, world)),
        Kind::Pass => Step::Pass(lengths::pass(draw, world, &swarm.policy, due)),
    }
}

/// A job, rather a late one.
fn job(draw: &mut Draw<'_>, world: &World) -> JobId {
    let jobs = u32::try_from(world.plans().len()).expect("invariant: there are a few jobs");
    let least = if draw.percent(60) { jobs } else { 1 };
    JobId(draw.between(least, jobs))
}

fn drain(draw: &mut Draw<'_>, world: &World) -> Step {
    let closed = world.closed();
    let (to_open, to_close): (Vec<WorkerId>, Vec<WorkerId>) =
        world.workers().map(|(id, _)| id).partition(|id| closed.contains(id));
    if to_close.is_empty() || (!to_open.is_empty() && draw.percent(50)) {
        Step::Open(draw.one(&to_open))
    } else {
        Step::Drain(draw.one(&to_close))
    }
}

fn worker(draw: &mut Draw<'_>, world: &World) -> Step {
    let (up, down): (Vec<_>, Vec<_>) = world.workers().partition(|(_, up)| *up);
    if up.is_empty() || (!down.is_empty() && draw.percent(60)) {
        Step::WorkerStarts(draw.one(&down).0)
    } else {
        Step::WorkerCrashes(draw.one(&up).0)
    }
}

fn cut(draw: &mut Draw<'_>, world: &World) -> Step {
    let both = [Direction::ToWorker, Direction::FromWorker];
    let ways = world.workers().flat_map(|(id, _)| both.map(|way| (id, way)));
    let (cut, whole): (Vec<_>, Vec<_>) = ways.partition(|way| world.cuts().contains(way));
    if whole.is_empty() || (!cut.is_empty() && draw.percent(45)) {
        let (worker, way) = draw.one(&cut);
        return Step::Mended(worker, way);
    }
    // The other way of a worker that is cut off one way: together they are a partition.
    let halves = whole.iter().filter(|(id, _)| cut.iter().any(|(other, _)| other == id));
    let halves: Vec<_> = halves.copied().collect();
    let (worker, way) =
        if !halves.is_empty() && draw.percent(60) { draw.one(&halves) } else { draw.one(&whole) };
    Step::Cut(worker, way)
}

fn fault(draw: &mut Draw<'_>, world: &World, swarm: &Swarm) -> Step {
    let there = swarm.points.iter().copied().filter(|point| rules::is_there(world, *point));
    let there: Vec<Point> = there.collect();
    let ends = match world.rules().len() {
        0 => 0,
        1 | 2 => 20,
        _ => 50,
    };
    if there.is_empty() || draw.percent(ends) {
        return Step::FaultsEnd;
    }
    let point = draw.one(&there);
    Step::Fault(rules::rule(draw, world, &swarm.policy, point))
}

/// The kinds of steps that a cluster can do and that runs are drawn from.
pub(super) fn able(abilities: &Abilities) -> Vec<Kind> {
    Kind::ALL.into_iter().filter(|kind| abilities.steps.contains(kind)).collect()
}
