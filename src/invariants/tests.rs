use super::testing::{
    A0, A1, ASSIGNED, Act, Change, Hand, RUNNING, W1, W2, claim, seat, with_step,
};
use super::{DESCRIBED, Described, Table};
use crate::model::id::{AttemptId, Seat};
use crate::model::task::{Cause, Outcome, TaskState};
use crate::model::timer::Timer;
use crate::model::view::{Event, Started};
use crate::model::vm::VmState;
use crate::model::worker::{Reasons, WorkerState};

const LOST: (Outcome, Cause) = (Outcome::WorkerFailed, Cause::Loss);
const ANY: Event<'static> = Event::Client;

fn same(_: &mut Hand) {}

fn lose(hand: &mut Hand) {
    hand.end(0, LOST, TaskState::Pending);
}

fn exited(hand: &mut Hand) {
    hand.exits.push((A0, W1));
}

const fn beat(seat: Seat) -> Event<'static> {
    Event::Beat { seat, about: &[] }
}

const fn report(about: AttemptId) -> Event<'static> {
    Event::Report { seat: W1, about, missing: false }
}

#[test]
fn the_table_is_the_contracts_list() {
    let ids = "S1 S2 S3 S4 S5 S6 S7 S8 S9 T1 T2 T3 T4 T5 T6 T7 T8 T9 L1 L2 L3 L4 L5";
    let listed: Vec<&str> = DESCRIBED.iter().map(|claim| claim.id).collect();
    assert_eq!(listed.join(" "), ids);
    let rows = Table::<Hand>::CLAIMS.map(|row| Described {
        id: row.id,
        name: row.name,
        sentence: row.sentence,
        class: row.class,
    });
    assert_eq!(rows, DESCRIBED);
}

#[test]
fn names_are_names_and_sentences_are_sentences() {
    for (at, Described { id, name, sentence, class }) in DESCRIBED.into_iter().enumerate() {
        let spelled = name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        assert!(spelled, "{id}: {name}");
        assert!(!sentence.ends_with('.') && !sentence.contains("  "), "{id}: {sentence}");
        assert!(DESCRIBED[..at].iter().all(|other| other.name != name), "{id}: {name} is taken");
        let letter = match class {
            "safety" => "S",
            "stability" => "T",
            _ => "L",
        };
        assert!(id.starts_with(letter), "{id} is {class}");
    }
}

#[test]
fn a_step_in_which_nothing_happens_exercises_nothing() {
    for hand in [Hand::busy(), Hand::gang(), Hand::fleet()] {
        with_step(&hand, (Event::Elsewhere, same, same), |step| {
            for claim in Table::<Hand>::CLAIMS {
                assert!(!(claim.hard)(step), "{}", claim.id);
            }
        });
    }
}

fn check(hand: &Hand, rows: &[(&str, Change, bool)]) {
    for (at, (id, change, expected)) in rows.iter().enumerate() {
        let is_hard = with_step(hand, *change, |step| (claim(id).hard)(step));
        assert_eq!(is_hard, *expected, "row {at}: {id}");
    }
}

#[test]
fn the_hard_cases_of_states_are_known() {
    let spend: Act = |h| h.task(0).spent.failure += 1;
    let retry: Act = |h| (lose(h), h.start(0, W2)).1;
    let forgotten: Act = |h| h.task(0).forgotten.delivery = 1;
    let confirm: Act = |h| (h.confirm(0), h.start(0, W2)).0;
    let rows: [(&str, Change, bool); 18] = [
        ("S1", (ANY, spend, spend), true),
        ("S1", (ANY, spend, same), false),
        ("S2", (ANY, same, retry), true),
        ("S3", (ANY, same, retry), true),
        ("S3", (ANY, same, forgotten), true),
        ("S4", (ANY, same, lose), true),
        ("S4", (ANY, lose, |h| h.confirm(0)), false),
        ("S4", (ANY, same, |h| (lose(h), h.workers.clear()).0), false),
        ("S5", (ANY, same, spend), true),
        ("S7", (ANY, same, |h| h.slices[0].2 = true), true),
        ("S7", (ANY, same, |h| h.slices[0].1[0].1 = VmState::Failed), true),
        ("S8", (ANY, lose, confirm), true),
        ("S8", (ANY, |h| (lose(h), h.confirm(0)).0, |h| h.start(0, W2)), false),
        ("S8", (ANY, |h| (lose(h), h.clocks_are_kept = false).0, confirm), false),
        ("S9", (ANY, same, |h| h.add(TaskState::Pending)), true),
        ("S9", (ANY, same, lose), false),
        ("S9", (ANY, same, |h| (h.add(TaskState::Pending), h.workers.clear()).0), false),
        ("S6", (ANY, same, retry), false),
    ];
    check(&Hand::fleet(), &rows);
    let again: Act = |h| (lose(h), h.start(0, W1), h.task(0).state = RUNNING).2;
    check(&Hand::gang(), &[("S6", (ANY, same, again), true), ("S6", (ANY, same, lose), false)]);
}

