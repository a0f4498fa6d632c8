//! A policy on the command line: a preset, and what differs from it.

use std::str::FromStr;

use serde_json::{Map, Value};

use crate::model::policy::{BadPolicy, Policy};

use super::values::{length, pair};

/// A preset, with its name.
pub(super) fn preset(text: &str) -> Result<(String, Policy), String> {
    let policy = text.parse().map_err(|error: BadPolicy| error.to_string());
    policy.map(|policy| (text.to_owned(), policy))
}

/// A field of a policy, as it is to be instead of as the preset has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) struct Change {
    /// As it was written.
    pub text: String,
    field: String,
    value: Value,
}

impl FromStr for Change {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = pair(text).map_err(|_| "expected FIELD=VALUE, such as heartbeat=500ms")?;
        let (field, value) = parts;
        let mut fields = fields(Policy::HARDENED);
        let value = match fields.get(&field) {
            None => {
                let names: Vec<&str> = fields.keys().map(String::as_str).collect();
                return Err(format!("a policy has no `{field}`; there are {}", names.join(", ")));
            }
            Some(Value::Number(_)) if Policy::COUNTS.contains(&field.as_str()) => {
                let count = value.parse::<u32>();
                count.map_err(|_| format!("{field}: a whole number was expected"))?.into()
            }
            Some(Value::Number(_)) => {
                length(&value).map_err(|says| format!("{field}: {says}"))?.0.into()
            }
            Some(_) => Value::String(value),
        };
        fields.insert(field.clone(), value.clone());
        // Words and counts have limits of their own.
        serde_json::from_value::<Policy>(Value::Object(fields))
            .map_err(|error| format!("{field}: {error}"))?;
        Ok(Self { text: text.to_owned(), field, value })
    }
}

/// A preset with changes, if it can keep what the protocol promises.
pub(super) fn changed(preset: Policy, changes: &[Change]) -> Result<Policy, String> {
    let mut fields = fields(preset);
    fields.extend(changes.iter().map(|it| (it.field.clone(), it.value.clone())));
    let policy: Policy = serde_json::from_value(Value::Object(fields))
        .expect("invariant: each change was tried when it was read");
    policy.validate().map_err(|bad| bad.to_string())?;
    Ok(policy)
}

fn fields(policy: Policy) -> Map<String, Value> {
    match serde_json::to_value(policy) {
        Ok(Value::Object(fields)) => fields,
        other => unreachable!("invariant: a policy is a table of numbers and words: {other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::policy::Retry;
    use crate::model::time::Millis;

    fn read(texts: &[&str]) -> Result<Policy, String> {
        let changes: Result<Vec<Change>, String> = texts.iter().map(|it| it.parse()).collect();
        changed(Policy::LOCAL, &changes?)
    }

    #[test]
    fn what_is_named_differs_and_nothing_else() {
        let policy = read(&["heartbeat=100ms", "quarantine_after=0", "retry=unbounded"]);
        let expected = Policy {
            heartbeat: Millis(100),
            quarantine_after: 0,
            retry: Retry::Unbounded,
            ..Policy::LOCAL
        };
        assert_eq!(policy, Ok(expected));
        assert_eq!(read(&["kill_grace=1s", "kill_grace=2s"]).map(|it| it.kill_grace.0), Ok(2000));
    }

    #[test]
    fn every_field_can_be_written() {
        for (field, value) in fields(Policy::HARDENED) {
            let value = match &value {
                Value::Number(n) if Policy::COUNTS.contains(&field.as_str()) => n.to_string(),
                Value::Number(n) => format!("{n}ms"),
                Value::String(word) => word.clone(),
                Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
                    panic!("{field}: {value}")
                }
            };
            let change: Result<Change, String> = format!("{field}={value}").parse();
            let policy = changed(Policy::HARDENED, &[change.expect("it is its own text")]);
            assert_eq!(policy, Ok(Policy::HARDENED), "{field}");
        }
    }

    #[test]
    fn what_is_wrong_names_the_field() {
        let rows = [
            ("heartbeat", "expected FIELD=VALUE, such as heartbeat=500ms"),
            ("beat=1s", "a policy has no `beat`; there are"),
            ("heartbeat=1", "heartbeat: expected a time above 0, such as 500ms"),
            ("delivery_tries=4s", "delivery_tries: a whole number was expected"),
            ("delivery_tries=300", "delivery_tries: invalid value: integer `300`, expected u8"),
            ("retry=never", "retry: unknown variant `never`, expected `budgeted` or `unbounded`"),
            ("worker_timeout=1s", "worker_lease + kill_grace + heartbeat/10 must be less than"),
        ];
        for (text, expected) in rows {
            let says = read(&[text]).expect_err("it is wrong");
            assert!(says.starts_with(expected), "{text}: {says}");
        }
    }
}
