//! The comparison with other checkers: its models, and that it refuses to compare what is not
//! equal. No other checker is needed: scripts stand in for them.
#![cfg(unix)]

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use common::commit::TwoPhase;
use common::job::Job;
use common::unlimited;
use iris_check::explore::{Plain, search};

/// Tables of more states are for `cargo bench --bench explore`, which counts them all.
const FEW: u64 = 300_000;

/// What pan says of job dispatch (1,1,1), its options being right.
const SPIN: &str = "
Full statespace search for:
State-vector 20 byte, depth reached 16, errors: 0
       49 states, stored
      118 states, matched
      167 transitions (= stored+matched)
";
const RUMUR: &str = "
	No error found.
	49 states, 166 rules fired in 0s.
";
/// Compiles nothing: the program says what the test has put beside this.
const GCC: &str = r#"
while [ "$1" != -o ]; do shift; done
printf '#!/bin/sh\n. "%s/%s"\n' "${0%/*}" "$2.says" >"$2"
chmod +x "$2"
"#;
const OURS: &str = r#"{"states":49,"transitions":166,"holds":true}"#;

fn peers() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("it writes text")
}

fn output(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

/// Where Python itself is, whatever `PATH` is later.
fn python() -> String {
    let asks = ["-c", "import sys; assert sys.version_info >= (3, 10); print(sys.executable)"];
    let found = output(Command::new("python3").args(asks));
    assert!(found.status.success(), "`compare` is in Python: install python3, 3.10 or later");
    text(&found.stdout).trim().to_owned()
}

/// Which bars are met, by seconds that nobody measured.
const BARS: &str = r#"
import sys
from importlib import util
from importlib.machinery import SourceFileLoader
sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1])
loader = SourceFileLoader("compare", sys.argv[1] + "/compare")
compare = util.module_from_spec(util.spec_from_loader("compare", loader))
loader.exec_module(compare)
seconds = [
    ("ours", "exact", 1, 2.0), ("ours", "hash", 1, 1.0), ("spin", "DFS", 1, 10.0),
    ("ours", "exact", 2, 1.0), ("spin", "DFS", 2, 9.0), ("spin", "BFS", 2, 5.0),
    ("stateright", "BFS", 1, 1.0), ("rumur", "BFS", 1, 70.0), ("rumur", "BFS", 2, 1.0),
    ("ours", "progress", 1, 2.0),
]
rows = [dict(zip(("tool", "way", "threads", "seconds"), it), model="job213") for it in seconds]
rows += [{**row, "model": "2pc8", "seconds": 1.0} for row in rows]
for bar in compare.bars(rows):
    print(bar["wanted"], bar["times"], bar["met"])
"#;

/// Exit code, standard output, standard error.
fn compare(path: &str, words: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(python());
    let found = output(command.arg(peers().join("compare")).args(words).env("PATH", path));
    let code = found.status.code().expect("it ends by itself");
    (code, text(&found.stdout), text(&found.stderr))
}

fn script(folder: &Path, name: &str, body: &str) -> String {
    let path = folder.join(name);
    fs::write(&path, format!("#!/bin/sh\n{body}\n")).expect("the folder takes a file");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("the file is ours");
    path.to_str().expect("it is text").to_owned()
}

fn says(answer: &str) -> String {
    format!("cat <<'END'\n{answer}\nEND")
}

/// The comparison of one model by checkers that say this.
fn compared(model: &str, spin: &str, rumur: &str, ours: &str) -> (i32, String, String) {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let folder = folder.path();
    for command in ["spin", "rumur"] {
        script(folder, command, "exit 0");
    }
    script(folder, "gcc", GCC);
    for (name, body) in [("pan.says", spin), ("m.says", rumur)] {
        fs::write(folder.join(name), body).expect("the folder takes a file");
    }
    let ours = script(folder, "ours", ours);
    let path = std::env::var("PATH").expect("it is set");
    let path = format!("{}:{path}", folder.display());
    compare(&path, &[model, "--rounds", "1", "--ours", &ours])
}

