//! What of a run is simpler: fewer and shorter things, the usual instead of the unusual.
//!
//! A name that several steps share is changed in all of them: a job that is left out takes what is
//! done to it along, and the jobs behind it move up, as workers and groups do. Each simpler run is
//! possible, and is smaller than the one it comes from by a measure that cannot fall for ever (see
//! the tests), so that a search by it ends.

mod jobs;
mod leaps;
mod names;
mod rules;
mod setting;
mod small;
#[cfg(test)]
mod tests;

use super::run::{Run, Step};
use super::shrink::{Case, simpler_numbers};
use super::world::World;
use crate::model::id::{SliceId, VmId};
use crate::model::time::Millis;
use names::Renaming;

impl Case for Run {
    type Step = Step;

    fn steps(&self) -> &[Step] {
        &self.steps
    }

    fn with_steps(&self, steps: Vec<Step>) -> Self {
        let renaming = Renaming::of_jobs(&self.steps, &steps);
        possible(Self { steps: renaming.steps(&steps), ..self.clone() })
    }

    fn simpler_step(&self, at: usize) -> Vec<Self> {
        let simpler = simpler_steps(self, at).into_iter().map(|step| {
            let mut steps = self.steps.clone();
            steps[at] = step;
            Self { steps, ..self.clone() }
        });
        merged(self, at)
            .into_iter()
            .chain(simpler)
            .map(possible)
            .filter(|run| run != self)
            .collect()
    }

    fn simpler_setting(&self) -> Vec<Self> {
        let simpler = setting::simpler(self).into_iter().chain(rules::jointly(self));
        simpler.map(possible).filter(|run| run != self).collect()
    }

    fn leaps(&self) -> Vec<Self> {
        leaps::of(self)
    }
}

/// The same without the steps that cannot be done.
fn possible(run: Run) -> Run {
    Run { steps: World::possible(&run), ..run }
}

/// Time that passes twice in a row passes at once.
fn merged(run: &Run, at: usize) -> Option<Run> {
    let (Step::Pass(first), Step::Pass(second)) = (&run.steps[at], run.steps.get(at + 1)?) else {
        return None;
    };
    let mut steps = run.steps.clone();
    steps[at] = Step::Pass(Millis(first.0.checked_add(second.0)?));
    steps.remove(at + 1);
    Some(Run { steps, ..run.clone() })
}

fn simpler_steps(run: &Run, at: usize) -> Vec<Step> {
    match &run.steps[at] {
        Step::Submit(plan) => jobs::simpler(plan).into_iter().map(Step::Submit).collect(),
        Step::Fault(rule) => rules::simpler(rule).into_iter().map(Step::Fault).collect(),
        Step::Pass(length) => numbers(length.0, 1).map(|n| Step::Pass(Millis(n))).collect(),
        Step::SlicePreempted(SliceId { group, number }) => {
            let slice = |number| Step::SlicePreempted(SliceId { group: *group, number });
            numbers(*number, 1).map(slice).collect()
        }
        Step::VmLost(vm) => {
            let first = setting::first_vm(&run.shape);
            numbers(vm.0, first.0).map(|n| Step::VmLost(VmId(n))).collect()
        }
        Step::Resubmit(_)
        | Step::Cancel(_)
        | Step::Drain(_)
        | Step::Open(_)
        | Step::WorkerCrashes(_)
        | Step::WorkerStarts(_)
        | Step::ControllerCrashes
        | Step::ControllerStarts
        | Step::Cut(..)
        | Step::Mended(..)
        | Step::FaultsEnd => Vec::new(),
    }
}

/// [`simpler_numbers`] of a number of 32 bits.
fn numbers(number: u32, least: u32) -> impl Iterator<Item = u32> {
    let simpler = simpler_numbers(number.into(), least.into()).into_iter();
    simpler.map(|n| u32::try_from(n).expect("invariant: it is below a number of 32 bits"))
}

/// A few smaller numbers, simplest first: the least, the half, and rounder ones. What stands in a
/// run many times is not worth a bisection each.
fn coarser(number: u32, least: u32) -> Vec<u32> {
    let round = [10_000, 1000, 100, 10].map(|unit| number / unit * unit);
    let mut smaller: Vec<u32> = [least, number / 2].into_iter().chain(round).collect();
    smaller.retain(|n| (least..number).contains(n));
    smaller.sort_unstable();
    smaller.dedup();
    smaller
}

/// [`coarser`] for lengths of time.
fn shorter(length: Millis, least: u32) -> impl Iterator<Item = Millis> {
    coarser(length.0, least).into_iter().map(Millis)
}
