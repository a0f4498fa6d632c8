//! Scale groups: minimum, demand, maximum, quota, back-off, idleness.

use iris_check::controller_sm::{GroupConfig, GroupState, Input};
use iris_check::model::id::{GroupId, SliceId, VmId, WorkerId};
use iris_check::model::policy::Policy;
use iris_check::model::resources::{Attributes, Resources};
use iris_check::model::spec::Terms;
use iris_check::model::timer::Timer;

use super::rig::{Rig, gang, tasks};

pub const S1: SliceId = SliceId { group: GroupId(1), number: 1 };
const G1: Timer = Timer::Backoff(GroupId(1));

pub fn group(min_slices: u16, max_slices: u16, vms_per_slice: u8) -> GroupConfig {
    GroupConfig {
        min_slices,
        max_slices,
        vms_per_slice,
        capacity: Resources::cpus(1),
        attributes: Attributes::new([("zone", "a")]),
    }
}

pub fn cluster(groups: Vec<GroupConfig>) -> Rig {
    let mut rig = Rig::new(Policy::HARDENED, groups);
    rig.cpus = 1;
    rig
}

pub fn slice(number: u32) -> SliceId {
    SliceId { number, ..S1 }
}

/// The whole way of a slice until its workers beat.
pub fn serve(rig: &mut Rig, number: u32, vms: &[u32]) {
    rig.news(Input::SliceGranted(slice(number)));
    for vm in vms {
        rig.news(Input::VmBooted(VmId(*vm)));
    }
    for vm in vms {
        rig.beat(&format!("w{vm}@1"), 0, "", "");
    }
}

fn group_state(rig: &Rig) -> GroupState {
    rig.sm.groups().next().expect("one group").1.state
}

#[test]
fn the_minimum_is_asked_for_at_the_first_occasion() {
    let mut rig = cluster(vec![group(2, 3, 1)]);
    assert_eq!(rig.beat("w1@1", 0, "", ""), "known; create g1/s1 [v10]; create g1/s2 [v11]");
}

#[test]
fn demand_is_what_healthy_and_on_the_way_capacity_leaves_over() {
    let mut rig = cluster(vec![group(0, 9, 2)]);
    rig.beat("w1@1", 0, "", "");
    assert_eq!(rig.submit(tasks(1)), "submitted j1; run j1.0#0 on w1@1", "no demand");
    assert_eq!(
        rig.submit(tasks(3)),
        "submitted j2; create g1/s1 [v10, v11]; create g1/s2 [v12, v13]"
    );
    assert_eq!(rig.submit(tasks(1)), "submitted j3", "one of four is left");
    assert_eq!(rig.submit(tasks(1)), "submitted j4; create g1/s3 [v14, v15]");
}

#[test]
fn what_fits_no_group_is_no_demand() {
    let mut rig = cluster(vec![group(0, 9, 2)]);
    let needs = Resources::cpus(2);
    assert!(!rig.submit(Terms { resources: needs, ..tasks(1) }).contains("create"));
    assert!(!rig.submit(gang(3, "zone")).contains("create"), "larger than a slice");
    assert!(!rig.submit(gang(2, "rack")).contains("create"), "nobody there has a rack");
}

#[test]
fn a_gang_is_one_demand() {
    let mut rig = cluster(vec![group(0, 9, 2)]);
    let news = rig.submit(gang(2, "zone"));
    assert!(news.contains("create g1/s1 [v10, v11]") && !news.contains("g1/s2"), "{news}");
    let news = rig.submit(gang(2, "slice"));
    assert!(news.contains("create g1/s2 [v12, v13]") && !news.contains("g1/s3"), "{news}");
}

#[test]
fn groups_are_asked_in_the_order_of_their_names_and_up_to_their_maximum() {
    let mut rig = cluster(vec![group(0, 1, 1), group(0, 2, 1)]);
    let news = rig.submit(tasks(9));
    let created = "create g1/s1 [v10]; create g2/s1 [v11]; create g2/s2 [v12]";
    assert!(news.contains(created), "{news}");
    assert_eq!(news.matches("create").count(), 3, "never more than max_slices");
}

