//! From what is on disk to a report.

use std::collections::{BTreeMap, BTreeSet};

use super::super::conclude::{Found, collision_odds, conclude};
use super::super::graph::{Edge, Graph, Marks, OUTSIDE};
use super::super::limits::Stop;
use super::super::prints::Prints;
use super::super::progress::{self, History, Outcome};
use super::super::report::{Report, Verdict};
use super::super::retrace::Retrace;
use super::super::store::{NOBODY, Spot};
use super::super::subject::{Claim, Obligation, Subject};
use super::super::table::home;
use super::blocks::{BlockReader, u32_of, u64_of};
use super::cache::Cache;
use super::error::DiskError;
use super::expand::BEYOND;
use super::runs::Visited;
use super::{Portable, Search, parts};

/// Bytes for each step, for each expanded state with what deciding needs for it, and for each
/// state at the boundary: see [`Graph::bytes`].
const EACH: (u64, u64, u64) = (5, 28, 16);
/// Bytes for the parent of each state.
const PARENT: u64 = 4;
/// Bytes for each state while steps are given the numbers that they lead to: see [`Numbers`].
const NUMBER: u64 = 16;

impl<M: Subject + Portable> Search<'_, M> {
    /// Decides progress and judges the claims.
    pub(super) fn report(
        mut self,
        claims: &[Claim],
        obligations: &[Obligation],
    ) -> Result<Report<M::State, M::Action>, DiskError> {
        // Nothing is visited any more: their memory is for what follows.
        (self.cache, self.visited) = (Cache::new(0), Visited::new(0));
        self.scratches.clear();
        let countable = u32::try_from(self.book.edges).is_ok();
        let fits = countable && self.needed() <= self.disk.memory;
        let mut outcomes = Vec::new();
        if fits && !obligations.is_empty() {
            outcomes = self.decide(obligations.len())?;
        }
        let decided = !outcomes.is_empty();
        let claim_of = |number: usize| obligations[number].claim;
        let mut progress = progress::by_claim(outcomes, claims.len(), claim_of);
        let (mut broken, mut exercised) = (self.book.broken.clone(), self.book.exercised.clone());
        let (parents, prints) = self.renumber(&mut [&mut broken, &mut exercised], &mut progress)?;
        let found = Found {
            states: self.book.states.into(),
            transitions: self.book.transitions,
            depth: self.book.depth(),
            stopped: self.stopped,
            broken: &broken,
            exercised: &exercised,
            progress: &progress,
            collision_odds: collision_odds(self.book.states as usize),
            memory: self.peak as u64,
        };
        let records = Prints(&prints);
        let retrace = Retrace { model: self.model, records: &records, parents: &parents };
        let mut report = conclude(&retrace, claims, &found);
        if !decided {
            for obligation in obligations {
                let verdict = &mut report.verdicts[obligation.claim];
                *verdict = Verdict::Incomplete(self.stopped.unwrap_or(Stop::Memory));
            }
        }
        Ok(report)
    }

    /// The bytes that deciding progress takes.
    fn needed(&self) -> u64 {
        let (edge, state, cut) = EACH;
        let states = u64::from(self.book.states);
        self.book.edges * edge
            + u64::from(self.expanded) * state
            + self.book.cuts * cut
            + states * (PARENT + NUMBER)
    }

    fn decide(&mut self, obligations: usize) -> Result<Vec<Outcome>, DiskError> {
        let graph = self.graph()?;
        let mut parents = Vec::with_capacity(self.book.states as usize);
        for part in parts(&self.book, 4) {
            self.parents.each(part, 0, |parent| parents.push(narrow(parent)))?;
        }
        self.peak = self.peak.max(graph.bytes() + parents.len() * 4);
        let history = History { parents: &parents, levels: &self.book.levels };
        Ok(progress::decide(|| &graph, history, obligations, self.limits, self.word(0)))
    }

    /// The steps of the expanded states.
    fn graph(&mut self) -> Result<Graph, DiskError> {
        let mut prints = Vec::with_capacity(self.book.states as usize);
        for part in parts(&self.book, 8) {
            self.prints.each(part, 0, |print| prints.push(print))?;
        }
        let numbers = Numbers::new(prints);
        let mut graph = Graph::new();
        let edges = self.edges.as_mut().expect("invariant: there are obligations");
        let mut reader = BlockReader::open(&self.folder, "edges", edges.end()?)?;
        let mut left = self.expanded;
        while left > 0 {
            let block = reader.next()?.ok_or_else(|| reader.damaged("a block"))?;
            let mut records = block.records.as_slice();
            for _ in 0..block.count.min(left) {
                add(&mut graph, &mut records, &numbers)
                    .ok_or_else(|| reader.damaged("steps between states"))?;
            }
            left -= block.count.min(left);
        }
        Ok(graph)
    }

    /// Gives those states that stand in a run new numbers, from 0 on in the same order. Answers
    /// their parents and their fingerprints.
    fn renumber(
        &mut self,
        spots: &mut [&mut Vec<Option<Spot>>],
        progress: &mut [Option<Outcome>],
    ) -> Result<(Vec<u32>, Vec<u64>), DiskError> {
        let levels = self.book.levels.clone();
        let [parents, prints]: [Vec<_>; 2] = [4, 8].map(|width| parts(&self.book, width).collect());
        // The part of a state's level, and its place in that.
        let place = |id: u32, parts: &[(u64, u64)]| {
            let level = levels.partition_point(|first| *first <= id) - 1;
            (parts[level], u64::from(id - levels[level]))
        };
        let mut ids = BTreeSet::new();
        let mut parent_of = BTreeMap::new();
        for spot in spots.iter().flat_map(|spots| spots.iter()).flatten() {
            let mut at = spot.state;
            while ids.insert(at) {
                let (part, index) = place(at, &parents);
                let parent = narrow(self.parents.one(part, index)?);
                parent_of.insert(at, parent);
                if parent == NOBODY {
                    break;
                }
                at = parent;
            }
        }
        let lassos = || {
            progress.iter().flatten().filter_map(|outcome| match outcome {
                Outcome::Endless(lasso) => Some(lasso),
                Outcome::Met | Outcome::Cut | Outcome::Halted(_) => None,
            })
        };
        for lasso in lassos() {
            ids.extend(lasso.stem.iter().chain(lasso.cycle.iter().map(|edge| &edge.target)));
        }
        let new: BTreeMap<u32, u32> = ids.into_iter().zip(0..).collect();
        let mut marks = Vec::with_capacity(new.len());
        for id in new.keys() {
            let (part, index) = place(*id, &prints);
            marks.push(self.prints.one(part, index)?);
        }
        // Of those that stand only in endless runs nobody asks for the parent.
        let parent = |id| parent_of.get(id).and_then(|parent| new.get(parent));
        let parents = new.keys().map(|id| parent(id).copied().unwrap_or(NOBODY)).collect();
        for spot in spots.iter_mut().flat_map(|spots| spots.iter_mut()).flatten() {
            spot.state = new[&spot.state];
        }
        for outcome in progress.iter_mut().flatten() {
            if let Outcome::Endless(lasso) = outcome {
                let targets = lasso.cycle.iter_mut().map(|edge| &mut edge.target);
                lasso.stem.iter_mut().chain(targets).for_each(|id| *id = new[id]);
            }
        }
        Ok((parents, marks))
    }
}