#[test]
fn promela_is_as_it_was() {
    let rows: [(&[&str], &str); 3] = [
        (&["job", "1", "1", "1", "inv"], include_str!("peers/job111.pml")),
        (&["job", "1", "1", "1", "live", "inv"], include_str!("peers/job111-live.pml")),
        (&["2pc", "3", "inv"], include_str!("peers/2pc3.pml")),
    ];
    for (words, expected) in rows {
        let found = output(Command::new(python()).arg(peers().join("promela.py")).args(words));
        assert_eq!(text(&found.stderr), "", "{words:?}");
        assert_eq!(text(&found.stdout), expected, "{words:?}");
    }
}

#[test]
fn the_table_counts_as_we_do() {
    let table = fs::read_to_string(peers().join("README.md")).expect("it is there");
    let rows = table.lines().filter(|line| line.starts_with("| `"));
    let mut looked_at = Vec::new();
    for row in rows {
        let cells: Vec<String> = row.split('|').map(|it| it.trim().replace(',', "")).collect();
        let number = |at: usize| cells[at].parse::<u64>().expect("it is a number");
        let counts = (number(2), number(3));
        if counts.0 > FEW {
            continue;
        }
        let words: Vec<&str> = cells[1].trim_matches('`').split(' ').collect();
        let numbers: Vec<u8> = words[1..].iter().map(|it| it.parse().expect("small")).collect();
        let found = match (words[0], &numbers[..]) {
            ("job", &[tasks, workers, attempts]) => {
                let report = search(&Plain::new(Job::new(tasks, workers, attempts)), &unlimited(1));
                (report.states, report.transitions)
            }
            ("2pc", &[managers]) => {
                let report = search(&Plain::new(TwoPhase { managers }), &unlimited(1));
                (report.states, report.transitions)
            }
            _ => panic!("no such model: {row}"),
        };
        assert_eq!(found, counts, "{row}");
        looked_at.push(words.concat());
    }
    assert_eq!(looked_at, ["2pc3", "2pc7", "job111", "job212"]);
}

#[test]
fn it_tells_how_it_is_used() {
    let path = std::env::var("PATH").expect("it is set");
    let (code, out, err) = compare(&path, &["--help"]);
    assert_eq!((code, err.as_str()), (0, ""));
    for option in ["--quick", "--rounds", "--tools", "--ours", "--json", "--install"] {
        assert!(out.contains(option), "{option} in {out}");
    }
}

#[test]
fn it_says_what_to_install() {
    let rows = [
        ("spin,rumur", "spin, rumur, gcc", "spin rumur gcc libc6-dev"),
        ("stateright,rumur", "rumur, gcc", "rumur gcc libc6-dev"),
    ];
    let empty = tempfile::tempdir().expect("a folder can be made");
    let path = empty.path().to_str().expect("it is text");
    for (tools, commands, packages) in rows {
        let expected = format!(
            "not installed: {commands}. On Debian: apt-get install {packages}, or start this with \
             --install\n"
        );
        let found = compare(path, &["--quick", "--tools", tools]);
        assert_eq!(found, (1, String::new(), expected), "{tools}");
    }
}

