//! Every way back to PENDING spends one unit of one budget: exactly, at 0, at 1 and at the maximum.

use iris_check::controller_sm::Input;
use iris_check::model::spec::MAX_BUDGET;
use iris_check::model::timer::Timer;
use iris_check::model::wire::RunAnswer;

use super::rig::{Rig, budgets, id, tasks};

/// Ends the only attempt in this way: the letter that its worker reports, or nothing for a loss.
fn end(rig: &mut Rig, number: u16, heard: bool, letter: Option<&str>) {
    let attempt = format!("j1.0#{number}");
    if heard {
        rig.start(&attempt);
    }
    match letter {
        Some(letter) => rig.report(&attempt, letter),
        None => rig.beat(&format!("w1@{}", number + 2), 0, "", ""),
    };
}

type Row = (&'static str, bool, Option<&'static str>, usize, &'static str, &'static str);

/// What ends it, whether it was heard of, the letter, the budget's place, state and job when spent.
#[rustfmt::skip]
const ROWS: [Row; 7] = [
    ("exit",           true,  Some("F"),  0, "FAILED",                         "FAILED"),
    ("bundle",         false, Some("Fb"), 0, "FAILED",                         "FAILED"),
    ("missing",        false, Some("M"),  1, "FAILED (delivery budget spent)", "FAILED"),
    ("loss, assigned", false, None,       1, "FAILED (delivery budget spent)", "FAILED"),
    ("kill, assigned", false, Some("K"),  1, "FAILED (delivery budget spent)", "FAILED"),
    ("loss",           true,  None,       2, "WORKER_FAILED",                  "WORKER_FAILED"),
    ("kill",           true,  Some("K"),  2, "WORKER_FAILED",                  "WORKER_FAILED"),
];

#[test]
fn a_budget_of_n_allows_n_more_attempts() {
    for (what, heard, letter, place, state, job) in ROWS {
        for max in [0, 1, 2] {
            let mut all = [9, 9, 9];
            all[place] = max;
            let mut rig = Rig::with_workers(1, 4);
            rig.submit(budgets(all[0], all[1], all[2]));
            for number in 0..max {
                end(&mut rig, number, heard, letter);
                let found = rig.task("j1.0");
                assert!(found.starts_with("ASSIGNED"), "{what}, budget {max}: {found}");
            }
            end(&mut rig, max, heard, letter);
            let mut spent = [0, 0, 0];
            spent[place] = max + 1;
            let expected = format!("{}/{}/{}", spent[0], spent[1], spent[2]);
            let found = rig.task("j1.0");
            assert!(found.starts_with(&format!("{state} [")), "{what}, budget {max}: {found}");
            assert!(found.ends_with(&format!("] {expected}")), "{what}, budget {max}: {found}");
            assert_eq!(rig.job(1), job, "{what}, budget {max}");
        }
    }
}

#[test]
fn the_largest_budget_is_spent_to_its_end() {
    let mut rig = Rig::with_workers(1, 4);
    rig.submit(budgets(0, MAX_BUDGET, 0));
    // Without the rig's laws, which look at all attempts each time.
    for number in 0..=MAX_BUDGET {
        let attempt = id(&format!("j1.0#{number}"));
        let _ = rig.sm.on(Input::RunAnswered { attempt, answer: RunAnswer::Refused });
        for timer in rig.sm.armed() {
            // A quarantine would hold it up: its end and the next beat let it go on.
            if matches!(timer, Timer::Quarantine(_)) {
                let _ = rig.sm.on(Input::Fired(timer));
                let beat = rig.heartbeat("w1@1", 0, "", "");
                let _ = rig.sm.on(Input::Beat(Box::new(beat)));
            }
        }
    }
    assert_eq!(rig.job(1), "FAILED");
    let task = rig.sm.task("j1.0".parse().expect("a task")).expect("the task");
    assert_eq!((task.spent.delivery, task.attempts.len()), (MAX_BUDGET + 1, 10_001));
}

#[test]
fn capacity_is_freed_by_the_confirmation_and_not_by_the_decision() {
    let mut rig = Rig::with_workers(1, 1);
    rig.submit(tasks(1));
    rig.submit(tasks(1));
    assert_eq!(rig.why(2), "no room");
    rig.start("j1.0#0");
    let ended = "kill j1.0#0 on w1@1; cancelled j1; ended j1; arm Forget(j1) 604800 s";
    assert_eq!(rig.cancel(1), ended);
    assert_eq!(rig.worker(1), "HEALTHY 1000 [j1.0#0]");
    assert_eq!(rig.task("j2.0"), "PENDING [] 0/0/0");
    assert_eq!(rig.report("j1.0#0", "K"), "noted; run j2.0#0 on w1@1");
    assert_eq!(rig.worker(1), "HEALTHY 1000 [j2.0#0]");
}

#[test]
fn a_task_is_placed_again_only_when_its_earlier_attempts_are_gone() {
    let mut rig = Rig::with_workers(2, 4);
    rig.submit(tasks(1));
    rig.start("j1.0#0");
    rig.beat("w1@1", 9, "", "");
    assert_eq!(rig.task("j1.0"), "PENDING [w1@1 WORKER_FAILED by loss] 0/0/1");
    assert_eq!(rig.why(1), "waits for j1.0#0 on w1");
    assert_eq!(rig.beat("w2@1", 0, "", ""), "known", "there is room, and it waits");
    assert_eq!(rig.beat("w1@1", 10, "", "j1.0#0=M"), "known acked [j1.0#0]; run j1.0#1 on w2@1");
    assert_eq!(rig.worker(1), "HEALTHY 0 []");
}

#[test]
fn a_retry_keeps_its_place_and_avoids_where_it_failed() {
    let mut rig = Rig::with_workers(2, 1);
    rig.submit(budgets(5, 0, 0));
    rig.submit(tasks(1));
    rig.submit(tasks(1));
    rig.start("j1.0#0");
    // j1 comes before j3, on the same worker, because no other has room.
    assert_eq!(rig.report("j1.0#0", "F"), "noted; run j1.0#1 on w1@1");
    rig.start("j2.0#0");
    assert!(rig.report("j2.0#0", "S").contains("run j3.0#0 on w2@1"));
    rig.start("j3.0#0");
    rig.report("j3.0#0", "S");
    assert_eq!(rig.report("j1.0#1", "F"), "noted; run j1.0#2 on w2@1");
}
