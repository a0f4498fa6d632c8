//! Search up to symmetry against search without, on thousands of small random models of equal
//! processes: the same verdicts, runs as short and as real, and one state of each orbit.

mod common;

use std::collections::BTreeSet;
use std::hash::{Hash, Hasher};

use common::lcg::Lcg;
use common::unlimited;
use iris_check::explore::{
    Claim, Counterexample, Kind, Path, Stop, Subject, Symmetric, Verdict, search, search_symmetric,
};
use stateright::Model;

const MODELS: u64 = 10_000;

/// Equal processes with a variable that they share. A process steps by itself, or makes another
/// step with it. Which of them does what is all that an action says beside its row.
#[derive(Debug)]
struct Crowd {
    processes: usize,
    /// Where one must be, and with what shared value, to go where.
    alone: Vec<Vec<u8>>,
    /// The same of two: places before, shared value, places and value after.
    pairs: Vec<Vec<u8>>,
    /// So many at this place, while the shared value is that, break the first claim.
    bad: (usize, u8, u8),
    /// A step of this row breaks the second.
    bad_row: u8,
    /// The place at which nobody may be: what goes there leaves the boundary.
    outside: u8,
}

#[derive(Clone, Debug)]
struct Places {
    shared: u8,
    at: Vec<u8>,
    /// The row by which it was reached: a note.
    by: Option<u8>,
}

impl PartialEq for Places {
    fn eq(&self, other: &Self) -> bool {
        (self.shared, &self.at) == (other.shared, &other.at)
    }
}

impl Eq for Places {}

impl Hash for Places {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.shared, &self.at).hash(state);
    }
}

fn byte(small: usize) -> u8 {
    u8::try_from(small).expect("all numbers here are small")
}

/// A row, and the one or two who take it.
type Step = (u8, usize, usize);

impl Crowd {
    fn new(lcg: &mut Lcg) -> Self {
        let (places, values) = (2 + lcg.below(3), 1 + lcg.below(3));
        let number = |below: usize, lcg: &mut Lcg| byte(lcg.below(below));
        let row = |bounds: &[usize], lcg: &mut Lcg| -> Vec<u8> {
            bounds.iter().map(|bound| number(*bound, lcg)).collect()
        };
        let one = [places, values, places, values];
        let two = [places, places, values, places, places, values];
        let alone = (0..=lcg.below(7)).map(|_| row(&one, lcg)).collect();
        let pairs = (0..lcg.below(5)).map(|_| row(&two, lcg)).collect();
        Self {
            processes: 2 + lcg.below(3),
            bad: (1 + lcg.below(3), number(places, lcg), number(values, lcg)),
            bad_row: number(16, lcg),
            outside: number(2 * places, lcg).max(1),
            alone,
            pairs,
        }
    }
}

impl Model for Crowd {
    type State = Places;
    type Action = Step;

    fn init_states(&self) -> Vec<Places> {
        vec![Places { shared: 0, at: vec![0; self.processes], by: None }]
    }

    fn actions(&self, _: &Places, actions: &mut Vec<Step>) {
        for one in 0..self.processes {
            for row in 0..self.alone.len() {
                actions.push((byte(row), one, one));
            }
            for other in (0..self.processes).filter(|other| *other != one) {
                for row in 0..self.pairs.len() {
                    actions.push((byte(self.alone.len() + row), one, other));
                }
            }
        }
    }

    fn next_state(&self, last: &Places, (row, one, other): Step) -> Option<Places> {
        let mut next = Places { by: Some(row), ..last.clone() };
        let row = usize::from(row);
        if let Some(alone) = self.alone.get(row) {
            (next.at[one], next.shared) = (alone[2], alone[3]);
            return ([last.at[one], last.shared] == alone[..2]).then_some(next);
        }
        let pair = &self.pairs[row - self.alone.len()];
        (next.at[one], next.at[other], next.shared) = (pair[3], pair[4], pair[5]);
        ([last.at[one], last.at[other], last.shared] == pair[..3]).then_some(next)
    }

    fn within_boundary(&self, state: &Places) -> bool {
        !state.at.contains(&self.outside)
    }
}

impl Subject for Crowd {
    fn claims(&self) -> Vec<Claim> {
        let kinds = [Kind::Safety, Kind::Safety, Kind::Reachable, Kind::Progress];
        kinds.map(|kind| Claim { name: format!("{kind:?}"), kind }).into()
    }

    fn broken(&self, state: &Places) -> u64 {
        let (count, place, shared) = self.bad;
        let there = state.at.iter().map(|at| usize::from(*at == place)).sum::<usize>();
        u64::from(there >= count && state.shared == shared)
    }

    fn broken_by_step(&self, state: &Places) -> u64 {
        u64::from(state.by == Some(self.bad_row)) << 1
    }

    fn exercised(&self, state: &Places) -> u64 {
        let all_moved = state.at.iter().all(|at| *at != 0);
        (3 * u64::from(state.shared == 1)) | (u64::from(all_moved) << 2)
    }
}

impl Symmetric for Crowd {
    fn representative(&self, mut state: Places) -> Places {
        state.at.sort_unstable();
        state
    }

    fn images(&self, state: &Places) -> u64 {
        let all: u64 = (1..=state.at.len() as u64).product();
        let mut sorted = state.at.clone();
        sorted.sort_unstable();
        let same = sorted.chunk_by(|one, other| one == other);
        all / same.map(|run| (1..=run.len() as u64).product::<u64>()).product::<u64>()
    }
}

