//! After a restart: what was under way is in doubt, nobody is HEALTHY until heard.

use iris_check::controller_sm::{ControllerSm, GroupConfig, Input};
use iris_check::model::id::{GroupId, SliceId};
use iris_check::model::policy::Policy;
use iris_check::model::resources::{Attributes, Resources};
use iris_check::model::spec::Terms;
use iris_check::model::time::Millis;
use iris_check::model::timer::Timer;
use iris_check::model::wire::TryError;

use super::rig::{Rig, id, tasks};

#[test]
fn the_controller_is_all_that_a_restart_needs() {
    let mut rig = Rig::with_workers(2, 2);
    rig.submit(tasks(5));
    rig.start("j1.0#0");
    rig.report("j1.0#0", "S");
    let written = serde_json::to_string(&rig.sm).expect("it can be written");
    let read: ControllerSm = serde_json::from_str(&written).expect("it can be read");
    assert_eq!(read, rig.sm);
}

#[test]
fn what_is_assigned_is_in_doubt_and_gets_no_new_tries() {
    for failed in [0, 1] {
        let mut rig = Rig::with_workers(1, 1);
        rig.submit(tasks(1));
        if failed == 1 {
            rig.fails("j1.0#0", TryError::NotSent);
        }
        assert_eq!(rig.news(Input::Restarted), "");
        assert_eq!(rig.task("j1.0"), "ASSIGNED [w1@1 in doubt after 1] 0/0/0");
        assert_eq!(rig.on(Input::Fired(Timer::Retry(id("j1.0#0")))), "");
        assert_eq!(rig.fails("j1.0#0", TryError::NotSent), "");
        assert_eq!(rig.beat("w1@1", 0, "", ""), "known fence [j1.0#0]");
    }
}

#[test]
fn nobody_is_healthy_until_heard() {
    let mut rig = Rig::with_workers(2, 1);
    assert_eq!(rig.on(Input::Restarted), "persist; arm Dead(w1) 60 s; arm Dead(w2) 60 s");
    assert_eq!(rig.worker(1), "DEGRADED (silent) 0 []");
    assert_eq!(rig.submit(tasks(1)), "submitted j1");
    assert_eq!(rig.beat("w2@1", 0, "", ""), "known; run j1.0#0 on w2@1");
}

#[test]
fn what_ended_and_is_not_confirmed_goes_to_stop() {
    let mut rig = Rig::with_workers(1, 1);
    rig.submit(tasks(1));
    rig.start("j1.0#0");
    rig.cancel(1);
    assert_eq!(rig.news(Input::Restarted), "arm Forget(j1) 604800 s");
    assert_eq!(rig.beat("w1@1", 9, "", ""), "known stop [j1.0#0]");
}

#[test]
fn timers_start_again() {
    let mut rig = Rig::with_workers(1, 1);
    let timeout = Some(Millis::seconds(9));
    rig.submit(Terms { timeout, ..tasks(1) });
    rig.start("j1.0#0");
    rig.submit(Terms { scheduling_timeout: timeout, ..tasks(1) });
    let news = rig.news(Input::Restarted);
    assert_eq!(news, "arm Timeout(j1.0#0) 9 s; arm Scheduling(j2.0) 9 s");
    rig.fire(Timer::Dead("w1".parse().expect("a worker")));
    let news = rig.news(Input::Restarted);
    let first = "arm Grace(j1.0) 600 s; arm Scheduling(j2.0) 9 s; arm Grace(j2.0) 600 s";
    assert_eq!(news, first);
}

fn with_group() -> Rig {
    let group = GroupConfig {
        min_slices: 1,
        max_slices: 1,
        vms_per_slice: 1,
        capacity: Resources::cpus(1),
        attributes: Attributes::default(),
    };
    Rig::new(Policy::HARDENED, vec![group])
}

const S1: SliceId = SliceId { group: GroupId(1), number: 1 };

#[test]
fn the_provider_is_asked_again_for_what_may_not_have_been_asked_for() {
    let mut rig = with_group();
    assert_eq!(rig.news(Input::Restarted), "create g1/s1 [v10]");
    assert_eq!(rig.news(Input::Restarted), "create g1/s1 [v10]", "the same again");
    rig.news(Input::SliceGranted(S1));
    assert_eq!(rig.news(Input::Restarted), "arm Boot(v10) 300 s");
    rig.fire(Timer::Boot("v10".parse().expect("a VM")));
    let news = rig.news(Input::Restarted);
    assert_eq!(news, "arm Backoff(g1) 5 s; terminate g1/s1");
}

#[test]
fn a_pause_is_as_long_as_it_was() {
    let mut rig = with_group();
    rig.news(Input::Restarted);
    rig.news(Input::SliceRefused { slice: S1, quota: true });
    assert_eq!(rig.news(Input::Restarted), "arm Backoff(g1) 300 s");
    let mut rig = with_group();
    rig.news(Input::Restarted);
    for number in 1..=3 {
        rig.news(Input::SliceRefused { slice: SliceId { number, ..S1 }, quota: false });
        if number < 3 {
            rig.fire(Timer::Backoff(GroupId(1)));
        }
    }
    assert_eq!(rig.news(Input::Restarted), "arm Backoff(g1) 20 s");
}
