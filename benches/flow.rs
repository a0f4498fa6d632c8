//! The search by two processes beside the same search by two threads of one: in turn, counts and
//! all, without the time that it takes to start the second and to connect.
//!
//! `cargo bench --bench flow`; a number after `--` is that of the rounds. Each round starts this
//! program again as process 1.
#![allow(clippy::print_stdout, reason = "a bench prints what it measured")]

#[path = "../tests/common/mod.rs"]
mod common;

use std::net::TcpListener;
use std::process::{Command, ExitCode, Stdio};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use common::commit::TwoPhase;
use common::job::Job;
use common::unlimited;
use iris_check::explore::{
    Cluster, Coded, Limits, Memory, Plain, Portable, Subject, search, search_coded, search_flow,
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How much slower two processes may be.
const BAR: f64 = 2.0;

fn main() -> ExitCode {
    // Cargo adds `--bench`.
    let words: Vec<String> = std::env::args().skip(1).filter(|it| it != "--bench").collect();
    if let [flag, name, hosts] = &words[..]
        && flag == "--join"
    {
        join(name, hosts);
        return ExitCode::SUCCESS;
    }
    let rounds = words.iter().find_map(|word| word.parse().ok()).unwrap_or(3);
    let held = [
        compare("job213", &Arc::new(job()), (4_947_852, 70_732_952), rounds),
        compare("2pc8", &Arc::new(commit()), (1_745_408, 18_507_777), rounds),
    ];
    if held.iter().all(|held| *held) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn job() -> Plain<Job> {
    Plain::new(Job::new(2, 1, 3))
}

fn commit() -> Plain<TwoPhase> {
    Plain::new(TwoPhase { managers: 8 })
}

/// Process 1.
fn join(name: &str, hosts: &str) {
    let cluster = cluster(hosts, 1, None);
    if name == "job213" {
        timed(&Arc::new(job()), cluster);
    } else {
        timed(&Arc::new(commit()), cluster);
    }
}

fn cluster(hosts: &str, process: usize, listener: Option<TcpListener>) -> Cluster {
    Cluster {
        hosts: hosts.split(',').map(str::to_owned).collect(),
        process,
        threads: 1,
        identity: "a benchmark".to_owned(),
        listener,
        patience: Duration::from_mins(1),
        silence: Duration::from_mins(1),
    }
}

/// The counts, and the time from when the first level was done.
fn timed<M>(model: &Arc<M>, cluster: Cluster) -> (Option<(u64, u64)>, Duration)
where
    M: Subject + Portable + Send + 'static,
{
    let begun = OnceLock::new();
    let progress = |_| {
        begun.get_or_init(now);
    };
    let limits = Limits { progress: &progress, ..unlimited(2) };
    let report = search_flow(model, &limits, cluster).expect("nobody is lost");
    let took = begun.get().map_or(Duration::ZERO, Instant::elapsed);
    (report.map(|report| (report.states, report.transitions)), took)
}

/// Is it fast enough?
fn compare<M>(name: &str, model: &Arc<M>, counts: (u64, u64), rounds: u32) -> bool
where
    M: Subject + Portable + Coded + Send + 'static,
{
    let mut best = [Duration::MAX; 3];
    for _ in 0..rounds {
        for (best, memory) in best.iter_mut().zip([None, Some(Memory::Codes)]) {
            let begun = now();
            let report = memory.map_or_else(
                || search(&**model, &unlimited(2)),
                |memory| search_coded(&**model, memory, &unlimited(2)),
            );
            *best = begun.elapsed().min(*best);
            assert_eq!((report.states, report.transitions), counts, "{name}: by threads");
        }
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
        let here = listener.local_addr().expect("it listens");
        // The last process waits for nobody, so that its port does not matter.
        let hosts = format!("{here},127.0.0.1:1");
        let program = std::env::current_exe().expect("it runs");
        let mut other = Command::new(program)
            .args(["--join", name, &hosts])
            .stdin(Stdio::null())
            .spawn()
            .expect("it starts again");
        let (found, took) = timed(model, cluster(&hosts, 0, Some(listener)));
        assert!(other.wait().expect("it can be waited for").success(), "{name}: process 1");
        assert_eq!(found, Some(counts), "{name}: by processes");
        best[2] = took.min(best[2]);
    }
    let [whole, coded, flow] = best;
    let ratio = flow.as_secs_f64() / whole.min(coded).as_secs_f64();
    let verdict = if ratio <= BAR { "held" } else { "NOT held" };
    println!(
        "{name}: 2 processes {flow:.2?}; 2 threads {whole:.2?} by states, {coded:.2?} by codes: \
         {ratio:.2} times ({BAR} at most: {verdict})"
    );
    ratio <= BAR
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn now() -> Instant {
    Instant::now()
}
