//! Processes found by their marks and ended, where nobody supervises them any more.
//!
//! A number of a process may be given to another one at any time. So each is first held by a file
//! descriptor, then looked at again, and only then ended through that descriptor.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, getpid, pidfd_open, pidfd_send_signal};

use super::{folders, protocol};
use crate::model::id::AttemptId;

/// How often processes are looked for before it is given up; each look waits for what it ended.
const LOOKS: u32 = 100;
/// How long one look waits for one process to be gone.
const PATIENCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };

/// A process as the kernel shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Process {
    pub(super) pid: Pid,
    pub(super) parent: i32,
    session: i32,
    start: u64,
    pub(super) zombie: bool,
}

/// Ends everything that an earlier run of the worker of this folder left behind, and removes the
/// working directories of its attempts. Answers how many processes it ended. The worker calls it
/// before it runs anything; no other worker may use the folder then.
///
/// It finds what carries the mark `IRIS_WORKER_FOLDER` in its first environment, and whatever
/// descends from that. A process that left its parents, cleared its environment, and whose
/// supervisor was killed as well, cannot be found.
///
/// # Errors
/// Something could not be ended in about ten seconds; the worker must not start then.
pub fn clean_up(folder: &Path) -> io::Result<usize> {
    let folder = match folder.canonicalize() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        folder => folder?,
    };
    let marked = mark(protocol::FOLDER, &folder.to_string_lossy());
    let ended = end_all(&|process| carries(process.pid, &[&marked]))?;
    folders::remove_all_work(&folder)?;
    Ok(ended)
}

/// Ends what the supervisor of an attempt left behind when it died: its session, what carries the
/// marks of the attempt, and whatever descends from these. The supervisor must not be reaped yet:
/// while it is a zombie its number, which is that of the session, belongs to nobody else.
pub(super) fn end_orphans(
    folder: &str,
    attempt: &str,
    supervisor: Option<u32>,
) -> io::Result<usize> {
    let marks = [mark(protocol::FOLDER, folder), mark(protocol::ATTEMPT, attempt)];
    let session = supervisor.and_then(|pid| i32::try_from(pid).ok());
    end_all(&|process| {
        Some(process.session) == session || carries(process.pid, &[&marks[0], &marks[1]])
    })
}

/// Attempts of the worker of this folder of which something runs now, as their marks tell.
///
/// # Errors
/// The processes of this machine cannot be listed.
pub fn running(folder: &Path) -> io::Result<BTreeSet<AttemptId>> {
    let marked = mark(protocol::FOLDER, &folder.to_string_lossy());
    let supervises = mark(protocol::ROLE, protocol::SUPERVISOR);
    let name = mark(protocol::ATTEMPT, "");
    let mut found = BTreeSet::new();
    for process in all()?.into_iter().filter(|it| !it.zombie) {
        let environ = environ(process.pid);
        let has = |mark: &[u8]| entries(&environ).any(|entry| entry == mark);
        if has(&marked) && !has(&supervises) {
            let named = entries(&environ).filter_map(|entry| entry.strip_prefix(name.as_slice()));
            let texts = named.filter_map(|value| std::str::from_utf8(value).ok());
            found.extend(texts.filter_map(|text| text.parse::<AttemptId>().ok()));
        }
    }
    Ok(found)
}

fn mark(name: &str, value: &str) -> Vec<u8> {
    format!("{name}={value}").into_bytes()
}

/// Whether a process was started with all these marks. One that is gone carries none.
fn carries(pid: Pid, marks: &[&[u8]]) -> bool {
    let environ = environ(pid);
    marks.iter().all(|mark| entries(&environ).any(|entry| entry == *mark))
}

fn environ(pid: Pid) -> Vec<u8> {
    fs::read(format!("/proc/{pid}/environ")).unwrap_or_default()
}

fn entries(environ: &[u8]) -> impl Iterator<Item = &[u8]> {
    environ.split(|byte| *byte == 0)
}

/// Every process there is, zombies included, by number.
pub(super) fn all() -> io::Result<Vec<Process>> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let pid = name.to_str().and_then(|name| name.parse().ok()).and_then(Pid::from_raw);
        found.extend(pid.and_then(look));
    }
    Ok(found)
}

/// One process, unless it is gone.
fn look(pid: Pid) -> Option<Process> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name before the last `)` may hold anything.
    let rest: Vec<&str> = stat.rsplit_once(')')?.1.split_ascii_whitespace().collect();
    Some(Process {
        pid,
        zombie: matches!(*rest.first()?, "Z" | "X"),
        parent: rest.get(1)?.parse().ok()?,
        session: rest.get(3)?.parse().ok()?,
        start: rest.get(19)?.parse().ok()?,
    })
}

/// What is picked, and what descends from it; not this process, and nothing that is gone already.
/// Supervisors only when there is nothing else: what leaves its parents falls to them, and is found
/// below them.
fn picked(wanted: &dyn Fn(&Process) -> bool) -> io::Result<Vec<Process>> {
    let own = getpid();
    let processes: Vec<Process> = all()?.into_iter().filter(|it| it.pid != own).collect();
    let mut children: BTreeMap<i32, Vec<&Process>> = BTreeMap::new();
    for process in &processes {
        children.entry(process.parent).or_default().push(process);
    }
    let mut found = BTreeSet::new();
    let mut open: Vec<&Process> = processes.iter().filter(|it| !it.zombie && wanted(it)).collect();
    while let Some(process) = open.pop() {
        let pid = process.pid.as_raw_nonzero().get();
        if found.insert(pid) {
            open.extend(children.get(&pid).into_iter().flatten());
        }
    }
    let living = processes.iter().filter(|it| !it.zombie);
    let all = living.filter(|it| found.contains(&it.pid.as_raw_nonzero().get()));
    let supervises = mark(protocol::ROLE, protocol::SUPERVISOR);
    let (last, first): (Vec<Process>, Vec<Process>) =
        all.partition(|it| carries(it.pid, &[&supervises]));
    Ok(if first.is_empty() { last } else { first })
}

/// Ends what is picked until two looks in a row find nothing: one look may miss what is forked
/// behind its back by a process that ends before it is looked at.
fn end_all(wanted: &dyn Fn(&Process) -> bool) -> io::Result<usize> {
    let mut ended = BTreeSet::new();
    let mut quiet = 0;
    for _ in 0..LOOKS {
        let found = picked(wanted)?;
        quiet = if found.is_empty() { quiet + 1 } else { 0 };
        if quiet == 2 {
            return Ok(ended.len());
        }
        let held: Vec<OwnedFd> = found.iter().filter_map(kill).collect();
        ended.extend(found.iter().map(|it| (it.pid.as_raw_nonzero().get(), it.start)));
        for process in &held {
            poll(&mut [PollFd::new(process, PollFlags::IN)], Some(&PATIENCE))?;
        }
    }
    let left: Vec<String> = picked(wanted)?.iter().map(|it| it.pid.to_string()).collect();
    Err(io::Error::other(format!(
        "processes of this worker do not end: {}; end them by hand, then start the worker again",
        left.join(", ")
    )))
}

/// Kills a process if it is still the one that was looked at, and holds it.
fn kill(process: &Process) -> Option<OwnedFd> {
    let held = pidfd_open(process.pid, PidfdFlags::empty()).ok()?;
    let same = look(process.pid).is_some_and(|now| now.start == process.start);
    (same && pidfd_send_signal(&held, Signal::KILL).is_ok()).then_some(held)
}
