//! How short the shortest failures are, and what they cost: measured on toys whose true minimum is
//! known.

mod shrinker {
    pub mod plan;
    pub mod theirs;
    pub mod toy;
}

use iris_check::conform::shrink::note::{Outcome, Tried};
use iris_check::conform::shrink::{
    Flaky, Limits, Minimal, Shrunk, Verdict, shrink, simpler_numbers,
};
use shrinker::plan::{Call, Plan, Policy, call};
use shrinker::theirs;
use shrinker::toy::{Bug, Op, Run};

const THREE: &[Op] = &[Op::Register(3), Op::Beat(3), Op::Expire(3)];
const FIVE: &[Op] =
    &[Op::Register(2), Op::Register(1), Op::Expire(2), Op::Register(2), Op::Beat(1)];
const BUG_3: Bug = Bug { needs: THREE, unflipped: false };
const BUG_5: Bug = Bug { needs: FIVE, unflipped: false };
/// These show only if each `Flip` is flipped back: no single one can be left out.
const BUG_3_UNFLIPPED: Bug = Bug { needs: THREE, unflipped: true };
const BUG_5_UNFLIPPED: Bug = Bug { needs: FIVE, unflipped: true };

const FAILURES: u64 = 200;
const LENGTH: usize = 80;

/// Searches from that many failures, and what is true of their ends.
#[derive(Debug, PartialEq, Eq)]
struct Measured {
    /// Ends of which no single step, and no pair, can be left out: tried by brute force.
    minimal: [u64; 2],
    /// Ends that are the bug itself.
    least: u64,
    /// Ends that say of themselves that no pair can be left out.
    told: u64,
    /// Runs until the end was found, and all runs, of all searches together.
    runs: [usize; 2],
    /// Runs of the search that took most.
    most: usize,
}

fn measure(bug: &Bug, hints: bool) -> Measured {
    let mut measured = Measured { minimal: [0, 0], least: 0, told: 0, runs: [0, 0], most: 0 };
    for seed in 0..FAILURES {
        let shrunk = search(Run::failing(bug, seed, LENGTH, hints), bug, Limits::default());
        for most in [1, 2] {
            measured.minimal[most - 1] += u64::from(!shrunk.case.can_lose(bug, most));
        }
        measured.least += u64::from(shrunk.case.ops == bug.needs);
        measured.told += u64::from(shrunk.minimal == Minimal::Pairs);
        measured.runs[0] += shrunk.found_after;
        measured.runs[1] += shrunk.runs;
        measured.most = measured.most.max(shrunk.runs);
    }
    measured
}

fn search(case: Run, bug: &Bug, limits: Limits) -> Shrunk<Run> {
    shrink(case, limits, &mut |run| run.verdict(bug), &mut |_| {})
}

/// The bar: 99 in 100 ends lose no step, 95 in 100 no pair, and no search takes over 100 runs.
#[test]
fn failures_end_short_and_cheap() {
    for bug in [BUG_3, BUG_5] {
        let measured = measure(&bug, false);
        assert!(measured.minimal[0] >= FAILURES * 99 / 100, "{bug:?}: {measured:?}");
        assert!(measured.minimal[1] >= FAILURES * 95 / 100, "{bug:?}: {measured:?}");
        assert!(measured.most <= 100, "{bug:?}: {measured:?}");
    }
}

/// What is reached today. Whoever changes the search sees here what that costs or saves.
#[test]
fn failures_end_as_short_and_as_cheap_as_they_did() {
    let rows = [
        (BUG_3, false, [4030, 4869], 40),
        (BUG_5, false, [8251, 10235], 82),
        (BUG_3_UNFLIPPED, false, [9081, 9990], 98),
        (BUG_3_UNFLIPPED, true, [5955, 6931], 54),
        (BUG_5_UNFLIPPED, false, [17502, 19869], 148),
        (BUG_5_UNFLIPPED, true, [10523, 12910], 99),
    ];
    for (bug, hints, runs, most) in rows {
        let expected = Measured { minimal: [200, 200], least: 200, told: 200, runs, most };
        assert_eq!(measure(&bug, hints), expected, "{bug:?}, hints {hints}");
    }
}

/// Why there is a search of our own.
#[test]
fn the_shrinking_of_proptest_ends_longer() {
    for bug in [BUG_3, BUG_5] {
        let ends = theirs::shrunk(&bug, 200);
        let least = ends.iter().filter(|ops| ops.len() == bug.needs.len()).count();
        let steps: usize = ends.iter().map(Vec::len).sum();
        // Ours: 200 in 200, and no step more.
        assert!(least < 100, "{bug:?}: {least} of 200 are as short as can be");
        assert!(steps > 2 * 200 * bug.needs.len(), "{bug:?}: {steps} steps in 200 ends");
    }
}

