//! The cluster as a model: what `explore` searches, and what stateright's own tools understand.

pub(super) mod judge;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use stateright::Model;

use crate::controller_sm::ControllerSm;
use crate::explore::{self, Fairness, Kind, Obligation};
use crate::invariants::{Judge, Subject, Table};
use crate::model::operation::{Act, Fate, FaultKind, Operation};
use crate::model::scheduler::Chooser;
use crate::model::view::StepView;

use super::actions::Offered;
use super::apart::Apart;
use super::canon::canonicalize;
use super::choices::scripts;
use super::classes::Classes;
use super::code::Parts;
use super::menu;
use super::open::{Open, obligations};
use super::pack::packed;
use super::scope::{Clocks, Scope};
use super::state::{Note, State};
use super::step::{Machines, Move, Real};
use super::symmetry::Alike;
use super::turns::Turns;
use super::world::new_node;

/// How many claims there are.
const CLAIMS: usize = Table::<State>::CLAIMS.len();

/// What is shown each step of the model before names are given anew: also those that lead to a
/// state that was visited before, in no order, from any thread.
pub type Watch = Arc<dyn Fn(&StepView<'_, State>) + Send + Sync>;

/// A scope as a model.
pub struct ClusterModel<M = Real> {
    scope: Scope,
    machines: M,
    /// Which claims are judged.
    judged: u32,
    classes: Classes,
    obligations: Vec<Open>,
    /// Workers and tasks that are equal but for their names.
    alike: Alike,
    /// Claims whose hard case was seen: it need not be looked for again. None where each step has
    /// to say by itself what it exercised, whatever was seen elsewhere.
    seen: Option<AtomicU32>,
    /// Parts of states, and turns of the controller, that were seen.
    memory: Option<(Parts, Turns)>,
    /// What single workers' parts of states lead to.
    apart: Apart,
    watch: Option<Watch>,
    /// The first state in bytes.
    first: OnceLock<Vec<u8>>,
}

impl ClusterModel<Real> {
    /// The model of a scope.
    pub fn new(scope: Scope) -> Self {
        Self::with(scope, Real)
    }
}

impl<M: Machines> ClusterModel<M> {
    /// The model of a scope in which these machines run.
    pub fn with(scope: Scope, machines: M) -> Self {
        let judged = (0..CLAIMS)
            .filter(|at| scope.claims.iter().any(|id| id == Table::<State>::CLAIMS[*at].id))
            .fold(0, |bits, at| bits | 1 << at);
        let obligations = obligations(&scope, judged);
        let classes = Classes::of(&scope);
        let (alike, seen) = (Alike::of(&scope), Some(AtomicU32::new(0)));
        Self {
            scope,
            machines,
            judged,
            classes,
            obligations,
            alike,
            seen,
            memory: Some((Parts::new(), Turns::new())),
            apart: Apart::new(),
            watch: None,
            first: OnceLock::new(),
        }
    }

    /// The same; each step is shown.
    #[must_use]
    pub fn watched(self, watch: Watch) -> Self {
        Self { watch: Some(watch), ..self }
    }

    /// The same; what a step exercised does not depend on what was looked at before, and nothing of
    /// what was seen is kept.
    #[must_use]
    pub(super) fn without_memory(self) -> Self {
        Self { seen: None, memory: None, ..self }
    }

    /// The same; each step says all that it exercises.
    #[cfg(test)]
    pub(super) fn telling_all(self) -> Self {
        Self { seen: None, ..self }
    }

    /// The parts of states that were seen.
    pub(super) fn parts(&self) -> &Parts {
        &self.memory.as_ref().expect("invariant: who asks for codes keeps the memory").0
    }

    /// What single workers' parts of states lead to.
    pub(super) fn apart(&self) -> &Apart {
        &self.apart
    }

    /// Whether steps of single workers are worth to be remembered, and all that is asked of a step
    /// can be told from what its worker has.
    pub(super) fn works_apart(&self) -> bool {
        let seen = self.seen.as_ref().map_or(0, |seen| seen.load(Ordering::Relaxed));
        self.watch.is_none()
            && self.scope.groups.is_empty()
            && self.scope.workers.len() > 1
            && self.judged & !seen & judge::HARD_ELSEWHERE == 0
    }

    fn take(&self, state: State, act: Act) -> Move<'_, M> {
        let turns = self.memory.as_ref().map(|(_, turns)| turns);
        Move::new(&self.scope, &self.machines, turns, state, act)
    }

    /// The first state in bytes, which many others have much in common with.
    pub(super) fn first_packed(&self) -> &[u8] {
        self.first.get_or_init(|| packed(&self.initial()))
    }

    /// The scope.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The workers and tasks that are equal but for their names.
    pub(super) fn alike(&self) -> &Alike {
        &self.alike
    }

    /// Whether a claim, by its index in the table, is judged.
    pub fn judges(&self, claim: usize) -> bool {
        self.judged >> claim & 1 == 1
    }

    /// What an obligation is about, and which way of the claim's it is.
    pub fn obligation(&self, at: usize) -> (usize, Subject) {
        (self.obligations[at].claim, self.obligations[at].subject)
    }

    /// The state before anything happens: registered workers have beaten once.
    pub fn initial(&self) -> State {
        let scope = &self.scope;
        let first_vm = scope.workers.iter().map(|worker| worker.id.0 + 1).max().unwrap_or(1);
        let mut state = State {
            controller: Arc::new(ControllerSm::new(scope.policy, scope.groups.clone(), first_vm)),
            up: true,
            nodes: scope.workers.iter().map(|worker| Arc::new(new_node(worker.id))).collect(),
            net: smallvec::SmallVec::new(),
            strays: Vec::new(),
            beats: Vec::new(),
            answers: Vec::new(),
            cloud: smallvec::SmallVec::new(),
            submitted: 0,
            left: menu::full(&scope.faults),
            forgotten: smallvec::SmallVec::new(),
            started: smallvec::SmallVec::new(),
            exits: smallvec::SmallVec::new(),
            clocks_are_kept: scope.clocks == Clocks::Kept,
            reports_repeat: scope.faults.offers(FaultKind::ReportDuplicated),
            note: Note::default(),
        };
        for worker in &scope.workers {
            let mut begin = vec![Operation::WorkerStarts(worker.id)];
            if worker.registered {
                begin.push(Operation::Beat(worker.id, Fate::Done));
            }
            for operation in begin {
                let act = Act { operation, choice: 0, dies: false };
                let mut step = self.take(state, act);
                step.apply(operation).expect("invariant: a worker can start and beat");
                state = step.state;
            }
        }
        canonicalize(&mut state);
        state
    }

    /// Takes a step without giving new names; nothing where the act is impossible.
    pub fn step(&self, before: &State, act: Act) -> Option<State> {
        let after = self.step_untold(before, act)?;
        self.told(after.note.exercised);
        Some(after)
    }

    /// The same for one that is perhaps not told to anybody.
    pub(super) fn step_untold(&self, before: &State, act: Act) -> Option<State> {
        let mut state = before.clone();
        if let Some(kind) = act.operation.fault()
            && !menu::is_free(before, act.operation)
        {
            state.left = menu::spend(&self.scope.faults, state.left, kind)?;
        }
        if act.dies {
            let kind = FaultKind::ControllerCrash;
            state.left = menu::spend(&self.scope.faults, state.left, kind)?;
        }
        let mut step = self.take(state, act);
        step.apply(act.operation)?;
        if !step.was_exact() {
            return None;
        }
        step.state.note = Note::default();
        let note = self.judge(before, &step, act);
        let mut after = step.state;
        after.note = note;
        Some(after)
    }

    /// Takes a step only to learn which choices it asks for.
    pub(super) fn taken(&self, before: &State, act: Act) -> Option<Chooser> {
        let mut step = self.take(before.clone(), act);
        step.apply(act.operation)?;
        Some(step.chooser())
    }

    /// Every act that a state offers; some turn out to be none.
    pub fn acts(&self, state: &State, acts: &mut Vec<Act>) {
        for operation in Offered::all(&self.scope, state) {
            self.acts_of(state, operation, acts);
        }
    }

    /// Every act of an operation that a state offers.
    pub(super) fn acts_of(&self, state: &State, operation: Operation, acts: &mut Vec<Act>) {
        let taken = |choice| self.taken(state, Act { operation, choice, dies: false });
        let first = acts.len();
        scripts(state, operation, taken, |choice| {
            acts.push(Act { operation, choice, dies: false });
        });
        let crash = FaultKind::ControllerCrash;
        if state.up && menu::may(&self.scope.faults, state.left, crash) {
            // What a controller chose before it died is in its journal.
            for at in first..acts.len() {
                acts.push(Act { dies: true, ..acts[at] });
            }
        }
    }
}

