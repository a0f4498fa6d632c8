//! One search by several processes: those that `--processes` starts here, or those of `--hosts`.

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use clap::Args;

use super::args::{self, Asked};
use super::engine::{self, Cluster, FlowError, Limits, Outcome, Stop};
use super::{Exit, Failure, complain};
use crate::check::scope::Scope;

/// So long may a process of this machine take to come, and another be silent.
const SOON: Duration = Duration::from_secs(20);

/// By which processes.
#[derive(Debug, Default, Args)]
pub(super) struct Many {
    /// Search one scope with so many processes of this machine, which speak over loopback.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(2..=64),
          conflicts_with_all = ["symmetry", "exact", "disk", "resume", "hosts"])]
    pub processes: Option<u16>,
    /// Search one scope with the processes of this file, on as many machines: a line for each,
    /// `host:port`. Neither encrypted nor authenticated: for private networks only.
    #[arg(long, value_name = "FILE", requires = "process",
          conflicts_with_all = ["symmetry", "exact", "disk", "resume"])]
    pub hosts: Option<PathBuf>,
    /// Which line of the file this process is, counted from 0. Process 0 reports.
    #[arg(long, value_name = "K")]
    pub process: Option<u16>,
    /// How long the others may take to come.
    #[arg(long, value_name = "TIME", value_parser = args::time, default_value = "60s")]
    pub patience: Option<Duration>,
    /// After so long without a sign of life another process is lost.
    #[arg(long, value_name = "TIME", value_parser = args::time, default_value = "20s")]
    pub silence: Option<Duration>,
    /// The same as `--hosts`, in one word: for the processes that `--processes` starts.
    #[arg(long, hide = true, value_name = "HOSTS", conflicts_with = "hosts", requires = "process")]
    pub peers: Option<String>,
}

impl Many {
    /// Is the search one by several processes?
    pub(super) fn is_asked(&self) -> bool {
        self.processes.is_some() || self.hosts.is_some() || self.peers.is_some()
    }
}

/// This process among the others.
pub(super) struct Team {
    cluster: Cluster,
    /// Those that this process has started.
    _children: Vec<Started>,
}

/// A process that ends with this value.
struct Started(Child);

