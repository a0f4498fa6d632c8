//! What is wrong in a step: T1 to T9.

use iris_check::controller_sm::{Attempt, ControllerSm, Effects, Input, Standing};
use iris_check::model::exit::Final;
use iris_check::model::id::JobId;
use iris_check::model::scheduler::Chooser;
use iris_check::model::task::{Cause, Outcome};
use iris_check::model::timer::Timer;
use iris_check::model::wire::{Clock, Report, RunAnswer, TryError, Word};
use iris_check::model::worker::WorkerState;
use iris_check::worker_sm::{Local, WorkerEffect, WorkerEffects, WorkerInput, WorkerSm};

use super::harness::{Row, Wrong};
use super::surgery::{W1, entry, forget, job, think, worker};

pub const ROWS: &[Row] = &[
    Row {
        claim: "T1",
        broken: "a success that is heard of after a cancel overwrites the end",
        scope: "workers = [{}]
            jobs = [{}]
            faults.each = { cancel = 1 }",
        wrong: Wrong::controller(late_success_counts),
        violated: &["T1"],
        steps: 6,
        found: "j1.0#0 had ended KILLED (cancel) and is SUCCEEDED (exit) now",
    },
    Row {
        claim: "T2",
        broken: "a job that has ended drops its attempts, to save room",
        scope: "workers = [{}]
            jobs = [{}]",
        wrong: Wrong::controller(attempts_are_dropped),
        violated: &["T2"],
        steps: 5,
        found: "j1.0#0 is not listed any more",
    },
    Row {
        claim: "T3",
        broken: "a repeated RunTask gives up the launch under way and begins it anew",
        scope: "workers = [{}]
            jobs = [{}]
            faults.each = { run_duplicated = 1 }",
        wrong: Wrong::worker(built_twice),
        violated: &["T3"],
        steps: 3,
        found: "j1.0#0 is started again; it had been started 1 times",
    },
    // What was acknowledged is confirmed gone: a process of it has no room, which is S4.
    Row {
        claim: "T3",
        broken: "a worker forgets an attempt when its end is acknowledged",
        scope: "workers = [{}]
            jobs = [{}]
            faults.each = { run_duplicated = 1 }",
        wrong: Wrong::worker(acknowledged_is_forgotten),
        violated: &["S4", "T3"],
        steps: 6,
        found: "j1.0#0 is started again; it had been started 1 times",
    },
    Row {
        claim: "T4",
        broken: "an answer to RunTask that comes when its attempt has ended gives up the job",
        scope: "workers = [{}]
            jobs = [{ max_retries_failure = 1 }]
            faults.each = { exit_error = 1 }",
        wrong: Wrong::controller(late_answer_gives_up),
        violated: &["T4"],
        steps: 6,
        found: "a message about j1.0#0, which is over, made j1.0 KILLED, which was ASSIGNED",
    },
    Row {
        claim: "T4",
        broken: "a failure that is reported twice gives up the job that tries again",
        scope: "workers = [{}]
            jobs = [{ max_retries_failure = 1 }]
            faults.each = { exit_error = 1, report_duplicated = 1 }",
        wrong: Wrong::controller(told_twice_counts_twice),
        violated: &["T4"],
        steps: 6,
        found: "a message about j1.0#0, which is over, made j1.0 KILLED, which was ASSIGNED",
    },
    Row {
        claim: "T5",
        broken: "a restart forgets the jobs that have ended",
        scope: "workers = [{}]
            jobs = [{}]
            faults.each = { controller_crash = 1 }",
        wrong: Wrong::controller(ended_jobs_are_not_kept),
        violated: &["T5"],
        steps: 6,
        found: "j1 is forgotten after the restart",
    },
    // An end that changes, changes across a restart too: T1 makes no exception.
    Row {
        claim: "T5",
        broken: "a restart takes a cancelled attempt for a lost one",
        scope: "workers = [{}]
            jobs = [{}]
            faults.each = { controller_crash = 1, cancel = 1 }",
        wrong: Wrong::controller(cause_is_not_kept),
        violated: &["T1", "T5"],
        steps: 3,
        found: "j1.0#0 had ended KILLED (cancel) and is KILLED (job over) now, after the restart",
    },
    Row {
        claim: "T6",
        broken: "the first try of which nobody knows whether it arrived fails the delivery",
        scope: "workers = [{}]
            jobs = [{}]
            faults.each = { run_lost = 1 }",
        wrong: Wrong::controller(unknown_is_failed),
        violated: &["T6"],
        steps: 2,
        found: "j1.0#0 ended WORKER_FAILED as a failed delivery after 1 of 4 tries; w1 is alive \
            and has not refused it",
    },
    Row {
        claim: "T6",
        broken: "*not now* is taken for *refused*",
        scope: "workers = [{ registered = false }]
            jobs = [{}]
            faults.each = { beat_answer_lost = 1 }",
        wrong: Wrong::controller(not_now_is_never),
        violated: &["T6"],
        steps: 4,
        found: "j1.0#0 ended WORKER_FAILED as a failed delivery after 1 of 4 tries; w1 is alive \
            and has not refused it",
    },
    Row {
        claim: "T7",
        broken: "a new job is placed on a worker that is DEGRADED",
        scope: "workers = [{}]
            jobs = [{ submit = \"any_time\" }]
            faults.each = { beat_lost = 1 }",
        wrong: Wrong::controller(degraded_is_good_enough),
        violated: &["T7"],
        steps: 3,
        found: "j1.0#0 is placed on w1@1, which is not HEALTHY",
    },
    Row {
        claim: "T8",
        broken: "absence is judged before results",
        scope: "workers = [{}]
            jobs = [{ max_retries_preemption = 1 }]",
        wrong: Wrong::controller(absence_first),
        violated: &["T8"],
        steps: 6,
        found: "j1.0#0 exited by itself on w1, which is alive; the controller says WORKER_FAILED",
    },
    Row {
        claim: "T8",
        broken: "a worker lists no result that it has reported, acknowledged or not",
        scope: "workers = [{}]
            jobs = [{ max_retries_preemption = 1 }]
            faults.each = { report_lost = 1 }",
        wrong: Wrong::worker(reported_is_not_listed),
        violated: &["T8"],
        steps: 6,
        found: "j1.0#0 exited by itself on w1, which is alive; the controller says WORKER_FAILED",
    },
    Row {
        claim: "T9",
        broken: "a report renews what only a heartbeat may",
        scope: "workers = [{}]
            jobs = [{ max_retries_preemption = 0, max_dispatch_failures = 0 }]
            faults.each = { beat_lost = 1 }",
        wrong: Wrong::controller(report_renews),
        violated: &["T9"],
        steps: 6,
        found: "w1@1 became HEALTHY without a heartbeat",
    },
];

fn late_success_counts(sm: &mut ControllerSm, input: Input, chooser: &mut Chooser) -> Effects {
    let is_success = match &input {
        Input::Report(report) => report.word == Word::Final(Final::Succeeded),
        _ => false,
    };
    let effects = sm.on_choosing(input, chooser);
    if is_success {
        job(sm, |job| {
            if let Standing::Ended { outcome, cause, .. } = &mut job.tasks[0].attempts[0].standing {
                (*outcome, *cause) = (Outcome::Succeeded, Cause::Exit);
            }
        });
    }
    effects
}

fn attempts_are_dropped(sm: &mut ControllerSm, input: Input, chooser: &mut Chooser) -> Effects {
    let effects = sm.on_choosing(input, chooser);
    job(sm, |job| {
        if job.state().has_ended() && job.tasks[0].attempts.iter().all(Attempt::is_gone) {
            job.tasks[0].attempts.clear();
        }
    });
    effects
}

fn built_twice(sm: &mut WorkerSm, input: WorkerInput) -> WorkerEffects {
    let again = match &input {
        WorkerInput::Run(call, _) if sm.local(call.attempt) == Some(Local::Building) => {
            Some(call.attempt)
        }
        _ => None,
    };
    let mut effects = sm.on(input);
    effects.extend(
        again.into_iter().flat_map(|id| [WorkerEffect::AbortLaunch(id), WorkerEffect::Launch(id)]),
    );
    effects
}

fn acknowledged_is_forgotten(sm: &mut WorkerSm, input: WorkerInput) -> WorkerEffects {
    let acked = match &input {
        WorkerInput::ReportAcked(id) => Some(*id),
        _ => None,
    };
    let effects = sm.on(input);
    if let Some(id) = acked {
        forget(sm, id);
    }
    effects
}

fn late_answer_gives_up(sm: &mut ControllerSm, input: Input, chooser: &mut Chooser) -> Effects {
    let late = match &input {
        Input::RunAnswered { attempt, .. } => {
            let ended = sm.attempt(*attempt).is_some_and(|attempt| !attempt.is_live());
            ended.then_some(attempt.task.job)
        }
        _ => None,
    };
    let mut effects = sm.on_choosing(input, chooser);
    if let Some(job) = late {
        effects.extend(sm.on_choosing(Input::Cancel(job), chooser));
    }
    effects
}

/// The report, if it is a last word on an attempt that has ended.
fn late(sm: &ControllerSm, input: &Input) -> Option<(Report, Final)> {
    let Input::Report(report) = input else { return None };
    let Word::Final(word) = report.word else { return None };
    let ended = sm.attempt(report.attempt).is_some_and(|attempt| !attempt.is_live());
    ended.then_some((*report, word))
}

fn told_twice_counts_twice(sm: &mut ControllerSm, input: Input, chooser: &mut Chooser) -> Effects {
    let late = late(sm, &input);
    let mut effects = sm.on_choosing(input, chooser);
    if let Some((report, Final::Failed(_))) = late {
        effects.extend(sm.on_choosing(Input::Cancel(report.attempt.task.job), chooser));
    }
    effects
}

fn ended_jobs_are_not_kept(sm: &mut ControllerSm, input: Input, chooser: &mut Chooser) -> Effects {
    let restarted = input == Input::Restarted;
    let mut effects = sm.on_choosing(input, chooser);
    if restarted {
        let jobs: Vec<JobId> = sm.jobs().map(|(id, _)| id).collect();
        for id in jobs {
            effects.extend(sm.on_choosing(Input::Fired(Timer::Forget(id)), chooser));
        }
    }
    effects
}

fn cause_is_not_kept(sm: &mut ControllerSm, input: Input, chooser: &mut Chooser) -> Effects {
    let restarted = input == Input::Restarted;
    let effects = sm.on_choosing(input, chooser);
    if restarted {
        job(sm, |job| {
            for attempt in &mut job.tasks[0].attempts {
                if let Standing::Ended { cause, .. } = &mut attempt.standing
                    && *cause == Cause::Cancel
                {
                    *cause = Cause::JobOver;
                }
            }
        });
    }
    effects
}

fn unknown_is_failed(sm: &mut ControllerSm, input: Input, chooser: &mut Chooser) -> Effects {
    let unknown = match &input {
        Input::TryFailed { attempt, error: TryError::Unknown } => Some(*attempt),
        _ => None,
    };
    let mut effects = sm.on_choosing(input, chooser);
    if let Some(attempt) = unknown
        && let Some(seat) = sm.attempt(attempt).map(|attempt| attempt.seat)
    {
        let word = Word::Final(Final::Missing);
        let missing = Report { seat, attempt, word, clock: Clock(0) };
        effects.extend(sm.on_choosing(Input::Report(missing), chooser));
    }
    effects
}

fn not_now_is_never(sm: &mut ControllerSm, input: Input, chooser: &mut Chooser) -> Effects {
    let input = match input {
        Input::RunAnswered { attempt, answer: RunAnswer::NotNow } => {
            Input::RunAnswered { attempt, answer: RunAnswer::Refused }
        }
        other => other,
    };
    sm.on_choosing(input, chooser)
}

fn degraded_is_good_enough(sm: &mut ControllerSm, input: Input, chooser: &mut Chooser) -> Effects {
    if !matches!(input, Input::Submit(_)) {
        return sm.on_choosing(input, chooser);
    }
    let state = sm.worker_state(W1);
    think(sm, WorkerState::Healthy);
    let effects = sm.on_choosing(input, chooser);
    think(sm, state);
    effects
}

fn absence_first(sm: &mut ControllerSm, input: Input, chooser: &mut Chooser) -> Effects {
    let mut effects = Effects::new();
    if let Input::Beat(beat) = &input {
        let mut without = beat.clone();
        without.finished.clear();
        effects = sm.on_choosing(Input::Beat(without), chooser);
    }
    effects.extend(sm.on_choosing(input, chooser));
    effects
}

fn reported_is_not_listed(sm: &mut WorkerSm, input: WorkerInput) -> WorkerEffects {
    let exited = match &input {
        WorkerInput::Exited(id, _) => Some(*id),
        _ => None,
    };
    let effects = sm.on(input);
    if let Some(id) = exited {
        entry(sm, id, |entry| {
            if let Local::Done { listed, .. } = &mut entry.local {
                *listed = false;
            }
        });
    }
    effects
}

fn report_renews(sm: &mut ControllerSm, input: Input, chooser: &mut Chooser) -> Effects {
    let reporter = match &input {
        Input::Report(report) => Some(report.seat.worker),
        _ => None,
    };
    let effects = sm.on_choosing(input, chooser);
    if let Some(id) = reporter {
        worker(sm, id, |worker| worker.state = WorkerState::Healthy);
    }
    effects
}
