//! Tables and values that are taken out of a file one by one; what is left over is unknown.

use std::fmt;

use super::node::{Kind, Node, NotRead, Row};

/// A file that is not what it should be: where, what was expected, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadScope {
    /// The file, or whatever else the text came from.
    pub origin: String,
    /// The line at fault, from 1.
    pub line: usize,
    /// The key at fault, as a path such as `jobs[1].replicas`; empty for the file as a whole.
    pub key: String,
    /// What was expected, what was found and what to do.
    pub says: String,
}

impl fmt::Display for BadScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.origin, self.line)?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.says)
    }
}

impl std::error::Error for BadScope {}

impl BadScope {
    /// Something wrong at a line; the origin is added by whoever knows it.
    pub(in crate::check) fn new(line: usize, key: &str, says: impl Into<String>) -> Self {
        Self { origin: String::new(), line, key: key.to_owned(), says: says.into() }
    }

    /// A text that is no TOML or YAML at all.
    pub(in crate::check) fn unread(format: &str, error: &NotRead) -> Self {
        Self::new(error.line, "", format!("this is not {format}: {}", error.says))
    }

    /// The same, with where the text came from.
    #[must_use]
    pub(in crate::check) fn from(mut self, origin: &str) -> Self {
        origin.clone_into(&mut self.origin);
        self
    }
}

/// A table whose keys are being taken out.
pub(in crate::check) struct Section {
    /// Where it stands: `jobs[1]`, empty for the whole file.
    pub path: String,
    /// Its line.
    pub line: usize,
    rows: Vec<Row>,
    known: Vec<&'static str>,
}

/// A value that has been taken out, with its path.
pub(in crate::check) struct Entry {
    /// Where it stands: `jobs[1].replicas`.
    pub path: String,
    /// The line of its key.
    pub line: usize,
    /// What stands there.
    pub node: Node,
}

impl Section {
    /// Takes the value of a key out, and remembers that there is such a key.
    pub fn take(&mut self, key: &'static str) -> Option<Entry> {
        self.known.push(key);
        let at = self.rows.iter().position(|row| row.key == key)?;
        let row = self.rows.remove(at);
        Some(Entry { path: self.path_of(key), line: row.line, node: row.node })
    }

    /// Remembers a key that is read elsewhere.
    pub fn known(&mut self, key: &'static str) {
        self.known.push(key);
    }

    /// Takes out all that is left, whatever its keys.
    pub fn take_rest(&mut self) -> Vec<(String, Entry)> {
        let rows = std::mem::take(&mut self.rows);
        let entry = |row: Row| {
            let path = self.path_of(&row.key);
            (row.key, Entry { path, line: row.line, node: row.node })
        };
        rows.into_iter().map(entry).collect()
    }

    /// Refuses what has not been taken out.
    pub fn finish(self) -> Result<(), BadScope> {
        let Some(row) = self.rows.first() else { return Ok(()) };
        let says = unknown("key", &row.key, &self.known);
        Err(BadScope::new(row.line, &self.path_of(&row.key), says))
    }

    /// An error about the table as a whole.
    pub fn bad(&self, key: &str, says: impl Into<String>) -> BadScope {
        BadScope::new(self.line, &self.path_of(key), says)
    }

    fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() || key.is_empty() {
            return format!("{}{key}", self.path);
        }
        format!("{}.{key}", self.path)
    }
}

impl Entry {
    /// An error about this value.
    pub fn bad(&self, says: impl Into<String>) -> BadScope {
        BadScope::new(self.line, &self.path, says)
    }

    /// An error about a word that is none of the known ones.
    pub fn unknown(&self, what: &str, found: &str, known: &[&str]) -> BadScope {
        self.bad(unknown(what, found, known))
    }

    fn expected(&self, expected: &str) -> BadScope {
        self.bad(format!("expected {expected}, found {}", self.node.found()))
    }

    /// A text.
    pub fn text(&self) -> Result<&str, BadScope> {
        let Kind::Text(text) = &self.node.kind else {
            return Err(self.expected("a text in quotes"));
        };
        Ok(text)
    }

    /// Yes or no.
    pub fn flag(&self) -> Result<bool, BadScope> {
        let Kind::Flag(flag) = self.node.kind else {
            return Err(self.expected("true or false"));
        };
        Ok(flag)
    }

    /// A whole number within limits.
    pub fn number<N: TryFrom<i64>>(&self, least: i64, most: i64) -> Result<N, BadScope> {
        let bad = || self.expected(&format!("a whole number from {least} to {most}"));
        let Kind::Number(number) = self.node.kind else { return Err(bad()) };
        if !(least..=most).contains(&number) {
            return Err(bad());
        }
        N::try_from(number).map_err(|_| bad())
    }

    /// One of some texts.
    pub fn one_of<T: Copy>(&self, what: &str, rows: &[(&'static str, T)]) -> Result<T, BadScope> {
        let names: Vec<&str> = rows.iter().map(|(name, _)| *name).collect();
        let Kind::Text(text) = &self.node.kind else {
            return Err(self.expected(&format!("one of {}", names.join(", "))));
        };
        let row = rows.iter().find(|(name, _)| name == text);
        row.map(|(_, value)| *value).ok_or_else(|| self.unknown(what, text, &names))
    }

    /// The values of a list.
    pub fn list(self) -> Result<Vec<Self>, BadScope> {
        let bad = self.expected("a list");
        let Kind::List(nodes) = self.node.kind else { return Err(bad) };
        let entry = |(at, node): (usize, Node)| Self {
            path: format!("{}[{}]", self.path, at + 1),
            line: node.line,
            node,
        };
        Ok(nodes.into_iter().enumerate().map(entry).collect())
    }

    /// A table.
    pub fn section(self) -> Result<Section, BadScope> {
        let bad = self.expected("a table");
        let Kind::Table(rows) = self.node.kind else { return Err(bad) };
        Ok(Section { path: self.path, line: self.line, rows, known: Vec::new() })
    }

    /// A whole file.
    pub fn root(node: Node) -> Self {
        Self { path: String::new(), line: node.line, node }
    }
}

/// What is said of a word that is none of the known ones.
fn unknown(what: &str, found: &str, known: &[&str]) -> String {
    let near = known.iter().map(|name| (distance(found, name), name)).min();
    let meant = match near {
        Some((far, name)) if far <= 3.min(found.len() / 2) => format!(", did you mean `{name}`?"),
        _ => ";".to_owned(),
    };
    format!("unknown {what} `{found}`{meant} there are {}", known.join(", "))
}

/// How many letters must be changed, put in or left out to make one word of the other.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut corner = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.bytes().enumerate() {
            let changed = corner + usize::from(x != y);
            corner = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(corner + 1);
        }
    }
    row[b.len()]
}
