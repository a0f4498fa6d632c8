//! What can be asked for on the command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Commands in two groups; clap has only one list.
const HELP: &str = "\
{about}
It also runs such a cluster: the very machines that were checked, with real processes.

{usage-heading} {usage}

Check a model, exhaustively:
  check       Explore scopes; without any, all that are built in. The default
  claims      List the claims: what must hold
  scopes      List the scopes that are built in
  replay      Repeat a saved finding or run, and show it
  explore     Step through a scope by hand, in a browser

Look into a model that is too large for that:
  walk        Walk at random through scopes; finds, and proves nothing

Hold a cluster against the model:
  conform     Play generated runs on a cluster; what does not agree is made short
  shrink      Make a run that does not agree as short as it still fails
  merge       Put the reports of the shards of one campaign together
  validate    Replay the log of a cluster through the model

Run a cluster:
  up          A whole cluster on this machine, until Ctrl-C
  chaos       Play the scenarios of the chaos analysis on one in this process
  controller  A controller by itself
  worker      A worker by itself

Use a cluster:
  submit      Submit a job; prints its id
  wait        Wait until a job has ended
  status      Show a job with its tasks and attempts
  list        List the jobs
  cancel      Cancel a job
  logs        Print what an attempt wrote
  workers     Show the workers, scale groups and slices
  drain       Close a worker to new work, or open it again

Each has more to say: `iris-check help COMMAND`.

Options:
{options}{after-help}";

const EXIT_CODES: &str = "\
Exit codes:
   0  all holds that should, and everything was looked at
   1  the call or a file is not what it should be, and the message says what to do;
      or a job that was waited for has not succeeded
   2  a safety claim (S, T) is violated, or one that a scope expects to be violated is not;
      or a scenario of chaos comes out otherwise than it must
   3  the same of a progress claim (L)
   4  model and cluster disagree: in a generated run, or by an event of a log
   5  nothing was found, and not everything was looked at (walks never do); a log is cut off;
      a run is flaky
  70  a mistake in iris-check itself";

/// Looks at everything that can happen to the jobs of a small cluster, and says what must not.
#[derive(Debug, Parser)]
#[command(name = "iris-check", version, after_help = EXIT_CODES, help_template = HELP)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Explore scopes; without any, all that are built in. The default.
    #[command(after_help = EXIT_CODES)]
    Check(Asked),
    /// Walk at random through scopes that are too large to be explored. What it finds is real;
    /// where it finds nothing, nothing is proved, and it exits 5.
    #[command(after_help = EXIT_CODES)]
    Walk(super::walk::Asked),
    /// Play the scenarios of the chaos analysis on a running cluster; exits 2 if one comes out
    /// otherwise than it must.
    Chaos(super::chaos::Asked),
    /// List the claims: what must hold.
    Claims,
    /// List the scopes that are built in.
    Scopes,
    /// Repeat a saved finding or run, and show it. Exits 2, 3 or 4 if it is still so.
    Replay {
        /// A file that `check`, `walk`, `conform` or `shrink` has saved.
        file: PathBuf,
        /// What a run is played on; a finding of `check` is a path of the model itself.
        #[arg(long, value_enum)]
        on: Option<super::replay::On>,
        /// A program that speaks for a cluster of your own, to play a run on that.
        #[arg(long, value_name = "COMMAND", conflicts_with = "on")]
        driver: Option<String>,
    },
    /// Play generated runs on a cluster and hold it against the model; exits 4 if they disagree.
    #[command(after_help = EXIT_CODES)]
    Conform(super::conform::Asked),
    /// Make a run that does not agree as short as it still fails.
    Shrink(super::conform::Shrinking),
    /// Put the reports of the shards of one campaign together.
    Merge(super::conform::Merging),
    /// Replay the log of a cluster through the model; exits 4 at the first event that it has not.
    #[command(after_help = EXIT_CODES)]
    Validate(super::validate::Asked),
    /// Supervise one attempt, as standard input says: started by workers, never by hand.
    #[command(hide = true)]
    Supervise,
    /// Step through a scope by hand, in a browser.
    #[command(group = clap::ArgGroup::new("which").required(true))]
    Explore {
        /// The name of a scope that is built in.
        #[arg(group = "which")]
        scope: Option<String>,
        /// A scope of your own (TOML).
        #[arg(long = "scope", value_name = "FILE", group = "which")]
        scope_file: Option<PathBuf>,
        /// Where on this machine.
        #[arg(long, default_value_t = 3000)]
        port: u16,
    },
    #[command(flatten)]
    Cluster(super::cluster::Command),
}

