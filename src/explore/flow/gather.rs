//! What process 0 makes of it: parents and fingerprints by number, which the model turns into runs
//! again, and the steps of all states, where progress claims are to be decided.

use super::bytes::{Reader, put_u32, put_u64};
use super::expand::OUT;
use super::owned::{Map, owner};
use super::post::Gone;
use super::tally::Tally;
use super::worker::{PARCEL, ROWS, Run, SAID};
use crate::explore::conclude::{Found, collision_odds, conclude};
use crate::explore::graph::{Edge, Graph, Marks, OUTSIDE};
use crate::explore::limits::{Limits, Progress, Stop};
use crate::explore::portable::Portable;
use crate::explore::prints::Prints;
use crate::explore::progress::{History, Outcome, by_claim, decide};
use crate::explore::report::Report;
use crate::explore::retrace::Retrace;
use crate::explore::store::NOBODY;
use crate::explore::subject::{Claim, Obligation, Subject};

/// States that a worker sends before it waits for the others: what is under way stays small.
const ROUND: usize = 1 << 20;
/// What process 0 keeps of a state: its parent and its fingerprint.
pub(super) const KEPT: u64 = 12;
/// What deciding progress needs for a state beside that, and for a step.
const GRAPH: u64 = 28;
const STEP: u64 = 5;

/// The steps of a worker's states, level by level, and what is open in each.
#[derive(Default)]
pub(super) struct Steps {
    levels: Vec<Vec<u8>>,
    /// How many steps, and how many bytes.
    count: u64,
    bytes: usize,
}

/// What is written of a state: how many steps, what is open, what arises, what is open beyond the
/// boundary; then of each step the class and the fingerprint.
struct Record<'a> {
    marks: Marks,
    steps: Reader<'a>,
}

const EACH: usize = 9;

impl<'a> Record<'a> {
    fn read(reader: &mut Reader<'a>) -> Self {
        let count = reader.u32() as usize;
        let [open, arises, cut] = [0; 3].map(|_| reader.u64());
        let steps = Reader(reader.take(count * EACH));
        Self { marks: Marks { open, arises, cut }, steps }
    }
}