fn plan(calls: &[Call], workers: u64, policy: Policy) -> Plan {
    Plan { calls: calls.to_vec(), workers, policy }
}

/// Steps, values and setting end where the failure ends.
#[test]
fn values_and_settings_end_at_the_smallest_that_fails() {
    type Fails = fn(&Plan) -> bool;
    let calls = [call(0, 5), call(3, 1000), call(2, 70), call(4, 300), call(4, 41), call(1, 0)];
    let rows: [(&str, Fails, Plan); 8] = [
        ("nothing is needed", |_| true, plan(&[], 1, Policy::Strict)),
        (
            "a size",
            |plan| plan.calls.iter().any(|call| call.size >= 137),
            plan(&[call(0, 137)], 1, Policy::Strict),
        ),
        (
            "a sum of sizes",
            |plan| plan.calls.iter().map(|call| call.size).sum::<u64>() > 1200,
            plan(&[call(0, 1000), call(0, 201)], 1, Policy::Strict),
        ),
        (
            "one size after another",
            |plan| plan.calls.windows(2).any(|two| two[0].size >= 40 && two[1].size >= 60),
            plan(&[call(0, 40), call(0, 60)], 1, Policy::Strict),
        ),
        (
            "the last worker: its call moves as the workers get fewer",
            |plan| plan.calls.iter().any(|call| call.worker + 1 == plan.workers),
            plan(&[call(0, 0)], 1, Policy::Strict),
        ),
        (
            "two workers with calls",
            |plan| plan.calls.iter().any(|call| call.worker != plan.calls[0].worker),
            plan(&[call(0, 0), call(1, 0)], 2, Policy::Strict),
        ),
        (
            "some losses",
            |plan| matches!(plan.policy, Policy::Lossy(3..)),
            plan(&[], 1, Policy::Lossy(3)),
        ),
        (
            "as many losses as calls, and workers for them",
            |plan| match plan.policy {
                Policy::Strict => false,
                Policy::Lossy(losses) => {
                    let calls = u64::try_from(plan.calls.len()).expect("they are few");
                    calls >= losses && losses >= 2 && plan.workers >= losses
                }
            },
            plan(&[call(0, 0), call(1, 0)], 2, Policy::Lossy(2)),
        ),
    ];
    for (name, fails, expected) in rows {
        let case = plan(&calls, 5, Policy::Lossy(5));
        let mut test = |plan: &Plan| if fails(plan) { Verdict::Fails } else { Verdict::Passes };
        assert_eq!(test(&case), Verdict::Fails, "{name}");
        let shrunk = shrink(case, Limits::default(), &mut test, &mut |_| {});
        assert_eq!((shrunk.case, shrunk.minimal), (expected, Minimal::Pairs), "{name}");
    }
}

#[test]
fn simpler_numbers_close_in() {
    let rows: [(u64, u64, &[u64]); 6] = [
        (0, 0, &[]),
        (1, 0, &[0]),
        (2, 5, &[]),
        (10, 0, &[0, 5, 8, 9]),
        (10, 7, &[7, 9]),
        (u64::MAX, u64::MAX - 2, &[u64::MAX - 2, u64::MAX - 1]),
    ];
    for (number, least, expected) in rows {
        assert_eq!(simpler_numbers(number, least), expected, "{number}, {least}");
    }
}

/// Answers by the number of the run; after the last, the toy's own.
fn answered(answers: &[Verdict], limits: Limits) -> Shrunk<Run> {
    let mut run = 0;
    let mut test = |case: &Run| {
        run += 1;
        answers.get(run - 1).copied().unwrap_or_else(|| case.verdict(&BUG_3))
    };
    shrink(Run::of(THREE.to_vec(), false), limits, &mut test, &mut |_| {})
}

