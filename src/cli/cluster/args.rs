//! What can be asked of a cluster that runs.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use crate::model::id::{JobId, WorkerId};
use crate::model::policy::Policy;
use crate::model::time::Millis;
use crate::real::chaos::Rule;

use super::super::args::bytes;
use super::policy::{Change, preset};
use super::values::{self, Group, Whose};

const UP: &str = "\
Files, below --folder:
  address            where the controller listens; other commands look here
  journal/           all that was acknowledged; the next `up` goes on with it
  workers/w1/        a worker: pid, log, and what attempts wrote

A worker that dies, also by SIGKILL, is a machine that was taken away: all that it ran is ended,
its tasks are tried again elsewhere, and a new worker comes. A controller that dies is started
again.
When `up` ends, however it ends, everything that it started ends with it.";

const CONTROLLER: &str = "\
A controller on any address but this machine's own needs a token: who reaches it runs commands.
With --provider stdio, orders for slices go out as JSON lines on standard output and news come in on
standard input; with no provider, workers are started by hand.";

const WORKER: &str = "\
It asks its controller for the policy of the cluster, and waits for one that does not answer. Told
to end (SIGINT, SIGTERM), it ends all that it runs.";

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Command {
    /// Run a whole cluster on this machine, until Ctrl-C.
    #[command(after_help = UP)]
    Up(Up),
    /// Run a controller.
    #[command(after_help = CONTROLLER)]
    Controller(Controller),
    /// Run a worker.
    #[command(after_help = WORKER)]
    Worker(Worker),
    /// Submit a job and print its id: `iris-check submit -- echo hello`.
    Submit(Submit),
    /// Wait until a job has ended, also over restarts of the controller. Exits 0 if it SUCCEEDED,
    /// otherwise 1.
    Wait {
        #[command(flatten)]
        at: At,
        /// Which job, such as `j1`.
        job: JobId,
    },
    /// Show a job with its tasks and attempts.
    Status {
        #[command(flatten)]
        at: At,
        /// Which job, such as `j1`.
        job: JobId,
        /// As one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// List the jobs, in order of submission.
    List {
        #[command(flatten)]
        at: At,
        /// As one JSON array.
        #[arg(long)]
        json: bool,
    },
    /// Cancel a job; one that has ended stays as it is.
    Cancel {
        #[command(flatten)]
        at: At,
        /// Which job, such as `j1`.
        job: JobId,
    },
    /// Print what an attempt has written so far. A worker that is gone has taken its files along.
    Logs {
        #[command(flatten)]
        at: At,
        /// An attempt such as `j1.0#2`; of `j1.0` the last attempt, of `j1` that of `j1.0`.
        whose: Whose,
        /// Standard error instead of standard output.
        #[arg(long)]
        stderr: bool,
    },
    /// Show the workers, scale groups and slices, as the controller sees them.
    Workers {
        #[command(flatten)]
        at: At,
        /// As one JSON object.
        #[arg(long)]
        json: bool,
        /// Wait first until this many workers are HEALTHY; also for the cluster to start.
        #[arg(long, value_name = "N")]
        wait: Option<usize>,
    },
    /// Close a worker to new work. What it runs goes on to its end; then the worker leaves.
    Drain {
        #[command(flatten)]
        at: At,
        /// Which worker, such as `w1`.
        worker: WorkerId,
        /// Open it again instead.
        #[arg(long)]
        open: bool,
    },
}

/// Where the cluster is.
#[derive(Debug, Args)]
pub(in crate::cli) struct At {
    /// Where its controller listens. Without it: the variable `IRIS_CHECK_CONTROLLER`, or the file
    /// `address` that `up` writes below its folder, or 127.0.0.1:7077.
    #[arg(long, value_name = "ADDRESS")]
    pub controller: Option<String>,
    /// The folder of `up`.
    #[arg(long, value_name = "DIR", default_value = "iris-cluster")]
    pub folder: PathBuf,
    #[command(flatten)]
    pub token: TokenFile,
}

/// The secret of a cluster.
#[derive(Debug, Args)]
pub(in crate::cli) struct TokenFile {
    /// A file that holds the token of the cluster, 16 characters or more. Without it: the variable
    /// `IRIS_CHECK_TOKEN`, if it is set.
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
}

/// What goes wrong on demand in a process.
#[derive(Debug, Args)]
pub(in crate::cli) struct ChaosArgs {
    /// A file of rules, one a line.
    #[arg(long = "chaos", value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// A rule such as `worker.heartbeat on w1 drop_response nth 2`; may be given again. Each
    /// process counts for itself; `crash` aborts the process.
    #[arg(long = "chaos-rule", value_name = "RULE")]
    pub rules: Vec<Rule>,
    /// Decides what the rules draw.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
}

/// What the workers of a machine have.
#[derive(Debug, Args)]
pub(in crate::cli) struct Room {
    /// CPUs, such as `4` or `0.5`.
    #[arg(long, value_name = "CPUS", value_parser = values::cpus)]
    pub cpus: Option<u32>,
    /// The same in thousandths.
    #[arg(long, value_name = "N", conflicts_with = "cpus")]
    pub cpu_milli: Option<u32>,
    /// Memory, such as `500M` or `8G`. It is accounted, not enforced.
    #[arg(long, value_name = "BYTES", value_parser = bytes)]
    pub memory: Option<u64>,
}

/// A whole cluster.
#[derive(Debug, Args)]
pub(in crate::cli) struct Up {
    /// How many workers there are; each that dies is replaced. Default 2, or none where there is a
    /// --group.
    #[arg(long, value_name = "N")]
    pub workers: Option<u16>,
    #[command(flatten)]
    pub room: Room,
    /// A scale group of workers: `NAME:min=0,max=4,vms=1,cpus=4,memory=8G,attribute.zone=a`; may be
    /// given again.
    #[arg(long = "group", value_name = "GROUP")]
    pub groups: Vec<Group>,
    /// Where its files are.
    #[arg(long, value_name = "DIR", default_value = "iris-cluster")]
    pub folder: PathBuf,
    /// Where its controller listens; port 0 means any.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    pub listen: String,
    /// The policy, as a preset: `hardened`, `local`, `as_reported.retry`, `as_reported.reconcile`,
    /// `as_reported.delivery_errors`.
    #[arg(long, value_name = "NAME", default_value = "local", value_parser = preset)]
    pub policy: (String, Policy),
    /// A field of the policy that differs from the preset, such as `heartbeat=500ms` or
    /// `delivery_tries=2`; may be given again. An unknown field is answered with all there are.
    #[arg(long, value_name = "FIELD=VALUE")]
    pub policy_with: Vec<Change>,
    #[command(flatten)]
    pub token: TokenFile,
    #[command(flatten)]
    pub chaos: ChaosArgs,
}

/// Who makes slices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Provider {
    /// Nobody: workers are started by hand.
    None,
    /// Whoever is at the other end of standard input and output.
    Stdio,
}

