//! The twenty-one scenarios of the chaos analysis: its names, its order, one exact outcome each.
//! In virtual time always; over loopback TCP with `IRIS_CHECK_SLOW`. And with the policies as they
//! were reported, three of them fail as they were reported to: so they are known to have teeth.

use iris_check::conform::scenarios::{Env, Got, Outcome, SCENARIOS, Scenario};
use iris_check::model::policy::Policy;
use iris_check::real::cluster::{all_of, in_real_time, in_virtual_time};

/// Runs a scenario in virtual time.
fn play(scenario: &Scenario, env: Env) -> Outcome {
    in_virtual_time(scenario.run(env))
}

fn got(scenario: &Scenario, seed: u64) -> Got {
    let outcome = play(scenario, Env::virtual_time(seed));
    outcome.unwrap_or_else(|differs| panic!("{} with seed {seed}: {differs}", scenario.name))
}

/// One test for each scenario, with one seed.
macro_rules! scenarios {
    ($($number:literal $name:ident)*) => {
        $(
            #[test]
            fn $name() {
                let scenario = &SCENARIOS[$number];
                assert_eq!(scenario.name, stringify!($name));
                assert_eq!(usize::from(scenario.number), $number);
                got(scenario, 0);
            }
        )*
    };
}

scenarios! {
    0 smoke
    1 dispatch_intermittent_failure
    2 dispatch_permanent_failure
    3 heartbeat_temporary_failure
    4 heartbeat_permanent_failure
    5 report_task_state_failure
    6 worker_crash_mid_task
    7 worker_delayed_registration
    8 worker_sequential_jobs
    9 all_workers_fail
    10 task_fails_once_then_succeeds
    11 bundle_download_intermittent
    12 task_timeout
    13 coscheduled_sibling_failure
    14 retry_budget_exact
    15 capacity_wait
    16 scheduling_timeout
    17 dispatch_delayed
    18 quota_exceeded_retry
    19 vm_init_stuck
    20 vm_preempted
}

/// The scenarios that are left to chance, with all their seeds; the faults must have fired.
#[test]
fn those_of_many_seeds() {
    for scenario in SCENARIOS.iter().filter(|it| it.seeds > 1) {
        let faults: u64 = (0..scenario.seeds).map(|seed| got(scenario, seed).faults).sum();
        assert!(faults > scenario.seeds / 2, "{}: {faults} faults fired", scenario.name);
    }
}

/// Nothing that two runs of one seed tell differs.
#[test]
fn equal_seeds_give_equal_stories() {
    for scenario in &SCENARIOS {
        assert_eq!(got(scenario, 7), got(scenario, 7), "{}", scenario.name);
    }
}

/// What a scenario says of the policy as it was reported: its first line.
fn as_reported(number: usize, policy: Policy) -> (String, String) {
    let env = Env { policy, ..Env::virtual_time(0) };
    let differs = play(&SCENARIOS[number], env).expect_err("as reported, it fails");
    let (first, rest) = differs.split_once('\n').unwrap_or((&differs, ""));
    (first.to_owned(), rest.to_owned())
}

/// Finding 1: a lost delivery fails the whole worker, and is retried without end.
#[test]
fn as_reported_a_lost_delivery_is_retried_without_end() {
    let (differs, _) = as_reported(2, Policy::AS_REPORTED_RETRY);
    let endless =
        "the job: expected \"its end within 120000 ms\", got \"RUNNING after 25 attempts\"";
    assert_eq!(differs, endless);
}

/// Finding 1 as well: the loss of a worker is charged to no budget, so nothing ends the retries.
#[test]
fn as_reported_a_lost_worker_is_charged_to_nothing() {
    let (differs, _) = as_reported(4, Policy::AS_REPORTED_RETRY);
    assert_eq!(differs, "losses: expected 1, got 0");
}

/// Finding 2: a heartbeat without results has a completed task marked `WORKER_FAILED`.
#[test]
fn as_reported_a_completed_task_is_blamed_on_its_worker() {
    let (differs, how) = as_reported(5, Policy::AS_REPORTED_RECONCILE);
    let rerun =
        "the job: expected \"its end within 1000000 ms\", got \"RUNNING after 51 attempts\"";
    assert_eq!(differs, rerun);
    assert!(how.starts_with("VIOLATED  T8"), "{how}");
}

/// The same scenarios with sockets and the machine's clock, everything faster by some factor.
#[test]
fn all_in_real_time_over_tcp() {
    if std::env::var_os("IRIS_CHECK_SLOW").is_none() {
        return;
    }
    let runs = SCENARIOS.iter().map(|scenario| scenario.run(Env::tcp(0, scenario)));
    let outcomes = in_real_time(all_of(runs)).expect("the machine gives threads");
    let differ: Vec<String> = SCENARIOS
        .iter()
        .zip(outcomes)
        .filter_map(|(scenario, outcome)| Some(format!("{}: {}", scenario.name, outcome.err()?)))
        .collect();
    assert!(differ.is_empty(), "{}", differ.join("\n\n"));
}
