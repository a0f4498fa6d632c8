//! What a checkpoint says: all that a search must know to go on, beside its files.
//!
//! A short text, so that people can read it. A new one takes the place of the old one at once, when
//! all that it speaks of is durable.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::str::FromStr;

use super::super::store::Spot;
use super::error::{DiskError, Trouble};
use super::folder::{Folder, created, seal};

/// The format of the files that is written. Another one is refused.
pub(super) const FORMAT: u32 = 1;

pub(super) const MANIFEST: &str = "manifest";
const NEW: &str = "manifest.new";
const TITLE: &str = "iris-check search on disk";

/// How far a search is: its files say the rest.
#[derive(Clone, Default)]
pub(super) struct Book {
    /// The number of the first state of each level, and how many states there are.
    pub(super) levels: Vec<u32>,
    pub(super) states: u32,
    pub(super) transitions: u64,
    /// Steps that are stored, and states at the boundary among those that are expanded.
    pub(super) edges: u64,
    pub(super) cuts: u64,
    /// The bytes of the file of edges, and of that of the deepest level.
    pub(super) edges_bytes: u64,
    pub(super) frontier_bytes: u64,
    /// The numbers and sizes of the runs.
    pub(super) runs: Vec<(u64, u64)>,
    /// Where each claim was broken and exercised first.
    pub(super) broken: Vec<Option<Spot>>,
    pub(super) exercised: Vec<Option<Spot>>,
}

impl Book {
    /// The depth of the deepest level.
    pub(super) fn depth(&self) -> u32 {
        u32::try_from(self.levels.len().saturating_sub(1)).expect("invariant: levels have states")
    }

    /// How many states each level has.
    pub(super) fn sizes(&self) -> impl Iterator<Item = u64> {
        let ends = self.levels.iter().skip(1).copied().chain([self.states]);
        self.levels.iter().zip(ends).map(|(first, end)| u64::from(end - first))
    }

    /// The file of the deepest level.
    pub(super) fn frontier(&self) -> String {
        frontier(self.depth())
    }

    /// Puts it in the place of the checkpoint before it.
    pub(super) fn write(&self, folder: &Folder, identity: &str) -> Result<(), DiskError> {
        let text = self.text(identity);
        let (new, path) = (folder.path(NEW), folder.path(MANIFEST));
        let mut file = created(&new)?;
        let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
        written.map_err(DiskError::io(&new, "write to it"))?;
        fs::rename(&new, &path).map_err(DiskError::io(&path, "put the new one in its place"))?;
        folder.sync()
    }

    fn text(&self, identity: &str) -> String {
        let levels = listed(&self.levels, u32::to_string);
        let runs = listed(&self.runs, |(number, count)| format!("{number} {count}"));
        let (broken, exercised) =
            (listed(&self.broken, spot_text), listed(&self.exercised, spot_text));
        let Self { states, transitions, edges, cuts, edges_bytes, frontier_bytes, .. } = self;
        let body = format!(
            "levels{levels}\nstates {states}\ntransitions {transitions}\nedges {edges} {cuts} \
             {edges_bytes}\nfrontier {frontier_bytes}\nruns{runs}\nbroken{broken}\n\
             exercised{exercised}\nsearch {}\n{identity}\n",
            identity.len()
        );
        let seal = seal(0, 0, FORMAT, body.as_bytes());
        format!("{TITLE}\nformat {FORMAT}\nseal {seal:016x}\n{body}")
    }

