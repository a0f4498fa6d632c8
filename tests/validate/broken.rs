//! Logs that are damaged: mutated, cut off, or no logs at all; and the program that is shown them.

use std::process::{Command, Stdio};

use iris_check::conform::validate::{Verdict, validate};

use crate::lcg::Lcg;
use crate::runs::{self, Size};

const SIZE: Size = Size { workers: 2, slices: 1, jobs: 5, faults: 0.05, rest: 30 };

/// Mutations of each kind.
const MUTATIONS: usize = 300;

#[test]
fn most_mutations_of_a_legal_log_are_refused() {
    let logs: Vec<Vec<u8>> = (0..6).map(|seed| runs::log(seed, SIZE)).collect();
    let mut dice = Lcg::new(1);
    let mut refused = [0; 3];
    for (kind, refused) in refused.iter_mut().enumerate() {
        for _ in 0..MUTATIONS {
            let log = &logs[dice.below(logs.len())];
            let mut lines: Vec<&[u8]> = log.split_inclusive(|byte| *byte == b'\n').collect();
            // The header stays, and there is always one behind.
            let at = 1 + dice.below(lines.len() - 2);
            match kind {
                0 => drop(lines.remove(at)),
                1 => lines.insert(at, lines[at]),
                _ => lines.swap(at, at + 1),
            }
            let verdict = validate(lines.concat().as_slice()).verdict;
            *refused += usize::from(matches!(verdict, Verdict::Disagrees(_)));
        }
    }
    // What is left may happen: words that are lost, late or repeated, calls that come twice, a
    // process or a client that does not do what it did, neighbours that have nothing to do with
    // each other.
    let least = [209, 188, 95];
    let fewer = refused.iter().zip(least).any(|(refused, least)| *refused < least);
    assert!(!fewer, "deleted, duplicated, swapped: {refused:?} of {MUTATIONS}, not {least:?}");
}

#[test]
fn a_log_that_is_cut_off_is_never_taken_for_a_whole_one() {
    let log = include_bytes!("../logs/legal/events-complete.jsonl");
    for length in 1..log.len() {
        let verdict = validate(&log[..length]).verdict;
        // A line that ends right before its line feed is whole.
        let whole = log[length - 1] == b'\n' || log[length] == b'\n';
        let truncated = matches!(verdict, Verdict::Truncated { .. });
        assert_eq!(truncated, !whole, "{length} bytes: {verdict:?}");
        assert!(truncated || verdict == Verdict::Legal, "{length} bytes: {verdict:?}");
    }
}

#[test]
fn what_is_no_log_is_refused_with_the_place_and_what_was_expected() {
    let head = r#"{"log":"iris-check-events","version":1}"#;
    let rows = [
        (String::new(), 1, 0, "the log is empty: expected a first line with `\"log\":\"iris-check"),
        ("\n".to_owned(), 1, 0, "EOF while parsing a value"),
        ("[]\n".to_owned(), 1, 0, "invalid length 0"),
        (r#"{"log":"syslog","version":1}"#.to_owned(), 1, 0, "this is log `syslog`, version 1: "),
        (r#"{"log":"iris-check","version":2}"#.to_owned(), 1, 0, "this is log `iris-check`, ver"),
        (r#"{"log":"iris-check","version":1}"#.to_owned(), 1, 32, "missing field `controller`"),
        (format!("{head}\n{{\"at\":1}}\n"), 2, 0, "expected `at` with one of `submitted`, "),
        (format!("{head}\n{{\"at\":1,\"jobs\":1}}\n"), 2, 14, "unknown field `jobs`, expected one"),
        (
            format!("{head}\n{{\"at\":1,\"job\":{{\"job\":\"a\"}}}}\n"),
            2,
            0,
            "missing field `state`",
        ),
        (
            format!("{head}\n{{\"at\":1,\"job\":{{\"job\":\"a\",\"state\":\"DONE\"}}}}\n"),
            2,
            0,
            "unknown variant `DONE`, expected one of `PENDING`",
        ),
        (format!("{head}\nnonsense\n"), 2, 2, "expected ident"),
    ];
    for (log, line, column, expected) in rows {
        let Verdict::Bad { line: at, column: in_it, why } = validate(log.as_bytes()).verdict else {
            panic!("{log}: it is taken for a log");
        };
        assert_eq!(at, line, "{log}: {why}");
        assert!(column == 0 || column == in_it, "{log}: column {in_it}: {why}");
        assert!(why.starts_with(expected), "{log}: {why}");
    }
}

/// The program's exit code and output for a log of `tests/logs`, or for standard input.
fn program(log: &str, args: &[&str]) -> (Option<i32>, String, String) {
    let mut program = Command::new(env!("CARGO_BIN_EXE_iris-check"));
    program.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/logs"));
    let output = program.arg("validate").arg(log).args(args).stdin(Stdio::null()).output();
    let output = output.expect("the program was built for this test");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("it writes text");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn the_program_says_what_it_found_and_ends_with_its_code() {
    let (code, out, _) = program("legal/events-one-task.jsonl", &[]);
    let expected = "event log: 7 events (1 ended, 1 job, 2 phase, 1 placed, 1 submitted, 1 \
                    worker), 1 job, 1 attempt, ";
    assert!(out.starts_with(expected) && out.ends_with(" s: legal\n"), "{out}");
    assert_eq!(code, Some(0));
    let (code, out, _) = program("illegal/events-phase-goes-back.jsonl", &[]);
    let guard = "a.0#0 must live, and not be beyond BUILDING: it is RUNNING, and no unseen steps \
                 lead there";
    let event = r#"{"at":3000,"phase":{"job":"a","task":0,"attempt":0,"phase":"BUILDING"}}"#;
    let near = event.replace("BUILDING", "RUNNING");
    let expected = format!(
        "\
DISAGREES  illegal/events-phase-goes-back.jsonl:4
  event    {event}
  guard    {guard}
  state    a.0 is RUNNING, its last attempt is a.0#0
           it has spent failure 0 of 0, delivery 0 of 10, preemption 0 of 100
           a is RUNNING as far as was logged
  nearest  {near}
"
    );
    assert!(out.starts_with(&expected), "{out}");
    assert!(out.ends_with(" s: model and cluster DISAGREE\n"), "{out}");
    assert_eq!(code, Some(4));
    let (code, out, _) = program("illegal/full-launched-twice.jsonl", &["--json"]);
    let json: serde_json::Value = serde_json::from_str(&out).expect("it is one JSON object");
    assert_eq!(
        (&json["verdict"]["is"], &json["verdict"]["line"]),
        (&"disagrees".into(), &10.into())
    );
    assert_eq!(code, Some(4));
    let (code, _, err) = program("-", &[]);
    assert_eq!(code, Some(1));
    assert!(err.starts_with("iris-check: standard input:1: the log is empty: "), "{err}");
    let (code, _, err) = program("none.jsonl", &[]);
    assert_eq!(code, Some(1));
    assert!(err.starts_with("iris-check: none.jsonl: it cannot be read: No such file"), "{err}");
}
