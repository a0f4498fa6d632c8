//! Delivery: tries, doubt, and what settles it.

use iris_check::controller_sm::Input;
use iris_check::model::policy::Policy;
use iris_check::model::timer::Timer;
use iris_check::model::wire::{Clock, KillAnswer, RunAnswer, TryError};

use super::rig::{Rig, budgets, id, tasks};

const A: &str = "j1.0#0";

fn submitted() -> Rig {
    let mut rig = Rig::with_workers(1, 4);
    assert_eq!(rig.submit(tasks(1)), "submitted j1; run j1.0#0 on w1@1");
    rig
}

fn kill_answered(rig: &mut Rig, answer: KillAnswer) -> String {
    rig.news(Input::KillAnswered { attempt: id(A), answer })
}

/// Tries until this many have failed in this way.
fn fail(rig: &mut Rig, errors: &[TryError]) -> String {
    let (last, first) = errors.split_last().expect("at least one");
    for error in first {
        rig.fails(A, *error);
        assert_eq!(rig.fire(Timer::Retry(id(A))), "run j1.0#0 on w1@1");
    }
    rig.fails(A, *last)
}

#[test]
fn four_tries_with_doubling_pauses() {
    let mut rig = submitted();
    for (tries, pause) in [(1, "100 ms"), (2, "200 ms"), (3, "400 ms")] {
        assert_eq!(rig.task("j1.0"), format!("ASSIGNED [w1@1 try {tries}] 0/0/0"));
        assert_eq!(rig.fails(A, TryError::NotSent), format!("arm Retry(j1.0#0) {pause}"));
        assert_eq!(rig.fire(Timer::Retry(id(A))), "run j1.0#0 on w1@1");
    }
    assert_eq!(rig.fails(A, TryError::NotSent), "run j1.0#1 on w1@1");
    let found = rig.task("j1.0");
    assert_eq!(found, "ASSIGNED [w1@1 WORKER_FAILED by delivery, gone, w1@1 try 1] 0/1/0");
}

#[test]
fn not_now_counts_as_unknown_because_a_second_copy_may_still_arrive() {
    let mut rig = submitted();
    for _ in 0..3 {
        rig.run(A, RunAnswer::NotNow);
        rig.fire(Timer::Retry(id(A)));
    }
    assert_eq!(rig.run(A, RunAnswer::NotNow), "fence j1.0#0 on w1@1");
}

#[test]
fn one_unknown_try_of_four_leaves_it_in_doubt_and_fenced() {
    let (n, u) = (TryError::NotSent, TryError::Unknown);
    for errors in [[u, n, n, n], [n, u, n, n], [n, n, n, u], [u, u, u, u]] {
        let mut rig = submitted();
        assert_eq!(fail(&mut rig, &errors), "fence j1.0#0 on w1@1");
        assert_eq!(rig.task("j1.0"), "ASSIGNED [w1@1 in doubt after 4] 0/0/0");
        assert_eq!(rig.worker(1), "HEALTHY 1000 [j1.0#0]");
        for _ in 0..2 {
            assert_eq!(rig.beat("w1@1", 0, "", ""), "known fence [j1.0#0]");
        }
    }
}

#[test]
fn missing_settles_a_doubt() {
    let doubts = [TryError::Unknown; 4];
    let settled = "ASSIGNED [w1@1 WORKER_FAILED by delivery, gone, w1@1 try 1] 0/1/0";
    let mut rig = submitted();
    fail(&mut rig, &doubts);
    let news = rig.beat("w1@1", 1, "", "j1.0#0=M");
    assert_eq!(news, "known acked [j1.0#0]; run j1.0#1 on w1@1");
    assert_eq!(rig.task("j1.0"), settled);
    let mut rig = submitted();
    fail(&mut rig, &doubts);
    assert_eq!(kill_answered(&mut rig, KillAnswer::Missing), "run j1.0#1 on w1@1");
    assert_eq!(rig.task("j1.0"), settled);
}

#[test]
fn the_word_of_a_worker_that_started_it_settles_a_doubt() {
    let doubts = [TryError::Unknown; 4];
    let mut rig = submitted();
    fail(&mut rig, &doubts);
    assert_eq!(kill_answered(&mut rig, KillAnswer::Started(Clock(3))), "");
    assert_eq!(rig.task("j1.0"), "BUILDING [w1@1 since 3] 0/0/0");
    let mut rig = submitted();
    fail(&mut rig, &doubts);
    assert_eq!(rig.beat("w1@1", 4, "j1.0#0=R", ""), "known");
    assert_eq!(rig.task("j1.0"), "RUNNING [w1@1 since 4] 0/0/0");
    let mut rig = submitted();
    fail(&mut rig, &doubts);
    assert_eq!(kill_answered(&mut rig, KillAnswer::Refused), "");
    assert_eq!(rig.task("j1.0"), "ASSIGNED [w1@1 in doubt after 4] 0/0/0");
}

