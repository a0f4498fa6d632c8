//! Where the states of a job are kept, so that it can be resumed: one folder for each scope, and a
//! file that says which scopes there are, those too whose turn has not come.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Failure;
use super::args::Asked;
use super::engine::{Limits, Outcome, Place, fingerprint, run_on_disk};
use super::sources::{self, Sources};
use crate::check::scope::Scope;

/// The file that says which scopes there are.
const PLAN: &str = "plan.json";
/// It is written here first.
const NEW: &str = "plan.json.new";
/// The version of its format.
const VERSION: u32 = 1;
/// Bytes that are held in memory if nothing else is asked for.
const MEMORY: u64 = 1 << 30;

/// What a job was begun with.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Plan {
    version: u32,
    /// The fingerprint of the rest.
    seal: u64,
    notes: Vec<String>,
    /// The scopes, in order, as text.
    scopes: Vec<String>,
}

/// The folders of a job.
pub(super) struct Places {
    dir: PathBuf,
    program: String,
}

/// The scopes that were asked for, and where their states are kept if they are on disk.
pub(super) fn sources(asked: &Asked) -> Result<(Sources, Option<Places>), Failure> {
    if let Some(dir) = &asked.resume {
        let sources = read(dir)?;
        return Ok((sources, Some(Places { dir: dir.clone(), program: program()? })));
    }
    let sources = sources::read(&asked.which)?;
    let Some(dir) = &asked.disk else { return Ok((sources, None)) };
    let program = program()?;
    begin(dir, &sources)?;
    Ok((sources, Some(Places { dir: dir.clone(), program })))
}

impl Places {
    /// Searches a scope in its folder.
    pub(super) fn search(
        &self,
        scope: &Scope,
        limits: &Limits<'_>,
        memory: Option<u64>,
    ) -> Result<Outcome, Failure> {
        let dir = self.dir.join(&scope.name);
        let memory = memory.unwrap_or(MEMORY);
        let place = Place { dir: &dir, memory, program: &self.program };
        run_on_disk(scope, limits, &place).map_err(|error| Failure::Bad(error.to_string()))
    }
}

/// Says which scopes there are, before the first of them begins.
fn begin(dir: &Path, sources: &Sources) -> Result<(), Failure> {
    let path = dir.join(PLAN);
    if path.exists() {
        let dir = dir.display();
        return Err(Failure::Bad(format!(
            "{dir}: there is a search in it already; go on with it by --resume {dir}, or name \
             another folder"
        )));
    }
    let notes = sources.notes.clone();
    let scopes: Vec<String> = sources.scopes.iter().map(|scope| scope.text.clone()).collect();
    let plan = Plan { version: VERSION, seal: fingerprint(&(&notes, &scopes)), notes, scopes };
    let write = || -> io::Result<()> {
        fs::create_dir_all(dir)?;
        let mut file = File::create(dir.join(NEW))?;
        file.write_all(&serde_json::to_vec(&plan)?)?;
        file.sync_all()?;
        fs::rename(dir.join(NEW), &path)?;
        File::open(dir)?.sync_all()
    };
    write().map_err(|error| Failure::Bad(format!("{}: cannot be written: {error}", path.display())))
}

/// The scopes of a job that was begun.
fn read(dir: &Path) -> Result<Sources, Failure> {
    let path = dir.join(PLAN);
    let bad = |says: &str| Failure::Bad(format!("{}: {says}", path.display()));
    if !path.exists() {
        return Err(bad("there is no such file, so nothing to resume; --disk begins a search"));
    }
    let plan: Plan = serde_json::from_str(&sources::text(&path)?)
        .map_err(|error| bad(&format!("this is no plan of a search: {error}")))?;
    if plan.version > VERSION {
        return Err(bad(&format!(
            "expected version {VERSION}, found {}: resume with the newer program that began it",
            plan.version
        )));
    }
    if plan.seal != fingerprint(&(&plan.notes, &plan.scopes)) {
        return Err(bad(
            "damaged: its seal is not that of what it says; put back a copy of the folder, or \
             search anew in another",
        ));
    }
    let origin = path.display().to_string();
    let parse =
        |text: &String| Scope::parse(text, &origin).map_err(|error| bad(&error.to_string()));
    let scopes = plan.scopes.iter().map(parse).collect::<Result<_, _>>()?;
    Ok(Sources { scopes, notes: plan.notes })
}

/// Which build of the program this is: another one may search otherwise.
fn program() -> Result<String, Failure> {
    let read = || fs::read(std::env::current_exe()?);
    let bytes = read()
        .map_err(|error| Failure::Bad(format!("the program cannot read its own file: {error}")))?;
    Ok(format!("iris-check {} {:016x}", env!("CARGO_PKG_VERSION"), fingerprint(&bytes)))
}
