//! Campaigns against the copy, and what they come to.

use std::fmt::Write;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use super::copy::folder;
use super::table::Defect;

/// Runs of a campaign at most.
const RUNS: &str = "4000";
/// The exit code of a campaign that found that cluster and reference disagree.
const DISAGREE: i32 = 4;

/// A defect that was found.
pub struct Caught {
    area: &'static str,
    defect: &'static Defect,
    /// Runs that were played until it was found.
    runs: u64,
    /// Steps of the run that found it.
    found: u64,
    /// Steps of the shortest run that fails in the same way.
    shrunk: u64,
}

fn conform(program: &Path, defect: Option<&str>, runs: &str) -> Output {
    let mut command = Command::new(program);
    command.args(["conform", "--seed", "1", "--json", "--runs", runs, "--findings"]);
    command.arg(folder().join("findings").join(defect.unwrap_or("none")));
    // A defect may make a node panic over and over: that is no news.
    command.env("RUST_BACKTRACE", "0");
    match defect {
        Some(name) => command.env("IRIS_DEFECT", name),
        None => command.env_remove("IRIS_DEFECT"),
    };
    command.output().expect("the program was just built")
}

/// What is wrong with the copy while no defect is wanted.
pub fn whole(program: &Path) -> Option<String> {
    let output = conform(program, None, "200");
    let says = String::from_utf8_lossy(&output.stdout);
    (output.status.code() != Some(0)).then(|| format!("without a defect it says:\n{says}"))
}

/// The file of the shortest run by hand.
pub fn by_hand(defect: &Defect) -> String {
    format!("tests/teeth/minimal/{}.json", defect.name)
}

/// What is wrong if that run does not show the defect, or shows something without it.
pub fn is_blind(program: &Path, defect: &Defect) -> Option<String> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(by_hand(defect));
    let replay = |name: &str| {
        let mut command = Command::new(program);
        command.arg("replay").arg(&file).env("IRIS_DEFECT", name);
        command.output().expect("the program was just built").status.code()
    };
    let codes = [replay(defect.name), replay("")];
    let name = defect.name;
    (codes != [Some(DISAGREE), Some(0)])
        .then(|| format!("{name}: its run by hand ends with {codes:?}, with it and without"))
}

/// A campaign against one defect.
///
/// # Errors
/// It was not found, or what was found cannot be read.
pub fn hunt(program: &Path, area: &'static str, defect: &'static Defect) -> Result<Caught, String> {
    let name = defect.name;
    let output = conform(program, Some(name), RUNS);
    if output.status.code() != Some(DISAGREE) {
        return Err(format!("{name}: not found in {RUNS} runs ({})", output.status));
    }
    let report: Value = serde_json::from_slice(&output.stdout)
        .map_err(|error| format!("{name}: its report cannot be read: {error}"))?;
    let number = |place: &str| {
        let value = report.pointer(place).and_then(Value::as_u64);
        value.ok_or_else(|| format!("{name}: its report has no number at {place}"))
    };
    Ok(Caught {
        area,
        defect,
        runs: number("/first/index")? + 1,
        found: number("/first/steps")?,
        shrunk: number("/shortest/steps")?,
    })
}

/// A failure is short enough up to so many tenths of the shortest by hand.
const TENTHS: u64 = 12;

impl Caught {
    /// Whether its failure became as short as a person would make it.
    pub fn is_short(&self) -> bool {
        self.shrunk * 10 <= self.defect.least as u64 * TENTHS
    }
}

fn median(caught: &[Caught]) -> u64 {
    let mut runs: Vec<u64> = caught.iter().map(|it| it.runs).collect();
    runs.sort_unstable();
    runs.get(runs.len() / 2).copied().unwrap_or(0)
}

/// What was caught, and what was missed, for people; [`told`] reads the rows.
pub fn table(caught: &[Caught], missed: &[String]) -> String {
    let mut text = format!(
        "{:9}  {:36} {:>7} {:>6} {:>7} {:>8}\n",
        "where", "defect", "runs", "found", "shrunk", "by hand"
    );
    for Caught { area, defect, runs, found, shrunk } in caught {
        let Defect { name, least, broken, .. } = defect;
        let _ = writeln!(
            text,
            "{area:9}  {name:36} {runs:>7} {found:>6} {shrunk:>7} {least:>8}  {broken}"
        );
    }
    let (count, median) = (caught.len(), median(caught));
    let short = caught.iter().filter(|it| it.is_short()).count();
    let _ = writeln!(
        text,
        "\n{count} defects were found, after {median} runs in the median; {short} became as short \
         as by hand, or longer by a fifth at most"
    );
    for Caught { defect, shrunk, .. } in caught.iter().filter(|it| !it.is_short()) {
        let Defect { name, least, by, .. } = defect;
        let _ = writeln!(text, "{name}: {shrunk} steps where {least} do: {by}");
    }
    for it in missed {
        let _ = writeln!(text, "{it}");
    }
    text
}

/// The rows of a table: the defect, runs, steps found, shrunk, and by hand.
pub fn told(table: &str) -> Vec<(&str, [u64; 4])> {
    let rows = table.lines().skip(1).take_while(|line| !line.is_empty());
    rows.map(|line| {
        let mut words = line.split_whitespace().skip(1);
        let name = words.next().expect("a row has a name");
        let numbers = [0; 4].map(|_| {
            let word = words.next().expect("a row has four numbers");
            word.parse().expect("they are numbers")
        });
        (name, numbers)
    })
    .collect()
}
