use super::super::testing::{
    A0, A1, ASSIGNED, Act, B0, Change, Hand, RUNNING, W1, W2, across_step, claim, seat, with_step,
};
use crate::model::id::{AttemptId, Seat};
use crate::model::job::JobState;
use crate::model::task::{Cause, Outcome, TaskState};
use crate::model::timer::Timer;
use crate::model::view::{Event, Started};
use crate::model::worker::{Reasons, WorkerState};

use super::super::Judge;

const EXIT: (Outcome, Cause) = (Outcome::Succeeded, Cause::Exit);
const LOST: (Outcome, Cause) = (Outcome::WorkerFailed, Cause::Loss);
const UNDELIVERED: (Outcome, Cause) = (Outcome::WorkerFailed, Cause::Delivery);
const SILENT: WorkerState = WorkerState::Degraded(Reasons::SILENT);
const DEAD: Event<'static> = Event::Fired(Timer::Dead(W1.worker));

const fn beat(seat: Seat, about: &'static [AttemptId]) -> Event<'static> {
    Event::Beat { seat, about }
}

const fn report(about: AttemptId, missing: bool) -> Event<'static> {
    Event::Report { seat: W1, about, missing }
}

fn same(_: &mut Hand) {}

fn check(hand: &Hand, rows: &[(&str, Change, &str)]) {
    for (at, (id, change, expected)) in rows.iter().enumerate() {
        let found = across_step(id, hand, *change).unwrap_or_default();
        assert_eq!(found, *expected, "row {at}: {id}");
    }
}

fn succeed(hand: &mut Hand) {
    hand.end(0, EXIT, TaskState::Succeeded);
    hand.jobs[0].told = JobState::Succeeded;
}

fn exited(hand: &mut Hand) {
    hand.exits.push((A0, W1));
}

fn blame(hand: &mut Hand) {
    hand.end(0, LOST, TaskState::Pending);
}

#[test]
fn where_nothing_happens_nothing_is_violated() {
    for hand in [Hand::busy(), Hand::gang(), Hand::fleet()] {
        for id in ["T1", "T2", "T3", "T4", "T5", "T6", "T7", "T8", "T9"] {
            for event in [Event::Elsewhere, Event::Client, Event::Restarted, beat(W1, &[A0])] {
                assert_eq!(across_step(id, &hand, (event, same, same)), None, "{id} {event:?}");
            }
        }
    }
}

#[test]
fn t1_what_has_ended_stays() {
    let any = Event::Client;
    let pending: Act = |h| h.task(0).state = TaskState::Pending;
    let rows: [(&str, Change, &str); 8] = [
        (
            "T1",
            (any, succeed, |h| h.jobs[0].told = JobState::Killed),
            "j1 had ended SUCCEEDED and is KILLED now",
        ),
        ("T1", (any, succeed, pending), "j1.0 was finished as SUCCEEDED and is PENDING now"),
        (
            "T1",
            (any, succeed, |h| h.task(0).spent.failure = 1),
            "j1.0 was finished as SUCCEEDED and is charged now",
        ),
        (
            "T1",
            (any, succeed, |h| h.last(0).end = Some(LOST)),
            "j1.0#0 had ended SUCCEEDED (exit) and is WORKER_FAILED (loss) now",
        ),
        (
            "T1",
            (any, succeed, |h| h.last(0).end = None),
            "j1.0#0 had ended SUCCEEDED (exit) and is live now",
        ),
        (
            "T1",
            (any, |h| (succeed(h), h.confirm(0)).1, |h| h.last(0).gone = false),
            "j1.0#0 was confirmed gone and may be there again now",
        ),
        ("T1", (any, succeed, |h| h.confirm(0)), ""),
        ("T1", (any, succeed, |h| h.jobs.clear()), ""),
    ];
    check(&Hand::busy(), &rows);
}

#[test]
fn t2_lists_only_grow_and_t5_survive_a_restart() {
    let any = Event::Client;
    let again = Event::Restarted;
    let rows: [(&str, Change, &str); 15] = [
        ("T2", (any, same, |h| h.jobs.clear()), "j1 was RUNNING and is not there any more"),
        ("T2", (any, succeed, |h| h.jobs.clear()), ""),
        ("T2", (any, same, |h| h.jobs[0].tasks.clear()), "j1.0 is not there any more"),
        (
            "T2",
            (any, same, |h| h.jobs[0].tasks[0].attempts.clear()),
            "j1.0#0 is not listed any more",
        ),
        ("T2", (any, same, |h| h.last(0).seat = W2), "j1.0#0 was on w1@1 and is on w2@1 now"),
        ("T2", (any, same, |h| h.start(0, W2)), ""),
        ("T5", (again, succeed, |h| h.jobs.clear()), "j1 is forgotten after the restart"),
        ("T5", (any, succeed, |h| h.jobs.clear()), ""),
        (
            "T5",
            (again, same, |h| h.jobs[0].terms.replicas = 7),
            "j1 has other terms after the restart",
        ),
        (
            "T5",
            (again, succeed, |h| h.jobs[0].told = JobState::Running),
            "j1 was SUCCEEDED and is RUNNING after the restart",
        ),
        (
            "T5",
            (again, succeed, |h| h.jobs[0].tasks[0].attempts.clear()),
            "j1.0#0 is forgotten after the restart",
        ),
        (
            "T5",
            (again, succeed, |h| h.last(0).end = None),
            "j1.0#0 had ended SUCCEEDED (exit) and is live now, after the restart",
        ),
        (
            "T5",
            (again, |h| (succeed(h), h.confirm(0)).1, |h| h.last(0).gone = false),
            "j1.0#0 was confirmed gone and may be there again now, after the restart",
        ),
        ("T5", (again, succeed, |h| h.workers[0].state = SILENT), ""),
        ("T5", (again, same, |h| h.jobs[0].told = JobState::Pending), ""),
    ];
    check(&Hand::busy(), &rows);
}

