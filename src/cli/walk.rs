//! `walk`: random walks through scopes, told as a table that never says that a claim holds.

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde_json::json;

use super::args::{Format, Which, time};
use super::engine::{self, Draw, Sight, Stop, Strolled, WalkProgress, Walks};
use super::interrupt;
use super::job::{processors, until};
use super::json::stopped;
use super::progress::Line;
use super::table::{number, seconds};
use super::verdict::{stop_word, worst};
use super::{Exit, Failure, clock, complain, findings, sources};
use crate::check::scope::Scope;

/// Where violations are saved if nothing else is said.
const FINDINGS: &str = "findings/walk";
/// Walks through each scope, if nothing else was asked for.
const WALKS: u64 = 20_000;

/// Where to, how far, and how it is told.
#[derive(Debug, Args)]
pub(super) struct Asked {
    #[command(flatten)]
    which: Which,
    /// Take so many walks through each scope; 20000, or without end where --time is given.
    #[arg(long, value_name = "N")]
    walks: Option<u64>,
    /// Stop everything after this time, of which each scope gets its share: `90s`, `10m`, `2h`.
    #[arg(long, value_name = "TIME", value_parser = time)]
    time: Option<Duration>,
    /// Go no further than this in a walk, in steps.
    #[arg(long, value_name = "N", default_value_t = 500)]
    depth: u32,
    /// Decides everything random.
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// How many threads walk; as many as there are processors.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// How the result is written.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Where violations are saved: apart from the shortest runs that `check` finds.
    #[arg(long, value_name = "DIR", default_value = FINDINGS)]
    findings: PathBuf,
}

/// A scope whose turn is over.
struct Done {
    scope: Scope,
    /// None if its turn never came.
    strolled: Option<Strolled>,
    took: Duration,
    exit: Exit,
    /// Where each of the violations was saved.
    files: Vec<Option<PathBuf>>,
}

/// Walks through what was asked for and reports it.
pub(super) fn walk(asked: &Asked, out: &mut dyn Write) -> Result<Exit, Failure> {
    let sources = sources::read(&asked.which)?;
    interrupt::listen()?;
    let begun = clock::now();
    let text = asked.format == Format::Text;
    let width = sources.scopes.iter().map(|scope| scope.name.len()).max().unwrap_or(0);
    if text {
        for note in &sources.notes {
            writeln!(out, "{note}")?;
        }
        writeln!(out, "{}", line(width, HEAD))?;
        out.flush()?;
    }
    let mut all = Vec::new();
    let mut scopes_left = u32::try_from(sources.scopes.len()).unwrap_or(u32::MAX);
    for scope in sources.scopes {
        let left = asked.time.map(|time| time.saturating_sub(begun.elapsed()) / scopes_left);
        scopes_left -= 1;
        let done = one(scope, asked, left);
        if text {
            writeln!(out, "{}", row(width, &done))?;
            out.flush()?;
        }
        all.push(done);
    }
    let unsaved = all.iter().flat_map(|done| &done.files).any(Option::is_none);
    let exits = all.iter().map(|done| done.exit);
    let exit = worst(exits.chain(unsaved.then_some(Exit::Bad)));
    match asked.format {
        Format::Text => rest(&all, asked, out)?,
        Format::Json => writeln!(out, "{}", as_json(&all, &sources.notes, asked, exit))?,
    }
    Ok(exit)
}

/// Walks through one scope, unless the time is up.
fn one(scope: Scope, asked: &Asked, left: Option<Duration>) -> Done {
    let line = Line::new(&scope.name);
    let begun = line.begun();
    let stop = until(begun, left);
    let strolled = stop().is_none().then(|| {
        let show = |progress: WalkProgress| {
            line.tell(|| {
                let WalkProgress { walks, steps, .. } = progress;
                format!("{} walks, {} steps", number(walks), number(steps))
            });
        };
        let walks = Walks {
            walks: asked.walks.or_else(|| asked.time.is_none().then_some(WALKS)),
            depth: asked.depth,
            seed: asked.seed,
            draw: Draw::Swarm,
            until: 0,
            threads: asked.threads.map_or_else(processors, usize::from),
            stop: &stop,
            progress: &show,
        };
        engine::walk(&scope, &walks)
    });
    drop(line);
    let unexpected =
        violated(strolled.as_ref()).any(|id| !scope.violated.iter().any(|it| it == id));
    let exit = if unexpected { Exit::Safety } else { Exit::Incomplete };
    let caught = strolled.iter().flat_map(|it| &it.caught);
    let save = |trace| findings::save(&asked.findings, trace).map_err(|says| complain(&says)).ok();
    let files = caught.map(|caught| save(&caught.trace)).collect();
    Done { scope, strolled, took: begun.elapsed(), exit, files }
}

/// The claims that walks through a scope broke.
fn violated(strolled: Option<&Strolled>) -> impl Iterator<Item = &'static str> {
    let lines = strolled.into_iter().flat_map(|it| &it.lines);
    lines.filter(|it| it.sight == Sight::Violated).map(|it| it.id)
}

/// What came of a scope, in words.
fn verdict(done: &Done) -> String {
    let Some(strolled) = &done.strolled else { return "NOT BEGUN".to_owned() };
    if done.exit == Exit::Safety {
        return "VIOLATED".to_owned();
    }
    let found = if violated(Some(strolled)).next().is_some() {
        "nothing unexpected found"
    } else {
        "nothing found"
    };
    strolled.stopped.map_or_else(
        || found.to_owned(),
        |stop| match stop {
            // It is what was asked for.
            Stop::Time => found.to_owned(),
            Stop::Interrupted
            | Stop::States
            | Stop::Depth
            | Stop::Memory
            | Stop::Boundary
            | Stop::Symmetry
            | Stop::PartialOrder
            | Stop::Lost(_) => format!("{found} ({})", stop_word(stop)),
        },
    )
}

