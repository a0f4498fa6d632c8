//! The same comparison as a state machine of proptest: it draws one step after another, and each
//! test case is one run.
//!
//! Its shrinking takes away one step at a time and gives up where a precondition fails, so it is
//! not used: the run that failed is handed to our own search.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use iris_check::conform::generate::{Swarm, beginning, next_step};
use iris_check::conform::in_process::InProcess;
use iris_check::conform::play::{Outcome, Session};
use iris_check::conform::run::{Run, Shape, Step};
use iris_check::conform::subject::Stand;
use iris_check::conform::world::World;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest};

/// What was drawn so far.
#[derive(Debug, Clone)]
pub struct Drawn {
    shape: Shape,
    swarm: Swarm,
    world: World,
}

/// The reference, as far as steps are drawn by it.
pub struct Reference;

impl ReferenceStateMachine for Reference {
    type State = Drawn;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<Drawn> {
        let drawn = |(shape, swarm)| Drawn { world: World::new(&shape), shape, swarm };
        beginning(InProcess::virtual_time().abilities()).prop_map(drawn).boxed()
    }

    fn transitions(state: &Drawn) -> BoxedStrategy<Step> {
        next_step(&state.world, &state.swarm)
    }

    fn preconditions(state: &Drawn, step: &Step) -> bool {
        state.world.can(step).is_ok()
    }

    fn apply(mut state: Drawn, step: &Step) -> Drawn {
        state.world.take(step);
        state
    }
}

/// The cluster, with the run that was done to it.
pub struct Cluster {
    session: Session,
    run: Run,
}

thread_local! {
    /// The run that failed last, and how.
    static FAILED: RefCell<Option<(Run, Outcome)>> = const { RefCell::new(None) };
}

/// Compares the cluster with the whole reference after each step.
pub struct Compared;

impl StateMachineTest for Compared {
    type SystemUnderTest = Cluster;
    type Reference = Reference;

    fn init_test(state: &Drawn) -> Cluster {
        let run = Run::new(0, state.shape.clone(), Vec::new());
        let session = Session::begin(run.clone(), &InProcess::virtual_time());
        Cluster { session: session.expect("a drawn cluster starts"), run }
    }

    fn apply(mut cluster: Cluster, _: &Drawn, step: Step) -> Cluster {
        cluster.run.steps.push(step.clone());
        cluster.session.step(cluster.run.steps.len(), &step);
        if !cluster.session.goes_on() {
            judge(cluster.session, cluster.run);
            unreachable!("what does not go on is told");
        }
        cluster
    }

    fn teardown(cluster: Cluster, _: Drawn) {
        judge(cluster.session, cluster.run);
    }
}

fn judge(session: Session, run: Run) {
    let outcome = session.end(run.steps.len()).outcome;
    if outcome != Outcome::Agrees {
        FAILED.with(|failed| *failed.borrow_mut() = Some((run, outcome.clone())));
        panic!("{outcome:#?}");
    }
}

#[test]
fn steps_that_proptest_draws_agree() {
    let config = Config {
        cases: 200,
        max_shrink_iters: 0,
        // The shortest run is kept, not a seed: a seed says nothing once strategies change.
        failure_persistence: None,
        ..Config::default()
    };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(config.clone(), rng);
    let test = || {
        let run = runner.run(&Reference::sequential_strategy(1..40), |(state, steps, seen)| {
            Compared::test_sequential(config.clone(), state, steps, seen);
            Ok(())
        });
        run.map_err(|error| error.to_string())
    };
    match catch_unwind(AssertUnwindSafe(test)) {
        Ok(Ok(())) => {}
        Ok(Err(error)) => match FAILED.with(RefCell::take) {
            Some((run, outcome)) => panic!("{}", super::keep(&run, &outcome, "machine")),
            None => panic!("{error}"),
        },
        Err(panic) => resume_unwind(panic),
    }
}
