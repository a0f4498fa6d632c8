//! Random walks through a scope that is too large to be searched: what is found is as real as what
//! a search finds; what is not found says nothing.

use crate::explore::{self, OPTIONAL, Stop, WalkProgress, Walks, shorten};
use crate::invariants::{Judge, Table};
use crate::model::operation::{Act, Operation};
use crate::trace::Trace;

use super::menu;
use super::model::ClusterModel;
use super::narrate;
use super::scope::Scope;
use super::state::State;
use super::step::Machines;

/// Steps of the model that making one finding short may take: a few seconds.
const SHORTENING: u64 = 1_000_000;

/// What became of a claim on walks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight {
    /// A walk broke it: there is a finding.
    Violated,
    /// No walk broke it, and its hard case occurred. It may be broken all the same.
    NotFound,
    /// No walk broke it, and its hard case never occurred.
    NotExercised,
    /// It is about endless runs, and no walk is endless.
    NotLookedAt,
}

/// One claim's line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    /// Its id.
    pub id: &'static str,
    /// Its name.
    pub name: &'static str,
    /// What became of it.
    pub sight: Sight,
}

/// A violation that a walk came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Caught {
    /// The run that was made of it, short.
    pub trace: Trace,
    /// The number of the walk.
    pub walk: u64,
    /// How many steps it took there.
    pub steps: usize,
}

/// What walks through a scope found.
#[derive(Debug, Clone, PartialEq)]
pub struct Strolled {
    /// How many, how long.
    pub done: WalkProgress,
    /// Why they ended early, if they did.
    pub stopped: Option<Stop>,
    /// The judged claims, in order.
    pub lines: Vec<Line>,
    /// The first violation of each claim that was broken, in order.
    pub caught: Vec<Caught>,
}

/// Walks through a scope, until a walk breaks a claim that is not expected to be violated there.
pub fn walk(scope: &Scope, walks: &Walks<'_>) -> Strolled {
    walk_with(ClusterModel::new(scope.clone()), walks)
}

/// The same with the machines of this model. [`Walks::until`] is what the scope says.
pub fn walk_with<M: Machines>(model: ClusterModel<M>, walks: &Walks<'_>) -> Strolled {
    let model = model.without_memory();
    let expected = |id: &str| model.scope().violated.iter().any(|it| it == id);
    let table = &Table::<State>::CLAIMS;
    let judged = || table.iter().enumerate().filter(|(at, _)| model.judges(*at));
    let unexpected = judged().filter(|(_, row)| !expected(row.id));
    let until = unexpected.fold(0, |bits, (at, _)| bits | 1 << at);
    let report = explore::walk(&model, &Walks { until, ..*walks });
    let line = |(at, row): (usize, &crate::invariants::Claim<State>)| {
        let sight = match row.judge {
            Judge::Progress { .. } => Sight::NotLookedAt,
            Judge::State(_) | Judge::Step(_) => {
                if report.found.iter().any(|found| found.claim == at) {
                    Sight::Violated
                } else if report.exercised >> at & 1 == 1 {
                    Sight::NotFound
                } else {
                    Sight::NotExercised
                }
            }
        };
        Line { id: row.id, name: row.name, sight }
    };
    let caught = report.found.iter().map(|found| {
        let path = shorten(&model, found.claim, &found.path, SHORTENING);
        let trace = narrate::finite(&model, found.claim, &path);
        Caught { trace, walk: found.walk, steps: found.path.steps.len() }
    });
    let caught = caught.collect();
    let (done, stopped) = (report.done, report.stopped);
    Strolled { done, stopped, lines: judged().map(line).collect(), caught }
}

/// Which kind an act is, for walks that weigh kinds: a fault by what it costs, and all else by what
/// happens. Only faults may be left out: where a timer, a message or a process could stay away, a
/// walk would go round between heartbeats for ever. A loss that must happen, because the way is cut
/// or the other side is down, is no fault.
pub(super) fn kind(state: &State, act: Act) -> u8 {
    if act.dies {
        return u8::MAX;
    }
    match act.operation.fault() {
        Some(fault) if !menu::is_free(state, act.operation) => OPTIONAL + fault as u8,
        Some(_) | None => ordinary(act.operation),
    }
}

fn ordinary(operation: Operation) -> u8 {
    match operation {
        Operation::Submit(_)
        | Operation::Resubmit(_)
        | Operation::Cancel(_)
        | Operation::Drain(_) => 0,
        Operation::Run(..) => 1,
        Operation::StrayRun(..) => 2,
        Operation::RunAnswer(..) => 3,
        Operation::Kill(..) => 4,
        Operation::Report(..) => 5,
        Operation::FinalReport(..) => 6,
        Operation::Beat(..)
        | Operation::BeatSent(_)
        | Operation::BeatArrives(..)
        | Operation::BeatAnswer(..) => 7,
        Operation::StrayBeat(..) => 8,
        Operation::Launch(..) => 9,
        Operation::Exit(..) | Operation::MonitorDies(_) => 10,
        Operation::Reaped(_) => 11,
        Operation::Fires(_) => 12,
        Operation::LeaseEnds(_) => 13,
        Operation::WorkerStarts(_) | Operation::WorkerCrashes(_) => 14,
        Operation::ControllerStarts | Operation::ControllerCrashes => 15,
        Operation::Cut(..) | Operation::Mended(..) => 16,
        Operation::SliceGranted(_) | Operation::SliceRefused(..) => 17,
        Operation::VmBoots(_) | Operation::VmStuck(_) => 18,
        Operation::SlicePreempted(_) | Operation::SliceTerminated(_) => 19,
    }
}
