//! What a journal gives back: a prefix that holds all that was acknowledged, or an error.

use super::format::{self, HEADER};
use super::*;
use crate::model::id::JobId;

mod crash;
mod damage;
mod story;

use story::{Story, open, prefix};

#[test]
fn what_was_appended_is_there_after_a_restart() {
    let story = Story::new();
    let memory = Memory::default();
    let (mut journal, recovered) = open(&memory).expect("an empty store");
    assert_eq!(prefix(&story, &recovered), 0);
    for upto in 1..=story.len() {
        journal.append(story.entries(upto - 1, upto)).expect("nothing fails");
        memory.restart(Loss::TOTAL);
        let (again, recovered) = open(&memory).expect("nothing fails");
        assert_eq!((prefix(&story, &recovered), recovered.torn), (upto, None));
        journal = again;
    }
}

#[test]
fn a_snapshot_stands_for_what_was_before_it() {
    let story = Story::new();
    let memory = Memory::default();
    let (mut journal, _) = open(&memory).expect("an empty store");
    journal.append(story.entries(0, 5)).expect("nothing fails");
    journal.snapshot(&story.snapshot(5)).expect("nothing fails");
    journal.append(story.entries(5, 7)).expect("nothing fails");
    let files: Vec<String> = memory.contents().into_keys().collect();
    assert_eq!(files, ["00000002.journal"], "the older segment is removed");
    let (_, recovered) = open(&memory).expect("nothing fails");
    assert_eq!(recovered.snapshot, Some(story.snapshot(5)));
    assert_eq!(prefix(&story, &recovered), 7);
}

#[test]
fn snapshots_cost_no_more_than_what_is_appended() {
    let story = Story::new();
    let (mut journal, _) = open(&Memory::default()).expect("an empty store");
    journal.snapshot_after(2_000);
    let (mut appended, mut snapshots, mut last) = (0, 0, 0);
    for round in 0..400 {
        let at = round % story.len();
        let before = journal.length;
        journal.append(story.entries(at, at + 1)).expect("nothing fails");
        appended += journal.length - before;
        if journal.wants_snapshot() {
            journal.snapshot(&story.snapshot(at + 1)).expect("nothing fails");
            last = journal.sealed;
            snapshots += last;
            assert!(!journal.wants_snapshot());
        }
    }
    assert!(snapshots > 2 * last, "several were taken: {snapshots} bytes");
    assert!(snapshots <= appended + last, "{snapshots} bytes for {appended}");
}

#[test]
fn files_of_the_first_format_look_like_this() {
    let memory = Memory::default();
    let (mut journal, _) = open(&memory).expect("an empty store");
    let cancel = |at, job| Entry { at: At(at), input: Input::Cancel(JobId(job)) };
    journal.append(&[cancel(1000, 1), cancel(1000, 2)]).expect("nothing fails");
    let bytes = memory.contents().remove("00000001.journal").expect("the segment");
    let text = String::from_utf8(bytes).expect("text");
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    assert_eq!(
        lines,
        [
            "iris-check journal, format 1, segment 00000001, sealed 000000c0, after \
             00000000000000000000000000000000, check f546cd4a2fa2a659f7446332adb65657",
            "batch 000000c0 000002 8b393e48d8828bbbd5dd706391f74c78",
            "00000023 2f1e2222c1a438b22c871dd2ab44fcff {\"at\":1000,\"input\":{\"cancel\":\"j1\"}}",
            "00000023 aeea5c1a94be865a8ad4dd6682e1c1d8 {\"at\":1000,\"input\":{\"cancel\":\"j2\"}}",
            "",
        ]
    );
}

#[test]
fn a_newer_format_is_told_apart_from_damage() {
    let memory = Memory::default();
    drop(open(&memory).expect("an empty store"));
    let file = format::name(1);
    let text = String::from_utf8(memory.contents()[&file].clone()).expect("text");
    memory.put(&file, text.replace("format 1,", "format 27,").as_bytes());
    let error = open(&memory).err().expect("an error");
    assert_eq!(error, JournalError::Newer { file, version: 27 });
    assert_eq!(
        error.to_string(),
        "00000001.journal has format 27, this program knows up to 1: open it with the program \
         that wrote it, or a newer one"
    );
}

