//! One scope looked at closely: a finding repeated, or the whole stepped through by hand.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use super::engine::{self, Trace};
use super::verdict::of_class;
use super::{Exit, Failure, sources};

/// Repeats a finding step by step.
pub(super) fn replay(file: &Path, out: &mut dyn Write) -> Result<Exit, Failure> {
    let text = sources::text(file)?;
    let shown = file.display();
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
