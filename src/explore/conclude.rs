//! What a search found, as a report: numbers become runs.

use super::limits::Stop;
use super::progress::Outcome;
use super::report::{Counterexample, Report, Verdict};
use super::retrace::{Records, Retrace};
use super::store::Spot;
use super::subject::{Claim, Kind, Subject};

/// What a search found.
pub(super) struct Found<'a> {
    pub(super) states: u64,
    pub(super) transitions: u64,
    pub(super) depth: u32,
    pub(super) stopped: Option<Stop>,
    /// Where each claim was broken and exercised first.
    pub(super) broken: &'a [Option<Spot>],
    pub(super) exercised: &'a [Option<Spot>],
    /// What became of the progress claims, by claim.
    pub(super) progress: &'a [Option<Outcome>],
    pub(super) collision_odds: f64,
    pub(super) memory: u64,
}

/// Judges the claims by what was found.
pub(super) fn conclude<M: Subject, R: Records<M>>(
    retrace: &Retrace<'_, M, R>,
    claims: &[Claim],
    found: &Found<'_>,
) -> Report<M::State, M::Action> {
    let halted = found.progress.iter().flatten().find_map(Outcome::halted);
    let stopped = found.stopped.or(halted);
    let judge = |(index, claim): (usize, &Claim)| {
        let exercised = found.exercised[index].is_some();
        let unbroken = match stopped {
            Some(stop) => Verdict::Incomplete(stop),
            None if exercised => Verdict::Holds,
            None => Verdict::Vacuous,
        };
        match claim.kind {
            Kind::Safety => found.broken[index].map_or(unbroken, |spot| {
                Verdict::Violated(Counterexample::Finite(retrace.to_spot(spot)))
            }),
            Kind::Reachable if exercised => Verdict::Holds,
            Kind::Reachable => {
                stopped.map_or(Verdict::Violated(Counterexample::Unreachable), Verdict::Incomplete)
            }
            Kind::Progress => match &found.progress[index] {
                Some(Outcome::Endless(lasso)) => Verdict::Violated(retrace.endless(lasso)),
                Some(Outcome::Cut) if stopped.is_none() => Verdict::Incomplete(Stop::Boundary),
                Some(Outcome::Cut | Outcome::Met | Outcome::Halted(_)) | None => unbroken,
            },
        }
    };
    let witness = |spot: &Option<Spot>| spot.map(|spot| retrace.to_spot(spot));
    Report {
        states: found.states,
        transitions: found.transitions,
        depth: found.depth,
        stopped,
        verdicts: claims.iter().enumerate().map(judge).collect(),
        witnesses: found.exercised.iter().map(witness).collect(),
        collision_odds: found.collision_odds,
        memory: found.memory,
    }
}

/// The chance that among so many fingerprints of 64 bits some two are equal.
pub(super) fn collision_odds(states: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    let states = states as f64;
    let pairs = states * (states - 1.0).max(0.0) / 2.0;
    -(-pairs / 2.0_f64.powi(64)).exp_m1()
}
