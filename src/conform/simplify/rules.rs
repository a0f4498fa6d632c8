//! Simpler rules of chaos. The simplest fires once, at the first hit, at any node and any time.

use crate::conform::run::{Run, Step};
use crate::conform::shrink::simpler_numbers;
use crate::real::chaos::{Code, Rule, Verb, When};

use super::shorter;

/// Each with one thing simpler, simplest first.
pub(super) fn simpler(rule: &Rule) -> Vec<Rule> {
    let one = When { nth: Some(1), ..When::default() };
    let mut all = vec![Rule { when: one, ..rule.clone() }];
    let on_any = rule.node.map(|_| Rule { node: None, ..rule.clone() });
    all.extend(on_any);
    all.extend(whens(rule.when).into_iter().map(|when| Rule { when, ..rule.clone() }));
    all.extend(verbs(rule).into_iter().map(|verb| Rule { verb, ..rule.clone() }));
    all.retain(|simpler| simpler != rule && simpler.check().is_ok());
    all
}

fn whens(when: When) -> Vec<When> {
    let mut all = Vec::new();
    if when.during.is_some() {
        all.push(When { during: None, ..when });
    }
    if when.rate.is_some() {
        all.push(When { rate: None, ..when });
    }
    for nth in less(when.nth) {
        all.push(When { nth: Some(nth), ..when });
    }
    for first in less(when.first) {
        all.push(When { first: Some(first), ..when });
    }
    for at_most in less(when.at_most) {
        all.push(When { at_most: Some(at_most), ..when });
    }
    all
}

fn less(number: Option<u64>) -> Vec<u64> {
    number.map(|number| simpler_numbers(number, 1)).unwrap_or_default()
}

/// Simpler verbs of the point, in the order in which they are explained; then less of the same.
fn verbs(rule: &Rule) -> Vec<Verb> {
    let rank = |word: &str| Verb::WORDS.iter().position(|known| *known == word);
    let before = |word: &&&str| rank(word) < rank(rule.verb.word());
    let words = rule.point.verbs().iter().filter(before);
    let mut all: Vec<Verb> = words.filter_map(|word| plain(word)).collect();
    match rule.verb {
        Verb::Fail(code) => {
            let plain = (code != Code::Unavailable).then_some(Verb::Fail(Code::Unavailable));
            all.extend(plain);
        }
        Verb::Delay(length) => all.extend(shorter(length, 1).map(Verb::Delay)),
        Verb::DropRequest | Verb::DropResponse | Verb::Duplicate | Verb::Crash => {}
    }
    all
}

/// The simplest of a word. A delay has a length, which nothing tells.
pub(super) fn plain(word: &str) -> Option<Verb> {
    let plain = [
        Verb::Fail(Code::Unavailable),
        Verb::DropRequest,
        Verb::DropResponse,
        Verb::Duplicate,
        Verb::Crash,
    ];
    plain.into_iter().find(|verb| verb.word() == word)
}

/// Fewer hits and fewer firings in all rules at once: when faults are needed together, less of one
/// alone may not do.
pub(super) fn jointly(run: &Run) -> Vec<Run> {
    let rules = run.steps.iter().filter(|step| matches!(step, Step::Fault(_))).count();
    if rules < 2 {
        return Vec::new();
    }
    let one = |_| 1;
    let half = |n: u64| n.div_ceil(2);
    let less = |n: u64| n.saturating_sub(1).max(1);
    [one, half, less].into_iter().map(|lower| lowered(run, lower)).collect()
}

fn lowered(run: &Run, lower: fn(u64) -> u64) -> Run {
    let mut run = run.clone();
    for step in &mut run.steps {
        if let Step::Fault(rule) = step {
            let when = &mut rule.when;
            when.nth = when.nth.map(lower);
            when.first = when.first.map(lower);
            when.at_most = when.at_most.map(lower);
        }
    }
    run
}
