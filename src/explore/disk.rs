//! A search whose states live on disk, breadth first, level by level, with checkpoints.
//!
//! It gives the report of [`search`](super::search()) in less memory than the states take: within
//! [`Disk::memory`], whatever their number. Nothing is looked up by random reads:
//!
//! 1. The states of a level are a file, in the order of their numbers. They are expanded in that
//!    order; each successor is a candidate (fingerprint, parent, action, packed state). What a
//!    cache has seen goes no further.
//! 2. Candidates are sorted by fingerprint (`sorter`: sorted runs, if they are too many), and held
//!    against the visited states, which are sorted too (`runs`). Of several that are the same the
//!    least (parent, action) counts.
//! 3. What is new is sorted by (parent, action), which is the order of numbers, and written: the
//!    states as the next level; their fingerprints and parents behind those of the states before.
//! 4. All is made durable, and a short text that says how far it is takes the place of the one
//!    before (`manifest`). A search that is killed goes on from there: it loses a level at most.
//!
//! Steps are stored for claims about progress, which are decided in memory as ever. If there is too
//! little for that, these claims alone are left undecided ([`Stop::Memory`]).
//!
//! Why sorted runs of our own: what is asked for comes sorted, a level at a time, so that a run is
//! read from one end to the other, in 8 bytes a state. An embedded store answers one question at a
//! time.
//!
//! Every byte that is read again stands under a seal, of 64 bits, that knows the search, the file
//! and the place. What is not as it was left is refused, and never searched on.

mod blocks;
mod cache;
mod error;
mod expand;
mod finish;
mod folder;
mod level;
mod manifest;
mod pages;
mod runs;
mod sorter;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::Path;
use std::sync::OnceLock;

use super::limits::{Limits, Phase, Progress, Stop};
use super::portable::Portable;
use super::report::Report;
use super::store::{NOBODY, Spot, most_states};
use super::subject::{Subject, safety};
use super::table::fingerprint;
use blocks::{BlockWriter, put_bytes};
use cache::Cache;
use expand::Scratch;
use folder::Folder;
use manifest::Book;
use pages::Pages;
use runs::Visited;

pub use error::{DiskError, Trouble};

/// Bytes and states of a block of a level: what a thread expands at once.
const BLOCK: (usize, u32) = (1 << 14, 128);

/// Where a search on disk lives.
#[derive(Clone, Copy, Debug)]
pub struct Disk<'a> {
    /// A folder for this search alone.
    pub dir: &'a Path,
    /// The most bytes that the search holds in memory, by its own count; with less than about a
    /// megabyte it holds more than that. `max_memory` of the limits is not looked at.
    pub memory: u64,
    /// Says which model it is, and which program: a search goes on only under the same one.
    pub identity: &'a str,
    /// Go on with the search in the folder, rather than begin one.
    pub resume: bool,
}

/// Searches as [`search`](super::search()) does, with states on disk. A search that ended early can
/// be resumed, with other limits too; one that is complete just gives its report again.
///
/// # Errors
/// If the folder is not what it should be, or cannot be read or written.
///
/// # Panics
/// As [`search`](super::search()).
pub fn search_on_disk<M: Subject + Portable>(
    model: &M,
    limits: &Limits<'_>,
    disk: &Disk<'_>,
) -> Result<Report<M::State, M::Action>, DiskError> {
    let (claims, obligations) = (model.claims(), model.obligations());
    assert!(claims.len() <= 64 && obligations.len() <= 64, "at most 64 claims and obligations");
    let mut search = if disk.resume {
        Search::resume(model, limits, disk)?
    } else {
        Search::begin(model, limits, disk)?
    };
    search.run()?;
    search.report(&claims, &obligations)
}

/// Is there a search in a folder, which could be resumed if all is well?
pub fn is_on_disk(dir: &Path) -> bool {
    dir.join(manifest::MANIFEST).exists()
}

struct Search<'a, M: Subject> {
    model: &'a M,
    limits: &'a Limits<'a>,
    disk: &'a Disk<'a>,
    folder: Folder,
    cache: Cache,
    visited: Visited,
    /// By number of the state: its fingerprint, and through which state it was found first. Each
    /// level is a part.
    prints: Pages,
    parents: Pages,
    /// The steps and marks of the expanded states, if there are obligations.
    edges: Option<BlockWriter>,
    scratches: Vec<Scratch<M>>,
    book: Book,
    /// Bits of the safety claims.
    safety: u64,
    /// How many states are expanded: those with the lowest numbers.
    expanded: u32,
    stopped: Option<Stop>,
    halted: OnceLock<Stop>,
    /// The most bytes held so far.
    peak: usize,
    /// Blocks expanded at once.
    batch: usize,
}

