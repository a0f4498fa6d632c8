//! The task table of the contract, and what each ending does to an attempt.

use iris_check::model::budget::Budget;
use iris_check::model::task::{Cause, Ending, FailedBy, Outcome, Phase, TaskEvent, TaskState};

use super::grid::Grid;

/// P PENDING, A ASSIGNED, B BUILDING, R RUNNING, S SUCCEEDED, F FAILED by (e)xit, (d)elivery
/// budget, (t)imeout, (w)orkers exhausted, (g)ang broken, K KILLED, W `WORKER_FAILED`, U
/// UNSCHEDULABLE. `+` means that the charge exceeds the budget.
const TASK: &str = "
                       P  A  B  R  S  Fe Fd Ft Fw Fg K  W  U
    placed           | A  !  !  !  !  !  !  !  !  !  !  !  !
    accepted         | -  B  -  -  -  -  -  -  -  -  -  -  -
    started          | -  R  R  -  -  -  -  -  -  -  -  -  -
    succeeded        | -  S  S  S  -  -  -  -  -  -  -  -  -
    succeeded+       | -  S  S  S  -  -  -  -  -  -  -  -  -
    failed           | -  P  P  P  -  -  -  -  -  -  -  -  -
    failed+          | -  Fe Fe Fe -  -  -  -  -  -  -  -  -
    undelivered      | -  P  !  !  -  -  -  -  -  -  -  -  -
    undelivered+     | -  Fd !  !  -  -  -  -  -  -  -  -  -
    lost             | -  P  P  P  -  -  -  -  -  -  -  -  -
    lost+            | -  Fd W  W  -  -  -  -  -  -  -  -  -
    preempted        | -  P  P  P  -  -  -  -  -  -  -  -  -
    preempted+       | -  Fd W  W  -  -  -  -  -  -  -  -  -
    killed unasked   | -  P  P  P  -  -  -  -  -  -  -  -  -
    killed unasked+  | -  Fd W  W  -  -  -  -  -  -  -  -  -
    timed out        | -  Ft Ft Ft -  -  -  -  -  -  -  -  -
    timed out+       | -  Ft Ft Ft -  -  -  -  -  -  -  -  -
    cancelled        | -  K  K  K  -  -  -  -  -  -  -  -  -
    cancelled+       | -  K  K  K  -  -  -  -  -  -  -  -  -
    job over         | -  K  K  K  -  -  -  -  -  -  -  -  -
    job over+        | -  K  K  K  -  -  -  -  -  -  -  -  -
    sibling back     | -  P  P  P  -  -  -  -  -  -  -  -  -
    sibling back+    | -  P  P  P  -  -  -  -  -  -  -  -  -
    sibling ended    | -  K  K  K  -  -  -  -  -  -  -  -  -
    sibling ended+   | -  K  K  K  -  -  -  -  -  -  -  -  -
    gang broken      | Fg !  !  !  -  -  -  -  -  -  -  -  -
    scheduling       | U  -  -  -  -  -  -  -  -  -  -  -  -
    exhausted        | Fw -  -  -  -  -  -  -  -  -  -  -  -
    dropped          | K  !  !  !  -  -  -  -  -  -  -  -  -
";

const STATES: [TaskState; 13] = [
    TaskState::Pending,
    TaskState::Active(Phase::Assigned),
    TaskState::Active(Phase::Building),
    TaskState::Active(Phase::Running),
    TaskState::Succeeded,
    TaskState::Failed(FailedBy::Exit),
    TaskState::Failed(FailedBy::DeliveryBudget),
    TaskState::Failed(FailedBy::Timeout),
    TaskState::Failed(FailedBy::WorkersExhausted),
    TaskState::Failed(FailedBy::GangBroken),
    TaskState::Killed,
    TaskState::WorkerFailed,
    TaskState::Unschedulable,
];

/// Without a wildcard: a new state breaks the build until the table has it.
fn name(state: TaskState) -> &'static str {
    match state {
        TaskState::Pending => "P",
        TaskState::Active(Phase::Assigned) => "A",
        TaskState::Active(Phase::Building) => "B",
        TaskState::Active(Phase::Running) => "R",
        TaskState::Succeeded => "S",
        TaskState::Failed(FailedBy::Exit) => "Fe",
        TaskState::Failed(FailedBy::DeliveryBudget) => "Fd",
        TaskState::Failed(FailedBy::Timeout) => "Ft",
        TaskState::Failed(FailedBy::WorkersExhausted) => "Fw",
        TaskState::Failed(FailedBy::GangBroken) => "Fg",
        TaskState::Killed => "K",
        TaskState::WorkerFailed => "W",
        TaskState::Unschedulable => "U",
    }
}

/// Each ending by name, as it is and beyond the budget.
const ENDINGS: [(Ending, &str, &str); 11] = [
    (Ending::Succeeded, "succeeded", "succeeded+"),
    (Ending::Failed, "failed", "failed+"),
    (Ending::Undelivered, "undelivered", "undelivered+"),
    (Ending::Lost, "lost", "lost+"),
    (Ending::Preempted, "preempted", "preempted+"),
    (Ending::KilledUnasked, "killed unasked", "killed unasked+"),
    (Ending::TimedOut, "timed out", "timed out+"),
    (Ending::Cancelled, "cancelled", "cancelled+"),
    (Ending::JobOver, "job over", "job over+"),
    (Ending::SiblingWentBack, "sibling back", "sibling back+"),
    (Ending::SiblingFinished, "sibling ended", "sibling ended+"),
];

