//! Workers that fall silent, fail launches, are drained.

use iris_check::controller_sm::Input;
use iris_check::model::id::WorkerId;
use iris_check::model::policy::Policy;
use iris_check::model::spec::Terms;
use iris_check::model::timer::Timer;
use iris_check::model::wire::RunAnswer;

use super::rig::{Rig, budgets, tasks};

const W1: WorkerId = WorkerId(1);

fn drain(rig: &mut Rig, closed: bool) -> String {
    rig.news(Input::Drain { worker: W1, closed })
}

#[test]
fn silence_degrades_and_a_beat_heals() {
    let mut rig = Rig::with_workers(1, 1);
    assert_eq!(rig.on(Input::Fired(Timer::Dead(WorkerId(7)))), "", "nobody");
    rig.fire(Timer::Silent(W1));
    assert_eq!(rig.worker(1), "DEGRADED (silent) 0 []");
    assert_eq!(rig.submit(tasks(1)), "submitted j1", "nothing new is placed there");
    assert_eq!(rig.why(1), "quarantine");
    assert_eq!(rig.beat("w1@1", 0, "", ""), "known; run j1.0#0 on w1@1");
}

#[test]
fn dead_is_removed_and_its_attempts_are_lost() {
    let mut rig = Rig::with_workers(2, 1);
    rig.submit(tasks(1));
    rig.start("j1.0#0");
    rig.fire(Timer::Silent(W1));
    let news = rig.fire(Timer::Dead(W1));
    assert_eq!(news, "disarm Silent(w1); disarm Dead(w1); run j1.0#1 on w2@1");
    assert_eq!(rig.worker(1), "DEAD");
    let found = rig.task("j1.0");
    assert_eq!(found, "ASSIGNED [w1@1 WORKER_FAILED by loss, gone, w2@1 try 1] 0/0/1");
}

/// Fails this many launches in a row, in each of the ways that count.
fn fail_launches(rig: &mut Rig, from: u16, count: u16) {
    for number in from..from + count {
        let attempt = format!("j1.0#{number}");
        match number % 3 {
            0 => rig.run(&attempt, RunAnswer::Refused),
            1 => rig.report(&attempt, "Fb"),
            _ => rig.report(&attempt, "Fc"),
        };
    }
}

#[test]
fn three_failed_launches_in_a_row_are_a_quarantine() {
    let mut rig = Rig::with_workers(1, 1);
    rig.submit(budgets(9, 9, 9));
    fail_launches(&mut rig, 0, 2);
    assert_eq!(rig.worker(1), "HEALTHY 1000 [j1.0#2]");
    assert_eq!(rig.report("j1.0#2", "Fc"), "arm Quarantine(w1) 15 s; noted");
    assert_eq!(rig.worker(1), "DEGRADED (quarantine) 0 []");
    assert_eq!(rig.why(1), "quarantine");
    assert_eq!(rig.beat("w1@1", 1, "", ""), "known", "a beat does not end it");
    assert_eq!(rig.fire(Timer::Quarantine(W1)), "disarm Silent(w1)");
    assert_eq!(rig.worker(1), "DEGRADED (silent) 0 []", "it waits for a heartbeat");
    assert_eq!(rig.beat("w1@1", 1, "", ""), "known; run j1.0#3 on w1@1");
    fail_launches(&mut rig, 3, 2);
    assert_eq!(rig.worker(1), "HEALTHY 1000 [j1.0#5]", "the count began anew");
}

#[test]
fn a_launch_that_runs_ends_the_count() {
    let mut rig = Rig::with_workers(1, 1);
    rig.submit(budgets(9, 9, 9));
    fail_launches(&mut rig, 0, 2);
    rig.start("j1.0#2");
    rig.report("j1.0#2", "F");
    fail_launches(&mut rig, 3, 2);
    assert_eq!(rig.worker(1), "HEALTHY 1000 [j1.0#5]");
}