#[test]
fn it_installs_with_apt_get() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let folder = folder.path();
    script(folder, "sudo", r#"exec "$@""#);
    script(folder, "env", r#"shift; exec "$@""#);
    script(folder, "apt-get", r#"echo "$@" >>"${0%/*}/asked""#);
    let (code, ..) = compare(folder.to_str().expect("it is text"), &["--install"]);
    assert_eq!(code, 1, "nothing came of it");
    assert_eq!(
        fs::read_to_string(folder.join("asked")).expect("it was asked"),
        "update\ninstall --yes --no-install-recommends spin rumur gcc libc6-dev\n"
    );
}

#[test]
fn equal_counts_are_compared() {
    let (code, out, err) = compared("job111", &says(SPIN), &says(RUMUR), &says(OURS));
    assert_eq!(code, 0, "{err}");
    let rows: Vec<Vec<&str>> = out
        .lines()
        .filter(|line| line.starts_with("job111"))
        .map(|line| line.split_whitespace().skip(1).collect())
        .collect();
    let heads: Vec<String> = rows.iter().map(|row| row.join(" ")).collect();
    let expected = [
        "ours progress 1 49",
        "ours exact 1 49",
        "ours hash 1 49",
        "ours exact 2 49",
        "ours hash 2 49",
        "stateright BFS 1 49",
        "stateright DFS 1 49",
        "stateright BFS 2 49",
        "stateright DFS 2 49",
        "spin DFS 1 49",
        "spin BFS 1 49",
        "spin DFS 2 49",
        "spin BFS 2 49",
        "spin -a -f 1 49",
        "rumur BFS 1 49",
        "rumur BFS 2 49",
    ];
    assert_eq!(heads.len(), expected.len(), "{out}");
    for (head, expected) in heads.iter().zip(expected) {
        assert!(head.starts_with(&format!("{expected} ")), "{head} is not {expected}");
    }
    assert_eq!(out.matches("not measured: it is of job213").count(), 4, "{out}");
}

#[test]
fn the_fastest_way_of_a_peer_is_the_one_to_beat() {
    let peers = peers();
    let asks = ["-c", BARS, peers.to_str().expect("it is text")];
    let found = output(Command::new(python()).args(asks));
    assert_eq!(text(&found.stderr), "");
    assert_eq!(text(&found.stdout), "5 5.0 True\n6 5.0 False\n20 35.0 True\n15 None None\n");
}

#[test]
fn what_is_not_equal_is_refused() {
    let spin = |from: &str, to: &str| says(&SPIN.replace(from, to));
    let (well, rumur, ours) = (says(SPIN), says(RUMUR), says(OURS));
    let changed = |text: &str, from: &str, to: &str| says(&text.replace(from, to));
    let rows = [
        (
            [&spin("49 states", "48 states"), &rumur, &ours],
            "spin DFS, job111, 1 thread counted 48 states, README.md says 49",
        ),
        (
            [&spin("167 trans", "168 trans"), &rumur, &ours],
            "spin DFS, job111, 1 thread counted 167 transitions, README.md says 166",
        ),
        ([&spin("49 states", "4.9e+08 states"), &rumur, &ours], "nothing in the answer is like"),
        ([&spin("errors: 0", "errors: 1"), &rumur, &ours], "it found an error"),
        ([&spin("Full statespace", "Hash-Compact 4"), &rumur, &ours], "less than whole states"),
        (
            [&spin("Full", "error: max search depth too small\nFull"), &rumur, &ours],
            "it did not look at everything: max search depth too small",
        ),
        ([&format!("{well}\nexit 9"), &rumur, &ours], "it ended with 9 and said: 167 trans"),
        (
            [&well, &changed(RUMUR, "49 states", "50 states"), &ours],
            "rumur BFS, job111, 1 thread counted 50 states, README.md says 49",
        ),
        ([&well, &changed(RUMUR, "No error", "1 error"), &ours], "(No error found.)"),
        (
            [&well, &rumur, &changed(OURS, "49", "50")],
            "ours progress, job111, 1 thread counted 50 states, README.md says 49",
        ),
        ([&well, &rumur, &changed(OURS, "true", "false")], "a claim does not hold"),
        ([&well, &rumur, &says("what?")], "no JSON with states, transitions and holds: what?"),
    ];
    for ([spin, rumur, ours], expected) in rows {
        refused("job111", [spin, rumur, ours], expected);
    }
    // No row of the table: held against each other.
    let spin = spin("49 states", "48 states");
    let expected = "spin DFS, job121, 1 thread counted 48 states, ours progress, job121, 1 thread \
                    says 49";
    refused("job121", [&spin, &rumur, &ours], expected);
}

fn refused(model: &str, [spin, rumur, ours]: [&String; 3], expected: &str) {
    let (code, out, err) = compared(model, spin, rumur, ours);
    assert_eq!((code, out.as_str()), (3, ""), "{expected}: {err}");
    let (_, reason) = err.split_once("REFUSED TO COMPARE: ").expect("it says so");
    assert!(reason.contains(expected), "{expected}: {reason}");
}
