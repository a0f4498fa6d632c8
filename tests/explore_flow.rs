//! The search as a dataflow says what the search in memory says, on however many processes.

mod common;
#[path = "explore_differential/random.rs"]
mod random;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use common::bench::pause;
use common::commit::TwoPhase;
use common::hosts::{clusters, flow, run};
use common::job::{Fair, Job};
use common::lcg::Lcg;
use common::unlimited;
use iris_check::explore::{
    Claim, Counterexample, FlowError, Limits, Plain, Portable, Stop, Subject, Verdict, search,
    search_flow,
};
use random::Random;
use stateright::Model;

/// How the models are divided: processes, and workers of each.
const SHAPES: [(usize, usize); 4] = [(2, 1), (1, 2), (3, 1), (2, 2)];

const MODELS: u64 = 400;

/// The same report, but for what each holds.
fn same<M>(model: &Arc<M>, limits: &Limits, shape: (usize, usize), about: &str)
where
    M: Subject<State: PartialEq + std::fmt::Debug, Action: std::fmt::Debug>
        + Portable
        + Send
        + 'static,
{
    let expected = search(&**model, limits);
    let mut found = flow(model, limits, shape);
    found.memory = expected.memory;
    assert_eq!(found, expected, "{about}, {shape:?}");
}

#[test]
fn random_models_give_the_same_reports() {
    let mut seen = [0_u32; 5];
    for seed in 0..MODELS {
        let model = Arc::new(Random::new(&mut Lcg::new(seed)));
        for verdict in &search(&*model, &unlimited(1)).verdicts {
            seen[match verdict {
                Verdict::Holds => 0,
                Verdict::Vacuous => 1,
                Verdict::Incomplete(_) => 2,
                Verdict::Violated(Counterexample::Endless { .. }) => 3,
                Verdict::Violated(_) => 4,
            }] += 1;
        }
        let shape = SHAPES[usize::try_from(seed).expect("few") % SHAPES.len()];
        same(&model, &unlimited(1), shape, &format!("seed {seed}"));
    }
    assert!(seen.iter().all(|count| *count > 3), "{seen:?}");
}

#[test]
fn limits_stop_at_the_same_state() {
    let mut stops = 0;
    for seed in 0..MODELS {
        let mut lcg = Lcg::new(seed);
        let model = Arc::new(Random::new(&mut lcg));
        let limits = match lcg.below(3) {
            0 => Limits { max_depth: Some(u32::from(lcg.once_in(2))), ..unlimited(1) },
            _ => Limits { max_states: Some(lcg.below(6) as u64), ..unlimited(1) },
        };
        stops += u32::from(search(&*model, &limits).stopped.is_some());
        let shape = SHAPES[usize::try_from(seed).expect("few") % SHAPES.len()];
        same(&model, &limits, shape, &format!("seed {seed}"));
    }
    assert!(stops > 100, "{stops}");
}

#[test]
fn a_limit_on_states_cuts_a_large_level_where_the_search_does() {
    let model = Arc::new(Plain::new(TwoPhase { managers: 5 }));
    for most in [1, 2, 100, 2_000, 8_831, 8_832] {
        let limits = Limits { max_states: Some(most), ..unlimited(1) };
        same(&model, &limits, (2, 1), &format!("{most} states"));
        same(&model, &limits, (3, 1), &format!("{most} states"));
    }
}

#[test]
fn larger_models_give_the_same_reports() {
    let job = Job::new(2, 1, 2);
    for shape in [(2, 1), (3, 1)] {
        let commit = Arc::new(Plain::new(TwoPhase { managers: 7 }));
        same(&commit, &unlimited(2), shape, "2pc");
        for fair in [true, false] {
            same(
                &Arc::new(Fair { job, fair }),
                &unlimited(2),
                shape,
                &format!("job, fair: {fair}"),
            );
        }
    }
}

#[test]
fn a_stop_of_any_process_ends_all_of_them_incomplete() {
    let model = Arc::new(Fair { job: Job::new(2, 2, 2), fair: true });
    for stop in [Stop::Time, Stop::Interrupted] {
        // Process 1 wants an end as soon as process 0 has begun.
        let begun = AtomicBool::new(false);
        let says = || begun.load(Ordering::Relaxed).then_some(stop);
        let limits = Limits { stop: &says, ..unlimited(1) };
        let notes = |_| begun.store(true, Ordering::Relaxed);
        let told = Limits { progress: &notes, ..unlimited(1) };
        let mut clusters = clusters(2, 1);
        let last = clusters.pop().expect("there are two");
        let (first, second) = std::thread::scope(|scope| {
            let others = scope.spawn(|| run(&model, &told, clusters));
            (search_flow(&model, &limits, last), others.join().expect("it does not panic"))
        });
        assert!(first.is_ok_and(|report| report.is_none()), "{stop:?}");
        let report = second[0].clone().expect("nobody is lost").expect("process 0 has the report");
        assert_eq!(report.stopped, Some(stop));
        assert!(report.verdicts.iter().all(|verdict| *verdict == Verdict::Incomplete(stop)));
    }
}

