//! Heartbeats and reports: results before absence, incarnations, what is told to stop.

use iris_check::controller_sm::Input;
use iris_check::model::id::Seat;
use iris_check::model::timer::Timer;

use super::rig::{Rig, budgets, id, tasks};

const A: &str = "j1.0#0";

fn seat(text: &str) -> Seat {
    text.parse().expect("a seat")
}

fn running(workers: u32) -> Rig {
    let mut rig = Rig::with_workers(workers, 4);
    rig.submit(tasks(1));
    rig.accept(A, 5);
    rig.report(A, "R");
    rig
}

#[test]
fn the_first_beat_registers_and_every_beat_renews() {
    let mut rig = Rig::with_workers(0, 4);
    let beat = Input::Beat(Box::new(rig.heartbeat("w1@1", 0, "", "")));
    let renewed = "arm Silent(w1) 15 s; arm Dead(w1) 60 s; known";
    assert_eq!(rig.on(beat.clone()), format!("persist; {renewed}"));
    assert_eq!(rig.on(beat), renewed, "nothing to persist");
    assert_eq!(rig.worker(1), "HEALTHY 0 []");
}

#[test]
fn reports_renew_nothing() {
    let mut rig = running(1);
    rig.fire(Timer::Silent(seat("w1@1").worker));
    rig.report(A, "R");
    assert_eq!(rig.worker(1), "DEGRADED (silent) 1000 [j1.0#0]");
    assert_eq!(rig.beat("w1@1", 5, "j1.0#0=R", ""), "known");
    assert_eq!(rig.worker(1), "HEALTHY 1000 [j1.0#0]");
}

#[test]
fn a_beat_built_before_the_acceptance_proves_nothing() {
    for (clock, missed) in [(0, false), (4, false), (5, true), (6, true)] {
        let mut rig = running(1);
        let reply = rig.beat("w1@1", clock, "", "");
        if missed {
            assert_eq!(reply, "known stop [j1.0#0]", "clock {clock}");
            assert_eq!(rig.task("j1.0"), "PENDING [w1@1 WORKER_FAILED by loss] 0/0/1");
        } else {
            assert_eq!(reply, "known", "clock {clock}");
            assert_eq!(rig.task("j1.0"), "RUNNING [w1@1 since 5] 0/0/0");
        }
    }
}

#[test]
fn what_was_never_accepted_cannot_be_missing() {
    let mut rig = Rig::with_workers(1, 4);
    rig.submit(tasks(1));
    assert_eq!(rig.beat("w1@1", 99, "", ""), "known");
    assert_eq!(rig.task("j1.0"), "ASSIGNED [w1@1 try 1] 0/0/0");
}

#[test]
fn the_earliest_clock_of_an_acceptance_counts() {
    let mut rig = running(1);
    rig.beat("w1@1", 3, "j1.0#0=R", "");
    assert_eq!(rig.task("j1.0"), "RUNNING [w1@1 since 3] 0/0/0");
    assert_eq!(rig.beat("w1@1", 4, "", ""), "known stop [j1.0#0]");
}

#[test]
fn results_come_before_absence() {
    let mut rig = running(1);
    let news = rig.beat("w1@1", 6, "", "j1.0#0=S");
    assert_eq!(news, "known acked [j1.0#0]; ended j1; arm Forget(j1) 604800 s");
    assert_eq!(rig.task("j1.0"), "SUCCEEDED [w1@1 SUCCEEDED by exit, gone] 0/0/0");
}

#[test]
fn every_result_is_acknowledged_also_of_the_unknown() {
    let mut rig = Rig::with_workers(1, 4);
    let reply = rig.beat("w1@1", 1, "", "j7.0#0=S j8.3#1=M");
    assert_eq!(reply, "known acked [j7.0#0, j8.3#1]");
    assert_eq!(rig.report_from(seat("w1@1"), "j7.0#0", "S"), "noted");
    assert_eq!(rig.report_from(seat("w9@4"), "j7.0#0", "S"), "noted");
}

