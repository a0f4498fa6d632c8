//! The claims as stateright's own properties, so that its checkers can give a second opinion.
//! Progress is left out: stateright's `eventually` misses every endless loop.

use stateright::Property;

use crate::explore::Subject;
use crate::invariants::{Judge, Table};

use super::model::ClusterModel;
use super::state::State;
use super::step::Machines;

/// Whether the claim of this index holds in a state and across the step that first led to it.
fn holds<M: Machines, const I: usize>(model: &ClusterModel<M>, state: &State) -> bool {
    let broken = match &Table::<State>::CLAIMS[I].judge {
        Judge::State(broken) => broken(state).is_some(),
        Judge::Step(_) => model.broken_by_step(state) >> I & 1 == 1,
        Judge::Progress { .. } => false,
    };
    !broken
}

/// The judged safety and stability claims of a model.
pub(super) fn of<M: Machines>(model: &ClusterModel<M>) -> Vec<Property<ClusterModel<M>>> {
    let all: [fn(&ClusterModel<M>, &State) -> bool; 18] = [
        holds::<M, 0>,
        holds::<M, 1>,
        holds::<M, 2>,
        holds::<M, 3>,
        holds::<M, 4>,
        holds::<M, 5>,
        holds::<M, 6>,
        holds::<M, 7>,
        holds::<M, 8>,
        holds::<M, 9>,
        holds::<M, 10>,
        holds::<M, 11>,
        holds::<M, 12>,
        holds::<M, 13>,
        holds::<M, 14>,
        holds::<M, 15>,
        holds::<M, 16>,
        holds::<M, 17>,
    ];
    let judged = all.into_iter().enumerate().filter(|(at, _)| model.judges(*at));
    judged
        .map(|(at, condition)| Property::always(Table::<State>::CLAIMS[at].name, condition))
        .collect()
}