fn narrow(number: u64) -> u32 {
    u32::try_from(number).expect("invariant: four bytes were read")
}

/// Adds a state with its steps; nothing if the record is none.
fn add(graph: &mut Graph, records: &mut &[u8], numbers: &Numbers) -> Option<()> {
    let (open, arises, cut) = (u64_of(records)?, u64_of(records)?, u64_of(records)?);
    for _ in 0..u32_of(records)? {
        let (class, rest) = records.split_first()?;
        *records = rest;
        let print = u64_of(records)?;
        let target = if print == BEYOND { OUTSIDE } else { numbers.of(print)? };
        graph.add_edge(Edge { target, class: *class });
    }
    graph.add_state(Marks { open, arises, cut });
    Some(())
}

/// From fingerprints to numbers: 8 bytes and two slots of 4 for each state.
struct Numbers {
    prints: Vec<u64>,
    /// Numbers plus one; zero where there is none.
    slots: Vec<u32>,
}

impl Numbers {
    fn new(prints: Vec<u64>) -> Self {
        let mut numbers = Self { slots: vec![0; prints.len() * 2], prints: Vec::new() };
        for (number, print) in (1..).zip(&prints) {
            let mut at = home(*print, numbers.slots.len());
            while numbers.slots[at] != 0 {
                at = (at + 1) % numbers.slots.len();
            }
            numbers.slots[at] = number;
        }
        numbers.prints = prints;
        numbers
    }

    fn of(&self, print: u64) -> Option<u32> {
        let mut at = home(print, self.slots.len());
        loop {
            let number = self.slots.get(at)?.checked_sub(1)?;
            if self.prints[number as usize] == print {
                return Some(number);
            }
            at = (at + 1) % self.slots.len();
        }
    }
}
