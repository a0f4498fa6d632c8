//! Gangs: all together, on distinct workers of one group, or not at all.

use iris_check::controller_sm::Input;
use iris_check::model::budget::Tally;
use iris_check::model::exit::{Fault, Final};
use iris_check::model::id::{JobId, WorkerId};
use iris_check::model::policy::Policy;
use iris_check::model::spec::Terms;
use iris_check::model::task::Phase;
use iris_check::model::timer::Timer;
use iris_check::model::wire::{Clock, Report, RunAnswer, Word};

use super::rig::{Rig, gang, tasks};

const FORGET: &str = "arm Forget(j1) 604800 s";

fn running(workers: u32, replicas: u16) -> Rig {
    let mut rig = Rig::with_workers(workers, 1);
    let budgets = Tally { failure: 1, delivery: 1, preemption: 1 };
    rig.submit(Terms { budgets, ..gang(replicas, "rack") });
    (0..replicas).for_each(|n| rig.start(&format!("j1.{n}#0")));
    rig
}

#[test]
fn it_waits_until_one_group_has_a_worker_for_each() {
    let mut rig = Rig::with_workers(3, 4);
    assert_eq!(rig.submit(gang(3, "zone")), "submitted j1", "zone a: w1, w3; zone b: w2");
    assert_eq!(rig.why(1), "no room");
    assert_eq!(rig.beat("w4@1", 0, "", ""), "known", "zone b: w2, w4");
    let news = rig.beat("w5@1", 0, "", "");
    assert_eq!(news, "known; run j1.0#0 on w1@1; run j1.1#0 on w3@1; run j1.2#0 on w5@1");
    assert_eq!(rig.submit(gang(2, "zone")).matches("run").count(), 2, "others have room");
    assert_eq!(rig.submit(gang(1, "colour")), "submitted j3", "nobody has a colour");
}

#[test]
fn groups_are_tried_in_the_order_of_their_names() {
    let mut rig = Rig::with_workers(4, 1);
    let news = rig.submit(gang(2, "zone"));
    assert_eq!(news, "submitted j1; run j1.0#0 on w1@1; run j1.1#0 on w3@1");
    let news = rig.submit(gang(2, "zone"));
    assert_eq!(news, "submitted j2; run j2.0#0 on w2@1; run j2.1#0 on w4@1");
}

#[test]
fn one_that_goes_back_takes_the_others_back_and_pays_for_them() {
    let mut rig = running(2, 2);
    let news = rig.report("j1.0#0", "F");
    assert_eq!(news, "noted; kill j1.1#0 on w2@1");
    assert_eq!(rig.task("j1.0"), "PENDING [w1@1 FAILED by exit, gone] 1/0/0");
    assert_eq!(rig.task("j1.1"), "PENDING [w2@1 COSCHED_FAILED by gang] 0/0/0");
    assert_eq!(rig.why(1), "waits for j1.1#0 on w2", "of whichever member");
    let news = rig.report("j1.1#0", "K");
    assert_eq!(news, "noted; run j1.0#1 on w2@1; run j1.1#1 on w1@1");
}

#[test]
fn a_refusal_bounces_too() {
    let mut rig = Rig::with_workers(2, 1);
    rig.submit(gang(2, "rack"));
    assert_eq!(rig.run("j1.1#0", RunAnswer::Refused), "kill j1.0#0 on w1@1");
    assert_eq!(rig.task("j1.0"), "PENDING [w1@1 COSCHED_FAILED by gang] 0/0/0");
    assert_eq!(rig.task("j1.1"), "PENDING [w2@1 WORKER_FAILED by delivery, gone] 0/1/0");
}

#[test]
fn a_member_that_falls_ends_the_job_as_it_fell() {
    let mut rig = running(2, 2);
    rig.report("j1.0#0", "F");
    rig.report("j1.1#0", "K");
    rig.start("j1.0#1");
    let news = rig.report("j1.0#1", "F");
    assert_eq!(news, format!("noted; kill j1.1#1 on w1@1; ended j1; {FORGET}"));
    assert_eq!(rig.job(1), "FAILED");
    assert!(rig.task("j1.1").ends_with("w1@1 KILLED by gang] 0/0/0"), "{}", rig.task("j1.1"));
    let mut rig = Rig::with_workers(2, 1);
    let budgets = Tally { preemption: 0, ..Tally::default() };
    rig.submit(Terms { budgets, ..gang(2, "rack") });
    rig.start("j1.0#0");
    rig.start("j1.1#0");
    rig.fire(Timer::Dead(WorkerId(1)));
    assert_eq!(rig.job(1), "WORKER_FAILED");
    assert_eq!(rig.task("j1.1"), "KILLED [w2@1 KILLED by gang] 0/0/0");
}

#[test]
fn a_sibling_that_succeeded_lets_the_others_go_on() {
    let mut rig = running(2, 2);
    assert_eq!(rig.report("j1.0#0", "S"), "noted");
    assert_eq!(rig.job(1), "RUNNING");
    rig.report("j1.1#0", "S");
    assert_eq!(rig.job(1), "SUCCEEDED");
}

