//! `RunTask`, `KillTask`, launches, exits, acknowledgements.

use iris_check::model::exit::Fault;
use iris_check::model::policy::Policy;
use iris_check::model::timer::WorkerTimer;
use iris_check::worker_sm::{Exit, WorkerInput};

use super::rig::{Rig, id};

const A: &str = "j1.0#0";

fn exited(rig: &mut Rig, exit: Exit) -> String {
    rig.on(WorkerInput::Exited(id(A), exit))
}

#[test]
fn a_run_is_launched_runs_and_ends() {
    let mut rig = Rig::new();
    assert_eq!(rig.run(A), "launch j1.0#0; accepted 1");
    assert_eq!(rig.lists(), "j1.0#0 BUILDING");
    assert_eq!(rig.on(WorkerInput::Launched(id(A))), "report j1.0#0 RUNNING");
    assert_eq!(rig.lists(), "j1.0#0 RUNNING");
    assert_eq!(exited(&mut rig, Exit::Success), "report j1.0#0 SUCCEEDED");
    assert_eq!(rig.lists(), "j1.0#0 SUCCEEDED");
    assert_eq!(exited(&mut rig, Exit::Error), "", "it is over");
}

#[test]
fn what_a_launch_or_a_process_ends_as() {
    for (fault, word) in [(Fault::Bundle, "bundle"), (Fault::Container, "container")] {
        let mut rig = Rig::new();
        rig.run(A);
        let news = rig.on(WorkerInput::LaunchFailed(id(A), fault));
        assert_eq!(news, format!("report j1.0#0 FAILED ({word})"));
    }
    for (exit, word) in [(Exit::Error, "FAILED"), (Exit::Stopped, "KILLED")] {
        let mut rig = Rig::new();
        rig.start(A);
        assert_eq!(exited(&mut rig, exit), format!("report j1.0#0 {word}"));
    }
}

#[test]
fn when_a_monitor_dies_the_process_is_stopped_and_that_is_a_failure() {
    let mut rig = Rig::new();
    rig.start(A);
    let news = rig.on(WorkerInput::MonitorDied(id(A)));
    assert_eq!(news, "terminate j1.0#0; arm kill j1.0#0");
    assert_eq!(rig.lists(), "j1.0#0 RUNNING", "it still runs");
    assert_eq!(exited(&mut rig, Exit::Stopped), "report j1.0#0 FAILED (monitor)");
}

#[test]
fn a_finished_attempt_is_listed_until_it_is_acknowledged() {
    let mut rig = Rig::new();
    rig.start(A);
    exited(&mut rig, Exit::Success);
    rig.answer("", "", "");
    assert_eq!(rig.lists(), "j1.0#0 SUCCEEDED");
    rig.answer(A, "", "");
    assert_eq!(rig.lists(), "");
    let mut rig = Rig::new();
    rig.start(A);
    exited(&mut rig, Exit::Success);
    rig.on(WorkerInput::ReportAcked(id(A)));
    assert_eq!(rig.lists(), "");
}

#[test]
fn a_repeated_run_is_accepted_whatever_it_is_doing() {
    let mut rig = Rig::new();
    rig.run(A);
    assert_eq!(rig.run(A), "accepted 1", "building");
    rig.on(WorkerInput::Launched(id(A)));
    assert_eq!(rig.run(A), "accepted 2", "running");
    rig.kill(A);
    assert_eq!(rig.run(A), "accepted 2", "stopping");
    exited(&mut rig, Exit::Stopped);
    assert_eq!(rig.run(A), "accepted 3", "over");
    rig.answer(A, "", "");
    assert_eq!(rig.run(A), "accepted 4", "over and acknowledged");
    assert_eq!(rig.lists(), "", "and nothing starts twice");
}

#[test]
fn a_refusal_is_for_ever() {
    let mut rig = Rig::new();
    rig.start(A);
    assert_eq!(rig.run_at("w1@1", "j2.0#0", 2), "refused", "one CPU is free");
    exited(&mut rig, Exit::Success);
    assert_eq!(rig.run_at("w1@1", "j2.0#0", 2), "refused", "and now both are");
    assert_eq!(rig.kill("j2.0#0"), "missing");
    assert_eq!(rig.lists(), "j1.0#0 SUCCEEDED");
}

#[test]
fn what_is_stopping_still_takes_its_room() {
    let mut rig = Rig::new();
    rig.start(A);
    rig.kill(A);
    assert_eq!(rig.run_at("w1@1", "j2.0#0", 2), "refused");
    exited(&mut rig, Exit::Stopped);
    assert_eq!(rig.run_at("w1@1", "j3.0#0", 2), "launch j3.0#0; accepted 4");
}

