//! Imports point downwards only, and sideways only where the design draws it.

use super::source::{Finding, Named, folder_of, module_of, paths, tokens};
use proc_macro2::Delimiter;

/// Vocabulary and what is built from it alone.
const L0: &[&str] = &["model"];
const L1: &[&str] =
    &["model::operation", "model::wire", "model::view", "model::policy", "model::scheduler"];
const L2: &[&str] = &["controller_sm", "worker_sm"];
const L3: &[&str] = &["invariants", "trace", "explore"];
const L4: &[&str] = &["check", "real"];
const L5: &[&str] = &["conform"];
const L6: &[&str] = &["cli"];

/// Every module and what it may import besides itself. `model` is `model.rs` and every file below
/// `model/` that has no row of its own.
#[rustfmt::skip]
const LAYERS: &[(&str, &[&[&str]])] = &[
    ("model",            &[]),
    ("model::operation", &[L0]),
    ("model::wire",      &[L0]),
    ("model::view",      &[L0]),
    ("model::policy",    &[L0]),
    ("model::scheduler", &[L0]),
    ("controller_sm",    &[L0, L1]), // not worker_sm: they meet in wire
    ("worker_sm",        &[L0, L1]),
    ("invariants",       &[L0, &["model::view"]]),
    ("trace",            &[L0, L1, L2]),
    ("explore",          &[]), // it knows no cluster
    ("check",            &[L0, L1, L2, L3]), // not real: they meet in conform and cli
    ("real",             &[L0, L1, L2, &["trace"]]), // never invariants, nor what needs stateright
    ("conform",          &[L0, L1, L2, L3, L4]),
    ("cli",              &[L0, L1, L2, L3, L4, L5]),
    ("main",             &[L6]),
    ("lib",              &[L0, L1, L2, L3, L4, L5, L6]),
];

const TABLE: &str = "table LAYERS in tests/tidy/layers.rs";

/// Reports each import that does not point downwards, and each that hides where it points.
pub fn check(path: &str, text: &str) -> Vec<Finding> {
    let Some(home) = module_of(path) else { return Vec::new() };
    let importer = if home.is_empty() { folder_of(path).to_owned() } else { layer_of(&home) };
    if row(&importer).is_none() {
        let says = format!(
            "unknown module `{importer}`: give it a row that says what it may import ({TABLE}), \
             and a line in the layout of the design"
        );
        return vec![Finding::new(path, 1, says)];
    }
    let mut findings = hidden_files(path, text);
    for named in paths(path, text) {
        let says = target(&named, &importer).and_then(|to| judge(&importer, &home, &named, &to));
        findings.extend(says.map(|says| Finding::new(path, named.line, says)));
    }
    findings.dedup();
    findings
}

fn row(layer: &str) -> Option<&'static [&'static [&'static str]]> {
    LAYERS.iter().find(|(name, _)| *name == layer).map(|(_, may)| *may)
}

/// The row that a module belongs to; a name without a row stands for itself.
fn layer_of(module: &[String]) -> String {
    let long = module.iter().take(2).map(String::as_str).collect::<Vec<_>>().join("::");
    if row(&long).is_some() { long } else { module.first().cloned().unwrap_or_default() }
}

/// Where in our crate a path points, if it points there.
fn target(named: &Named, importer: &str) -> Option<Vec<String>> {
    let first = named.segments.first()?.as_str();
    let rest = || named.segments[1..].to_vec();
    if matches!(first, "crate" | "iris_check") {
        return Some(rest());
    }
    if named.absolute {
        return (first == "self").then(Vec::new); // `extern crate self as …`
    }
    let climbs = named.segments.iter().take_while(|it| matches!(it.as_str(), "self" | "super"));
    let (steps, ups) =
        climbs.fold((0, 0), |(steps, ups), it| (steps + 1, ups + usize::from(it == "super")));
    // `use crate::model;` lets code say `model::policy::X`, which is a path from the root.
    if steps == 0 && first == "model" {
        return Some(named.segments.clone());
    }
    // In the root files a first word may be an outside crate or a type; only a known module counts.
    if steps == 0 && matches!(importer, "lib" | "main") {
        return row(first).is_some().then(|| named.segments.clone());
    }
    let stays = named.module.len().saturating_sub(ups);
    Some([&named.module[..stays], &named.segments[steps..]].concat())
}

fn judge(importer: &str, home: &[String], named: &Named, to: &[String]) -> Option<String> {
    let whole = |names: &[String]| names.is_empty() || names == ["*"];
    let from_above = home != ["model"] && to.first().is_some_and(|first| first == "model");
    let hides = whole(to)
        || (from_above
            && (to.get(1).is_some_and(|it| it == "*") || to.len() == 1 && named.renamed));
    if hides && importer != "lib" {
        let written = named.segments.join("::");
        return Some(format!(
            "`{written}` takes a whole layer under one name, so that nobody sees what is imported: \
             name the modules that are meant"
        ));
    }
    let layer = layer_of(to);
    if layer == importer || row(importer)?.iter().any(|level| level.contains(&layer.as_str())) {
        return None;
    }
    if row(&layer).is_none() && importer != "lib" {
        return Some(format!(
            "`crate::{layer}` is no known module: name the module that owns it, or, if it is a new \
             module, give it a row ({TABLE}) and a line in the layout of the design"
        ));
    }
    row(&layer)?;
    Some(format!(
        "`{importer}` may not import `{layer}`: move what both need to a layer below, or do the \
         work in a layer above that may import both ({TABLE})"
    ))
}

