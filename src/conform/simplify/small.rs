//! Small runs: a job, and one thing or two that happen to it.
//!
//! Most of what is wrong with a cluster can be seen in one of these, and a search that leaves out
//! one thing after another often ends beside it: it keeps the cut and the time that passes where a
//! single lost message would do, or has left out a worker before it turned out that two steps less
//! need one. So they are tried for what it is, before it is handed to people.
//!
//! What takes more steps than that is told by the plots of the generator, which know what belongs
//! together.

use std::slice;

use super::leaps::waited_for;
use super::{possible, rules};
use crate::conform::generate::plot_alone;
use crate::conform::run::{Exit, JobPlan, Run, Shape, Step};
use crate::model::id::{GroupId, JobId, SliceId, WorkerId};
use crate::model::operation::Direction;
use crate::model::time::Millis;
use crate::real::chaos::{About, Point, Rule, Verb, When};

/// Longer than anything of a usual policy takes that is not about lost workers.
const A_WHILE: Millis = Millis(16_000);

/// How many plots are told.
const TOLD: u64 = 1500;

/// One or two steps, around the last job of a run, or around the first slice of its first group.
pub(super) fn of_two(run: &Run) -> Vec<Run> {
    let mut all = fleet(run);
    for stage in stages(run) {
        for job in forms(run) {
            let job = Step::Submit(job);
            all.push(with(&stage, slice::from_ref(&job)));
            all.extend(happens(run).into_iter().map(|step| with(&stage, &[job.clone(), step])));
            all.extend(before(&stage).into_iter().map(|step| with(&stage, &[step, job.clone()])));
            for cut in cuts(&stage) {
                let mut one_try = with(&stage, &[cut, job.clone()]);
                one_try.shape.policy.0.delivery_tries = 1;
                all.push(one_try);
            }
        }
    }
    all
}

/// Three steps, of which one or two are faults at points where the run has some.
pub(super) fn of_three(run: &Run) -> Vec<Run> {
    let faults = faults(run);
    let heartbeat = Step::Pass(run.shape.policy.0.heartbeat);
    let mut all = Vec::new();
    for stage in stages(run) {
        for job in forms(run).into_iter().map(Step::Submit) {
            for (at, fault) in faults.iter().enumerate() {
                for step in happens(run).into_iter().chain(passes(run)) {
                    all.push(with(&stage, &[fault.clone(), job.clone(), step.clone()]));
                    all.push(with(&stage, &[job.clone(), fault.clone(), step]));
                }
                all.push(with(&stage, &[fault.clone(), heartbeat.clone(), job.clone()]));
                let others = faults[at + 1..].iter().filter(|other| point(other) != point(fault));
                let both = others.map(|other| [fault.clone(), other.clone(), job.clone()]);
                all.extend(both.map(|steps| with(&stage, &steps)));
            }
        }
    }
    all
}

fn with(run: &Run, steps: &[Step]) -> Run {
    possible(Run { steps: steps.to_vec(), ..run.clone() })
}

/// The cluster of the run; and if nothing can run there, one that has a worker.
fn stages(run: &Run) -> Vec<Run> {
    let mut all = vec![Run { steps: Vec::new(), ..run.clone() }];
    if run.shape.workers.is_empty() {
        let workers = Shape::of_workers(1).workers;
        let shape = Shape { workers, ..run.shape.clone() };
        all.push(Run { shape, ..all[0].clone() });
    }
    all
}

/// The last job, or a plain one; the same that is waited for; one that ends well at once, if it is
/// let; one that takes too long; and if it is a gang, one of which a member fails when another has
/// ended well.
fn forms(run: &Run) -> Vec<JobPlan> {
    let mut jobs = run.steps.iter().rev().filter_map(|step| {
        let Step::Submit(plan) = step else { return None };
        Some(plan.clone())
    });
    let job = jobs.next().unwrap_or_default();
    let well = vec![Exit { after: Millis(0), ok: true }];
    let badly = vec![Exit { after: Millis(100), ok: false }];
    let quick = JobPlan { failure: job.failure.max(5), tasks: vec![well.clone()], ..job.clone() };
    let timed = JobPlan { timeout: Some(Millis(100)), tasks: Vec::new(), ..job.clone() };
    let mut all = vec![job.clone(), waited_for(job.clone()), quick, timed];
    if job.gang {
        let tasks = vec![well, badly];
        all.push(JobPlan { replicas: 2, failure: job.failure.max(1), tasks, ..job });
    }
    all.dedup();
    all
}

/// What happens when there is a job.
fn happens(run: &Run) -> Vec<Step> {
    let job = JobId(1);
    let mut all = vec![Step::Resubmit(job), Step::Cancel(job), Step::ControllerCrashes];
    if let Some(worker) = first_worker(run) {
        all.extend([Step::WorkerCrashes(worker), Step::Drain(worker)]);
    }
    all
}

