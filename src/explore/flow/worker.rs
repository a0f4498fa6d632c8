//! One worker: the levels of the search, in step with all others.

use timely::communication::Allocator;
use timely::worker::Worker;

use super::bytes::Reader;
use super::expand::{Expanded, Expander};
use super::gather::{self, Gathered, Steps};
use super::link::Link;
use super::owned::{Frontier, Owned, key, owner, put_row};
use super::post::{Gone, Parcel, Post};
use super::rank::{Ranked, rank};
use super::tally::{Said, Tally};
use crate::explore::limits::{Phase, Progress, Stop};
use crate::explore::portable::Portable;
use crate::explore::store::{NOBODY, Spot, most_states};
use crate::explore::subject::{Subject, safety};
use crate::explore::table::fingerprint;

/// Kinds of parcels.
pub(super) const ROWS: u32 = 0;
pub(super) const KEYS: u32 = 1;
pub(super) const RANKS: u32 = 2;
pub(super) const TOTAL: u32 = 3;
pub(super) const SAID: u32 = 4;

/// Bytes from which on a parcel is sent.
pub(super) const PARCEL: usize = 1 << 16;
/// Transitions between two looks at whether to end.
const POLL: u32 = 1024;
/// Looks between two turns of the dataflow.
const TURN: u32 = 4;

/// Does a worker's part; it ends when all have done theirs, or when a process is lost.
pub(super) fn work<M: Subject + Portable>(
    model: &M,
    bounds: Bounds,
    link: &Link,
    allocator: Allocator,
) -> Result<Option<Gathered>, Gone> {
    // The first here is the last to go.
    let _presence = Presence(link);
    let worker = Worker::new(timely::WorkerConfig::default(), allocator, None);
    let mut run = Run::new(model, bounds, Post::new(worker, link));
    let done = run.levels().and_then(|()| gather::gather(&mut run));
    if done.is_ok() {
        run.post.finish();
    }
    done
}

/// That a worker uses the dataflow. It goes after everything that does.
struct Presence<'a>(&'a Link);

impl Drop for Presence<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.fail();
        }
        self.0.depart();
    }
}

/// The limits that depend on the model alone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) states: Option<u64>,
    pub(super) depth: Option<u32>,
    pub(super) memory: Option<u64>,
}

/// What a worker knows.
pub(super) struct Run<'a, M: Subject> {
    pub(super) model: &'a M,
    pub(super) bounds: Bounds,
    pub(super) post: Post<'a>,
    pub(super) owned: Owned,
    frontier: Frontier,
    /// By worker, what it says of the level.
    said: Vec<Option<Said>>,
    expander: Expander<'a, M>,
    /// The number of the first state of each level.
    pub(super) levels: Vec<u32>,
    /// How many states have numbers, and how many are expanded: those with the lowest.
    pub(super) states: u32,
    pub(super) expanded: u32,
    pub(super) transitions: u64,
    pub(super) tally: Tally,
    pub(super) stopped: Option<Stop>,
    /// The steps of this worker's states, if they are wanted.
    pub(super) steps: Steps,
}

impl<'a, M: Subject + Portable> Run<'a, M> {
    fn new(model: &'a M, bounds: Bounds, post: Post<'a>) -> Self {
        let workers = post.workers();
        Self {
            model,
            bounds,
            post,
            owned: Owned::new(),
            frontier: Frontier::default(),
            said: (0..workers).map(|_| None).collect(),
            expander: Expander::new(model, workers),
            levels: vec![0],
            states: 0,
            expanded: 0,
            transitions: 0,
            tally: Tally::new(model.claims().len()),
            stopped: None,
            steps: Steps::default(),
        }
    }

    /// More states than this must not be numbered.
    fn most(&self) -> u32 {
        let most = most_states(self.bounds.states);
        u32::try_from(most).expect("invariant: it is the smaller of two")
    }

    pub(super) fn depth(&self) -> u32 {
        u32::try_from(self.levels.len() - 1).expect("invariant: a level has a state")
    }

