//! The shortest run that fails in the same way, found by playing: where [`shrink`](super::shrink)
//! meets a cluster under test.

use super::campaign::kind_of;
use super::play::{Outcome, play};
use super::run::Run;
use super::shrink::note::Note;
use super::shrink::{Limits, Shrunk, Verdict, shrink};
use super::subject::Stand;

/// The shortest run that was found, and how it fails.
#[derive(Debug, Clone, PartialEq)]
pub struct Shortest {
    /// What the search came to.
    pub shrunk: Shrunk<Run>,
    /// How the shortest run ends; as the first one did, if that was flaky.
    pub outcome: Outcome,
}

/// Makes a run that does not agree as short as it still fails by the same rule.
///
/// A run that never comes to rest is made shorter too: as one that never comes to rest.
pub fn shortest(
    run: &Run,
    outcome: &Outcome,
    stand: &dyn Stand,
    limits: Limits,
    log: &mut dyn FnMut(&Note),
) -> Shortest {
    let mut last = outcome.clone();
    let mut test = |candidate: &Run| {
        let played = play(candidate, stand);
        match (&played.outcome, outcome) {
            (Outcome::Troubled(_), _) => Verdict::Unclear,
            (is, was) if same(is, was) => {
                last = played.outcome;
                Verdict::Fails
            }
            (Outcome::Agrees | Outcome::Restless(_) | Outcome::Differs { .. }, _) => {
                Verdict::Passes
            }
        }
    };
    let shrunk = shrink(cut(run, outcome), limits, &mut test, log);
    let mut shortest = Shortest { shrunk, outcome: last };
    if shortest.shrunk.flaky.is_none() {
        shortest.shrunk.case.found = told(&shortest.outcome);
    }
    shortest
}

/// What a run was kept for.
fn told(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Agrees => String::new(),
        Outcome::Differs { difference, .. } => {
            let mut lines = difference.says.lines();
            let first = lines.next().unwrap_or_default();
            match lines.find_map(|line| line.strip_prefix("  found   ")) {
                Some(found) => format!("{first}: {found}"),
                None => first.to_owned(),
            }
        }
        Outcome::Restless(_) => "it never comes to rest".to_owned(),
        Outcome::Troubled(says) => says.clone(),
    }
}

/// The same without the steps that come after the failure.
fn cut(run: &Run, outcome: &Outcome) -> Run {
    match outcome {
        Outcome::Differs { step, .. } => {
            let steps = run.steps.iter().take(*step).cloned().collect();
            run.with_steps(steps)
        }
        Outcome::Agrees | Outcome::Restless(_) | Outcome::Troubled(_) => run.clone(),
    }
}

/// Whether two runs fail in the same way.
fn same(one: &Outcome, other: &Outcome) -> bool {
    match (one, other) {
        (Outcome::Differs { difference: one, .. }, Outcome::Differs { difference: other, .. }) => {
            kind_of(one) == kind_of(other)
        }
        (Outcome::Restless(_), Outcome::Restless(_)) => true,
        _ => false,
    }
}
