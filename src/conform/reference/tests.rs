use super::*;
use crate::conform::in_process::InProcess;
use crate::conform::play::{Outcome, play};
use crate::conform::run::{Exit, Shape};

fn exits(after: u32, ok: bool) -> Vec<Vec<Exit>> {
    vec![vec![Exit { after: Millis(after), ok }]]
}

#[test]
fn a_plain_run_agrees() {
    let plan = JobPlan { replicas: 3, tasks: exits(500, true), ..JobPlan::default() };
    let fails = JobPlan { failure: 2, tasks: exits(20, false), ..JobPlan::default() };
    let steps = vec![
        Step::Submit(plan),
        Step::Pass(Millis(499)),
        Step::Submit(fails),
        Step::Pass(Millis(2)),
        Step::Cancel(JobId(1)),
        Step::Pass(Millis(100)),
    ];
    let run = Run::new(1, Shape::of_workers(2), steps);
    let played = play(&run, &InProcess::virtual_time());
    assert_eq!(played.outcome, Outcome::Agrees, "{:#?}", played.last);
    assert_eq!(played.followed, 12);
}

/// Of fifteen tries the last pauses are of half an hour and more; but what begins at noon is in
/// none of those at one minute past.
#[test]
fn a_pause_is_waited_for_as_far_as_it_can_have_come() {
    let mut run = Run::new(1, Shape::of_workers(1), Vec::new());
    run.shape.policy.0.delivery_tries = 15;
    let plan = JobPlan { tasks: exits(0, true), ..JobPlan::default() };
    let bound = |healed| duty::bound([&plan].into_iter(), &run, healed).0;
    assert_eq!(bound(60_000) - bound(0), 60_000);
    let most = run.shape.policy.0.delivery_backoff.0 << 15;
    assert_eq!(bound(u64::from(2 * most)), bound(u64::from(most)));
    assert!(bound(0) < most, "{} ms", bound(0));
}
