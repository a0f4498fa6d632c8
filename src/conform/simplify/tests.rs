use super::*;
use crate::conform::generate::{draw, kind_of};
use crate::conform::run::{Exit, GroupShape, JobPlan, PolicyShape, Shape, WorkerShape};
use crate::conform::shrink::{Limits, Verdict, shrink};
use crate::conform::subject::{Abilities, Kind};
use crate::model::id::{JobId, WorkerId};
use crate::model::operation::Direction;
use crate::model::policy::Policy;
use crate::model::spec::Terms;
use crate::real::chaos::{Code, Rule, Verb, When};

fn runs(count: u64) -> impl Iterator<Item = Run> {
    let abilities = Abilities { steps: Kind::ALL.to_vec(), slack: Millis(0) };
    (0..count).map(move |index| draw(&abilities, 2, index))
}

/// What falls with each simpler run: steps, then things, then fields of the policy, then all that
/// is left. None of it falls for ever.
fn measure(run: &Run) -> (usize, usize, usize, u128) {
    let things = run.shape.workers.len() + run.shape.groups.len();
    let policy = serde_json::to_value(run.shape.policy).expect("it is plain values");
    let fields = policy.as_object().map_or(0, serde_json::Map::len);
    let workers = run.shape.workers.iter().map(worker_size);
    let groups = run.shape.groups.iter().map(group_size);
    let steps = run.steps.iter().map(step_size);
    let rest = workers.chain(groups).chain(steps).sum::<u128>() + u128::from(run.seed != 0);
    (run.steps.len(), things, fields, rest)
}

fn worker_size(worker: &WorkerShape) -> u128 {
    u128::from(worker.cpus) + u128::from(worker.zone != "a") + u128::from(worker.waits)
}

fn group_size(group: &GroupShape) -> u128 {
    let GroupShape { min_slices, max_slices, vms, cpus, zone, pace, quota } = group;
    let numbers = [u32::from(*min_slices), (*max_slices).into(), (*vms).into(), *cpus, pace.0];
    let numbers = numbers.into_iter().map(u128::from).sum::<u128>();
    numbers + u128::from(zone != "a") + u128::from(*quota != u16::MAX)
}

fn step_size(step: &Step) -> u128 {
    match step {
        Step::Submit(plan) => plan_size(plan),
        Step::Fault(rule) => rule_size(rule),
        Step::Pass(length) => length.0.into(),
        Step::SlicePreempted(slice) => slice.number.into(),
        Step::VmLost(vm) => vm.0.into(),
        Step::Resubmit(_)
        | Step::Cancel(_)
        | Step::Drain(_)
        | Step::Open(_)
        | Step::WorkerCrashes(_)
        | Step::WorkerStarts(_)
        | Step::ControllerCrashes
        | Step::ControllerStarts
        | Step::Cut(..)
        | Step::Mended(..)
        | Step::FaultsEnd => 0,
    }
}

fn plan_size(plan: &JobPlan) -> u128 {
    let usual = Terms::default().budgets;
    let budget = |number: u16, usual: u16| match number {
        0 => 0,
        number if number == usual => 1,
        number => u128::from(number) + 1,
    };
    let limit = |limit: Option<Millis>| limit.map_or(0, |length| u128::from(length.0));
    let exit = |exit: &Exit| 1 + u128::from(exit.after.0) + u128::from(!exit.ok);
    let list = |list: &Vec<Exit>| 1 + list.iter().map(exit).sum::<u128>();
    u128::from(plan.gang)
        + u128::from(plan.replicas)
        + if plan.cpus == 0 { 2 } else { u128::from(plan.cpus) }
        + budget(plan.failure, usual.failure)
        + budget(plan.delivery, usual.delivery)
        + budget(plan.preemption, usual.preemption)
        + u128::from(plan.max_task_failures)
        + limit(plan.timeout)
        + limit(plan.scheduling_timeout)
        + plan.tasks.iter().map(list).sum::<u128>()
}

fn rule_size(rule: &Rule) -> u128 {
    let When { rate, nth, first, at_most, during } = rule.when;
    let numbers = [nth, first, at_most].into_iter().flatten().map(u128::from).sum::<u128>();
    let plain = rule.when == When { nth, ..When::default() } && nth.is_some();
    let when = u128::from(rate.is_some()) + u128::from(during.is_some()) + numbers;
    let word = Verb::WORDS.iter().position(|word| *word == rule.verb.word());
    let detail = match rule.verb {
        Verb::Fail(code) => u128::from(code != Code::Unavailable),
        Verb::Delay(length) => length.0.into(),
        Verb::DropRequest | Verb::DropResponse | Verb::Duplicate | Verb::Crash => 0,
    };
    let word = word.expect("it is one of the words") as u128;
    when + (u128::from(!plain) << 70) + u128::from(rule.node.is_some()) + (word << 40) + detail
}

