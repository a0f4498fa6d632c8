//! The cluster as a model: the production machines, a network, an environment, a menu of faults.
//!
//! Reading order: [`scope`] (what is explored), `state`, `step` with `network` and `world` (what an
//! operation does), `actions` with `menu`, `choices` and `classes` (what can happen, and what
//! must), `canon` and `symmetry` (which states are the same), `model` with `open` (all of it as a
//! `stateright::Model`), `pack` (states as bytes), `narrate` (a run as people read it, and its
//! replay). [`walk`] is for what is too large. What makes it cheap stands apart: `touched` and
//! `turns`, `code` with `pool`, `apart`.
//!
//! Three abstractions keep it small, and each is sound for the claims: timers run out only when
//! something gave cause; a heartbeat and its answer are one step unless a scope asks for three;
//! names are ranks (see [`crate::controller_sm::Renaming`]).

mod actions;
mod apart;
mod canon;
mod choices;
mod classes;
pub mod cluster;
mod code;
mod menu;
mod model;
mod narrate;
mod network;
mod open;
mod pack;
mod pool;
mod properties;
pub mod scope;
mod seen;
mod state;
mod step;
mod symmetry;
mod touched;
mod turns;
pub mod walk;
mod world;

use std::net::ToSocketAddrs;
use std::path::Path;
use std::sync::Arc;

use stateright::Model;

use crate::explore::{
    self, Cluster, Counterexample, Disk, DiskError, FlowError, Limits, Memory, Stop,
};
use crate::invariants::Table;
use crate::trace::Trace;

pub use model::{ClusterModel, Watch};
pub use narrate::{BadReplay, replay};
pub use scope::Scope;
pub use state::{CloudSlice, CloudVm, Message, Node, Note, Process, State};
pub use step::{Machines, Real};
pub use symmetry::Symmetry;

/// What became of a claim in a scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It holds, and its hard case occurred.
    Holds,
    /// Nothing broke it, but its hard case never occurred.
    Vacuous,
    /// It does not hold: there is a finding.
    Violated,
    /// The search ended early, and had found nothing against it.
    Incomplete(Stop),
}

/// One claim's line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// Its id.
    pub id: &'static str,
    /// Its name.
    pub name: &'static str,
    /// What became of it.
    pub verdict: Verdict,
}

/// What a search of a scope found.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// Unique states.
    pub states: u64,
    /// Transitions.
    pub transitions: u64,
    /// The depth of the deepest state.
    pub depth: u32,
    /// Why the search ended early, if it did.
    pub stopped: Option<Stop>,
    /// How likely it is that two states were confused.
    pub collision_odds: f64,
    /// The judged claims, in order.
    pub rows: Vec<Row>,
    /// A shortest run for each violated claim, in order.
    pub findings: Vec<Trace>,
    /// What was taken for equal, if the search was one up to symmetry.
    pub symmetry: Option<Symmetry>,
}

/// Searches a scope.
pub fn run(scope: &Scope, limits: &Limits<'_>) -> Outcome {
    run_with(&ClusterModel::new(scope.clone()), limits)
}

/// Searches a scope in which the machines of this model run.
pub fn run_with<M: Machines>(model: &ClusterModel<M>, limits: &Limits<'_>) -> Outcome {
    outcome(model, explore::search(model, limits))
}

/// Searches a scope; states are told apart by all that they say, and never confused.
pub fn run_exact(scope: &Scope, limits: &Limits<'_>) -> Outcome {
    run_exact_with(&ClusterModel::new(scope.clone()), limits)
}

/// The same with the machines of this model.
pub fn run_exact_with<M: Machines>(model: &ClusterModel<M>, limits: &Limits<'_>) -> Outcome {
    outcome(model, explore::search_coded(model, Memory::Codes, limits))
}

/// Searches a scope up to symmetry: of states that differ only in which of several equal workers or
/// tasks is which, one is visited. Progress claims stay undecided.
pub fn run_symmetric(scope: &Scope, limits: &Limits<'_>) -> Outcome {
    run_symmetric_with(&ClusterModel::new(scope.clone()), limits)
}

