//! A controller and workers that are killed and started again in the same folders.

use std::cell::RefCell;
use std::fmt::Debug;
use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::path::Path;

use iris_check::model::id::JobId;
use iris_check::model::spec::JobSpec;
use iris_check::model::time::Millis;
use iris_check::real::client::{Client, Error};
use iris_check::real::clock::Clock;
use iris_check::real::cluster::in_real_time;
use iris_check::real::net::Network;
use iris_check::real::status::{ClusterStatus, JobSummary};

use super::load::Load;
use crate::common::bench::{Bench, Node, found};

/// How many workers there are.
pub const WORKERS: usize = 3;

/// Fast enough for many rounds. Between the end of a lease and DEAD are almost two seconds: the
/// machines that test are busy.
const POLICY: [&str; 9] = [
    "heartbeat=100ms",
    "worker_lease=800ms",
    "kill_grace=100ms",
    "worker_timeout=2500ms",
    "rpc_timeout=300ms",
    "delivery_backoff=10ms",
    "quarantine=300ms",
    "no_workers_grace=60s",
    "keep_jobs_for=24h",
];

/// Until a call that failed is tried again.
const PAUSE: Millis = Millis(10);
/// How long one try may take.
const ANSWER: Millis = Millis::seconds(5);
/// How long nothing may change while an answer is waited for. How long the answer itself takes
/// depends on what else the machine does: where nodes get no processor, leases run out, and
/// attempts are lost and tried again. A cluster that hangs stands still.
const STILL: Millis = Millis::seconds(60);
/// How long anything may take, whatever changes meanwhile: what is tried again and again is given
/// up when its budget is spent.
const LIMIT: Millis = Millis::seconds(600);
/// How often it is looked whether anything has changed.
const LOOK: Millis = Millis::seconds(5);

/// The processes, and the story of the run, which is told if the test fails.
pub struct Cluster {
    bench: Bench,
    address: String,
    controller: Node,
    workers: Vec<Node>,
    story: RefCell<Vec<String>>,
}

impl Cluster {
    pub fn start(seed: u64) -> Self {
        let (bench, address) = (Bench::new(), address());
        let controller = controller(&bench, &address);
        let workers = (0..WORKERS).map(|it| worker(&bench, &address, it)).collect();
        let story = RefCell::new(vec![format!("seed {seed}")]);
        let cluster = Self { bench, address, controller, workers, story };
        cluster.note("it starts".to_owned());
        cluster
    }

    pub fn path(&self) -> &Path {
        self.bench.path()
    }

    /// One more line of the story.
    pub fn note(&self, line: String) {
        self.story.borrow_mut().push(line);
    }

    pub fn kill_controller(&mut self) {
        let ended = self.controller.kill();
        self.ended("the controller", ended);
    }

    pub fn kill_worker(&mut self, worker: usize) {
        let ended = self.workers[worker].kill();
        self.ended(&name(worker), ended);
    }

    /// Who was to be killed must have lived until then.
    fn ended<E: Debug>(&self, who: &str, ended: Result<Vec<String>, E>) {
        match ended {
            Ok(said) => self.note(format!("{who} is killed; it had said {said:?}")),
            Err(early) => panic!("{who} had ended by itself: {early:?}"),
        }
    }

    pub fn start_controller(&mut self) {
        self.controller = controller(&self.bench, &self.address);
        self.note(format!("the controller is process {}", self.controller.pid()));
    }

    pub fn start_worker(&mut self, worker: usize) {
        self.workers[worker] = self::worker(&self.bench, &self.address, worker);
        self.note(format!("{} is process {}", name(worker), self.workers[worker].pid()));
    }

    pub fn client(&self) -> Caller {
        Caller(self.address.clone())
    }

    /// Waits until all acknowledged jobs have ended, and nothing of them is held.
    pub fn settle(&self, load: &Load) {
        let jobs: Vec<JobId> = load.jobs().map(|(job, _)| job).collect();
        let client = self.client();
        for job in jobs {
            let status = client.ask(async |client| client.wait(job).await);
            assert!(status.state.has_ended(), "{status:?}");
        }
        let cluster = client.until(async |client| {
            let cluster = client.cluster().await?;
            let idle = cluster.workers.iter().all(|it| it.attempts.is_empty());
            Ok((idle && cluster.workers.len() == WORKERS).then_some(cluster))
        });
        for worker in cluster.workers {
            assert_eq!((worker.held.cpu_milli, worker.held.memory_bytes), (0, 0), "{worker:?}");
        }
        self.note("all has ended".to_owned());
    }

