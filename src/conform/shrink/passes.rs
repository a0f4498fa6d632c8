//! What is tried next: large chunks first, what is dear last, and again from the start as long as
//! anything changes.

use super::Case;
use super::note::Tried;
use super::search::Search;

/// All passes, until none of them makes the case smaller or no run is left.
pub(super) fn all<C: Case>(search: &mut Search<'_, C>) {
    chunks(search, 0, search.len(), true);
    loop {
        let before = search.case().clone();
        singles(search);
        pairs(search, likely_pairs);
        values(search);
        settings(search);
        // All pairs are many: they wait until nothing else changes.
        if *search.case() == before {
            pairs(search, all_pairs);
        }
        if *search.case() == before {
            let mut shorter = search.case().leaps();
            shorter.truncate(search.limits().leaps);
            first_that_fails(search, shorter, Tried::Leap);
        }
        if search.is_over() || *search.case() == before {
            return;
        }
    }
}

/// Leaves out as much as it can of the steps `from..to`, back to front, so that the places before
/// stay what they are; whether it left out all at once.
///
/// If the whole is needed and its back is not, then its front is needed: no run is spent on that.
/// This is wrong where steps cancel each other, and no later pass relies on it.
fn chunks<C: Case>(search: &mut Search<'_, C>, from: usize, to: usize, needed: bool) -> bool {
    let to = to.min(search.len());
    if from >= to {
        return true;
    }
    if !needed && chunk(search, from, to) {
        return true;
    }
    if to - from > 1 {
        // A smaller back is likelier to go; measured, a third costs a twentieth less than a half.
        let middle = from + ((to - from) * 2 / 3).max(1);
        let back_is_gone = chunks(search, middle, to, false);
        chunks(search, from, middle, back_is_gone);
    }
    false
}

/// Leaves out the steps `from..to`, but not one whose partner stays: half a pair would spoil the
/// whole chunk. Pairs go later, each at once.
fn chunk<C: Case>(search: &mut Search<'_, C>, from: usize, to: usize) -> bool {
    let inside = |at: usize| (from..to).contains(&at);
    let partners = search.case().partners();
    let torn = |at: usize| {
        let mut pairs = partners.iter();
        pairs.any(|&(a, b)| (a == at || b == at) && inside(a) != inside(b))
    };
    let places: Vec<usize> = (from..to).filter(|&at| !torn(at)).collect();
    !places.is_empty() && search.remove(Tried::Chunk { from, to }, &places)
}

/// Single steps, back to front, until none goes.
fn singles<C: Case>(search: &mut Search<'_, C>) {
    loop {
        let before = search.len();
        for at in (0..before).rev() {
            // With a step go those that need it, so there may be fewer by now.
            if at < search.len() {
                search.remove(Tried::Single(at), &[at]);
            }
        }
        if search.len() == before {
            return;
        }
    }
}

/// Pairs of steps in the order of the list, until none of it goes.
fn pairs<C: Case>(search: &mut Search<'_, C>, list: fn(&C) -> Vec<(usize, usize)>) {
    let most = search.limits().pairs;
    loop {
        let pairs = list(search.case());
        let mut tries = pairs.into_iter().take(most);
        let goes = tries.any(|(a, b)| search.remove(Tried::Pair(a, b), &[a, b]));
        if !goes {
            return;
        }
    }
}

/// What the case says, and neighbours.
fn likely_pairs<C: Case>(case: &C) -> Vec<(usize, usize)> {
    let mut pairs = case.partners();
    pairs.extend(at_distance(case, 1));
    pairs
}

/// What the case says, and all others, the closest first.
fn all_pairs<C: Case>(case: &C) -> Vec<(usize, usize)> {
    let mut pairs = case.partners();
    pairs.extend((1..case.steps().len()).flat_map(|distance| at_distance(case, distance)));
    pairs
}

fn at_distance<C: Case>(case: &C, distance: usize) -> impl Iterator<Item = (usize, usize)> {
    (distance..case.steps().len()).rev().map(move |second| (second - distance, second))
}

/// Simpler values, step by step, back to front, each until none of them fails.
fn values<C: Case>(search: &mut Search<'_, C>) {
    for at in (0..search.len()).rev() {
        while at < search.len() {
            let simpler = search.case().simpler_step(at);
            if !first_that_fails(search, simpler, |choice| Tried::Value { at, choice }) {
                break;
            }
        }
    }
}

/// Simpler settings, until none of them fails.
fn settings<C: Case>(search: &mut Search<'_, C>) {
    loop {
        let simpler = search.case().simpler_setting();
        if !first_that_fails(search, simpler, Tried::Setting) {
            return;
        }
    }
}

fn first_that_fails<C: Case>(
    search: &mut Search<'_, C>,
    candidates: Vec<C>,
    tried: impl Fn(usize) -> Tried,
) -> bool {
    let mut numbered = candidates.into_iter().enumerate();
    numbered.any(|(choice, candidate)| search.attempt(tried(choice), candidate))
}