/// A controller.
#[derive(Debug, Args)]
pub(in crate::cli) struct Controller {
    /// Where it listens; port 0 means any.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7077")]
    pub listen: String,
    /// The folder of its journal: all that it ever acknowledged.
    #[arg(long, value_name = "DIR")]
    pub journal: PathBuf,
    /// The policy, as a preset: `hardened`, `local`, `as_reported.retry`, `as_reported.reconcile`,
    /// `as_reported.delivery_errors`. A journal stays with the one that it was begun with.
    #[arg(long, value_name = "NAME", default_value = "hardened", value_parser = preset)]
    pub policy: (String, Policy),
    /// A field of the policy that differs from the preset, such as `heartbeat=500ms` or
    /// `delivery_tries=2`; may be given again. An unknown field is answered with all there are.
    /// Workers ask their controller for the policy.
    #[arg(long, value_name = "FIELD=VALUE")]
    pub policy_with: Vec<Change>,
    /// A scale group, `NAME:min=0,max=4,vms=1,cpus=4,memory=8G,attribute.zone=a`; may be given
    /// again. Needs a provider.
    #[arg(long = "group", value_name = "GROUP")]
    pub groups: Vec<Group>,
    /// Who makes the slices of the groups.
    #[arg(long, value_enum, default_value_t = Provider::None)]
    pub provider: Provider,
    #[command(flatten)]
    pub token: TokenFile,
    #[command(flatten)]
    pub chaos: ChaosArgs,
}

