//! Small runs: a job, and one thing that happens to it.
//!
//! Most of what is wrong with a cluster can be seen in one of these, and a search that leaves out
//! one thing after another often ends beside it: it keeps the cut and the time that passes where a
//! single lost message would do. So they are tried for what it is, before it is handed to people.

use super::leaps::waited_for;
use super::{possible, rules};
use crate::conform::run::{Exit, JobPlan, Run, Step};
use crate::model::id::{JobId, WorkerId};
use crate::model::operation::Direction;
use crate::model::time::Millis;
use crate::real::chaos::{About, Point, Rule, Verb, When};

/// All of two steps, around the last job of a run.
pub(super) fn of(run: &Run) -> Vec<Run> {
    let mut jobs = run.steps.iter().rev().filter_map(|step| {
        let Step::Submit(plan) = step else { return None };
        Some(plan)
    });
    let Some(job) = jobs.next() else { return Vec::new() };
    let mut all = Vec::new();
    for job in forms(job) {
        let job = Step::Submit(job);
        all.extend(afterwards(run).into_iter().map(|step| with(run, vec![job.clone(), step])));
        all.extend(before(run).into_iter().map(|step| with(run, vec![step, job.clone()])));
        for cut in cuts(run) {
            let mut one_try = with(run, vec![cut, job.clone()]);
            one_try.shape.policy.0.delivery_tries = 1;
            all.push(one_try);
        }
    }
    all
}

fn with(run: &Run, steps: Vec<Step>) -> Run {
    possible(Run { steps, ..run.clone() })
}

/// The job; the same that is waited for; and one that ends well at once, if it is let.
fn forms(job: &JobPlan) -> Vec<JobPlan> {
    let at_once = vec![vec![Exit { after: Millis(0), ok: true }]];
    let quick = JobPlan { failure: job.failure.max(5), tasks: at_once, ..job.clone() };
    let mut all = vec![job.clone(), waited_for(job.clone()), quick];
    all.dedup();
    all
}

/// What happens when there is a job.
fn afterwards(run: &Run) -> Vec<Step> {
    let job = JobId(1);
    let mut all = vec![Step::Resubmit(job), Step::Cancel(job), Step::ControllerCrashes];
    if let Some(worker) = first_worker(run) {
        all.extend([Step::WorkerCrashes(worker), Step::Drain(worker)]);
    }
    all
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

/// Each verb of a point, at its first hit, at its second, and at the first few.
fn rules_at(point: Point) -> Vec<Rule> {
    let nth = |nth| When { nth: Some(nth), ..When::default() };
    let whens = [nth(1), nth(2), When { first: Some(3), ..When::default() }];
    let verbs = point.verbs().iter().map(|word| rules::plain(word));
    // A delay that is long beside a call in memory, and short beside all that a policy waits for.
    let verbs = verbs.map(|verb| verb.unwrap_or(Verb::Delay(Millis(500))));
    // A node that dies at a call dies as one that dies: two points are for that.
    let dies = |verb: &Verb| *verb == Verb::Crash && point.verbs().len() > 1;
    let verbs = verbs.filter(|verb| !dies(verb));
    verbs.flat_map(|verb| whens.map(|when| Rule::new(point, verb).when(when))).collect()
}
