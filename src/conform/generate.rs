//! Whole runs, drawn from a seed: shapes of clusters, jobs at the edges of what can be asked for,
//! faults, and time that passes until just before, at, and just after something is due.
//!
//! [`draw()`] is the plain way: a run by its number, the same on every machine. [`Runs`] is that as
//! a strategy of proptest, and [`next_step`] draws one step, for tests that keep the state
//! themselves.
//!
//! Proptest does not shrink these runs: a run is shortened as a whole, with what belongs together
//! taken together, by a search of its own.

mod draw;
mod jobs;
mod lengths;
mod plots;
mod rules;
mod shapes;
mod steps;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use proptest::strategy::{BoxedStrategy, NewTree, Strategy};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::run::{Run, Shape, Step};
use super::subject::{Abilities, Kind};
use super::world::World;
use draw::{Draw, Drawing, Drawn};
use lengths::Due;

pub use lengths::LONGEST_RUN;
pub use steps::{Swarm, kind_of, next_step};

/// A strategy of whole runs. It does not shrink.
#[derive(Debug, Clone)]
pub struct Runs {
    /// The kinds of steps that the cluster can do. Each run takes some of them; jobs are submitted
    /// and time passes in every run.
    pub kinds: Vec<Kind>,
    /// How many steps a run has, at least and at most.
    pub steps: (usize, usize),
}

impl From<&Abilities> for Runs {
    fn from(abilities: &Abilities) -> Self {
        Self { kinds: steps::able(abilities), steps: (5, 40) }
    }
}

/// In how many runs of a hundred plots are told.
const PLOTS: u32 = 60;

impl Strategy for Runs {
    type Tree = Drawn<Run>;
    type Value = Run;

    fn new_tree(&self, runner: &mut TestRunner) -> NewTree<Self> {
        Ok(Drawn(self.run(&mut Draw(runner))))
    }
}

impl Runs {
    fn run(&self, draw: &mut Draw<'_>) -> Run {
        let plots = self.kinds.contains(&Kind::Fault) && draw.percent(PLOTS);
        let (shape, swarm) = begin(draw, &self.kinds, plots);
        let (least, most) = self.steps;
        let count = least + draw.place(most - least + 1);
        let mut world = World::new(&shape);
        let mut due = Due::default();
        let mut steps = Vec::with_capacity(count);
        let mut told = VecDeque::new();
        // A plot that was begun is told to its end.
        while steps.len() < count || (!told.is_empty() && steps.len() < most) {
            if told.is_empty() && plots && steps.len() < count && draw.percent(50) {
                told.extend(plots::plot(draw, &world, swarm.policy(), &self.kinds));
            }
            let fits = |step: &Step| world.can(step).is_ok() && lengths::fits(&world, step);
            let next = if draw.percent(95) { next_of(&mut told, fits) } else { None };
            let step = next.unwrap_or_else(|| steps::step(draw, &world, &swarm, &due));
            debug_assert_eq!(world.can(&step), Ok(()), "invariant: only what is possible is drawn");
            world.take(&step);
            due.note(&world, swarm.policy(), &step);
            steps.push(step);
        }
        Run::new(u64::from(draw.between(0, 999_999)), shape, steps)
    }
}

/// The next step of a plot that is possible; others are left out.
fn next_of(told: &mut VecDeque<Step>, fits: impl Fn(&Step) -> bool) -> Option<Step> {
    std::iter::from_fn(|| told.pop_front()).find(fits)
}

fn begin(draw: &mut Draw<'_>, kinds: &[Kind], plots: bool) -> (Shape, Swarm) {
    let swarm = Swarm::draw(draw, kinds);
    let shape = shapes::shape(draw, &swarm.kinds(), plots);
    let policy = shape.policy.0;
    (shape, swarm.of_policy(policy))
}

/// A cluster, and what is preferred in it: where [`next_step`] begins.
pub fn beginning(abilities: &Abilities) -> BoxedStrategy<(Shape, Swarm)> {
    let kinds = steps::able(abilities);
    Drawing(move |draw: &mut Draw<'_>| begin(draw, &kinds, false)).boxed()
}

/// The run of this number: the same for the same seed, on every machine.
pub fn draw(abilities: &Abilities, seed: u64, index: u64) -> Run {
    Draw(&mut runner(seed, index)).of(&Runs::from(abilities))
}

/// A cluster of one worker or two under the usual policy, and a plot for it alone: the same for the
/// same number, on every machine. Of its steps some may not be possible.
pub(super) fn plot_alone(number: u64) -> (Shape, Vec<Step>) {
    let shape = Shape::of_workers(if number.is_multiple_of(2) { 1 } else { 2 });
    let (world, policy) = (World::new(&shape), shape.policy.0);
    let steps = plots::plot(&mut Draw(&mut runner(0, number)), &world, &policy, &Kind::ALL);
    (shape, steps)
}

/// A source of chance that belongs to these two numbers.
fn runner(seed: u64, index: u64) -> TestRunner {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..16].copy_from_slice(&index.to_le_bytes());
    // No file of failures: a run is its own record.
    let config = Config { failure_persistence: None, ..Config::default() };
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &key))
}