impl<M: Machines> Model for ClusterModel<M> {
    type State = State;
    type Action = Act;

    fn init_states(&self) -> Vec<State> {
        vec![self.initial()]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Act>) {
        self.acts(state, actions);
    }

    fn next_state(&self, last: &State, act: Act) -> Option<State> {
        let mut state = self.step(last, act)?;
        canonicalize(&mut state);
        if let Some((parts, _)) = &self.memory {
            parts.share(&mut state);
        }
        Some(state)
    }

    fn format_action(&self, act: &Act) -> String {
        act.to_string()
    }

    fn format_step(&self, last: &State, act: Act) -> Option<String> {
        let after = self.step(last, act)?;
        Some(crate::trace::diff::changes(last, &after).join("\n"))
    }

    fn properties(&self) -> Vec<stateright::Property<Self>> {
        super::properties::of(self)
    }
}

impl<M: Machines> explore::Subject for ClusterModel<M> {
    fn claims(&self) -> Vec<explore::Claim> {
        let claim = |row: &crate::invariants::Claim<State>| explore::Claim {
            name: row.id.to_owned(),
            kind: match row.judge {
                Judge::State(_) | Judge::Step(_) => Kind::Safety,
                Judge::Progress { .. } => Kind::Progress,
            },
        };
        Table::<State>::CLAIMS.iter().map(claim).collect()
    }