#[test]
fn a_flaky_failure_is_told_and_left_as_it_is() {
    use Verdict::{Fails, Passes, Unclear};
    let rows: [(&[Verdict], Option<Flaky>); 5] = [
        (&[Fails, Fails, Fails], None),
        (&[Passes, Fails, Fails], Some(Flaky { fails: 2, of: 3 })),
        (&[Fails, Fails, Unclear], Some(Flaky { fails: 2, of: 3 })),
        (&[Fails, Passes, Passes], Some(Flaky { fails: 1, of: 3 })),
        (&[Passes, Passes, Passes], Some(Flaky { fails: 0, of: 3 })),
    ];
    for (answers, flaky) in rows {
        let shrunk = answered(answers, Limits { reruns: 3, ..Limits::default() });
        assert_eq!(shrunk.flaky, flaky, "{answers:?}");
        assert_eq!(shrunk.case.ops, THREE, "{answers:?}");
        // Of three singles and three pairs, those with the first step all leave nothing: 4 runs.
        let (runs, minimal) =
            if flaky.is_none() { (7, Minimal::Pairs) } else { (3, Minimal::Unknown) };
        assert_eq!((shrunk.runs, shrunk.minimal), (runs, minimal), "{answers:?}");
    }
}

/// Chance lets each second run pass. With two tries for each candidate that does not matter.
#[test]
fn a_flaky_failure_is_made_smaller_if_asked_for() {
    let case = Run::failing(&BUG_5, 1, LENGTH, false);
    let mut runs = 0;
    let mut test = |run: &Run| {
        runs += 1;
        if runs % 2 == 0 { run.verdict(&BUG_5) } else { Verdict::Passes }
    };
    let limits = Limits { flaky_too: true, ..Limits::default() };
    let shrunk = shrink(case, limits, &mut test, &mut |_| {});
    assert_eq!(shrunk.case.ops, FIVE);
    assert_eq!((shrunk.flaky, shrunk.minimal), (Some(Flaky { fails: 1, of: 3 }), Minimal::Unknown));
}

/// What fails by chance in the middle of the search is seen at its end.
#[test]
fn a_failure_that_turns_flaky_is_told() {
    use Verdict::{Fails, Passes};
    // Twice the same, then one step less fails, by chance.
    let shrunk = answered(&[Fails, Fails, Fails], Limits::default());
    assert_eq!(shrunk.case.ops.len(), 2);
    assert_eq!(shrunk.flaky, Some(Flaky { fails: 2, of: 3 }));
    assert_eq!(shrunk.minimal, Minimal::Unknown);
    assert_eq!(answered(&[Fails, Fails, Passes], Limits::default()).flaky, None);
}

#[test]
fn a_reached_limit_is_told() {
    let case = Run::failing(&BUG_3, 7, LENGTH, false);
    let whole = search(case.clone(), &BUG_3, Limits::default());
    assert_eq!((whole.limit_reached, whole.minimal), (false, Minimal::Pairs));
    for runs in 0..=whole.runs {
        let shrunk = search(case.clone(), &BUG_3, Limits { runs, ..Limits::default() });
        assert_eq!(shrunk.runs, runs);
        assert_eq!(shrunk.limit_reached, runs < whole.runs, "{runs}");
        assert_eq!(shrunk.case.verdict(&BUG_3), Verdict::Fails, "{runs}");
        assert_eq!(shrunk.case.ops == THREE, runs >= whole.found_after, "{runs}");
        // It is the same to have no run left as to have nothing left that one may cost.
        let mut left = runs;
        let mut test = |run: &Run| {
            if left == 0 {
                return Verdict::Spent;
            }
            left -= 1;
            run.verdict(&BUG_3)
        };
        let spent = shrink(case.clone(), Limits::default(), &mut test, &mut |_| {});
        assert_eq!(spent, shrunk, "{runs}");
        if runs < whole.found_after {
            assert_eq!(shrunk.minimal, Minimal::Unknown, "{runs}");
        }
    }
}

#[test]
fn what_is_not_tried_is_not_said_to_be_minimal() {
    // Flipped and flipped back: these two go only together, and no chunk has just these.
    let flipped = [&[Op::Flip], &THREE[..1], &[Op::Flip], &THREE[1..]].concat();
    // Theirs is the seventh pair: four are neighbours, and two more are closer to the end.
    let rows = [(0, 5, Minimal::Singles), (6, 5, Minimal::Singles), (7, 3, Minimal::Pairs)];
    for (pairs, steps, minimal) in rows {
        let limits = Limits { pairs, ..Limits::default() };
        let shrunk = search(Run::of(flipped.clone(), false), &BUG_3_UNFLIPPED, limits);
        assert_eq!((shrunk.case.ops.len(), shrunk.minimal), (steps, minimal), "{pairs}");
    }
}