impl Drop for Started {
    fn drop(&mut self) {
        // It has ended by itself, or is not needed any more.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What a process of a team comes to.
pub(super) enum Part {
    /// Process 0 has what all have found.
    All(Outcome),
    /// Another has done its part.
    Done,
}

impl Team {
    /// The team that was asked for, if one was; the processes of this machine are started.
    pub(super) fn of(asked: &Asked, scopes: &[Scope]) -> Result<Option<Self>, Failure> {
        let many = &asked.many;
        if !many.is_asked() {
            return match many.process {
                Some(_) => Err(Failure::Bad("--process goes with --hosts".to_owned())),
                None => Ok(None),
            };
        }
        let [scope] = scopes else {
            let says = format!("several processes search one scope, not {}: name it", scopes.len());
            return Err(Failure::Bad(says));
        };
        let listeners = match many.processes {
            Some(count) => (0..count).map(|_| loopback()).collect::<Result<_, _>>()?,
            None => Vec::new(),
        };
        let hosts = match (&many.hosts, &many.peers) {
            (Some(file), _) => lines_of(file)?,
            (None, Some(peers)) => peers.split(',').map(str::to_owned).collect(),
            (None, None) => listeners.iter().map(|(_, host)| host.clone()).collect(),
        };
        let process = usize::from(many.process.unwrap_or(0));
        if process >= hosts.len() || !(2..=64).contains(&hosts.len()) {
            let says = format!(
                "{} hosts and process {process}: there must be 2 to 64, and --process counts them \
                 from 0",
                hosts.len()
            );
            return Err(Failure::Bad(says));
        }
        // The others listen where this process has found a port that is free.
        let listener = listeners.into_iter().next().map(|(listener, _)| listener);
        let mut children = Vec::new();
        if many.processes.is_some() {
            for process in 1..hosts.len() {
                children.push(start(asked, &hosts.join(","), process)?);
            }
        }
        let patience = many.patience.filter(|_| many.hosts.is_some()).unwrap_or(SOON);
        let cluster = Cluster {
            hosts,
            process,
            threads: asked.threads.map_or(1, usize::from),
            identity: format!("{scope:?}"),
            listener,
            patience,
            silence: many.silence.unwrap_or(SOON),
        };
        Ok(Some(Self { cluster, _children: children }))
    }

    /// Searches. A process that is lost leaves everything undecided.
    pub(super) fn search(self, scope: &Scope, limits: &Limits) -> Result<Part, Failure> {
        let (me, all) = (self.cluster.process, self.cluster.hosts.len());
        let stop = match engine::run_flow(scope, limits, self.cluster) {
            Ok(Some(outcome)) => return Ok(Part::All(outcome)),
            Ok(None) => return Ok(Part::Done),
            Err(FlowError::Refused(says)) => return Err(Failure::Bad(says)),
            Err(FlowError::Stopped(stop)) => stop,
            Err(FlowError::Lost { process, host, why }) => {
                complain(&format!(
                    "process {me} of {all}: lost process {process} ({host}): {why}; nothing is \
                     decided"
                ));
                Stop::Lost(process)
            }
        };
        Ok(Part::All(engine::undecided(scope, stop)))
    }

    /// Is this the process that reports?
    pub(super) fn reports(&self) -> bool {
        self.cluster.process == 0
    }
}

/// Does the part of a process that reports nothing, and says so in one line.
pub(super) fn assist(
    team: Team,
    scope: &Scope,
    limits: &Limits,
    out: &mut dyn Write,
) -> Result<Exit, Failure> {
    let (me, host) = (team.cluster.process, team.cluster.hosts[0].clone());
    match team.search(scope, limits)? {
        Part::All(_) => Ok(Exit::Incomplete),
        Part::Done => {
            let name = &scope.name;
            writeln!(out, "process {me} has done its part of {name}; process 0 ({host}) reports")?;
            Ok(Exit::Fine)
        }
    }
}

/// A port of this machine that nobody else can reach.
fn loopback() -> Result<(TcpListener, String), Failure> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let host = listener.local_addr()?.to_string();
    Ok((listener, host))
}

/// Hosts, without empty lines and what follows a `#`.
fn lines_of(file: &PathBuf) -> Result<Vec<String>, Failure> {
    let text = fs::read_to_string(file)
        .map_err(|error| Failure::Bad(format!("{} cannot be read: {error}", file.display())))?;
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
    let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
    for line in &lines {
        let port = line.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
        if port.is_none() {
            let says = format!("{}: `{line}` is not host:port", file.display());
            return Err(Failure::Bad(says));
        }
    }
    Ok(lines.into_iter().map(str::to_owned).collect())
}

/// Starts another process of this program for the same search.
fn start(asked: &Asked, peers: &str, process: usize) -> Result<Started, Failure> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("check").args(&asked.which.names);
    for (option, files) in
        [("--scope", &asked.which.scope_files), ("--cluster", &asked.which.cluster_files)]
    {
        for file in files {
            command.arg(option).arg(file);
        }
    }
    if asked.which.deep {
        command.arg("--deep");
    }
    let many = &asked.many;
    let options = [
        ("--max-states", asked.max_states.map(|it| it.to_string())),
        ("--max-depth", asked.max_depth.map(|it| it.to_string())),
        ("--max-memory", asked.max_memory.map(|it| it.to_string())),
        ("--threads", asked.threads.map(|it| it.to_string())),
        ("--silence", many.silence.map(|it| format!("{}s", it.as_secs()))),
        ("--peers", Some(peers.to_owned())),
        ("--process", Some(process.to_string())),
    ];
    for (name, value) in options {
        if let Some(value) = value {
            command.args([name, &value]);
        }
    }
    Ok(Started(command.stdin(Stdio::null()).stdout(Stdio::null()).spawn()?))
}