/// Time that passes: until a timeout has run out or a few tries have ended, until the next
/// heartbeat, and for longer.
fn passes(run: &Run) -> impl Iterator<Item = Step> {
    let heartbeat = run.shape.policy.0.heartbeat;
    [Millis(101), Millis(300), heartbeat, A_WHILE].into_iter().map(Step::Pass)
}

/// What happens when the job comes.
fn before(run: &Run) -> Vec<Step> {
    let there = |point: &Point| match point.about() {
        About::Cluster | About::Worker => true,
        About::Slice | About::Vm => !run.shape.groups.is_empty(),
    };
    let rules = Point::ALL.into_iter().filter(there).flat_map(rules_at);
    cuts(run).into_iter().chain(rules.map(Step::Fault)).collect()
}

fn cuts(run: &Run) -> Vec<Step> {
    let ways = [Direction::ToWorker, Direction::FromWorker];
    first_worker(run).into_iter().flat_map(|it| ways.map(|way| Step::Cut(it, way))).collect()
}

fn first_worker(run: &Run) -> Option<WorkerId> {
    run.shape.worker_ids().map(|(id, _)| id).next()
}

fn nth(nth: u64) -> When {
    When { nth: Some(nth), ..When::default() }
}

/// Each verb of a point, at its first hit, at its second, and at the first few. A journal is
/// appended to for each step of a job's way: there the next few count as well.
fn rules_at(point: Point) -> Vec<Rule> {
    let mut whens = vec![nth(1), nth(2), When { first: Some(3), ..When::default() }];
    if point == Point::JournalAppend {
        whens.extend([nth(3), nth(4), nth(5)]);
    }
    let verbs = point.verbs().iter().map(|word| rules::plain(word));
    // A delay that is long beside a call in memory, and short beside all that a policy waits for.
    let verbs = verbs.map(|verb| verb.unwrap_or(Verb::Delay(Millis(500))));
    // A node that dies at a call dies as one that dies: two points are for that.
    let dies = |verb: &Verb| *verb == Verb::Crash && point.verbs().len() > 1;
    let verbs = verbs.filter(|verb| !dies(verb));
    let at = |verb| whens.iter().map(move |when| Rule::new(point, verb).when(*when));
    verbs.flat_map(at).collect()
}

/// The faults of a run, each at its first few hits and at all.
fn faults(run: &Run) -> Vec<Step> {
    let mut kinds: Vec<(Point, Verb)> = Vec::new();
    for step in &run.steps {
        if let Step::Fault(rule) = step
            && !kinds.contains(&(rule.point, rule.verb))
        {
            kinds.push((rule.point, rule.verb));
        }
    }
    let whens = [nth(1), nth(2), nth(3), nth(4), When::default()];
    let rules = kinds
        .into_iter()
        .flat_map(|(point, verb)| whens.map(|when| Step::Fault(Rule::new(point, verb).when(when))));
    rules.collect()
}

fn point(step: &Step) -> Option<Point> {
    if let Step::Fault(rule) = step { Some(rule.point) } else { None }
}

/// Plots that are told alone, in a cluster as small as they are drawn for: what takes four or five
/// steps is found by those that know which belong together. They are tried where there are rules.
pub(super) fn told(run: &Run) -> Vec<Run> {
    if !run.steps.iter().any(|step| matches!(step, Step::Fault(_))) {
        return Vec::new();
    }
    let plot = |number| {
        let (shape, steps) = plot_alone(number);
        possible(Run { shape, steps, ..run.clone() })
    };
    (0..TOLD).map(plot).collect()
}

/// A slice that comes at once or too late, and is perhaps taken away; and a job for which a group
/// without other workers must grow.
fn fleet(run: &Run) -> Vec<Run> {
    let Some(group) = run.shape.groups.first() else { return Vec::new() };
    let stage = |pace| {
        let mut stage = Run { steps: Vec::new(), ..run.clone() };
        stage.shape.groups.truncate(1);
        stage.shape.groups[0].min_slices = group.min_slices.max(1);
        stage.shape.groups[0].pace = pace;
        stage
    };
    let (soon, mut late) = (stage(Millis(1)), stage(Millis(60_000)));
    late.shape.policy.0.boot_timeout = Millis(2_000);
    let gone = Step::SlicePreempted(SliceId { group: GroupId(1), number: 1 });
    let mut alone = soon.clone();
    alone.shape.workers.clear();
    alone.shape.groups[0].min_slices = group.min_slices;
    let job = JobPlan { replicas: 2, cpus: group.cpus, ..JobPlan::default() };
    vec![
        with(&alone, &[Step::Submit(job)]),
        with(&soon, &[Step::Pass(Millis(3))]),
        with(&late, &[Step::Pass(Millis(63_000))]),
        with(&soon, &[Step::Pass(Millis(3)), gone]),
    ]
}
