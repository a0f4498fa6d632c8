//! A run as people read it: with the names that things really have, not the ranks that the search
//! gave them; and the replay of such a run, verified step by step.

use std::fmt;

use crate::controller_sm::Renaming;
use crate::explore::Path;
use crate::invariants::{Judge, Table};
use crate::model::id::{AttemptId, SliceId, TaskId, VmId};
use crate::model::operation::{Act, Names, Operation};
use crate::trace::{self, Trace, TraceStep};

use super::canon;
use super::model::ClusterModel;
use super::scope::Scope;
use super::state::State;
use super::step::{Machines, Real};

/// The real numbers behind the ranks of one kind of thing.
#[derive(Default)]
struct Ranks {
    /// Numbers given so far in the real run.
    known: u32,
    /// The number behind each rank.
    numbers: Vec<u32>,
}

impl Ranks {
    fn starting_at(first: u32) -> Self {
        Self { known: first, numbers: Vec::new() }
    }

    /// New things were numbered, in both runs in the same order.
    fn learn(&mut self, next: u32) {
        self.numbers.extend(self.known..next);
        self.known = next;
    }

    /// Only these ranks stay.
    fn keep(&mut self, ranks: impl Iterator<Item = usize>) {
        self.numbers = ranks.filter_map(|rank| self.numbers.get(rank).copied()).collect();
    }

    fn number(&self, rank: Option<u32>) -> Option<u32> {
        self.numbers.get(usize::try_from(rank?).ok()?).copied()
    }
}

/// The real names behind the ranks of a search.
#[derive(Default)]
struct Back {
    attempts: Vec<(TaskId, Ranks)>,
    first_vm: u32,
    vms: Ranks,
    slices: Vec<Ranks>,
}

impl Names for Back {
    fn attempt(&self, id: AttemptId) -> AttemptId {
        let of = self.attempts.iter().find(|(task, _)| *task == id.task);
        let number = of.and_then(|(_, ranks)| ranks.number(Some(u32::from(id.number))));
        number.and_then(|n| u16::try_from(n).ok()).map_or(id, |number| id.task.attempt(number))
    }

    fn vm(&self, id: VmId) -> VmId {
        self.vms.number(id.0.checked_sub(self.first_vm)).map_or(id, VmId)
    }

    fn slice(&self, id: SliceId) -> SliceId {
        let group = usize::from(id.group.0).checked_sub(1).and_then(|at| self.slices.get(at));
        let number = group.and_then(|ranks| ranks.number(id.number.checked_sub(1)));
        number.map_or(id, |number| SliceId { group: id.group, number })
    }
}

impl Back {
    fn of(initial: &State) -> Self {
        let (first_vm, _) = initial.controller.vm_numbers();
        let slices = initial.controller.groups().map(|_| Ranks::starting_at(1)).collect();
        let mut back =
            Self { attempts: Vec::new(), first_vm, vms: Ranks::starting_at(first_vm), slices };
        back.learn(initial);
        back
    }

    /// Learns the names that a step gave to new things.
    fn learn(&mut self, raw: &State) {
        for (job, record) in raw.controller.jobs() {
            for (index, task) in (0..).zip(&record.tasks) {
                let id = job.task(index);
                if !self.attempts.iter().any(|(task, _)| *task == id) {
                    self.attempts.push((id, Ranks::default()));
                }
                let count = u32::try_from(task.attempts.len()).unwrap_or(u32::MAX);
                if let Some((_, ranks)) = self.attempts.iter_mut().find(|(task, _)| *task == id) {
                    ranks.learn(count);
                }
            }
        }
        self.vms.learn(raw.controller.vm_numbers().1);
        for (ranks, (_, group)) in self.slices.iter_mut().zip(raw.controller.groups()) {
            ranks.learn(group.next_slice);
        }
    }

    /// Follows the new ranks of the search.
    fn follow(&mut self, names: &Renaming) {
        for (task, kept) in &names.attempts {
            if let Some((_, ranks)) = self.attempts.iter_mut().find(|(id, _)| id == task) {
                ranks.keep(kept.iter().map(|number| usize::from(*number)));
            }
        }
        if let Some((first, kept)) = &names.vms {
            let ranks = kept.iter().filter_map(|vm| usize::try_from(vm.0 - first).ok());
            self.vms.keep(ranks);
        }
        if let Some(kept) = &names.slices {
            for (group, ranks) in (1..).zip(&mut self.slices) {
                let own = kept.iter().filter(|slice| slice.group.0 == group);
                ranks.keep(own.filter_map(|s| usize::try_from(s.number - 1).ok()));
            }
        }
    }
}

/// The run with real names, told beside the canonical one.
struct Narration<'m, M> {
    model: &'m ClusterModel<M>,
    back: Back,
    canonical: State,
    raw: State,
    found: Option<String>,
    steps: Vec<TraceStep>,
}

impl<'m, M: Machines> Narration<'m, M> {
    fn new(model: &'m ClusterModel<M>) -> Self {
        let raw = model.initial();
        let back = Back::of(&raw);
        Self { model, back, canonical: raw.clone(), raw, found: None, steps: Vec::new() }
    }

    /// Takes one step of the canonical run in both.
    fn take(&mut self, act: Act, claim: usize) {
        let real = Act { operation: act.operation.renamed(&self.back), ..act };
        let (step, after) =
            told(self.model, &self.raw, real).expect("invariant: the real run follows the ranks");
        self.found = self.model.found(claim, &self.raw, real, &after);
        self.raw = after;
        self.steps.push(step);
        let mut canonical = self
            .model
            .step(&self.canonical, act)
            .expect("invariant: the search has taken this step before");
        self.back.learn(&self.raw);
        self.back.follow(&canon::canonicalize(&mut canonical));
        self.canonical = canonical;
    }

