//! What was done to a cluster so far, as far as it decides what can be done next. It knows nothing
//! of what the cluster made of it: so whole runs are drawn, and steps that have become impossible
//! are left out, without running anything.

use std::fmt;

use im::{OrdMap, OrdSet, Vector};

use crate::model::id::{GroupId, JobId, WorkerId};
use crate::model::operation::Direction;
use crate::real::chaos::{Node, Rule};

use super::run::{JobPlan, Run, Shape, Step};
use super::subject::STEP;

/// What was done so far. Copies share what did not change.
#[derive(Debug, Clone)]
pub struct World {
    now: u64,
    plans: Vector<JobPlan>,
    /// Workers of the shape, and whether they are up.
    workers: OrdMap<WorkerId, bool>,
    closed: OrdSet<WorkerId>,
    controller: bool,
    cuts: OrdSet<(WorkerId, Direction)>,
    rules: Vector<Rule>,
    groups: usize,
}

/// Why a step cannot be done now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Impossible(String);

impl fmt::Display for Impossible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Impossible {}

impl World {
    /// A cluster of this shape to which nothing was done yet.
    pub fn new(shape: &Shape) -> Self {
        Self {
            now: 0,
            plans: Vector::new(),
            workers: shape.worker_ids().map(|(id, worker)| (id, !worker.waits)).collect(),
            closed: OrdSet::new(),
            controller: true,
            cuts: OrdSet::new(),
            rules: Vector::new(),
            groups: shape.groups.len(),
        }
    }

    /// Milliseconds since the run began.
    pub fn now(&self) -> u64 {
        self.now
    }

    /// The jobs that were submitted, in order; the first is `j1`.
    pub fn plans(&self) -> &Vector<JobPlan> {
        &self.plans
    }

    /// What was submitted under this name.
    pub fn plan(&self, job: JobId) -> Option<&JobPlan> {
        self.plans.get(usize::try_from(job.0).ok()?.checked_sub(1)?)
    }

    /// Workers of the shape, and whether they are up.
    pub fn workers(&self) -> impl Iterator<Item = (WorkerId, bool)> {
        self.workers.iter().map(|(id, up)| (*id, *up))
    }

    /// Whether the controller is up, unless a rule of chaos has changed that.
    pub fn controller_is_up(&self) -> bool {
        self.controller
    }

    /// Workers that an operator has closed.
    pub fn closed(&self) -> &OrdSet<WorkerId> {
        &self.closed
    }

    /// Ways of the network that are cut.
    pub fn cuts(&self) -> &OrdSet<(WorkerId, Direction)> {
        &self.cuts
    }

    /// Rules of chaos that hold.
    pub fn rules(&self) -> &Vector<Rule> {
        &self.rules
    }

    /// How many scale groups there are.
    pub fn groups(&self) -> usize {
        self.groups
    }

    /// Whether a step can be done now.
    ///
    /// # Errors
    /// Why it cannot.
    pub fn can(&self, step: &Step) -> Result<(), Impossible> {
        match step {
            Step::Submit(plan) => {
                plan.terms().validate().map_err(|error| Impossible(error.to_string()))
            }
            Step::Resubmit(job) | Step::Cancel(job) => {
                must(self.plan(*job).is_some(), || format!("{job} was not submitted"))
            }
            Step::Drain(worker) => {
                must(self.workers.contains_key(worker), || format!("there is no {worker}"))?;
                must(!self.closed.contains(worker), || format!("{worker} is closed"))
            }
            Step::Open(worker) => {
                must(self.closed.contains(worker), || format!("{worker} is not closed"))
            }
            Step::WorkerCrashes(worker) => {
                let up = self.workers.get(worker) == Some(&true);
                must(up, || format!("{worker} is not up"))
            }
            Step::WorkerStarts(worker) => {
                let down = self.workers.get(worker) == Some(&false);
                must(down, || format!("{worker} is not down"))
            }
            Step::ControllerCrashes => must(self.controller, || "it is down".to_owned()),
            Step::ControllerStarts => must(!self.controller, || "it is up".to_owned()),
            Step::Cut(worker, way) => {
                must(self.workers.contains_key(worker), || format!("there is no {worker}"))?;
                must(!self.cuts.contains(&(*worker, *way)), || "it is cut".to_owned())
            }
            Step::Mended(worker, way) => {
                must(self.cuts.contains(&(*worker, *way)), || "it is not cut".to_owned())
            }
            Step::SlicePreempted(slice) => self.has_group(slice.group),
            Step::VmLost(vm) => must(self.groups > 0, || format!("no group could have {vm}")),
            Step::Fault(rule) => self.can_hold(rule),
            Step::FaultsEnd => must(!self.rules.is_empty(), || "no rule holds".to_owned()),
            Step::Pass(length) => must(length.0 > 0, || "no time is no step".to_owned()),
        }
    }

    fn has_group(&self, group: GroupId) -> Result<(), Impossible> {
        let there = (1..=self.groups).contains(&usize::from(group.0));
        must(there, || format!("there is no {group}"))
    }

    fn can_hold(&self, rule: &Rule) -> Result<(), Impossible> {
        rule.check().map_err(|error| Impossible(error.to_string()))?;
        match rule.node {
            Some(Node::Worker(worker)) => {
                let known = self.workers.contains_key(&worker) || self.groups > 0;
                must(known, || format!("there is no {worker}"))
            }
            Some(Node::Group(group)) => self.has_group(group),
            Some(Node::Slice(_) | Node::Vm(_)) => {
                must(self.groups > 0, || "there is no group".to_owned())
            }
            None => Ok(()),
        }
    }

    /// Takes a step that can be done.
    pub fn take(&mut self, step: &Step) {
        match step {
            Step::Submit(plan) => self.plans.push_back(plan.clone()),
            Step::Drain(worker) => {
                self.closed.insert(*worker);
            }
            Step::Open(worker) => {
                self.closed.remove(worker);
            }
            Step::WorkerCrashes(worker) => {
                self.workers.insert(*worker, false);
            }
            Step::WorkerStarts(worker) => {
                self.workers.insert(*worker, true);
            }
            Step::ControllerCrashes => self.controller = false,
            Step::ControllerStarts => self.controller = true,
            Step::Cut(worker, way) => {
                self.cuts.insert((*worker, *way));
            }
            Step::Mended(worker, way) => {
                self.cuts.remove(&(*worker, *way));
            }
            Step::Fault(rule) => self.rules.push_back(rule.clone()),
            Step::FaultsEnd => self.rules.clear(),
            Step::Resubmit(_)
            | Step::Cancel(_)
            | Step::SlicePreempted(_)
            | Step::VmLost(_)
            | Step::Pass(_) => {}
        }
        let length = if let Step::Pass(length) = step { *length } else { STEP };
        self.now += u64::from(length.0);
    }

    /// The steps of a run that can be done, one after another; the others are left out.
    pub fn possible(run: &Run) -> Vec<Step> {
        let mut world = Self::new(&run.shape);
        let mut steps = Vec::new();
        for step in &run.steps {
            if world.can(step).is_ok() {
                world.take(step);
                steps.push(step.clone());
            }
        }
        steps
    }

    /// Whether nothing that was done makes messages fail, delays them, or keeps a node down.
    pub fn is_whole(&self) -> bool {
        self.rules.is_empty()
            && self.cuts.is_empty()
            && self.controller
            && self.workers.values().all(|up| *up)
    }
}

fn must(holds: bool, why: impl FnOnce() -> String) -> Result<(), Impossible> {
    if holds { Ok(()) } else { Err(Impossible(why())) }
}