    fn levels(&mut self) -> Result<(), Gone> {
        self.start();
        let mut more = self.states > 0;
        while more {
            if self.bounds.depth.is_some_and(|most| self.depth() >= most) {
                self.stopped.get_or_insert(Stop::Depth);
            }
            more = self.level()?;
            if self.post.me() == 0 {
                self.post.tell(self.word());
            }
        }
        Ok(())
    }

    /// The initial states are the first level. All workers number all of them.
    fn start(&mut self) {
        let model = self.model;
        let safety = safety(&model.claims());
        let mut known: Vec<u64> = Vec::new();
        let mut rows = Vec::new();
        let mut mine = Vec::new();
        for state in model.init_states() {
            if !model.within_boundary(&state) {
                continue;
            }
            let print = fingerprint(&state);
            let place = known.iter().position(|other| *other == print);
            let number = place.unwrap_or(known.len());
            let number = u32::try_from(number).expect("invariant: there are few initial states");
            if place.is_none() {
                if number >= self.most() {
                    self.stopped = Some(Stop::States);
                    break;
                }
                known.push(print);
                if owner(print, self.post.workers()) == self.post.me() {
                    let key = key(NOBODY, number);
                    put_row(&mut rows, print, key, |bytes| model.pack(&state, bytes));
                    mine.push(number);
                }
            }
            let spot = Spot { state: number, action: None, length: 0 };
            let broken = model.broken_by_step(&state) & safety;
            self.tally.note(broken, model.exercised_by_step(&state), spot);
        }
        self.owned.admit(&rows);
        let sorted = self.owned.sorted();
        self.frontier = self.owned.number(&sorted, &mine, NOBODY);
        self.states = u32::try_from(known.len()).expect("invariant: each has a number");
    }

    /// Expands the deepest level; after a stop, only judges it. Is there another?
    fn level(&mut self) -> Result<bool, Gone> {
        let parents = self.levels[self.levels.len() - 1]..self.states;
        let mut out = Expanded::new(&self.tally);
        let is_last = self.stopped.is_some();
        let cut = if is_last { self.judge(&mut out) } else { self.expand(&mut out)? };
        let said = self.share(&out, cut, u32::MAX)?;
        let cut = said.iter().find_map(|said| said.cut);
        if is_last || cut.is_some() {
            // What was found in a part of a level is real, though not all that there is.
            for said in &said {
                self.tally.merge(&said.tally);
            }
            self.owned.forget();
            self.stopped = self.stopped.or(cut);
            return Ok(false);
        }
        let bytes = (self.bytes() + out.steps.len()) as u64;
        let ranked = rank(&mut self.post, &self.owned, parents.clone(), bytes)?;
        let most = self.most();
        self.frontier = ranked.apply(&mut self.owned, most);
        let room = u64::from(most - self.states);
        let (said, last) = if ranked.total > room {
            self.stopped = Some(Stop::States);
            let last = self.last_expanded(&ranked)?;
            (self.share(&out, None, last)?, last)
        } else {
            (said, parents.end)
        };
        for said in &said {
            self.tally.merge(&said.tally);
            self.transitions += said.transitions;
        }
        self.expanded = last;
        let kept = out.transitions.iter().take_while(|(number, _)| *number < last).count();
        self.steps.keep(out.steps, kept);
        let added = u32::try_from(ranked.total.min(room)).expect("invariant: below the most");
        if added > 0 {
            self.levels.push(self.states);
            self.states += added;
        }
        if self.is_too_large(&ranked.bytes) {
            self.stopped = self.stopped.or(Some(Stop::Memory));
        }
        Ok(added > 0)
    }

    /// The state that is the first to reach one too many: it and those behind it do not count.
    fn last_expanded(&mut self, ranked: &Ranked) -> Result<u32, Gone> {
        if let Some(parent) = ranked.parent_of(self.most()) {
            self.post.send_to_all(SAID, &parent.to_le_bytes());
        }
        let mut last = None;
        self.post.settle(&mut |parcel| last = Some(Reader(parcel.bytes()).u32()))?;
        Ok(last.expect("invariant: some worker has the state with this number"))
    }

