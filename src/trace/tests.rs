//! Exact texts, and files that must be refused.

use super::{BadTrace, FORMAT_VERSION, Trace, TraceStep};
use crate::model::id::{AttemptId, JobId, WorkerId};
use crate::model::operation::{Act, Fate, Operation, RunFate};
use crate::model::timer::Timer;

const W1: WorkerId = WorkerId(1);

fn attempt() -> AttemptId {
    JobId(1).task(0).attempt(0)
}

fn step(operation: Operation, who: &str, did: &str, changed: &[&str]) -> TraceStep {
    let act = Act { operation, choice: 0, dies: false };
    let changed = changed.iter().map(ToString::to_string).collect();
    TraceStep { act, who: who.to_owned(), did: did.to_owned(), changed }
}

/// The counterexample that the design shows.
fn finite() -> Trace {
    let run = Operation::Run(attempt(), RunFate::Arrives);
    let exit = Operation::Exit(attempt(), true);
    let lost = Operation::Report(attempt(), Fate::RequestLost);
    let beat = Operation::Beat(W1, Fate::Done);
    Trace {
        version: FORMAT_VERSION,
        claim: "T8".into(),
        name: "a_completed_task_is_not_blamed_on_its_worker".into(),
        sentence: "a completed task is never marked WORKER_FAILED".into(),
        found: "j1.0#0 exited 0 on w1, which is alive; the controller says WORKER_FAILED".into(),
        scope: "reconcile".into(),
        about: "1 worker, 1 task, 1 lost message, policy as_reported.reconcile".into(),
        scope_text: "workers = 1\n".into(),
        steps: vec![
            step(run, "controller", "RunTask j1.0#0 → w1", &["j1.0  PENDING → ASSIGNED w1"]),
            step(exit, "w1", "j1.0#0 exits 0", &["w1  running {j1.0#0} → {}"]),
            step(lost, "network", "loses ReportTaskState j1.0#0", &["losses left 1 → 0"]),
            step(beat, "w1", "Heartbeat running {}", &["j1.0  ASSIGNED w1 → WORKER_FAILED"]),
        ],
        cycle_from: None,
        no_return: None,
    }
}

/// One step in, then a delivery that is retried without end.
fn lasso() -> Trace {
    let submit = Operation::Submit(JobId(1));
    let lost = Operation::Run(attempt(), RunFate::NotSent);
    let retry = Operation::Fires(Timer::Retry(attempt()));
    Trace {
        claim: "L1".into(),
        name: "a_job_ends".into(),
        sentence: "a job ends".into(),
        found: "j1 stays PENDING for ever".into(),
        about: "1 worker, 1 task".into(),
        steps: vec![
            step(submit, "client", "submits j1", &["j1  absent → RUNNING", "j1.0  ASSIGNED w1"]),
            step(
                lost,
                "network",
                "cannot send RunTask j1.0#0",
                &["j1.0  → PENDING", "j1.0#0  gone"],
            ),
            step(retry, "time", "back-off is over", &[]),
        ],
        cycle_from: Some(1),
        no_return: Some(0),
        ..finite()
    }
}

#[test]
fn a_finite_trace_reads_as_the_design_shows_it() {
    let expected = "\
VIOLATED  T8 a_completed_task_is_not_blamed_on_its_worker
  claim   a completed task is never marked WORKER_FAILED
  found   j1.0#0 exited 0 on w1, which is alive; the controller says WORKER_FAILED
  scope   1 worker, 1 task, 1 lost message, policy as_reported.reconcile
  #  who         did                            changed
  1  controller  RunTask j1.0#0 → w1            j1.0  PENDING → ASSIGNED w1
  2  w1          j1.0#0 exits 0                 w1    running {j1.0#0} → {}
  3  network     loses ReportTaskState j1.0#0   losses left 1 → 0
  4  w1          Heartbeat running {}           j1.0  ASSIGNED w1 → WORKER_FAILED   ← here
  replay  iris-check replay findings/T8.json
";
    assert_eq!(finite().to_text(Some("findings/T8.json")), expected);
}

