//! How many events a second `validate` takes, for a full log and for an event log, each at two
//! lengths: the same rate at both means that it is linear.

#![expect(clippy::print_stdout, reason = "numbers are for whoever asked for them")]
#![expect(clippy::disallowed_methods, reason = "time is what is measured")]

#[path = "../tests/common/lcg.rs"]
mod lcg;
#[path = "../tests/validate/runs.rs"]
mod runs;

use std::fmt::Write;
use std::time::Instant;

use iris_check::conform::validate::{Verdict, validate};

use runs::Size;

const ROUNDS: usize = 5;

/// The log of so many tasks that each fail once and then succeed, some at a time.
fn events(tasks: usize) -> Vec<u8> {
    const AT_ONCE: usize = 16;
    let mut log = "{\"log\":\"iris-check-events\",\"version\":1}\n".to_owned();
    let mut at = 0;
    let mut line = |log: &mut String, text: String| {
        at += 1;
        let _ = writeln!(log, "{{\"at\":{at},{text}}}");
    };
    for first in (0..tasks).step_by(AT_ONCE) {
        let jobs: Vec<usize> = (first..(first + AT_ONCE).min(tasks)).collect();
        for it in &jobs {
            let budgets = "\"budgets\":{\"failure\":1}";
            line(&mut log, format!("\"submitted\":{{\"job\":\"job-{it}\",{budgets}}}"));
        }
        for (attempt, outcome) in [(0, "FAILED"), (1, "SUCCEEDED")] {
            for it in &jobs {
                let of = format!("\"job\":\"job-{it}\",\"task\":0,\"attempt\":{attempt}");
                let worker = format!("\"worker\":\"worker-{}\"", it % AT_ONCE);
                line(&mut log, format!("\"placed\":{{{of},{worker}}}"));
                line(&mut log, format!("\"phase\":{{{of},\"phase\":\"RUNNING\"}}"));
                line(&mut log, format!("\"ended\":{{{of},\"outcome\":\"{outcome}\"}}"));
            }
        }
        for it in &jobs {
            line(&mut log, format!("\"job\":{{\"job\":\"job-{it}\",\"state\":\"SUCCEEDED\"}}"));
        }
    }
    log.into_bytes()
}

fn full(jobs: u32) -> Vec<u8> {
    runs::log(1, Size { workers: 8, slices: 0, jobs, faults: 0.0, rest: 120 })
}

fn measure(name: &str, log: &[u8]) {
    let mut best = f64::INFINITY;
    let mut events = 0;
    for _ in 0..ROUNDS {
        let begin = Instant::now();
        let report = validate(log);
        best = best.min(begin.elapsed().as_secs_f64());
        assert_eq!(report.verdict, Verdict::Legal, "{name}");
        events = report.events;
    }
    #[expect(clippy::cast_precision_loss, reason = "they are shown with three digits")]
    let (events_a_second, megabytes) = (events as f64 / best, log.len() as f64 / best / 1e6);
    println!(
        "{name:<12} {events:>9} events  {events_a_second:>10.0} events/s  {megabytes:>6.0} MB/s"
    );
}

fn main() {
    for jobs in [200, 2000] {
        measure("full log", &full(jobs));
    }
    for tasks in [10_000, 100_000] {
        measure("event log", &events(tasks));
    }
}
