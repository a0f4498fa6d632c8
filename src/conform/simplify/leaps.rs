//! Much shorter runs that no removal leads to.
//!
//! Steps in the order in which they were drawn are often a detour: a rule that crashes the
//! controller at its next entry does the same before the job as after another one that is only
//! there to be that entry. And time that only passes for something to be waited for need not pass
//! in the run: at its end it is waited for every job that ends by itself.

use super::{possible, small};
use crate::conform::run::{Exit, JobPlan, Run, Step};
use crate::conform::shrink::Case;
use crate::model::time::Millis;

/// Runs of more steps are not taken apart: of these there are a hundred parts of two steps.
const MOST_STEPS: usize = 10;
/// Runs of more steps are not taken apart into three: of these there are two hundred such parts.
const MOST_FOR_THREE: usize = 7;

/// For how long a job is made to wait, or to run: longer than all that is due in the usual policy,
/// or before a worker is DEAD in it.
const PATIENCE: Millis = Millis(60_000);

/// All of them, shortest first.
pub(super) fn of(run: &Run) -> Vec<Run> {
    let mut all = Vec::new();
    let places = 0..run.steps.len();
    if places.len() <= MOST_STEPS {
        let alone = places.clone().map(|at| part(run, &[at]));
        all.extend(alone.flat_map(|run| [patient(&run), Some(run)]).flatten());
        let pairs = places.clone().flat_map(|one| places.clone().map(move |other| (one, other)));
        let pairs = pairs.filter(|(one, other)| one != other);
        all.extend(pairs.map(|(one, other)| part(run, &[one, other])));
    }
    if places.len() > 1 {
        all.extend(small::of_two(run));
    }
    if places.len() <= MOST_FOR_THREE {
        all.extend(parts_of_three(run));
    }
    if places.len() > 3 {
        all.extend(small::of_three(run));
        all.extend(small::told(run));
    }
    all.extend(without_the_last_pause(run));
    all.retain(|shorter| (1..run.steps.len()).contains(&shorter.steps.len()));
    // The sort keeps the order of those that are equally long.
    all.sort_by_key(|run| run.steps.len());
    all
}

/// Three of the steps in any order.
fn parts_of_three(run: &Run) -> Vec<Run> {
    let places = || 0..run.steps.len();
    let pairs = places().flat_map(|one| places().map(move |other| [one, other]));
    let threes = pairs.flat_map(|[one, other]| places().map(move |last| [one, other, last]));
    let threes = threes.filter(|[a, b, c]| a != b && a != c && b != c);
    threes.map(|places| part(run, &places)).collect()
}

/// These steps in this order.
fn part(run: &Run, places: &[usize]) -> Run {
    Case::with_steps(run, places.iter().map(|at| run.steps[*at].clone()).collect())
}

/// The same without the time that passes last; jobs are waited for at the end instead.
fn without_the_last_pause(run: &Run) -> Option<Run> {
    let at = run.steps.iter().rposition(|step| matches!(step, Step::Pass(_)))?;
    let mut steps = run.steps.clone();
    steps.remove(at);
    patient(&Case::with_steps(run, steps))
}

/// The same with jobs that are waited for, unless all are already.
fn patient(run: &Run) -> Option<Run> {
    let steps = run.steps.iter().map(|step| {
        let Step::Submit(plan) = step else { return step.clone() };
        Step::Submit(waited_for(plan.clone()))
    });
    let patient = possible(Run { steps: steps.collect(), ..run.clone() });
    (patient != *run).then_some(patient)
}

pub(super) fn waited_for(mut plan: JobPlan) -> JobPlan {
    plan.scheduling_timeout = plan.scheduling_timeout.or(Some(PATIENCE));
    if plan.timeout.is_none() && plan.tasks.is_empty() {
        plan.tasks = vec![vec![Exit { after: PATIENCE, ok: true }]];
    }
    plan
}