#[test]
fn a_newer_incarnation_ends_the_older_one_and_its_results_come_first() {
    let mut rig = Rig::with_workers(1, 4);
    rig.submit(tasks(3));
    (0..3).for_each(|n| rig.start(&format!("j1.{n}#0")));
    let news = rig.beat("w1@2", 0, "", "j1.0#0=S j1.1#0=F");
    assert!(news.contains("known acked [j1.0#0, j1.1#0]"), "{news}");
    assert_eq!(rig.task("j1.0"), "SUCCEEDED [w1@1 SUCCEEDED by exit, gone] 0/0/0");
    assert_eq!(rig.task("j1.1"), "FAILED [w1@1 FAILED by exit, gone] 1/0/0");
    assert_eq!(rig.task("j1.2"), "KILLED [w1@1 WORKER_FAILED by loss, gone] 0/0/1");
    assert_eq!(rig.worker(1), "HEALTHY 0 []");
}

#[test]
fn a_lower_incarnation_and_a_dead_one_change_nothing() {
    let mut rig = running(1);
    rig.beat("w1@3", 0, "", "");
    let before = rig.sm.clone();
    for old in ["w1@1", "w1@2", "w1@0"] {
        assert_eq!(rig.beat(old, 9, "j1.0#1=R", "j1.0#1=S j1.0#0=S"), "unknown", "{old}");
    }
    rig.report_from(seat("w1@1"), "j1.0#1", "S");
    assert_eq!(rig.sm, before);
    rig.fire(Timer::Dead(seat("w1@1").worker));
    let before = rig.sm.clone();
    assert_eq!(rig.beat("w1@3", 1, "", "j1.0#1=S"), "unknown");
    assert_eq!(rig.sm, before);
    assert_eq!(rig.worker(1), "DEAD");
    let news = rig.beat("w1@4", 0, "", "");
    assert_eq!(news, "known; disarm Grace(j1.0); run j1.0#2 on w1@4");
}

#[test]
fn stop_names_what_is_unwanted_and_what_is_ended_and_unconfirmed_listed_or_not() {
    let mut rig = Rig::with_workers(1, 4);
    rig.submit(tasks(2));
    rig.start("j1.0#0");
    rig.start("j1.1#0");
    rig.cancel(1);
    let reply = rig.beat("w1@1", 7, "j1.1#0=R j5.0#0=B", "");
    assert_eq!(reply, "known stop [j1.0#0, j1.1#0, j5.0#0]");
    assert_eq!(rig.worker(1), "HEALTHY 2000 [j1.0#0, j1.1#0]");
    let reply = rig.beat("w1@1", 8, "j1.1#0=R", "j1.0#0=K j5.0#0=M");
    assert_eq!(reply, "known acked [j1.0#0, j5.0#0] stop [j1.1#0]");
    assert_eq!(rig.worker(1), "HEALTHY 1000 [j1.1#0]");
    rig.report("j1.1#0", "K");
    assert_eq!(rig.worker(1), "HEALTHY 0 []");
    assert_eq!(rig.beat("w1@1", 9, "", ""), "known");
}

#[test]
fn what_a_worker_lists_of_others_is_not_held_there() {
    let mut rig = running(2);
    assert_eq!(rig.worker(1), "HEALTHY 1000 [j1.0#0]");
    assert_eq!(rig.beat("w2@1", 3, "j1.0#0=R", ""), "known stop [j1.0#0]");
    rig.beat("w2@1", 4, "", "j1.0#0=K");
    assert_eq!(rig.worker(2), "HEALTHY 0 []");
    assert_eq!(rig.task("j1.0"), "RUNNING [w1@1 since 5] 0/0/0");
}

#[test]
fn a_message_about_what_has_ended_only_confirms_it_gone() {
    let mut rig = Rig::with_workers(2, 4);
    rig.submit(budgets(0, 1, 1));
    rig.start(A);
    rig.beat("w1@1", 9, "", "");
    assert_eq!(rig.task("j1.0"), "PENDING [w1@1 WORKER_FAILED by loss] 0/0/1");
    for late in ["R", "B"] {
        assert_eq!(rig.report(A, late), "noted");
    }
    assert_eq!(rig.task("j1.0"), "PENDING [w1@1 WORKER_FAILED by loss] 0/0/1");
    assert_eq!(rig.report(A, "S"), "noted; run j1.0#1 on w2@1");
    let found = rig.task("j1.0");
    assert_eq!(found, "ASSIGNED [w1@1 WORKER_FAILED by loss, gone, w2@1 try 1] 0/0/1");
    let before = rig.sm.clone();
    rig.report(A, "F");
    rig.news(Input::Fired(Timer::Timeout(id(A))));
    assert_eq!(rig.sm, before);
}