#[test]
fn what_checks_out_and_makes_no_sense_is_an_error_with_its_place() {
    let (mut bytes, chain) = format::header(1, HEADER, Chain::ORIGIN);
    let good = serde_json::to_vec(&Entry { at: At(1), input: Input::Restarted }).expect("JSON");
    let payloads = [good, br#"{"at":2,"input":"teleported"}"#.to_vec()];
    bytes.extend(format::batch(chain, &payloads).expect("small").0);
    let memory = Memory::default();
    memory.put(&format::name(1), &bytes);
    let error = open(&memory).err().expect("an error");
    let JournalError::Unreadable { file, at, why } = &error else { panic!("{error}") };
    let text = std::str::from_utf8(&bytes[usize::try_from(*at).expect("small")..]).expect("text");
    assert!(text.starts_with("0000001d "), "{text}");
    assert!(file == "00000001.journal" && why.contains("teleported"), "{error}");
    assert_eq!(memory.contents()[file], bytes, "nothing is changed");
}

#[test]
fn a_folder_is_a_store_and_has_one_user() {
    let story = Story::new();
    let place = tempfile::tempdir().expect("a folder");
    let path = place.path().join("journal");
    let folder = || Folder::open(&path).map(Box::new);
    let (mut journal, _) = Journal::open(folder().expect("the first")).expect("empty");
    let error = Folder::open(&path).expect_err("the second");
    assert_eq!(error, JournalError::Locked { folder: path.display().to_string() });
    journal.append(story.entries(0, 3)).expect("nothing fails");
    journal.snapshot(&story.snapshot(3)).expect("nothing fails");
    journal.append(story.entries(3, 5)).expect("nothing fails");
    drop(journal);
    let file = path.join("00000002.journal");
    let whole = std::fs::read(&file).expect("the segment");
    let (journal, recovered) = Journal::open(folder().expect("free again")).expect("whole");
    assert_eq!((prefix(&story, &recovered), recovered.torn), (5, None));
    drop(journal);
    std::fs::write(&file, &whole[..whole.len() - 1]).expect("a file");
    let (journal, recovered) = Journal::open(folder().expect("free again")).expect("torn");
    assert_eq!(prefix(&story, &recovered), 3);
    let torn = recovered.torn.expect("cut off");
    let left = std::fs::metadata(&file).expect("the segment").len();
    assert_eq!((torn.at, torn.at + torn.bytes), (left, whole.len() as u64 - 1));
    drop(journal);
}

/// A store that is full: the controller goes on, and what it could not append did not happen.
#[test]
fn a_full_disk_undoes_an_append_and_the_next_one_works() {
    let story = Story::new();
    let memory = Memory::default();
    let (mut journal, _) = open(&memory).expect("an empty store");
    journal.append(story.entries(0, 1)).expect("nothing fails");
    let before = memory.contents();
    memory.fail(0, Fault::Refuse);
    let error = journal.append(story.entries(5, 9)).expect_err("half a write");
    assert!(matches!(error, AppendError::Undone(_)), "{error}");
    assert_eq!(memory.contents(), before, "the half that was written is taken back");
    journal.append(story.entries(1, 2)).expect("nothing fails");
    for part in 0..3 {
        memory.fail(part, Fault::Refuse); // create, write, sync
        let error = journal.snapshot(&story.snapshot(2)).expect_err("the new segment");
        assert!(matches!(error, AppendError::Undone(_)), "{error}");
    }
    journal.append(story.entries(2, 3)).expect("nothing fails");
    memory.restart(Loss::TOTAL);
    let (_, recovered) = open(&memory).expect("nothing fails");
    assert_eq!((prefix(&story, &recovered), recovered.torn), (3, None));
    assert!(!memory.contents().contains_key(UNFINISHED), "leftovers are removed");
}

#[test]
fn a_failed_sync_ends_the_journal_until_a_restart() {
    let story = Story::new();
    let memory = Memory::default();
    let (mut journal, _) = open(&memory).expect("an empty store");
    memory.fail(1, Fault::Refuse);
    let error = journal.append(story.entries(0, 1)).expect_err("the sync");
    assert!(matches!(&error, AppendError::Broken(failure) if failure.doing == "sync"), "{error}");
    assert_eq!(journal.append(story.entries(0, 1)), Err(error.clone()), "no sync is tried again");
    assert_eq!(journal.snapshot(&story.snapshot(0)), Err(error));
    let operations = memory.operations();
    let (_, recovered) = open(&memory).expect("nothing fails");
    assert_eq!(prefix(&story, &recovered), 1, "what is there is taken");
    let rewritten = memory.operations() - operations;
    assert_eq!(rewritten, 6, "list, read, write, sync, sync folder, list: written once more");
    memory.restart(Loss::TOTAL);
    let (_, recovered) = open(&memory).expect("nothing fails");
    assert_eq!(prefix(&story, &recovered), 1, "and made durable");
}
