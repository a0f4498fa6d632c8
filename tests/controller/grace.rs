//! `no_workers_grace`: from the later of the last live worker's end and the task's PENDING.

use iris_check::controller_sm::{GroupConfig, Input};
use iris_check::model::id::{GroupId, SliceId, TaskId, VmId, WorkerId};
use iris_check::model::policy::Policy;
use iris_check::model::resources::{Attributes, Resources};
use iris_check::model::timer::Timer;

use super::rig::{Rig, tasks};

fn grace(task: &str) -> Timer {
    Timer::Grace(task.parse::<TaskId>().expect("a task"))
}

#[test]
fn without_any_worker_it_runs_from_the_submission() {
    let mut rig = Rig::under(Policy::LOCAL, 0, 1);
    assert_eq!(rig.submit(tasks(1)), "arm Grace(j1.0) 20 s; submitted j1");
    let news = rig.fire(grace("j1.0"));
    assert_eq!(news, "disarm Grace(j1.0); ended j1; arm Forget(j1) 604800 s");
    assert_eq!(rig.task("j1.0"), "FAILED (workers exhausted) [] 0/0/0");
    assert_eq!(rig.job(1), "FAILED");
}

#[test]
fn it_runs_from_the_end_of_the_last_live_worker_and_ends_with_the_next() {
    let mut rig = Rig::with_workers(2, 1);
    rig.submit(tasks(3));
    rig.fire(Timer::Silent(WorkerId(1)));
    rig.fire(Timer::Dead(WorkerId(1)));
    assert!(!rig.timers.contains(&grace("j1.2")), "w2 lives");
    let news = rig.fire(Timer::Dead(WorkerId(2)));
    for task in ["j1.0", "j1.1", "j1.2"] {
        assert!(news.contains(&format!("arm Grace({task}) 600 s")), "{news}");
    }
    let news = rig.beat("w3@1", 0, "", "");
    assert!(news.contains("disarm Grace(j1.2)"), "{news}");
    assert_eq!(rig.why(1), "no room");
}

#[test]
fn a_degraded_worker_is_live() {
    let mut rig = Rig::with_workers(1, 1);
    rig.fire(Timer::Silent(WorkerId(1)));
    assert_eq!(rig.submit(tasks(1)), "submitted j1");
}

fn slice(number: u32) -> SliceId {
    SliceId { group: GroupId(1), number }
}

#[test]
fn a_slice_on_its_way_pauses_it_but_not_after_three_barren_ones() {
    let group = GroupConfig {
        min_slices: 0,
        max_slices: 1,
        vms_per_slice: 1,
        capacity: Resources::cpus(4),
        attributes: Attributes::default(),
    };
    let mut rig = Rig::new(Policy::HARDENED, vec![group]);
    let news = rig.submit(tasks(1));
    let created = "create g1/s1 [v10]; disarm Grace(j1.0)";
    assert_eq!(news, format!("arm Grace(j1.0) 600 s; submitted j1; {created}"));
    for (number, pause) in [(1, "5 s"), (2, "10 s")] {
        let news = rig.news(Input::SliceRefused { slice: slice(number), quota: false });
        assert_eq!(news, format!("arm Backoff(g1) {pause}; arm Grace(j1.0) 600 s"));
        let vm = VmId(10 + number);
        let next = slice(number + 1);
        let news = rig.fire(Timer::Backoff(GroupId(1)));
        assert_eq!(news, format!("create {next} [{vm}]; disarm Grace(j1.0)"));
    }
    rig.news(Input::SliceRefused { slice: slice(3), quota: false });
    assert_eq!(rig.fire(Timer::Backoff(GroupId(1))), "create g1/s4 [v13]", "the fourth");
    rig.fire(grace("j1.0"));
    assert_eq!(rig.job(1), "FAILED");
}

#[test]
fn a_slice_that_served_is_not_barren_when_it_fails() {
    let group = GroupConfig {
        min_slices: 0,
        max_slices: 1,
        vms_per_slice: 1,
        capacity: Resources::cpus(4),
        attributes: Attributes::default(),
    };
    let mut rig = Rig::new(Policy::HARDENED, vec![group]);
    rig.submit(tasks(1));
    rig.news(Input::SliceGranted(slice(1)));
    rig.beat("w10@1", 0, "", "");
    rig.fire(Timer::Dead(WorkerId(10)));
    rig.news(Input::SliceTerminated(slice(1)));
    rig.fire(Timer::Backoff(GroupId(1)));
    for number in [2, 3] {
        rig.news(Input::SliceRefused { slice: slice(number), quota: false });
        assert!(rig.fire(Timer::Backoff(GroupId(1))).ends_with("disarm Grace(j1.0)"), "{number}");
    }
}