    fn broken_by_step(&self, state: &State) -> u64 {
        u64::from(state.note.broken)
    }

    fn broken(&self, state: &State) -> u64 {
        self.broken_of(u32::MAX, state)
    }

    fn exercised_by_step(&self, state: &State) -> u64 {
        u64::from(state.note.exercised)
    }

    /// A step copies the controller or a node, hardly ever all, and siblings share the rest: half
    /// of the records are counted.
    fn state_bytes(&self) -> usize {
        let tasks: usize =
            self.scope().jobs.iter().map(|plan| usize::from(plan.terms.replicas)).sum();
        let jobs = self.scope().jobs.len();
        let records = size_of::<ControllerSm>()
            + jobs * size_of::<crate::controller_sm::Job>()
            + tasks * size_of::<crate::controller_sm::Task>()
            + self.scope().workers.len()
                * (size_of::<crate::controller_sm::Slot>() + size_of::<super::state::Node>());
        size_of::<State>() + records / 2
    }

    fn open(&self, state: &State) -> u64 {
        let mut bits = 0;
        for (at, obligation) in self.obligations.iter().enumerate() {
            if let Judge::Progress { open, .. } = &Table::<State>::CLAIMS[obligation.claim].judge
                && (open[obligation.way].1)(state, obligation.subject)
            {
                bits |= 1 << at;
            }
        }
        bits
    }

    /// Wherever they are open.
    fn arises(&self, _: &State) -> u64 {
        u64::MAX
    }

    fn obligations(&self) -> Vec<Obligation> {
        let named = |open: &Open| Obligation {
            claim: open.claim,
            name: match &Table::<State>::CLAIMS[open.claim].judge {
                Judge::Progress { open: ways, .. } => ways[open.way].0.to_owned(),
                Judge::State(_) | Judge::Step(_) => String::new(),
            },
        };
        self.obligations.iter().map(named).collect()
    }

    fn fairness(&self, state: &State, act: &Act) -> Fairness {
        if act.dies {
            return Fairness::None;
        }
        self.classes.of_operation(state, act.operation).map_or(Fairness::None, Fairness::Weak)
    }

    fn kind(&self, state: &State, act: &Act) -> u8 {
        super::walk::kind(state, *act)
    }
}