impl Steps {
    /// Keeps those of the first so many states of a level.
    pub(super) fn keep(&mut self, mut level: Vec<u8>, states: usize) {
        let mut reader = Reader(&level);
        if !level.is_empty() {
            for _ in 0..states {
                let record = Record::read(&mut reader);
                self.count += (record.steps.0.len() / EACH) as u64;
            }
        }
        let kept = level.len() - reader.0.len();
        level.truncate(kept);
        self.bytes += kept;
        self.levels.push(level);
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}

/// All that the report is made of.
pub(super) struct Gathered {
    /// By number.
    prints: Vec<u64>,
    parents: Vec<u32>,
    levels: Vec<u32>,
    transitions: u64,
    depth: u32,
    stopped: Option<Stop>,
    tally: Tally,
    /// If progress is to be decided, and there is room for it.
    graph: Option<Graph>,
    so_far: Progress,
    memory: u64,
}

/// Sends all to worker 0, which takes it.
pub(super) fn gather<M: Subject + Portable>(
    run: &mut Run<'_, M>,
) -> Result<Option<Gathered>, Gone> {
    let is_first = run.post.me() == 0;
    let (rounds, steps) = amounts(run)?;
    let states = if is_first { run.states as usize } else { 0 };
    let (mut prints, mut parents) = (vec![0; states], vec![NOBODY; states]);
    let owned = run.owned.prints();
    for round in 0..rounds {
        send_states(run, &owned, round);
        run.post.settle(&mut |parcel| {
            let mut reader = Reader(parcel.bytes());
            while !reader.is_empty() {
                let (number, parent) = (reader.u32() as usize, reader.u32());
                (parents[number], prints[number]) = (parent, reader.u64());
            }
        })?;
    }
    drop(owned);
    let kept = run.bytes() as u64 + u64::from(run.states) * KEPT;
    let graph =
        Map::bytes_for(run.states as usize) as u64 + u64::from(run.states) * GRAPH + steps * STEP;
    let wanted = !run.model.obligations().is_empty();
    let fits = run.bounds.memory.is_none_or(|most| kept + graph <= most);
    let is_asked = wanted && told_by_first(run, fits)?;
    let memory = if is_asked { kept + graph } else { kept };
    let graph = if is_asked { gather_steps(run, &prints)? } else { None };
    if !is_first {
        return Ok(None);
    }
    Ok(Some(Gathered {
        prints,
        parents,
        levels: run.levels.clone(),
        transitions: run.transitions,
        depth: run.depth(),
        stopped: run.stopped,
        tally: run.tally.clone(),
        graph,
        so_far: run.word(),
        memory,
    }))
}

/// How often workers have to send states until each has sent its own, and how many steps all have.
fn amounts<M: Subject + Portable>(run: &mut Run<'_, M>) -> Result<(usize, u64), Gone> {
    let mut bytes = Vec::with_capacity(16);
    put_u64(&mut bytes, run.owned.numbers.len() as u64);
    put_u64(&mut bytes, run.steps.count);
    run.post.send_to_all(SAID, &bytes);
    let (mut most, mut steps) = (0, 0);
    run.post.settle(&mut |parcel| {
        let mut reader = Reader(parcel.bytes());
        most = reader.u64().max(most);
        steps += reader.u64();
    })?;
    let most = usize::try_from(most).expect("invariant: it is a length in some process");
    Ok((most.div_ceil(ROUND), steps))
}

/// What worker 0 says: its process is the one that needs the room.
fn told_by_first<M: Subject>(run: &mut Run<'_, M>, says: bool) -> Result<bool, Gone> {
    if run.post.me() == 0 {
        run.post.send_to_all(SAID, &[u8::from(says)]);
    }
    let mut told = false;
    run.post.settle(&mut |parcel| told = parcel.bytes() == [1])?;
    Ok(told)
}

/// Sends the numbers, parents and fingerprints of some of this worker's states.
fn send_states<M: Subject>(run: &mut Run<'_, M>, prints: &[u64], round: usize) {
    let mut rows = Vec::with_capacity(PARCEL);
    for (at, print) in prints.iter().enumerate().skip(round * ROUND).take(ROUND) {
        // Without a number it is one too many.
        if run.owned.numbers[at] != NOBODY {
            put_u32(&mut rows, run.owned.numbers[at]);
            put_u32(&mut rows, run.owned.parents[at]);
            put_u64(&mut rows, *print);
        }
        if rows.len() >= PARCEL {
            run.post.send(0, ROWS, std::mem::take(&mut rows));
        }
    }
    run.post.send(0, ROWS, rows);
}

/// Sends the steps level by level; worker 0 puts them together in the order of the states. Nothing
/// if the engine has no number for so many, or on other workers.
fn gather_steps<M: Subject + Portable>(
    run: &mut Run<'_, M>,
    prints: &[u64],
) -> Result<Option<Graph>, Gone> {
    let mut numbers = Map::new();
    numbers.make_room(prints.len());
    for (print, number) in prints.iter().zip(0..) {
        if let Err(slot) = numbers.find(*print) {
            numbers.fill(slot, *print, number);
        }
    }
    let workers = run.post.workers();
    let mut graph = Some(Graph::new());
    let levels = std::mem::take(&mut run.steps.levels);
    let firsts = run.levels.clone();
    let ends = firsts.iter().skip(1).copied().chain([run.states]);
    for ((first, end), level) in firsts.iter().zip(ends).zip(levels) {
        for part in level.chunks(PARCEL) {
            run.post.send(0, ROWS, part.to_vec());
        }
        drop(level);
        let mut parts: Vec<Vec<u8>> = vec![Vec::new(); workers];
        run.post.settle(&mut |parcel| parts[parcel.from as usize].extend(parcel.bytes()))?;
        if run.post.me() == 0 {
            let mut readers: Vec<Reader> = parts.iter().map(|part| Reader(part)).collect();
            for number in *first..end.min(run.expanded) {
                let from = owner(prints[number as usize], workers);
                let record = Record::read(&mut readers[from]);
                graph = graph.and_then(|graph| add(graph, record, &numbers));
            }
        }
    }
    Ok(graph)
}

/// Adds a state with its steps, if there is a number for each.
fn add(mut graph: Graph, mut record: Record, numbers: &Map) -> Option<Graph> {
    if !graph.has_room(record.steps.0.len() / EACH) {
        return None;
    }
    while !record.steps.is_empty() {
        let class = record.steps.take(1)[0];
        let target = match record.steps.u64() {
            OUT => OUTSIDE,
            print => numbers.find(print).expect("invariant: what is reached has a number"),
        };
        graph.add_edge(Edge { target, class });
    }
    graph.add_state(record.marks);
    Some(graph)
}

/// Decides what is left to be decided, and judges.
pub(super) fn report<M: Subject>(
    model: &M,
    limits: &Limits,
    claims: &[Claim],
    obligations: &[Obligation],
    all: &Gathered,
) -> Report<M::State, M::Action> {
    let history = History { parents: &all.parents, levels: &all.levels };
    let outcomes = match &all.graph {
        Some(graph) => decide(|| graph, history, obligations.len(), limits, all.so_far),
        None => obligations.iter().map(|_| Outcome::Halted(Stop::Memory)).collect(),
    };
    let claim_of = |number: usize| obligations[number].claim;
    let progress = by_claim(outcomes, claims.len(), claim_of);
    let records = Prints(&all.prints);
    let retrace = Retrace { model, records: &records, parents: &all.parents };
    let found = Found {
        states: all.parents.len() as u64,
        transitions: all.transitions,
        depth: all.depth,
        stopped: all.stopped,
        broken: &all.tally.broken,
        exercised: &all.tally.exercised,
        progress: &progress,
        collision_odds: collision_odds(all.parents.len()),
        memory: all.memory,
    };
    conclude(&retrace, claims, &found)
}
