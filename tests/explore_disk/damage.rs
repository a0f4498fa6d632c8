//! Files that are not as the search left them.

use std::fs::{self, File};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use iris_check::explore::{
    Disk, DiskError, Limits, Report, Stop, Subject, Trouble, search, search_on_disk,
};

use super::common::lcg::Lcg;
use super::common::unlimited;
use super::kills::copy;
use super::random::{Place, Random};
use super::{disk, folder, in_memory, refused};

/// How often it may ask whether to end: some levels have ended then, and some have not.
const ROUNDS: usize = 24;
const MEMORY: u64 = 16 << 10;

fn model() -> Random {
    let of = |seed| Random::of(&mut Lcg::new(seed), 200);
    let large = |model: &Random| {
        !model.obligations().is_empty() && search(model, &unlimited(1)).states > 100
    };
    (0..1_000).map(of).find(large).expect("there are some")
}

fn searched(dir: &Path, resume: bool, rounds: usize) -> Result<Report<Place, u8>, DiskError> {
    let asked = AtomicUsize::new(0);
    let stop = || {
        let late = asked.fetch_add(1, Ordering::Relaxed) >= rounds;
        late.then_some(Stop::Interrupted)
    };
    let limits = Limits { stop: &stop, ..unlimited(1) };
    search_on_disk(&model(), &limits, &disk(dir, MEMORY, resume))
}

fn files(dir: &Path) -> Vec<String> {
    let names = fs::read_dir(dir).expect("it is there");
    let names = names.map(|entry| entry.expect("it is there").file_name());
    let mut names: Vec<_> = names.map(|name| name.into_string().expect("our names")).collect();
    names.sort();
    names.retain(|name| name != "lock");
    names
}

/// How often it was refused, of so many times.
fn with_each_damage(original: &Path) -> (u32, u32) {
    let expected = in_memory(&model(), &unlimited(1));
    let (mut refusals, mut all) = (0, 0);
    let mut look = |name: &str, bytes: &[u8], what: &str| {
        let dir = folder();
        copy(original, dir.path());
        fs::write(dir.path().join(name), bytes).expect("there is room");
        all += 1;
        match search_on_disk(&model(), &unlimited(1), &disk(dir.path(), MEMORY, true)) {
            Ok(found) => assert_eq!(Report { memory: 0, ..found }, expected, "{name}, {what}"),
            Err(error) => {
                let says = error.to_string();
                assert!(says.contains(dir.path().to_str().expect("text")), "{says}");
                assert!(says.contains("expected") && says.contains("found"), "{says}");
                refusals += 1;
            }
        }
    };
    for name in files(original) {
        let bytes = fs::read(original.join(&name)).expect("it is there");
        for length in [0, 1, bytes.len() / 2, bytes.len().saturating_sub(1)] {
            if length < bytes.len() {
                look(&name, &bytes[..length], &format!("cut to {length}"));
            }
        }
        let every = 1 + bytes.len() / 50;
        for at in (0..bytes.len()).step_by(every) {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1 << (at % 8);
            look(&name, &bytes, &format!("byte {at}"));
        }
    }
    (refusals, all)
}

#[test]
fn damage_is_refused_or_makes_no_difference() {
    for rounds in [ROUNDS, 1000] {
        let dir = folder();
        let report = searched(dir.path(), false, rounds).expect("the disk takes it");
        assert_eq!(report.stopped.is_some(), rounds == ROUNDS);
        let (refusals, all) = with_each_damage(dir.path());
        // What stands behind the end of what a checkpoint knows, and what nobody reads again,
        // makes no difference.
        assert!(all > 100 && refusals * 3 > all, "{refusals} of {all}, {rounds} rounds");
    }
}

