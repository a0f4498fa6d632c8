//! What campaigns have come to, for people and as JSON.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;

use crate::conform::campaign::{Finding, Report};
use crate::conform::edges::{rare, standard};
use crate::conform::play::Outcome;
use crate::conform::run::Run;
use crate::conform::shortest::Shortest;
use crate::invariants::Table;

use super::super::table::number;
use super::super::{Exit, Failure};

/// A report as the file that `merge` reads.
pub(super) fn json(report: &Report) -> String {
    let text = serde_json::to_string_pretty(report).expect("invariant: a report is plain values");
    text + "\n"
}

/// A report and the shortest failure as one JSON object.
pub(super) fn shown(report: &Report, short: Option<&Shortest>) -> String {
    let short = short.map(|it| {
        json!({
            "run": it.shrunk.case,
            "steps": it.shrunk.case.steps.len(),
            "outcome": it.outcome,
            "runs": it.shrunk.runs,
            "flaky": it.shrunk.flaky.is_some(),
        })
    });
    let found = report.findings.first().map(|it| {
        json!({
            "index": it.index,
            "steps": it.run.steps.len(),
        })
    });
    json!({
        "runs": report.runs(),
        "first": found,
        "shortest": short,
        "incomplete": report.cut_short(),
        "report": report,
    })
    .to_string()
}

/// What is told besides the report.
#[derive(Default)]
pub(super) struct Told<'a> {
    /// The shortest failure.
    pub short: Option<&'a Shortest>,
    /// Where runs were saved, the shortest first.
    pub files: &'a [PathBuf],
    /// What `replay` needs to play them on the same.
    pub again: &'a str,
    /// How long it took.
    pub took: Duration,
    /// What is missing besides runs.
    pub missing: Vec<String>,
    /// Whether each edge that was never taken is listed.
    pub edges: bool,
}

/// A report for people.
pub(super) fn text(report: &Report, told: &Told<'_>, out: &mut dyn Write) -> Result<(), Failure> {
    for finding in report.findings.iter().take(1) {
        difference(finding, told, out)?;
    }
    let (runs, steps, followed) =
        (number(report.runs()), number(report.steps), number(report.followed));
    let time = if told.took > Duration::ZERO {
        format!(", {:.1} s", told.took.as_secs_f64())
    } else {
        String::new()
    };
    writeln!(
        out,
        "{runs} runs on {} with seed {}: {steps} steps, {followed} events of lifecycles{time}",
        report.on, report.seed
    )?;
    edges(report, told.edges, out)?;
    claims(report, out)?;
    let others = report.findings.len().saturating_sub(1);
    if others > 0 {
        writeln!(out, "{others} more do not agree; their runs are saved beside the first")?;
    }
    // A campaign that has found something need not go on.
    if report.findings.is_empty() {
        let missing = [report.cut_short(), told.missing.clone()].concat();
        missing.iter().try_for_each(|it| writeln!(out, "INCOMPLETE  {it}"))?;
        if missing.is_empty() && report.runs() > 0 {
            writeln!(out, "model and cluster agree in all of them")?;
        }
    }
    Ok(())
}

/// Edges that were never taken come first.
fn edges(report: &Report, list: bool, out: &mut dyn Write) -> io::Result<()> {
    if report.edges.0.is_empty() {
        return Ok(());
    }
    let (beyond, left) = report.edges.against_standard();
    let all = standard().len();
    let taken = all - left.len();
    let percent = 100 * taken / all.max(1);
    if list {
        let reasons = rare();
        for edge in &left {
            let why = reasons.get(edge).map_or_else(String::new, |why| format!(": {why}"));
            writeln!(out, "never taken  {edge}{why}")?;
        }
    }
    let how = if list || left.is_empty() { "" } else { "; --edges lists the rest" };
    let others = beyond.len();
    writeln!(
        out,
        "{taken} of the {all} edges of the standard scopes were taken ({percent} %), and {others} \
         others{how}"
    )
}

/// Claims that were never put to the test come first.
fn claims(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    if report.claims.is_empty() {
        return Ok(());
    }
    let judged = Table::<crate::conform::live::Live>::CLAIMS.iter();
    let judged: Vec<&str> =
        judged.map(|claim| claim.id).filter(|id| !id.starts_with('L')).collect();
    let never: Vec<&str> =
        judged.iter().copied().filter(|id| !report.claims.contains_key(*id)).collect();
    if never.is_empty() {
        return writeln!(out, "each of the {} claims met its hard case", judged.len());
    }
    writeln!(out, "claims whose hard case never occurred: {}", never.join(" "))
}