#[test]
fn an_endless_run_prints_the_way_in_and_then_the_cycle() {
    let head = "\
VIOLATED  L1 a_job_ends
  claim   a job ends
  found   j1 stays PENDING for ever
  scope   1 worker, 1 task
";
    let cycle = "  #  who      did                          changed
  1  client   submits j1                   j1      absent → RUNNING
                                           j1.0    ASSIGNED w1   ← no return
  for ever:
  2  network  cannot send RunTask j1.0#0   j1.0    → PENDING
                                           j1.0#0  gone
  3  time     back-off is over
";
    assert_eq!(lasso().to_text(None), format!("{head}{cycle}"));

    let mut stops = lasso();
    stops.steps.remove(1);
    (stops.cycle_from, stops.no_return) = (Some(2), Some(1));
    let stop = "  #  who     did                changed
  1  client  submits j1         j1    absent → RUNNING
                                j1.0  ASSIGNED w1
  2  time    back-off is over   ← no return
  for ever: nothing more happens
  replay  iris-check replay 'a finding.json'
";
    assert_eq!(stops.to_text(Some("a finding.json")), format!("{head}{stop}"));
}

#[test]
fn a_first_state_that_breaks_the_claim_has_no_table() {
    let mut trace = lasso();
    trace.steps.clear();
    (trace.cycle_from, trace.no_return) = (None, None);
    let last = |trace: &Trace| trace.to_text(None).lines().last().map(str::to_owned);
    assert_eq!(last(&trace).as_deref(), Some("  before the first step   ← here"));
    trace.cycle_from = Some(0);
    assert_eq!(last(&trace).as_deref(), Some("  for ever: nothing more happens"));
    assert_eq!(trace.to_text(None).lines().count(), 5);
}

#[test]
fn ten_steps_widen_the_first_column() {
    let mut trace = finite();
    trace.steps = vec![step(Operation::ControllerCrashes, "c", "dies", &[]); 10];
    let text = trace.to_text(None);
    let lines: Vec<&str> = text.lines().skip(4).collect();
    assert_eq!(lines[0], "   #  who  did    changed");
    assert_eq!(lines[9], "   9  c    dies");
    assert_eq!(lines[10], "  10  c    dies   ← here");
}

