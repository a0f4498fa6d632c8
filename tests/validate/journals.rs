//! Journals of runs, in which only the controller's inputs are: legal as they are, and not with an
//! entry that cannot be.

use iris_check::conform::validate::{Report, Verdict, validate_journal};
use iris_check::controller_sm::Input;
use iris_check::real::journal::{Entry, Folder, Journal, Memory, Recovered};

use crate::runs::{self, Size};

const SIZE: Size = Size { workers: 2, slices: 1, jobs: 6, faults: 0.05, rest: 60 };

/// What the journal of a run holds.
fn recovered(seed: u64) -> Recovered {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let path = folder.path().join("journal");
    runs::run(seed, SIZE, Some(path.clone()));
    let store = Folder::open(path).expect("the cluster has ended");
    Journal::open(Box::new(store)).expect("it was left as it should be").1
}

/// A journal with these entries, judged.
fn judged(recovered: &Recovered, entries: &[Entry]) -> Report {
    let memory = Memory::default();
    let (mut journal, _) = Journal::open(Box::new(memory.clone())).expect("it is empty");
    let snapshot = recovered.snapshot.as_ref().expect("a cluster begins with one");
    journal.snapshot(snapshot).expect("memory takes all");
    journal.append(entries).expect("memory takes all");
    validate_journal(Box::new(memory))
}

#[test]
fn the_journals_of_runs_are_legal() {
    for seed in 0..6 {
        let recovered = recovered(seed);
        let report = judged(&recovered, &recovered.entries);
        assert_eq!(report.verdict, Verdict::Legal, "seed {seed}");
        assert_eq!(report.events, recovered.entries.len() as u64);
        assert!(report.events > 40 && report.attempts > 0, "seed {seed}: {report}");
    }
}

/// The refusal of a journal in which one entry is changed, and its number.
fn refused(change: impl Fn(&Input) -> Option<Input>) -> (String, u64, u64) {
    let recovered = recovered(1);
    let changed = |entry: &Entry| change(&entry.input);
    let at = recovered.entries.iter().position(|it| changed(it).is_some());
    let at = at.expect("there is such an entry");
    let mut entries = recovered.entries.clone();
    entries[at].input = changed(&entries[at]).expect("it was found");
    let Verdict::Disagrees(mismatch) = judged(&recovered, &entries).verdict else {
        panic!("it is taken for legal");
    };
    assert!(!mismatch.nearest.is_empty(), "{mismatch}");
    (mismatch.guard.clone(), mismatch.line, at as u64 + 1)
}

fn another_attempt(input: &Input) -> Option<Input> {
    let Input::Report(mut it) = *input else { return None };
    it.attempt.number += 1;
    Some(Input::Report(it))
}

fn another_worker(input: &Input) -> Option<Input> {
    let Input::Beat(it) = input else { return None };
    let mut it = it.clone();
    it.seat.worker.0 += 1;
    (!it.running.is_empty()).then_some(Input::Beat(it))
}

fn another_call(input: &Input) -> Option<Input> {
    let Input::RunAnswered { attempt, answer } = *input else { return None };
    Some(Input::RunAnswered { attempt: attempt.task.attempt(attempt.number + 1), answer })
}

fn another_slice(input: &Input) -> Option<Input> {
    let Input::SliceGranted(mut slice) = *input else { return None };
    slice.number += 7;
    Some(Input::SliceGranted(slice))
}

#[test]
fn an_entry_that_cannot_be_is_refused() {
    type Change = fn(&Input) -> Option<Input>;
    let rows: [(Change, &str); 4] = [
        (another_attempt, "speaks only of what was given to it"),
        (another_worker, "speaks only of what was given to it"),
        (another_call, "must be under way to come to its end: none is"),
        (another_slice, "must have been asked for"),
    ];
    for (change, guard) in rows {
        let (found, line, at) = refused(change);
        assert!(found.contains(guard), "{guard}: {found}");
        assert_eq!(line, at, "{guard}");
    }
}

#[test]
fn an_empty_folder_is_no_journal() {
    let report = validate_journal(Box::new(Memory::default()));
    let Verdict::Bad { why, .. } = report.verdict else { panic!("{:?}", report.verdict) };
    assert_eq!(why, "there is no journal: expected a folder with the segments of one");
}