    /// Reads the checkpoint of a folder, and which search it belongs to.
    pub(super) fn read(dir: &Path) -> Result<(Self, String), DiskError> {
        let path = dir.join(MANIFEST);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(DiskError::new(dir, Trouble::NoSearch));
            }
            Err(error) => return Err(DiskError::io(&path, "read it")(error)),
        };
        let damaged = |expected: &str| DiskError::damaged(&path, expected, "another text");
        let text = String::from_utf8(bytes).map_err(|_| damaged("a text"))?;
        let rest = text.strip_prefix(TITLE).and_then(|rest| rest.strip_prefix("\nformat "));
        let (format, rest) = rest
            .and_then(|rest| rest.split_once('\n'))
            .ok_or_else(|| damaged(&format!("`{TITLE}` and its format")))?;
        match format.parse::<u32>() {
            Ok(FORMAT) => {}
            Ok(newer) if newer > FORMAT => {
                return Err(DiskError::new(&path, Trouble::Newer(newer)));
            }
            Ok(_) | Err(_) => return Err(damaged(&format!("format {FORMAT}"))),
        }
        let sealed = rest.strip_prefix("seal ").and_then(|rest| rest.split_once('\n'));
        let body = sealed.filter(|(found, body)| {
            *found == format!("{:016x}", seal(0, 0, FORMAT, body.as_bytes()))
        });
        let (_, body) = body.ok_or_else(|| damaged("a text with its seal"))?;
        Self::parse(body).ok_or_else(|| damaged("a checkpoint"))
    }

    fn parse(body: &str) -> Option<(Self, String)> {
        let mut rest = body;
        let levels = numbers::<u32>(line(&mut rest, "levels")?)?;
        let states = line(&mut rest, "states")?.trim().parse().ok()?;
        let transitions = line(&mut rest, "transitions")?.trim().parse().ok()?;
        let [edges, cuts, edges_bytes] = numbers(line(&mut rest, "edges")?)?.try_into().ok()?;
        let frontier_bytes = line(&mut rest, "frontier")?.trim().parse().ok()?;
        let runs = numbers::<u64>(line(&mut rest, "runs")?)?;
        let runs = runs.chunks_exact(2).map(|run| (run[0], run[1])).collect();
        let broken = spots(line(&mut rest, "broken")?)?;
        let exercised = spots(line(&mut rest, "exercised")?)?;
        let _ = line(&mut rest, "search")?;
        let identity = rest.strip_suffix('\n')?.to_owned();
        let book = Self {
            levels,
            states,
            transitions,
            edges,
            cuts,
            edges_bytes,
            frontier_bytes,
            runs,
            broken,
            exercised,
        };
        Some((book, identity))
    }
}

/// The file of the level of this depth.
pub(super) fn frontier(depth: u32) -> String {
    format!("frontier-{depth}")
}

/// Takes a line with this key off the front; answers what it says.
fn line<'a>(rest: &mut &'a str, key: &str) -> Option<&'a str> {
    let (line, after) = rest.split_once('\n')?;
    *rest = after;
    line.strip_prefix(key)
}

fn numbers<N: FromStr>(text: &str) -> Option<Vec<N>> {
    text.split_whitespace().map(|number| number.parse().ok()).collect()
}

/// The texts of all of these, each after a space.
fn listed<T>(all: &[T], text: impl Fn(&T) -> String) -> String {
    all.iter().flat_map(|one| [" ".to_owned(), text(one)]).collect()
}

/// State, action, length; a dash where there is none.
#[expect(clippy::ref_option, reason = "it is what a list of them hands on")]
fn spot_text(spot: &Option<Spot>) -> String {
    match spot {
        None => "-".to_owned(),
        Some(Spot { state, action: None, length }) => format!("{state}/-/{length}"),
        Some(Spot { state, action: Some(action), length }) => format!("{state}/{action}/{length}"),
    }
}

fn spots(text: &str) -> Option<Vec<Option<Spot>>> {
    let spot = |text: &str| {
        if text == "-" {
            return Some(None);
        }
        let [state, action, length] = text.split('/').collect::<Vec<_>>().try_into().ok()?;
        let action = if action == "-" { None } else { Some(action.parse().ok()?) };
        Some(Some(Spot { state: state.parse().ok()?, action, length: length.parse().ok()? }))
    };
    text.split_whitespace().map(spot).collect()
}