/// A file that is not where its module says would be judged by the wrong row.
fn hidden_files(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    super::source::each(&tokens(path, text), &mut |tokens, at| {
        let first = tokens[at].group(Delimiter::Bracket).and_then(|inside| inside.first());
        let attribute = at > 0 && tokens[at - 1].is_mark('#');
        let moved = attribute && first.is_some_and(|first| first.is_word("path"));
        let bang = tokens.get(at + 1).is_some_and(|next| next.is_mark('!'));
        if moved || tokens[at].is_word("include") && bang {
            let says = "a file taken from elsewhere escapes the layers: let it stand where its \
                        module stands";
            findings.push(Finding::new(path, tokens[at].line, says));
        }
    });
    findings
}

#[test]
fn a_forbidden_import_is_reported_however_it_is_written() {
    let rows = [
        ("src/controller_sm.rs", "use crate::worker_sm::WorkerSm;", "worker_sm"),
        ("src/worker_sm.rs", "fn f() { crate::controller_sm::g(); }", "controller_sm"),
        ("src/check/state.rs", "use crate::{model::{job, task}, real::Node};", "real"),
        ("src/real/node.rs", "use super::super::check::Scope;", "check"),
        ("src/real/node.rs", "m! { $crate::invariants::ALL }", "invariants"),
        ("src/real.rs", "pub use super::explore;", "explore"),
        ("src/explore/search.rs", "type T = Vec<crate::model::id::TaskId>;", "model"),
        ("src/invariants.rs", "mod a { mod b { use super::super::super::trace; } }", "trace"),
        ("src/invariants.rs", "use crate::model; const P: u8 = model::policy::P;", "model::policy"),
        ("src/model/job.rs", "use super::operation::Operation;", "model::operation"),
        ("src/model.rs", "pub use operation::Operation;", "model::operation"),
        ("src/model/wire.rs", "use crate::model::{id, view::View};", "model::view"),
        ("src/main.rs", "fn main() { iris_check::check::run() }", "check"),
    ];
    for (path, text, layer) in rows {
        let text = format!("//! d\n{text}\n");
        let importer = layer_of(&module_of(path).expect("it is in src"));
        let importer = if importer.is_empty() { "main".to_owned() } else { importer };
        let expected = format!(
            "{path}:2: `{importer}` may not import `{layer}`: move what both need to a layer \
             below, or do the work in a layer above that may import both ({TABLE})"
        );
        let found: Vec<String> = check(path, &text).iter().map(ToString::to_string).collect();
        assert_eq!(found, [expected], "{text}");
    }
}

#[test]
fn an_unknown_module_and_a_hidden_import_are_reported() {
    let rows = [
        ("src/helpers.rs", "", "src/helpers.rs:1: unknown module `helpers`: give it a row"),
        ("src/check.rs", "use crate::Finding;", "src/check.rs:1: `crate::Finding` is no known mod"),
        ("src/check.rs", "use crate as c;", "src/check.rs:1: `crate` takes a whole layer"),
        ("src/check.rs", "\nuse crate::*;", "src/check.rs:2: `crate::*` takes a whole layer"),
        ("src/model/job.rs", "use super::*;", "src/model/job.rs:1: `super::*` takes a whole layer"),
        ("src/cli.rs", "use crate::model as m;", "src/cli.rs:1: `crate::model` takes a whole"),
        ("src/cli.rs", "#[path = \"x.rs\"]\nmod x;", "src/cli.rs:1: a file taken from elsewhere"),
        ("src/cli.rs", "include!(\"x.rs\");", "src/cli.rs:1: a file taken from elsewhere"),
    ];
    for (path, text, expected) in rows {
        let found: Vec<String> = check(path, text).iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert!(found[0].starts_with(expected), "{text}: {found:?}");
    }
}

#[test]
fn what_the_design_draws_is_allowed() {
    let rows = [
        ("src/model/job.rs", "use super::{id::JobId, task}; use crate::model::step::Step;"),
        ("src/model.rs", "pub mod operation; pub use job::Job; mod tests { use super::*; }"),
        ("src/invariants/table.rs", "use crate::model::view::View; use super::claim;"),
        ("src/explore/tests.rs", "use super::*; use std::collections::BTreeSet; // crate::model"),
        ("src/check.rs", "pub(crate) mod state; pub use state::State; use crate::explore::{self};"),
        ("src/conform.rs", "/// `crate::cli::X`\nfn f() { g(\"crate::cli\", crate::real::h()) }"),
        ("src/main.rs", "use iris_check::cli; fn main() { std::process::exit(cli::run()) }"),
        ("src/lib.rs", "pub mod check; pub use check::Scope; use std::fmt;"),
        ("tests/a.rs", "use iris_check::{check, real};"),
    ];
    for (path, text) in rows {
        assert_eq!(check(path, text), [], "{path}: {text}");
    }
}