const HEAD: [&str; 7] = ["scope", "walks", "steps", "longest", "time", "violated", "verdict"];

fn line(width: usize, cells: [&str; 7]) -> String {
    let [scope, walks, steps, longest, time, violated, verdict] = cells;
    format!(
        "{scope:width$}  {walks:>9}  {steps:>13}  {longest:>7}  {time:>10}  {violated:8}  {verdict}"
    )
}

fn row(width: usize, done: &Done) -> String {
    let violated = violated(done.strolled.as_ref()).collect::<Vec<_>>().join(" ");
    let violated = if violated.is_empty() { "-" } else { &violated };
    let WalkProgress { walks, steps, deepest } =
        done.strolled.as_ref().map(|it| it.done).unwrap_or_default();
    let (walks, steps, longest) = (number(walks), number(steps), deepest.to_string());
    let (time, verdict) = (seconds(done.took), verdict(done));
    line(width, [&done.scope.name, &walks, &steps, &longest, &time, violated, &verdict])
}

/// What stands below the table: the violations, what was not looked at, and the sum.
fn rest(all: &[Done], asked: &Asked, out: &mut dyn Write) -> io::Result<()> {
    for done in all {
        let caught = done.strolled.iter().flat_map(|it| &it.caught);
        for (caught, file) in caught.zip(&done.files) {
            let file = file.as_ref().map(|file| file.display().to_string());
            writeln!(out)?;
            write!(out, "{}", caught.trace.to_text(file.as_deref()))?;
            let (walk, seed, steps) = (caught.walk, asked.seed, caught.steps);
            writeln!(out, "  walk    {walk} of seed {seed}; it took {steps} steps to get there")?;
        }
    }
    writeln!(out)?;
    for (sight, says) in [
        (Sight::NotLookedAt, "not looked at, no walk is endless"),
        (Sight::NotExercised, "never exercised"),
    ] {
        let ids = ids_of(all, sight);
        if !ids.is_empty() {
            writeln!(out, "{says}: {}", ids.join(", "))?;
        }
    }
    writeln!(out, "{}", sum(all))
}

/// The claims of which all scopes say this.
fn ids_of(all: &[Done], sight: Sight) -> Vec<&'static str> {
    let lines = || all.iter().filter_map(|it| it.strolled.as_ref()).flat_map(|it| &it.lines);
    let everywhere = |id: &str| lines().filter(|it| it.id == id).all(|it| it.sight == sight);
    let judged = |id: &str| lines().any(|it| it.id == id);
    let ids = engine::DESCRIBED.map(|claim| claim.id).into_iter();
    ids.filter(|id| judged(id) && everywhere(id)).collect()
}

fn sum(all: &[Done]) -> String {
    let done = || all.iter().filter_map(|it| it.strolled.as_ref()).map(|it| it.done);
    let (walks, steps) = (done().map(|it| it.walks).sum(), done().map(|it| it.steps).sum());
    let far = format!("in {} walks, {} steps", number(walks), number(steps));
    let unexpected = all.iter().any(|it| it.exit == Exit::Safety);
    let found = all.iter().any(|it| violated(it.strolled.as_ref()).next().is_some());
    match (unexpected, found) {
        (true, _) => format!("a violation was found {far}"),
        (false, true) => format!("nothing unexpected was found {far}; this proves nothing"),
        (false, false) => format!("nothing found {far}; this proves nothing"),
    }
}

fn as_json(all: &[Done], notes: &[String], asked: &Asked, exit: Exit) -> String {
    let scopes: Vec<_> = all.iter().map(scope_json).collect();
    let whole = json!({
        "version": 1,
        "exit_code": exit.code(),
        "seed": asked.seed,
        "notes": notes,
        "scopes": scopes,
    });
    serde_json::to_string_pretty(&whole).expect("a report is strings, numbers and lists")
}

fn scope_json(done: &Done) -> serde_json::Value {
    let strolled = done.strolled.as_ref();
    let WalkProgress { walks, steps, deepest } = strolled.map(|it| it.done).unwrap_or_default();
    let lines = strolled.into_iter().flat_map(|it| &it.lines);
    let claims = lines.map(|it| json!({ "id": it.id, "name": it.name, "found": word(it.sight) }));
    let caught = strolled.into_iter().flat_map(|it| &it.caught).zip(&done.files);
    let findings = caught.map(|(caught, file)| {
        json!({
            "claim": caught.trace.claim,
            "file": file.as_ref().map(|file| file.display().to_string()),
            "walk": caught.walk,
            "walk_steps": caught.steps,
            "trace": caught.trace,
        })
    });
    json!({
        "scope": done.scope.name,
        "walks": walks,
        "steps": steps,
        "longest": deepest,
        "stopped": stopped(strolled.is_some(), strolled.and_then(|it| it.stopped)),
        "seconds": done.took.as_secs_f64(),
        "verdict": verdict(done),
        "expected_violated": done.scope.violated,
        "claims": claims.collect::<Vec<_>>(),
        "findings": findings.collect::<Vec<_>>(),
    })
}

fn word(sight: Sight) -> &'static str {
    match sight {
        Sight::Violated => "violated",
        Sight::NotFound => "nothing found",
        Sight::NotExercised => "nothing found, never exercised",
        Sight::NotLookedAt => "not looked at",
    }
}