/// Why a level was not ended.
enum Break {
    /// The caller wants the search to end.
    Halted,
    Failed(DiskError),
}

impl From<DiskError> for Break {
    fn from(error: DiskError) -> Self {
        Self::Failed(error)
    }
}

/// The columns and the steps of a folder.
type Files = (Pages, Pages, Option<BlockWriter>);

impl<'a, M: Subject + Portable> Search<'a, M> {
    fn begin(model: &'a M, limits: &'a Limits, disk: &'a Disk) -> Result<Self, DiskError> {
        let folder = Folder::begin(disk.dir, disk.identity)?;
        let prints = Pages::create(&folder, "prints", 8)?;
        let parents = Pages::create(&folder, "parents", 4)?;
        let edges = if model.obligations().is_empty() {
            None
        } else {
            Some(BlockWriter::create(&folder, "edges", (usize::MAX, u32::MAX))?)
        };
        let claims = model.claims().len();
        let book =
            Book { broken: vec![None; claims], exercised: vec![None; claims], ..Book::default() };
        let files = (prints, parents, edges);
        let mut search = Self::new((model, limits, disk), folder, files, book);
        search.start()?;
        Ok(search)
    }

    fn resume(model: &'a M, limits: &'a Limits, disk: &'a Disk) -> Result<Self, DiskError> {
        let folder = Folder::resume(disk.dir, disk.identity)?;
        let (book, identity) = Book::read(disk.dir)?;
        let foreign = || DiskError::new(disk.dir, Trouble::Foreign);
        if identity != disk.identity || book.broken.len() != model.claims().len() {
            return Err(foreign());
        }
        let prints = Pages::open(&folder, "prints", 8, book.sizes())?;
        let parents = Pages::open(&folder, "parents", 4, book.sizes())?;
        if book.frontier_bytes > 0 {
            blocks::BlockReader::open(&folder, &book.frontier(), book.frontier_bytes)?;
        }
        let files = (prints, parents, None);
        let mut search = Self::new((model, limits, disk), folder, files, book);
        let first = search.first_prints();
        let mut kept = Vec::new();
        if let Some(part) = parts(&search.book, 8).next() {
            search.prints.each(part, 0, |print| kept.push(print))?;
        }
        if first != kept {
            return Err(foreign());
        }
        search.take_up()?;
        // Nothing was changed so far, and from here on all is as it should be.
        search.prints.cut()?;
        search.parents.cut()?;
        if !model.obligations().is_empty() {
            let length = search.book.edges_bytes;
            search.edges = Some(BlockWriter::reopen(&search.folder, "edges", length)?);
        }
        let mut wanted: Vec<String> =
            ["manifest", "prints", "parents", "edges"].map(str::to_owned).to_vec();
        wanted.extend(search.visited.files().chain([search.book.frontier()]));
        search.folder.keep_only(&wanted)?;
        Ok(search)
    }

