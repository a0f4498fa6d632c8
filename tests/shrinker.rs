//! How short the shortest failures are, and what they cost: measured on a toy whose true minimum
//! is known.

mod shrinker {
    pub mod toy;
}

use iris_check::conform::shrink::{Limits, Minimal, Shrunk, shrink};
use shrinker::toy::{Bug, Op, Run};

const THREE: &[Op] = &[Op::Register(3), Op::Beat(3), Op::Expire(3)];
const FIVE: &[Op] =
    &[Op::Register(2), Op::Register(1), Op::Expire(2), Op::Register(2), Op::Beat(1)];
const BUGS: &[Bug] = &[
    Bug { name: "three steps", needs: THREE, unflipped: false },
    Bug { name: "five steps", needs: FIVE, unflipped: false },
    Bug { name: "three steps, unflipped", needs: THREE, unflipped: true },
    Bug { name: "five steps, unflipped", needs: FIVE, unflipped: true },
];

fn silent(case: Run, bug: &Bug, limits: Limits) -> Shrunk<Run> {
    shrink(case, limits, &mut |run| run.verdict(bug), &mut |_| {})
}

#[test]
fn failures_end_short_and_cheap() {
    for bug in BUGS {
        for hints in [false, true] {
            let mut runs = Vec::new();
            let (mut one, mut two, mut least, mut told) = (0, 0, 0, 0);
            for seed in 0..200 {
                let case = Run::failing(bug, seed, 80, hints);
                let shrunk = silent(case, bug, Limits::default());
                one += usize::from(!shrunk.case.can_lose(bug, 1));
                two += usize::from(!shrunk.case.can_lose(bug, 2));
                least += usize::from(shrunk.case.ops == bug.needs);
                told += usize::from(shrunk.minimal == Minimal::Pairs);
                runs.push(shrunk.runs);
            }
            let mean = runs.iter().sum::<usize>() as f64 / 200.0;
            eprintln!(
                "{:<24} {hints:<5} 1-min {one} 2-min {two} least {least} told {told} mean {mean:.1} max {}",
                bug.name,
                runs.iter().max().unwrap()
            );
        }
    }
}
