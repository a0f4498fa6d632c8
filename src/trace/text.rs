//! A trace as people read it: the claim, what was found, the steps as a table, the replay command.

use super::{Trace, TraceStep};

impl Trace {
    /// The trace as plain text that ends with a newline; `replay` is the file to name in the
    /// command that replays it. Lines are never wrapped.
    pub fn to_text(&self, replay: Option<&str>) -> String {
        let mut lines = vec![
            format!("VIOLATED  {} {}", self.claim, self.name),
            format!("  claim   {}", self.sentence),
            format!("  found   {}", self.found),
            format!("  scope   {}", self.about),
        ];
        self.table(&mut lines);
        if let Some(file) = replay {
            lines.push(format!("  replay  iris-check replay {}", quoted(file)));
        }
        lines.iter().map(|line| one_line(line) + "\n").collect()
    }

    fn table(&self, lines: &mut Vec<String>) {
        let widths = Widths::of(&self.steps);
        if self.steps.is_empty() {
            if self.cycle_from.is_none() {
                lines.push("  before the first step   ← here".to_owned());
            }
        } else {
            lines.push(widths.line("#", "who", "did", "changed"));
        }
        for (at, step) in self.steps.iter().enumerate() {
            if self.cycle_from == Some(at) {
                lines.push("  for ever:".to_owned());
            }
            widths.step(at, step, &self.marks(at), lines);
        }
        if self.cycle_from == Some(self.steps.len()) {
            lines.push("  for ever: nothing more happens".to_owned());
        }
    }

    /// What stands behind a step.
    fn marks(&self, at: usize) -> String {
        let mut marks = Vec::new();
        if self.no_return == Some(at) {
            marks.push("← no return");
        }
        if self.cycle_from.is_none() && at + 1 == self.steps.len() {
            marks.push("← here");
        }
        marks.join("   ")
    }
}

/// How wide the columns of the table are, in characters.
struct Widths {
    number: usize,
    who: usize,
    did: usize,
    /// The subjects inside the last column.
    subject: usize,
}

impl Widths {
    fn of(steps: &[TraceStep]) -> Self {
        let widest = |head: &str, cells: &mut dyn Iterator<Item = &str>| {
            cells.map(width).fold(width(head), usize::max)
        };
        let entries = steps.iter().flat_map(|step| &step.changed);
        let mut subjects = entries.filter_map(|entry| Some(entry.split_once("  ")?.0));
        Self {
            number: steps.len().to_string().len(),
            who: widest("who", &mut steps.iter().map(|step| step.who.as_str())),
            did: widest("did", &mut steps.iter().map(|step| step.did.as_str())),
            subject: widest("", &mut subjects),
        }
    }

    fn line(&self, number: &str, who: &str, did: &str, changed: &str) -> String {
        let Self { number: n, who: w, did: d, .. } = *self;
        let (who, did) = (one_line(who), one_line(did));
        let line = format!("  {number:>n$}  {who:<w$}  {did:<d$}   {changed}");
        line.trim_end().to_owned()
    }

    /// The lines of one step: one for each change, and one at least.
    fn step(&self, at: usize, step: &TraceStep, marks: &str, lines: &mut Vec<String>) {
        let mut changed: Vec<String> = step.changed.iter().map(|entry| self.entry(entry)).collect();
        match changed.last_mut() {
            Some(last) if !marks.is_empty() => *last = format!("{last}   {marks}"),
            Some(_) => {}
            None => changed.push(marks.to_owned()),
        }
        let number = (at + 1).to_string();
        let mut cells = (number.as_str(), step.who.as_str(), step.did.as_str());
        for entry in changed {
            lines.push(self.line(cells.0, cells.1, cells.2, &entry));
            cells = ("", "", "");
        }
    }

    fn entry(&self, entry: &str) -> String {
        let Some((subject, fact)) = entry.split_once("  ") else { return one_line(entry) };
        let (subject, fact, wide) = (one_line(subject), one_line(fact), self.subject);
        format!("{subject:<wide$}  {}", fact.trim_start())
    }
}

fn width(cell: &str) -> usize {
    one_line(cell).chars().count()
}

/// A file may come from anywhere: what it says must neither break the table nor command a terminal.
fn one_line(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_control() {
            shown.extend(letter.escape_default());
        } else {
            shown.push(letter);
        }
    }
    shown
}

/// A file name as a shell takes it for one word.
fn quoted(file: &str) -> String {
    let plain = |letter: char| letter.is_alphanumeric() || "/._-+=:@".contains(letter);
    if !file.is_empty() && file.chars().all(plain) {
        file.to_owned()
    } else {
        format!("'{}'", file.replace('\'', r"'\''"))
    }
}
