//! Slices: they come, fail, are preempted and are terminated as a whole.

use iris_check::controller_sm::Input;
use iris_check::model::id::{VmId, WorkerId};
use iris_check::model::timer::Timer;
use iris_check::model::vm::VmState;

use super::fleet::{S1, cluster, group, serve, slice};
use super::rig::{Rig, tasks};

fn vms(rig: &Rig) -> Vec<VmState> {
    rig.sm.slices().flat_map(|(_, slice)| slice.vms.iter().map(|(_, state)| *state)).collect()
}

/// One slice of two VMs and a task on each, the first RUNNING, the second ASSIGNED.
fn busy() -> Rig {
    let mut rig = cluster(vec![group(0, 2, 2)]);
    rig.submit(tasks(2));
    serve(&mut rig, 1, &[10, 11]);
    rig.start("j1.0#0");
    rig
}

#[test]
fn a_vm_goes_from_requesting_to_ready() {
    let mut rig = cluster(vec![group(0, 1, 2)]);
    rig.submit(tasks(2));
    assert_eq!(vms(&rig), [VmState::Requesting; 2]);
    let news = rig.news(Input::SliceGranted(S1));
    assert_eq!(news, "arm Boot(v10) 300 s; arm Boot(v11) 300 s");
    assert_eq!(rig.news(Input::SliceGranted(S1)), "", "late news");
    let news = rig.news(Input::VmBooted(VmId(10)));
    assert_eq!(news, "disarm Boot(v10); arm Init(v10) 600 s");
    assert_eq!(vms(&rig), [VmState::Initializing, VmState::Booting]);
    let news = rig.beat("w10@1", 0, "", "");
    assert_eq!(news, "disarm Init(v10); known; run j1.0#0 on w10@1");
    rig.beat("w11@1", 0, "", "");
    assert_eq!(vms(&rig), [VmState::Ready; 2]);
}

#[test]
fn a_vm_that_is_heard_before_its_grant_serves() {
    let mut rig = cluster(vec![group(0, 1, 1)]);
    rig.submit(tasks(1));
    rig.beat("w10@1", 0, "", "");
    assert_eq!(vms(&rig), [VmState::Ready]);
    assert_eq!(rig.news(Input::SliceGranted(S1)), "");
    assert_eq!(rig.news(Input::SliceRefused { slice: S1, quota: false }), "", "too late");
}

#[test]
fn boot_and_init_timeouts_fail_the_slice() {
    for booted in [false, true] {
        let mut rig = cluster(vec![group(0, 1, 2)]);
        rig.submit(tasks(1));
        rig.news(Input::SliceGranted(S1));
        let other = if booted {
            rig.news(Input::VmBooted(VmId(10)));
            rig.news(Input::VmBooted(VmId(11)));
            "Init"
        } else {
            "Boot"
        };
        let timer = if booted { Timer::Init(VmId(10)) } else { Timer::Boot(VmId(10)) };
        let news = rig.fire(timer);
        let ends = format!("disarm {other}(v10); arm Backoff(g1) 5 s; disarm {other}(v11)");
        assert_eq!(news, format!("{ends}; terminate g1/s1; arm Grace(j1.0) 600 s"));
        assert_eq!(vms(&rig), [VmState::Failed, VmState::Stopping]);
        assert_eq!(rig.beat("w11@1", 0, "", ""), "known; disarm Grace(j1.0)");
        assert_eq!(rig.worker(11), "DEGRADED (closed) 0 []", "nothing is placed there");
        rig.news(Input::SliceTerminated(S1));
        assert_eq!(rig.beat("w11@2", 0, "", ""), "unknown", "its VM is gone");
    }
}

#[test]
fn a_dead_worker_closes_its_slice_and_the_provider_confirms_the_end() {
    let mut rig = busy();
    let news = rig.fire(Timer::Dead(WorkerId(10)));
    let closed = "arm Backoff(g1) 5 s; kill j1.1#0 on w11@1; terminate g1/s1";
    assert_eq!(news, format!("disarm Silent(w10); disarm Dead(w10); {closed}"));
    assert_eq!(vms(&rig), [VmState::Failed, VmState::Stopping]);
    assert_eq!(rig.task("j1.0"), "PENDING [w10@1 WORKER_FAILED by loss, gone] 0/0/1");
    assert_eq!(rig.task("j1.1"), "PENDING [w11@1 WORKER_FAILED by delivery] 0/1/0");
    assert_eq!(rig.worker(11), "DEGRADED (closed) 1000 [j1.1#0]");
    rig.news(Input::SliceTerminated(S1));
    assert_eq!(rig.task("j1.1"), "PENDING [w11@1 WORKER_FAILED by delivery, gone] 0/1/0");
    assert_eq!((rig.worker(11), vms(&rig)), ("DEAD".into(), vec![]));
}

#[test]
fn attempts_of_a_closed_slice_are_also_confirmed_one_by_one() {
    let mut rig = busy();
    rig.fire(Timer::Dead(WorkerId(10)));
    assert_eq!(rig.beat("w11@1", 0, "", ""), "known stop [j1.1#0]");
    rig.beat("w11@1", 1, "", "j1.1#0=M");
    assert_eq!(rig.task("j1.1"), "PENDING [w11@1 WORKER_FAILED by delivery, gone] 0/1/0");
    assert_eq!(rig.worker(11), "DEGRADED (closed) 0 []");
}

#[test]
fn preemption_takes_the_whole_slice_on_two_budgets() {
    let mut rig = busy();
    let news = rig.news(Input::SlicePreempted(S1));
    assert!(news.contains("create g1/s2 [v12, v13]"), "{news}");
    assert!(!news.contains("Backoff"), "that is no failure of the group: {news}");
    assert_eq!(rig.task("j1.0"), "PENDING [w10@1 PREEMPTED by loss, gone] 0/0/1");
    assert_eq!(rig.task("j1.1"), "PENDING [w11@1 WORKER_FAILED by delivery, gone] 0/1/0");
    assert_eq!((rig.worker(10), rig.worker(11)), ("DEAD".into(), "DEAD".into()));
    assert_eq!(rig.beat("w10@1", 9, "j1.0#0=R", ""), "unknown");
    assert_eq!(rig.beat("w10@2", 0, "", "j1.0#0=S"), "unknown", "its VM is gone");
    serve(&mut rig, 2, &[12, 13]);
    assert!(rig.task("j1.0").contains("w12@1 try 1"), "{}", rig.task("j1.0"));
}

#[test]
fn a_slice_that_is_gone_unasked_was_taken_away() {
    let mut rig = busy();
    rig.news(Input::SliceTerminated(S1));
    assert_eq!(rig.task("j1.0"), "PENDING [w10@1 PREEMPTED by loss, gone] 0/0/1");
    let mut rig = cluster(vec![group(0, 1, 1)]);
    rig.submit(tasks(1));
    rig.news(Input::SliceGranted(S1));
    let news = rig.news(Input::SliceTerminated(S1));
    assert_eq!(news, "disarm Boot(v10); create g1/s2 [v11]", "its boot timer ends with it");
}

#[test]
fn preemption_takes_over_from_a_termination() {
    let mut rig = busy();
    rig.fire(Timer::Dead(WorkerId(10)));
    rig.news(Input::SlicePreempted(S1));
    assert_eq!(rig.task("j1.1"), "PENDING [w11@1 WORKER_FAILED by delivery, gone] 0/1/0");
    assert_eq!(rig.news(Input::SliceTerminated(S1)), "", "it is known to be gone");
    assert_eq!(rig.news(Input::SliceGranted(slice(7))), "", "never heard of");
}
