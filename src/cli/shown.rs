//! What there is: claims and scopes.

use std::io::Write;

use super::{Exit, Failure, engine};
use crate::check::scope::Scope;

/// Lists the claims.
pub(super) fn claims(out: &mut dyn Write) -> Result<Exit, Failure> {
    for claim in engine::DESCRIBED {
        writeln!(out, "{}  {}  ({})\n    {}", claim.id, claim.name, claim.class, claim.sentence)?;
    }
    Ok(Exit::Fine)
}

/// Lists the scopes.
pub(super) fn scopes(out: &mut dyn Write) -> Result<Exit, Failure> {
    for scope in Scope::standard() {
        writeln!(out, "{}\n    {}\n    {}", scope.name, scope.about, scope.describe())?;
        if !scope.violated.is_empty() {
            writeln!(out, "    expected to be violated: {}", scope.violated.join(", "))?;
        }
    }
    Ok(Exit::Fine)
}
