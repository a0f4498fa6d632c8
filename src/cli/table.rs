//! The verdicts as a table, and what follows it.

use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use super::Exit;
use super::engine::DESCRIBED;
use super::engine::{Symmetry, Trace, Verdict};
use super::job::{Done, Report};
use super::json::names;

/// The heads of the columns; the first one is `width` wide.
pub(super) fn head(width: usize) -> String {
    line(width, ["scope", "states", "depth", "time", "held", "violated", "vacuous", "verdict"])
}

/// The line of a scope.
pub(super) fn row(width: usize, done: &Done) -> String {
    let judged = &done.judged;
    let violated =
        if judged.violated.is_empty() { "-".to_owned() } else { judged.violated.join(" ") };
    let outcome = done.outcome.as_ref();
    let cells = [
        &done.scope.name,
        &outcome.map_or_else(|| "-".to_owned(), |it| number(it.states)),
        &outcome.map_or_else(|| "-".to_owned(), |it| it.depth.to_string()),
        &seconds(done.took),
        &judged.held.to_string(),
        &violated,
        &judged.vacuous.len().to_string(),
        &judged.word,
    ];
    line(width, cells.map(String::as_str))
}

fn line(width: usize, cells: [&str; 8]) -> String {
    let [scope, states, depth, time, held, violated, vacuous, verdict] = cells;
    format!(
        "{scope:width$}  {states:>11}  {depth:>5}  {time:>10}  {held:>4}  {violated:8}  \
         {vacuous:>7}  {verdict}"
    )
}

/// What stands below the table: the counterexamples, what nobody exercised, and the sum.
pub(super) fn rest(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    for done in &report.done {
        for (trace, file) in traces(done) {
            let file = file.map(|file| file.display().to_string());
            writeln!(out)?;
            write!(out, "{}", trace.to_text(file.as_deref()))?;
        }
    }
    writeln!(out)?;
    for done in &report.done {
        if let Some(symmetry) = done.outcome.iter().find_map(|it| it.symmetry.as_ref()) {
            writeln!(out, "symmetry in {}: {}", done.scope.name, alike(symmetry))?;
        }
    }
    let never = never_exercised(report);
    // Of one scope alone it says no more than the column does.
    if !never.is_empty() && report.done.len() > 1 {
        writeln!(out, "in no scope exercised: {}", never.join(", "))?;
    }
    writeln!(out, "{}", sum(report))
}

/// What is alike in a scope, and why tasks are not.
fn alike(symmetry: &Symmetry) -> String {
    let workers = symmetry.workers.iter().map(|all| names(all));
    let tasks = symmetry.tasks.iter().map(|all| names(all));
    let kinds = workers.chain(tasks).map(|names| names.join(" = "));
    let kept = symmetry.tasks_kept.map(|why| format!("tasks keep their places: {why}"));
    let parts: Vec<String> = kinds.chain(kept).collect();
    if parts.is_empty() { "nothing is alike".to_owned() } else { parts.join("; ") }
}

/// The findings of a scope, each with the file it was saved to.
pub(super) fn traces(done: &Done) -> impl Iterator<Item = (&Trace, Option<&Path>)> {
    let findings = done.outcome.iter().flat_map(|outcome| &outcome.findings);
    findings.zip(done.files.iter().map(Option::as_deref))
}

/// The claims that some scope judges and none exercises.
pub(super) fn never_exercised(report: &Report) -> Vec<&'static str> {
    let verdicts = |id: &str| -> Vec<Verdict> {
        let outcomes = report.done.iter().filter_map(|done| done.outcome.as_ref());
        outcomes.flat_map(|it| &it.rows).filter(|it| it.id == id).map(|it| it.verdict).collect()
    };
    let never = |id: &&str| {
        let verdicts = verdicts(id);
        !verdicts.is_empty() && verdicts.iter().all(|it| *it == Verdict::Vacuous)
    };
    DESCRIBED.map(|claim| claim.id).into_iter().filter(never).collect()
}

fn sum(report: &Report) -> String {
    let states = report.done.iter().filter_map(|it| it.outcome.as_ref()).map(|it| it.states).sum();
    let scopes = report.done.len();
    let verdict = match report.exit {
        Exit::Fine => "all as expected",
        Exit::Bad => "findings could not be saved (see the messages)",
        Exit::Safety | Exit::Progress | Exit::Disagree => "NOT as expected",
        Exit::Incomplete => "nothing unexpected was found, INCOMPLETE",
        Exit::Internal => "a mistake in iris-check",
    };
    let s = if scopes == 1 { "" } else { "s" };
    let (states, time) = (number(states), seconds(report.took));
    format!("{scopes} scope{s}, {states} states, {time}: {verdict}")
}

/// `12,345,678`
pub(super) fn number(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `0.4 s`, `2 min 05 s`
pub(super) fn seconds(time: Duration) -> String {
    let whole = time.as_secs();
    if whole < 60 {
        return format!("{:.1} s", time.as_secs_f64());
    }
    format!("{} min {:02} s", whole / 60, whole % 60)
}