/// A worker.
#[derive(Debug, Args)]
pub(in crate::cli) struct Worker {
    /// Its name, such as `w1`; no other worker of the cluster may have it.
    #[arg(long, value_name = "ID")]
    pub id: WorkerId,
    /// Where its controller listens.
    #[arg(long, value_name = "ADDRESS")]
    pub controller: String,
    /// Its own folder: its incarnation, and what attempts write.
    #[arg(long, value_name = "DIR")]
    pub folder: PathBuf,
    #[command(flatten)]
    pub room: Room,
    /// What it says of itself, such as `zone=a`; may be given again.
    #[arg(long = "attribute", value_name = "KEY=VALUE", value_parser = values::pair)]
    pub attributes: Vec<(String, String)>,
    /// Where it listens; port 0 means any.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    pub listen: String,
    /// Where the controller reaches it, if that is elsewhere.
    #[arg(long, value_name = "ADDRESS")]
    pub advertise: Option<String>,
    #[command(flatten)]
    pub token: TokenFile,
    #[command(flatten)]
    pub chaos: ChaosArgs,
    /// End when standard input does.
    #[arg(long, hide = true)]
    pub on_a_leash: bool,
}

/// A job.
#[derive(Debug, Args)]
pub(in crate::cli) struct Submit {
    #[command(flatten)]
    pub at: At,
    /// A name, for people.
    #[arg(long, default_value = "")]
    pub name: String,
    /// How many identical tasks, 1 to 10,000.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub replicas: u16,
    /// CPUs that each task needs, such as `1` or `0.5`. Default 1.
    #[arg(long, value_name = "CPUS", value_parser = values::cpus)]
    pub cpus: Option<u32>,
    /// The same in thousandths.
    #[arg(long, value_name = "N", conflicts_with = "cpus")]
    pub cpu_milli: Option<u32>,
    /// Memory that each task needs, such as `500M` or `8G`. It is accounted, not enforced.
    #[arg(long, value_name = "BYTES", value_parser = bytes, default_value = "0")]
    pub memory: u64,
    /// How often a task that fails is tried again.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub max_retries_failure: u16,
    /// How often a task is tried again that lost its worker.
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub max_retries_preemption: u16,
    /// How often a task is tried again that could not be delivered.
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub max_dispatch_failures: u16,
    /// How many tasks may fail before the job does.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub max_task_failures: u16,
    /// How long an attempt may take from its acceptance, such as `500ms`, `5s`, `2m`, `1h`.
    #[arg(long, value_name = "TIME", value_parser = values::length)]
    pub timeout: Option<Millis>,
    /// How long a task may wait for a worker.
    #[arg(long, value_name = "TIME", value_parser = values::length)]
    pub scheduling_timeout: Option<Millis>,
    /// A gang: all tasks run together, on distinct workers that share this attribute's value, or
    /// not at all.
    #[arg(long, value_name = "ATTRIBUTE")]
    pub group_by: Option<String>,
    /// A variable of the command's environment; may be given again.
    #[arg(long = "env", value_name = "KEY=VALUE", value_parser = values::pair)]
    pub env: Vec<(String, String)>,
    /// A folder or archive (.tar, .tar.gz, .tgz) on the workers' machines, put into the working
    /// directory first.
    #[arg(long, value_name = "PATH")]
    pub bundle: Option<PathBuf>,
    /// The same request id submits once: the same job is answered again.
    #[arg(long, value_name = "ID")]
    pub request_id: Option<String>,
    /// Wait until it has ended; tells its states on standard error. Exits 0 if it SUCCEEDED,
    /// otherwise 1.
    #[arg(long)]
    pub wait: bool,
    /// What each task runs.
    #[arg(last = true, required = true, value_name = "CMD")]
    pub command: Vec<String>,
}
