//! What is taken in parts, held against the same taken in the whole state.

use std::collections::BTreeSet;

use super::super::model::judge::HARD_ELSEWHERE;
use super::super::scope::Scope;
use super::super::step::Real;
use super::*;
use crate::controller_sm::{ControllerSm, Effect, Effects, Input};
use crate::explore::Limits;
use crate::model::scheduler::Chooser;
use crate::worker_sm::{WorkerEffect, WorkerEffects, WorkerInput, WorkerSm};

/// The steps of a state one after the other.
fn one_by_one<M: Machines>(model: &ClusterModel<M>, state: &State) -> Vec<CodedStep<[u64; 2]>> {
    let (mut acts, mut steps) = (Vec::new(), Vec::new());
    model.actions(state, &mut acts);
    for (act, action) in acts.into_iter().zip(0..) {
        if let Some(after) = model.next_state(state, act) {
            steps.push(CodedStep {
                action,
                code: model.encode(&after),
                fairness: model.fairness(state, &act),
                broken: model.broken_by_step(&after),
                exercised: model.exercised_by_step(&after),
            });
        }
    }
    steps
}

/// The same with what may be exercised at another worker left out.
fn at_one_worker(steps: &[CodedStep<[u64; 2]>]) -> Vec<CodedStep<[u64; 2]>> {
    let told = |exercised| exercised & !u64::from(HARD_ELSEWHERE);
    steps.iter().map(|step| CodedStep { exercised: told(step.exercised), ..*step }).collect()
}

/// What was seen on a walk.
#[derive(Default)]
struct Walked {
    /// Steps, and how many of them were taken in parts.
    all: usize,
    apart: usize,
    /// Steps of parts that lead to parts.
    here: usize,
    /// Steps of parts that are to be taken in the whole.
    away: usize,
    /// States that had to be taken whole.
    whole: usize,
}

/// Some states of a scope: of larger ones every third that is found, so that they get deep.
fn walk(scope: Scope, machines: impl Machines, most: usize) -> Walked {
    let model = ClusterModel::with(scope, machines).telling_all();
    let mut codes: Vec<[u64; 2]> = model.init_states().iter().map(|it| model.encode(it)).collect();
    let (mut known, mut next, mut walked) = (BTreeSet::new(), 0, Walked::default());
    while next < codes.len().min(most) {
        let code = codes[next];
        let state = model.decode(&code);
        next += 1;
        let expected = one_by_one(&model, &state);
        let mut steps = Vec::new();
        walked.all += expected.len();
        if let Some(judged) = model.steps_of_parts(&state, Named::of(&code), &mut steps) {
            let (broken, open) = (model.broken(&state), model.open(&state));
            assert_eq!(judged, Judged { broken, open, arises: model.arises(&state) }, "{state:?}");
            assert_eq!(at_one_worker(&steps), at_one_worker(&expected), "{state:?}");
            walked.apart += steps.len();
            let (named, numbers) =
                (Named::of(&code), model.parts().nodes_of(Named::of(&code).fleet));
            for at in 0..state.nodes.len() {
                let local = model.local(&state, named, numbers, at);
                let away = local.steps.iter().filter(|step| matches!(step.leads, Leads::Away(_)));
                walked.away += away.count();
                walked.here += local.steps.len();
            }
        } else {
            walked.whole += 1;
        }
        for step in expected {
            let found = known.insert(step.code);
            if found && (known.len() < 500 || known.len() % 3 == 0) {
                codes.push(step.code);
            }
        }
    }
    walked
}

#[test]
fn steps_taken_in_parts_are_the_steps_of_the_whole() {
    let rough = rough(&["hardened", "as_reported.reconcile"], ALL);
    for scope in Scope::standard().into_iter().chain(rough) {
        if scope.groups.is_empty() && scope.workers.len() > 1 {
            let name = scope.name.clone();
            let Walked { all, apart, here, away, .. } = walk(scope, Real, 6_000);
            assert!(10 * apart > 9 * all, "{name}: {apart} of {all} steps");
            assert!(name == "rough" || 8 * away < here, "{name}: {away} of {here} steps lead away");
        }
    }
}

/// Whatever the machines do: a controller that answers one worker with orders to another one, and
/// workers that speak of what is another one's.
#[test]
fn what_is_others_is_left_to_the_whole() {
    for scope in rough(&["hardened", "as_reported.reconcile"], ALL) {
        let policy = scope.policy;
        let orders = walk(scope.clone(), Meddling::Orders, 6_000);
        assert!(orders.apart > 1_000, "{policy:?}: {} steps in parts", orders.apart);
        let words = walk(scope, Meddling::Words, 6_000);
        assert!(words.whole > 50, "{policy:?}: {} states taken whole", words.whole);
    }
}

/// Also where nothing is recorded of the others but whether they are listened to, on which it
/// depends what is worth remembering of a heartbeat that failed.
#[test]
fn who_is_listened_to_is_not_a_single_workers_affair() {
    for scope in rough(&["hardened"], &["beat_lost", "run_lost"]) {
        let Walked { apart, .. } = walk(scope, Meddling::Verdicts, 20_000);
        assert!(apart > 1_000, "{apart} steps in parts");
    }
}