#[test]
fn zero_means_no_quarantine_at_all() {
    let mut rig = Rig::under(Policy { quarantine_after: 0, ..Policy::HARDENED }, 1, 1);
    rig.submit(budgets(9, 9, 9));
    fail_launches(&mut rig, 0, 6);
    assert_eq!(rig.worker(1), "HEALTHY 1000 [j1.0#6]");
}

#[test]
fn drain_closes_lets_attempts_end_and_removes_charging_nothing() {
    let mut rig = Rig::with_workers(1, 4);
    rig.submit(tasks(1));
    rig.start("j1.0#0");
    assert_eq!(drain(&mut rig, true), "drained w1");
    assert_eq!(rig.worker(1), "DEGRADED (closed) 1000 [j1.0#0]");
    assert_eq!(rig.submit(tasks(1)), "submitted j2");
    assert_eq!(rig.beat("w1@1", 1, "j1.0#0=R", ""), "known");
    rig.report("j1.0#0", "S");
    assert_eq!(rig.task("j1.0"), "SUCCEEDED [w1@1 SUCCEEDED by exit, gone] 0/0/0");
    assert_eq!(rig.worker(1), "DEAD");
    for incarnation in ["w1@1", "w1@2"] {
        assert_eq!(rig.beat(incarnation, 0, "", ""), "unknown");
    }
    assert_eq!(drain(&mut rig, false), "drained w1");
    assert_eq!(rig.beat("w1@2", 0, "", ""), "known; disarm Grace(j2.0); run j2.0#0 on w1@2");
    let nobody = rig.on(Input::Drain { worker: WorkerId(9), closed: true });
    assert_eq!(nobody, "not found");
}

#[test]
fn an_idle_worker_is_removed_when_it_is_drained() {
    let mut rig = Rig::with_workers(1, 4);
    assert_eq!(drain(&mut rig, true), "drained w1; disarm Silent(w1); disarm Dead(w1)");
    assert_eq!(rig.worker(1), "DEAD");
    assert_eq!(rig.on(Input::Drain { worker: W1, closed: true }), "drained w1");
}

#[test]
fn a_worker_that_is_no_longer_drained_serves_after_its_next_heartbeat() {
    let mut rig = Rig::with_workers(1, 4);
    rig.submit(tasks(1));
    drain(&mut rig, true);
    assert_eq!(drain(&mut rig, false), "disarm Silent(w1); drained w1");
    assert_eq!(rig.worker(1), "DEGRADED (silent) 1000 [j1.0#0]");
    assert_eq!(rig.submit(tasks(1)), "submitted j2");
    assert_eq!(rig.beat("w1@1", 0, "", ""), "known; run j2.0#0 on w1@1");
}

#[test]
fn a_newer_start_of_a_drained_worker_ends_the_older_one_results_first() {
    let mut rig = Rig::with_workers(1, 4);
    rig.submit(Terms { max_task_failures: 9, ..tasks(2) });
    rig.start("j1.0#0");
    rig.start("j1.1#0");
    drain(&mut rig, true);
    assert!(rig.beat("w1@2", 0, "", "j1.0#0=S").contains("unknown"));
    assert_eq!(rig.worker(1), "DEAD");
    assert_eq!(rig.task("j1.0"), "SUCCEEDED [w1@1 SUCCEEDED by exit, gone] 0/0/0");
    assert_eq!(rig.task("j1.1"), "PENDING [w1@1 WORKER_FAILED by loss, gone] 0/0/1");
}

#[test]
fn a_pending_job_tells_one_reason() {
    let mut rig = Rig::with_workers(0, 2);
    rig.submit(tasks(1));
    assert_eq!(rig.why(1), "no live worker");
    rig.beat("w1@1", 0, "", "");
    assert_eq!(rig.why(1), "none");
    let needs = iris_check::model::resources::Resources::cpus(3);
    rig.submit(Terms { resources: needs, ..tasks(1) });
    assert_eq!(rig.why(2), "fits nowhere (needs 3000m CPU, largest 2000m CPU)");
    rig.submit(tasks(2));
    assert_eq!(rig.why(3), "no room");
    assert_eq!(rig.why(99), "none");
}