#[test]
fn a_kill_that_overtakes_its_run_wins() {
    for fence in [false, true] {
        let mut rig = Rig::new();
        assert_eq!(rig.kill_at("w1@1", A, fence), "missing");
        assert_eq!(rig.lists(), "j1.0#0 MISSING");
        assert_eq!(rig.run(A), "refused");
        rig.answer(A, "", "");
        assert_eq!(rig.lists(), "");
        assert_eq!(rig.run(A), "refused", "also after the acknowledgement");
        assert_eq!(rig.kill_at("w1@1", A, fence), "missing");
    }
}

#[test]
fn stop_and_fence_in_a_reply_leave_tombstones_too() {
    let mut rig = Rig::new();
    assert_eq!(rig.answer("", "j1.0#0", "j2.0#0"), "renew");
    assert_eq!(rig.lists(), "j1.0#0 MISSING, j2.0#0 MISSING");
    assert_eq!((rig.run(A), rig.run("j2.0#0")), ("refused".into(), "refused".into()));
}

#[test]
fn a_fence_leaves_alone_what_was_started() {
    let mut rig = Rig::new();
    rig.start(A);
    assert_eq!(rig.kill_at("w1@1", A, true), "started 2");
    assert_eq!(rig.answer("", "", A), "renew");
    assert_eq!(rig.lists(), "j1.0#0 RUNNING");
}

#[test]
fn a_fence_for_what_was_refused_is_answered() {
    let mut rig = Rig::new();
    assert_eq!(rig.run_at("w1@1", A, 3), "refused");
    assert_eq!(rig.lists(), "", "the answer may have been lost");
    rig.answer("", "", A);
    assert_eq!(rig.lists(), "j1.0#0 MISSING");
    rig.answer(A, "", "");
    assert_eq!(rig.lists(), "");
}

#[test]
fn each_stop_is_answered_in_finished() {
    let mut rig = Rig::new();
    rig.run(A);
    rig.start("j2.0#0");
    let news = rig.answer("", "j1.0#0 j2.0#0 j3.0#0", "");
    let stops = "abort j1.0#0; report j1.0#0 KILLED; terminate j2.0#0; arm kill j2.0#0";
    assert_eq!(news, format!("{stops}; renew"));
    assert_eq!(rig.lists(), "j2.0#0 RUNNING, j1.0#0 KILLED, j3.0#0 MISSING");
    rig.on(WorkerInput::Exited(id("j2.0#0"), Exit::Stopped));
    rig.answer("j1.0#0 j2.0#0 j3.0#0", "", "");
    assert_eq!(rig.lists(), "");
    rig.answer("", "j1.0#0 j2.0#0 j3.0#0", "");
    assert_eq!(rig.lists(), "j1.0#0 KILLED, j2.0#0 KILLED, j3.0#0 MISSING", "said again");
}

#[test]
fn a_process_that_does_not_end_is_destroyed() {
    let mut rig = Rig::new();
    rig.start(A);
    assert_eq!(rig.kill(A), "terminate j1.0#0; arm kill j1.0#0; started 2");
    assert_eq!(rig.kill(A), "started 2", "once is enough");
    let over = WorkerInput::Fired(WorkerTimer::Kill(id(A)));
    assert_eq!(rig.on(over.clone()), "destroy j1.0#0");
    assert_eq!(exited(&mut rig, Exit::Stopped), "report j1.0#0 KILLED");
    assert_eq!(rig.on(over), "");
}

#[test]
fn one_that_ends_by_itself_while_it_is_stopped_keeps_its_result() {
    let mut rig = Rig::new();
    rig.start(A);
    rig.kill(A);
    assert_eq!(exited(&mut rig, Exit::Success), "report j1.0#0 SUCCEEDED");
}

#[test]
fn another_incarnations_calls_are_without_effect() {
    let mut rig = Rig::new();
    for other in ["w1@2", "w2@1"] {
        assert_eq!(rig.run_at(other, A, 1), "not now", "it may have run where it was meant to");
        assert_eq!(rig.kill_at(other, A, false), "another's");
        assert_eq!(rig.lists(), "");
    }
    assert_eq!(rig.run(A), "launch j1.0#0; accepted 1");
}

#[test]
fn running_only_lists_no_results_but_what_was_stopped() {
    let mut rig = Rig::under(&Policy::AS_REPORTED_RECONCILE);
    rig.start(A);
    assert_eq!(exited(&mut rig, Exit::Success), "report j1.0#0 SUCCEEDED", "said once");
    assert_eq!(rig.lists(), "");
    rig.start("j2.0#0");
    rig.kill("j2.0#0");
    rig.on(WorkerInput::Exited(id("j2.0#0"), Exit::Stopped));
    assert_eq!(rig.lists(), "j2.0#0 KILLED");
}
