//! A workshop in a folder of its own, and what can be seen of its processes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use iris_check::model::id::{AttemptId, JobId};
use iris_check::model::spec::{Entrypoint, Payload};
use iris_check::real::work::{Closures, Faults, News, NoFaults, Order, Standalone};
use iris_check::worker_sm::Exit;

/// How long anything may take before the test fails.
pub const LIMIT: Duration = Duration::from_secs(30);

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_iris-check");

pub struct Bench {
    pub work: Standalone,
    pub folder: tempfile::TempDir,
}

/// The attempt `j1.0#0`, `j1.0#1`, …
pub fn attempt(number: u16) -> AttemptId {
    JobId(1).task(0).attempt(number)
}

pub fn shell(script: &str) -> Payload {
    command(&["/bin/sh", "-c", script])
}

pub fn command(words: &[&str]) -> Payload {
    let words = words.iter().map(|word| (*word).to_owned()).collect();
    Payload { entrypoint: Entrypoint::Command(words), ..Payload::default() }
}

/// A workshop in this folder, with the program that was built.
pub fn workshop(folder: &Path, faults: Arc<dyn Faults>) -> Standalone {
    Standalone::new(folder.to_path_buf(), PROGRAM.into(), Closures::new(), faults)
        .expect("threads can be started")
}

impl Bench {
    pub fn new() -> Self {
        Self::with(Arc::new(NoFaults))
    }

    pub fn with(faults: Arc<dyn Faults>) -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        Self { work: workshop(&folder.path().join("w"), faults), folder }
    }

    pub fn next(&mut self) -> News {
        self.work.news(LIMIT).expect("news in time")
    }

    pub fn prepare(&mut self, attempt: AttemptId, payload: Payload) {
        let payload = Arc::new(payload);
        self.work.with(|shop| shop.prepare(Order { attempt, payload }));
    }

    /// Prepares and starts the attempt `j1.0#0`.
    pub fn start(&mut self, payload: Payload) {
        self.prepare(attempt(0), payload);
        assert_eq!(self.next(), News::Prepared(attempt(0)));
        self.work.with(|shop| shop.start(attempt(0)));
    }

    /// How the attempt `j1.0#0` ends.
    pub fn exit(&mut self) -> Exit {
        let news = self.next();
        let News::Exited(id, exit) = news else { panic!("expected an exit, found {news:?}") };
        assert_eq!(id, attempt(0));
        exit
    }

    /// Runs a payload as the attempt `j1.0#0`: its exit, output and errors.
    pub fn run(&mut self, payload: Payload) -> (Exit, String, String) {
        self.start(payload);
        let exit = self.exit();
        (exit, self.log(false), self.log(true))
    }

    pub fn log(&mut self, stderr: bool) -> String {
        let log = self.work.with(|shop| shop.read_log(attempt(0), stderr));
        String::from_utf8(log.expect("there is a log")).expect("it is text")
    }

    /// A file that the attempt writes beside the worker's folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The numbers in a file, once it has this many.
    pub fn pids(&self, name: &str, many: usize) -> Vec<u32> {
        let path = self.file(name);
        assert!(self.work.until(LIMIT, || numbers(&path).len() == many), "{many} in {name}");
        numbers(&path)
    }

    pub fn assert_gone(&self, pids: &[u32]) {
        let gone = self.work.until(LIMIT, || pids.iter().all(|pid| !lives(*pid)));
        assert!(gone, "{pids:?} still live");
    }
}

/// The numbers on the complete lines of a file.
pub fn numbers(path: &Path) -> Vec<u32> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let lines = text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n'));
    lines.filter_map(|line| line.trim().parse().ok()).collect()
}

/// Whether a process exists and is no zombie.
pub fn lives(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
    state.is_some_and(|state| !matches!(state, 'Z' | 'X'))
}

/// The parent of a process.
pub fn parent(pid: u32) -> u32 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("it lives");
    let rest = stat.rsplit_once(") ").expect("the kernel writes so").1;
    let parent = rest.split(' ').nth(1).expect("the kernel writes so");
    parent.parse().expect("it is a number")
}

/// Processes whose first environment holds this text.
pub fn marked(text: &str) -> Vec<u32> {
    let entries = fs::read_dir("/proc").expect("this is Linux").flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let holds = |pid: &u32| {
        let environ = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environ.split(|byte| *byte == 0).any(|entry| entry == text.as_bytes())
    };
    pids.filter(holds).collect()
}

pub fn kill_9(pid: u32) {
    let status = Command::new("/bin/sh").args(["-c", &format!("kill -9 {pid}")]).status();
    assert!(status.expect("there is a shell").success(), "{pid} cannot be killed");
}

/// A script that starts a process that nothing but SIGKILL ends: in a session of its own, orphaned,
/// without environment, deaf to SIGTERM. It appends its number to a file.
pub fn runaway(file: &Path) -> String {
    let file = file.display();
    let script = format!("trap \"\" TERM HUP; echo $$ >> {file}; exec sleep 1000");
    format!("(setsid env -i /bin/sh -c '{script}' &)")
}
