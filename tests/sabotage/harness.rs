//! What a sabotage is, and how it is judged.

use iris_check::check::scope::Scope;
use iris_check::check::{
    ClusterModel, Machines, Outcome, Verdict, run, run_exact_with, run_symmetric_with, run_with,
};
use iris_check::controller_sm::{ControllerSm, Effects, Input};
use iris_check::model::scheduler::Chooser;
use iris_check::worker_sm::{WorkerEffects, WorkerInput, WorkerSm};

use super::common::unlimited;
use iris_check::explore::Limits;

/// No scope of a sabotage needs more states, with the right machines or the wrong ones.
const MOST_STATES: u64 = 40_000;

/// Machines of which one may be wrong.
#[derive(Clone, Copy)]
pub struct Wrong {
    controller: fn(&mut ControllerSm, Input, &mut Chooser) -> Effects,
    worker: fn(&mut WorkerSm, WorkerInput) -> WorkerEffects,
}

impl Wrong {
    /// A wrong controller, and workers as they are.
    pub const fn controller(wrong: fn(&mut ControllerSm, Input, &mut Chooser) -> Effects) -> Self {
        Self { controller: wrong, worker: WorkerSm::on }
    }

    /// Wrong workers, and the controller as it is.
    pub const fn worker(wrong: fn(&mut WorkerSm, WorkerInput) -> WorkerEffects) -> Self {
        Self { controller: ControllerSm::on_choosing, worker: wrong }
    }
}

impl Machines for Wrong {
    fn controller(&self, sm: &mut ControllerSm, input: Input, chooser: &mut Chooser) -> Effects {
        (self.controller)(sm, input, chooser)
    }

    fn worker(&self, sm: &mut WorkerSm, input: WorkerInput) -> WorkerEffects {
        (self.worker)(sm, input)
    }
}

/// A sabotage.
pub struct Row {
    /// The claim that it is about.
    pub claim: &'static str,
    /// What is broken.
    pub broken: &'static str,
    /// Where that is seen: a scope without its name.
    pub scope: &'static str,
    /// The machines.
    pub wrong: Wrong,
    /// Every claim that is violated, in order.
    pub violated: &'static [&'static str],
    /// The length of the shortest run that violates the claim; of an endless one with its cycle.
    pub steps: usize,
    /// What is found there.
    pub found: &'static str,
}

fn limits(threads: usize) -> Limits<'static> {
    Limits { max_states: Some(MOST_STATES), ..unlimited(threads) }
}

fn scope(row: &Row) -> Scope {
    let text = format!("name = \"sabotage\"\n{}", row.scope);
    Scope::parse(&text, row.broken).unwrap_or_else(|bad| panic!("{bad}"))
}

/// What comes of a sabotage.
pub fn judge(row: &Row, threads: usize) -> Outcome {
    run_with(&ClusterModel::with(scope(row), row.wrong), &limits(threads))
}

/// What comes of a sabotage among two equal workers where there was one: of every state, and where
/// one of them stands for both.
pub fn judge_among_equals(row: &Row) -> (Outcome, Outcome) {
    let model = ClusterModel::with(two_workers(row), row.wrong);
    (run_with(&model, &limits(1)), run_symmetric_with(&model, &limits(1)))
}

/// The same for these claims, with states told apart by fingerprint, and compared whole.
pub fn judge_by_code(row: &Row, is_judged: impl Fn(&str) -> bool) -> (Outcome, Outcome) {
    let model = || {
        let mut scope = two_workers(row);
        scope.claims.retain(|claim| is_judged(claim));
        ClusterModel::with(scope, row.wrong)
    };
    (run_with(&model(), &limits(1)), run_exact_with(&model(), &limits(1)))
}

/// The scope, with two equal workers where there was one.
fn two_workers(row: &Row) -> Scope {
    let text = row.scope.replace("workers = [{}]", "workers = [{ count = 2 }]");
    let text = format!("name = \"sabotage\"\n{text}");
    Scope::parse(&text, row.broken).unwrap_or_else(|bad| panic!("{bad}"))
}

fn violated(outcome: &Outcome) -> Vec<&'static str> {
    let rows = outcome.rows.iter().filter(|row| row.verdict == Verdict::Violated);
    rows.map(|row| row.id).collect()
}

/// Where these rows say something else than what is found.
pub fn differences(rows: &[Row]) -> Vec<String> {
    rows.iter().flat_map(difference).collect()
}

fn difference(row: &Row) -> Vec<String> {
    let about = format!("{} ({})", row.claim, row.broken);
    let mut differences = Vec::new();
    let right = run(&scope(row), &limits(1));
    if !violated(&right).is_empty() || right.stopped.is_some() {
        differences.push(format!("{about}: nothing is broken, and it finds {right:?}"));
    }
    let wrong = judge(row, 1);
    let states = right.states.max(wrong.states);
    if states > MOST_STATES || wrong.stopped.is_some() {
        differences.push(format!("{about}: {states} states, {:?}", wrong.stopped));
    }
    let finding = wrong.findings.iter().find(|finding| finding.claim == row.claim);
    let (steps, found) = finding.map_or((0, ""), |it| (it.steps.len(), &*it.found));
    let is = (violated(&wrong), steps, found);
    if is != (row.violated.to_vec(), row.steps, row.found) {
        let text = finding.map(|finding| finding.to_text(None));
        differences.push(format!("{about}: {states} states, {is:?}\n{}", text.unwrap_or_default()));
    }
    differences
}