fn simpler(run: &Run) -> Vec<Run> {
    let steps = (0..run.steps.len()).flat_map(|at| run.simpler_step(at));
    run.simpler_setting().into_iter().chain(steps).collect()
}

#[test]
fn each_simpler_run_is_possible_and_smaller() {
    let mut count = 0;
    for run in runs(300) {
        for simpler in simpler(&run) {
            assert_eq!(World::possible(&simpler), simpler.steps);
            assert_eq!(Run::from_json(&simpler.to_json()).as_ref(), Ok(&simpler));
            assert!(measure(&simpler) < measure(&run), "{}{}", run.to_json(), simpler.to_json());
            count += 1;
        }
    }
    assert!(count > 300 * 50, "{count}");
}

/// The simplest run of each kind of step.
#[test]
fn a_run_of_which_only_a_kind_of_step_matters_ends_at_the_simplest() {
    let first = WorkerId(1);
    let rows = [
        (Kind::Submit, 1, vec![Step::Submit(least())]),
        (Kind::Gang, 1, vec![Step::Submit(JobPlan { gang: true, ..least() })]),
        (Kind::Cancel, 1, vec![Step::Submit(least()), Step::Cancel(JobId(1))]),
        (Kind::Resubmit, 1, vec![Step::Submit(least()), Step::Resubmit(JobId(1))]),
        (Kind::Drain, 1, vec![Step::Drain(first)]),
        (Kind::Controller, 1, vec![Step::ControllerCrashes]),
        (Kind::Controller, 2, vec![Step::ControllerCrashes, Step::ControllerStarts]),
        (Kind::Pass, 1, vec![Step::Pass(Millis(1))]),
    ];
    for (kind, times, expected) in rows {
        let matters =
            |run: &Run| run.steps.iter().filter(|step| kind_of(step) == kind).count() >= times;
        let mut found = 0;
        for run in runs(200).filter(matters).take(10) {
            let mut test = |run: &Run| if matters(run) { Verdict::Fails } else { Verdict::Passes };
            let limits = Limits { runs: 5000, ..Limits::default() };
            let end = shrink(run, limits, &mut test, &mut |_| {});
            assert_eq!(end.case.steps, expected, "{kind:?}");
            let about = usize::from(kind == Kind::Drain);
            let shape = Shape { workers: vec![plain_worker(); about], ..Shape::default() };
            assert_eq!((end.case.shape, end.case.seed), (shape, 0), "{kind:?}");
            found += 1;
        }
        assert_eq!(found, 10, "{kind:?}");
    }
}

/// The simplest job.
fn least() -> JobPlan {
    JobPlan { delivery: 0, preemption: 0, ..JobPlan::default() }
}

fn plain_worker() -> WorkerShape {
    WorkerShape { cpus: 1, ..Shape::of_workers(1).workers.remove(0) }
}

fn run(text: &str) -> Run {
    Run::from_json(text).expect("it is a run")
}

