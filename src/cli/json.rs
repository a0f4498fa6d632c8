//! `--format json`: one object on standard output, when all is done. Messages stay on standard
//! error. Fields are added, never changed, without raising `version`.
//!
//! | field | type | meaning |
//! |---|---|---|
//! | `version` | number | 1 |
//! | `exit_code` | number | that of the program |
//! | `complete` | true or false | whether every scope was looked at completely |
//! | `seconds` | number | how long it took |
//! | `notes` | list of strings | what cluster files lost; what `--symmetry` leaves undecided |
//! | `never_exercised` | list of strings | claims that are vacuous wherever they were judged |
//! | `scopes` | list | the scopes, below, in the order in which they were checked |
//!
//! A scope:
//!
//! | field | type | meaning |
//! |---|---|---|
//! | `scope`, `about`, `made_of` | string | its name, what it asks, what it is made of |
//! | `states`, `transitions` | number | unique states; transitions, with those to known states |
//! | `depth` | number | steps from the start to the deepest state |
//! | `seconds` | number | how long it took |
//! | `symmetry` | object or null | what `--symmetry` took for equal, below |
//! | `stopped` | string or null | a limit (`states`, `depth`, `memory`, `time`), or what was: |
//! | | | `interrupted`, `not begun`, `lost process 1` |
//! | `verdict` | string | as in the table |
//! | `as_expected` | true or false | complete, and exactly the expected claims are violated |
//! | `expected_violated` | list of strings | the claims that it expects to be violated |
//! | `claims` | list | `id`, `name`, `verdict`: `holds, vacuous, violated, incomplete` |
//! | `findings` | list | `claim`; `file`, string or null; `trace`, the finding as in its file |
//!
//! What a search up to symmetry took for equal:
//!
//! | field | type | meaning |
//! |---|---|---|
//! | `workers`, `tasks` | list of lists of strings | those that are equal but for their names |
//! | `tasks_kept` | string or null | why tasks of a job keep their places |
//! | `stands_for` | number | the states for which those in `states` stand |

use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use super::Exit;
use super::engine::{Row, Stop, Symmetry, Trace, Verdict};
use super::job::{Done, Report};
use super::table::{never_exercised, traces};
use super::verdict::stop_word;

#[derive(Serialize)]
struct Whole<'a> {
    version: u32,
    exit_code: u8,
    complete: bool,
    seconds: f64,
    notes: &'a [String],
    never_exercised: Vec<&'static str>,
    scopes: Vec<ScopeRow<'a>>,
}

#[derive(Serialize)]
struct ScopeRow<'a> {
    scope: &'a str,
    about: &'a str,
    made_of: String,
    states: u64,
    transitions: u64,
    depth: u32,
    seconds: f64,
    symmetry: Option<SymmetryRow>,
    stopped: Option<String>,
    verdict: &'a str,
    as_expected: bool,
    expected_violated: &'a [String],
    claims: Vec<ClaimRow>,
    findings: Vec<FindingRow<'a>>,
}

#[derive(Serialize)]
struct SymmetryRow {
    workers: Vec<Vec<String>>,
    tasks: Vec<Vec<String>>,
    tasks_kept: Option<&'static str>,
    stands_for: u64,
}

#[derive(Serialize)]
struct ClaimRow {
    id: &'static str,
    name: &'static str,
    verdict: &'static str,
}

#[derive(Serialize)]
struct FindingRow<'a> {
    claim: &'a str,
    file: Option<String>,
    trace: &'a Trace,
}

/// The report as text.
pub(super) fn write(report: &Report) -> String {
    let whole = Whole {
        version: 1,
        exit_code: report.exit.code(),
        complete: report.done.iter().all(is_complete),
        seconds: seconds(report.took),
        notes: &report.notes,
        never_exercised: never_exercised(report),
        scopes: report.done.iter().map(scope_row).collect(),
    };
    serde_json::to_string_pretty(&whole).expect("a report is strings, numbers and lists")
}

/// To the millisecond.
fn seconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1000.0).round() / 1000.0
}

fn is_complete(done: &Done) -> bool {
    done.outcome.as_ref().is_some_and(|outcome| {
        outcome.stopped.is_none()
            && outcome.rows.iter().all(|it| !matches!(it.verdict, Verdict::Incomplete(_)))
    })
}

fn scope_row(done: &Done) -> ScopeRow<'_> {
    let outcome = done.outcome.as_ref();
    let rows = outcome.map(|it| it.rows.as_slice()).unwrap_or_default();
    ScopeRow {
        scope: &done.scope.name,
        about: &done.scope.about,
        made_of: done.scope.describe(),
        states: outcome.map_or(0, |it| it.states),
        transitions: outcome.map_or(0, |it| it.transitions),
        depth: outcome.map_or(0, |it| it.depth),
        seconds: seconds(done.took),
        symmetry: outcome.and_then(|it| it.symmetry.as_ref()).map(symmetry_row),
        stopped: stopped(outcome.is_some(), outcome.and_then(|it| it.stopped)),
        verdict: &done.judged.word,
        as_expected: done.judged.exit == Exit::Fine,
        expected_violated: &done.scope.violated,
        claims: rows.iter().map(claim_row).collect(),
        findings: traces(done).map(|(trace, file)| finding_row(trace, file)).collect(),
    }
}

/// What ended a scope; that its turn never came, if it did not.
pub(super) fn stopped(came: bool, stop: Option<Stop>) -> Option<String> {
    if came { stop.map(stop_word) } else { Some("not begun".to_owned()) }
}

fn symmetry_row(symmetry: &Symmetry) -> SymmetryRow {
    SymmetryRow {
        workers: symmetry.workers.iter().map(|all| names(all)).collect(),
        tasks: symmetry.tasks.iter().map(|all| names(all)).collect(),
        tasks_kept: symmetry.tasks_kept,
        stands_for: symmetry.stands_for,
    }
}

pub(super) fn names(all: &[impl ToString]) -> Vec<String> {
    all.iter().map(ToString::to_string).collect()
}

fn claim_row(row: &Row) -> ClaimRow {
    let verdict = match row.verdict {
        Verdict::Holds => "holds",
        Verdict::Vacuous => "vacuous",
        Verdict::Violated => "violated",
        Verdict::Incomplete(_) => "incomplete",
    };
    ClaimRow { id: row.id, name: row.name, verdict }
}

fn finding_row<'a>(trace: &'a Trace, file: Option<&Path>) -> FindingRow<'a> {
    let file = file.map(|file| file.display().to_string());
    FindingRow { claim: &trace.claim, file, trace }
}
