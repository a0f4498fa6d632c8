//! A controller and workers as processes of the program `iris-check`, which are started, killed and
//! started again from outside. All of them end with this value, and with whoever has it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};

use serde_json::Value;

use crate::model::id::{AttemptId, WorkerId};
use crate::model::policy::Policy;
use crate::model::resources::{Attributes, Resources};

use super::process::TOKEN;
use super::work::{clean_up, running};

/// Where a controller may listen again and again: below the ports that the kernel hands out, which
/// anybody may get while the controller is down.
const PORTS: (u16, u16) = (20_000, 32_000);
/// How much of the end of a node's log is told, in bytes.
const LOG: usize = 2000;

/// What a cluster of processes is to be.
#[derive(Debug, Clone)]
pub struct NodesPlan {
    /// The program.
    pub program: PathBuf,
    /// Where its files are; it is made, and removed at the end.
    pub folder: PathBuf,
    /// Its policy.
    pub policy: Policy,
    /// What its workers have, and what they say of themselves.
    pub workers: BTreeMap<WorkerId, (Resources, Attributes)>,
}

/// The processes. None is started at first.
#[derive(Debug)]
pub struct Nodes {
    plan: NodesPlan,
    address: String,
    controller: Option<Child>,
    workers: BTreeMap<WorkerId, Child>,
}

impl Nodes {
    /// Makes the folder and chooses where the controller is to listen.
    ///
    /// # Errors
    /// There is no such program; the folder cannot be made, or is there already; or no port is
    /// free.
    pub fn new(mut plan: NodesPlan) -> io::Result<Self> {
        plan.program = plan.program.canonicalize()?;
        fs::create_dir(&plan.folder)?;
        plan.folder = plan.folder.canonicalize()?;
        let address = format!("127.0.0.1:{}", free_port()?);
        Ok(Self { plan, address, controller: None, workers: BTreeMap::new() })
    }