#[test]
fn what_is_about_something_that_is_gone_goes_with_it_and_the_rest_moves_up() {
    let run = run(r#"{
        "version": 1,
        "shape": {
            "workers": [{"cpus": 4}, {"cpus": 2}, {"cpus": 1}],
            "groups": [{"max_slices": 1, "vms": 1, "cpus": 4, "pace": 1000},
                       {"max_slices": 2, "vms": 1, "cpus": 4, "pace": 1000}]
        },
        "steps": [
            {"cut": ["w2", "to_worker"]}, {"cut": ["w3", "to_worker"]}, {"worker_crashes": "w1"},
            {"vm_lost": "v4"}, {"slice_preempted": "g1/s1"}, {"slice_preempted": "g2/s3"},
            {"fault": "worker.heartbeat on w2 crash nth 1"},
            {"fault": "worker.heartbeat on w4 crash nth 1"},
            {"fault": "provider.preempt on g2 fail INTERNAL nth 1"}
        ]
    }"#);
    let told = |run: &Run| {
        let steps: Vec<String> = run.steps.iter().map(ToString::to_string).collect();
        steps.join("\n")
    };
    let all = run.simpler_setting();
    let without_w2 = "network is cut from the controller to w2\n\
        w1 crashes\n\
        provider loses v3 without a word\n\
        provider preempts g1/s1\n\
        provider preempts g2/s3\n\
        chaos worker.heartbeat on w3 crash nth 1\n\
        chaos provider.preempt on g2 fail INTERNAL nth 1";
    let fewer = all.iter().find(|it| it.shape.workers.len() == 2 && it.shape.workers[1].cpus == 1);
    let fewer = fewer.expect("w2 is left out of one");
    assert_eq!((told(fewer).as_str(), fewer.shape.workers[0].cpus), (without_w2, 4));
    let without_g1 = "network is cut from the controller to w2\n\
        network is cut from the controller to w3\n\
        w1 crashes\n\
        provider loses v4 without a word\n\
        provider preempts g1/s3\n\
        chaos worker.heartbeat on w2 crash nth 1\n\
        chaos worker.heartbeat on w4 crash nth 1\n\
        chaos provider.preempt on g1 fail INTERNAL nth 1";
    let fewer =
        all.iter().find(|it| it.shape.groups.len() == 1 && it.shape.groups[0].max_slices == 2);
    assert_eq!(told(fewer.expect("g1 is left out of one")), without_g1);
}

#[test]
fn a_job_that_is_left_out_takes_along_what_is_done_to_it() {
    let plan = |cpus| Step::Submit(JobPlan { cpus, ..JobPlan::default() });
    let steps = vec![
        plan(1),
        plan(2),
        Step::Cancel(JobId(1)),
        Step::Cut(WorkerId(1), Direction::ToWorker),
        Step::Cancel(JobId(2)),
        Step::Mended(WorkerId(1), Direction::ToWorker),
    ];
    let run = Run::new(0, Shape::of_workers(1), steps.clone());
    let rest = |steps: &[Step]| Run { steps: steps.to_vec(), ..run.clone() };
    // Called by the trait: a run's own method leaves the steps as they are.
    let left = |gone: &[usize]| {
        let kept = steps.iter().enumerate().filter(|(at, _)| !gone.contains(at));
        Case::with_steps(&run, kept.map(|(_, step)| step.clone()).collect())
    };
    assert_eq!(
        left(&[0]),
        rest(&[plan(2), steps[3].clone(), Step::Cancel(JobId(1)), steps[5].clone()])
    );
    assert_eq!(left(&[1]), rest(&[plan(1), steps[2].clone(), steps[3].clone(), steps[5].clone()]));
    assert_eq!(
        left(&[3]),
        rest(&[plan(1), plan(2), Step::Cancel(JobId(1)), Step::Cancel(JobId(2))])
    );
    // What is no part of the run in its order names jobs as it does.
    let turned = vec![plan(2), plan(1), Step::Cancel(JobId(2))];
    assert_eq!(Case::with_steps(&run, turned.clone()).steps, turned);
}

#[test]
fn a_policy_goes_back_to_the_usual_field_by_field_as_far_as_it_is_valid() {
    let policy = Policy {
        worker_lease: Millis::seconds(60),
        worker_timeout: Millis::seconds(90),
        delivery_tries: 1,
        ..Policy::LOCAL
    };
    let mut shape = Shape::of_workers(1);
    shape.workers[0].cpus = 1;
    shape.policy = PolicyShape(policy);
    let run = Run::new(0, shape, vec![Step::Pass(Millis(1))]);
    let policies: Vec<Policy> = run
        .simpler_setting()
        .iter()
        .filter(|it| it.shape.workers.len() == 1)
        .map(|it| it.shape.policy.0)
        .collect();
    let local = Policy::LOCAL;
    // The long lease needs the long timeout.
    let expected = [
        local,
        Policy { delivery_tries: local.delivery_tries, ..policy },
        Policy { worker_lease: local.worker_lease, ..policy },
    ];
    assert_eq!(policies, expected);
}

#[test]
fn times_that_pass_in_a_row_pass_at_once() {
    let passes = |lengths: &[u32]| {
        let steps = lengths.iter().map(|length| Step::Pass(Millis(*length))).collect();
        Run::new(0, Shape::default(), steps)
    };
    assert_eq!(passes(&[5, 7, 2]).simpler_step(0)[0], passes(&[12, 2]));
    assert_eq!(passes(&[5, 7, 2]).simpler_step(2), [passes(&[5, 7, 1])]);
    assert_eq!(passes(&[u32::MAX, 1]).simpler_step(0)[0], passes(&[1, 1]));
}
