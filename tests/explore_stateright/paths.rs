//! Models that are lists of steps between numbers.
#![allow(dead_code, reason = "each test uses its part")]

use iris_check::explore::{Claim, Coded, Fairness, Kind, Obligation, Subject};
use stateright::{Model, Property};

use super::common::lcg::Lcg;

/// Steps from 0 on; the claim is that 9 is reached eventually. 100 is over the boundary.
#[derive(Clone)]
pub struct Steps(Vec<(u16, u16)>);

pub fn eventually(steps: &[(u16, u16)]) -> Steps {
    Steps(steps.to_vec())
}

impl Model for Steps {
    type State = u16;
    type Action = u16;

    fn init_states(&self) -> Vec<u16> {
        vec![0]
    }

    fn actions(&self, state: &u16, actions: &mut Vec<u16>) {
        actions.extend(self.0.iter().filter(|step| step.0 == *state).map(|step| step.1));
    }

    fn next_state(&self, _: &u16, action: u16) -> Option<u16> {
        Some(action)
    }

    fn within_boundary(&self, state: &u16) -> bool {
        *state != 100
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![Property::eventually("reaches 9", |_: &Self, state| *state == 9)]
    }
}

/// Steps from 0 on; the claim is that what arises is met. 100 is over the boundary.
pub struct Paths {
    pub steps: Vec<(u16, u16, Fairness)>,
    pub open: Vec<u16>,
    /// Where the obligation arises; nothing said: wherever it is open.
    pub arises: Vec<u16>,
    /// Adds a safety claim that this state breaks.
    pub broken: Option<u16>,
    pub panics: bool,
    /// By state, where its steps begin and end.
    offsets: Vec<(usize, usize)>,
}

pub fn leads_to(steps: &[(u16, u16, Fairness)], open: &[u16]) -> Paths {
    Paths {
        steps: steps.to_vec(),
        open: open.to_vec(),
        arises: Vec::new(),
        broken: None,
        panics: false,
        offsets: Vec::new(),
    }
}

impl Paths {
    /// Many states with a few steps each, to states not far ahead or anywhere behind.
    pub fn random(lcg: &mut Lcg, states: u16) -> Self {
        let mut model = leads_to(&[], &[]);
        for state in 0..states {
            let begin = model.steps.len();
            for step in 0..=lcg.below(4) {
                let last = usize::from(states) - 1;
                // The first leads on, or the walk might end at once.
                let target = if step == 0 || lcg.once_in(2) {
                    (usize::from(state) + 1 + lcg.below(2_000)).min(last)
                } else {
                    lcg.below(usize::from(state) + 1)
                };
                let fairness = match lcg.below(4) {
                    0 => Fairness::None,
                    1 => Fairness::Strong(u8::from(lcg.once_in(2))),
                    _ => Fairness::Weak(u8::from(lcg.once_in(2))),
                };
                model.steps.push((state, u16::try_from(target).expect("small"), fairness));
            }
            model.offsets.push((begin, model.steps.len()));
        }
        model.open = (0..states).filter(|state| state % 8 != 1).collect();
        model.arises = (0..states).filter(|state| state % 50 == 3).collect();
        model.broken = Some(states - 3);
        model
    }

    fn of(&self, state: u16) -> impl Iterator<Item = usize> + '_ {
        let (begin, end) = match self.offsets.get(usize::from(state)) {
            Some(known) => *known,
            None => (0, self.steps.len()),
        };
        (begin..end).filter(move |at| self.steps[*at].0 == state)
    }
}

impl Model for Paths {
    type State = u16;
    type Action = u16;

    fn init_states(&self) -> Vec<u16> {
        vec![0]
    }

    fn actions(&self, state: &u16, actions: &mut Vec<u16>) {
        assert!(!self.panics || *state < 15_000, "the model has a bug");
        actions.extend((0..).zip(self.of(*state)).map(|(number, _)| number));
    }

    fn next_state(&self, state: &u16, action: u16) -> Option<u16> {
        self.of(*state).nth(usize::from(action)).map(|at| self.steps[at].1)
    }

    fn within_boundary(&self, state: &u16) -> bool {
        *state != 100 || !self.offsets.is_empty()
    }
}

impl Subject for Paths {
    fn claims(&self) -> Vec<Claim> {
        let claim = |name: &str, kind| Claim { name: name.to_owned(), kind };
        let mut claims = vec![claim("what arises is met", Kind::Progress)];
        claims.extend(self.broken.map(|_| claim("nothing is broken", Kind::Safety)));
        claims
    }

    fn broken(&self, state: &u16) -> u64 {
        u64::from(self.broken == Some(*state)) << 1
    }

    fn exercised(&self, _: &u16) -> u64 {
        3
    }

    fn open(&self, state: &u16) -> u64 {
        u64::from(self.open.binary_search(state).is_ok())
    }

    fn arises(&self, state: &u16) -> u64 {
        let all = self.arises.is_empty();
        if all || self.arises.binary_search(state).is_ok() { self.open(state) } else { 0 }
    }

    fn obligations(&self) -> Vec<Obligation> {
        vec![Obligation { claim: 0, name: "the one".to_owned() }]
    }

    fn fairness(&self, state: &u16, action: &u16) -> Fairness {
        let at = self.of(*state).nth(usize::from(*action)).expect("an action of the state");
        self.steps[at].2
    }
}

/// 5,000 states with 400 steps each.
pub struct Wide;

impl Model for Wide {
    type State = u32;
    type Action = u32;

    fn init_states(&self) -> Vec<u32> {
        vec![0]
    }

    fn actions(&self, _: &u32, actions: &mut Vec<u32>) {
        actions.extend(0..400);
    }

    fn next_state(&self, state: &u32, action: u32) -> Option<u32> {
        Some((state * 7 + action * 13 + 1) % 5_000)
    }
}

impl Coded for Steps {
    type Code = [u64; 1];

    fn encode(&self, state: &u16) -> [u64; 1] {
        [u64::from(*state)]
    }

    fn decode(&self, [state]: &[u64; 1]) -> u16 {
        u16::try_from(*state).expect("it was encoded")
    }
}

impl Coded for Paths {
    type Code = [u64; 1];

    fn encode(&self, state: &u16) -> [u64; 1] {
        [u64::from(*state)]
    }

    fn decode(&self, [state]: &[u64; 1]) -> u16 {
        u16::try_from(*state).expect("it was encoded")
    }
}
