//! One controller under load: a cluster in this process, in real time, over pipes in memory and
//! real gRPC, its journal in a folder on disk. Tasks are functions that end at once, so what is
//! measured is the cluster and not the work.
//!
//! A task counts as running when the controller has taken its worker's word for it and that is
//! durable. Clients, controller and workers share the machine's cores: figures are those of all of
//! them together.

#![expect(clippy::print_stdout, reason = "numbers are for whoever asked for them")]
#![expect(clippy::disallowed_methods, reason = "time is what is measured")]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use iris_check::controller_sm::{ControllerSm, Input};
use iris_check::model::id::{JobId, Seat, TaskId, WorkerId};
use iris_check::model::resources::Resources;
use iris_check::model::spec::{Entrypoint, JobSpec, Payload, Terms};
use iris_check::model::task::Phase;
use iris_check::model::time::Millis;
use iris_check::model::wire::Word;
use iris_check::real::client::{Client, Error};
use iris_check::real::clock::{At, Clock};
use iris_check::real::cluster::{Cluster, Medium, Plan, all_of, in_real_time};
use iris_check::real::controller::Limits;
use iris_check::real::observe::Observer;
use iris_check::real::work::Closures;
use iris_check::worker_sm::{WorkerEffect, WorkerInput, WorkerSm};

/// Clients that submit at once where many do.
const CALLERS: u32 = 64;
/// Jobs of one task, submitted by all of them as fast as they are taken.
const JOBS: u32 = 20_000;
/// Jobs that one client submits, one after another.
const IN_SEQUENCE: u32 = 200;
/// Jobs of many tasks, and how many.
const WIDE: (u32, u16) = (10, 2_000);
/// Jobs that wait for more than any worker has, and those that pass them.
const STUCK: (u32, u32) = (4_000, 2_000);
/// Light load: jobs a second, and for how many seconds.
const LIGHT: (u32, u32) = (100, 4);
/// Seconds of nothing but heartbeats.
const IDLE: u32 = 20;

/// Notes when each task was first said to run, and how many are over.
#[derive(Default)]
struct Marks {
    tasks: Mutex<BTreeMap<TaskId, Mark>>,
    over: AtomicUsize,
    beats: AtomicUsize,
    inputs: AtomicUsize,
}

struct Mark {
    ran: Instant,
    over: bool,
}

impl Marks {
    fn tasks(&self) -> MutexGuard<'_, BTreeMap<TaskId, Mark>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, task: TaskId, over: bool) {
        let mut tasks = self.tasks();
        let mark = tasks.entry(task).or_insert_with(|| Mark { ran: Instant::now(), over: false });
        if over && !std::mem::replace(&mut mark.over, true) {
            self.over.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Forgets what was; answers when the first and the last task ran.
    fn clear(&self) -> Option<(Instant, Instant)> {
        self.over.store(0, Ordering::Relaxed);
        let tasks = std::mem::take(&mut *self.tasks());
        let all = || tasks.values().map(|mark| mark.ran);
        all().min().zip(all().max())
    }
}

impl Observer for Marks {
    fn controller(&self, _: At, input: &Input, _: &ControllerSm) {
        self.inputs.fetch_add(1, Ordering::Relaxed);
        match input {
            Input::Report(report) => match report.word {
                Word::Phase(Phase::Running) => self.note(report.attempt.task, false),
                Word::Phase(Phase::Assigned | Phase::Building) => {}
                Word::Final(_) => self.note(report.attempt.task, true),
            },
            Input::Beat(beat) => {
                self.beats.fetch_add(1, Ordering::Relaxed);
                beat.finished.iter().for_each(|(attempt, _)| self.note(attempt.task, true));
            }
            Input::Submit(_)
            | Input::Cancel(_)
            | Input::Drain { .. }
            | Input::RunAnswered { .. }
            | Input::TryFailed { .. }
            | Input::KillAnswered { .. }
            | Input::Fired(_)
            | Input::SliceGranted(_)
            | Input::SliceRefused { .. }
            | Input::VmBooted(_)
            | Input::SlicePreempted(_)
            | Input::SliceTerminated(_)
            | Input::Restarted => {}
        }
    }

    fn worker(&self, _: At, _: Seat, _: &WorkerInput, _: &[WorkerEffect], _: &WorkerSm) {}

