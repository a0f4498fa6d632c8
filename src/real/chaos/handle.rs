//! Rules from code: `chaos.at(point).on(node).drop_response().nth(2)`.
//!
//! A rule that could never fire is a mistake in the code that asks for it, and panics there.

use tonic::Code;

use super::Chaos;
use super::point::{Node, Point};
use super::registry::RuleId;
use super::rule::{BadRule, Rule, When};
use super::verb::Verb;
use crate::model::time::Millis;

/// Where a rule is to stand. A verb adds it.
#[derive(Debug, Clone, Copy)]
#[must_use = "nothing happens here before a verb says what"]
pub struct Site<'a> {
    chaos: &'a Chaos,
    point: Point,
    node: Option<Node>,
}

impl<'a> Site<'a> {
    pub(super) fn new(chaos: &'a Chaos, point: Point) -> Self {
        Self { chaos, point, node: None }
    }

    /// About this node only.
    pub fn on(self, node: impl Into<Node>) -> Self {
        Self { node: Some(node.into()), ..self }
    }

    /// It fails with this status.
    #[track_caller]
    pub fn fail(self, code: Code) -> RuleHandle {
        self.add(Verb::Fail(code))
    }

    /// It is done so much later.
    #[track_caller]
    pub fn delay(self, length: Millis) -> RuleHandle {
        self.add(Verb::Delay(length))
    }

    /// It never arrives.
    #[track_caller]
    pub fn drop_request(self) -> RuleHandle {
        self.add(Verb::DropRequest)
    }

    /// It has its effect; the answer is lost.
    #[track_caller]
    pub fn drop_response(self) -> RuleHandle {
        self.add(Verb::DropResponse)
    }

    /// It is done twice.
    #[track_caller]
    pub fn duplicate(self) -> RuleHandle {
        self.add(Verb::Duplicate)
    }

    /// The node where the point stands dies.
    #[track_caller]
    pub fn crash(self) -> RuleHandle {
        self.add(Verb::Crash)
    }

    #[track_caller]
    fn add(self, verb: Verb) -> RuleHandle {
        let Self { chaos, point, node } = self;
        good(chaos.add(Rule { point, node, verb, when: When::default() }))
    }
}

#[track_caller]
fn good<T>(result: Result<T, BadRule>) -> T {
    result.unwrap_or_else(|bad| panic!("{bad}"))
}

/// A rule that was added. It stays when this is dropped.
///
/// Conditions are set one by one while the rule already stands: where others run at the same time,
/// [`Chaos::add`] adds a complete rule.
#[derive(Debug, Clone)]
pub struct RuleHandle {
    chaos: Chaos,
    id: RuleId,
}

impl RuleHandle {
    pub(super) fn new(chaos: Chaos, id: RuleId) -> Self {
        Self { chaos, id }
    }

    /// Its number.
    pub fn id(&self) -> RuleId {
        self.id
    }

    /// With this probability only.
    #[track_caller]
    #[expect(clippy::return_self_not_must_use, reason = "the rule is refined in place")]
    pub fn rate(self, rate: f64) -> Self {
        self.refine(|when| when.rate = Some(rate))
    }

    /// At exactly this hit only, counted from 1.
    #[track_caller]
    #[expect(clippy::return_self_not_must_use, reason = "the rule is refined in place")]
    pub fn nth(self, hit: u64) -> Self {
        self.refine(|when| when.nth = Some(hit))
    }

    /// At the first hits only.
    #[track_caller]
    #[expect(clippy::return_self_not_must_use, reason = "the rule is refined in place")]
    pub fn first(self, hits: u64) -> Self {
        self.refine(|when| when.first = Some(hits))
    }

    /// No more than so many times.
    #[track_caller]
    #[expect(clippy::return_self_not_must_use, reason = "the rule is refined in place")]
    pub fn at_most(self, times: u64) -> Self {
        self.refine(|when| when.at_most = Some(times))
    }

    /// From an instant until before another only, counted from the beginning of the registry.
    #[track_caller]
    #[expect(clippy::return_self_not_must_use, reason = "the rule is refined in place")]
    pub fn during(self, from: Millis, until: Millis) -> Self {
        self.refine(|when| when.during = Some((from, until)))
    }

    /// How often it fired.
    pub fn fired(&self) -> u64 {
        self.chaos.state().rule(self.id).fired
    }

    /// How many hits it counted.
    pub fn hits(&self) -> u64 {
        self.chaos.state().rule(self.id).hits
    }

    /// Takes the rule back: it counts and fires no more. Its counts stay.
    pub fn remove(&self) {
        self.chaos.state().rule(self.id).removed = true;
    }

    #[track_caller]
    fn refine(self, change: impl FnOnce(&mut When)) -> Self {
        let refined = {
            let mut state = self.chaos.state();
            let live = state.rule(self.id);
            let mut rule = live.rule.clone();
            change(&mut rule.when);
            rule.check().map(|()| live.rule = rule)
        };
        good(refined);
        self
    }
}