/// Machines that meddle with what is others'.
#[derive(Clone, PartialEq)]
enum Meddling {
    /// After a report from one worker, others are told to stop what they run.
    Orders,
    /// After a report from one worker, others are taken for dead.
    Verdicts,
    /// A report is always of the first task of a job, which is perhaps another worker's.
    Words,
}

impl Machines for Meddling {
    fn controller(&self, sm: &mut ControllerSm, input: Input, chooser: &mut Chooser) -> Effects {
        let heard =
            if let Input::Report(report) = &input { Some(report.seat.worker) } else { None };
        let mut effects = sm.on_choosing(input, chooser);
        let Some(heard) = heard else { return effects };
        if *self == Self::Orders {
            effects.extend(kills(sm, heard));
        }
        if *self == Self::Verdicts {
            let others: Vec<WorkerId> =
                sm.workers().map(|it| it.0).filter(|it| *it != heard).collect();
            for timer in others.into_iter().flat_map(|it| [Timer::Silent(it), Timer::Dead(it)]) {
                effects.extend(sm.on_choosing(Input::Fired(timer), chooser));
            }
        }
        effects
    }

    fn worker(&self, sm: &mut WorkerSm, input: WorkerInput) -> WorkerEffects {
        let mut effects = sm.on(input);
        for effect in &mut effects {
            if let (Self::Words, WorkerEffect::SendReport(report)) = (self, effect) {
                report.attempt = report.attempt.task.job.task(0).attempt(0);
            }
        }
        effects
    }
}

/// Orders to stop all that was ever on other workers.
fn kills(sm: &ControllerSm, but: WorkerId) -> Effects {
    let mut effects = Effects::new();
    for (job, record) in sm.jobs() {
        for (index, task) in (0..).zip(&record.tasks) {
            for (number, attempt) in (0..).zip(&task.attempts) {
                let (attempt, seat) = (job.task(index).attempt(number), attempt.seat);
                if seat.worker != but {
                    effects.push(Effect::SendKill { attempt, seat, only_if_not_started: true });
                }
            }
        }
    }
    effects
}

#[test]
fn a_model_works_apart_where_all_can_be_told_of_a_part() {
    let model = |name| ClusterModel::new(Scope::named(name).expect("a standard scope"));
    let mix = model("mix");
    assert!(!mix.works_apart(), "the hard cases of two claims may be at another worker");
    mix.told(HARD_ELSEWHERE & HARD_ELSEWHERE.wrapping_sub(1));
    assert!(!mix.works_apart(), "that of one claim still may");
    mix.told(HARD_ELSEWHERE);
    assert!(mix.works_apart());
    let watched = mix.watched(Arc::new(|_| ()));
    assert!(!watched.works_apart(), "who watches is shown every step");
    let fleet = model("fleet");
    fleet.told(HARD_ELSEWHERE);
    assert!(!fleet.works_apart(), "machines that come and go have no place of their own");
}

/// Also what is told of claims that nothing broke: whether their hard case occurred.
#[test]
fn a_search_by_parts_answers_what_one_by_whole_states_does() {
    let text = Scope::named("mix").expect("a standard scope").text;
    let scope = Scope::parse(&text.replace("any = 2", "any = 1"), "a test").expect("a scope");
    let limits = Limits {
        max_states: None,
        max_depth: None,
        max_memory: None,
        threads: 2,
        stop: &|| None,
        progress: &|_| (),
    };
    let whole = crate::check::run(&scope, &limits);
    let parts = crate::check::run_exact(&scope, &limits);
    assert_eq!((parts.states, parts.transitions), (whole.states, whole.transitions));
    assert_eq!((parts.rows, parts.findings), (whole.rows, whole.findings));
}

/// What can happen to workers and calls.
const ALL: &[&str] = &[
    "run_lost",
    "run_unexpected",
    "run_late",
    "run_duplicated",
    "run_answer_lost",
    "kill_lost",
    "report_lost",
    "report_duplicated",
    "beat_lost",
    "beat_answer_lost",
    "beat_late",
    "cut_to_worker",
    "cut_from_worker",
    "worker_crash",
    "controller_crash",
    "bundle",
    "monitor",
    "exit_error",
    "cancel",
    "drain",
];

/// Scopes of two workers in which these things happen, two in a run, under each of these policies:
/// "hardened" keeps the contract.
fn rough(policies: &[&str], kinds: &[&str]) -> Vec<Scope> {
    let text = |policy| {
        format!(
            r#"
            name = "rough"
            policy = "{policy}"
            beats = "three_steps"
            reports = "all"
            [[workers]]
            count = 2
            [[jobs]]
            replicas = 2
            [faults]
            any = 2
            kinds = {kinds:?}
            "#
        )
    };
    let texts = policies.iter().map(text);
    texts.map(|text| Scope::parse(&text, "a test").expect("a scope")).collect()
}