#[test]
fn the_hard_cases_of_steps_are_known() {
    let limps: Act = |h| h.workers[1].state = WorkerState::Degraded(Reasons::SILENT);
    let placed: Act = |h| h.start(0, W1);
    let unknown = Event::TryFailed { about: A0, unknown: true };
    let not_sent = Event::TryFailed { about: A0, unknown: false };
    let unheard: Act = |h| (h.last(0).heard, h.task(0).state) = (false, ASSIGNED);
    let removed: Act = |h| h.workers.clear();
    let rows: [(&str, Change, bool); 27] = [
        ("T1", (ANY, lose, same), true),
        ("T1", (ANY, |h| h.add(TaskState::Killed), same), true),
        ("T1", (ANY, same, lose), false),
        ("T2", (ANY, same, lose), true),
        ("T2", (ANY, lose, |h| h.start(0, W2)), true),
        ("T2", (ANY, |h| h.add(TaskState::Pending), |h| h.start(1, W2)), false),
        ("T4", (report(A0), lose, same), true),
        ("T4", (report(A1), same, same), true),
        ("T4", (report(A0), same, same), false),
        ("T5", (Event::Restarted, |h| h.unacknowledged = true, same), true),
        ("T5", (Event::Restarted, same, same), false),
        ("T5", (ANY, |h| h.unacknowledged = true, same), false),
        ("T6", (unknown, unheard, same), true),
        ("T6", (unknown, same, same), false),
        ("T6", (not_sent, unheard, same), false),
        ("T7", (ANY, limps, placed), true),
        ("T7", (ANY, limps, same), false),
        ("T7", (ANY, same, placed), false),
        ("T8", (beat(W1), exited, same), true),
        ("T8", (beat(W2), exited, same), false),
        ("T8", (Event::Fired(Timer::Timeout(A0)), exited, same), true),
        ("T8", (ANY, |h| (exited(h), lose(h)).0, same), false),
        ("T9", (beat(W2), limps, same), true),
        ("T9", (beat(W1), limps, same), false),
        ("T9", (beat(W1), removed, same), true),
        ("T9", (beat(seat(1, 2)), removed, same), false),
        ("T9", (ANY, limps, same), false),
    ];
    check(&Hand::busy(), &rows);
}

#[test]
fn the_hard_case_of_starting_is_a_repeated_call() {
    for (started, expected) in [(Started::Repeated(A0), true), (Started::Launch(A0), false)] {
        with_step(&Hand::busy(), (ANY, same, same), |step| {
            step.started = started;
            assert_eq!((claim("T3").hard)(step), expected, "{started:?}");
        });
    }
}

#[test]
fn the_hard_case_of_progress_is_a_fault_while_something_is_open() {
    let ends: Act = |h| (h.jobs.clear(), h.processes.clear()).0;
    let rows: [(&str, Act); 5] = [
        ("L1", same),
        ("L2", exited),
        ("L3", lose),
        ("L4", lose),
        ("L5", |h| h.slices[0].1[0].1 = VmState::Booting),
    ];
    for (id, opens) in rows {
        for (fault, then, expected) in
            [(true, opens, true), (false, opens, false), (true, ends, false)]
        {
            with_step(&Hand::fleet(), (Event::Elsewhere, same, then), |step| {
                step.fault = fault;
                assert_eq!((claim(id).hard)(step), expected, "{id}, fault: {fault}");
            });
        }
    }
}