#[test]
fn what_a_file_says_cannot_break_the_table() {
    let mut trace = finite();
    trace.found = "a\nb".into();
    trace.steps = vec![step(Operation::ControllerCrashes, "\u{1b}[2J", "x\ny", &["j1\t  z"])];
    let text = trace.to_text(None);
    let lines: Vec<&str> = text.lines().skip(2).collect();
    let expected = [
        "  found   a\\nb",
        "  scope   1 worker, 1 task, 1 lost message, policy as_reported.reconcile",
        "  #  who        did    changed",
        "  1  \\u{1b}[2J  x\\ny   j1\\t  z   ← here",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn a_step_speaks_the_words_of_its_act() {
    let operation = Operation::Report(attempt(), Fate::RequestLost);
    let step = TraceStep::new(Act { operation, choice: 3, dies: true }, vec![]);
    assert_eq!(step.who, "network");
    let did = "loses ReportTaskState j1.0#0; the controller dies before it acts on it";
    assert_eq!(step.did, did);
}

#[test]
fn a_trace_is_read_as_it_was_written() {
    let mut chosen = lasso();
    chosen.steps[0].act = Act { choice: u64::MAX, dies: true, ..chosen.steps[0].act };
    for trace in [finite(), lasso(), chosen] {
        let text = trace.to_json();
        assert_eq!(Trace::from_json(&text), Ok(trace.clone()));
        assert_eq!(text, trace.clone().to_json());
        assert!(text.ends_with("}\n"), "{text}");
    }
}

#[test]
fn the_file_has_the_documented_fields_in_order() {
    let mut trace = finite();
    trace.steps.truncate(1);
    let expected = r#"{
  "version": 1,
  "claim": "T8",
  "name": "a_completed_task_is_not_blamed_on_its_worker",
  "sentence": "a completed task is never marked WORKER_FAILED",
  "found": "j1.0#0 exited 0 on w1, which is alive; the controller says WORKER_FAILED",
  "scope": "reconcile",
  "about": "1 worker, 1 task, 1 lost message, policy as_reported.reconcile",
  "scope_text": "workers = 1\n",
  "steps": [
    {
      "act": {
        "operation": {
          "run": [
            "j1.0#0",
            "arrives"
          ]
        }
      },
      "who": "controller",
      "did": "RunTask j1.0#0 → w1",
      "changed": [
        "j1.0  PENDING → ASSIGNED w1"
      ]
    }
  ],
  "cycle_from": null,
  "no_return": null
}
"#;
    assert_eq!(trace.to_json(), expected);
}

#[test]
fn what_is_no_trace_is_refused_with_place_expectation_and_advice() {
    let good = finite().to_json();
    let cut = good.split_at(good.find("steps").expect("it has steps")).0.to_owned();
    let rows = [
        (
            cut,
            "line 10, column 3: EOF while parsing a string; the file is cut off: copy it whole, or \
             let the check write it again",
        ),
        (
            good.replacen("\"T8\",", "\"T8\"", 1),
            "line 4, column 3: expected `,` or `}`; this is no JSON: undo the edit, or let the \
             check write it again",
        ),
        (
            good.replacen("\"who\"", "\"whom\"", 1),
            "line 20, column 12: unknown field `whom`, expected one of `act`, `who`, `did`, \
             `changed`; this is no trace of format version 1: mend the field, or let the check \
             write it again",
        ),
        (
            good.replacen("\"j1.0#0\"", "\"j1.0\"", 1),
            "line 16, column 12: `j1.0` is not an attempt such as `j1.0#2`; this is no trace of \
             format version 1: mend the field, or let the check write it again",
        ),
        (
            good.replacen("  \"found\": \"j1.0#0 exited 0 on", "  \"scope\": \"", 1),
            "line 7, column 9: duplicate field `scope`; this is no trace of format version 1: mend \
             the field, or let the check write it again",
        ),
        (
            "{}".to_owned(),
            "line 1, column 2: missing field `version`; this is no trace of format version 1: mend \
             the field, or let the check write it again",
        ),
    ];
    for (text, expected) in rows {
        let error = Trace::from_json(&text).expect_err("it is no trace");
        assert_eq!(error.to_string(), expected, "{text}");
    }
}

#[test]
fn another_version_is_refused_whatever_its_fields() {
    let error = Trace::from_json(r#"{"version": 2, "new": []}"#).expect_err("version 2");
    assert_eq!(error, BadTrace::Version { found: 2 });
    let expected = "the trace has format version 2, expected 1: replay it with the iris-check that \
                    wrote it, or let this one check its scope again";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn an_index_beyond_the_steps_is_refused() {
    // (steps, cycle_from, no_return, expected)
    let rows = [
        (3, Some(3), Some(2), None),
        (0, Some(0), None, None),
        (
            3,
            Some(4),
            None,
            Some(
                "cycle_from is 4, which is beyond the steps: expected null or a \
                                 number from 0 to 3",
            ),
        ),
        (
            0,
            Some(1),
            None,
            Some(
                "cycle_from is 1, which is beyond the steps: expected null or a \
                                 number from 0 to 0",
            ),
        ),
        (
            3,
            None,
            Some(3),
            Some(
                "no_return is 3, which is beyond the steps: expected null or a \
                                 number from 0 to 2",
            ),
        ),
        (0, None, Some(0), Some("no_return is 0, which is beyond the steps: expected null")),
    ];
    for (steps, cycle_from, no_return, expected) in rows {
        let mut trace = lasso();
        trace.steps.truncate(steps);
        (trace.cycle_from, trace.no_return) = (cycle_from, no_return);
        let error = Trace::from_json(&trace.to_json()).err().map(|error| error.to_string());
        let advice = "; mend the field, or let the check write the trace again";
        assert_eq!(error, expected.map(|expected| format!("{expected}{advice}")));
    }
}
