//! Submitting, cancelling, the ends of jobs, and how long they are kept.

use iris_check::controller_sm::Input;
use iris_check::model::id::JobId;
use iris_check::model::policy::Policy;
use iris_check::model::spec::{JobSpec, Terms};
use iris_check::model::time::Millis;
use iris_check::model::timer::Timer;

use super::rig::{Rig, gang, id, tasks};

const FORGET: &str = "arm Forget(j1) 604800 s";

fn same_request(terms: Terms) -> Input {
    let request_id = Some("again".into());
    Input::Submit(Box::new(JobSpec { terms, request_id, ..JobSpec::default() }))
}

#[test]
fn the_same_request_submits_once() {
    let mut rig = Rig::with_workers(0, 1);
    assert!(rig.on(same_request(tasks(2))).contains("submitted j1"));
    assert_eq!(rig.on(same_request(tasks(2))), "submitted j1");
    assert_eq!(rig.sm.jobs().count(), 1);
    rig.cancel(1);
    assert_eq!(rig.on(same_request(tasks(2))), "submitted j1", "also after its end");
    rig.fire(Timer::Forget(JobId(1)));
    assert!(rig.on(same_request(tasks(2))).contains("submitted j2"), "not after it was forgotten");
}

#[test]
fn a_spec_out_of_its_limits_is_refused_and_nothing_happens() {
    let rows = [
        (tasks(0), "bad spec: replicas must be 1 to 10,000"),
        (tasks(10_001), "bad spec: replicas must be 1 to 10,000"),
        (
            Terms { max_task_failures: 1, ..gang(2, "zone") },
            "bad spec: max_task_failures must be 0, because a gang cannot go on without a member",
        ),
        (
            Terms { timeout: Some(Millis(0)), ..tasks(1) },
            "bad spec: timeout must be more than 0, or absent",
        ),
        (
            Terms { scheduling_timeout: Some(Millis(0)), ..tasks(1) },
            "bad spec: scheduling_timeout must be more than 0, or absent",
        ),
    ];
    let mut rig = Rig::with_workers(1, 1);
    for (terms, reply) in rows {
        assert_eq!(rig.on(same_request(terms)), reply);
    }
    assert!(rig.on(same_request(tasks(1))).contains("submitted j1"));
}

#[test]
fn defaults_are_numbers_and_zero_means_zero() {
    let terms = Terms::default();
    let budgets = (terms.budgets.failure, terms.budgets.preemption, terms.budgets.delivery);
    assert_eq!((terms.replicas, budgets, terms.max_task_failures), (1, (0, 100, 10), 0));
    let waits = (terms.scheduling_timeout, terms.timeout, terms.group_by);
    assert_eq!(waits, (None, None, None));
}

#[test]
fn cancel_wins_over_a_later_exit() {
    let mut rig = Rig::with_workers(1, 1);
    rig.submit(tasks(2));
    rig.start("j1.0#0");
    assert_eq!(rig.cancel(1), format!("kill j1.0#0 on w1@1; cancelled j1; ended j1; {FORGET}"));
    assert_eq!(rig.job(1), "KILLED");
    assert_eq!(rig.report("j1.0#0", "S"), "noted");
    assert_eq!(rig.task("j1.0"), "KILLED [w1@1 KILLED by cancel, gone] 0/0/0");
    assert_eq!(rig.task("j1.1"), "KILLED [] 0/0/0");
}

#[test]
fn cancelling_an_ended_job_changes_nothing_and_is_no_error() {
    let mut rig = Rig::with_workers(1, 1);
    rig.submit(tasks(1));
    rig.start("j1.0#0");
    rig.report("j1.0#0", "S");
    let before = rig.sm.clone();
    assert_eq!(rig.on(Input::Cancel(JobId(1))), "cancelled j1");
    assert_eq!(rig.sm, before);
    assert_eq!(rig.job(1), "SUCCEEDED");
    assert_eq!(rig.on(Input::Cancel(JobId(2))), "not found");
}

#[test]
fn when_a_job_ends_its_unfinished_tasks_are_killed_and_stopped() {
    let mut rig = Rig::with_workers(1, 3);
    rig.submit(tasks(4));
    rig.start("j1.0#0");
    rig.start("j1.1#0");
    let news = rig.report("j1.0#0", "F");
    let kills = "kill j1.1#0 on w1@1; kill j1.2#0 on w1@1";
    assert_eq!(news, format!("noted; {kills}; ended j1; {FORGET}"));
    assert_eq!(rig.job(1), "FAILED");
    assert_eq!(rig.task("j1.1"), "KILLED [w1@1 KILLED by job over] 0/0/0");
    assert_eq!(rig.task("j1.2"), "KILLED [w1@1 KILLED by job over] 0/0/0");
    assert_eq!(rig.task("j1.3"), "KILLED [] 0/0/0");
}

