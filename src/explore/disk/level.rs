//! One level: its states are expanded, and of what that leads to, what is new is the next one.

use super::super::limits::Stop;
use super::super::store::Spot;
use super::super::subject::Subject;
use super::blocks::{BlockReader, BlockWriter, put_bytes, u32_of};
use super::error::DiskError;
use super::expand::{Expanded, Hit, Shared};
use super::sorter::{Sorted, Sorter};
use super::{BLOCK, Break, Portable, Search, manifest};

/// Records between two looks at the caller's `stop`.
const POLL: u32 = 4096;
/// Blocks expanded at once are not more than this for each thread.
const MOST_BLOCKS: usize = 128;
/// The transitions of the states of the level, in case that not all of them count.
const COUNTS: &str = "spill-counts";

/// What was found in the states of a level, and in the steps from them: the first of each claim.
struct Finds {
    states: Vec<Option<Spot>>,
    steps: Vec<Option<Spot>>,
}

impl Finds {
    fn new(claims: usize) -> Self {
        Self { states: vec![None; claims], steps: vec![None; claims] }
    }

    fn add(&mut self, claims: u64, spot: Spot) {
        let all = if spot.action.is_none() { &mut self.states } else { &mut self.steps };
        for (claim, found) in all.iter_mut().enumerate() {
            if claims >> claim & 1 == 1 {
                found.get_or_insert(spot);
            }
        }
    }
}

/// A level being expanded.
struct Level {
    /// The number of its next state.
    next: u32,
    depth: u32,
    candidates: Sorter,
    counts: BlockWriter,
    transitions: u64,
    edges: u64,
    cuts: u64,
    broken: Finds,
    exercised: Finds,
}

/// What was new.
struct Settled {
    frontier: BlockWriter,
    count: u32,
    /// The state whose successors are one state too many.
    stop: Option<u32>,
}

