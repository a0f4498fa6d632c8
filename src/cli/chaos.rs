//! `chaos`: the twenty-one scenarios of the chaos analysis, played and told as a table.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use clap::Args;
use serde_json::json;

use crate::conform::scenarios::{Env, Got, Outcome, SCENARIOS, Scenario};
use crate::real::cluster::{in_real_time, in_virtual_time};

use super::clock;
use super::interrupt::{self, interrupted};
use super::{Exit, Failure};

/// Which scenarios, and how often.
#[derive(Debug, Args)]
pub(super) struct Asked {
    /// Names or numbers of scenarios; without any, all of them.
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,
    /// Decides everything random; further runs count up from it.
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub seed: u64,
    /// How often each is played, with a seed of its own.
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = at_least_one())]
    pub runs: u64,
    /// Over loopback TCP and by the machine's clock, everything 10 to 40 times faster.
    #[arg(long)]
    pub real_time: bool,
    /// As JSON, one object a line.
    #[arg(long)]
    pub json: bool,
}

fn at_least_one() -> clap::builder::RangedU64ValueParser {
    clap::value_parser!(u64).range(1..)
}

/// What came of one scenario.
struct Row {
    scenario: &'static Scenario,
    /// The last run, or the first that differs.
    outcome: Outcome,
    /// With which seed.
    seed: u64,
    runs: u64,
    faults: u64,
    wall: Duration,
}

pub(super) fn chaos(asked: &Asked, out: &mut dyn Write) -> Result<Exit, Failure> {
    let chosen = choose(&asked.names)?;
    let watched = io::stderr().is_terminal();
    let mut rows = Vec::new();
    if !asked.json {
        writeln!(out, "{}", head())?;
    }
    interrupt::listen()?;
    for scenario in &chosen {
        if interrupted() {
            break;
        }
        if watched {
            // A line that is overwritten; where it cannot be written nobody misses it.
            let _ = write!(io::stderr(), "\r\x1b[K{} …", scenario.name);
        }
        let row = play(scenario, asked)?;
        if watched {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
        writeln!(out, "{}", if asked.json { as_json(&row) } else { as_text(&row) })?;
        out.flush()?;
        rows.push(row);
    }
    let incomplete = interrupted();
    let differ: Vec<&Row> = rows.iter().filter(|row| row.outcome.is_err()).collect();
    if !asked.json {
        for row in &differ {
            let says = row.outcome.as_ref().err().map_or("", String::as_str);
            writeln!(out, "\nDIFFERS  {} with seed {}\n{says}", row.scenario.name, row.seed)?;
        }
        let faults: u64 = rows.iter().map(|row| row.faults).sum();
        let verdict = match differ.len() {
            0 if incomplete => "INCOMPLETE (interrupted)".to_owned(),
            0 => "all as expected".to_owned(),
            some => format!("{some} NOT as expected"),
        };
        let (played, all) = (rows.len(), chosen.len());
        writeln!(out, "{played} of {all} scenarios, {faults} faults fired: {verdict}")?;
    }
    Ok(if !differ.is_empty() {
        Exit::Safety
    } else if incomplete {
        Exit::Incomplete
    } else {
        Exit::Fine
    })
}

fn choose(names: &[String]) -> Result<Vec<&'static Scenario>, Failure> {
    if names.is_empty() {
        return Ok(SCENARIOS.iter().collect());
    }
    let find = |name: &String| {
        Scenario::named(name).ok_or_else(|| {
            let all: Vec<&str> = SCENARIOS.iter().map(|it| it.name).collect();
            Failure::Bad(format!("there is no scenario `{name}`; there are {}", all.join(", ")))
        })
    };
    names.iter().map(find).collect()
}

fn play(scenario: &'static Scenario, asked: &Asked) -> Result<Row, Failure> {
    let begun = clock::now();
    let mut row = Row {
        scenario,
        outcome: Ok(Got { told: String::new(), took: 0, faults: 0 }),
        seed: asked.seed,
        runs: 0,
        faults: 0,
        wall: Duration::ZERO,
    };
    for run in 0..asked.runs {
        if interrupted() {
            break;
        }
        row.seed = asked.seed.wrapping_add(run);
        row.outcome = if asked.real_time {
            in_real_time(scenario.run(Env::tcp(row.seed, scenario))).map_err(|error| {
                Failure::Bad(format!("this machine gives no threads or sockets: {error}"))
            })?
        } else {
            in_virtual_time(scenario.run(Env::virtual_time(row.seed)))
        };
        row.runs += 1;
        match &row.outcome {
            Ok(got) => row.faults += got.faults,
            Err(_) => break,
        }
    }
    row.wall = begun.elapsed();
    Ok(row)
}

fn head() -> String {
    format!(
        "{:>2}  {:29}  {:>9}  {:>8}  {:>5}  {:>6}  came out",
        "#", "scenario", "cluster", "wall", "runs", "faults"
    )
}

fn as_text(row: &Row) -> String {
    let (took, told) = match &row.outcome {
        Ok(got) => (seconds(Duration::from_millis(got.took)), got.told.as_str()),
        Err(_) => ("-".to_owned(), "DIFFERS"),
    };
    let line = format!(
        "{:>2}  {:29}  {took:>9}  {:>8}  {:>5}  {:>6}  {told}",
        row.scenario.number,
        row.scenario.name,
        seconds(row.wall),
        row.runs,
        row.faults
    );
    let expected = row.scenario.expected;
    if row.outcome.is_ok() { line } else { format!("{line}; expected: {expected}") }
}

fn seconds(length: Duration) -> String {
    format!("{:.3} s", length.as_secs_f64())
}

fn as_json(row: &Row) -> String {
    let got = row.outcome.as_ref();
    json!({
        "number": row.scenario.number,
        "name": row.scenario.name,
        "expected": row.scenario.expected,
        "as_expected": got.is_ok(),
        "got": got.map_or_else(String::clone, |got| got.told.clone()),
        "cluster_ms": got.ok().map(|got| got.took),
        "wall_ms": u64::try_from(row.wall.as_millis()).unwrap_or(u64::MAX),
        "seed": row.seed,
        "runs": row.runs,
        "faults": row.faults,
    })
    .to_string()
}