    /// Processes whose parent is a worker, zombies left out.
    pub fn children_of_workers(&self) -> Vec<u32> {
        let parents: Vec<String> = self.workers.iter().map(|it| it.pid().to_string()).collect();
        found(|read| {
            let stat = String::from_utf8_lossy(&read("stat")).into_owned();
            let rest = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
            rest.split(' ').nth(1).is_some_and(|parent| parents.iter().any(|it| it == parent))
        })
    }

    /// SIGTERM to all, which must end well; then nothing of the cluster may be left.
    pub fn end(mut self) {
        for node in self.workers.iter_mut().chain([&mut self.controller]) {
            node.signal("TERM");
            assert_eq!(node.end().code(), Some(0), "{:?}", node.said());
        }
        self.bench.assert_nothing_runs();
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        let story = self.story.borrow();
        let mut err = std::io::stderr().lock();
        // Nobody can be told if this cannot be written.
        let _ = writeln!(err, "{}", story[0]);
        for line in &story[story.len().saturating_sub(80)..] {
            let _ = writeln!(err, "{line}");
        }
        for node in self.workers.iter().chain([&self.controller]) {
            let _ = writeln!(err, "process {} said {:#?}", node.pid(), node.said());
        }
        let diary = fs::read_to_string(self.bench.path().join("diary")).unwrap_or_default();
        let lines: Vec<&str> = diary.lines().collect();
        for line in &lines[lines.len().saturating_sub(60)..] {
            let _ = writeln!(err, "diary: {line}");
        }
    }
}

fn name(worker: usize) -> String {
    format!("w{}", worker + 1)
}

fn controller(bench: &Bench, address: &str) -> Node {
    let journal = bench.path().join("journal");
    let journal = journal.to_str().expect("it is text");
    let mut args = vec!["controller", "--listen", address, "--journal", journal];
    args.extend(["--policy", "local"]);
    args.extend(POLICY.iter().flat_map(|it| ["--policy-with", it]));
    bench.start(&args)
}

fn worker(bench: &Bench, address: &str, number: usize) -> Node {
    let (name, folder) = (name(number), bench.path().join(name(number)));
    let folder = folder.to_str().expect("it is text");
    bench.start(&["worker", "--id", &name, "--controller", address, "--folder", folder])
}

/// Where a controller may listen again and again. Below the ports that the kernel hands out: one of
/// those may be taken by anybody while its controller is down, even by a worker that calls it there
/// and so reaches itself.
fn address() -> String {
    let first = 20_000 + u16::try_from(std::process::id() % 10_000).expect("it is small");
    let mut free = (first..32_000).filter(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok());
    format!("127.0.0.1:{}", free.next().expect("some port is free"))
}

/// Who calls the controller, and calls again while it is down.
pub struct Caller(String);

impl Caller {
    pub fn submit(&self, spec: &JobSpec) -> JobId {
        self.ask(async |client| client.submit(spec).await)
    }

    pub fn ask<T>(&self, mut question: impl AsyncFnMut(&Client) -> Result<T, Error>) -> T {
        self.until(async |client| question(client).await.map(Some))
    }

    /// Asks until there is an answer that counts.
    pub fn until<T>(
        &self,
        mut question: impl AsyncFnMut(&Client) -> Result<Option<T>, Error>,
    ) -> T {
        let asking = async {
            let clock = Clock::real();
            let client = Client::new(&Network::tcp(), &self.0, clock).expect("it is an address");
            let end = clock.now().plus(LIMIT);
            let mut known = None;
            let (mut changed, mut looked) = (clock.now(), clock.now());
            loop {
                let answer = clock.within(ANSWER, question(&client)).await;
                match &answer {
                    Some(Ok(Some(_))) => return answer.and_then(Result::ok).flatten(),
                    Some(Ok(None) | Err(Error::Unavailable(_) | Error::TooMuch(_))) | None => {}
                    Some(Err(error)) => panic!("{error:?}"),
                }
                if clock.now() >= looked.plus(LOOK) {
                    let seen = clock.within(ANSWER, seen(&client)).await.and_then(Result::ok);
                    looked = clock.now();
                    if seen.is_some() && seen != known {
                        (known, changed) = (seen, looked);
                    }
                }
                if clock.now() >= end.min(changed.plus(STILL)) {
                    return None;
                }
                clock.sleep(PAUSE).await;
            }
        };
        let answer = in_real_time(asking).expect("the machine gives threads");
        answer.expect("it is answered in time")
    }
}

/// What changes as long as anything goes on: how jobs stand, and what each worker is at.
async fn seen(client: &Client) -> Result<(Vec<JobSummary>, ClusterStatus), Error> {
    Ok((client.list().await?, client.cluster().await?))
}
