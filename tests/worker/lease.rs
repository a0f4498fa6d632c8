//! The lease: without one nothing starts; when it is lost everything stops, and the next
//! incarnation begins.

use iris_check::model::exit::Final;
use iris_check::model::id::Incarnation;
use iris_check::model::policy::Policy;
use iris_check::model::timer::WorkerTimer;
use iris_check::model::wire::{BeatReply, Clock};
use iris_check::worker_sm::{Exit, Lease, WorkerInput};

use super::rig::{Rig, carried, id};

const LOST: WorkerInput = WorkerInput::Fired(WorkerTimer::Lease);

#[test]
fn before_the_first_acknowledgement_nothing_starts() {
    let mut rig = Rig::started(&Policy::HARDENED);
    assert_eq!(rig.sm.lease(), Lease::Awaited);
    assert_eq!(rig.run("j1.0#0"), "not now");
    assert_eq!(rig.on(WorkerInput::BeatDue), "beat");
    assert_eq!(rig.on(WorkerInput::Fired(WorkerTimer::Beat)), "beat");
    assert_eq!(rig.answer("", "", ""), "renew");
    assert_eq!(rig.run("j1.0#0"), "launch j1.0#0; accepted 1", "not now was no refusal");
}

#[test]
fn a_lease_that_runs_out_stops_everything_and_then_comes_the_next_incarnation() {
    for unknown in [false, true] {
        let mut rig = Rig::new();
        rig.run("j1.0#0");
        rig.start("j2.0#0");
        let news = if unknown { rig.unknown() } else { rig.on(LOST) };
        let stops = "abort j1.0#0; report j1.0#0 KILLED; terminate j2.0#0; arm kill j2.0#0";
        assert_eq!(news, stops);
        assert_eq!((rig.seat(), rig.sm.lease()), ("w1@1".into(), Lease::Lost));
        assert_eq!(rig.run("j3.0#0"), "not now");
        assert_eq!(rig.answer("", "", ""), "", "a late reply renews nothing");
        assert_eq!(rig.sm.lease(), Lease::Lost);
        assert_eq!(rig.on(LOST), "", "once is enough");
        let last = rig.on(WorkerInput::Exited(id("j2.0#0"), Exit::Stopped));
        assert_eq!(last, "report j2.0#0 KILLED; become 2");
        assert_eq!((rig.seat(), rig.sm.lease()), ("w1@2".into(), Lease::Awaited));
        assert_eq!(rig.sm.clock(), Clock(0));
    }
}

#[test]
fn an_idle_worker_takes_the_next_incarnation_at_once() {
    let mut rig = Rig::new();
    assert_eq!(rig.unknown(), "become 2");
    assert_eq!(rig.unknown(), "become 3");
}

#[test]
fn a_reply_to_another_incarnation_changes_nothing() {
    let mut rig = Rig::new();
    rig.unknown();
    let before = rig.sm.clone();
    let reply = BeatReply { known: true, ..BeatReply::default() };
    for reply in [reply, BeatReply::default()] {
        assert_eq!(rig.on(WorkerInput::BeatAnswered(Incarnation(1), reply)), "");
    }
    assert_eq!(rig.sm, before);
}

#[test]
fn exits_not_acknowledged_are_carried_and_tombstones_are_not() {
    let mut rig = Rig::new();
    rig.start("j1.0#0");
    rig.on(WorkerInput::Exited(id("j1.0#0"), Exit::Success));
    rig.start("j2.0#0");
    rig.on(WorkerInput::Exited(id("j2.0#0"), Exit::Error));
    rig.answer("j2.0#0", "", "");
    rig.kill("j3.0#0");
    rig.start("j4.0#0");
    rig.on(LOST);
    rig.on(WorkerInput::Exited(id("j4.0#0"), Exit::Stopped));
    let expected = [(id("j1.0#0"), Final::Succeeded), (id("j4.0#0"), Final::Killed)];
    assert_eq!(carried(&rig), expected);
    assert_eq!(rig.lists(), "j1.0#0 SUCCEEDED, j4.0#0 KILLED");
    rig.unknown();
    assert_eq!(
        (rig.seat().as_str(), rig.lists().as_str()),
        ("w1@3", "j1.0#0 SUCCEEDED, j4.0#0 KILLED")
    );
    rig.answer("j1.0#0", "", "");
    assert_eq!(rig.lists(), "j4.0#0 KILLED");
    rig.on(WorkerInput::ReportAcked(id("j4.0#0")));
    assert_eq!(rig.lists(), "");
}

#[test]
fn the_next_incarnation_remembers_nothing_of_the_last() {
    let mut rig = Rig::new();
    rig.start("j1.0#0");
    rig.on(LOST);
    rig.on(WorkerInput::Exited(id("j1.0#0"), Exit::Stopped));
    rig.answer("j1.0#0", "", "");
    assert_eq!(rig.run("j1.0#0"), "not now", "it was meant for w1@1, and is over there");
    assert_eq!(rig.run_at("w1@2", "j1.0#1", 2), "launch j1.0#1; accepted 2");
}
