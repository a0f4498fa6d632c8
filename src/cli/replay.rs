//! One scope looked at closely: a finding repeated, or the whole stepped through by hand.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use clap::ValueEnum;

use super::conform;
use super::engine::{self, Trace};
use super::verdict::of_class;
use super::{Exit, Failure, sources};

/// What a run that was kept is played on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum On {
    /// The model: a finding of `check` step by step; of a run, played in virtual time, what its
    /// machines were told.
    Model,
    /// A cluster in this process, in virtual time: for runs.
    Virtual,
    /// The same in real time, over loopback TCP.
    Tcp,
    /// A cluster of processes on this machine.
    Processes,
}

/// Repeats a finding or a run step by step.
pub(super) fn replay(
    file: &Path,
    on: Option<On>,
    driver: Option<&str>,
    out: &mut dyn Write,
) -> Result<Exit, Failure> {
    let text = sources::text(file)?;
    let shown = file.display();
    // A run has a shape, a finding of the model has a scope.
    let is_run = serde_json::from_str::<serde_json::Value>(&text)
        .is_ok_and(|value| value.get("shape").is_some());
    let mut played = |on| {
        let target = conform::Target { on, driver: driver.map(str::to_owned) };
        conform::replay(&conform::run_of(file)?, &target, out)
    };
    match (is_run, on) {
        (true, None | Some(On::Virtual)) => return played(conform::On::Virtual),
        (true, Some(On::Tcp)) => return played(conform::On::Tcp),
        (true, Some(On::Processes)) => return played(conform::On::Processes),
        (true, Some(On::Model)) => return conform::on_model(&conform::run_of(file)?, out),
        (false, None) if driver.is_some() => {
            let says = "a finding of `check` is a path of the model: leave out --driver";
            return Err(Failure::Bad(format!("{shown}: {says}")));
        }
        (false, None | Some(On::Model)) => {}
        (false, Some(On::Virtual | On::Tcp | On::Processes)) => {
            let says = "a finding of `check` is a path of the model: leave out --on";
            return Err(Failure::Bad(format!("{shown}: {says}")));
        }
    }
    let trace = Trace::from_json(&text)
        .map_err(|error| Failure::Bad(format!("{shown}: this is no finding: {error}")))?;
    let steps = engine::replay(&trace).map_err(|error| {
        Failure::Bad(format!("{shown}: it is not so any more, or was changed: {error}"))
    })?;
    write!(out, "{}", trace.to_text(None))?;
    let claim = &trace.claim;
    writeln!(out, "replayed: {steps} steps, each as recorded; {claim} is still violated")?;
    Ok(of_class(&[&trace.claim]))
}

/// Serves a scope for stepping by hand, until the program is stopped.
pub(super) fn explore(
    name: Option<&str>,
    file: Option<&Path>,
    port: u16,
    out: &mut dyn Write,
) -> Result<Exit, Failure> {
    let scope = match (name, file) {
        (Some(name), _) => sources::named(name)?,
        (None, Some(file)) => sources::scope_file(file)?,
        (None, None) => return Err(Failure::Bad("name a scope, or a file with --scope".into())),
    };
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    writeln!(out, "{}: http://{address} (Ctrl-C ends it)", scope.name)?;
    out.flush()?;
    engine::serve(&scope, address).map_err(Failure::Bad)?;
    Ok(Exit::Fine)
}
