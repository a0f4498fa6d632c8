//! States of the modelled cluster as bytes.

use crate::explore::Portable;

use super::model::ClusterModel;
use super::state::State;
use super::step::Machines;

/// What a state has in common with the first one at its front, the policy above all, is left out:
/// two bytes say how much that is.
impl<M: Machines> Portable for ClusterModel<M> {
    fn pack(&self, state: &State, bytes: &mut Vec<u8>) {
        let all = packed(state);
        let first = self.first_packed();
        let alike = all.iter().zip(first).take_while(|(one, other)| one == other).count();
        let alike = u16::try_from(alike).unwrap_or(u16::MAX);
        bytes.extend(alike.to_le_bytes());
        bytes.extend(&all[usize::from(alike)..]);
    }

    fn unpack(&self, bytes: &[u8]) -> Option<State> {
        let (alike, rest) = bytes.split_first_chunk()?;
        let first = self.first_packed().get(..usize::from(u16::from_le_bytes(*alike)))?;
        let all = [first, rest].concat();
        let (state, left) = postcard::take_from_bytes(&all).ok()?;
        left.is_empty().then_some(state)
    }
}

/// A state, all of it.
pub(super) fn packed(state: &State) -> Vec<u8> {
    postcard::to_allocvec(state).expect("invariant: every part of a state can be written")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use stateright::Model;

    use super::*;
    use crate::check::scope::Scope;
    use crate::explore::fingerprint;

    /// Some states of a scope, every third of those that are found, so that they get deep.
    fn some_states(model: &ClusterModel) -> Vec<State> {
        let mut states = model.init_states();
        let (mut known, mut next, mut acts) = (BTreeSet::new(), 0, Vec::new());
        while next < states.len() && states.len() < 2_000 {
            let state = states[next].clone();
            next += 1;
            model.actions(&state, &mut acts);
            for after in acts.drain(..).filter_map(|act| model.next_state(&state, act)) {
                if known.insert(fingerprint(&after)) && known.len() % 3 == 0 {
                    states.push(after);
                }
            }
        }
        states
    }

    #[test]
    fn states_come_back_as_they_went() {
        for scope in Scope::standard() {
            let model = ClusterModel::new(scope);
            for state in some_states(&model) {
                let mut bytes = Vec::new();
                model.pack(&state, &mut bytes);
                let back = model.unpack(&bytes).expect("it was packed");
                assert_eq!(back, state);
                assert_eq!(packed(&back), packed(&state), "what equality leaves out too");
                assert_eq!(fingerprint(&back), fingerprint(&state));
            }
        }
    }

    #[test]
    fn what_was_not_packed_is_no_state() {
        let model = ClusterModel::new(Scope::standard().remove(0));
        let mut bytes = Vec::new();
        model.pack(&model.initial(), &mut bytes);
        assert!(model.unpack(&[]).is_none());
        assert!(model.unpack(&bytes[..bytes.len() - 1]).is_none());
        bytes.push(0);
        assert!(model.unpack(&bytes).is_none());
    }
}
