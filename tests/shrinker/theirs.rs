//! The same toy under the shrinking of `proptest-state-machine`, to compare.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;
use proptest::strategy::{BoxedStrategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use proptest_state_machine::ReferenceStateMachine;

use super::toy::{Bug, Op, Reference, WORKERS, shows};

struct Registry;

impl ReferenceStateMachine for Registry {
    type State = Reference;
    type Transition = Op;

    fn init_state() -> BoxedStrategy<Reference> {
        Just(Reference::default()).boxed()
    }

    fn transitions(_: &Reference) -> BoxedStrategy<Op> {
        let worker = 0..WORKERS;
        prop_oneof![
            3 => worker.clone().prop_map(Op::Register),
            3 => worker.clone().prop_map(Op::Expire),
            2 => worker.clone().prop_map(Op::Beat),
            1 => Just(Op::Flip),
            1 => worker.prop_map(Op::Tick),
        ]
        .boxed()
    }

    fn preconditions(state: &Reference, op: &Op) -> bool {
        state.allows(*op)
    }

    fn apply(mut state: Reference, op: &Op) -> Reference {
        state.apply(*op);
        state
    }
}

/// The operations that its shrinking ends with, for so many failures.
pub fn shrunk(bug: &Bug, failures: usize) -> Vec<Vec<Op>> {
    let config = Config { max_local_rejects: u32::MAX, ..Config::default() };
    let chance = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config, chance);
    let strategy = Registry::sequential_strategy(80..=80);
    let mut ends = Vec::new();
    while ends.len() < failures {
        let mut tree = strategy.new_tree(&mut runner).expect("something is always allowed");
        let (_, ops, seen) = tree.current();
        if let Some(until) = (1..=ops.len()).find(|&until| shows(bug, &ops[..until])) {
            // It is told where the failure was seen, so it need not search for that.
            let seen = seen.expect("it is there before the first shrinking");
            seen.store(until, Ordering::SeqCst);
            ends.push(simplest(&mut tree, bug, ops));
        }
    }
    ends
}

/// What the runner of `proptest` does with a tree whose value fails.
fn simplest<T>(tree: &mut T, bug: &Bug, ops: Vec<Op>) -> Vec<Op>
where
    T: ValueTree<Value = (Reference, Vec<Op>, Option<Arc<AtomicUsize>>)>,
{
    let mut least = ops;
    let mut goes_on = tree.simplify();
    while goes_on {
        let (_, ops, _) = tree.current();
        goes_on = if shows(bug, &ops) {
            least = ops;
            tree.simplify()
        } else {
            tree.complicate()
        };
    }
    least
}