#[test]
fn t3_nothing_starts_twice() {
    let Judge::Step(judge) = claim("T3").judge else { panic!("T3 is judged across steps") };
    let rows = [
        (Started::Launch(A0), Some("j1.0#0 is started again; it had been started 1 times")),
        (Started::Launch(A1), None),
        (Started::Repeated(A0), None),
    ];
    for (started, expected) in rows {
        with_step(&Hand::busy(), (Event::Elsewhere, same, same), |step| {
            step.started = started;
            assert_eq!(judge(step).as_deref(), expected, "{started:?}");
        });
    }
}

#[test]
fn t4_a_stale_message_changes_nothing() {
    // j1.0#0 has ended on w1, and j1.0 waits; j1.1#0 runs on w2.
    let mut hand = Hand::busy();
    hand.end(0, LOST, TaskState::Pending);
    hand.add(RUNNING);
    hand.start(1, W2);
    let spend: Act = |h| h.task(0).spent.failure += 1;
    let kill: Act = |h| h.task(0).state = TaskState::Killed;
    let place: Act = |h| (h.confirm(0), h.place(0, W1), h.task(0).state = ASSIGNED).2;
    let over: Act = |h| h.jobs[0].told = JobState::Killed;
    let charged = "a message about j1.0#0, which is over, changed what j1.0 has spent";
    let killed = "a message about j1.0#0, which is over, made j1.0 KILLED, which was PENDING";
    let ended = "a message about j1.0#0, which is over, made j1 KILLED, which was RUNNING";
    let rows: [(&str, Change, &str); 14] = [
        ("T4", (report(A0, false), same, spend), charged),
        ("T4", (report(A0, false), same, kill), killed),
        ("T4", (report(A0, false), same, over), ended),
        ("T4", (report(A0, false), same, place), ""),
        ("T4", (beat(W1, &[A0]), same, kill), killed),
        ("T4", (Event::RunAnswer { about: A0, refused: true }, same, spend), charged),
        ("T4", (Event::TryFailed { about: A0, unknown: true }, same, spend), charged),
        // The step may also be about a live attempt: of a sibling, or of the task itself.
        ("T4", (beat(W1, &[A0, B0]), same, kill), ""),
        ("T4", (beat(W2, &[A0]), same, kill), ""),
        ("T4", (beat(W1, &[A0, B0]), same, spend), charged),
        ("T4", (beat(W1, &[A0]), |h| h.start(0, W1), spend), ""),
        ("T4", (beat(W1, &[A0]), |h| h.start(0, W2), spend), charged),
        ("T4", (Event::Client, same, kill), ""),
        ("T4", (report(B0, false), same, kill), ""),
    ];
    check(&hand, &rows);
    let waits: Act = |h| h.jobs[0].told = JobState::Pending;
    let runs: Act = |h| h.jobs[0].told = JobState::Running;
    check(&hand, &[("T4", (report(A0, false), waits, runs), "")]);
}