fn difference(finding: &Finding, told: &Told<'_>, out: &mut dyn Write) -> Result<(), Failure> {
    let Finding { index, run, outcome } = finding;
    let Some(short) = told.short else {
        writeln!(out, "{}  run {index}, {} steps", word(outcome), run.steps.len())?;
        return Ok(says(outcome, out)?);
    };
    if let Some(flaky) = short.shrunk.flaky {
        writeln!(
            out,
            "FLAKY  run {index}: it failed, and then {} of {} times: it depends on more than its \
             steps, so nothing can be said of it",
            flaky.fails, flaky.of
        )?;
        return Ok(says(outcome, out)?);
    }
    let case = &short.shrunk.case;
    writeln!(
        out,
        "{}  run {index}, {} steps; the shortest that fails so has {} (found in {} runs)",
        word(&short.outcome),
        run.steps.len(),
        case.steps.len(),
        short.shrunk.runs
    )?;
    says(&short.outcome, out)?;
    steps(case, &short.outcome, out)?;
    if let Some(path) = told.files.first() {
        writeln!(out, "  replay  iris-check replay {}{}", path.display(), told.again)?;
    }
    writeln!(out)?;
    Ok(())
}

fn word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Agrees => "AGREES",
        Outcome::Differs { .. } => "DIFFERS",
        Outcome::Restless(_) => "RESTLESS",
        Outcome::Troubled(_) => "TROUBLE",
    }
}

fn says(outcome: &Outcome, out: &mut dyn Write) -> io::Result<()> {
    match outcome {
        Outcome::Agrees => Ok(()),
        Outcome::Differs { difference, .. } => {
            let mut lines = difference.says.lines();
            writeln!(out, "  found   {}", lines.next().unwrap_or_default())?;
            lines.try_for_each(|line| writeln!(out, "        {line}"))
        }
        Outcome::Restless(busy) => {
            writeln!(out, "  found   the cluster never comes to rest, and is busy with")?;
            busy.lines().try_for_each(|line| writeln!(out, "          {line}"))
        }
        Outcome::Troubled(says) => writeln!(out, "  found   {says}"),
    }
}

/// The cluster and what is done to it, with a mark where it fails.
fn steps(run: &Run, outcome: &Outcome, out: &mut dyn Write) -> io::Result<()> {
    let shape = serde_json::to_string(&run.shape).expect("invariant: a shape is plain values");
    writeln!(out, "  shape   {shape}")?;
    let fails = match outcome {
        Outcome::Differs { step, .. } => Some(*step),
        Outcome::Agrees | Outcome::Restless(_) | Outcome::Troubled(_) => None,
    };
    for (at, step) in run.steps.iter().enumerate() {
        let mark = if fails == Some(at + 1) { "   <- here" } else { "" };
        writeln!(out, "  {:>4}    {step}{mark}", at + 1)?;
    }
    if fails.is_some_and(|at| at > run.steps.len()) {
        writeln!(out, "          all is healed, and must come to its end   <- here")?;
    }
    Ok(())
}

/// How a run that was kept ends.
pub(super) fn outcome(run: &Run, outcome: &Outcome, out: &mut dyn Write) -> Result<Exit, Failure> {
    let count = run.steps.len();
    writeln!(out, "{}  {count} steps", word(outcome))?;
    says(outcome, out)?;
    steps(run, outcome, out)?;
    Ok(match outcome {
        Outcome::Agrees => Exit::Fine,
        Outcome::Differs { .. } => Exit::Disagree,
        Outcome::Restless(_) | Outcome::Troubled(_) => Exit::Incomplete,
    })
}

/// What came of making a run shorter.
pub(super) fn shortened(
    run: &Run,
    short: &Shortest,
    path: &Path,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    if let Some(flaky) = short.shrunk.flaky {
        let (fails, of) = (flaky.fails, flaky.of);
        writeln!(out, "FLAKY  it fails {fails} of {of} times: nothing was made shorter or saved")?;
        return Ok(());
    }
    let case = &short.shrunk.case;
    writeln!(
        out,
        "{} steps became {} in {} runs; saved as {}",
        run.steps.len(),
        case.steps.len(),
        short.shrunk.runs,
        path.display()
    )?;
    says(&short.outcome, out)?;
    steps(case, &short.outcome, out)?;
    Ok(())
}
