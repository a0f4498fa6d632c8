//! A rule: where × what × when, and its one line of text.

use std::fmt;

use tonic::Code;

use super::point::{Node, Point};
use super::verb::{Length, Verb};
use crate::model::time::Millis;

/// Why a rule is refused, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadRule {
    file: Option<(String, usize)>,
    column: Option<usize>,
    says: String,
}

impl BadRule {
    pub(super) fn new(says: impl Into<String>) -> Self {
        Self { file: None, column: None, says: says.into() }
    }

    pub(super) fn at_column(self, column: usize) -> Self {
        Self { column: Some(column), ..self }
    }

    pub(super) fn in_file(self, origin: &str, line: usize) -> Self {
        Self { file: Some((origin.to_owned(), line)), ..self }
    }
}

impl fmt::Display for BadRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.file, self.column) {
            (Some((origin, line)), Some(column)) => write!(f, "{origin}:{line}:{column}: ")?,
            (Some((origin, line)), None) => write!(f, "{origin}:{line}: ")?,
            (None, Some(column)) => write!(f, "column {column}: ")?,
            (None, None) => {}
        }
        f.write_str(&self.says)
    }
}

impl std::error::Error for BadRule {}

/// When a rule fires. What is set must hold all at once; with nothing set it fires at each hit.
///
/// A rule counts its own hits: the questions at its point about its node, inside its window if it
/// has one. A hit outside the window is none of the rule's, so `nth 2 during 10s..20s` is the
/// second in these ten seconds. A hit at which an earlier rule fires is counted all the same.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct When {
    /// With this probability, above 0 and at most 1. A chance is drawn at each hit that all the
    /// other conditions admit.
    pub rate: Option<f64>,
    /// At exactly this hit, counted from 1.
    pub nth: Option<u64>,
    /// At this many hits, the first ones.
    pub first: Option<u64>,
    /// So many times, then never again.
    pub at_most: Option<u64>,
    /// From an instant until before another, counted from the beginning of the registry.
    pub during: Option<(Millis, Millis)>,
}

/// One rule, printed and read as one line: `worker.heartbeat on w1 drop_response nth 2`.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Rule {
    /// Where.
    pub point: Point,
    /// About which node; any if none is named.
    pub node: Option<Node>,
    /// What.
    pub verb: Verb,
    /// When.
    pub when: When,
}

impl Rule {
    /// A rule that fires at each hit, whatever the node.
    pub fn new(point: Point, verb: Verb) -> Self {
        Self { point, node: None, verb, when: When::default() }
    }

    /// The same, about this node only.
    #[must_use]
    pub fn on(self, node: impl Into<Node>) -> Self {
        Self { node: Some(node.into()), ..self }
    }

    /// The same, with these conditions.
    #[must_use]
    pub fn when(self, when: When) -> Self {
        Self { when, ..self }
    }

    /// Whether a question at a point about a node is one for this rule.
    pub(super) fn is_about(&self, point: Point, node: Option<Node>) -> bool {
        let covered = |rule: Node| node.is_some_and(|node| rule.covers(node));
        self.point == point && self.node.is_none_or(covered)
    }

    /// Refuses what could never happen, so that no test relies on it.
    ///
    /// # Errors
    /// A verb that the point cannot do, a node that it is not about, or conditions that no hit
    /// meets.
    pub fn check(&self) -> Result<(), BadRule> {
        let Self { point, verb, .. } = *self;
        if !point.verbs().contains(&verb.word()) {
            let can = point.verbs().join(", ");
            let verb = verb.word();
            return Err(BadRule::new(format!("`{point}` cannot `{verb}`: it can {can}")));
        }
        if verb == Verb::Fail(Code::Ok) {
            return Err(BadRule::new("`fail OK` is no failure: name another status"));
        }
        if let Some(node) = self.node.filter(|node| !point.about().admits(*node)) {
            let about = point.about();
            return Err(BadRule::new(format!("`{point}` is about {about}: not `{node}`")));
        }
        self.when.check()
    }
}

impl When {
    fn check(&self) -> Result<(), BadRule> {
        if let Some(rate) = self.rate
            && !(rate > 0.0 && rate <= 1.0)
        {
            let says = format!("`rate {rate}` is no chance: write a number above 0, at most 1");
            return Err(BadRule::new(says));
        }
        for (word, number) in [("nth", self.nth), ("first", self.first), ("at_most", self.at_most)]
        {
            if number == Some(0) {
                let says = format!("`{word} 0` never fires: hits and firings count from 1");
                return Err(BadRule::new(says));
            }
        }
        if let (Some(nth), Some(first)) = (self.nth, self.first)
            && nth > first
        {
            let says = format!("`nth {nth}` is not among `first {first}`: leave out one of them");
            return Err(BadRule::new(says));
        }
        if let Some((from, until)) = self.during
            && from >= until
        {
            let (from, until) = (Length(from), Length(until));
            let says = format!("`during {from}..{until}` is empty: let it end after it begins");
            return Err(BadRule::new(says));
        }
        Ok(())
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.point)?;
        if let Some(node) = self.node {
            write!(f, " on {node}")?;
        }
        write!(f, " {}{}", self.verb, self.when)
    }
}

/// Each condition with a space before it, so that it follows a verb.
impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(rate) = self.rate {
            write!(f, " rate {rate}")?;
        }
        for (word, number) in [("nth", self.nth), ("first", self.first), ("at_most", self.at_most)]
        {
            if let Some(number) = number {
                write!(f, " {word} {number}")?;
            }
        }
        if let Some((from, until)) = self.during {
            write!(f, " during {}..{}", Length(from), Length(until))?;
        }
        Ok(())
    }
}

impl From<Rule> for String {
    fn from(rule: Rule) -> Self {
        rule.to_string()
    }
}

impl TryFrom<String> for Rule {
    type Error = BadRule;

    fn try_from(text: String) -> Result<Self, BadRule> {
        text.parse()
    }
}
