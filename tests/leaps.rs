//! Much shorter runs that no removal of steps leads to: what is tried before a failure is handed
//! to people.

use iris_check::conform::generate::draw;
use iris_check::conform::run::{JobPlan, Run, Shape, Step};
use iris_check::conform::shrink::{Case, Limits, Verdict, shrink};
use iris_check::conform::subject::{Abilities, Kind};
use iris_check::conform::world::World;
use iris_check::model::id::{JobId, WorkerId};
use iris_check::model::operation::Direction;
use iris_check::model::time::Millis;
use iris_check::real::chaos::{Code, Point, Rule, Verb, When};

const FIRST: WorkerId = WorkerId(1);

fn job(cpus: u32) -> Step {
    Step::Submit(JobPlan { cpus, ..JobPlan::default() })
}

fn fails(point: Point, nth: u64) -> Step {
    let when = When { nth: Some(nth), ..When::default() };
    Step::Fault(Rule::new(point, Verb::Fail(Code::Unavailable)).when(when))
}

#[test]
fn each_leap_is_possible_and_shorter() {
    let abilities = Abilities { steps: Kind::ALL.to_vec(), slack: Millis(0) };
    let mut count = 0;
    for number in 0..100 {
        let run = draw(&abilities, 2, number);
        let run = Case::with_steps(&run, run.steps.iter().take(6).cloned().collect());
        for leap in run.leaps() {
            assert_eq!(World::possible(&leap), leap.steps);
            assert!(leap.steps.len() < run.steps.len(), "{}{}", run.to_json(), leap.to_json());
            assert_eq!(Run::from_json(&leap.to_json()).as_ref(), Ok(&leap));
            count += 1;
        }
    }
    assert!(count > 100 * 200, "{count}");
}

/// A report is lost by a cut that is mended in time, which takes four steps; or by one rule.
#[test]
fn one_fault_takes_the_place_of_a_detour() {
    let lost = Rule::new(Point::WorkerReportTaskState, Verb::DropRequest)
        .when(When { first: Some(3), ..When::default() });
    let by_rule = |run: &Run| match run.steps.as_slice() {
        [Step::Fault(rule), Step::Submit(_)] => *rule == lost,
        _ => false,
    };
    let detour = [
        Step::Cut(FIRST, Direction::FromWorker),
        job(1),
        Step::Pass(Millis(1)),
        Step::Mended(FIRST, Direction::FromWorker),
    ];
    let by_cut = |run: &Run| {
        let same = |(one, other): (&Step, &Step)| {
            one == other || matches!((one, other), (Step::Submit(_), Step::Submit(_)))
        };
        run.steps.len() == detour.len() && run.steps.iter().zip(&detour).all(same)
    };
    let mut test =
        |run: &Run| if by_rule(run) || by_cut(run) { Verdict::Fails } else { Verdict::Passes };
    let run = Run::new(0, Shape::of_workers(1), detour.to_vec());
    let limits = Limits { runs: 1000, leaps: 1000, ..Limits::default() };
    let end = shrink(run, limits, &mut test, &mut |_| {});
    assert_eq!((end.case.steps.len(), end.limit_reached), (2, false), "{}", end.case.to_json());
}

/// What was drawn last may have to come first, and what was in between may be left out.
#[test]
fn three_steps_are_tried_in_any_order() {
    let cancel = Step::Cancel(JobId(1));
    let steps = vec![Step::Drain(FIRST), job(1), cancel.clone(), Step::ControllerCrashes];
    let wanted = [job(1), Step::ControllerCrashes, cancel];
    let run = Run::new(0, Shape::of_workers(1), steps);
    assert!(run.leaps().iter().any(|leap| leap.steps == wanted), "{wanted:?}");
    // Those of two steps come before.
    let lengths: Vec<usize> = run.leaps().iter().map(|leap| leap.steps.len()).collect();
    assert!(lengths.is_sorted(), "{lengths:?}");
}

/// Two steps less may need a worker, which was left out before that turned out.
#[test]
fn a_cluster_without_workers_is_tried_with_one() {
    let second = fails(Point::JournalAppend, 2);
    let steps = vec![second.clone(), job(1), job(1)];
    let run = Run::new(0, Shape::of_workers(0), steps);
    let wanted = [second, job(1)];
    let has_one = |leap: &Run| leap.shape.workers.len() == 1 && leap.steps == wanted;
    assert!(run.leaps().iter().any(has_one), "{wanted:?}");
}

/// Where there are faults at two points, both are tried at other hits, with a job alone.
#[test]
fn faults_are_tried_at_other_hits() {
    let steps = vec![
        fails(Point::ControllerDispatch, 1),
        job(1),
        Step::Pass(Millis(90)),
        fails(Point::JournalAppend, 1),
        Step::Pass(Millis(10)),
    ];
    let run = Run::new(0, Shape::of_workers(1), steps);
    let wanted = [fails(Point::ControllerDispatch, 1), fails(Point::JournalAppend, 2), job(1)];
    assert!(run.leaps().iter().any(|leap| leap.steps == wanted), "{wanted:?}");
    let timed = Step::Submit(JobPlan { cpus: 1, timeout: Some(Millis(100)), ..JobPlan::default() });
    let wanted = [timed, fails(Point::JournalAppend, 1), Step::Pass(Millis(101))];
    assert!(run.leaps().iter().any(|leap| leap.steps == wanted), "{wanted:?}");
}

/// What only four steps in a row lead to is found among the plots, where there are rules at all.
#[test]
fn plots_are_tried_alone() {
    let rule = fails(Point::WorkerReportTaskState, 1);
    let pass = || Step::Pass(Millis(1));
    let steps = |first: Step| vec![first, job(1), pass(), job(1), pass(), job(1)];
    let run = |steps| Run::new(0, Shape::of_workers(3), steps);
    let late = |leap: &Run| match leap.steps.as_slice() {
        [Step::Fault(one), Step::Fault(other), Step::Pass(_), Step::Submit(_), ..] => {
            (one.point, other.point) == (Point::WorkerHeartbeat, Point::WorkerReportTaskState)
        }
        _ => false,
    };
    assert!(run(steps(rule)).leaps().iter().any(late), "a heartbeat that is built before a job");
    assert!(!run(steps(Step::Drain(FIRST))).leaps().iter().any(late), "there are no rules");
}

/// A run without any job may need but one; and a gang of which one ends well and one does not.
#[test]
fn jobs_that_the_run_does_not_have_are_tried() {
    let failed = fails(Point::JournalAppend, 1);
    let crash = Step::WorkerCrashes(FIRST);
    let run = Run::new(0, Shape::of_workers(1), vec![failed.clone(), crash.clone(), crash.clone()]);
    let wanted =
        |leap: &Run| matches!(leap.steps.as_slice(), [fault, Step::Submit(_)] if *fault == failed);
    assert!(run.leaps().iter().any(wanted));
    let gang = JobPlan { gang: true, replicas: 2, ..JobPlan::default() };
    let run = Run::new(0, Shape::of_workers(2), vec![crash, Step::Submit(gang)]);
    let torn = |leap: &Run| match leap.steps.as_slice() {
        [Step::Submit(plan)] => plan.gang && plan.tasks.len() == 2 && plan.failure > 0,
        _ => false,
    };
    assert!(run.leaps().iter().any(torn));
}
