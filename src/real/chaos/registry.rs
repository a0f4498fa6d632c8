//! The state of a registry: rules, their counts, and the record. All under one lock, so that a rule
//! decides and counts in one step.

use std::collections::VecDeque;
use std::fmt;

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use super::point::{Node, Point};
use super::rule::{Rule, When};
use super::verb::Verb;
use crate::model::time::Millis;
use crate::real::clock::At;

/// How many hits a registry remembers: the latest ones.
pub const RECORDED: usize = 65_536;

/// A rule of a registry: rules are numbered from 1 in the order of adding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleId(pub u32);

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rule {}", self.0)
    }
}

/// One question at a point, and what was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hit {
    /// When, by the registry's clock.
    pub at: At,
    /// Where.
    pub point: Point,
    /// About which node.
    pub node: Option<Node>,
    /// The rule that fired, if one did.
    pub rule: Option<RuleId>,
    /// What it made happen.
    pub verb: Option<Verb>,
}

/// A rule with its counts and its own generator, so that no rule disturbs the draws of another.
pub(super) struct Live {
    pub(super) rule: Rule,
    pub(super) hits: u64,
    pub(super) fired: u64,
    pub(super) removed: bool,
    chance: Pcg64Mcg,
}

impl Live {
    /// Counts a hit; answers whether the rule would fire at it.
    fn hit(&mut self) -> bool {
        self.hits += 1;
        let When { rate, nth, first, at_most, during: _ } = self.rule.when;
        nth.is_none_or(|nth| self.hits == nth)
            && first.is_none_or(|first| self.hits <= first)
            && at_most.is_none_or(|at_most| self.fired < at_most)
            && rate.is_none_or(|rate| self.chance.random_bool(rate))
    }
}

/// All that changes in a registry.
pub(super) struct State {
    seed: u64,
    pub(super) rules: Vec<Live>,
    pub(super) record: VecDeque<Hit>,
    pub(super) firings: u64,
}

impl State {
    pub(super) fn new(seed: u64) -> Self {
        Self { seed, rules: Vec::new(), record: VecDeque::new(), firings: 0 }
    }

    pub(super) fn add(&mut self, rule: Rule) -> RuleId {
        let number =
            u32::try_from(self.rules.len() + 1).expect("invariant: nobody adds four billion rules");
        // An odd factor keeps the seeds of different rules different.
        let own = self.seed ^ u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let chance = Pcg64Mcg::seed_from_u64(own);
        self.rules.push(Live { rule, hits: 0, fired: 0, removed: false, chance });
        RuleId(number)
    }

    pub(super) fn rule(&mut self, RuleId(number): RuleId) -> &mut Live {
        &mut self.rules[number as usize - 1]
    }

    /// Decides and counts. `since` is the time since the beginning of the registry.
    ///
    /// Every rule that the hit is about counts it and draws, also when an earlier one fires: what
    /// a rule does must not depend on the rules before it more than it has to.
    pub(super) fn decide(
        &mut self,
        at: At,
        since: u64,
        point: Point,
        node: Option<Node>,
    ) -> Option<Verb> {
        let mut winner = None;
        for (number, live) in (1..).zip(&mut self.rules) {
            let during = live.rule.when.during;
            if live.removed
                || !live.rule.is_about(point, node)
                || during.is_some_and(|window| !within(since, window))
            {
                continue;
            }
            if live.hit() && winner.is_none() {
                live.fired += 1;
                winner = Some((RuleId(number), live.rule.verb));
            }
        }
        let (rule, verb) = winner.unzip();
        self.firings += u64::from(verb.is_some());
        if self.record.len() == RECORDED {
            self.record.pop_front();
        }
        self.record.push_back(Hit { at, point, node, rule, verb });
        verb
    }

    /// The rules that never fired, removed ones included: a fault that was asked for and never
    /// happened was not tested, whenever it was taken back.
    pub(super) fn unfired(&self) -> Vec<String> {
        let unfired = self.rules.iter().filter(|live| live.fired == 0);
        unfired
            .map(|live| {
                let hits = if live.hits == 1 { "hit" } else { "hits" };
                format!("`{}` never fired, at {} {hits}", live.rule, live.hits)
            })
            .collect()
    }
}

fn within(since: u64, (from, until): (Millis, Millis)) -> bool {
    (u64::from(from.0)..u64::from(until.0)).contains(&since)
}
