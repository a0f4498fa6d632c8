//! The job: a fold over its tasks.

use std::collections::BTreeSet;

use iris_check::model::job::{Census, JobState};
use iris_check::model::spec::Terms;
use iris_check::model::task::{FailedBy, Phase, TaskState};

/// The kinds of tasks that the fold tells apart: P PENDING, A active, S SUCCEEDED, F FAILED,
/// K KILLED, W `WORKER_FAILED`, U UNSCHEDULABLE.
const KINDS: [(char, TaskState); 7] = [
    ('P', TaskState::Pending),
    ('A', TaskState::Active(Phase::Assigned)),
    ('S', TaskState::Succeeded),
    ('F', TaskState::Failed(FailedBy::Exit)),
    ('K', TaskState::Killed),
    ('W', TaskState::WorkerFailed),
    ('U', TaskState::Unschedulable),
];

/// Every tally of one and of two tasks, then what the job is: with `max_task_failures` 0, with 1,
/// and as a gang. The last column names the rule that decides (of the first two cases).
#[rustfmt::skip]
const FOLDS: [(&str, char, char, char, &str); 35] = [
    ("P",  'P', 'P', 'P', "9"),
    ("A",  'R', 'R', 'R', "8"),
    ("S",  'S', 'S', 'S', "2"),
    ("F",  'F', 'F', 'F', "3, 7"),
    ("K",  'K', 'K', 'K', "5"),
    ("W",  'W', 'W', 'W', "6"),
    ("U",  'U', 'U', 'U', "4"),
    ("PP", 'P', 'P', 'P', "9"),
    ("PA", 'R', 'R', 'R', "8"),
    ("PS", 'R', 'R', 'R', "8"),
    ("PF", 'F', 'P', 'F', "3, 9"),
    ("PK", 'K', 'K', 'K', "5"),
    ("PW", 'P', 'P', 'W', "9"),
    ("PU", 'U', 'U', 'U', "4"),
    ("AA", 'R', 'R', 'R', "8"),
    ("AS", 'R', 'R', 'R', "8"),
    ("AF", 'F', 'R', 'F', "3, 8"),
    ("AK", 'K', 'K', 'K', "5"),
    ("AW", 'R', 'R', 'W', "8"),
    ("AU", 'U', 'U', 'U', "4"),
    ("SS", 'S', 'S', 'S', "2"),
    ("SF", 'F', 'F', 'F', "3, 7"),
    ("SK", 'K', 'K', 'K', "5"),
    ("SW", 'W', 'W', 'W', "6"),
    ("SU", 'U', 'U', 'U', "4"),
    ("FF", 'F', 'F', 'F', "3"),
    ("FK", 'F', 'K', 'F', "3, 5"),
    ("FW", 'F', 'W', 'F', "3, 6"),
    ("FU", 'F', 'U', 'F', "3, 4"),
    ("KK", 'K', 'K', 'K', "5"),
    ("KW", 'K', 'K', 'W', "5"),
    ("KU", 'U', 'U', 'U', "4"),
    ("WW", 'W', 'W', 'W', "6"),
    ("WU", 'U', 'U', 'W', "4"),
    ("UU", 'U', 'U', 'U', "4"),
];

/// Longer tallies, where a number decides: tasks, `max_task_failures`, job.
const NUMBERS: [(&str, u16, char); 10] = [
    ("SSSSS", 0, 'S'),
    ("FFASS", 2, 'R'),
    ("FFFAS", 2, 'F'),
    ("FFPPP", 2, 'P'),
    ("FFPPS", 2, 'R'),
    ("FFSSS", 2, 'F'),
    ("FFSSW", 2, 'W'),
    ("FFSKA", 2, 'K'),
    ("FFKUA", 2, 'U'),
    ("WWWPA", 0, 'R'),
];

fn letter(state: JobState) -> char {
    match state {
        JobState::Pending => 'P',
        JobState::Running => 'R',
        JobState::Succeeded => 'S',
        JobState::Failed => 'F',
        JobState::Killed => 'K',
        JobState::WorkerFailed => 'W',
        JobState::Unschedulable => 'U',
    }
}

fn fold(tally: &str, max_task_failures: u16, gang: bool) -> JobState {
    let mut census = Census::default();
    for kind in tally.chars() {
        let (_, state) = KINDS.into_iter().find(|(known, _)| *known == kind).expect("a kind");
        census.add(state);
    }
    let replicas = u16::try_from(tally.len()).expect("few tasks");
    let group_by = gang.then(|| "zone".into());
    census.fold(&Terms { replicas, max_task_failures, group_by, ..Terms::default() })
}

#[test]
fn every_tally_of_one_and_of_two_tasks_has_its_row() {
    let mut expected = BTreeSet::new();
    for (at, (first, _)) in KINDS.into_iter().enumerate() {
        expected.insert(first.to_string());
        for (second, _) in KINDS.into_iter().skip(at) {
            expected.insert(format!("{first}{second}"));
        }
    }
    let rows: BTreeSet<String> = FOLDS.iter().map(|row| row.0.to_owned()).collect();
    assert_eq!(rows.len(), FOLDS.len(), "each once");
    assert_eq!(rows, expected);
}

#[test]
fn each_tally_folds_as_the_contract_says() {
    for (tally, none, one, gang, rule) in FOLDS {
        assert_eq!(letter(fold(tally, 0, false)), none, "{tally}, rule {rule}");
        assert_eq!(letter(fold(tally, 1, false)), one, "{tally}, one may fail, rule {rule}");
        assert_eq!(letter(fold(tally, 0, true)), gang, "{tally}, gang");
    }
    for (tally, max, job) in NUMBERS {
        assert_eq!(letter(fold(tally, max, false)), job, "{tally}, {max} may fail");
    }
}

/// Rule 1: when a job ends, its unfinished tasks become KILLED, and that changes nothing any more.
#[test]
fn ended_stays_ended() {
    let rows = FOLDS.iter().map(|row| (row.0, 0)).chain(FOLDS.iter().map(|row| (row.0, 1)));
    for (tally, max) in rows.chain(NUMBERS.iter().map(|row| (row.0, row.1))) {
        for gang in [false, true].into_iter().filter(|gang| !gang || max == 0) {
            let ended = fold(tally, max, gang);
            if ended.has_ended() {
                let rest = tally.replace(['P', 'A'], "K");
                assert_eq!(fold(&rest, max, gang), ended, "{tally} becomes {rest}");
            }
        }
    }
}

#[test]
fn job_states_have_the_numbers_of_the_wire() {
    let rows = [
        (JobState::Pending, 1, false),
        (JobState::Running, 3, false),
        (JobState::Succeeded, 4, true),
        (JobState::Failed, 5, true),
        (JobState::Killed, 6, true),
        (JobState::WorkerFailed, 7, true),
        (JobState::Unschedulable, 8, true),
    ];
    for (state, number, ended) in rows {
        assert_eq!((state.wire(), state.has_ended()), (number, ended), "{state}");
    }
}
