//! The program in a folder of its own, and what can be seen of its processes.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

const PROGRAM: &str = env!("CARGO_BIN_EXE_iris-check");

/// How long anything may take before the test fails.
const LIMIT: Duration = Duration::from_mins(1);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(10);

pub const TOKEN: &str = "a-token-of-32-characters-or-more";

/// A folder, in which everything of a test happens.
pub struct Bench(tempfile::TempDir);

impl Bench {
    pub fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder can be made"))
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command.args(args).current_dir(self.path()).stdin(Stdio::null());
        command.env_remove("IRIS_CHECK_TOKEN").env_remove("IRIS_CHECK_CONTROLLER");
        command
    }

    /// Exit code, standard output, standard error.
    pub fn answer(&self, args: &[&str]) -> (i32, String, String) {
        answer(self.command(args))
    }

    /// Standard output, without its last line break, of what must succeed.
    pub fn ask(&self, args: &[&str]) -> String {
        let (code, out, err) = self.answer(args);
        assert_eq!(code, 0, "{args:?}: {out}{err}");
        out.trim_end().to_owned()
    }

    /// A process that runs until it is ended, and is killed with the test.
    pub fn start(&self, args: &[&str]) -> Node {
        Node::new(self.command(args))
    }

    /// A whole cluster, once this many workers are HEALTHY.
    pub fn up(&self, workers: &str) -> Node {
        let up = self.start(&["up", "--workers", workers]);
        self.ask(&["workers", "--wait", workers]);
        up
    }

    /// Numbers of processes that belong to a cluster of this folder: nodes by their arguments,
    /// supervisors and what they run by the mark of their worker.
    pub fn processes(&self) -> Vec<u32> {
        let folder = self.path().canonicalize().expect("it exists");
        let folder = folder.to_str().expect("it is text").to_owned();
        let mark = format!("IRIS_WORKER_FOLDER={folder}");
        found(|read| {
            let holds = |file, text: &str| {
                let bytes: Vec<u8> = read(file);
                String::from_utf8_lossy(&bytes).split('\0').any(|part| part.starts_with(text))
            };
            holds("environ", &mark) || holds("cmdline", &folder)
        })
    }

    pub fn assert_nothing_runs(&self) {
        assert!(until(|| self.processes().is_empty()), "{:?}", self.processes());
    }

    /// The state of a job.
    pub fn state(&self, job: &str) -> String {
        self.field(job, "/state")
    }

    /// A field of a job's status, as text.
    pub fn field(&self, job: &str, pointer: &str) -> String {
        let status: serde_json::Value =
            serde_json::from_str(&self.ask(&["status", job, "--json"])).expect("it is JSON");
        let field = status.pointer(pointer);
        field.map_or_else(String::new, |it| it.as_str().map_or(it.to_string(), str::to_owned))
    }

    /// Waits until a field of a job's status is this.
    pub fn until_field(&self, job: &str, pointer: &str, value: &str) {
        let come = until(|| self.field(job, pointer) == value);
        assert!(come, "{job} {pointer}: {}", self.field(job, pointer));
    }

    /// Outcomes and workers of the attempts of the first task.
    pub fn attempts(&self, job: &str) -> Vec<(String, String)> {
        let status: serde_json::Value =
            serde_json::from_str(&self.ask(&["status", job, "--json"])).expect("it is JSON");
        let attempts = status.pointer("/tasks/0/attempts").and_then(|it| it.as_array().cloned());
        let text = |it: &serde_json::Value| it.as_str().unwrap_or_default().to_owned();
        let all = attempts.expect("a task has attempts").into_iter();
        all.map(|it| (text(&it["state"]), text(&it["worker"]))).collect()
    }

    pub fn pid(&self, worker: &str) -> u32 {
        let file = self.path().join("iris-cluster/workers").join(worker).join("pid");
        let text = fs::read_to_string(file).expect("a worker writes it first of all");
        text.trim().parse().expect("it is a number")
    }
}

pub fn answer(mut command: Command) -> (i32, String, String) {
    let output = command.output().expect("the program was built for this test");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("it writes text");
    let code = output.status.code().expect("it ends by itself");
    (code, text(output.stdout), text(output.stderr))
}

/// A process that was started, and what it says.
pub struct Node {
    child: Child,
    says: Receiver<String>,
}

impl Node {
    pub fn new(mut command: Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program was built for this test");
        let (say, says) = channel();
        let out = child.stdout.take().expect("it was started with a pipe");
        let err = child.stderr.take().expect("it was started with a pipe");
        let pipes: [Box<dyn Read + Send>; 2] = [Box::new(out), Box::new(err)];
        for pipe in pipes {
            let say = say.clone();
            thread::spawn(move || {
                for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                    if say.send(line).is_err() {
                        return;
                    }
                }
            });
        }
        Self { child, says }
    }

    /// Waits for a line that holds this text, and answers what follows it there.
    pub fn hear(&self, text: &str) -> String {
        let mut heard = Vec::new();
        loop {
            let line = self.says.recv_timeout(LIMIT);
            let line = line.unwrap_or_else(|_| panic!("no `{text}` in {heard:#?}"));
            if let Some((_, rest)) = line.split_once(text) {
                return rest.to_owned();
            }
            heard.push(line);
        }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// SIGKILL. Answers what it said that nobody listened to, or how it had ended before.
    pub fn kill(&mut self) -> Result<Vec<String>, (ExitStatus, Vec<String>)> {
        let before = self.child.try_wait().expect("it is a child of this process");
        self.child.kill().expect("it was not waited for");
        self.child.wait().expect("it was killed");
        let said = self.said();
        before.map_or(Ok(said.clone()), |status| Err((status, said)))
    }

    /// What it said so far that nobody listened to.
    pub fn said(&self) -> Vec<String> {
        self.says.try_iter().collect()
    }

    pub fn signal(&self, name: &str) {
        signal(self.pid(), name);
    }

    /// How it ends.
    pub fn end(&mut self) -> ExitStatus {
        let child = &mut self.child;
        assert!(until(|| matches!(child.try_wait(), Ok(Some(_)))), "it does not end");
        self.child.wait().expect("it has ended")
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn signal(pid: u32, name: &str) {
    let status = Command::new("/bin/sh").args(["-c", &format!("kill -{name} {pid}")]).status();
    assert!(status.expect("there is a shell").success(), "{pid} hears nothing");
}

/// Waits until something is so, looking often. Answers whether it came to be in time.
pub fn until(mut is_so: impl FnMut() -> bool) -> bool {
    for _ in 0..LIMIT.as_millis() / PAUSE.as_millis() {
        if is_so() {
            return true;
        }
        pause(PAUSE);
    }
    is_so()
}

/// Lets time pass. No condition can be waited for where the time itself is what matters.
pub fn pause(length: Duration) {
    let (_nobody, nothing) = channel::<()>();
    let _ = nothing.recv_timeout(length);
}

/// Numbers of living processes of which this is so; it reads a file of theirs.
pub fn found(is_so: impl Fn(&dyn Fn(&str) -> Vec<u8>) -> bool) -> Vec<u32> {
    let entries = fs::read_dir("/proc").expect("this is Linux").flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let fits = |pid: &u32| {
        let read = |file: &str| fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
        let stat = String::from_utf8_lossy(&read("stat")).into_owned();
        let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
        state.is_some_and(|state| !matches!(state, 'Z' | 'X')) && is_so(&read)
    };
    pids.filter(fits).collect()
}