    fn worker_up(&self, _: At, _: &WorkerSm) {}

    fn worker_down(&self, _: At, _: WorkerId) {}

    fn controller_down(&self, _: At) {}
}

fn job(replicas: u16, cpus: u32) -> JobSpec {
    let resources = Resources::cpus(cpus);
    let entrypoint = Entrypoint::Closure("nothing".to_owned());
    JobSpec {
        terms: Terms { replicas, resources, ..Terms::default() },
        payload: Payload { entrypoint, ..Payload::default() },
        request_id: None,
    }
}

/// Submits until it is taken; answers when that was first tried.
async fn submit(client: Client, clock: Clock, job: JobSpec) -> (Instant, JobId) {
    let begin = Instant::now();
    loop {
        match client.submit(&job).await {
            Ok(id) => return (begin, id),
            Err(Error::TooMuch(_)) => clock.sleep(Millis(20)).await,
            Err(error) => panic!("a submission failed: {error}"),
        }
    }
}

struct Bench {
    cluster: Cluster,
    marks: Arc<Marks>,
}

impl Bench {
    async fn start(workers: u32, journal: &std::path::Path) -> Self {
        let marks = Arc::new(Marks::default());
        let wide = u32::MAX >> 12;
        let plan = Plan {
            medium: Medium::Pipes,
            closures: Closures::new().with("nothing", |_| async { Ok(()) }),
            journal: Some(journal.to_owned()),
            observer: Arc::<Marks>::clone(&marks),
            one_by_one: false,
            limits: Limits { calls_per_second: wide, ..Limits::default() },
            ..Plan::workers(workers)
        };
        let cluster = Cluster::start(plan).await.expect("a cluster needs only a folder");
        cluster.registered(workers as usize).await.expect("the controller answers");
        Self { cluster, marks }
    }

    /// Submissions side by side, each by a caller that submits some jobs in sequence.
    async fn submit_all(&self, callers: u32, each: u32, cpus: u32) -> (f64, Vec<(Instant, JobId)>) {
        let begin = Instant::now();
        let callers = (0..callers).map(|_| {
            let (client, clock) = (self.cluster.client().clone(), self.cluster.clock());
            async move {
                let mut jobs = Vec::new();
                for _ in 0..each {
                    jobs.push(submit(client.clone(), clock, job(1, cpus)).await);
                }
                jobs
            }
        });
        let jobs = all_of(callers).await;
        let took = begin.elapsed().as_secs_f64();
        (took, jobs.into_iter().flatten().collect())
    }

    async fn all_over(&self, tasks: usize) {
        while self.marks.over.load(Ordering::Relaxed) < tasks {
            self.cluster.clock().sleep(Millis(5)).await;
        }
    }

    /// Milliseconds from submission to running: the median, and what one in a hundred exceeds.
    fn waits(&self, jobs: &[(Instant, JobId)]) -> (f64, f64) {
        let tasks = self.marks.tasks();
        let wait = |(begin, id): &(Instant, JobId)| {
            let ran = tasks.get(&id.task(0)).expect("all are over").ran;
            ran.duration_since(*begin).as_secs_f64() * 1e3
        };
        let mut waits: Vec<f64> = jobs.iter().map(wait).collect();
        waits.sort_by(f64::total_cmp);
        (waits[waits.len() / 2], waits[waits.len() * 99 / 100])
    }

    async fn saturated(&self) {
        let before = Instant::now();
        let (took, jobs) = self.submit_all(CALLERS, JOBS / CALLERS, 1).await;
        self.all_over(jobs.len()).await;
        let all = before.elapsed().as_secs_f64();
        let (p50, p99) = self.waits(&jobs);
        let (first, last) = self.marks.clear().expect("some ran");
        let count = f64::from(u32::try_from(jobs.len()).expect("a few thousand jobs"));
        let rate = count / last.duration_since(first).as_secs_f64();
        println!("  {CALLERS} clients             {:>9.0} submissions/s", count / took);
        println!(
            "  {} jobs of 1 task   {rate:>9.0} dispatches/s, all over in {all:.1} s",
            jobs.len()
        );
        println!("  submit to running   p50 {p50:>7.1} ms, p99 {p99:.1} ms (saturated)");
    }

