//! What is made of an outcome: verdicts, exit codes, the table, JSON, and files of findings.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Exit;
use super::engine::{Outcome, Row, Stop, Symmetry, Trace, Verdict};
use super::job::{Done, Report};
use super::verdict::{judge, worst};
use super::{findings, json, table};
use crate::check::scope::Scope;
use crate::model::id::{JobId, WorkerId};

use Verdict::{Holds, Incomplete, Vacuous, Violated};

const OUT_OF_STATES: Verdict = Incomplete(Stop::States);

fn scope(violated: &str) -> Scope {
    let text = format!("name = \"mine\"\nviolated = [{violated}]\n[[workers]]\n[[jobs]]\n");
    Scope::parse(&text, "mine.toml").expect("it is fine")
}

fn outcome(rows: &[(&'static str, Verdict)], stopped: Option<Stop>) -> Outcome {
    let rows = rows.iter().map(|(id, verdict)| Row { id, name: "a_name", verdict: *verdict });
    let rows: Vec<Row> = rows.collect();
    let findings =
        rows.iter().filter(|row| row.verdict == Violated).map(|row| trace(row.id)).collect();
    Outcome {
        states: 1_234_567,
        transitions: 2_000_000,
        depth: 23,
        stopped,
        rows,
        findings,
        collision_odds: 0.0,
        symmetry: None,
    }
}

fn trace(claim: &str) -> Trace {
    let text = format!(
        r#"{{"version": 1, "claim": "{claim}", "name": "a_name", "sentence": "s", "found": "f",
            "scope": "mine", "about": "a", "scope_text": "", "steps": [], "cycle_from": null,
            "no_return": null}}"#
    );
    Trace::from_json(&text).expect("it is a trace")
}

#[test]
fn a_scope_passes_only_if_exactly_what_it_expects_is_violated() {
    type Expected = &'static str;
    type Rows = &'static [(&'static str, Verdict)];
    let states = Some(Stop::States);
    #[rustfmt::skip]
    let rows: [(Expected, Rows, Option<Stop>, &str, Exit); 11] = [
        ("", &[("S1", Holds), ("S2", Vacuous)], None, "holds", Exit::Fine),
        ("", &[("S1", Violated), ("L1", Violated)], None, "VIOLATED", Exit::Safety),
        ("", &[("S1", Holds), ("L1", Violated)], None, "VIOLATED", Exit::Progress),
        ("", &[("L1", Violated), ("S1", OUT_OF_STATES)], states, "VIOLATED", Exit::Progress),
        ("", &[("S1", Holds)], states, "INCOMPLETE (states)", Exit::Incomplete),
        ("", &[("L1", Incomplete(Stop::Boundary))], None, "INCOMPLETE (L1)", Exit::Incomplete),
        ("\"T8\"", &[("T8", Violated)], None, "violated as expected", Exit::Fine),
        ("\"T8\"", &[("T8", Holds)], None, "NOT VIOLATED: T8, as it expects", Exit::Safety),
        ("\"L1\"", &[("L1", Vacuous)], None, "NOT VIOLATED: L1, as it expects", Exit::Progress),
        ("\"T8\"", &[("T8", Violated), ("S1", Violated)], None, "VIOLATED", Exit::Safety),
        ("\"T8\"", &[("T8", Violated)], states, "INCOMPLETE (states)", Exit::Incomplete),
    ];
    for (violated, rows, stopped, word, exit) in rows {
        let judged = judge(&scope(violated), Some(&outcome(rows, stopped)));
        assert_eq!((judged.word.as_str(), judged.exit), (word, exit), "{violated} {rows:?}");
    }
    let judged = judge(&scope(""), None);
    assert_eq!((judged.word.as_str(), judged.exit), ("INCOMPLETE (not begun)", Exit::Incomplete));
}

#[test]
fn a_verdict_up_to_symmetry_says_so_and_how_much_that_was() {
    let symmetry = Symmetry {
        workers: vec![vec![WorkerId(1), WorkerId(2)]],
        tasks: vec![vec![JobId(1).task(0), JobId(1).task(1)], vec![JobId(2).task(0)]],
        tasks_kept: Some("they are a gang"),
        stands_for: 7_345_678,
    };
    let found = outcome(&[("S1", Holds)], None);
    let mut report = report(&[]);
    let judged = judge(&scope(""), Some(&Outcome { symmetry: Some(symmetry.clone()), ..found }));
    assert_eq!(
        (judged.word.as_str(), judged.exit),
        ("holds (symmetry: 1 state for 5.9)", Exit::Fine)
    );
    let outcome = report.done[0].outcome.as_mut().expect("there is one");
    outcome.symmetry = Some(symmetry);
    outcome.findings.clear();
    let mut out = Vec::new();
    table::rest(&report, &mut out).expect("a list takes everything");
    let text = String::from_utf8(out).expect("it is text");
    let line =
        "symmetry in mine: w1 = w2; j1.0 = j1.1; j2.0; tasks keep their places: they are a gang";
    assert!(text.contains(&format!("\n{line}\n")), "{text}");
    let json: serde_json::Value = serde_json::from_str(&json::write(&report)).expect("it is JSON");
    let row = &json["scopes"][0]["symmetry"];
    assert_eq!((&row["workers"][0][1], &row["tasks"][0][0]), (&"w2".into(), &"j1.0".into()));
    let kept = (&row["stands_for"], &row["tasks_kept"]);
    assert_eq!(kept, (&7_345_678.into(), &"they are a gang".into()));
}

