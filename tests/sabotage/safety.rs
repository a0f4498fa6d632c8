//! What is wrong in a state: S1 to S9.

use iris_check::controller_sm::{Attempt, ControllerSm, Effect, Effects, Input, Stage, Standing};
use iris_check::model::exit::Final;
use iris_check::model::id::{Seat, WorkerId};
use iris_check::model::scheduler::Chooser;
use iris_check::model::task::{Cause, Outcome, Phase, TaskState};
use iris_check::model::timer::Timer;
use iris_check::model::wire::{Clock, Report, Word};
use iris_check::model::worker::{Reasons, WorkerState};

use super::harness::{Row, Wrong};
use super::surgery::{J1, census, groups, job, place, think, waiting};

pub const ROWS: &[Row] = &[
    Row {
        claim: "S1",
        broken: "a budget of no retries allows one",
        scope: "workers = [{}]
            jobs = [{ max_retries_failure = 0 }]
            faults.each = { exit_error = 1 }",
        wrong: Wrong::controller(one_retry_more),
        violated: &["S1"],
        steps: 5,
        found: "j1.0 has spent 1 of its failure budget of 0 and is ASSIGNED",
    },
    Row {
        claim: "S2",
        broken: "a task that was lost for good is counted as FAILED",
        scope: "workers = [{}]
            jobs = [{ max_retries_preemption = 0 }]
            faults.each = { worker_crash = 1 }",
        wrong: Wrong::controller(lost_counts_as_failed),
        violated: &["S2"],
        steps: 6,
        found: "j1 is told to be FAILED; its tasks add up to WORKER_FAILED",
    },
    Row {
        claim: "S3",
        broken: "a delivery in doubt is not settled but followed by another attempt",
        scope: "policy_with = { delivery_tries = 1 }
            workers = [{ cpus = 2 }]
            jobs = [{}]
            faults.each = { run_lost = 1 }",
        wrong: Wrong::controller(doubt_is_followed),
        violated: &["S3"],
        steps: 2,
        found: "j1.0 has 2 live attempts",
    },
    Row {
        claim: "S4",
        broken: "a cancel gives the room back at once",
        scope: "workers = [{}]
            jobs = [{}]
            faults.each = { cancel = 1 }",
        wrong: Wrong::controller(cancel_frees),
        violated: &["S4"],
        steps: 3,
        found: "j1.0#0 runs on w1@1, and nothing is held for it there",
    },
    Row {
        claim: "S5",
        broken: "a failure is not charged",
        scope: "workers = [{}]
            jobs = [{ max_retries_failure = 1 }]
            faults.each = { exit_error = 1 }",
        wrong: Wrong::controller(nothing_charged),
        violated: &["S5"],
        steps: 5,
        found: "j1.0 has spent 0 of its failure budget; 1 of its attempts ended that way",
    },
    Row {
        claim: "S5",
        broken: "a failure is charged twice",
        scope: "workers = [{}]
            jobs = [{ max_retries_failure = 2 }]
            faults.each = { exit_error = 1 }",
        wrong: Wrong::controller(charged_twice),
        violated: &["S5"],
        steps: 5,
        found: "j1.0 has spent 2 of its failure budget; 1 of its attempts ended that way",
    },
    Row {
        claim: "S6",
        broken: "the members of a gang are placed one by one",
        scope: "workers = [{ attributes = { zone = \"a\" } }]
            jobs = [{ replicas = 2, group_by = \"zone\" }]",
        wrong: Wrong::controller(one_by_one),
        violated: &["S6"],
        steps: 1,
        found: "j1.0 is ASSIGNED, and j1.1 of its gang is PENDING",
    },
    Row {
        claim: "S6",
        broken: "when a member of a gang is lost its sibling stays",
        scope: "workers = [{ count = 2, attributes = { zone = \"a\" } }]
            faults.each = { worker_crash = 1 }
            [[jobs]]
            replicas = 2
            group_by = \"zone\"
            max_retries_preemption = 0
            max_dispatch_failures = 0",
        wrong: Wrong::controller(sibling_stays),
        violated: &["S6"],
        steps: 6,
        found: "j1.1 is ASSIGNED, and j1.0 of its gang is WORKER_FAILED",
    },
    Row {
        claim: "S7",
        broken: "a group may have one slice more than its maximum",
        scope: "groups = [{ max_slices = 1 }]
            jobs = [{ replicas = 2 }]",
        wrong: Wrong::controller(one_slice_more),
        violated: &["S7"],
        steps: 1,
        found: "g1 has 2 slices where 1 may be",
    },
    Row {
        claim: "S8",
        broken: "a task that takes too long is started anew elsewhere before it has been stopped",
        scope: "workers = [{ count = 2 }]
            jobs = [{ timeout_ms = 60_000 }]",
        wrong: Wrong::controller(started_anew),
        violated: &["S8"],
        steps: 7,
        found: "j1.0#0 runs on w1@1 while j1.0#1 runs on w2@1",
    },
    Row {
        claim: "S9",
        broken: "room that a report gives back is not used before the next heartbeat",
        scope: "workers = [{}]
            jobs = [{}, {}]",
        wrong: Wrong::controller(placed_by_heartbeats),
        violated: &["S9"],
        steps: 6,
        found: "j2.0 waits, and w1 has room for it",
    },
];

fn one_retry_more(sm: &mut ControllerSm, input: Input, chooser: &mut Chooser) -> Effects {
    let is_word = matches!(input, Input::Report(_) | Input::Beat(_));
    if is_word {
        job(sm, |job| job.terms.budgets.failure += 1);
    }
    let effects = sm.on_choosing(input, chooser);
    if is_word {
        job(sm, |job| job.terms.budgets.failure -= 1);
    }
    effects
}

fn lost_counts_as_failed(sm: &mut ControllerSm, input: Input, chooser: &mut Chooser) -> Effects {
    let effects = sm.on_choosing(input, chooser);
    census(sm, |census| {
        if census["worker_failed"] == 1 {
            census["worker_failed"] = 0.into();
            census["failed"] = 1.into();
        }
    });
    effects
}

fn doubt_is_followed(sm: &mut ControllerSm, input: Input, chooser: &mut Chooser) -> Effects {
    let tried = match input {
        Input::TryFailed { attempt, .. } => Some(attempt),
        _ => None,
    };
    let mut effects = sm.on_choosing(input, chooser);
    effects.retain(|effect| !matches!(effect, Effect::SendKill { only_if_not_started: true, .. }));
    for effect in &mut effects {
        if let Effect::ReplyBeat(reply) = effect {
            reply.fence.clear();
        }
    }
    if let Some(id) = tried
        && let Some(Attempt { seat, standing: Standing::Offered(delivery) }) = sm.attempt(id)
        && delivery.stage == Stage::InDoubt
    {
        let seat = *seat;
        effects.push(place(sm, id.task.attempt(id.number + 1), seat));
    }
    effects
}

fn cancel_frees(sm: &mut ControllerSm, input: Input, chooser: &mut Chooser) -> Effects {
    let cancel = matches!(input, Input::Cancel(_));
    let mut effects = sm.on_choosing(input, chooser);
    let attempt = J1.task(0).attempt(0);
    if cancel && let Some(seat) = sm.attempt(attempt).map(|attempt| attempt.seat) {
        let word = Word::Final(Final::Killed);
        let gone = Report { seat, attempt, word, clock: Clock(0) };
        effects.extend(sm.on_choosing(Input::Report(gone), chooser));
    }
    effects
}

fn nothing_charged(sm: &mut ControllerSm, input: Input, chooser: &mut Chooser) -> Effects {
    let effects = sm.on_choosing(input, chooser);
    job(sm, |job| job.tasks[0].spent.failure = 0);
    effects
}

fn charged_twice(sm: &mut ControllerSm, input: Input, chooser: &mut Chooser) -> Effects {
    let effects = sm.on_choosing(input, chooser);
    job(sm, |job| job.tasks[0].spent.failure *= 1 + u16::from(job.tasks[0].spent.failure == 1));
    effects
}

fn sibling_stays(sm: &mut ControllerSm, input: Input, chooser: &mut Chooser) -> Effects {
    match input {
        Input::Beat(_) | Input::Fired(Timer::Dead(_)) => one_by_one(sm, input, chooser),
        other => sm.on_choosing(other, chooser),
    }
}

fn one_by_one(sm: &mut ControllerSm, mut input: Input, chooser: &mut Chooser) -> Effects {
    let mut key = None;
    job(sm, |job| key = job.terms.group_by.take());
    if let Input::Submit(spec) = &mut input {
        key = spec.terms.group_by.take();
    }
    let effects = sm.on_choosing(input, chooser);
    job(sm, |job| job.terms.group_by = key);
    effects
}

fn one_slice_more(sm: &mut ControllerSm, input: Input, chooser: &mut Chooser) -> Effects {
    groups(sm, |groups| groups[0].config.max_slices += 1);
    let effects = sm.on_choosing(input, chooser);
    groups(sm, |groups| groups[0].config.max_slices -= 1);
    effects
}

fn started_anew(sm: &mut ControllerSm, input: Input, chooser: &mut Chooser) -> Effects {
    let Input::Fired(Timer::Timeout(id)) = input else { return sm.on_choosing(input, chooser) };
    // Once is enough to see it.
    let first = sm.task(id.task).is_some_and(|task| task.avoid.is_none());
    let Some(seat) = sm.attempt(id).filter(|_| first).map(|attempt| attempt.seat) else {
        return sm.on_choosing(input, chooser);
    };
    let other = [Seat { worker: WorkerId(1), ..seat }, Seat { worker: WorkerId(2), ..seat }]
        .into_iter()
        .find(|other| other.worker != seat.worker)
        .expect("one of two");
    job(sm, |job| {
        let task = &mut job.tasks[0];
        (task.state, task.avoid) = (TaskState::Active(Phase::Assigned), Some(seat.worker));
        let (outcome, cause) = (Outcome::Failed, Cause::Timeout);
        task.attempts[usize::from(id.number)].standing =
            Standing::Ended { outcome, cause, gone: false };
    });
    let run = place(sm, id.task.attempt(id.number + 1), other);
    let stop = Effect::SendKill { attempt: id, seat, only_if_not_started: false };
    Effects::from_iter([stop, run])
}

fn placed_by_heartbeats(sm: &mut ControllerSm, input: Input, chooser: &mut Chooser) -> Effects {
    let mut stash = Vec::new();
    match input {
        Input::Report(_) => waiting(sm, |waiting| stash.append(waiting)),
        // Something may be new to it, so that it looks at the queue.
        Input::Beat(_) => think(sm, WorkerState::Degraded(Reasons::SILENT)),
        _ => {}
    }
    let effects = sm.on_choosing(input, chooser);
    if !stash.is_empty() {
        waiting(sm, |waiting| waiting.append(&mut stash));
    }
    effects
}
