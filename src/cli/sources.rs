//! Which scopes are meant.

use std::fs;
use std::path::Path;

use super::Failure;
use super::args::Which;
use crate::check::cluster::read_cluster;
use crate::check::scope::Scope;

/// The scopes that were asked for, and what must be said about them.
#[derive(Debug)]
pub(super) struct Sources {
    pub scopes: Vec<Scope>,
    pub notes: Vec<String>,
}

/// Reads what was asked for: in the order names, scope files, cluster files.
pub(super) fn read(asked: &Which) -> Result<Sources, Failure> {
    let mut scopes = Vec::new();
    let mut notes = Vec::new();
    if asked.names.is_empty() && asked.scope_files.is_empty() && asked.cluster_files.is_empty() {
        scopes = Scope::standard();
    }
    for name in &asked.names {
        scopes.push(named(name)?);
    }
    for file in &asked.scope_files {
        scopes.push(scope_file(file)?);
    }
    for file in &asked.cluster_files {
        let origin = file.display().to_string();
        let mut reading = read_cluster(&text(file)?, &origin).map_err(bad)?;
        if asked.cluster_files.len() > 1 {
            renamed(&mut reading.scope, scopes.len() + 1)?;
        }
        notes.extend(reading.notes.into_iter().map(|note| format!("{origin}: {note}")));
        scopes.push(reading.scope);
    }
    if asked.deep {
        scopes = scopes.iter().map(Scope::deepened).collect::<Result<_, _>>().map_err(bad)?;
    }
    for (at, scope) in scopes.iter().enumerate() {
        if scopes[..at].iter().any(|other| other.name == scope.name) {
            let says = "findings are saved under the name; give each its own";
            return Err(Failure::Bad(format!("two scopes `{}`: {says}", scope.name)));
        }
    }
    Ok(Sources { scopes, notes })
}

/// The built-in scope of this name.
pub(super) fn named(name: &str) -> Result<Scope, Failure> {
    Scope::named(name).ok_or_else(|| {
        let names: Vec<String> = Scope::standard().into_iter().map(|scope| scope.name).collect();
        let hint = if Path::new(name).exists() {
            format!("; to read a file, say --scope {name}")
        } else {
            String::new()
        };
        Failure::Bad(format!("there is no scope `{name}`; there are {}{hint}", names.join(", ")))
    })
}

/// A scope from a file.
pub(super) fn scope_file(file: &Path) -> Result<Scope, Failure> {
    Scope::parse(&text(file)?, &file.display().to_string()).map_err(bad)
}

/// The text of a file.
pub(super) fn text(file: &Path) -> Result<String, Failure> {
    fs::read_to_string(file).map_err(|error| {
        Failure::Bad(format!("{}: the file cannot be read: {error}", file.display()))
    })
}

/// Several cluster files have several names.
fn renamed(scope: &mut Scope, number: usize) -> Result<(), Failure> {
    let text = scope.text.replacen("\"cluster\"", &format!("\"cluster{number}\""), 1);
    *scope = Scope::parse(&text, "a cluster file").map_err(bad)?;
    Ok(())
}

#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` hands on")]
fn bad(error: impl ToString) -> Failure {
    Failure::Bad(error.to_string())
}