#[test]
fn what_is_violated_counts_more_than_what_was_not_looked_at() {
    let order = [
        Exit::Fine,
        Exit::Incomplete,
        Exit::Progress,
        Exit::Safety,
        Exit::Disagree,
        Exit::Bad,
        Exit::Internal,
    ];
    for pair in order.windows(2) {
        assert_eq!((worst([pair[0], pair[1]]), worst([pair[1], pair[0]])), (pair[1], pair[1]));
    }
    assert_eq!(order.map(Exit::code), [0, 5, 3, 2, 4, 1, 70]);
    assert_eq!(worst([]), Exit::Fine);
}

fn report(files: &[Option<&str>]) -> Report {
    let scope = scope("");
    let outcome = outcome(&[("S1", Holds), ("S6", Vacuous), ("T8", Violated)], None);
    let judged = judge(&scope, Some(&outcome));
    let exit = judged.exit;
    let files = files.iter().map(|file| file.map(PathBuf::from)).collect();
    let took = Duration::from_millis(1234);
    let done = Done { scope, outcome: Some(outcome), took, judged, files };
    Report { done: vec![done], notes: vec!["a note".into()], took: Duration::from_secs(65), exit }
}

#[test]
fn the_table_has_a_line_for_each_scope_and_below_it_what_was_found() {
    let report = report(&[Some("findings/mine-T8.json")]);
    let lines = format!("{}\n{}", table::head(8), table::row(8, &report.done[0]));
    let expected = "\
scope          states  depth        time  held  violated  vacuous  verdict
mine        1,234,567     23       1.2 s     1  T8              1  VIOLATED";
    assert_eq!(lines, expected);
    let mut out = Vec::new();
    table::rest(&report, &mut out).expect("a list takes everything");
    let text = String::from_utf8(out).expect("it is text");
    assert!(text.starts_with("\nVIOLATED  T8 a_name\n"), "{text}");
    let replay = "  replay  iris-check replay findings/mine-T8.json\n";
    assert!(text.contains(replay), "{text}");
    let end = "\n1 scope, 1,234,567 states, 1 min 05 s: NOT as expected\n";
    assert!(text.ends_with(end), "{text}");
}

#[test]
fn the_json_form_has_every_field_that_is_documented() {
    let text = json::write(&report(&[None]));
    let whole: serde_json::Value = serde_json::from_str(&text).expect("it is JSON");
    let keys = |value: &serde_json::Value| -> Vec<String> {
        value.as_object().expect("an object").keys().cloned().collect()
    };
    let documented = include_str!("json.rs");
    let scope = &whole["scopes"][0];
    for key in keys(&whole).iter().chain(&keys(scope)) {
        assert!(documented.contains(&format!("`{key}`")), "{key} is not documented");
    }
    assert_eq!((&whole["exit_code"], &whole["complete"]), (&2.into(), &true.into()));
    assert_eq!((&scope["states"], &scope["stopped"]), (&1_234_567.into(), &().into()));
    assert_eq!(scope["claims"][1]["verdict"], "vacuous");
    assert_eq!((&scope["findings"][0]["file"], &whole["notes"][0]), (&().into(), &"a note".into()));
    assert_eq!(scope["findings"][0]["trace"]["claim"], "T8");
}

#[test]
fn a_finding_is_saved_under_scope_and_claim_or_the_message_says_what_to_do() {
    let folder = std::env::temp_dir().join(format!("iris-check-test-{}", std::process::id()));
    let below = folder.join("new").join("findings");
    let saved = findings::save(&below, &trace("T8")).expect("the folder can be made");
    assert_eq!(saved, below.join("mine-T8.json"));
    let text = std::fs::read_to_string(&saved).expect("it was saved");
    assert_eq!(Trace::from_json(&text).expect("it is a trace").claim, "T8");
    // A file is no folder.
    let says = findings::save(&saved, &trace("T8")).expect_err("a file is no folder");
    let path = saved.join("mine-T8.json");
    assert!(says.starts_with(&format!("{}: the finding cannot be saved: ", path.display())));
    assert!(says.ends_with("; the output has all of it, and --findings DIR takes another folder"));
    std::fs::remove_dir_all(Path::new(&folder)).expect("it was made above");
}

#[test]
fn numbers_and_times_are_written_for_people() {
    let rows = [(0, "0"), (999, "999"), (1000, "1,000"), (12_345_678, "12,345,678")];
    for (n, expected) in rows {
        assert_eq!(table::number(n), expected);
    }
    let rows =
        [(40, "0.0 s"), (59_940, "59.9 s"), (60_000, "1 min 00 s"), (3_605_000, "60 min 05 s")];
    for (millis, expected) in rows {
        assert_eq!(table::seconds(Duration::from_millis(millis)), expected);
    }
}