#[test]
fn going_back_when_a_sibling_has_succeeded_breaks_the_gang() {
    let mut rig = running(3, 3);
    rig.report("j1.0#0", "S");
    let news = rig.report("j1.1#0", "F");
    assert_eq!(news, format!("noted; kill j1.2#0 on w3@1; ended j1; {FORGET}"));
    assert_eq!(rig.task("j1.0"), "SUCCEEDED [w1@1 SUCCEEDED by exit, gone] 0/0/0");
    assert_eq!(rig.task("j1.1"), "FAILED (gang broken) [w2@1 FAILED by exit, gone] 1/0/0");
    assert_eq!(rig.task("j1.2"), "KILLED [w3@1 KILLED by gang] 0/0/0");
    assert_eq!(rig.job(1), "FAILED");
}

#[test]
fn success_and_loss_in_one_heartbeat_break_the_gang() {
    // Both results stand in one list: they are charged before the gang is judged.
    let mut rig = running(2, 2);
    rig.beat("w1@1", 9, "", "j1.0#0=S j1.1#0=S");
    assert_eq!(rig.task("j1.1"), "RUNNING [w2@1 since 1] 0/0/0", "w1 was not given j1.1");
    rig.fire(Timer::Dead(WorkerId(2)));
    assert_eq!(rig.job(1), "FAILED");
    assert!(
        rig.task("j1.1").starts_with("FAILED (gang broken) [w2@1 WORKER_FAILED by loss, gone]")
    );
}

#[test]
fn all_losses_of_one_event_are_charged_before_anybody_bounces() {
    let mut rig = Rig::with_workers(1, 4);
    rig.cpus = 4;
    rig.beat("w2@1", 0, "", "");
    rig.submit(Terms { budgets: Tally { preemption: 9, ..Tally::default() }, ..gang(2, "rack") });
    rig.submit(Terms { budgets: Tally { preemption: 9, ..Tally::default() }, ..tasks(1) });
    for attempt in ["j1.0#0", "j1.1#0", "j2.0#0"] {
        rig.start(attempt);
    }
    rig.fire(Timer::Dead(WorkerId(1)));
    assert_eq!(rig.task("j1.0"), "PENDING [w1@1 WORKER_FAILED by loss, gone] 0/0/1");
    assert_eq!(rig.task("j1.1"), "PENDING [w2@1 COSCHED_FAILED by gang] 0/0/0");
    assert!(rig.task("j2.0").ends_with("0/0/1"));
}

/// Its siblings may fail more often than a task has attempts to give: that is no reason to panic.
#[test]
fn a_member_without_a_number_for_its_next_attempt_breaks_the_gang() {
    let policy = Policy { quarantine_after: 0, ..Policy::HARDENED };
    let mut rig = Rig::under(policy, 3, 1);
    let budgets = Tally { failure: 10_000, delivery: 10_000, preemption: 10_000 };
    rig.submit(Terms { budgets, ..gang(3, "rack") });
    let ends = [Final::Failed(Fault::Exit), Final::Missing, Final::Killed];
    // Without the rig's laws, which look at all attempts each time.
    for round in 0..u16::MAX {
        let falls = round / 30_000;
        for member in [falls, (falls + 1) % 3, (falls + 2) % 3] {
            let attempt = JobId(1).task(member).attempt(round);
            let seat = rig.sm.attempt(attempt).expect("all were placed").seat;
            let mut say = |word| {
                let _ = rig.sm.on(Input::Report(Report { seat, attempt, word, clock: Clock(1) }));
            };
            let end = ends[usize::from(round / 10_000 % 3)];
            if member == falls && end == Final::Killed {
                say(Word::Phase(Phase::Running));
            }
            say(Word::Final(if member == falls { end } else { Final::Killed }));
        }
    }
    assert_eq!(rig.job(1), "FAILED");
    let states = rig.sm.jobs().flat_map(|(_, job)| &job.tasks).map(|task| task.state.to_string());
    assert_eq!(states.collect::<Vec<_>>(), ["KILLED", "KILLED", "FAILED (gang broken)"]);
}

#[test]
fn a_gang_member_that_times_out_ends_the_gang() {
    let mut rig = Rig::with_workers(2, 1);
    let timeout = Some(iris_check::model::time::Millis::seconds(5));
    rig.submit(Terms { timeout, ..gang(2, "rack") });
    rig.start("j1.0#0");
    rig.start("j1.1#0");
    rig.fire(Timer::Timeout(super::rig::id("j1.0#0")));
    assert_eq!(rig.job(1), "FAILED");
    assert_eq!(rig.task("j1.0"), "FAILED (timeout) [w1@1 FAILED by timeout] 0/0/0");
    assert_eq!(rig.task("j1.1"), "KILLED [w2@1 KILLED by gang] 0/0/0");
}