fn events() -> Vec<(&'static str, TaskEvent)> {
    let mut events = vec![
        ("placed", TaskEvent::Placed),
        ("accepted", TaskEvent::Accepted),
        ("started", TaskEvent::Started),
        ("gang broken", TaskEvent::GangBroken),
        ("scheduling", TaskEvent::SchedulingTimedOut),
        ("exhausted", TaskEvent::WorkersExhausted),
        ("dropped", TaskEvent::Dropped),
    ];
    for (ending, within, beyond) in ENDINGS {
        events.push((within, TaskEvent::Ended { ending, exhausted: false }));
        events.push((beyond, TaskEvent::Ended { ending, exhausted: true }));
    }
    for (_, event) in &events {
        // Without a wildcard: a new event breaks the build until the list has it.
        match event {
            TaskEvent::Placed
            | TaskEvent::Accepted
            | TaskEvent::Started
            | TaskEvent::Ended { .. }
            | TaskEvent::GangBroken
            | TaskEvent::SchedulingTimedOut
            | TaskEvent::WorkersExhausted
            | TaskEvent::Dropped => {}
        }
    }
    events
}

#[test]
fn every_pair_of_task_state_and_event_is_as_the_contract_says() {
    Grid::read(TASK).hold(&STATES.map(|s| (name(s), s)), &events(), TaskState::on, name);
}

#[test]
fn states_have_the_numbers_of_the_wire() {
    let numbers = [1, 9, 2, 3, 4, 5, 5, 5, 5, 5, 6, 7, 8];
    for (state, number) in STATES.into_iter().zip(numbers) {
        assert_eq!(state.wire(), number, "{state}");
    }
    let finished: Vec<&str> = STATES.into_iter().filter(|s| s.is_finished()).map(name).collect();
    assert_eq!(finished, ["S", "Fe", "Fd", "Ft", "Fw", "Fg", "K", "W", "U"]);
    let active: Vec<&str> = STATES.into_iter().filter(|s| s.is_active()).map(name).collect();
    assert_eq!(active, ["A", "B", "R"]);
}

type Row = (Ending, [(Outcome, Cause, Option<Budget>); 3]);

/// What an attempt that is ASSIGNED, BUILDING, RUNNING ends as: outcome, cause, budget charged.
/// (Nothing is undelivered once it was heard of; the task table refuses it.)
#[rustfmt::skip]
const VERDICTS: [Row; 11] = {
    use Budget::{Delivery as D, Failure as F, Preemption as P};
    use Cause::{Cancel, Delivery, Exit, Gang, JobOver, Loss, Timeout};
    use Outcome::{CoschedFailed, Failed, Killed, Preempted, Succeeded, WorkerFailed};
    [
        (Ending::Succeeded,       [(Succeeded, Exit, None); 3]),
        (Ending::Failed,          [(Failed, Exit, Some(F)); 3]),
        (Ending::Undelivered,     [(WorkerFailed, Delivery, Some(D)); 3]),
        (Ending::Lost,            [(WorkerFailed, Delivery, Some(D)),
                                   (WorkerFailed, Loss, Some(P)), (WorkerFailed, Loss, Some(P))]),
        (Ending::Preempted,       [(WorkerFailed, Delivery, Some(D)),
                                   (Preempted, Loss, Some(P)), (Preempted, Loss, Some(P))]),
        (Ending::KilledUnasked,   [(Killed, Delivery, Some(D)),
                                   (Killed, Loss, Some(P)), (Killed, Loss, Some(P))]),
        (Ending::TimedOut,        [(Failed, Timeout, None); 3]),
        (Ending::Cancelled,       [(Killed, Cancel, None); 3]),
        (Ending::JobOver,         [(Killed, JobOver, None); 3]),
        (Ending::SiblingWentBack, [(CoschedFailed, Gang, None); 3]),
        (Ending::SiblingFinished, [(Killed, Gang, None); 3]),
    ]
};

#[test]
fn every_ending_has_one_outcome_one_cause_and_at_most_one_charge() {
    for (ending, ..) in ENDINGS {
        assert_eq!(VERDICTS.iter().filter(|row| row.0 == ending).count(), 1, "{ending:?}");
    }
    for (ending, by_phase) in VERDICTS {
        let phases = [Phase::Assigned, Phase::Building, Phase::Running];
        for (phase, (outcome, cause, charged)) in phases.into_iter().zip(by_phase) {
            assert_eq!(ending.verdict(phase), (outcome, cause), "{ending:?} while {phase}");
            assert_eq!(cause.charges(outcome), charged, "{ending:?} while {phase}");
        }
    }
}

#[test]
fn outcomes_have_the_numbers_of_the_wire() {
    let rows = [
        (Outcome::Succeeded, 4),
        (Outcome::Failed, 5),
        (Outcome::Killed, 6),
        (Outcome::WorkerFailed, 7),
        (Outcome::Preempted, 10),
        (Outcome::CoschedFailed, 11),
    ];
    for (outcome, number) in rows {
        assert_eq!(outcome.wire(), number, "{outcome}");
    }
}