    /// Judges this worker's part of the level. It is never cut short.
    fn judge(&self, out: &mut Expanded) -> Option<Stop> {
        let depth = self.depth();
        for (number, at) in &self.frontier.order {
            let state = unpacked(self.model, self.frontier.state(*at));
            self.expander.judge(*number, depth, &state, out);
        }
        None
    }

    /// Expands this worker's part of the level, unless it must end before it is through.
    fn expand(&mut self, out: &mut Expanded) -> Result<Option<Stop>, Gone> {
        let depth = self.depth();
        self.expander.fit(self.owned.numbers.len());
        let frontier = std::mem::take(&mut self.frontier);
        let (mut since, mut looks) = (POLL, 0);
        for (number, at) in &frontier.order {
            if since >= POLL {
                (since, looks) = (0, looks + 1);
                if let Some(stop) = self.post.halted() {
                    return Ok(Some(stop));
                }
                if looks % TURN == 0 {
                    let (owned, said) = (&mut self.owned, &mut self.said);
                    self.post.turn(&mut |parcel| receive(owned, said, parcel))?;
                }
            }
            let state = unpacked(self.model, frontier.state(*at));
            self.expander.expand(*number, depth, &state, out);
            since += out.transitions.last().map_or(0, |(_, taken)| *taken) + 1;
            while let Some(to) = self.expander.full() {
                self.hand_over(to);
            }
        }
        self.expander.look_up();
        (0..self.post.workers()).for_each(|to| self.hand_over(to));
        Ok(None)
    }

    fn hand_over(&mut self, to: usize) {
        if to == self.post.me() {
            self.owned.admit(&self.expander.rows[to]);
            self.expander.rows[to].clear();
        } else {
            let rows = std::mem::take(&mut self.expander.rows[to]);
            self.post.send(to, ROWS, rows);
        }
    }

    /// Tells all workers what came of the states before `last`, and hears what they say.
    fn share(&mut self, out: &Expanded, cut: Option<Stop>, last: u32) -> Result<Vec<Said>, Gone> {
        let mut tally = out.tally.clone();
        tally.cut(last);
        let counted = out.transitions.iter().take_while(|(number, _)| *number < last);
        let transitions = counted.map(|(_, taken)| u64::from(*taken)).sum();
        self.post.send_to_all(SAID, &Said { cut, transitions, tally }.packed());
        let (owned, said) = (&mut self.owned, &mut self.said);
        self.post.settle(&mut |parcel| receive(owned, said, parcel))?;
        let said = self.said.iter_mut().filter_map(Option::take).collect();
        Ok(said)
    }

    /// Bytes held.
    pub(super) fn bytes(&self) -> usize {
        self.owned.bytes() + self.frontier.bytes() + self.expander.bytes() + self.steps.bytes()
    }

    /// Do the workers of some process hold more than a process may?
    fn is_too_large(&self, bytes: &[u64]) -> bool {
        let threads = bytes.len() / self.post.processes();
        let gathered = u64::from(self.states) * gather::KEPT;
        let each = bytes.chunks(threads).map(|some| some.iter().sum::<u64>());
        let most = each.zip([gathered].into_iter().chain(std::iter::repeat(0)));
        let most = most.map(|(bytes, gathered)| bytes + gathered).max();
        self.bounds.memory.is_some_and(|limit| most.is_some_and(|most| most > limit))
    }

    pub(super) fn word(&self) -> Progress {
        Progress {
            phase: Phase::Search,
            states: self.states.into(),
            transitions: self.transitions,
            depth: self.depth(),
            frontier: (self.states - self.levels[self.levels.len() - 1]).into(),
        }
    }
}

/// Takes what arrives while a level is expanded.
fn receive(owned: &mut Owned, said: &mut [Option<Said>], parcel: &Parcel) {
    if parcel.kind == ROWS {
        owned.admit(parcel.bytes());
    } else {
        said[parcel.from as usize] = Some(Said::read(parcel.bytes()));
    }
}

fn unpacked<M: Portable>(model: &M, bytes: &[u8]) -> M::State {
    let state = model.unpack(bytes);
    state.expect("invariant: what the model has packed, the same model unpacks")
}
