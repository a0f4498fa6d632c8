use super::*;
use crate::model::policy::Policy;

fn example() -> Run {
    let mut shape = Shape::of_workers(2);
    shape.workers[1].zone = "b".to_owned();
    shape.policy = PolicyShape(Policy { delivery_tries: 2, ..Policy::LOCAL });
    let exit = Exit { after: Millis(500), ok: false };
    let plan = JobPlan { failure: 1, tasks: vec![vec![exit]], ..JobPlan::default() };
    let rule = "worker.heartbeat on w1 drop_request nth 2".parse().expect("it is a rule");
    let steps = vec![
        Step::Submit(plan),
        Step::Fault(rule),
        Step::Pass(Millis(15_001)),
        Step::Cancel(JobId(1)),
        Step::FaultsEnd,
    ];
    Run::new(7, shape, steps)
}

#[test]
fn a_run_is_read_as_it_was_written() {
    let run = example();
    assert_eq!(Run::from_json(&run.to_json()), Ok(run));
}

#[test]
fn only_what_differs_from_the_usual_is_written() {
    let text = example().to_json();
    assert!(text.contains("\"policy\": {\n      \"delivery_tries\": 2\n    }"), "{text}");
    assert!(!text.contains("timeout") && !text.contains("groups"), "{text}");
}

#[test]
fn what_is_no_run_is_refused_with_a_reason() {
    let good = example().to_json();
    let rows = [
        ("\"version\": 1", "\"version\": 2", "version is 2, expected 1"),
        ("\"cancel\": \"j1\"", "\"beat\": [\"w1\", \"done\"]", "unknown variant `beat`"),
        ("drop_request", "explode", "explode"),
        ("\"failure\": 1", "\"failures\": 1", "unknown field `failures`"),
        ("\"delivery\": 10", "\"delivery\": 10001", "max_dispatch_failures must be 0 to 10,000"),
        ("\"delivery_tries\": 2", "\"delivery_tries\": 0", "delivery_tries must be 1 to 15"),
    ];
    for (from, to, says) in rows {
        assert!(good.contains(from), "{from} in {good}");
        let error = Run::from_json(&good.replace(from, to)).expect_err("it was spoiled");
        assert!(error.to_string().contains(says), "{to}: {error}");
    }
}

#[test]
fn an_attempt_ends_as_the_plan_says_for_it_or_for_the_last_one_before() {
    let exit = |after| Exit { after: Millis(after), ok: true };
    let tasks = vec![vec![exit(1), exit(2)], vec![exit(3)]];
    let plan = JobPlan { tasks, ..JobPlan::default() };
    let rows = [((0, 0), 1), ((0, 1), 2), ((0, 9), 2), ((1, 0), 3), ((7, 7), 3)];
    for ((task, attempt), after) in rows {
        assert_eq!(plan.exit(task, attempt), Some(exit(after)), "{task} {attempt}");
    }
    assert_eq!(JobPlan::default().exit(0, 0), None);
}