impl<M: Subject + Portable> Search<'_, M> {
    /// Expands the deepest level; after a stop only judges its states.
    pub(super) fn level(&mut self) -> Result<(), Break> {
        let claims = self.book.broken.len();
        let mut level = Level {
            next: self.book.levels.last().copied().expect("invariant: there is a level"),
            depth: self.book.depth(),
            candidates: Sorter::new("candidates", self.share()),
            counts: BlockWriter::create(&self.folder, COUNTS, (1 << 16, u32::MAX))?,
            transitions: 0,
            edges: 0,
            cuts: 0,
            broken: Finds::new(claims),
            exercised: Finds::new(claims),
        };
        let first = level.next;
        let expanded = self.expand(&mut level);
        if matches!(expanded, Err(Break::Halted)) {
            // What was found is real, if not all.
            self.note_finds(&level, u32::MAX);
        }
        expanded?;
        if self.stopped.is_some() {
            self.note_finds(&level, u32::MAX);
            self.book.frontier_bytes = 0;
            return Ok(());
        }
        let end = self.book.states;
        let mut counts = BlockReader::open(&self.folder, COUNTS, level.counts.end()?)?;
        let candidates = std::mem::replace(&mut level.candidates, Sorter::new("none", 0));
        let settled = self.settle(candidates, level.depth + 1)?;
        self.book.transitions += match settled.stop {
            Some(stop) => sum(&mut counts, stop - first)?,
            None => level.transitions,
        };
        self.stopped = settled.stop.map(|_| Stop::States);
        self.expanded = settled.stop.unwrap_or(end);
        self.note_finds(&level, settled.stop.unwrap_or(u32::MAX));
        self.book.edges += level.edges;
        self.book.cuts += level.cuts;
        if settled.count > 0 {
            self.book.levels.push(end);
            self.book.states += settled.count;
        }
        self.poll()?;
        Ok(self.end_level(settled.frontier)?)
    }

    /// Bytes for what is sorted at once.
    fn share(&self) -> usize {
        usize::try_from(self.disk.memory / 5).unwrap_or(usize::MAX)
    }

    fn expand(&mut self, level: &mut Level) -> Result<(), Break> {
        let (name, length) = (self.book.frontier(), self.book.frontier_bytes);
        let mut reader = BlockReader::open(&self.folder, &name, length)?;
        let bits = |spots: &[Option<Spot>]| {
            (0..).zip(spots).map(|(at, spot)| u64::from(spot.is_some()) << at).sum::<u64>()
        };
        let (settled, exercised) = (bits(&self.book.broken), bits(&self.book.exercised));
        let all = (0..self.book.exercised.len()).fold(0, |all, claim| all | 1 << claim);
        let wanted = all & !exercised;
        let mut spoken = 0;
        loop {
            let mut blocks = Vec::new();
            while blocks.len() < self.batch
                && let Some(block) = reader.next()?
            {
                blocks.push(block);
            }
            if blocks.is_empty() {
                return Ok(());
            }
            let shared = Shared {
                model: self.model,
                limits: self.limits,
                cache: &self.cache,
                safety: self.safety,
                edges: self.edges.is_some(),
                settled,
                wanted,
                judge_only: self.stopped.is_some(),
                halted: &self.halted,
            };
            let results = shared.expand_all(&blocks, &mut self.scratches);
            self.poll()?;
            let read: usize = blocks.iter().map(|block| block.records.capacity()).sum();
            let made: usize = results.iter().map(Expanded::held).sum();
            self.weigh(read + made + level.candidates.held());
            self.batch = self.share() / 4 / ((read + made) / blocks.len()).max(1);
            self.batch = self.batch.clamp(1, MOST_BLOCKS * self.scratches.len());
            drop(blocks);
            for expanded in results {
                if expanded.damaged {
                    return Err(reader.damaged("states of this model").into());
                }
                self.commit(level, expanded)?;
            }
            if level.transitions - spoken > 1 << 16 {
                spoken = level.transitions;
                (self.limits.progress)(self.word(0));
            }
        }
    }

    /// Takes over what came of a block.
    fn commit(&mut self, level: &mut Level, expanded: Expanded) -> Result<(), DiskError> {
        for Hit { source, action, broken, exercised } in expanded.hits {
            let length = level.depth + u32::from(action.is_some());
            let spot = Spot { state: level.next + source, action, length };
            level.broken.add(broken, spot);
            level.exercised.add(exercised, spot);
        }
        let mut begin = 0;
        for candidate in expanded.candidates {
            let packed = &expanded.packed[begin..candidate.end];
            begin = candidate.end;
            if !self.cache.holds(candidate.print) {
                self.cache.put(candidate.print);
                let source = u64::from(level.next + candidate.source);
                let order = source << 32 | u64::from(candidate.action);
                level.candidates.push(&self.folder, (candidate.print, order), packed)?;
            }
        }
        if self.stopped.is_none() {
            level.counts.block(expanded.sources, &expanded.counts)?;
            if let Some(edges) = &mut self.edges {
                edges.block(expanded.sources, &expanded.records)?;
            }
        }
        level.next += expanded.sources;
        level.transitions += expanded.transitions;
        level.edges += expanded.edges;
        level.cuts += expanded.cuts;
        Ok(())
    }

    /// Of the candidates those that are new, in the order of their numbers.
    fn settle(&mut self, candidates: Sorter, depth: u32) -> Result<Settled, Break> {
        let mut fresh = Sorter::new("fresh", self.share());
        let held = candidates.held();
        let mut sorted = candidates.finish(&self.folder)?;
        let mut look = self.visited.look(&self.folder)?;
        let mut polled = 0;
        while step(&mut sorted, |(print, order), packed| {
            if !self.visited.enter(&self.folder, &mut look, print)? {
                fresh.push(&self.folder, (order, print), packed)?;
            }
            Ok(true)
        })? {
            polled += 1;
            if polled % POLL == 0 {
                self.poll()?;
            }
        }
        self.weigh(held + fresh.held());
        sorted.clear(&self.folder)?;
        self.poll()?;
        let mut frontier = BlockWriter::create(&self.folder, &manifest::frontier(depth), BLOCK)?;
        let mut sorted = fresh.finish(&self.folder)?;
        let most = self.most_states();
        let (mut count, mut stop) = (0, None);
        while step(&mut sorted, |(order, print), packed| {
            let parent = order >> 32;
            if u64::from(self.book.states) + u64::from(count) >= most {
                stop = u32::try_from(parent).ok();
                return Ok(false);
            }
            count += 1;
            self.prints.push(print)?;
            self.parents.push(parent)?;
            frontier.record(|block| put_bytes(packed, block))?;
            Ok(true)
        })? {
            if count % POLL == 0 {
                self.poll()?;
                (self.limits.progress)(self.word(count.into()));
            }
        }
        sorted.clear(&self.folder)?;
        Ok(Settled { frontier, count, stop })
    }

    /// What was found counts in all states, and in the steps of those up to the last one.
    fn note_finds(&mut self, level: &Level, last: u32) {
        for (finds, broken) in [(&level.broken, true), (&level.exercised, false)] {
            for (claim, spot) in finds.states.iter().chain(&finds.steps).enumerate() {
                let claim = claim % finds.states.len();
                if let Some(spot) = spot.filter(|spot| spot.action.is_none() || spot.state <= last)
                {
                    self.note(1 << claim, spot, broken);
                }
            }
        }
    }

    /// What was found is there from now on, durably, unless the search was stopped in the middle:
    /// then it is resumed from the level before.
    pub(super) fn end_level(&mut self, mut frontier: BlockWriter) -> Result<(), DiskError> {
        self.prints.end_part()?;
        self.parents.end_part()?;
        let before = self.book.frontier_bytes;
        self.book.frontier_bytes = frontier.end()?;
        if self.stopped.is_some() {
            return Ok(());
        }
        let gone = self.visited.end_level(&self.folder)?;
        self.weigh(frontier.held());
        self.prints.sync()?;
        self.parents.sync()?;
        if let Some(edges) = &mut self.edges {
            self.book.edges_bytes = edges.sync()?;
        }
        frontier.sync()?;
        self.folder.sync()?;
        self.book.runs = self.visited.known();
        self.book.write(&self.folder, self.disk.identity)?;
        gone.iter().try_for_each(|name| self.folder.remove(name))?;
        if before > 0 {
            let last = u32::from(self.book.frontier_bytes > 0);
            self.folder.remove(&manifest::frontier(self.book.depth() - last))?;
        }
        Ok(())
    }

    /// Remembers the most that was held, this included.
    fn weigh(&mut self, more: usize) {
        let edges = self.edges.as_ref().map_or(0, BlockWriter::held);
        self.peak = self.peak.max(self.cache.held() + self.visited.held() + edges + more);
    }
}

/// Takes the next record, if there is one and the answer to the last one was yes.
fn step(
    sorted: &mut Sorted,
    with: impl FnOnce((u64, u64), &[u8]) -> Result<bool, DiskError>,
) -> Result<bool, DiskError> {
    Ok(sorted.next(with)?.unwrap_or(false))
}

/// The transitions of the first states of a level.
fn sum(counts: &mut BlockReader, states: u32) -> Result<u64, DiskError> {
    let (mut sum, mut left) = (0, states);
    while left > 0
        && let Some(block) = counts.next()?
    {
        let mut records = block.records.as_slice();
        while left > 0
            && let Some(count) = u32_of(&mut records)
        {
            sum += u64::from(count);
            left -= 1;
        }
    }
    Ok(sum)
}
