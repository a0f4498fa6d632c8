//! What a search knows: the smallest case so far, what was run, and what it answered.

use super::note::{Note, Outcome, Tried};
use super::{Case, Flaky, Limits, Minimal, Shrunk, Verdict};

/// A search under way. Every run of the system goes through here.
pub(super) struct Search<'a, C> {
    case: C,
    first: C,
    /// Every case that was run; the last that fails is `case`.
    seen: Vec<(C, Verdict)>,
    limits: Limits,
    runs: usize,
    found_after: usize,
    limit_reached: bool,
    again: Flaky,
    test: &'a mut dyn FnMut(&C) -> Verdict,
    log: &'a mut dyn FnMut(&Note),
}

impl<'a, C: Case> Search<'a, C> {
    /// Nothing is known but that this case fails.
    pub(super) fn new(
        case: C,
        limits: Limits,
        test: &'a mut dyn FnMut(&C) -> Verdict,
        log: &'a mut dyn FnMut(&Note),
    ) -> Self {
        Self {
            first: case.clone(),
            seen: vec![(case.clone(), Verdict::Fails)],
            case,
            limits,
            runs: 0,
            found_after: 0,
            limit_reached: false,
            again: Flaky { fails: 0, of: 0 },
            test,
            log,
        }
    }

    /// The smallest case so far.
    pub(super) fn case(&self) -> &C {
        &self.case
    }

    /// The number of its steps.
    pub(super) fn len(&self) -> usize {
        self.case.steps().len()
    }

    /// What the search was told about how far it goes.
    pub(super) fn limits(&self) -> Limits {
        self.limits
    }

    /// Whether no run is left.
    pub(super) fn is_over(&self) -> bool {
        self.limit_reached
    }

    /// Runs the case so far again, so many times.
    pub(super) fn rerun(&mut self, times: usize) {
        for _ in 0..times {
            if !self.has_run_left() {
                self.note(Tried::Again, self.len(), Outcome::NoRunLeft);
                return;
            }
            let verdict = self.run_once(None);
            self.note(Tried::Again, self.len(), outcome(verdict));
            if verdict == Verdict::Spent {
                return;
            }
            self.again.of += 1;
            self.again.fails += usize::from(verdict == Verdict::Fails);
        }
    }

    /// Whether a re-run did not fail.
    pub(super) fn flaky(&self) -> Option<Flaky> {
        (self.again.fails < self.again.of).then_some(self.again)
    }

    /// Leaves out the steps at these places; whether it still fails, and is the case from now on.
    pub(super) fn remove(&mut self, tried: Tried, places: &[usize]) -> bool {
        let candidate = self.without(places);
        self.attempt(tried, candidate)
    }

    /// Runs a candidate if it was not run before; if it fails, it is the case from now on.
    pub(super) fn attempt(&mut self, tried: Tried, candidate: C) -> bool {
        if self.limit_reached {
            return false;
        }
        // Whatever failed was kept at once: a case seen before is no smaller than the one now.
        if self.verdict(&candidate).is_some() {
            return false;
        }
        let steps = candidate.steps().len();
        if !self.has_run_left() {
            self.note(tried, steps, Outcome::NoRunLeft);
            return false;
        }
        let verdict = self.judge(&candidate);
        self.note(tried, steps, outcome(verdict));
        if verdict == Verdict::Spent {
            return false;
        }
        self.seen.push((candidate.clone(), verdict));
        let fails = verdict == Verdict::Fails;
        if fails {
            self.case = candidate;
            self.found_after = self.runs;
        }
        fails
    }

    /// The end: the last case is run once more, because chance that decides rarely may have
    /// decided in the middle of the search.
    pub(super) fn end(mut self) -> Shrunk<C> {
        if self.case != self.first && !self.limit_reached {
            self.rerun(1);
        }
        Shrunk {
            minimal: self.minimal(),
            flaky: self.flaky(),
            runs: self.runs,
            found_after: self.found_after,
            limit_reached: self.limit_reached,
            case: self.case,
        }
    }

    fn without(&self, places: &[usize]) -> C {
        let steps = self.case.steps().iter().enumerate();
        let left = steps.filter(|(at, _)| !places.contains(at)).map(|(_, step)| step.clone());
        self.case.with_steps(left.collect())
    }

    /// The first failing answer of as many runs as a candidate is worth.
    fn judge(&mut self, candidate: &C) -> Verdict {
        let mut verdict = self.run_once(Some(candidate));
        let tries = if self.flaky().is_some() { self.limits.reruns } else { 1 };
        for _ in 1..tries {
            let over = self.limit_reached || self.runs == self.limits.runs;
            if verdict == Verdict::Fails || over {
                break;
            }
            verdict = self.run_once(Some(candidate));
        }
        verdict
    }

    /// Runs a candidate, or the case so far.
    fn run_once(&mut self, candidate: Option<&C>) -> Verdict {
        let verdict = (self.test)(candidate.unwrap_or(&self.case));
        if verdict == Verdict::Spent {
            self.limit_reached = true;
        } else {
            self.runs += 1;
        }
        verdict
    }

    fn has_run_left(&mut self) -> bool {
        self.limit_reached |= self.runs >= self.limits.runs;
        !self.limit_reached
    }

    fn verdict(&self, candidate: &C) -> Option<Verdict> {
        // The latest first: what is tried again was mostly tried a short while ago.
        self.seen.iter().rev().find(|(case, _)| case == candidate).map(|(_, verdict)| *verdict)
    }

    /// Read off from what was run, not from which pass came to its end.
    fn minimal(&self) -> Minimal {
        let passes =
            |places: &[usize]| self.verdict(&self.without(places)) == Some(Verdict::Passes);
        let places = 0..self.len();
        if self.flaky().is_some() || !places.clone().all(|at| passes(&[at])) {
            return Minimal::Unknown;
        }
        let mut pairs = places.flat_map(|second| (0..second).map(move |first| [first, second]));
        if pairs.all(|pair| passes(&pair)) { Minimal::Pairs } else { Minimal::Singles }
    }

    fn note(&mut self, tried: Tried, to_steps: usize, outcome: Outcome) {
        let from_steps = self.case.steps().len();
        (self.log)(&Note { runs: self.runs, tried, from_steps, to_steps, outcome });
    }
}

fn outcome(verdict: Verdict) -> Outcome {
    match verdict {
        Verdict::Fails => Outcome::Kept,
        Verdict::Passes => Outcome::Passes,
        Verdict::Unclear => Outcome::Unclear,
        Verdict::Spent => Outcome::NoRunLeft,
    }
}
