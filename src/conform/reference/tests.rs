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
