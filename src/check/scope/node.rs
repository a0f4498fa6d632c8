//! What a file says, as a tree in which everything knows its line: so that whatever is wrong with
//! it, also long after it was read, can be shown where it stands. TOML and YAML both become one.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use toml::de::{DeTable, DeValue};
use toml::{Spanned, Value};

/// A value and the line it stands on.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::check) struct Node {
    pub line: usize,
    pub kind: Kind,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::check) enum Kind {
    Text(String),
    Number(i64),
    Fraction(f64),
    Flag(bool),
    List(Vec<Node>),
    Table(Vec<Row>),
    /// Nothing at all (`key:` in YAML).
    Nothing,
    /// Something that no file of ours has a use for, as people call it.
    Other(&'static str),
}

/// A key, its line and its value.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::check) struct Row {
    pub key: String,
    pub line: usize,
    pub node: Node,
}

/// A text that is not what it should be: where, and what the parser says.
pub(in crate::check) struct NotRead {
    pub line: usize,
    pub says: String,
}

impl Node {
    /// Reads TOML.
    pub fn from_toml(text: &str) -> Result<Self, NotRead> {
        let line = |at: usize| 1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count();
        match DeTable::parse(text) {
            Ok(table) => Ok(Self { line: 1, kind: Kind::Table(rows(table.into_inner(), &line)) }),
            Err(error) => Err(NotRead {
                line: error.span().map_or(1, |span| line(span.start)),
                says: error.message().trim().replace('\n', "; "),
            }),
        }
    }

    /// Reads YAML.
    pub fn from_yaml(text: &str) -> Result<Self, NotRead> {
        serde_saphyr::from_str(text).map_err(|error| {
            let line = error.location().map_or(1, |location| location.line());
            let whole = error.without_snippet().to_string();
            let says = whole.lines().next().unwrap_or_default().to_owned();
            NotRead { line: usize::try_from(line).unwrap_or(1).max(1), says }
        })
    }

    /// Lays another tree over this one: tables key by key, everything else as a whole.
    pub fn overlay(&mut self, over: Self) {
        match (&mut self.kind, over.kind) {
            (Kind::Table(below), Kind::Table(above)) => {
                for row in above {
                    match below.iter_mut().find(|known| known.key == row.key) {
                        Some(known) => known.node.overlay(row.node),
                        None => below.push(row),
                    }
                }
            }
            (_, kind) => *self = Self { line: over.line, kind },
        }
    }

    /// The same as a value of TOML.
    pub fn to_toml(&self) -> Value {
        match &self.kind {
            Kind::Text(text) => Value::String(text.clone()),
            Kind::Number(number) => Value::Integer(*number),
            Kind::Fraction(number) => Value::Float(*number),
            Kind::Flag(flag) => Value::Boolean(*flag),
            Kind::List(nodes) => Value::Array(nodes.iter().map(Self::to_toml).collect()),
            Kind::Table(rows) => {
                Value::Table(rows.iter().map(|row| (row.key.clone(), row.node.to_toml())).collect())
            }
            Kind::Nothing => Value::String(String::new()),
            Kind::Other(what) => Value::String((*what).to_owned()),
        }
    }

    /// What it is, as an error message says what it found.
    pub fn found(&self) -> String {
        match &self.kind {
            Kind::Text(text) if text.chars().count() > 40 => {
                format!("{:?}...", text.chars().take(40).collect::<String>())
            }
            Kind::Text(text) => format!("{text:?}"),
            Kind::Number(number) => number.to_string(),
            Kind::Fraction(number) => number.to_string(),
            Kind::Flag(flag) => flag.to_string(),
            Kind::List(_) => "a list".to_owned(),
            Kind::Table(_) => "a table".to_owned(),
            Kind::Nothing => "nothing".to_owned(),
            Kind::Other(what) => (*what).to_owned(),
        }
    }
}

fn rows(table: DeTable<'_>, line: &dyn Fn(usize) -> usize) -> Vec<Row> {
    let mut found: Vec<(usize, Row)> = Vec::new();
    for (key, value) in table {
        let at = key.span().start;
        let node = node(value, line);
        found.push((at, Row { key: key.into_inner().into_owned(), line: line(at), node }));
    }
    found.sort_by_key(|(at, _)| *at);
    found.into_iter().map(|(_, row)| row).collect()
}

fn node(value: Spanned<DeValue<'_>>, line: &dyn Fn(usize) -> usize) -> Node {
    let at = line(value.span().start);
    let kind = match value.into_inner() {
        DeValue::String(text) => Kind::Text(text.into_owned()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or(Kind::Other("a number that is too large"), Kind::Number),
        DeValue::Float(number) => {
            number.as_str().parse().map_or(Kind::Other("a fraction"), Kind::Fraction)
        }
        DeValue::Boolean(flag) => Kind::Flag(flag),
        DeValue::Datetime(_) => Kind::Other("a date"),
        DeValue::Array(values) => {
            Kind::List(values.into_iter().map(|value| node(value, line)).collect())
        }
        DeValue::Table(table) => Kind::Table(rows(table, line)),
    };
    Node { line: at, kind }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = serde_saphyr::Spanned::<Kind>::deserialize(deserializer)?;
        let line = usize::try_from(spanned.referenced.line()).unwrap_or(1);
        Ok(Self { line, kind: spanned.value })
    }
}

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyKind)
    }
}

/// Takes whatever comes.
struct AnyKind;

impl<'de> Visitor<'de> for AnyKind {
    type Value = Kind;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Kind, E> {
        Ok(Kind::Flag(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Kind, E> {
        Ok(Kind::Number(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Kind, E> {
        let number = i64::try_from(number);
        Ok(number.map_or(Kind::Other("a number that is too large"), Kind::Number))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Kind, E> {
        Ok(Kind::Fraction(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Kind, E> {
        Ok(Kind::Text(text.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Kind, E> {
        Ok(Kind::Nothing)
    }

    fn visit_none<E>(self) -> Result<Kind, E> {
        Ok(Kind::Nothing)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Kind, D::Error> {
        deserializer.deserialize_any(Self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Kind, A::Error> {
        let mut nodes = Vec::new();
        while let Some(node) = sequence.next_element()? {
            nodes.push(node);
        }
        Ok(Kind::List(nodes))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Kind, A::Error> {
        let mut rows = Vec::new();
        while let Some((key, node)) = map.next_entry::<serde_saphyr::Spanned<String>, Node>()? {
            let line = usize::try_from(key.referenced.line()).unwrap_or(1);
            rows.push(Row { key: key.value, line, node });
        }
        Ok(Kind::Table(rows))
    }
}