/// Numbers that lead to others; to look beyond some of them is a mistake, if it is one.
#[derive(Clone, Copy)]
struct Fragile {
    breaks: bool,
}

impl Model for Fragile {
    type State = u32;
    type Action = u32;

    fn init_states(&self) -> Vec<u32> {
        vec![1]
    }

    fn actions(&self, number: &u32, actions: &mut Vec<u32>) {
        assert!(!self.breaks || *number < 2_000, "this process breaks, as the test wants it");
        actions.extend([0, 1]);
    }

    fn next_state(&self, number: &u32, action: u32) -> Option<u32> {
        Some((number * 2 + action) % 50_000)
    }
}

impl Subject for Fragile {
    fn claims(&self) -> Vec<Claim> {
        Vec::new()
    }
}

impl Portable for Fragile {
    fn pack(&self, number: &u32, bytes: &mut Vec<u8>) {
        bytes.extend(number.to_le_bytes());
    }

    fn unpack(&self, bytes: &[u8]) -> Option<u32> {
        Some(u32::from_le_bytes(bytes.try_into().ok()?))
    }
}

/// A few numbers, one of which takes long.
struct Slow;

impl Model for Slow {
    type State = u32;
    type Action = u32;

    fn init_states(&self) -> Vec<u32> {
        vec![0]
    }

    fn actions(&self, number: &u32, actions: &mut Vec<u32>) {
        if *number == 3 {
            pause(Duration::from_secs(5));
        }
        actions.push(1);
    }

    fn next_state(&self, number: &u32, action: u32) -> Option<u32> {
        Some((number + action) % 6)
    }
}

impl Subject for Slow {
    fn claims(&self) -> Vec<Claim> {
        Vec::new()
    }
}

impl Portable for Slow {
    fn pack(&self, number: &u32, bytes: &mut Vec<u8>) {
        bytes.extend(number.to_le_bytes());
    }

    fn unpack(&self, bytes: &[u8]) -> Option<u32> {
        Some(u32::from_le_bytes(bytes.try_into().ok()?))
    }
}

#[test]
fn a_process_that_is_busy_is_not_lost() {
    let mut clusters = clusters(2, 1);
    for cluster in &mut clusters {
        cluster.silence = Duration::from_secs(2);
    }
    for ended in run(&Arc::new(Slow), &unlimited(1), clusters) {
        let report = ended.expect("nobody is lost");
        assert!(report.is_none_or(|report| (report.states, report.depth) == (6, 5)));
    }
}

#[test]
fn a_process_that_panics_is_lost_to_the_others() {
    for (victim, threads) in [(0, 1), (1, 1), (1, 2)] {
        let mut models = [Fragile { breaks: false }; 3].map(Arc::new);
        models[victim] = Arc::new(Fragile { breaks: true });
        let ended: Vec<_> = std::thread::scope(|scope| {
            let all = clusters(3, threads)
                .into_iter()
                .zip(&models)
                .map(|(cluster, model)| scope.spawn(|| search_flow(model, &unlimited(1), cluster)));
            let all: Vec<_> = all.collect();
            all.into_iter().map(std::thread::ScopedJoinHandle::join).collect()
        });
        for (process, ended) in ended.into_iter().enumerate() {
            let lost = match ended {
                Err(_) => Some(process),
                Ok(Err(FlowError::Lost { process, .. })) => Some(process),
                Ok(other) => panic!("process {process}: {other:?}"),
            };
            assert_eq!(lost, Some(victim), "process {process}");
        }
    }
}

#[test]
fn too_much_memory_leaves_progress_undecided() {
    let model = Arc::new(Fair { job: Job::new(2, 1, 2), fair: true });
    let whole = flow(&model, &unlimited(1), (2, 1));
    // Enough for the search, and for the runs, but not for deciding.
    let limits = Limits { max_memory: Some(whole.memory - 1), ..unlimited(1) };
    let report = flow(&model, &limits, (2, 1));
    assert_eq!((report.states, report.stopped), (whole.states, Some(Stop::Memory)));
    assert!(report.memory < whole.memory);
    let limits = Limits { max_memory: Some(1), ..unlimited(1) };
    let report = flow(&model, &limits, (2, 1));
    assert_eq!(report.stopped, Some(Stop::Memory));
    assert!(report.states < whole.states);
}
