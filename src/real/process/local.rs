//! Machines that are worker processes of this machine.
//!
//! A machine is a child process on a leash. When it ends without having been told to, what it left
//! is ended, and then its whole slice is taken away: PREEMPTED, at once, and not DEAD a minute
//! later. Numbers of machines are never used twice, and neither are their folders.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};
use tokio::sync::oneshot;

use crate::model::id::{SliceId, VmId, WorkerId};
use crate::model::resources::Resources;
use crate::model::time::Millis;
use crate::real::clock::{At, Clock};
use crate::real::cloud::{Cloud, Hosts};
use crate::real::work::clean_up;

use super::folder::Home;
use super::{Event, LocalGroup, Problem, TOKEN, Tell, aside, worker_folder};

/// How long a process may take to end by itself.
const PATIENCE: Millis = Millis::seconds(5);
/// A machine that ends sooner after its start is reported when this has passed: a worker that
/// cannot start at all is not tried a hundred times a second.
const SHORTEST: Millis = Millis::seconds(1);
/// Until it is tried again to end what a worker left.
const AGAIN: Millis = Millis::seconds(1);

/// What all processes are started with.
#[derive(Clone)]
pub(super) struct Children {
    /// This very program.
    pub(super) program: PathBuf,
    /// The folder of the cluster.
    pub(super) folder: PathBuf,
    /// What every call must say, if anything; children find it in their environment.
    pub(super) token: Option<String>,
    /// Rules of chaos, as text, and the seed.
    pub(super) chaos: Vec<String>,
    pub(super) clock: Clock,
    pub(super) tell: Tell,
}

impl Children {
    /// A command of this program, on a leash: it ends when its standard input does.
    pub(super) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        // Of a group of its own: a Ctrl-C of the terminal is for whoever started it.
        command.args(words).args(&self.chaos).stdin(Stdio::piped()).process_group(0);
        match &self.token {
            Some(token) => command.env(TOKEN, token),
            None => command.env_remove(TOKEN),
        };
        command
    }

    /// Ends a child: tells it to end and waits, in the end by force.
    pub(super) async fn end(&self, child: &mut Child) {
        let pid = child.id().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
        if let Some(pid) = pid {
            // Its number is its own until it is waited for, below.
            let _ = kill_process(pid, Signal::TERM);
        }
        if self.clock.within(PATIENCE, child.wait()).await.is_none() {
            // One that cannot be killed has ended.
            let _ = child.kill().await;
        }
    }

    /// Ends what an earlier worker of a folder left, and waits until that worker has ended.
    pub(super) async fn clear(&self, folder: &Path) {
        let mut told = false;
        loop {
            let path = folder.to_owned();
            let cleared = aside(move || {
                // Its lock is free when it is gone.
                let _home = Home::take(&path).map_err(io::Error::other)?;
                clean_up(&path)
            });
            match cleared.await {
                Ok(_) => return,
                Err(_) if told => {}
                Err(error) => (self.tell)(&Event::Trouble(error.to_string())),
            }
            told = true;
            self.clock.sleep(AGAIN).await;
        }
    }
}

/// The machines.
pub(super) struct Machines {
    children: Children,
    groups: Vec<LocalGroup>,
    state: Mutex<State>,
    cloud: OnceLock<Cloud>,
}

#[derive(Default)]
struct State {
    /// Where the controller listens.
    controller: String,
    up: BTreeMap<VmId, Up>,
    /// Machines that are not to start any more.
    gone: BTreeSet<VmId>,
    over: bool,
}

/// A machine that is up: how to end it, and who says that nothing of it runs.
struct Up {
    end: oneshot::Sender<()>,
    ended: oneshot::Receiver<()>,
}

impl Machines {
    pub(super) fn new(children: Children, groups: Vec<LocalGroup>) -> Arc<Self> {
        Arc::new(Self { children, groups, state: Mutex::default(), cloud: OnceLock::new() })
    }