impl Default for Command {
    fn default() -> Self {
        Self::Check(Asked::default())
    }
}

/// Which scopes.
#[derive(Debug, Default, Args)]
pub(super) struct Which {
    /// Names of scopes that are built in (`iris-check scopes` lists them).
    #[arg(value_name = "SCOPE")]
    pub names: Vec<String>,
    /// A scope of your own (TOML); may be given again.
    #[arg(long = "scope", value_name = "FILE")]
    pub scope_files: Vec<PathBuf>,
    /// An operator's cluster file (YAML), made small enough; may be given again.
    #[arg(long = "cluster", value_name = "FILE")]
    pub cluster_files: Vec<PathBuf>,
    /// Take the wider form of each scope.
    #[arg(long)]
    pub deep: bool,
}

/// Which scopes, how far, and how it is told.
#[derive(Debug, Args)]
pub(super) struct Asked {
    #[command(flatten)]
    pub which: Which,
    /// Stop each scope before it has more states than this.
    #[arg(long, value_name = "N")]
    pub max_states: Option<u64>,
    /// Look at no run of more steps than this.
    #[arg(long, value_name = "N")]
    pub max_depth: Option<u32>,
    /// Stop each scope that needs more memory than this: `500M`, `2G`.
    #[arg(long, value_name = "BYTES", value_parser = bytes)]
    pub max_memory: Option<u64>,
    /// Stop everything after this time: `90s`, `10m`, `2h`.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub time: Option<Duration>,
    /// How many threads search; as many as there are processors, or one in each of several
    /// processes.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    /// Keep states on disk, those of each scope in a folder of DIR, and hold about `--max-memory`
    /// (1G) of them in memory, which then stops nothing but claims that need more (L). What is
    /// interrupted or killed can be resumed.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["symmetry", "exact"])]
    pub disk: Option<PathBuf>,
    /// Go on with the scopes of a search that was begun with `--disk`.
    #[arg(
        long,
        value_name = "DIR",
        conflicts_with_all =
            ["disk", "symmetry", "exact", "names", "scope_files", "cluster_files", "deep"]
    )]
    pub resume: Option<PathBuf>,
    /// Of states that differ only in which of several equal workers or tasks is which, visit one.
    /// Tasks are those of one job, no gang, where every worker has room for all of the scope.
    /// Decides claims about states and steps (S, T); progress claims (L) stay undecided.
    #[arg(long)]
    pub symmetry: bool,
    /// Tell states apart by all that they say. Without it fingerprints of 64 bits do, of which two
    /// may be equal: among a hundred million states with a chance of 1 in 3,700.
    #[arg(long, conflicts_with = "symmetry")]
    pub exact: bool,
    #[command(flatten)]
    pub many: super::flow::Many,
    /// How the result is written.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// Where counterexamples are saved.
    #[arg(long, value_name = "DIR", default_value = FINDINGS)]
    pub findings: PathBuf,
}

const FINDINGS: &str = "findings";

impl Default for Asked {
    fn default() -> Self {
        Self {
            which: Which::default(),
            max_states: None,
            max_depth: None,
            max_memory: None,
            time: None,
            threads: None,
            disk: None,
            resume: None,
            symmetry: false,
            exact: false,
            many: super::flow::Many::default(),
            format: Format::Text,
            findings: PathBuf::from(FINDINGS),
        }
    }
}

/// How the result is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum Format {
    /// A table and counterexamples for people.
    #[default]
    Text,
    /// One JSON object, when all is done.
    Json,
}

pub(super) fn bytes(text: &str) -> Result<u64, String> {
    let units = [("K", 1 << 10), ("M", 1 << 20), ("G", 1 << 30), ("T", 1 << 40)];
    scaled(text, &units).ok_or_else(|| "expected bytes, such as 500M or 2G".to_owned())
}

pub(super) fn time(text: &str) -> Result<Duration, String> {
    let seconds = scaled(text, &[("s", 1), ("m", 60), ("h", 3600)]);
    let seconds = seconds.filter(|it| *it > 0);
    let expected = || "expected a time above 0, such as 90s, 10m or 2h".to_owned();
    seconds.map(Duration::from_secs).ok_or_else(expected)
}

/// A whole number with a unit, or without one.
fn scaled(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let unit = units.iter().find_map(|(unit, n)| Some((text.strip_suffix(unit)?, *n)));
    let (number, factor) = unit.unwrap_or((text, 1));
    number.trim().parse::<u64>().ok()?.checked_mul(factor)
}