#[test]
fn a_file_that_is_missing_is_named() {
    let original = folder();
    searched(original.path(), false, ROUNDS).expect("the disk takes it");
    let names = files(original.path());
    assert!(names.iter().any(|name| name.starts_with("run-")), "{names:?}");
    for name in names.iter().filter(|name| *name != "manifest" && !name.starts_with("spill-")) {
        let dir = folder();
        copy(original.path(), dir.path());
        fs::remove_file(dir.path().join(name)).expect("it is there");
        if let Err(error) = searched(dir.path(), true, 1000) {
            let says = error.to_string();
            let expected = format!("{}: damaged: expected ", dir.path().join(name).display());
            assert!(says.starts_with(&expected) && says.contains("found no file"), "{says}");
        }
    }
}

#[test]
fn the_wrong_folder_is_refused() {
    let dir = folder();
    let other = Disk { identity: "another model", ..disk(dir.path(), MEMORY, true) };
    let run = |disk: &Disk| search_on_disk(&model(), &unlimited(1), disk);
    assert!(refused(run(&disk(dir.path(), MEMORY, true))).contains("no search in it"));
    searched(dir.path(), false, ROUNDS).expect("the disk takes it");
    let before = contents(dir.path());
    assert!(refused(run(&other)).contains("another model, or by another build"));
    assert!(refused(run(&Disk { resume: false, ..other })).contains("holds something already"));
    // The same identity, but it begins elsewhere.
    let mut elsewhere = model();
    elsewhere.inits = vec![1, 2, 3];
    let moved = search_on_disk(&elsewhere, &unlimited(1), &disk(dir.path(), MEMORY, true));
    assert!(refused(moved).contains("another model, or by another build"));
    let lock = File::open(dir.path().join("lock")).expect("it is there");
    lock.try_lock().expect("nobody holds it");
    assert!(refused(run(&disk(dir.path(), MEMORY, true))).contains("another process"));
    drop(lock);
    assert_eq!(contents(dir.path()), before, "a refusal changes nothing");
    let manifest = dir.path().join("manifest");
    let text = fs::read_to_string(&manifest).expect("it is text");
    fs::write(&manifest, text.replace("format 1", "format 2")).expect("there is room");
    let says = refused(run(&disk(dir.path(), MEMORY, true)));
    assert!(says.contains("expected format 1, found format 2, of a newer program"), "{says}");
    fs::write(&manifest, text).expect("there is room");
    run(&disk(dir.path(), MEMORY, true)).expect("it goes on");
}

#[test]
fn a_file_of_another_search_is_refused() {
    let (dir, other) = (folder(), folder());
    searched(dir.path(), false, ROUNDS).expect("the disk takes it");
    let asked = AtomicUsize::new(0);
    let stop = || (asked.fetch_add(1, Ordering::Relaxed) > ROUNDS).then_some(Stop::Interrupted);
    let limits = Limits { stop: &stop, ..unlimited(1) };
    let stranger = Disk { identity: "another", ..disk(other.path(), MEMORY, false) };
    search_on_disk(&model(), &limits, &stranger).expect("the disk takes it");
    for name in ["prints", "parents"] {
        let copy = folder();
        super::kills::copy(dir.path(), copy.path());
        fs::copy(other.path().join(name), copy.path().join(name)).expect("there is room");
        let again = search_on_disk(&model(), &unlimited(1), &disk(copy.path(), MEMORY, true));
        let says = refused(again);
        assert!(says.contains(name) && says.contains("damaged"), "{says}");
    }
}

#[test]
fn what_cannot_be_written_is_an_error() {
    let dir = folder();
    fs::create_dir(dir.path().join("prints")).expect("there is room");
    let error = searched(dir.path(), false, 1000).expect_err("a folder is no file");
    assert!(matches!(error.trouble, Trouble::Io { .. }), "{error}");
    assert!(error.to_string().contains("prints: cannot "), "{error}");
    let file = dir.path().join("file");
    fs::write(&file, "x").expect("there is room");
    let error = searched(&file, false, 1000).expect_err("a file is no folder");
    assert!(error.to_string().contains("file: cannot make the folder: "), "{error}");
}

fn contents(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let read = |name: String| {
        let bytes = fs::read(dir.join(&name)).expect("it is there");
        (name, bytes)
    };
    files(dir).into_iter().map(read).collect()
}
