//! What never happens: L1 to L5.

use iris_check::controller_sm::{ControllerSm, Effect, Effects, Input};
use iris_check::model::scheduler::Chooser;
use iris_check::model::timer::{Timer, WorkerTimer};
use iris_check::model::wire::KillAnswer;
use iris_check::worker_sm::{WorkerEffect, WorkerEffects, WorkerInput, WorkerSm};

use super::harness::{Row, Wrong};

pub const ROWS: &[Row] = &[
    Row {
        claim: "L1",
        broken: "a delivery in doubt is never fenced",
        scope: "policy_with = { delivery_tries = 1 }
            workers = [{}]
            jobs = [{}]
            faults.each = { run_lost = 1 }",
        wrong: Wrong::controller(doubt_stays),
        violated: &["L1"],
        steps: 3,
        found: "j1 never ends: it stays RUNNING, with j1.0 ASSIGNED",
    },
    // A task whose exit is never recorded never ends, and neither does its job, which is L1; unless
    // the job has another task for which there is no room then.
    Row {
        claim: "L2",
        broken: "a worker does not notice that a process has exited",
        scope: "workers = [{}]
            jobs = [{ replicas = 2 }]",
        wrong: Wrong::worker(exit_is_not_noticed),
        violated: &["L2"],
        steps: 7,
        found: "j1.0#0 exited by itself on w1, which is alive, and that is never recorded",
    },
    Row {
        claim: "L2",
        broken: "the same, with nothing else to wait for",
        scope: "workers = [{}]
            jobs = [{}]",
        wrong: Wrong::worker(exit_is_not_noticed),
        violated: &["L1", "L2"],
        steps: 7,
        found: "j1.0#0 exited by itself on w1, which is alive, and that is never recorded",
    },
    Row {
        claim: "L3",
        broken: "heartbeats are told to stop only what they list as running",
        scope: "workers = [{}]
            jobs = [{}]
            faults.each = { cancel = 1, run_lost = 1, kill_lost = 1 }",
        wrong: Wrong::controller(only_what_is_listed_is_stopped),
        violated: &["L3"],
        steps: 5,
        found: "j1.0#0 on w1@1 ended KILLED (cancel) and is never confirmed gone",
    },
    Row {
        claim: "L4",
        broken: "a worker that nobody listens to goes on",
        scope: "clocks = \"broken\"
            workers = [{}]
            jobs = [{ max_retries_preemption = 0, max_dispatch_failures = 0 }]
            faults.each = { beat_lost = 1 }",
        wrong: Wrong::worker(unknown_goes_on),
        violated: &["L4"],
        steps: 9,
        found: "j1.0#0 runs for ever on w1@1, to which nobody listens",
    },
    // While its process runs an attempt is not confirmed gone, which is L3.
    Row {
        claim: "L4",
        broken: "a worker stops nothing",
        scope: "workers = [{}]
            jobs = [{}]
            faults.each = { cancel = 1 }",
        wrong: Wrong::worker(nothing_is_stopped),
        violated: &["L3", "L4"],
        steps: 7,
        found: "j1.0#0 runs for ever on w1@1, where nobody wants it",
    },
    Row {
        claim: "L5",
        broken: "nobody minds the init timeout",
        scope: "workers = [{}]
            groups = [{ min_slices = 1, max_slices = 1 }]
            jobs = [{ submit = \"any_time\" }]
            faults.each = { vm_stuck = 1 }",
        wrong: Wrong::controller(init_may_take_for_ever),
        violated: &["L5"],
        steps: 5,
        found: "v2 stays INITIALIZING for ever",
    },
    // As long as a slice is on its way the grace of its jobs waits, which is L1.
    Row {
        claim: "L5",
        broken: "the same, with a job that needs the machine",
        scope: "groups = [{ max_slices = 1 }]
            jobs = [{}]
            faults.each = { vm_stuck = 1 }",
        wrong: Wrong::controller(init_may_take_for_ever),
        violated: &["L1", "L5"],
        steps: 5,
        found: "v1 stays INITIALIZING for ever",
    },
];

fn doubt_stays(sm: &mut ControllerSm, input: Input, chooser: &mut Chooser) -> Effects {
    let mut effects = sm.on_choosing(input, chooser);
    effects.retain(|effect| !matches!(effect, Effect::SendKill { only_if_not_started: true, .. }));
    for effect in &mut effects {
        if let Effect::ReplyBeat(reply) = effect {
            reply.fence.clear();
        }
    }
    effects
}

fn exit_is_not_noticed(sm: &mut WorkerSm, input: WorkerInput) -> WorkerEffects {
    if matches!(input, WorkerInput::Exited(..)) { WorkerEffects::new() } else { sm.on(input) }
}

fn only_what_is_listed_is_stopped(
    sm: &mut ControllerSm,
    input: Input,
    chooser: &mut Chooser,
) -> Effects {
    let listed = match &input {
        Input::Beat(beat) => beat.running.clone(),
        _ => return sm.on_choosing(input, chooser),
    };
    let mut effects = sm.on_choosing(input, chooser);
    for effect in &mut effects {
        if let Effect::ReplyBeat(reply) = effect {
            reply.stop.retain(|id| listed.iter().any(|(running, _)| running == id));
        }
    }
    effects
}

fn unknown_goes_on(sm: &mut WorkerSm, input: WorkerInput) -> WorkerEffects {
    match input {
        WorkerInput::Fired(WorkerTimer::Lease) => WorkerEffects::new(),
        WorkerInput::BeatAnswered(_, reply) if !reply.known => WorkerEffects::new(),
        other => sm.on(other),
    }
}

fn nothing_is_stopped(sm: &mut WorkerSm, input: WorkerInput) -> WorkerEffects {
    match input {
        WorkerInput::Kill(call) if sm.local(call.attempt).is_some() => {
            let answer = KillAnswer::Started(sm.clock());
            WorkerEffects::from_iter([WorkerEffect::AnswerKill(answer)])
        }
        WorkerInput::BeatAnswered(incarnation, mut reply) => {
            reply.stop.retain(|id| sm.local(*id).is_none());
            sm.on(WorkerInput::BeatAnswered(incarnation, reply))
        }
        other => sm.on(other),
    }
}

fn init_may_take_for_ever(sm: &mut ControllerSm, input: Input, chooser: &mut Chooser) -> Effects {
    match input {
        Input::Fired(Timer::Init(_)) => Effects::new(),
        other => sm.on_choosing(other, chooser),
    }
}
