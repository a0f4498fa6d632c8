//! What a running cluster did, told as an event log: legal as a whole, and with any lines left out.

use std::fmt::Write;
use std::sync::Mutex;

use iris_check::conform::validate::{Verdict, validate};
use iris_check::controller_sm::{ControllerSm, Input, Standing};
use iris_check::model::id::{Seat, TaskId, WorkerId};
use iris_check::model::task::{Cause, Phase, TaskState};
use iris_check::model::worker::WorkerState;
use iris_check::real::clock::At;
use iris_check::real::observe::Observer;
use iris_check::worker_sm::{WorkerEffect, WorkerInput, WorkerSm};

use crate::lcg::Lcg;
use crate::runs::{self, Size};

/// Tells what changes in the controller.
pub struct Teller(Mutex<(ControllerSm, Vec<String>)>);

impl Teller {
    pub fn new(fresh: ControllerSm) -> Self {
        Self(Mutex::new((fresh, Vec::new())))
    }

    /// All that was told.
    fn lines(&self) -> Vec<String> {
        self.0.lock().expect("nobody panics").1.clone()
    }
}

impl Observer for Teller {
    fn controller(&self, at: At, input: &Input, machine: &ControllerSm) {
        let mut told = self.0.lock().expect("nobody panics");
        let (before, lines) = &mut *told;
        let mut all = Vec::new();
        clients(before, input, machine, &mut all);
        tasks(before, machine, &mut all);
        workers(before, machine, &mut all);
        for (id, job) in machine.jobs() {
            if before.status(id) != Some(job.state()) {
                let state = job.state();
                all.push((9, format!("\"job\":{{\"job\":\"{id}\",\"state\":\"{state}\"}}")));
            }
        }
        all.sort_by_key(|(order, _)| *order);
        lines.extend(all.into_iter().map(|(_, text)| format!("{{\"at\":{},{text}}}\n", at.0)));
        *before = machine.clone();
    }

    fn worker(&self, _: At, _: Seat, _: &WorkerInput, _: &[WorkerEffect], _: &WorkerSm) {}

    fn worker_up(&self, _: At, _: &WorkerSm) {}

    fn worker_down(&self, _: At, _: WorkerId) {}

    fn controller_down(&self, _: At) {}
}

/// Lines, each with its place among those of one turn: causes come before what they cause.
type Lines = Vec<(u8, String)>;

fn clients(before: &ControllerSm, input: &Input, after: &ControllerSm, lines: &mut Lines) {
    for (id, job) in after.jobs().filter(|(id, _)| before.job(*id).is_none()) {
        let terms = &job.terms;
        let (budgets, most) = (terms.budgets, terms.max_task_failures);
        let mut text = format!(
            "\"submitted\":{{\"job\":\"{id}\",\"tasks\":{},\"gang\":{},\"cpu_milli\":{},\
             \"max_task_failures\":{most},\"budgets\":{{\"failure\":{},\"delivery\":{},\
             \"preemption\":{}}}",
            terms.replicas,
            terms.is_gang(),
            terms.resources.cpu_milli,
            budgets.failure,
            budgets.delivery,
            budgets.preemption
        );
        if let Some(limit) = terms.timeout {
            let _ = write!(text, ",\"timeout_ms\":{}", limit.0);
        }
        if let Some(limit) = terms.scheduling_timeout {
            let _ = write!(text, ",\"scheduling_timeout_ms\":{}", limit.0);
        }
        lines.push((0, text + "}"));
    }
    if let Input::Cancel(job) = input {
        lines.push((0, format!("\"cancelled\":{{\"job\":\"{job}\"}}")));
    }
}