#[test]
fn a_slice_that_is_going_still_counts_against_the_maximum() {
    let mut rig = cluster(vec![group(0, 1, 1)]);
    rig.submit(tasks(2));
    serve(&mut rig, 1, &[10]);
    rig.fire(Timer::Dead(WorkerId(10)));
    assert!(!rig.fire(G1).contains("create"));
    let news = rig.news(Input::SliceTerminated(S1));
    assert!(news.contains("create g1/s2 [v11]"), "{news}");
}

#[test]
fn back_off_doubles_from_5_s_to_5_min_and_a_success_ends_it() {
    let mut rig = cluster(vec![group(1, 2, 1)]);
    rig.news(Input::Restarted);
    let pauses = [5, 10, 20, 40, 80, 160, 300, 300, 300];
    for (number, pause) in (1..).zip(pauses) {
        let news = rig.news(Input::SliceRefused { slice: slice(number), quota: false });
        assert_eq!(news, format!("arm Backoff(g1) {pause} s"));
        assert_eq!(group_state(&rig), GroupState::Backoff);
        assert!(rig.fire(G1).starts_with(&format!("create {}", slice(number + 1))));
    }
    rig.submit(tasks(2));
    rig.news(Input::SliceRefused { slice: slice(11), quota: false });
    assert_eq!(group_state(&rig), GroupState::Backoff);
    serve(&mut rig, 10, &[19]);
    assert_eq!(group_state(&rig), GroupState::Available);
    let news = rig.news(Input::SliceRefused { slice: slice(12), quota: false });
    assert_eq!(news, "arm Backoff(g1) 5 s", "it began anew");
}

#[test]
fn want_of_quota_pauses_for_5_min_and_a_failure_does_not_shorten_that() {
    let mut rig = cluster(vec![group(2, 2, 1)]);
    rig.news(Input::Restarted);
    let news = rig.news(Input::SliceRefused { slice: slice(2), quota: true });
    assert_eq!(news, "arm Backoff(g1) 300 s");
    assert_eq!(rig.news(Input::SliceRefused { slice: S1, quota: false }), "");
    assert_eq!(group_state(&rig), GroupState::QuotaExceeded);
    assert_eq!(rig.fire(G1), "create g1/s3 [v12]; create g1/s4 [v13]");
    assert_eq!(group_state(&rig), GroupState::Available);
    rig.news(Input::SliceRefused { slice: slice(4), quota: true });
    serve(&mut rig, 3, &[12]);
    assert_eq!(group_state(&rig), GroupState::Available, "a success clears it");
}

#[test]
fn a_worker_that_restarts_is_no_success() {
    let mut rig = cluster(vec![group(2, 2, 1)]);
    rig.news(Input::Restarted);
    serve(&mut rig, 1, &[10]);
    rig.news(Input::SliceRefused { slice: slice(2), quota: false });
    rig.beat("w10@2", 0, "", "");
    assert_eq!(group_state(&rig), GroupState::Backoff);
}

#[test]
fn idle_slices_go_only_above_the_minimum() {
    let mut rig = cluster(vec![group(1, 2, 1)]);
    rig.submit(tasks(2));
    serve(&mut rig, 1, &[10]);
    serve(&mut rig, 2, &[11]);
    for (attempt, timer) in [("j1.0#0", "g1/s1"), ("j1.1#0", "g1/s2")] {
        rig.start(attempt);
        let news = rig.report(attempt, "S");
        assert!(news.contains(&format!("arm Idle({timer}) 300 s")), "{news}");
    }
    let news = rig.fire(Timer::Idle(slice(2)));
    assert_eq!(news, "disarm Idle(g1/s2); terminate g1/s2");
    assert_eq!(rig.worker(11), "DEGRADED (closed) 0 []");
    assert_eq!(rig.fire(Timer::Idle(S1)), "arm Idle(g1/s1) 300 s", "it is looked at again");
    assert!(!rig.news(Input::SliceTerminated(slice(2))).contains("create"));
    assert_eq!(rig.worker(11), "DEAD");
}

#[test]
fn idle_counts_from_the_confirmation() {
    let mut rig = cluster(vec![group(0, 1, 1)]);
    rig.submit(tasks(1));
    serve(&mut rig, 1, &[10]);
    rig.start("j1.0#0");
    assert!(!rig.cancel(1).contains("Idle"), "it may still run");
    assert_eq!(rig.report("j1.0#0", "K"), "noted; arm Idle(g1/s1) 300 s");
    rig.submit(tasks(1));
    assert!(!rig.timers.contains(&Timer::Idle(S1)), "it has work again");
}