/// An unclear answer is no failure, and what it leaves unknown is not said to be known.
#[test]
fn an_unclear_answer_is_not_kept() {
    let mut test = |run: &Run| match run.verdict(&BUG_3) {
        Verdict::Fails => Verdict::Fails,
        _ if run.ops.len() == 2 => Verdict::Unclear,
        Verdict::Passes | Verdict::Unclear | Verdict::Spent => Verdict::Passes,
    };
    let case = Run::failing(&BUG_3, 3, LENGTH, false);
    let shrunk = shrink(case, Limits::default(), &mut test, &mut |_| {});
    assert_eq!(shrunk.case.ops, THREE);
    assert_eq!((shrunk.minimal, shrunk.flaky), (Minimal::Unknown, None));
}

#[test]
fn nothing_is_run_twice_and_every_run_is_noted() {
    for bug in [BUG_3, BUG_5, BUG_3_UNFLIPPED, BUG_5_UNFLIPPED] {
        for hints in [false, true] {
            let case = Run::failing(&bug, 11, LENGTH, hints);
            let mut tested: Vec<Run> = Vec::new();
            let mut notes = Vec::new();
            let shrunk = shrink(
                case.clone(),
                Limits::default(),
                &mut |run| {
                    tested.push(run.clone());
                    run.verdict(&bug)
                },
                &mut |note| notes.push(*note),
            );
            let numbers: Vec<usize> = notes.iter().map(|note| note.runs).collect();
            assert_eq!(numbers, (1..=shrunk.runs).collect::<Vec<_>>(), "{bug:?}");
            assert_eq!(tested.len(), shrunk.runs, "{bug:?}");
            let again = |at: &usize| notes[*at].tried == Tried::Again;
            let new: Vec<usize> = (0..tested.len()).filter(|at| !again(at)).collect();
            assert_eq!(new.len(), shrunk.runs - 3, "{bug:?}");
            for (place, &at) in new.iter().enumerate() {
                assert_eq!(tested[at].ops.len(), notes[at].to_steps, "{bug:?}");
                assert_ne!(tested[at], case, "{bug:?}");
                let earlier = new[..place].iter().find(|&&other| tested[other] == tested[at]);
                assert_eq!(earlier, None, "{bug:?}: {}", notes[at]);
            }
            let kept = new.iter().rfind(|&&at| notes[at].outcome == Outcome::Kept);
            assert_eq!(kept.map(|&at| &tested[at]), Some(&shrunk.case), "{bug:?}");
        }
    }
}

#[test]
fn equal_failures_give_equal_searches() {
    let log = || {
        let mut lines = Vec::new();
        let case = Run::failing(&BUG_5_UNFLIPPED, 5, LENGTH, true);
        let mut test = |run: &Run| run.verdict(&BUG_5_UNFLIPPED);
        let shrunk =
            shrink(case, Limits::default(), &mut test, &mut |note| lines.push(note.to_string()));
        (shrunk, lines)
    };
    assert_eq!(log(), log());
}

const LOG: &str = "\
\x20  1  the same again                  4 → 4   steps  fails: kept
   2  the same again                  4 → 4   steps  fails: kept
   3  without steps 2..4              4 → 2   steps  fails: kept
   4  without steps 1..2              2 → 1   steps  passes
   5  without steps 0..1              2 → 1   steps  passes
   6  without steps 0 and 1           2 → 0   steps  passes
   7  simpler step 1, choice 0        2 → 2   steps  passes
   8  simpler step 1, choice 1        2 → 2   steps  fails: kept
   9  simpler step 1, choice 1        2 → 2   steps  fails: kept
  10  simpler step 1, choice 1        2 → 2   steps  passes
  11  simpler step 0, choice 0        2 → 2   steps  passes
  12  simpler step 0, choice 1        2 → 2   steps  passes
  13  simpler setting, choice 0       2 → 2   steps  fails: kept
  14  simpler setting, choice 0       2 → 2   steps  fails: kept
  15  without step 1                  2 → 1   steps  passes
  16  without steps 0 and 1           2 → 0   steps  passes
  17  simpler step 1, choice 0        2 → 2   steps  passes
  18  simpler step 1, choice 1        2 → 2   steps  passes
  18  simpler step 0, choice 0        2 → 2   steps  no run left
";

#[test]
fn the_log_reads_line_by_line() {
    let case = plan(&[call(1, 3), call(1, 9), call(0, 0), call(0, 1)], 2, Policy::Lossy(1));
    let fails = |plan: &Plan| plan.calls.iter().filter(|call| call.size > 2).count() == 2;
    let mut log = String::new();
    let limits = Limits { runs: 18, ..Limits::default() };
    shrink(
        case,
        limits,
        &mut |plan| if fails(plan) { Verdict::Fails } else { Verdict::Passes },
        &mut |note| log.extend([note.to_string(), "\n".to_owned()]),
    );
    assert_eq!(log, LOG);
}