    async fn in_sequence(&self) {
        let (took, jobs) = self.submit_all(1, IN_SEQUENCE, 1).await;
        self.all_over(jobs.len()).await;
        self.marks.clear();
        println!("  1 client               {:>9.0} submissions/s", f64::from(IN_SEQUENCE) / took);
    }

    async fn wide(&self) {
        let (jobs, tasks) = WIDE;
        let count = jobs * u32::from(tasks);
        for _ in 0..jobs {
            submit(self.cluster.client().clone(), self.cluster.clock(), job(tasks, 1)).await;
        }
        self.all_over(count as usize).await;
        let (first, last) = self.marks.clear().expect("some ran");
        let rate = f64::from(count) / last.duration_since(first).as_secs_f64();
        println!("  {jobs} jobs of {tasks} tasks {rate:>9.0} dispatches/s");
    }

    async fn behind_others(&self) {
        let (stuck, passing) = STUCK;
        self.submit_all(CALLERS, stuck / CALLERS, 100).await;
        let (_, jobs) = self.submit_all(CALLERS, passing / CALLERS, 1).await;
        self.all_over(jobs.len()).await;
        let count = u32::try_from(jobs.len()).expect("a few thousand jobs");
        let (first, last) = self.marks.clear().expect("some ran");
        let rate = f64::from(count) / last.duration_since(first).as_secs_f64();
        println!("  past {stuck} stuck jobs   {rate:>9.0} dispatches/s");
    }

    async fn light(&self) {
        let (rate, seconds) = LIGHT;
        let (client, clock) = (self.cluster.client(), self.cluster.clock());
        let begin = clock.now();
        let calls = (0..rate * seconds).map(|n| {
            let client = client.clone();
            async move {
                clock.until(begin.plus(Millis(n * 1000 / rate))).await;
                submit(client, clock, job(1, 1)).await
            }
        });
        let jobs = all_of(calls).await;
        self.all_over(jobs.len()).await;
        let (p50, p99) = self.waits(&jobs);
        self.marks.clear();
        println!("  submit to running   p50 {p50:>7.1} ms, p99 {p99:.1} ms ({rate} jobs/s)");
    }

    async fn idle(&self) {
        self.cluster.clock().sleep(Millis::seconds(1)).await;
        let (wall, cpu) = (Instant::now(), cpu_seconds());
        let beats = self.marks.beats.load(Ordering::Relaxed);
        self.cluster.clock().sleep(Millis::seconds(IDLE)).await;
        let (wall, cpu) = (wall.elapsed().as_secs_f64(), cpu_seconds() - cpu);
        let beats = self.marks.beats.load(Ordering::Relaxed) - beats;
        let beats = f64::from(u32::try_from(beats).unwrap_or(u32::MAX));
        let share = 100.0 * cpu / wall;
        let (rate, each) = (beats / wall, cpu * 1e6 / beats);
        println!("  idle                {share:>7.2} % of a core, {rate:.0} heartbeats/s");
        println!("                      {each:>7.0} us a heartbeat, both sides");
    }
}

/// Processor time of this process so far.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or("").split(' ').collect();
    let ticks = |at: usize| fields.get(at).and_then(|it| it.parse().ok()).unwrap_or(0.0);
    // utime and stime, fields 14 and 15 of the file, in hundredths of a second.
    (ticks(11) + ticks(12)) / 100.0
}

async fn measure(workers: u32) {
    let folder = tempfile::tempdir().expect("there is a place for temporary files");
    let begin = Instant::now();
    let bench = Bench::start(workers, folder.path()).await;
    let up = begin.elapsed().as_secs_f64();
    println!("{workers} workers (registered in {up:.2} s):");
    bench.light().await;
    bench.in_sequence().await;
    bench.saturated().await;
    bench.wide().await;
    if workers == 1_000 {
        bench.idle().await;
    }
    bench.behind_others().await;
    bench.cluster.end().await;
}

fn main() {
    let only = std::env::args().find_map(|word| word.parse::<u32>().ok());
    for workers in [100, 1_000].into_iter().filter(|it| only.is_none_or(|only| only == *it)) {
        in_real_time(measure(workers)).expect("the operating system gives threads");
    }
}
