//! Campaigns against the copy, and what they come to.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use super::copy::folder;
use super::table::Defect;

/// Runs of a campaign at most.
const RUNS: &str = "4000";
/// The exit code of a campaign that found that cluster and reference disagree.
const DISAGREE: i32 = 4;

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
fn is_blind(program: &Path, defect: &Defect) -> Option<String> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(by_hand(defect));
    let replay = |name: &str| {
        let mut command = Command::new(program);
        command.arg("replay").arg(&file).env("IRIS_DEFECT", name);
        command.output().expect("the program was just built").status.code()
    };
    let codes = [replay(defect.name), replay("")];
    (codes != [Some(DISAGREE), Some(0)])
        .then(|| format!("its run by hand ends with {codes:?}, with it and without"))
}

/// A campaign against one defect: its row, with the numbers of [`told`] or with what went wrong.
pub fn hunt(program: &Path, area: &str, defect: &Defect) -> String {
    let Defect { name, least, broken, by, .. } = defect;
    let (numbers, says) = match numbers(program, defect) {
        Ok(numbers @ [_, _, shrunk]) if is_short(shrunk, *least as u64) => {
            (numbers.map(|it| it.to_string()), (*broken).to_owned())
        }
        Ok(numbers) => (numbers.map(|it| it.to_string()), format!("{broken}; by hand: {by}")),
        Err(says) => (["-", "-", "-"].map(str::to_owned), format!("{broken}; {says}")),
    };
    let [runs, found, shrunk] = numbers;
    format!("{area:9}  {name:36} {runs:>7} {found:>6} {shrunk:>7} {least:>8}  {says}")
}

/// Whether a failure has become as short as by hand, or longer by a fifth at most.
pub fn is_short(shrunk: u64, least: u64) -> bool {
    shrunk * 10 <= least * 12
}

/// Runs until it was found, steps of that run, and of the shortest that fails.
fn numbers(program: &Path, defect: &Defect) -> Result<[u64; 3], String> {
    if let Some(blind) = is_blind(program, defect) {
        return Err(blind);
    }
    let output = conform(program, Some(defect.name), RUNS);
    if output.status.code() != Some(DISAGREE) {
        return Err(format!("not found in {RUNS} runs"));
    }
    let report: Value = serde_json::from_slice(&output.stdout)
        .map_err(|error| format!("its report cannot be read: {error}"))?;
    let number = |place: &str| {
        let value = report.pointer(place).and_then(Value::as_u64);
        value.ok_or_else(|| format!("its report has no number at {place}"))
    };
    Ok([number("/first/index")? + 1, number("/first/steps")?, number("/shortest/steps")?])
}

/// Whether it is the row of a defect.
pub fn is_about(row: &str, name: &str) -> bool {
    row.split_whitespace().nth(1) == Some(name)
}

/// The rows under their heads, for people.
pub fn table(rows: &[String]) -> String {
    let (where_, defect) = ("where", "defect");
    let mut text = format!(
        "{where_:9}  {defect:36} {:>7} {:>6} {:>7} {:>8}\n",
        "runs", "found", "shrunk", "by hand"
    );
    for row in rows {
        text.push_str(row);
        text.push('\n');
    }
    text
}

/// The rows of a table of defects that were found: the name, runs, steps found, shrunk, by hand.
pub fn told(table: &str) -> Vec<(&str, [u64; 4])> {
    let row = |line: &'_ str| -> Option<[u64; 4]> {
        let mut numbers = [0; 4];
        for (number, word) in numbers.iter_mut().zip(line.split_whitespace().skip(2)) {
            *number = word.parse().ok()?;
        }
        Some(numbers)
    };
    let rows = table.lines().skip(1);
    rows.filter_map(|line| Some((line.split_whitespace().nth(1)?, row(line)?))).collect()
}
