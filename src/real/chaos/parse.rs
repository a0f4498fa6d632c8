//! Rules from text: one rule, or a file with one a line.

use std::str::FromStr;

use super::rule::{BadRule, Rule, When};
use super::verb::{Verb, parse_code, parse_length};
use crate::model::time::Millis;

const CONDITIONS: &str = "rate, nth, first, at_most, during";

/// Reads a chaos file: one rule a line; `#` begins a comment.
///
/// # Errors
/// The first line that is no rule, or a rule that could never fire, by origin, line and column.
pub fn parse_file(text: &str, origin: &str) -> Result<Vec<Rule>, BadRule> {
    let mut rules = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let code = line.split('#').next().unwrap_or_default();
        if !code.trim().is_empty() {
            let rule = code.parse().map_err(|bad: BadRule| bad.in_file(origin, at + 1))?;
            rules.push(rule);
        }
    }
    Ok(rules)
}

/// The words of a line, each with its column, and where the line ends.
struct Words<'a> {
    rest: std::iter::Peekable<std::vec::IntoIter<(usize, &'a str)>>,
    end: usize,
}

impl<'a> Words<'a> {
    fn new(text: &'a str) -> Self {
        let column = |byte: usize| text[..byte].chars().count() + 1;
        let start = |word: &str| word.as_ptr() as usize - text.as_ptr() as usize;
        let words: Vec<_> =
            text.split_whitespace().map(|word| (column(start(word)), word)).collect();
        Self { rest: words.into_iter().peekable(), end: column(text.trim_end().len()) }
    }

    /// Reads the next word; what is wrong with it is told with its column.
    fn read<T>(
        &mut self,
        what: &str,
        read: impl FnOnce(&'a str) -> Result<T, BadRule>,
    ) -> Result<T, BadRule> {
        let Some((column, word)) = self.rest.next() else {
            let says = format!("the rule ends here: write {what}");
            return Err(BadRule::new(says).at_column(self.end));
        };
        read(word).map_err(|bad| bad.at_column(column))
    }

    fn skip(&mut self, word: &str) -> bool {
        self.rest.next_if(|(_, next)| *next == word).is_some()
    }
}

/// A text that is one rule, as rules are printed; conditions in any order.
impl FromStr for Rule {
    type Err = BadRule;

    fn from_str(text: &str) -> Result<Self, BadRule> {
        let mut words = Words::new(text);
        let point = words.read("a point such as `worker.heartbeat`", str::parse)?;
        let node = if words.skip("on") {
            Some(words.read("a node such as `w1`", str::parse)?)
        } else {
            None
        };
        let verb = verb(&mut words)?;
        let mut when = When::default();
        while let Some((column, word)) = words.rest.next() {
            condition(&mut when, word, &mut words, column)?;
        }
        let rule = Self { point, node, verb, when };
        rule.check()?;
        Ok(rule)
    }
}

fn verb(words: &mut Words<'_>) -> Result<Verb, BadRule> {
    let all = Verb::WORDS.join(", ");
    let known = |word| {
        let unknown = || BadRule::new(format!("`{word}` is no verb: write one of {all}"));
        Verb::WORDS.into_iter().find(|known| *known == word).ok_or_else(unknown)
    };
    Ok(match words.read(&format!("a verb: one of {all}"), known)? {
        "fail" => Verb::Fail(words.read("a status such as `UNAVAILABLE`", parse_code)?),
        "delay" => Verb::Delay(words.read("a length of time such as `3s`", parse_length)?),
        "drop_request" => Verb::DropRequest,
        "drop_response" => Verb::DropResponse,
        "duplicate" => Verb::Duplicate,
        _ => Verb::Crash,
    })
}

fn condition(
    when: &mut When,
    word: &str,
    words: &mut Words<'_>,
    column: usize,
) -> Result<(), BadRule> {
    let twice = match word {
        "rate" => when.rate.replace(words.read("a chance such as `0.3`", chance)?).is_some(),
        "nth" => when.nth.replace(words.read("a number such as `2`", number)?).is_some(),
        "first" => when.first.replace(words.read("a number such as `3`", number)?).is_some(),
        "at_most" => when.at_most.replace(words.read("a number such as `2`", number)?).is_some(),
        "during" => {
            when.during.replace(words.read("a window such as `0s..10s`", window)?).is_some()
        }
        _ => {
            let says = format!("`{word}` is no condition: write one of {CONDITIONS}");
            return Err(BadRule::new(says).at_column(column));
        }
    };
    if twice {
        let says = format!("`{word}` stands here a second time: leave one of them");
        return Err(BadRule::new(says).at_column(column));
    }
    Ok(())
}

fn chance(text: &str) -> Result<f64, BadRule> {
    text.parse().map_err(|_| {
        BadRule::new(format!("`{text}` is no chance: write a number above 0, at most 1"))
    })
}

fn number(text: &str) -> Result<u64, BadRule> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let number = if plain { text.parse().ok() } else { None };
    number.ok_or_else(|| BadRule::new(format!("`{text}` is no number: write one such as `2`")))
}

fn window(text: &str) -> Result<(Millis, Millis), BadRule> {
    let Some((from, until)) = text.split_once("..") else {
        let says = format!("`{text}` is no window: write its two ends such as `0s..10s`");
        return Err(BadRule::new(says));
    };
    Ok((parse_length(from)?, parse_length(until)?))
}