    /// Whose machines these are, and which hears when one is lost.
    pub(super) fn belong_to(&self, cloud: &Cloud) {
        let _ = self.cloud.set(cloud.clone());
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where workers find their controller.
    pub(super) fn controller_is_at(&self, address: &str) {
        address.clone_into(&mut self.state().controller);
    }

    /// Ends all of them, and starts none any more.
    pub(super) async fn end(&self) {
        let all = {
            let mut state = self.state();
            state.over = true;
            std::mem::take(&mut state.up)
        };
        let mut ended = Vec::new();
        for (_, up) in all {
            let _ = up.end.send(());
            ended.push(up.ended);
        }
        for one in ended {
            let _ = one.await;
        }
    }

    fn spawn(&self, vm: VmId, slice: SliceId, controller: &str) -> Result<Child, Problem> {
        let group = self.groups.iter().find(|group| group.id == slice.group);
        let Some(group) = group else {
            return Err(Problem::new(format!("there is no group {}", slice.group)));
        };
        let folder = worker_folder(&self.children.folder, vm.worker());
        std::fs::create_dir_all(&folder).map_err(|error| Problem::io(folder.display(), &error))?;
        let log = OpenOptions::new().create(true).append(true).open(folder.join("log"));
        let log = log.map_err(|error| Problem::io(folder.join("log").display(), &error))?;
        let (id, folder) = (vm.worker().to_string(), folder.display().to_string());
        let words = ["worker", "--on-a-leash", "--id", &id, "--controller", controller];
        let Resources { cpu_milli, memory_bytes } = group.capacity;
        let attributes = group.attributes.with("slice", slice.to_string());
        let attributes = attributes.iter().map(|(key, value)| format!("{key}={value}"));
        self.children
            .command(&words)
            .args(["--folder", &folder, "--cpu-milli", &cpu_milli.to_string()])
            .args(["--memory", &memory_bytes.to_string()])
            .args(attributes.flat_map(|it| ["--attribute".to_owned(), it]))
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .map_err(|error| Problem::io(self.children.program.display(), &error))
    }

    /// A machine, from its start until nothing of it runs.
    async fn keep(
        self: Arc<Self>,
        (vm, slice): (VmId, SliceId),
        mut child: Child,
        end: oneshot::Receiver<()>,
        ended: oneshot::Sender<()>,
    ) {
        let clock = self.children.clock;
        let (started, pid) = (clock.now(), child.id().unwrap_or_default());
        // Held here, because who waits for a child closes its input first.
        let leash = child.stdin.take();
        let by_itself = tokio::select! {
            biased;
            _ = end => None,
            status = child.wait() => Some(status),
        };
        if by_itself.is_none() {
            self.children.end(&mut child).await;
        }
        drop(leash);
        self.children.clear(&worker_folder(&self.children.folder, vm.worker())).await;
        let _ = ended.send(());
        if let Some(status) = by_itself {
            let lost = Event::Lost(vm.worker(), pid, how_it_ended(status));
            self.lost(vm, slice, started, &lost).await;
        }
    }

    /// A machine has ended by itself, and nothing of it runs.
    async fn lost(&self, vm: VmId, slice: SliceId, started: At, lost: &Event) {
        {
            let mut state = self.state();
            state.up.remove(&vm);
            if state.over || !state.gone.insert(vm) {
                return;
            }
        }
        (self.children.tell)(lost);
        self.children.clock.until(started.plus(SHORTEST)).await;
        if let Some(cloud) = self.cloud.get() {
            cloud.preempt(slice).await;
        }
    }
}

/// The machines of a cloud that is this machine.
pub(super) struct LocalHosts(pub(super) Arc<Machines>);

#[tonic::async_trait]
impl Hosts for LocalHosts {
    async fn start(&self, vm: VmId, slice: SliceId) {
        let machines = &self.0;
        let (end, to_end) = oneshot::channel();
        let (ended, has_ended) = oneshot::channel();
        let child = {
            let mut state = machines.state();
            if state.over || state.gone.contains(&vm) || state.up.contains_key(&vm) {
                return;
            }
            let child = machines.spawn(vm, slice, &state.controller);
            if child.is_ok() {
                state.up.insert(vm, Up { end, ended: has_ended });
            }
            child
        };
        let worker: WorkerId = vm.worker();
        match child {
            Ok(child) => {
                let started = Event::Started(worker, child.id().unwrap_or_default());
                (machines.children.tell)(&started);
                let machines = Arc::clone(machines);
                tokio::spawn(machines.keep((vm, slice), child, to_end, ended));
            }
            Err(problem) => {
                let says = format!("{worker} cannot be started: {problem}");
                (machines.children.tell)(&Event::Trouble(says));
                machines.children.clock.sleep(SHORTEST).await;
                let machines = Arc::clone(machines);
                // The cloud waits for this very call.
                tokio::spawn(async move {
                    if let Some(cloud) = machines.cloud.get() {
                        cloud.preempt(slice).await;
                    }
                });
            }
        }
    }

    async fn stop(&self, vm: VmId) {
        let up = {
            let mut state = self.0.state();
            state.gone.insert(vm);
            state.up.remove(&vm)
        };
        if let Some(up) = up {
            let _ = up.end.send(());
            // It is gone also where nobody says so any more.
            let _ = up.ended.await;
        }
    }
}

/// How a process ended, for people.
pub(super) fn how_it_ended(status: io::Result<ExitStatus>) -> String {
    match status {
        Ok(status) => status.to_string(),
        Err(error) => format!("nobody knows how: {error}"),
    }
}