    fn trace(self, claim: usize, found: String) -> Trace {
        let about = &Table::<State>::CLAIMS[claim];
        let scope = self.model.scope();
        Trace {
            version: trace::FORMAT_VERSION,
            claim: about.id.to_owned(),
            name: about.name.to_owned(),
            sentence: about.sentence.to_owned(),
            found,
            scope: scope.name.clone(),
            about: scope.describe(),
            scope_text: scope.text.clone(),
            steps: self.steps,
            cycle_from: None,
            no_return: None,
        }
    }
}

/// Takes a step with real names and tells it.
fn told<M: Machines>(
    model: &ClusterModel<M>,
    before: &State,
    act: Act,
) -> Option<(TraceStep, State)> {
    let mut after = model.step(before, act)?;
    let changed = trace::diff::changes(before, &after);
    canon::prune(&mut after);
    let (mut who, mut did) = act.operation.told();
    if let Operation::Launch(id, _)
    | Operation::Exit(id, _)
    | Operation::Reaped(id)
    | Operation::MonitorDies(id) = act.operation
        && let Some(node) = before.host(id)
    {
        who = node.id.to_string();
    }
    if act.dies {
        did.push_str("; the controller dies before it acts on it");
    }
    Some((TraceStep { act, who, did, changed }, after))
}

/// A run that ends where a claim breaks.
pub(super) fn finite<M: Machines>(
    model: &ClusterModel<M>,
    claim: usize,
    path: &Path<State, Act>,
) -> Trace {
    let mut narration = Narration::new(model);
    for (act, _) in &path.steps {
        narration.take(*act, claim);
    }
    let found = narration.found.take();
    let found = found.or_else(|| match &Table::<State>::CLAIMS[claim].judge {
        Judge::State(broken) => broken(&narration.raw),
        Judge::Step(_) | Judge::Progress { .. } => None,
    });
    narration.trace(claim, found.unwrap_or_default())
}

/// A run that goes on for ever with an obligation open.
pub(super) fn endless<M: Machines>(
    model: &ClusterModel<M>,
    claim: usize,
    stem: &Path<State, Act>,
    cycle: &[(Act, State)],
    no_return: usize,
    obligation: usize,
) -> Trace {
    let mut narration = Narration::new(model);
    for (act, _) in stem.steps.iter().chain(cycle) {
        narration.take(*act, claim);
    }
    let (_, subject) = model.obligation(obligation);
    let found = match &Table::<State>::CLAIMS[claim].judge {
        Judge::Progress { found, .. } => found(&narration.raw, subject),
        Judge::State(_) | Judge::Step(_) => String::new(),
    };
    let mut trace = narration.trace(claim, found);
    trace.cycle_from = Some(stem.steps.len());
    // The engine counts states, a trace the steps that lead out of them.
    trace.no_return = Some(no_return).filter(|at| *at < trace.steps.len());
    trace
}

/// A finding that does not replay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadReplay(String);

impl fmt::Display for BadReplay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadReplay {}

/// Replays a finding on the machines as they are now and verifies each step: that it can be taken,
/// and that it changes what the finding says. Answers the steps as told.
///
/// # Errors
/// The first step that differs, with what was expected and what happened; or a scope that cannot be
/// read; or a claim that the run does not break any more.
pub fn replay(finding: &Trace) -> Result<Vec<TraceStep>, BadReplay> {
    let scope = Scope::parse(&finding.scope_text, "the finding's scope_text")
        .map_err(|error| BadReplay(error.to_string()))?;
    let model = ClusterModel::<Real>::new(scope);
    let table = &Table::<State>::CLAIMS;
    let claim = table.iter().position(|row| row.id == finding.claim);
    let claim = claim.ok_or_else(|| BadReplay(format!("there is no claim `{}`", finding.claim)))?;
    let mut state = model.initial();
    let mut steps = Vec::new();
    let mut states = vec![state.clone()];
    let mut found = model.found_in(claim, &state);
    for (number, step) in (1..).zip(&finding.steps) {
        let (now, after) = told(&model, &state, step.act).ok_or_else(|| {
            BadReplay(format!("step {number} ({}) cannot be taken: {}", step.did, DIFFERS))
        })?;
        if now.changed != step.changed {
            return Err(BadReplay(format!(
                "step {number} ({}) changed {:?}, the finding says {:?}: {DIFFERS}",
                step.did, now.changed, step.changed
            )));
        }
        found = model.found(claim, &state, step.act, &after);
        state = after;
        states.push(state.clone());
        steps.push(now);
    }
    match finding.cycle_from {
        None if found.is_none() => {
            Err(BadReplay(format!("the run no longer breaks {}: {DIFFERS}", finding.claim)))
        }
        Some(from) => {
            let mut begin = states.swap_remove(from);
            for state in [&mut begin, &mut state] {
                // What one pass forgets may be all that still spoke of a former incarnation.
                while !canon::canonicalize(state).is_identity() {}
            }
            if begin == state {
                Ok(steps)
            } else {
                Err(BadReplay(format!(
                    "the endless part does not come back to where it began: {DIFFERS}"
                )))
            }
        }
        None => Ok(steps),
    }
}

/// Why a replay may differ.
const DIFFERS: &str = "the machines are not those that the finding was made with";
