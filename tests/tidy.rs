//! The rules of the house, held against the sources of this repository.
//!
//! Each rule is a function from one file's path and text to what is wrong with it. It stands in
//! `tests/tidy/`, beside bad texts that show that it can fail. Here the rules meet the files.

mod tidy {
    pub mod habits;
    pub mod layers;
    pub mod outside;
    pub mod sizes;
    pub mod source;
}

use std::fs;
use std::path::Path;
use tidy::source::Finding;
use tidy::{habits, layers, outside, sizes};

/// Files that a rule does not hold for, as `(path, rule)`. It is empty, and stays so: whoever wants
/// to add a row changes the rule for everybody instead, or the file.
const EXCEPTIONS: &[(&str, &str)] = &[];

/// Where our own Rust stands.
const FOLDERS: &[&str] = &["src", "tests", "benches", "examples", "fuzz"];

/// Folders that tools write to.
const GENERATED: &[&str] = &["target", "corpus", "artifacts"];

type Rule = fn(&str, &str) -> Vec<Finding>;

#[test]
fn imports_point_downwards() {
    hold("layers", layers::check);
}

#[test]
fn outside_crates_stay_in_their_folders() {
    hold("outside", outside::check);
}

#[test]
fn dependencies_say_what_they_are_for() {
    let path = "Cargo.toml";
    report(&outside::check_manifest(path, &read(&root().join(path))));
}

#[test]
fn files_functions_and_lines_are_short() {
    hold("sizes", sizes::check);
}

#[test]
fn nothing_depends_on_clock_chance_or_unfinished_work() {
    hold("habits", habits::check);
}

#[test]
fn the_walk_finds_the_sources() {
    let paths: Vec<String> = sources().into_iter().map(|(path, _)| path).collect();
    for known in ["src/lib.rs", "src/main.rs", "tests/tidy.rs", "tests/tidy/source.rs"] {
        assert!(paths.iter().any(|path| path == known), "{known} is missing in {paths:?}");
    }
}

fn hold(name: &str, rule: Rule) {
    let findings: Vec<Finding> = sources()
        .iter()
        .filter(|(path, _)| !EXCEPTIONS.contains(&(path.as_str(), name)))
        .flat_map(|(path, text)| rule(path, text))
        .collect();
    report(&findings);
}

fn report(findings: &[Finding]) {
    let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert!(lines.is_empty(), "{} untidy places:\n{}\n", lines.len(), lines.join("\n"));
}

fn sources() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for folder in FOLDERS {
        collect(&root().join(folder), &mut found);
    }
    let build = root().join("build.rs");
    if build.exists() {
        found.push(("build.rs".to_owned(), read(&build)));
    }
    found.sort();
    found
}

fn collect(folder: &Path, found: &mut Vec<(String, String)>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.expect("an entry of a folder of ours").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            if !GENERATED.contains(&name.as_str()) {
                collect(&path, found);
            }
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let inside = path.strip_prefix(root()).expect("it was found below the root");
            let name = inside.to_string_lossy().replace('\\', "/");
            found.push((name, read(&path)));
        }
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
