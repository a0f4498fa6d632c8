//! A copy of the sources that holds every defect, built once.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::table::built;

/// What a build needs.
const PARTS: &[&str] = &[
    "Cargo.toml",
    "Cargo.lock",
    "rust-toolchain.toml",
    "build.rs",
    "proto",
    "scopes",
    "benches",
    "src",
];

/// What asks which defect is wanted.
const DEFECT: &str = "//! Which defect is there.\n\n\
    use std::sync::OnceLock;\n\n\
    /// Whether it is this one.\n\
    pub(crate) fn is(name: &str) -> bool {\n    \
        static NAME: OnceLock<Option<String>> = OnceLock::new();\n    \
        let wanted = NAME.get_or_init(|| std::env::var(\"IRIS_DEFECT\").ok());\n    \
        wanted.as_deref() == Some(name)\n\
    }\n";

/// Where the copy, what is built of it, and what is found are kept.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("teeth")
}

/// Makes the copy and builds it; what has not changed since the last time is not built again.
///
/// The build is an optimised one: it takes minutes more, and the runs hours less.
pub fn build() -> PathBuf {
    let copy = folder().join("copy");
    bring(&copy, &files());
    let target = folder().join("build");
    let built = Command::new(env!("CARGO"))
        .args(["build", "--release", "--locked", "--bin", "iris-check"])
        .current_dir(&copy)
        .env("CARGO_TARGET_DIR", &target)
        .output()
        .expect("cargo runs, because it runs this test");
    let says = String::from_utf8_lossy(&built.stderr);
    assert!(built.status.success(), "the copy in {} does not build:\n{says}", copy.display());
    target.join("release/iris-check")
}

/// Every file of the copy.
fn files() -> BTreeMap<PathBuf, Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = BTreeMap::new();
    for part in PARTS {
        collect(root, &root.join(part), &mut files);
    }
    for defect in built() {
        change(&mut files, defect.file, |text| text.replace(defect.find, defect.put));
    }
    change(&mut files, "src/lib.rs", |text| format!("{text}\nmod defect;\n"));
    files.insert("src/defect.rs".into(), DEFECT.into());
    files
}

fn change(files: &mut BTreeMap<PathBuf, Vec<u8>>, file: &str, how: impl FnOnce(&str) -> String) {
    let bytes = files.get_mut(Path::new(file)).unwrap_or_else(|| panic!("there is no {file}"));
    let text = String::from_utf8(std::mem::take(bytes)).expect("sources are text");
    *bytes = how(&text).into();
}

fn collect(root: &Path, path: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
    if path.is_dir() {
        for entry in fs::read_dir(path).expect("a folder of ours can be read") {
            collect(root, &entry.expect("an entry of a folder of ours").path(), files);
        }
    } else {
        let name = path.strip_prefix(root).expect("it was found below the root");
        let bytes = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        files.insert(name.to_owned(), bytes);
    }
}

/// Makes a folder hold these files and no others. A file that is the same is not written, or all
/// would be built again.
fn bring(folder: &Path, files: &BTreeMap<PathBuf, Vec<u8>>) {
    let mut there = BTreeMap::new();
    if folder.exists() {
        collect(folder, folder, &mut there);
    }
    for name in there.keys().filter(|name| !files.contains_key(*name)) {
        fs::remove_file(folder.join(name)).expect("a file of the copy can be removed");
    }
    for (name, bytes) in files.iter().filter(|(name, bytes)| there.get(*name) != Some(bytes)) {
        let path = folder.join(name);
        let parent = path.parent().expect("it is in the folder");
        fs::create_dir_all(parent).expect("a folder of the copy can be made");
        fs::write(&path, bytes).expect("a file of the copy can be written");
    }
}