    fn new(
        (model, limits, disk): (&'a M, &'a Limits<'a>, &'a Disk<'a>),
        folder: Folder,
        (prints, parents, edges): Files,
        book: Book,
    ) -> Self {
        let memory = usize::try_from(disk.memory).unwrap_or(usize::MAX);
        let safety = safety(&model.claims());
        let threads = limits.threads.max(1);
        Self {
            model,
            limits,
            disk,
            folder,
            cache: Cache::new(memory / 8),
            visited: Visited::new((memory / 256).max(4)),
            prints,
            parents,
            edges,
            scratches: (0..threads).map(|_| Scratch::new()).collect(),
            expanded: if book.frontier_bytes == 0 {
                book.states
            } else {
                book.levels.last().copied().unwrap_or(0)
            },
            book,
            safety,
            stopped: None,
            halted: OnceLock::new(),
            peak: 0,
            batch: threads,
        }
    }

    /// The fingerprints of the initial states, each once, in their order.
    fn first_prints(&self) -> Vec<u64> {
        let mut first = Vec::new();
        for state in self.model.init_states() {
            let print = fingerprint(&state);
            if self.model.within_boundary(&state) && !first.contains(&print) {
                first.push(print);
            }
        }
        first
    }

    /// Reads what the visited states are.
    fn take_up(&mut self) -> Result<(), DiskError> {
        let runs = self.book.runs.clone();
        let in_runs: u64 = runs.iter().map(|(_, count)| count).sum();
        let mut recent = Vec::new();
        let mut number = 0;
        for part in parts(&self.book, 8) {
            if number + part.1 > in_runs {
                let from = in_runs.saturating_sub(number);
                self.prints.each(part, from, |print| recent.push(print))?;
            }
            number += part.1;
        }
        self.visited.take_up(&self.folder, &runs, recent)
    }

    /// The initial states are the first level.
    fn start(&mut self) -> Result<(), DiskError> {
        let most = self.most_states();
        let mut frontier = BlockWriter::create(&self.folder, &manifest::frontier(0), BLOCK)?;
        let mut known = BTreeMap::new();
        for state in self.model.init_states() {
            if !self.model.within_boundary(&state) {
                continue;
            }
            let print = fingerprint(&state);
            let next = u32::try_from(known.len()).expect("invariant: most_states was asked");
            let spot = match known.entry(print) {
                Entry::Occupied(known) => *known.get(),
                Entry::Vacant(_) if u64::from(next) >= most => {
                    self.stopped = Some(Stop::States);
                    break;
                }
                Entry::Vacant(new) => {
                    self.prints.push(print)?;
                    self.parents.push(u64::from(NOBODY))?;
                    let mut packed = Vec::new();
                    self.model.pack(&state, &mut packed);
                    frontier.record(|block| put_bytes(&packed, block))?;
                    *new.insert(Spot { state: next, action: None, length: 0 })
                }
            };
            self.note(self.model.broken_by_step(&state) & self.safety, spot, true);
            self.note(self.model.exercised_by_step(&state), spot, false);
        }
        let mut look = self.visited.look(&self.folder)?;
        for print in known.keys() {
            self.visited.enter(&self.folder, &mut look, *print)?;
        }
        self.book.states = u32::try_from(known.len()).expect("invariant: most_states was asked");
        if !known.is_empty() {
            self.book.levels.push(0);
        }
        self.end_level(frontier)
    }

    /// Remembers the first of the shortest runs that break or exercise claims.
    fn note(&mut self, claims: u64, spot: Spot, broken: bool) {
        let all = if broken { &mut self.book.broken } else { &mut self.book.exercised };
        for (claim, found) in all.iter_mut().enumerate() {
            let shorter = found.is_none_or(|found| spot.length < found.length);
            if claims >> claim & 1 == 1 && shorter {
                *found = Some(spot);
            }
        }
    }

    fn run(&mut self) -> Result<(), DiskError> {
        let ended = self.levels();
        if let Some(halted) = self.halted.get() {
            self.stopped.get_or_insert(*halted);
        }
        match ended {
            Ok(()) | Err(Break::Halted) => Ok(()),
            Err(Break::Failed(error)) => Err(error),
        }
    }

    fn levels(&mut self) -> Result<(), Break> {
        while self.book.frontier_bytes > 0 {
            self.poll()?;
            let deepest = self.limits.max_depth.is_some_and(|most| self.book.depth() >= most);
            if deepest {
                self.stopped.get_or_insert(Stop::Depth);
            }
            self.level()?;
            (self.limits.progress)(self.word(0));
        }
        Ok(())
    }

    /// Does the caller want an end?
    fn poll(&self) -> Result<(), Break> {
        if let Some(stop) = (self.limits.stop)() {
            self.halted.get_or_init(|| stop);
        }
        if self.halted.get().is_some() { Err(Break::Halted) } else { Ok(()) }
    }

    /// More states than this must not be numbered.
    fn most_states(&self) -> u64 {
        most_states(self.limits.max_states)
    }

    /// How far it is, with so many states of the next level.
    fn word(&self, frontier: u64) -> Progress {
        Progress {
            phase: Phase::Search,
            states: u64::from(self.book.states) + frontier,
            transitions: self.book.transitions,
            depth: self.book.depth(),
            frontier,
        }
    }
}

/// Where each level begins in a file of numbers of this width, and how many it has.
fn parts(book: &Book, width: usize) -> impl Iterator<Item = (u64, u64)> {
    book.sizes().scan(0, move |place, count| {
        let start = *place;
        *place += pages::length(width, count);
        Some((start, count))
    })
}
