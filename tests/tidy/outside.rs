//! An outside crate is used where its row says, and nowhere else; `Cargo.toml` says the same.

use super::source::{Finding, folder_of, paths};

/// Stands for every folder.
const ANY: &str = "any folder";

/// Test code that stands inside `src`: `#[cfg(test)] mod … { }` and files called `tests`.
const UNIT_TESTS: &str = "unit tests";

/// Each outside crate, as code writes it, and the folders that may use it. Rows for crates that are
/// not in `Cargo.toml` yet keep the place for them.
#[rustfmt::skip]
const CRATES: &[(&str, &[&str])] = &[
    ("tokio",        &["real", "benches"]),
    ("tokio_stream", &["real", "benches"]),
    ("tonic",        &["real", "benches"]),
    ("tonic_prost",  &["real", "benches"]),
    ("prost",        &["real"]),
    ("hyper_util",   &["real", "benches"]),
    ("tower",        &["real", "benches"]),
    ("blake3",       &["real"]),
    ("rustix",       &["real"]),
    ("tar",          &["real"]),
    ("flate2",       &["real"]),
    ("subtle",       &["real"]),
    ("rand",         &["real", "cli"]),
    ("rand_pcg",     &["real"]),
    ("tonic_prost_build", &["build"]),
    ("protox",       &["build"]),
    ("tempfile",     &["tests", "benches", UNIT_TESTS]),
    ("stateright",   &["explore", "check", "tests", "benches", "examples"]),
    ("proptest",     &["conform", "tests", "benches", UNIT_TESTS]),
    ("proptest_state_machine", &["tests"]),
    ("im",           &["conform", "tests"]),
    ("rapidhash",    &["explore"]),
    ("prefetch_index", &["explore"]),
    ("memmap2",      &["explore"]),
    ("zerocopy",     &["explore"]),
    ("self_cell",    &["explore"]),
    ("timely",       &["explore"]),
    ("smallvec",     &["model", "controller_sm", "worker_sm", "check", "trace"]),
    ("smol_str",     &["model", "controller_sm"]),
    ("serde",        &[ANY]),
    ("serde_json",   &["trace", "cli", "real", "conform", "tests"]),
    ("postcard",     &["check"]),
    ("toml",         &["check"]),
    ("serde_saphyr", &["check"]),
    ("clap",         &["cli"]),
    ("ctrlc",        &["cli"]),
    ("mimalloc",     &["main", "benches"]),
    ("proc_macro2",  &["tests"]),
];

const TABLE: &str = "table CRATES in tests/tidy/outside.rs";

/// Reports each use of an outside crate from a folder that its row does not name.
pub fn check(path: &str, text: &str) -> Vec<Finding> {
    let folder = folder_of(path);
    let test_file = path.starts_with("src/")
        && (path.ends_with("/tests.rs") || path.split('/').any(|part| part == "tests"));
    let mut findings = Vec::new();
    for named in paths(path, text) {
        let first = named.segments.first().map(String::as_str);
        let Some((name, folders)) = first.and_then(row) else { continue };
        let unit_test = (test_file || named.in_test) && folders.contains(&UNIT_TESTS);
        if !unit_test && !folders.contains(&folder) && !folders.contains(&ANY) {
            let says = format!(
                "`{folder}` may not use `{name}`, which belongs to {}: ask one of them for what is \
                 needed, in our own types ({TABLE})",
                folders.join(", ")
            );
            findings.push(Finding::new(path, named.line, says));
        }
    }
    findings.dedup();
    findings
}

fn row(name: &str) -> Option<&'static (&'static str, &'static [&'static str])> {
    CRATES.iter().find(|(known, _)| *known == name)
}

/// Reports each dependency without a comment directly above it, without a row, or whose comment
/// does not end with the folders of its row.
pub fn check_manifest(path: &str, text: &str) -> Vec<Finding> {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let mut findings = Vec::new();
    let (mut inside, mut depth) = (false, 0_i32);
    for (at, line) in lines.iter().enumerate() {
        let code = line.split('#').next().unwrap_or_default();
        let mut name = None;
        if depth == 0 && code.starts_with('[') {
            let section = code.trim().trim_matches(['[', ']']);
            inside = section.ends_with("dependencies");
            let (before, last) = section.rsplit_once('.').unwrap_or_default();
            name = before.ends_with("dependencies").then_some(last);
        } else {
            if depth == 0 && inside && code.contains('=') {
                name = code.split(['=', '.']).next();
            }
            let opened = code.matches(['[', '{']).count();
            let closed = code.matches([']', '}']).count();
            depth += i32::try_from(opened).unwrap_or(0) - i32::try_from(closed).unwrap_or(0);
        }
        let name = name.map(|name| name.trim().trim_matches('"'));
        let says = name.and_then(|name| judge(name, &comment_above(&lines[..at])));
        findings.extend(says.map(|says| Finding::new(path, at + 1, says)));
    }
    findings
}

