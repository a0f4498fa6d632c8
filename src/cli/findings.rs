//! Counterexamples as files: `DIR/SCOPE-CLAIM.json`.

use std::fs;
use std::path::{Path, PathBuf};

use super::engine::Trace;

/// Saves a finding, and makes the folder if there is none.
///
/// # Errors
/// What cannot be written and why, and what to do.
pub(super) fn save(folder: &Path, trace: &Trace) -> Result<PathBuf, String> {
    let path = folder.join(format!("{}-{}.json", trace.scope, trace.claim));
    let written = fs::create_dir_all(folder).and_then(|()| fs::write(&path, trace.to_json()));
    let bad = |error| {
        let path = path.display();
        format!(
            "{path}: the finding cannot be saved: {error}; the output has all of it, and \
             --findings DIR takes another folder"
        )
    };
    written.map_err(bad)?;
    Ok(path)
}
