//! Small changes to a run that was worth keeping.

use crate::conform::run::{JobPlan, Run, Step};
use crate::conform::subject::{Abilities, Kind};
use crate::conform::world::World;

use super::draw::Draw;
use super::lengths::{Due, LONGEST_RUN, around};
use super::steps::{Swarm, able, is_possible, kind_of, of_kind, step};

/// More steps than this a run does not grow to.
const MOST_STEPS: usize = 60;

/// A run that differs a little from this one; now and then it goes on as another one does. It is
/// drawn: the same seed gives the same run.
pub fn mutate(run: &Run, other: &Run, abilities: &Abilities, seed: u64) -> Run {
    let mut runner = super::runner(seed, u64::MAX);
    let draw = &mut Draw(&mut runner);
    let swarm = Swarm::of_all(&able(abilities), run.shape.policy.0);
    let mut changed = run.clone();
    for _ in 0..draw.weighted(&[(4, 1), (2, 2), (1, 4)]) {
        change(draw, &mut changed, other, &swarm);
    }
    changed.steps = possible(&changed);
    if changed.steps.is_empty() {
        insert(draw, &mut changed, &swarm);
    }
    changed
}

/// The steps that can be done, as far as a run may go.
fn possible(run: &Run) -> Vec<Step> {
    let mut left = LONGEST_RUN.0;
    let mut steps = World::possible(run);
    steps.retain(|step| {
        let length = if let Step::Pass(length) = step { length.0 } else { 0 };
        let goes = length <= left;
        left -= if goes { length } else { 0 };
        goes
    });
    steps.truncate(MOST_STEPS);
    steps
}

fn change(draw: &mut Draw<'_>, run: &mut Run, other: &Run, swarm: &Swarm) {
    let count = run.steps.len();
    if count == 0 {
        return insert(draw, run, swarm);
    }
    let at = draw.place(count);
    match draw.between(0, 9) {
        0 => {
            let until = (at + draw.place(3) + 1).min(count);
            run.steps.drain(at..until);
        }
        1 => {
            let again = run.steps[at].clone();
            let to = draw.place(count + 1);
            run.steps.insert(to, again);
        }
        2 => {
            let with = draw.place(count);
            run.steps.swap(at, with);
        }
        3..=5 => insert(draw, run, swarm),
        6..=8 => change_value(draw, run, at, swarm),
        _ => splice(draw, run, other, at),
    }
}

fn insert(draw: &mut Draw<'_>, run: &mut Run, swarm: &Swarm) {
    let at = draw.place(run.steps.len() + 1);
    let (world, due) = before(run, at, swarm);
    run.steps.insert(at, step(draw, &world, swarm, &due));
}

/// The end of the other run in place of that of this one, or a piece of it in between.
fn splice(draw: &mut Draw<'_>, run: &mut Run, other: &Run, at: usize) {
    if other.steps.is_empty() {
        return;
    }
    let from = draw.place(other.steps.len());
    if draw.percent(50) {
        run.steps.truncate(at);
        run.steps.extend_from_slice(&other.steps[from..]);
    } else {
        let until = (from + draw.place(5) + 1).min(other.steps.len());
        run.steps.splice(at..at, other.steps[from..until].iter().cloned());
    }
}

/// Draws the step at this place anew, of the same kind; of a job only one part.
fn change_value(draw: &mut Draw<'_>, run: &mut Run, at: usize, swarm: &Swarm) {
    let (world, due) = before(run, at, swarm);
    let old = &run.steps[at];
    let kind = kind_of(old);
    if !is_possible(&world, swarm, kind) {
        return;
    }
    let tweak = kind == Kind::Pass && draw.percent(40);
    run.steps[at] = match (old, of_kind(draw, &world, swarm, &due, kind)) {
        (Step::Pass(length), Step::Pass(_)) if tweak => Step::Pass(around(draw, *length)),
        (Step::Submit(old), Step::Submit(new)) => Step::Submit(graft(draw, old, new)),
        (_, new) => new,
    };
}

/// A job with one part of another.
fn graft(draw: &mut Draw<'_>, old: &JobPlan, new: JobPlan) -> JobPlan {
    let old = old.clone();
    match draw.between(0, 5) {
        0 => JobPlan { replicas: new.replicas, ..old },
        1 => JobPlan { cpus: new.cpus, ..old },
        2 => JobPlan { delivery: new.delivery, preemption: new.preemption, ..old },
        3 => JobPlan { timeout: new.timeout, ..old },
        4 => JobPlan { scheduling_timeout: new.scheduling_timeout, ..old },
        // A large budget of failures was drawn only for exits that use little of it.
        _ => JobPlan { tasks: new.tasks, failure: new.failure, ..old },
    }
}

/// What was done before this place.
fn before(run: &Run, at: usize, swarm: &Swarm) -> (World, Due) {
    let mut world = World::new(&run.shape);
    let mut due = Due::default();
    for step in &run.steps[..at] {
        if world.can(step).is_ok() {
            world.take(step);
            due.note(&world, swarm.policy(), step);
        }
    }
    (world, due)
}