/// How long a run is that was found against a claim, if it is one that the model takes.
fn length(model: &Crowd, claim: usize, path: &Path<Places, Step>) -> usize {
    let mut state = model.init_states().remove(0);
    assert_eq!(state, path.init);
    for (action, next) in &path.steps {
        state = model.next_state(&state, *action).expect("it can be taken");
        assert_eq!((&state, state.by), (next, next.by));
        assert!(model.within_boundary(&state));
    }
    let found = [model.broken(&state), model.broken_by_step(&state), model.exercised(&state)];
    assert_eq!(found[claim] >> claim & 1, 1);
    path.steps.len()
}

/// The orbits of all the states that can be reached, by enumeration.
fn orbits(model: &Crowd) -> u64 {
    let key = |state: &Places| (state.shared, state.at.clone());
    let mut known: BTreeSet<_> = model.init_states().iter().map(key).collect();
    let mut states = model.init_states();
    let mut actions = Vec::new();
    while let Some(state) = states.pop() {
        model.actions(&state, &mut actions);
        for action in actions.drain(..) {
            if let Some(next) = model.next_state(&state, action)
                && model.within_boundary(&next)
                && known.insert(key(&next))
            {
                states.push(next);
            }
        }
    }
    let sorted = |(shared, mut at): (u8, Vec<u8>)| {
        at.sort_unstable();
        (shared, at)
    };
    known.into_iter().map(sorted).collect::<BTreeSet<_>>().len() as u64
}

#[test]
fn every_verdict_agrees_with_that_of_the_whole_search() {
    let mut seen = [[0_u32; 3]; 3];
    let (mut all, mut visited) = (0, 0);
    for seed in 0..MODELS {
        let model = Crowd::new(&mut Lcg::new(seed));
        let (whole, reduced) =
            (search(&model, &unlimited(1)), search_symmetric(&model, &unlimited(1)));
        assert_eq!(reduced, search_symmetric(&model, &unlimited(2)), "seed {seed}");
        assert_eq!(reduced.stands_for, whole.states, "seed {seed}");
        let short = reduced.report;
        assert_eq!(short.states, orbits(&model), "seed {seed}");
        assert_eq!((short.depth, short.stopped), (whole.depth, None), "seed {seed}");
        (all, visited) = (all + whole.states, visited + short.states);
        for (claim, seen) in seen.iter_mut().enumerate() {
            let context = format!("seed {seed} claim {claim}\n{model:#?}");
            let outcome = match (&whole.verdicts[claim], &short.verdicts[claim]) {
                (Verdict::Violated(one), Verdict::Violated(other)) => {
                    if let (Counterexample::Finite(one), Counterexample::Finite(other)) =
                        (one, other)
                    {
                        let real = length(&model, claim, other);
                        assert_eq!(real, one.steps.len(), "{context}");
                    } else {
                        assert_eq!(one, other, "{context}");
                    }
                    0
                }
                (Verdict::Holds, Verdict::Holds) => 1,
                (Verdict::Vacuous, Verdict::Vacuous) => 2,
                (one, other) => panic!("{context}: {one:?}, {other:?}"),
            };
            seen[outcome] += 1;
        }
        for (one, other) in whole.witnesses.iter().zip(&short.witnesses) {
            let steps = |path: &Option<Path<_, _>>| path.as_ref().map(|path| path.steps.len());
            assert_eq!(steps(one), steps(other), "seed {seed}");
        }
        if let Some(witness) = &short.witnesses[2] {
            length(&model, 2, witness);
        }
        assert_eq!(short.verdicts[3], Verdict::Incomplete(Stop::Symmetry), "seed {seed}");
    }
    // Each outcome occurs often enough for agreement to mean something, and there is a reduction.
    assert!(seen[0].iter().chain(&seen[1]).all(|count| *count > 200), "{seen:?}");
    assert!(seen[2][0] > 200 && seen[2][1] > 200, "{seen:?}");
    assert!(all > 2 * visited, "{visited} of {all} states");
}

/// What is not symmetric is not taken for it where a run shows it.
#[test]
#[should_panic(expected = "the model is not symmetric")]
fn a_model_that_is_not_symmetric_is_told_so() {
    struct First(Crowd);

    impl Model for First {
        type State = Places;
        type Action = Step;

        fn init_states(&self) -> Vec<Places> {
            vec![Places { shared: 0, at: vec![1, 0], by: None }]
        }

        fn actions(&self, _: &Places, actions: &mut Vec<Step>) {
            actions.extend([(0, 0, 0), (0, 1, 1)]);
        }

        /// Only the first can step on while the second has not.
        fn next_state(&self, last: &Places, (_, one, _): Step) -> Option<Places> {
            let mut next = Places { by: Some(0), ..last.clone() };
            next.at[one] += 1;
            (one == 0 && last.at[0] == 0).then_some(next)
        }
    }

    impl Subject for First {
        fn claims(&self) -> Vec<Claim> {
            vec![Claim { name: "never".to_owned(), kind: Kind::Safety }]
        }

        fn broken(&self, state: &Places) -> u64 {
            u64::from(state.at.iter().all(|at| *at == 1))
        }
    }

    impl Symmetric for First {
        fn representative(&self, state: Places) -> Places {
            self.0.representative(state)
        }

        fn images(&self, state: &Places) -> u64 {
            self.0.images(state)
        }
    }

    search_symmetric(&First(Crowd::new(&mut Lcg::new(0))), &unlimited(1));
}