#[test]
fn t6_a_delivery_fails_for_a_reason() {
    let mut hand = Hand::busy();
    hand.jobs[0].tasks[0].attempts.clear();
    hand.place(0, W1);
    hand.task(0).state = ASSIGNED;
    let fail: Act = |h| h.end(0, UNDELIVERED, TaskState::Pending);
    let killed: Act = |h| h.end(0, (Outcome::Killed, Cause::Delivery), TaskState::Pending);
    let tried: Act = |h| h.last(0).tries = 4;
    let lost: Act = |h| (h.end(0, UNDELIVERED, RUNNING), h.workers.clear()).1;
    let not_sent = Event::TryFailed { about: A0, unknown: false };
    let too_early = "j1.0#0 ended WORKER_FAILED as a failed delivery after 1 of 4 tries; w1 is \
                     alive and has not refused it";
    let heard = "j1.0#0 ended WORKER_FAILED as a failed delivery; w1 had been heard of it";
    let rows: [(&str, Change, &str); 15] = [
        ("T6", (not_sent, same, fail), too_early),
        ("T6", (not_sent, tried, fail), ""),
        ("T6", (not_sent, |h| (h.last(0).tries, h.last(0).heard) = (4, true), fail), heard),
        ("T6", (Event::RunAnswer { about: A0, refused: true }, same, fail), ""),
        ("T6", (Event::RunAnswer { about: A0, refused: false }, same, fail), too_early),
        ("T6", (Event::RunAnswer { about: A0, refused: false }, tried, fail), ""),
        ("T6", (Event::RunAnswer { about: B0, refused: true }, same, fail), too_early),
        ("T6", (report(A0, true), same, fail), ""),
        ("T6", (report(A0, false), same, fail), too_early),
        ("T6", (report(A0, false), same, killed), ""),
        ("T6", (beat(W1, &[A0]), same, fail), ""),
        ("T6", (beat(W1, &[]), same, fail), too_early),
        ("T6", (DEAD, same, lost), ""),
        ("T6", (DEAD, same, fail), too_early),
        ("T6", (Event::Client, same, |h| h.end(0, LOST, TaskState::Pending)), ""),
    ];
    check(&hand, &rows);
}

#[test]
fn t7_and_t9_only_the_healthy_get_work() {
    let limps: Act = |h| h.workers[1].state = SILENT;
    let place: Act = |h| (h.place(0, W2), ()).1;
    let heal: Act = |h| h.workers[1].state = WorkerState::Healthy;
    let both: Act = |h| (h.workers[1].state = WorkerState::Healthy, h.place(0, W2)).0;
    let newer: Act = |h| (h.workers[1].state, h.highest[1]) = (SILENT, seat(2, 2));
    let bad = "j1.0#1 is placed on w2@1, which is not HEALTHY";
    let rows: [(&str, Change, &str); 11] = [
        ("T7", (Event::Client, limps, place), bad),
        ("T7", (Event::Client, same, place), ""),
        ("T7", (Event::Client, limps, both), bad),
        ("T7", (beat(W1, &[]), limps, both), bad),
        ("T7", (beat(W2, &[]), limps, both), ""),
        ("T7", (Event::Client, |h| h.workers[1].seat = seat(2, 2), place), bad),
        ("T9", (beat(W2, &[]), limps, heal), ""),
        ("T9", (beat(W1, &[]), limps, heal), "w2@1 became HEALTHY without a heartbeat"),
        ("T9", (Event::Restarted, limps, heal), "w2@1 became HEALTHY without a heartbeat"),
        (
            "T9",
            (
                beat(seat(2, 2), &[]),
                |h| h.workers.truncate(1),
                |h| {
                    h.workers.push(Hand::busy().workers.remove(1));
                    h.workers[1].seat = seat(2, 2);
                },
            ),
            "",
        ),
        ("T9", (beat(W2, &[]), newer, heal), "w2@1 became HEALTHY after w2@2 had been heard"),
    ];
    check(&Hand::busy(), &rows);
}

#[test]
fn t8_who_exited_is_not_blamed_on_its_worker() {
    let found = "j1.0#0 exited by itself on w1, which is alive; the controller says WORKER_FAILED";
    let killed: Act = |h| h.end(0, (Outcome::Killed, Cause::Loss), TaskState::Pending);
    let cancel: Act = |h| h.end(0, (Outcome::Killed, Cause::Cancel), TaskState::Killed);
    let rows: [(&str, Change, &str); 8] = [
        ("T8", (beat(W1, &[]), exited, blame), found),
        ("T8", (beat(W1, &[]), same, blame), ""),
        ("T8", (beat(W1, &[]), exited, killed), &found.replace("WORKER_FAILED", "KILLED")),
        ("T8", (Event::Client, exited, cancel), ""),
        ("T8", (beat(W1, &[A0]), exited, |h| h.end(0, EXIT, TaskState::Succeeded)), ""),
        ("T8", (DEAD, exited, |h| (blame(h), drop(h.workers.remove(0))).0), ""),
        ("T8", (beat(W1, &[]), |h| (exited(h), blame(h)).0, same), ""),
        ("T8", (DEAD, exited, |h| (h.workers[0].seat = seat(1, 2), blame(h)).1), ""),
    ];
    check(&Hand::busy(), &rows);
    let close: Act = |h| (h.end(0, LOST, TaskState::Pending), h.slices[0].2 = true).1;
    let gone: Act = |h| (h.end(0, LOST, TaskState::Pending), h.slices.clear()).1;
    let rows: [(&str, Change, &str); 3] = [
        ("T8", (Event::Provider, exited, close), ""),
        ("T8", (Event::Provider, exited, gone), ""),
        ("T8", (Event::Provider, exited, blame), found),
    ];
    check(&Hand::fleet(), &rows);
}