fn comment_above(lines: &[&str]) -> String {
    let comment: Vec<&str> = lines.iter().rev().map_while(|line| line.strip_prefix('#')).collect();
    comment.iter().rev().map(|line| line.trim()).collect::<Vec<_>>().join(" ")
}

fn judge(name: &str, comment: &str) -> Option<String> {
    let Some((_, folders)) = row(&name.replace('-', "_")) else {
        return Some(format!("`{name}` has no row that says who may use it: add one ({TABLE})"));
    };
    let sentence = format!("{}.", folders.join(", "));
    let (purpose, last) = comment.rsplit_once(". ").unwrap_or_default();
    let named = !purpose.is_empty() && last.eq_ignore_ascii_case(&sentence);
    (!named).then(|| {
        format!(
            "`{name}` needs a comment directly above it that says what it is for and ends with \
             the folders that may use it: `# <what for>. {sentence}` ({TABLE})"
        )
    })
}

#[test]
fn a_crate_outside_its_folder_is_reported() {
    let rows = [
        ("src/check/net.rs", "use tokio::sync::mpsc;", "check", "tokio", "real, benches"),
        ("src/cli.rs", "#[tokio::main]\nasync fn main() {}", "cli", "tokio", "real, benches"),
        ("src/trace.rs", "use {::toml as t, std::fmt};", "trace", "toml", "check"),
        ("src/explore/tests.rs", "extern crate clap;", "explore", "clap", "cli"),
        (
            "src/lib.rs",
            "#[global_allocator] static A: mimalloc::M = M;",
            "lib",
            "mimalloc",
            "main, benches",
        ),
        ("src/check.rs", "fn f() -> ::rapidhash::H { m!(1) }", "check", "rapidhash", "explore"),
    ];
    for (path, text, folder, name, owners) in rows {
        let expected = format!(
            "{path}:1: `{folder}` may not use `{name}`, which belongs to {owners}: ask one of them \
             for what is needed, in our own types ({TABLE})"
        );
        let found: Vec<String> = check(path, text).iter().map(ToString::to_string).collect();
        assert_eq!(found, [expected], "{text}");
    }
    let inline = "use stateright::Model;\nmod tests { use proptest::prelude::*; }\n";
    let lines: Vec<usize> = check("src/real.rs", inline).iter().map(|it| it.line).collect();
    assert_eq!(lines, [1, 2], "stateright in real, and proptest in a module that is no test");
}

#[test]
fn a_crate_in_its_folder_is_not_reported() {
    let rows = [
        ("src/real/node.rs", "use tokio::sync::mpsc; #[tokio::test] async fn t() {}"),
        ("src/model/job.rs", "use smallvec::{SmallVec, smallvec}; use serde::Serialize;"),
        ("src/explore/tests.rs", "use proptest::prelude::*;"),
        ("src/trace.rs", "#[cfg(test)] mod tests { use proptest::prelude::*; }"),
        ("src/trace.rs", "// tokio::spawn\nfn f() { g(\"tokio::x\", x::tokio::y, tokio) }"),
        ("tests/a.rs", "use proptest::prelude::*; use stateright::Model;"),
    ];
    for (path, text) in rows {
        assert_eq!(check(path, text), [], "{path}: {text}");
    }
}

#[test]
fn a_dependency_that_does_not_explain_itself_is_reported() {
    let text = "\
[dependencies]
# Command line. cli.
clap = { version = \"4\", features = [
    \"derive\", # not = a dependency
] }

ctrlc = \"3\"
# Scope files.
toml = \"1\"
# Randomness. real, cli.
# Wrong. check.
rand = \"0.9\"
# Terminal colours. cli.
sparkles.version = \"1\"
[lints.rust]
unsafe_code = \"forbid\"
[dev-dependencies.proptest]
version = \"1\"
";
    let needs = |line: usize, name: &str, folders: &str| {
        format!(
            "Cargo.toml:{line}: `{name}` needs a comment directly above it that says what it is \
             for and ends with the folders that may use it: `# <what for>. {folders}.` ({TABLE})"
        )
    };
    let expected = [
        needs(7, "ctrlc", "cli"),
        needs(9, "toml", "check"),
        needs(12, "rand", "real, cli"),
        format!("Cargo.toml:14: `sparkles` has no row that says who may use it: add one ({TABLE})"),
        needs(17, "proptest", "conform, tests, benches, unit tests"),
    ];
    let findings = check_manifest("Cargo.toml", text);
    let found: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert_eq!(found, expected);
}