fn tasks(before: &ControllerSm, after: &ControllerSm, lines: &mut Lines) {
    for (job, it) in after.jobs() {
        for (index, task) in (0..).zip(&it.tasks) {
            let id = job.task(index);
            let then = before.job(job).and_then(|job| job.tasks.get(usize::from(index)));
            attempts(before, after, id, lines);
            let of = format!("\"job\":\"{job}\",\"task\":{index}");
            if then.is_none_or(|then| then.state == task.state) {
                continue;
            }
            match task.state {
                TaskState::Active(phase @ (Phase::Building | Phase::Running)) => {
                    let last = task.attempts.len() - 1;
                    let text = format!("{of},\"attempt\":{last},\"phase\":\"{phase}\"");
                    lines.push((7, format!("\"phase\":{{{text}}}")));
                }
                TaskState::Active(Phase::Assigned) => {}
                TaskState::Pending
                | TaskState::Succeeded
                | TaskState::Failed(_)
                | TaskState::Killed
                | TaskState::WorkerFailed
                | TaskState::Unschedulable => {
                    let state = task.state.to_string();
                    let name = state.split(' ').next().expect("a state has a name");
                    let spent = task.spent;
                    let text = format!(
                        "{of},\"state\":\"{name}\",\"spent\":{{\"failure\":{},\"delivery\":{},\
                         \"preemption\":{}}}",
                        spent.failure, spent.delivery, spent.preemption
                    );
                    // One that others are killed for comes before them.
                    let follows = matches!(task.state, TaskState::Killed | TaskState::Pending);
                    let order = if follows { 4 } else { 2 };
                    lines.push((order, format!("\"task\":{{{text}}}")));
                }
            }
        }
    }
}

fn attempts(before: &ControllerSm, after: &ControllerSm, id: TaskId, lines: &mut Lines) {
    for number in 0.. {
        let id = id.attempt(number);
        let Some(attempt) = after.attempt(id) else { return };
        let then = before.attempt(id);
        let of =
            format!("\"job\":\"{}\",\"task\":{},\"attempt\":{number}", id.task.job, id.task.index);
        if then.is_none() {
            let Seat { worker, incarnation } = attempt.seat;
            let on = format!("\"worker\":\"{worker}\",\"incarnation\":{}", incarnation.0);
            lines.push((6, format!("\"placed\":{{{of},{on}}}")));
        }
        let Standing::Ended { outcome, cause, gone } = attempt.standing else { continue };
        if then.is_none_or(iris_check::controller_sm::Attempt::is_live) {
            let follows = matches!(cause, Cause::Gang | Cause::JobOver);
            let cause = serde_json::to_string(&cause).expect("it is a word");
            let text = format!("\"ended\":{{{of},\"outcome\":\"{outcome}\",\"cause\":{cause}}}");
            lines.push((if follows { 3 } else { 1 }, text));
        }
        if gone && then.is_none_or(|then| !then.is_gone()) {
            lines.push((5, format!("\"gone\":{{{of}}}")));
        }
    }
}

fn workers(before: &ControllerSm, after: &ControllerSm, lines: &mut Lines) {
    for (id, slot) in after.workers() {
        let state = after.worker_state(id);
        if (before.worker_state(id), before.highest(id)) == (state, Some(slot.highest)) {
            continue;
        }
        let name = match state {
            WorkerState::Healthy => "HEALTHY",
            WorkerState::Degraded(_) => "DEGRADED",
            WorkerState::Absent | WorkerState::Dead => "DEAD",
        };
        let incarnation = slot.highest.0;
        let text = format!("\"incarnation\":{incarnation},\"state\":\"{name}\"");
        lines.push((5, format!("\"worker\":{{\"worker\":\"{id}\",{text}}}")));
    }
}

const SIZE: Size = Size { workers: 2, slices: 1, jobs: 10, faults: 0.05, rest: 90 };

fn legal(header: &str, lines: &[String], what: &str) {
    let log =
        format!("{{\"log\":\"iris-check-events\",\"version\":1{header}}}\n{}", lines.concat());
    let verdict = validate(log.as_bytes()).verdict;
    if let Verdict::Disagrees(mismatch) = &verdict {
        panic!("{}", mismatch.to_text(what));
    }
    assert_eq!(verdict, Verdict::Legal, "{what}");
}

#[test]
fn what_a_cluster_did_is_legal_with_any_lines_left_out() {
    let seeds = if std::env::var_os("IRIS_CHECK_SLOW").is_some() { 300 } else { 10 };
    for seed in 0..seeds {
        let lines = runs::told(seed, SIZE, Teller::new, Teller::lines);
        assert!(lines.len() > 50, "seed {seed}: {} lines", lines.len());
        legal(",\"complete\":true", &lines, &format!("seed {seed}, complete"));
        legal("", &lines, &format!("seed {seed}"));
        let mut dice = Lcg::new(seed);
        for percent in [10, 50, 90] {
            // What a client did is never left out.
            let client = |it: &String| it.contains("\"submitted\"") || it.contains("\"cancelled\"");
            let keeps = |it: &&String| client(it) || dice.below(100) >= percent;
            let kept: Vec<String> = lines.iter().filter(keeps).cloned().collect();
            legal("", &kept, &format!("seed {seed}, without {percent} %"));
        }
    }
}