#[test]
fn as_many_tasks_may_fail_as_was_said() {
    let mut rig = Rig::with_workers(1, 4);
    rig.submit(Terms { max_task_failures: 1, ..tasks(3) });
    (0..3).for_each(|n| rig.start(&format!("j1.{n}#0")));
    assert_eq!(rig.report("j1.0#0", "F"), "noted");
    assert_eq!(rig.job(1), "RUNNING");
    rig.report("j1.1#0", "F");
    assert_eq!(rig.job(1), "FAILED");
    assert_eq!(rig.task("j1.2"), "KILLED [w1@1 KILLED by job over] 0/0/0");
}

#[test]
fn timeout_runs_from_the_acceptance_and_is_not_retried() {
    let mut rig = Rig::with_workers(1, 1);
    let budgets = super::rig::budgets(9, 9, 9).budgets;
    rig.submit(Terms { timeout: Some(Millis::seconds(7)), budgets, ..tasks(1) });
    assert_eq!(rig.accept("j1.0#0", 1), "arm Timeout(j1.0#0) 7 s");
    assert_eq!(rig.report("j1.0#0", "R"), "noted", "it is not started anew");
    let news = rig.fire(Timer::Timeout(id("j1.0#0")));
    assert_eq!(news, format!("kill j1.0#0 on w1@1; ended j1; {FORGET}"));
    assert_eq!(rig.task("j1.0"), "FAILED (timeout) [w1@1 FAILED by timeout] 0/0/0");
    assert_eq!(rig.job(1), "FAILED");
}

#[test]
fn scheduling_timeout_is_that_of_one_spell() {
    let mut rig = Rig::with_workers(1, 1);
    let limit = Some(Millis::seconds(2));
    let budgets = super::rig::budgets(1, 0, 0).budgets;
    let news = rig.submit(Terms { scheduling_timeout: limit, budgets, ..tasks(2) });
    let armed = "arm Scheduling(j1.0) 2 s; arm Scheduling(j1.1) 2 s; submitted j1";
    assert_eq!(news, format!("{armed}; disarm Scheduling(j1.0); run j1.0#0 on w1@1"));
    rig.start("j1.0#0");
    let news = rig.report("j1.0#0", "F");
    let again = "arm Scheduling(j1.0) 2 s; noted; disarm Scheduling(j1.0); run j1.0#1 on w1@1";
    assert_eq!(news, again, "a retry is a new spell, and keeps its place before j1.1");
    let news = rig.fire(Timer::Scheduling("j1.1".parse().expect("a task")));
    let spent = "disarm Scheduling(j1.1)";
    assert_eq!(news, format!("{spent}; kill j1.0#1 on w1@1; ended j1; {FORGET}"));
    assert_eq!(
        (rig.job(1), rig.task("j1.1")),
        ("UNSCHEDULABLE".into(), "UNSCHEDULABLE [] 0/0/0".into())
    );
}

#[test]
fn an_ended_job_is_kept_for_a_while_and_until_all_of_it_is_gone() {
    let mut rig = Rig::with_workers(1, 1);
    rig.submit(tasks(1));
    rig.start("j1.0#0");
    rig.cancel(1);
    assert_eq!(rig.fire(Timer::Forget(JobId(1))), "arm Forget(j1) 60 s", "it may still run");
    rig.report("j1.0#0", "K");
    assert_eq!(rig.on(Input::Fired(Timer::Forget(JobId(1)))), "persist");
    assert_eq!(rig.job(1), "none");
    assert_eq!(rig.on(Input::Cancel(JobId(1))), "not found");
    rig.submit(tasks(1));
    assert_eq!(rig.job(2), "RUNNING", "numbers are not given twice");
}

#[test]
fn only_so_many_ended_jobs_are_kept() {
    let mut rig = Rig::under(Policy { keep_jobs: 2, ..Policy::HARDENED }, 1, 1);
    rig.submit(tasks(1));
    rig.start("j1.0#0");
    for job in 2..=5 {
        rig.submit(tasks(1));
        if job == 2 {
            rig.cancel(1);
        }
        rig.cancel(job);
    }
    let kept: Vec<JobId> = rig.sm.jobs().map(|(id, _)| id).collect();
    assert_eq!(kept, [JobId(1), JobId(5)], "j1 is not confirmed gone");
    rig.report("j1.0#0", "K");
    rig.submit(tasks(1));
    rig.cancel(6);
    let kept: Vec<JobId> = rig.sm.jobs().map(|(id, _)| id).collect();
    assert_eq!(kept, [JobId(5), JobId(6)]);
}

#[test]
fn too_many_that_could_not_be_forgotten_are_forgotten_later() {
    let mut rig = Rig::under(Policy { keep_jobs: 1, ..Policy::HARDENED }, 1, 3);
    for job in 1..=3 {
        rig.submit(tasks(1));
        rig.start(&format!("j{job}.0#0"));
    }
    (1..=3).for_each(|job| {
        rig.cancel(job);
    });
    assert_eq!(rig.sm.jobs().count(), 3, "none of them is confirmed gone");
    (1..=3).for_each(|job| {
        rig.report(&format!("j{job}.0#0"), "K");
    });
    rig.submit(tasks(1));
    rig.cancel(4);
    assert_eq!(rig.sm.jobs().map(|(id, _)| id.0).collect::<Vec<_>>(), [4]);
}