    /// Where the controller listens.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Starts the controller, which replays its journal.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start_controller(&mut self) -> io::Result<()> {
        let mut command = self.command("controller", "controller.log")?;
        // Nobody asks this provider for anything; the controller ends with it.
        command.args(["--provider", "stdio", "--listen", &self.address, "--policy", "local"]);
        command.arg("--journal").arg(self.plan.folder.join("journal"));
        for field in fields(&self.plan.policy) {
            command.args(["--policy-with", &field]);
        }
        self.controller = Some(command.spawn()?);
        Ok(())
    }

    /// Kills the controller, if it is up.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn kill_controller(&mut self) -> io::Result<()> {
        self.controller.take().map_or(Ok(()), kill)
    }

    /// Starts a worker, as its next incarnation.
    ///
    /// # Errors
    /// It cannot be started; or there is none of this name.
    pub fn start_worker(&mut self, id: WorkerId) -> io::Result<()> {
        let known = self.plan.workers.get(&id).cloned();
        let (capacity, attributes) = known.ok_or_else(|| io::Error::other(format!("no {id}")))?;
        let mut command = self.command("worker", &format!("{id}.log"))?;
        command.args(["--id", &id.to_string(), "--controller", &self.address, "--on-a-leash"]);
        command.arg("--folder").arg(self.folder_of(id));
        command.args(["--cpu-milli", &capacity.cpu_milli.to_string()]);
        command.args(["--memory", &capacity.memory_bytes.to_string()]);
        for (key, value) in attributes.iter() {
            command.args(["--attribute", &format!("{key}={value}")]);
        }
        self.workers.insert(id, command.spawn()?);
        Ok(())
    }

    /// Kills a worker, if it is up. What it ran ends with it, but maybe not at once.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn kill_worker(&mut self, id: WorkerId) -> io::Result<()> {
        self.workers.remove(&id).map_or(Ok(()), kill)
    }

    /// Whether the controller was started and not killed.
    pub fn has_controller(&self) -> bool {
        self.controller.is_some()
    }

    /// Whether a worker was started and not killed.
    pub fn has_worker(&self, id: WorkerId) -> bool {
        self.workers.contains_key(&id)
    }

    /// A node that has ended although nobody killed it, told for people.
    pub fn fallen(&mut self) -> Option<String> {
        let controller = self.controller.iter_mut().map(|it| ("controller".to_owned(), it));
        let workers = self.workers.iter_mut().map(|(id, it)| (id.to_string(), it));
        for (name, child) in controller.chain(workers) {
            if let Ok(Some(status)) = child.try_wait() {
                let log = self.plan.folder.join(format!("{name}.log"));
                return Some(format!("{name} has ended by itself ({status}): {}", end_of(&log)));
            }
        }
        None
    }

    /// Attempts of which a process runs now, by the names that the cluster gave them.
    ///
    /// # Errors
    /// The processes of this machine cannot be listed.
    pub fn running(&self) -> io::Result<BTreeSet<AttemptId>> {
        // One look takes its time. What both show was there between them, all at once.
        let look = || {
            let mut all = BTreeSet::new();
            for id in self.plan.workers.keys() {
                all.extend(running(&self.folder_of(*id))?);
            }
            Ok::<_, io::Error>(all)
        };
        let (one, other) = (look()?, look()?);
        Ok(one.intersection(&other).copied().collect())
    }

    /// Kills everything and removes the folder.
    ///
    /// # Errors
    /// Something does not end, or cannot be removed.
    pub fn end(mut self) -> io::Result<()> {
        self.clear()
    }

    fn clear(&mut self) -> io::Result<()> {
        let workers = std::mem::take(&mut self.workers).into_values();
        let killed: Vec<io::Result<()>> =
            self.controller.take().into_iter().chain(workers).map(kill).collect();
        for id in self.plan.workers.keys() {
            clean_up(&self.folder_of(*id))?;
        }
        fs::remove_dir_all(&self.plan.folder)?;
        killed.into_iter().collect()
    }

    fn command(&self, what: &str, log: &str) -> io::Result<Command> {
        let log = self.plan.folder.join(log);
        let log: File = OpenOptions::new().create(true).append(true).open(log)?;
        let mut command = Command::new(&self.plan.program);
        // Of nothing that is set for whoever started this may a node make anything.
        command.arg(what).env_remove(TOKEN).current_dir(&self.plan.folder);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(log);
        Ok(command)
    }

    fn folder_of(&self, id: WorkerId) -> PathBuf {
        self.plan.folder.join(id.to_string())
    }
}

impl Drop for Nodes {
    fn drop(&mut self) {
        // After `end` there is nothing left to do.
        let _ = self.clear();
    }
}

fn kill(mut child: Child) -> io::Result<()> {
    child.kill()?;
    child.wait().map(drop)
}

fn end_of(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let from = text.char_indices().rev().nth(LOG).map_or(0, |(at, _)| at);
    text[from..].trim_end().to_owned()
}

/// A policy as changes of another one: all that it says.
fn fields(policy: &Policy) -> Vec<String> {
    let Ok(Value::Object(fields)) = serde_json::to_value(policy) else {
        unreachable!("invariant: a policy is an object of plain values")
    };
    let texts = fields.into_iter().map(|(name, value)| match &value {
        Value::String(word) => format!("{name}={word}"),
        Value::Number(count) if Policy::COUNTS.contains(&name.as_str()) => {
            format!("{name}={count}")
        }
        Value::Number(length) => format!("{name}={length}ms"),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
            unreachable!("invariant: a policy is numbers and words, and {name} is {value}")
        }
    });
    texts.collect()
}

/// A port that nobody listens on, each time another one as long as there are any.
fn free_port() -> io::Result<u16> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let count = PORTS.1 - PORTS.0;
    let own = u16::try_from(std::process::id() % u32::from(count)).unwrap_or(0);
    (0..count)
        .map(|_| {
            let step = NEXT.fetch_add(1, Ordering::Relaxed) % count;
            PORTS.0 + (own + step) % count
        })
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .ok_or_else(|| io::Error::other(format!("no port of {PORTS:?} is free")))
}
