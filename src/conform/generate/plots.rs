//! Steps that only together lead somewhere: rules aimed at one worker, a job for it, and time that
//! passes until the moments at which those rules meet.
//!
//! What is rare in a cluster takes two or three things that fall on the same delivery: a copy of a
//! call that arrives late while its next try is under way, a launch that lasts beyond a heartbeat,
//! a worker that is closed in between. Drawn one by one such things hardly ever meet.

use crate::conform::run::Step;
use crate::conform::subject::Kind;
use crate::conform::world::World;
use crate::model::id::{JobId, WorkerId};
use crate::model::operation::Direction;
use crate::model::policy::Policy;
use crate::model::time::Millis;
use crate::real::chaos::{Code, Point, Rule, Verb, When};

use super::draw::Draw;
use super::lengths::around;
use super::{jobs, rules};

/// What goes wrong with a delivery, a launch, or what is told of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// The first copy of a RunTask arrives while the next try is under way.
    LateCopy,
    /// Tries take long, and come in time.
    SlowTry,
    /// Tries are lost, or fail at once.
    LostTry,
    /// A RunTask arrives, and its answer is lost.
    LostAnswer,
    /// A RunTask does not get through the worker's door.
    ClosedDoor,
    /// A launch takes long.
    SlowLaunch,
    /// Reports are lost.
    LostReport,
    /// Heartbeats arrive and are not answered: the lease runs out.
    Unanswered,
    /// Heartbeats are lost or late.
    LostBeats,
    /// A heartbeat is built before the job comes, and arrives after it was taken.
    LateBeat,
    /// A KillTask is late, or its answer is lost.
    LateKill,
    /// What the controller learns of a delivery, or a timer of it, cannot be written down.
    FailedAppend,
}

/// For whom it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cast {
    /// One job or two, of any form.
    Any,
    /// A gang.
    Gang,
    /// A job of two tasks, one on each worker, that ends as soon as one of them does not succeed.
    Pair,
}