#[test]
fn the_end_of_the_incarnation_settles_a_doubt() {
    let mut rig = submitted();
    fail(&mut rig, &[TryError::Unknown; 4]);
    rig.beat("w1@2", 0, "", "");
    let found = rig.task("j1.0");
    assert_eq!(found, "ASSIGNED [w1@1 WORKER_FAILED by delivery, gone, w1@2 try 1] 0/1/0");
}

#[test]
fn refused_is_final() {
    let mut rig = submitted();
    assert_eq!(rig.run(A, RunAnswer::Refused), "run j1.0#1 on w1@1");
    assert_eq!(rig.run(A, RunAnswer::Accepted(Clock(1))), "");
    let found = rig.task("j1.0");
    assert_eq!(found, "ASSIGNED [w1@1 WORKER_FAILED by delivery, gone, w1@1 try 1] 0/1/0");
}

#[test]
fn a_try_that_fails_after_the_attempt_was_heard_ends_the_delivery_quietly() {
    let mut rig = submitted();
    rig.fails(A, TryError::Unknown);
    assert_eq!(rig.report(A, "R"), "disarm Retry(j1.0#0); noted");
    for error in [TryError::NotSent, TryError::Unknown, TryError::Unexpected] {
        assert_eq!(rig.fails(A, error), "");
    }
    assert_eq!(rig.run(A, RunAnswer::NotNow), "");
    assert_eq!(rig.run(A, RunAnswer::Refused), "");
    assert_eq!(rig.task("j1.0"), "RUNNING [w1@1 since 9] 0/0/0");
}

#[test]
fn an_accepted_try_is_building_and_phases_go_forwards_only() {
    let mut rig = submitted();
    assert_eq!(rig.accept(A, 7), "");
    assert_eq!(rig.task("j1.0"), "BUILDING [w1@1 since 7] 0/0/0");
    assert_eq!(rig.report(A, "R"), "noted");
    assert_eq!(rig.report(A, "B"), "noted");
    assert_eq!(rig.accept(A, 8), "");
    assert_eq!(rig.beat("w1@1", 8, "j1.0#0=B", ""), "known");
    assert_eq!(rig.task("j1.0"), "RUNNING [w1@1 since 7] 0/0/0");
}

#[test]
fn a_list_that_calls_it_assigned_means_that_it_was_heard_of() {
    let mut rig = submitted();
    rig.beat("w1@1", 2, "j1.0#0=A", "");
    assert_eq!(rig.task("j1.0"), "BUILDING [w1@1 since 2] 0/0/0");
    rig.beat("w1@2", 0, "", "");
    let found = rig.task("j1.0");
    assert_eq!(found, "ASSIGNED [w1@1 WORKER_FAILED by loss, gone, w1@2 try 1] 0/0/1");
}

#[test]
fn an_unexpected_error_is_unknown_unless_untyped() {
    let mut rig = submitted();
    assert_eq!(rig.fails(A, TryError::Unexpected), "arm Retry(j1.0#0) 100 ms");
    let mut rig = Rig::under(Policy::AS_REPORTED_DELIVERY_ERRORS, 1, 4);
    rig.submit(tasks(1));
    assert_eq!(rig.fails(A, TryError::Unexpected), "");
    assert_eq!(rig.task("j1.0"), "PENDING [w1@1 WORKER_FAILED by delivery] 0/1/0");
    assert_eq!(rig.beat("w1@1", 0, "", ""), "known stop [j1.0#0]");
}

#[test]
fn a_lost_delivery_fails_the_whole_worker_where_retries_are_unbounded() {
    let mut rig = Rig::under(Policy::AS_REPORTED_RETRY, 2, 4);
    rig.submit(budgets(0, 0, 0));
    for (worker, other) in [(1, 2), (2, 1)] {
        let attempt = format!("j1.0#{}", worker - 1);
        for _ in 0..3 {
            rig.fails(&attempt, TryError::NotSent);
            rig.fire(Timer::Retry(id(&attempt)));
        }
        rig.fails(&attempt, TryError::NotSent);
        assert_eq!(rig.worker(worker), "DEAD", "{other} goes on");
    }
    let gone = "WORKER_FAILED by delivery, gone";
    assert_eq!(rig.task("j1.0"), format!("PENDING [w1@1 {gone}, w2@1 {gone}] 0/0/0"));
}
