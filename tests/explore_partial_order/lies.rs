//! What is wrong with a model is told by its name.

use iris_check::explore::{
    Claim, Footprints, Kind, Lie, Subject, Transition, Variables, Wrong, audit,
};
use stateright::Model;

type Pair = [u8; 2];

/// Two numbers, and one step for each, which is said to look at its own and to change that.
struct Two {
    next: fn(Pair, usize) -> Option<Pair>,
    guard: fn(Pair, usize) -> bool,
    hides: fn(Pair, usize) -> u64,
    broken: fn(Pair) -> bool,
}

/// A model that says the truth: each number becomes 1.
const HONEST: Two = Two {
    next: |pair, at| (pair[at] == 0).then(|| one_more(pair, at)),
    guard: |pair, at| pair[at] == 0,
    hides: |_, _| 0,
    broken: |_| false,
};

fn one_more(mut pair: Pair, at: usize) -> Pair {
    pair[at] = (pair[at] + 1) % 3;
    pair
}

impl Model for Two {
    type State = Pair;
    type Action = usize;

    fn init_states(&self) -> Vec<Pair> {
        vec![[0, 0]]
    }

    fn actions(&self, _: &Pair, actions: &mut Vec<usize>) {
        actions.extend([0, 1]);
    }

    fn next_state(&self, last: &Pair, action: usize) -> Option<Pair> {
        (self.next)(*last, action)
    }
}

impl Subject for Two {
    fn claims(&self) -> Vec<Claim> {
        vec![Claim { name: "never".to_owned(), kind: Kind::Safety }]
    }

    fn broken(&self, state: &Pair) -> u64 {
        u64::from((self.broken)(*state))
    }
}

impl Footprints for Two {
    fn transitions(&self) -> Vec<Transition> {
        let own = |at: Variables| Transition { guards: vec![at], reads: at, writes: at };
        vec![own(1), own(2)]
    }

    fn transition(&self, _: &Pair, action: &usize) -> usize {
        *action
    }

    fn guard(&self, state: &Pair, transition: usize, _: usize) -> bool {
        (self.guard)(*state, transition)
    }

    fn hides(&self, state: &Pair, transition: usize) -> u64 {
        (self.hides)(*state, transition)
    }
}

#[test]
fn what_is_wrong_is_told_by_its_name() {
    assert_eq!(audit(&HONEST, usize::MAX), Ok(4));
    assert_eq!(audit(&HONEST, 2), Ok(2));
    let at_once = |pair: Pair, at| Some(one_more(pair, at));
    let free = |_, _| true;
    let rows: [(Two, Pair, &[usize], Wrong); 6] = [
        (Two { guard: |_, at| at == 0, ..HONEST }, [0, 0], &[1], Wrong::Enabled(1, 0)),
        (Two { guard: |pair, _| pair == [0, 0], ..HONEST }, [0, 0], &[0], Wrong::Guard(1, 0)),
        (
            Two {
                next: |pair, at| (pair[0] == 0).then(|| one_more(pair, at)),
                guard: free,
                ..HONEST
            },
            [0, 0],
            &[0],
            Wrong::Enables(1),
        ),
        (
            Two { hides: |pair, at| u64::from(at == 0 && pair[1] == 1), ..HONEST },
            [0, 0],
            &[1],
            Wrong::Hides(0),
        ),
        (
            Two {
                next: |pair, at| Some(if at == 0 { [pair[1], pair[1]] } else { one_more(pair, 1) }),
                guard: free,
                ..HONEST
            },
            [0, 0],
            &[0, 1],
            Wrong::Order,
        ),
        (
            Two { next: at_once, guard: free, broken: |pair| pair == [0, 1], ..HONEST },
            [0, 0],
            &[1, 0],
            Wrong::Found(1),
        ),
    ];
    for (model, state, steps, wrong) in rows {
        assert_eq!(audit(&model, usize::MAX), Err(Lie { state, steps: steps.to_vec(), wrong }));
    }
    // What hides the break says so.
    let hides = |_, at| u64::from(at == 0);
    let honest = Two { broken: |pair| pair == [0, 1], hides, ..HONEST };
    assert_eq!(audit(&honest, usize::MAX), Ok(4));
}