/// A plot, and how often it is told.
type Row = (u32, (Cast, &'static [Part]));

const PLOTS: &[Row] = &[
    (4, (Cast::Any, &[Part::LateCopy, Part::SlowTry])),
    (5, (Cast::Any, &[Part::LateCopy, Part::SlowTry, Part::ClosedDoor])),
    (3, (Cast::Any, &[Part::LateCopy, Part::SlowTry, Part::SlowLaunch])),
    (3, (Cast::Any, &[Part::LateCopy, Part::SlowTry, Part::ClosedDoor, Part::SlowLaunch])),
    (2, (Cast::Any, &[Part::SlowLaunch])),
    (2, (Cast::Any, &[Part::SlowLaunch, Part::Unanswered])),
    (2, (Cast::Any, &[Part::SlowLaunch, Part::LostAnswer])),
    (2, (Cast::Any, &[Part::SlowLaunch, Part::LostAnswer, Part::LateKill])),
    (1, (Cast::Any, &[Part::SlowLaunch, Part::LostBeats])),
    (1, (Cast::Any, &[Part::LostAnswer, Part::LostReport])),
    (3, (Cast::Any, &[Part::LostAnswer, Part::LostTry])),
    (3, (Cast::Any, &[Part::LostAnswer, Part::LostReport, Part::Unanswered])),
    (2, (Cast::Any, &[Part::SlowTry])),
    (2, (Cast::Any, &[Part::SlowTry, Part::LateKill])),
    (2, (Cast::Any, &[Part::SlowTry, Part::ClosedDoor])),
    (3, (Cast::Gang, &[Part::SlowTry])),
    (2, (Cast::Gang, &[Part::SlowTry, Part::LostTry])),
    (3, (Cast::Gang, &[Part::SlowTry, Part::SlowLaunch])),
    (2, (Cast::Gang, &[Part::SlowLaunch, Part::LostReport])),
    (2, (Cast::Gang, &[Part::SlowLaunch, Part::LostBeats])),
    (2, (Cast::Gang, &[Part::LostAnswer, Part::LostReport])),
    (2, (Cast::Gang, &[Part::LateCopy, Part::SlowTry])),
    (2, (Cast::Gang, &[Part::LostBeats, Part::LostTry])),
    (2, (Cast::Pair, &[Part::LostBeats])),
    (3, (Cast::Pair, &[Part::LostBeats, Part::SlowLaunch])),
    (3, (Cast::Pair, &[Part::LostBeats, Part::LostTry])),
    (2, (Cast::Pair, &[Part::SlowLaunch, Part::LostTry])),
    (3, (Cast::Any, &[Part::LateBeat, Part::LostReport])),
    (3, (Cast::Any, &[Part::FailedAppend])),
    (3, (Cast::Any, &[Part::FailedAppend, Part::LostTry])),
];

const ALL: [Part; 12] = [
    Part::LateCopy,
    Part::SlowTry,
    Part::LostTry,
    Part::LostAnswer,
    Part::ClosedDoor,
    Part::SlowLaunch,
    Part::LostReport,
    Part::Unanswered,
    Part::LostBeats,
    Part::LateBeat,
    Part::LateKill,
    Part::FailedAppend,
];

/// One plot: its steps, of which some may not be possible any more when their turn comes.
pub fn plot(draw: &mut Draw<'_>, world: &World, policy: &Policy, able: &[Kind]) -> Vec<Step> {
    let mut steps = if draw.percent(70) { tidied(world) } else { Vec::new() };
    let Some(worker) = target(draw, world) else { return steps };
    let (cast, parts) = draw.weighted(PLOTS);
    let mut parts = parts.to_vec();
    if draw.percent(25) {
        let more = draw.one(&ALL);
        if !parts.contains(&more) {
            parts.push(more);
        }
    }
    let comes = world.workers().all(|(id, _)| id != worker);
    let mut teller = Teller { draw, world, policy, able, worker, comes, moments: Vec::new() };
    if comes && teller.draw.percent(50) {
        // Until it may have come.
        steps.push(Step::Pass(Millis(teller.draw.one(&[100, 3_100, 31_000]))));
    }
    // By then the job is submitted, and what comes next is what cannot be written down.
    let after = parts.contains(&Part::FailedAppend) && teller.draw.percent(50);
    let (later, first): (Vec<Part>, Vec<Part>) =
        parts.iter().copied().partition(|part| after && *part == Part::FailedAppend);
    steps.extend(first.iter().map(|part| Step::Fault(teller.rule(*part))));
    let since_beat = |now: u64| {
        let since = now % u64::from(policy.heartbeat.0);
        u32::try_from(since).expect("invariant: it is below what was 32 bits")
    };
    if parts.contains(&Part::Unanswered) && teller.draw.percent(70) {
        // The lease runs from the last heartbeat that was answered: until soon before it ends.
        let since = since_beat(world.now());
        let early = teller.draw.between(1, policy.rpc_timeout.0);
        let length = policy.worker_lease.0.saturating_sub(since + early);
        steps.push(Step::Pass(Millis(length.max(1))));
    }
    if parts.contains(&Part::LateBeat) {
        // Until the next heartbeat has been sent.
        let since = since_beat(world.now() + steps.len() as u64);
        steps.push(Step::Pass(Millis(policy.heartbeat.0 - since + teller.draw.between(1, 3))));
    }
    steps.extend(teller.jobs(cast));
    steps.extend(later.iter().map(|part| Step::Fault(teller.rule(*part))));
    steps.extend(teller.goes_on());
    if teller.draw.percent(50) {
        steps.push(Step::FaultsEnd);
    }
    steps
}

/// What brings back a cluster in which what follows can happen.
fn tidied(world: &World) -> Vec<Step> {
    let mut steps: Vec<Step> = world.closed().iter().map(|id| Step::Open(*id)).collect();
    let down = world.workers().filter(|(_, up)| !up);
    steps.extend(down.map(|(id, _)| Step::WorkerStarts(id)));
    steps.extend(world.cuts().iter().map(|(id, way)| Step::Mended(*id, *way)));
    if !world.controller_is_up() {
        steps.push(Step::ControllerStarts);
    }
    if !world.rules().is_empty() {
        steps.push(Step::FaultsEnd);
    }
    steps
}

/// A worker that is up and open, if there is one; or one that a group may bring.
fn target(draw: &mut Draw<'_>, world: &World) -> Option<WorkerId> {
    let open = world.workers().filter(|(id, up)| *up && !world.closed().contains(id));
    let open: Vec<WorkerId> = open.map(|(id, _)| id).collect();
    if open.is_empty() || (world.groups() > 0 && draw.percent(40)) {
        return (world.groups() > 0).then(|| rules::vm(draw, world).worker());
    }
    Some(draw.one(&open))
}

/// Draws the steps of one plot.
struct Teller<'a, 'b> {
    draw: &'a mut Draw<'b>,
    world: &'a World,
    policy: &'a Policy,
    able: &'a [Kind],
    worker: WorkerId,
    /// Whether it belongs to a slice.
    comes: bool,
    /// After how long from the first delivery something meets.
    moments: Vec<u32>,
}

impl Teller<'_, '_> {
    fn rule(&mut self, part: Part) -> Rule {
        let (point, verb) = self.what(part);
        let rule = Rule::new(point, verb).when(self.when(part));
        let here = match part {
            // A launch that takes long elsewhere waits for what becomes of this worker.
            Part::SlowLaunch | Part::LostTry => 60,
            Part::LateCopy
            | Part::SlowTry
            | Part::LostAnswer
            | Part::ClosedDoor
            | Part::LostReport
            | Part::Unanswered
            | Part::LostBeats
            | Part::LateBeat
            | Part::LateKill => 85,
            // There is one journal.
            Part::FailedAppend => 0,
        };
        if self.draw.percent(here) { rule.on(self.worker) } else { rule }
    }

    fn what(&mut self, part: Part) -> (Point, Verb) {
        let policy = self.policy;
        let (rpc, beat) = (policy.rpc_timeout.0, policy.heartbeat.0);
        let again = rpc + policy.delivery_backoff.0;
        let lost = [Verb::DropRequest, Verb::Fail(Code::Unavailable)];
        match part {
            Part::LateCopy => {
                let late = again + self.draw.weighted(&[(3, 100), (2, 1000), (1, 1)]);
                // Between this and the answer to the next try most can happen.
                self.moments.push(late);
                (Point::ControllerDispatch, self.delay(late))
            }
            Part::SlowTry => {
                let slow = self.draw.between(1, rpc);
                self.moments.push(again + slow);
                (Point::ControllerDispatch, self.delay(slow))
            }
            Part::LostTry => {
                self.moments.extend([rpc, again]);
                (Point::ControllerDispatch, self.draw.one(&lost))
            }
            Part::LostAnswer => {
                self.moments.extend([rpc, again]);
                let points = [Point::ControllerDispatch, Point::WorkerSubmitTask];
                (self.draw.one(&points), Verb::DropResponse)
            }
            Part::ClosedDoor => (Point::WorkerSubmitTask, Verb::Fail(Code::Unavailable)),
            Part::SlowLaunch => {
                let points = [Point::WorkerBundleDownload, Point::WorkerCreateContainer];
                let timeout = policy.worker_timeout.0;
                let length = self.draw.one(&[1000, rpc, beat, 2 * beat, timeout, 2 * timeout]);
                let length = around(self.draw, Millis(length)).0;
                (self.draw.one(&points), self.delay(length))
            }
            Part::LostReport => (Point::WorkerReportTaskState, self.draw.one(&lost)),
            Part::Unanswered => {
                self.moments.extend([beat, policy.worker_lease.0]);
                let points = [Point::WorkerHeartbeat, Point::ControllerHeartbeatReply];
                (self.draw.one(&points), Verb::DropResponse)
            }
            Part::LostBeats => {
                self.moments.extend([policy.silence().0, policy.worker_timeout.0]);
                (Point::WorkerHeartbeat, Verb::DropRequest)
            }
            Part::LateBeat => {
                let late = self.draw.between(2, rpc);
                (Point::WorkerHeartbeat, self.delay(late))
            }
            Part::FailedAppend => (Point::JournalAppend, Verb::Fail(Code::Internal)),
            Part::LateKill => {
                let late = self.draw.between(1, rpc);
                let late = [self.delay(late), Verb::DropResponse, Verb::DropRequest];
                (Point::ControllerKill, self.draw.one(&late))
            }
        }
    }

    fn when(&mut self, part: Part) -> When {
        let draw = &mut *self.draw;
        let always = When::default();
        let nth = |nth| When { nth: Some(nth), ..always };
        let first = When { first: Some(draw.weighted(&[(4, 1), (3, 2), (2, 4)])), ..always };
        match part {
            Part::LateCopy | Part::LateBeat => nth(1),
            Part::SlowTry => draw.one(&[always, always, first, nth(1)]),
            Part::LostTry => draw.one(&[always, always, first, nth(2), nth(3)]),
            Part::ClosedDoor => nth(draw.weighted(&[(2, 1), (4, 2), (1, 3)])),
            // Submitting is the first entry, what became of the first try the second.
            Part::FailedAppend => nth(draw.weighted(&[(1, 1), (3, 2), (3, 3), (2, 4), (1, 5)])),
            Part::Unanswered => always,
            Part::LostBeats => draw.one(&[always, first]),
            Part::LostAnswer | Part::SlowLaunch | Part::LostReport | Part::LateKill => first,
        }
    }

    fn delay(&mut self, length: u32) -> Verb {
        self.moments.push(length);
        Verb::Delay(Millis(length))
    }

    /// A small job, or two.
    fn jobs(&mut self, cast: Cast) -> Vec<Step> {
        let count = self.draw.weighted(&[(3, 1), (2, 2)]);
        let gangs = self.able.contains(&Kind::Gang);
        let mut steps = Vec::new();
        for number in 0..count {
            let leads = number == 0;
            let gang = gangs && (leads && cast == Cast::Gang || self.draw.percent(20));
            let mut plan = jobs::small(self.draw, self.policy, gang);
            if leads && cast == Cast::Pair && !gang {
                // As large as most workers are.
                (plan.replicas, plan.cpus) = (2, self.draw.one(&[1, 2, 4, 4]));
                (plan.delivery, plan.preemption, plan.max_task_failures) = (0, 0, 0);
            }
            let exits = plan.tasks.iter().flatten().map(|exit| exit.after.0);
            self.moments.extend(exits.filter(|after| *after > 0));
            steps.push(Step::Submit(plan));
        }
        steps
    }

    /// Time until a moment, and something that happens there; a few times.
    fn goes_on(&mut self) -> Vec<Step> {
        self.moments.push(self.policy.heartbeat.0);
        let count = self.draw.weighted(&[(2, 1), (3, 2), (3, 3)]);
        let mut until: Vec<u32> = (0..count).map(|_| self.draw.one(&self.moments)).collect();
        until.sort_unstable();
        until.dedup();
        let mut now = 0;
        let mut steps = Vec::new();
        if self.able.contains(&Kind::Drain) && self.draw.percent(20) {
            // What is on a worker goes on when it is closed, and nothing comes any more.
            steps.push(Step::Drain(self.worker));
        }
        for moment in until {
            // Just before it, just after, or in time for what happens there to tell.
            let near = self.draw.weighted(&[(3, -2), (1, -1), (1, 0), (3, 1), (2, 20), (1, -200)]);
            let moment = moment.saturating_add_signed(near);
            if moment > now {
                steps.push(Step::Pass(Millis(moment - now)));
                now = moment;
            }
            steps.extend(self.happens());
        }
        steps
    }

    /// What happens in between; often nothing.
    fn happens(&mut self) -> Vec<Step> {
        let worker = self.worker;
        let others = self.world.workers().map(|(id, _)| id).filter(|id| *id != worker);
        let others: Vec<WorkerId> = others.collect();
        let other = if others.is_empty() { worker } else { self.draw.one(&others) };
        let jobs = u32::try_from(self.world.plans().len()).expect("invariant: there are a few");
        let again = vec![Step::WorkerCrashes(worker), Step::WorkerStarts(worker)];
        let (kind, steps) = match self.draw.between(0, 12) {
            _ if self.comes && self.draw.percent(50) => {
                let slice = rules::slice(self.draw, self.world);
                let restart = [Step::ControllerCrashes, Step::ControllerStarts];
                let mut steps = vec![Step::SlicePreempted(slice)];
                if self.able.contains(&Kind::Controller) && self.draw.percent(30) {
                    // After it nobody is HEALTHY until heard.
                    steps.splice(0..0, restart);
                }
                (Kind::Fleet, steps)
            }
            0 | 1 => (Kind::Drain, vec![Step::Drain(worker)]),
            2 => (Kind::Drain, [vec![Step::Drain(worker)], again].concat()),
            3 => (Kind::Worker, vec![Step::WorkerCrashes(worker)]),
            4 | 5 => (Kind::Worker, again),
            6 => (Kind::Worker, vec![Step::WorkerCrashes(other), Step::WorkerStarts(other)]),
            7 => (Kind::Cancel, vec![Step::Cancel(JobId(jobs + 1))]),
            8 => (Kind::Controller, vec![Step::ControllerCrashes, Step::ControllerStarts]),
            9 => (Kind::Cut, vec![Step::Cut(worker, Direction::FromWorker)]),
            _ => (Kind::Pass, Vec::new()),
        };
        if self.able.contains(&kind) { steps } else { Vec::new() }
    }
}
