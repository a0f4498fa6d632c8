//! The supervisor of one attempt: a process between a worker and what the user runs.
//!
//! It holds one end of a pipe whose other end only the worker has. However the worker ends, the
//! pipe closes, and the supervisor ends everything. It adopts what leaves its parents (it is a
//! *child subreaper*), so nothing that descends from the user's process escapes it, in whatever
//! session or group it is. It reports the end of the user's process when nothing is left.
//!
//! It only ever signals its own children, which only it can reap, and the group of a child that it
//! has not reaped: no number that it uses can belong to anybody else.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::process::{ExitCode, Stdio};

use rustix::event::{Timespec, poll};
use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, WaitOptions, WaitStatus, getpid, kill_process,
    kill_process_group, set_child_subreaper, setsid, wait, waitid,
};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::net::unix::pipe::Receiver;
use tokio::signal::unix::{SignalKind, signal};

use super::processes;
use super::protocol::{Command, DESTROY, End, GO, Report, TERMINATE};

type Words = Lines<BufReader<Receiver>>;

/// Supervises one attempt, as standard input says: all that the hidden command `supervise` of the
/// program does. It is of use to nobody but a worker.
pub fn supervise() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    match runtime.and_then(|runtime| runtime.block_on(serve())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(
                io::stderr(),
                "iris-check: the supervisor of an attempt cannot go on: {error}; it is started by \
                 a worker, never by hand"
            );
            ExitCode::FAILURE
        }
    }
}

async fn serve() -> io::Result<()> {
    let input = Receiver::from_owned_fd(io::stdin().as_fd().try_clone_to_owned()?)?;
    let mut words = BufReader::new(input).lines();
    // Its worker is gone already.
    let Some(first) = words.next_line().await? else { return Ok(()) };
    let command: Command = serde_json::from_str(&first)?;
    // Signals of a terminal, and to the worker's group, are not for the attempt.
    setsid()?;
    set_child_subreaper(Some(getpid()))?;
    // A handler, unlike ignoring them, is not inherited by the user's process.
    let deaf = [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup()];
    let _deaf: Vec<_> = deaf.into_iter().map(signal).collect::<io::Result<_>>()?;
    say(&Report::Ready);
    loop {
        match words.next_line().await?.as_deref() {
            Some(GO) => break,
            Some(_) => {}
            None => return Ok(()),
        }
    }
    let end = match start(&command) {
        Ok(main) => watch(main, &mut words).await?,
        Err(error) => {
            let why = format!(
                "{} could not be started in {}: {error}",
                command.words.first().map_or("nothing", String::as_str),
                command.folder.display()
            );
            End::NotStarted(why)
        }
    };
    say(&Report::Ended(end));
    Ok(())
}

/// A worker that is gone hears nothing; then the closed pipe decides.
fn say(report: &Report) {
    let line = serde_json::to_string(report).expect("invariant: a report has only text for keys");
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

fn start(command: &Command) -> io::Result<Pid> {
    let [program, arguments @ ..] = command.words.as_slice() else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the command is empty"));
    };
    // A program named `./run` is one of the bundle: only so is that certain.
    std::env::set_current_dir(&command.folder)?;
    let append = |path| OpenOptions::new().append(true).create(true).open(path).map(Stdio::from);
    let child = std::process::Command::new(program)
        .args(arguments)
        .env_clear()
        .envs(&command.env)
        .current_dir(&command.folder)
        .stdin(Stdio::null())
        .stdout(append(&command.stdout)?)
        .stderr(append(&command.stderr)?)
        .process_group(0)
        .spawn()?;
    Ok(Pid::from_child(&child))
}

/// What was asked for, and what was reaped.
struct Watch {
    main: Pid,
    terminated: bool,
    destroyed: bool,
    ended: Option<WaitStatus>,
}

/// Waits until the user's process and all that descends from it are gone.
async fn watch(main: Pid, words: &mut Words) -> io::Result<End> {
    let mut watch = Watch { main, terminated: false, destroyed: false, ended: None };
    // What ended before this was listened for is found by looking once.
    let mut children = signal(SignalKind::child())?;
    watch.reap()?;
    while watch.ended.is_none() {
        tokio::select! {
            biased;
            // A pipe that cannot be read is as good as closed.
            word = words.next_line() => match word.unwrap_or(None).as_deref() {
                Some(TERMINATE) if !watch.main_is_over()? => {
                    watch.terminated |= kill_process_group(main, Signal::TERM).is_ok();
                }
                Some(DESTROY) | None => {
                    watch.destroyed = !watch.main_is_over()?;
                    watch.end_group();
                    break;
                }
                Some(_) => {}
            },
            _ = children.recv() => watch.reap()?,
        }
    }
    watch.end_all()?;
    Ok(watch.end())
}

impl Watch {
    /// Whether the user's process has ended and was not reaped yet.
    fn main_is_over(&self) -> io::Result<bool> {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        Ok(waitid(WaitId::Pid(self.main), options)?.is_some())
    }

    /// SIGKILL to the group, at one stroke. The user's process is not reaped yet.
    fn end_group(&self) {
        let _ = kill_process_group(self.main, Signal::KILL);
    }

    /// Reaps what has ended without waiting for it.
    fn reap(&mut self) -> io::Result<()> {
        if self.ended.is_none() && self.main_is_over()? {
            self.end_group();
        }
        while self.reap_one(WaitOptions::NOHANG)? == Reaped::One {}
        Ok(())
    }

    fn reap_one(&mut self, options: WaitOptions) -> io::Result<Reaped> {
        match wait(options) {
            Ok(Some((pid, status))) => {
                if pid == self.main {
                    self.ended = Some(status);
                }
                Ok(Reaped::One)
            }
            Ok(None) => Ok(Reaped::None),
            Err(Errno::INTR) => Ok(Reaped::One),
            Err(Errno::CHILD) => Ok(Reaped::NoChildren),
            Err(error) => Err(error.into()),
        }
    }

    /// Kills children until there are none. The children of what was killed become children of this
    /// process before that can be reaped, so the look after each reaping finds them.
    fn end_all(&mut self) -> io::Result<()> {
        let own = getpid().as_raw_nonzero().get();
        loop {
            let all = processes::all()?;
            let mut waits = false;
            for child in all.iter().filter(|it| it.parent == own && !it.zombie) {
                // One that another user runs cannot be killed: then this waits for its own end.
                let _ = kill_process(child.pid, Signal::KILL);
                waits = true;
            }
            let options = if waits { WaitOptions::empty() } else { WaitOptions::NOHANG };
            match self.reap_one(options)? {
                Reaped::One => while self.reap_one(WaitOptions::NOHANG)? == Reaped::One {},
                Reaped::NoChildren => return Ok(()),
                // A child came while the others were looked at: look again, a little later.
                Reaped::None => {
                    poll(&mut [], Some(&Timespec { tv_sec: 0, tv_nsec: 1_000_000 }))?;
                }
            }
        }
    }

    fn end(&self) -> End {
        let status = self.ended.expect("invariant: all children were reaped, so was the first");
        match (status.exit_status(), status.terminating_signal()) {
            (Some(code), _) => End::Code(code),
            (None, signal) => {
                let number = signal.unwrap_or_default();
                let ours = (self.terminated && number == Signal::TERM.as_raw())
                    || (self.destroyed && number == Signal::KILL.as_raw());
                End::Signal { number, ours }
            }
        }
    }
}

/// What a look for an ended child found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reaped {
    One,
    None,
    NoChildren,
}