/// The same with the machines of this model.
pub fn run_symmetric_with<M: Machines>(model: &ClusterModel<M>, limits: &Limits<'_>) -> Outcome {
    let found = explore::search_symmetric(model, limits);
    let symmetry = Some(model.alike().told(found.stands_for));
    Outcome { symmetry, ..outcome(model, found.report) }
}

/// Where the states of a scope are kept.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// A folder for this scope alone. A search that is in it goes on, otherwise one begins.
    pub dir: &'a Path,
    /// The most bytes that are held in memory, about.
    pub memory: u64,
    /// Which build of the program it is, in a line: another one must not go on with its search.
    pub program: &'a str,
}

/// Searches a scope with its states on disk.
///
/// # Errors
/// If the folder is not what it should be, or cannot be read or written.
pub fn run_on_disk(
    scope: &Scope,
    limits: &Limits<'_>,
    place: &Place<'_>,
) -> Result<Outcome, DiskError> {
    let model = ClusterModel::new(scope.clone());
    let identity = format!("{}\n{}", place.program, scope.text);
    let resume = explore::is_on_disk(place.dir);
    let disk = Disk { dir: place.dir, memory: place.memory, identity: &identity, resume };
    Ok(outcome(&model, explore::search_on_disk(&model, limits, &disk)?))
}

/// Searches a scope with the other processes of a cluster; the outcome is at process 0.
///
/// # Errors
/// If a process is lost, or was started for something else.
pub fn run_flow(
    scope: &Scope,
    limits: &Limits<'_>,
    cluster: Cluster,
) -> Result<Option<Outcome>, FlowError> {
    let model = Arc::new(ClusterModel::new(scope.clone()));
    let report = explore::search_flow(&model, limits, cluster)?;
    Ok(report.map(|report| outcome(&model, report)))
}

/// What is said of a scope of which nothing was found out, for this reason.
pub fn undecided(scope: &Scope, stop: Stop) -> Outcome {
    let model = ClusterModel::<Real>::new(scope.clone());
    let judged = Table::<State>::CLAIMS.iter().enumerate().filter(|(at, _)| model.judges(*at));
    let verdict = Verdict::Incomplete(stop);
    let rows = judged.map(|(_, about)| Row { id: about.id, name: about.name, verdict });
    Outcome {
        states: 0,
        transitions: 0,
        depth: 0,
        stopped: Some(stop),
        collision_odds: 0.0,
        rows: rows.collect(),
        findings: Vec::new(),
        symmetry: None,
    }
}

fn outcome<M: Machines>(
    model: &ClusterModel<M>,
    report: explore::Report<State, crate::model::operation::Act>,
) -> Outcome {
    let mut outcome = Outcome {
        states: report.states,
        transitions: report.transitions,
        depth: report.depth,
        stopped: report.stopped,
        collision_odds: report.collision_odds,
        rows: Vec::new(),
        findings: Vec::new(),
        symmetry: None,
    };
    for (at, found) in report.verdicts.into_iter().enumerate() {
        if !model.judges(at) {
            continue;
        }
        let about = &Table::<State>::CLAIMS[at];
        let verdict = match found {
            explore::Verdict::Holds => Verdict::Holds,
            explore::Verdict::Vacuous => Verdict::Vacuous,
            explore::Verdict::Incomplete(why) => Verdict::Incomplete(why),
            explore::Verdict::Violated(run) => {
                outcome.findings.extend(finding(model, at, &run));
                Verdict::Violated
            }
        };
        outcome.rows.push(Row { id: about.id, name: about.name, verdict });
    }
    outcome
}

fn finding<M: Machines>(
    model: &ClusterModel<M>,
    claim: usize,
    run: &Counterexample<State, crate::model::operation::Act>,
) -> Option<Trace> {
    match run {
        Counterexample::Finite(path) => Some(narrate::finite(model, claim, path)),
        Counterexample::Endless { stem, cycle, no_return, obligation } => {
            Some(narrate::endless(model, claim, stem, cycle, *no_return, *obligation))
        }
        Counterexample::Unreachable => None,
    }
}

/// Serves a scope for stepping by hand in stateright's Explorer, until the process ends.
pub fn serve(scope: &Scope, address: impl ToSocketAddrs) {
    ClusterModel::new(scope.clone()).checker().serve(address);
}
