//! The shortest run that fails in the same way, found by playing: where [`shrink`](super::shrink)
//! meets a cluster under test.

#[cfg(test)]
mod tests;

use super::campaign::kind_of;
use super::play::{Outcome, play};
use super::run::Run;
use super::shrink::note::Note;
use super::shrink::{Limits, Shrunk, Verdict, shrink};
use super::subject::Stand;

/// What the runs of a search may cost together, in calls of gRPC for each run that it has: more
/// than twice what a usual one makes. A run that never comes to its end is waited for, and makes
/// tens of thousands.
const CALLS: u64 = 300;

/// The shortest run that was found, and how it fails.
#[derive(Debug, Clone, PartialEq)]
pub struct Shortest {
    /// What the search came to.
    pub shrunk: Shrunk<Run>,
    /// How the shortest run ends; as the first one did, if that was flaky.
    pub outcome: Outcome,
}

/// Makes a run that does not agree as short as it still fails by the same rule; and then shorter
/// still, if with fewer steps it fails by any.
///
/// A run that never comes to rest is made shorter too: as one that never comes to rest.
pub fn shortest(
    run: &Run,
    outcome: &Outcome,
    stand: &dyn Stand,
    limits: Limits,
    log: &mut dyn FnMut(&Note),
) -> Shortest {
    let mut player = Player { stand, calls: CALLS.saturating_mul(limits.runs as u64) };
    let mut alike = outcome.clone();
    let first = {
        let mut test = |candidate: &Run| player.judged(candidate, &mut alike, false);
        shrink(cut(run, outcome), limits, &mut test, log)
    };
    let mut last = alike;
    let mut shrunk = first;
    if goes_on(&shrunk, outcome) {
        // Whoever reads it wants the fewest steps that go wrong. What they break is often seen by
        // several rules, and by which first is chance: so with fewer steps any will do.
        let left = limits.runs - shrunk.runs;
        let mut least = shrunk.case.steps.len();
        let mut test = |candidate: &Run| {
            let steps = candidate.steps.len();
            let verdict = player.judged(candidate, &mut last, steps < least);
            if verdict == Verdict::Fails {
                least = steps;
            }
            verdict
        };
        let limits = Limits { runs: left, reruns: 0, ..limits };
        let second = shrink(shrunk.case.clone(), limits, &mut test, log);
        shrunk = Shrunk {
            runs: shrunk.runs + second.runs,
            found_after: if second.case == shrunk.case {
                shrunk.found_after
            } else {
                shrunk.runs + second.found_after
            },
            ..second
        };
    }
    let mut shortest = Shortest { shrunk, outcome: last };
    if shortest.shrunk.flaky.is_none() {
        shortest.shrunk.case.found = told(&shortest.outcome);
    }
    shortest
}

/// Whether another search is worth its runs.
fn goes_on(shrunk: &Shrunk<Run>, outcome: &Outcome) -> bool {
    let differs = matches!(outcome, Outcome::Differs { .. });
    differs && shrunk.flaky.is_none() && !shrunk.limit_reached && shrunk.case.steps.len() > 1
}

/// Plays the runs of a search, as long as their calls last.
struct Player<'a> {
    stand: &'a dyn Stand,
    /// Calls that are left. The last run may make more.
    calls: u64,
}

impl Player<'_> {
    /// Whether a run fails as the last one that was kept, or in a way that will do as well; then it
    /// is the last one.
    fn judged(&mut self, candidate: &Run, last: &mut Outcome, will_do: bool) -> Verdict {
        if self.calls == 0 {
            return Verdict::Spent;
        }
        let played = play(candidate, self.stand);
        self.calls = self.calls.saturating_sub(played.found.calls);
        match &played.outcome {
            Outcome::Troubled(_) => Verdict::Unclear,
            is if same(is, last) => {
                *last = played.outcome;
                Verdict::Fails
            }
            Outcome::Differs { .. } if will_do => {
                *last = played.outcome;
                Verdict::Fails
            }
            Outcome::Agrees | Outcome::Restless(_) | Outcome::Differs { .. } => Verdict::Passes,
        }
    }
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
