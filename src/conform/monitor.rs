//! The claims as monitors of a running cluster: after every input of every machine, the same S and
//! T claims that were explored are judged on the live view.

use std::fmt::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::controller_sm::{ControllerSm, Input};
use crate::invariants::{Judge, Table};
use crate::model::exit::Final;
use crate::model::id::{Seat, WorkerId};
use crate::model::view::{Event, Started, StepView};
use crate::real::clock::At;
use crate::real::observe::{Nobody, Observer};
use crate::trace::diff;
use crate::worker_sm::{Local, WorkerEffect, WorkerInput, WorkerSm};

use super::chronicle::Chronicle;
use super::edges::Edges;
use super::live::Live;

/// Steps that are kept to be shown with a violation.
const KEPT: usize = 400;

/// Judges a cluster while it runs. It must be told of each input by itself.
pub struct Monitor {
    state: Mutex<State>,
    next: Arc<dyn Observer>,
}

struct State {
    live: Live,
    /// The last steps. They are told for people only when somebody asks: that takes longer than
    /// to judge them.
    steps: Vec<Happened>,
    count: usize,
    /// Nothing if nobody asks for it.
    chronicle: Option<Chronicle>,
    found: Option<String>,
    exercised: u32,
    edges: Edges,
}

/// A step that changed something.
struct Happened {
    at: At,
    did: Did,
    before: Live,
    after: Live,
}

/// Who did what.
enum Did {
    Controller(Input),
    Worker(Seat, WorkerInput),
    Starts(Seat),
    Dies(WorkerId),
    ControllerDies,
}

impl Happened {
    /// As people read it.
    fn told(&self) -> String {
        let did = match &self.did {
            Did::Controller(input) => format!("controller  {}", short(input)),
            Did::Worker(seat, input) => format!("{seat}  {}", short(input)),
            Did::Starts(seat) => format!("{seat} starts"),
            Did::Dies(worker) => format!("{worker} dies"),
            Did::ControllerDies => "controller dies".to_owned(),
        };
        let mut text = format!("{:>9} ms  {did}", self.at.0);
        for change in diff::changes(&self.before, &self.after) {
            let _ = write!(text, "\n{:14}{change}", "");
        }
        text
    }
}

impl Monitor {
    /// For a cluster whose controller begins as this machine.
    pub fn new(controller: ControllerSm) -> Self {
        Self::and(controller, Arc::new(Nobody))
    }

    /// The same, and hands on to another observer what it is told.
    pub fn and(controller: ControllerSm, next: Arc<dyn Observer>) -> Self {
        let live = Live::new(controller);
        let state = State {
            live,
            steps: Vec::new(),
            count: 0,
            chronicle: Some(Chronicle::default()),
            found: None,
            exercised: 0,
            edges: Edges::default(),
        };
        Self { state: Mutex::new(state), next }
    }

    /// Keeps no chronicle: it has its price, and a campaign does not ask for it.
    #[must_use]
    pub fn without_chronicle(self) -> Self {
        self.state().chronicle = None;
        self
    }

    /// The first violation, if there was one: the claim, what was found, and how it came to be.
    pub fn violation(&self) -> Option<String> {
        self.state().found.clone()
    }

    /// When what happened so far; nothing if none is kept.
    pub fn chronicle(&self) -> Chronicle {
        self.state().chronicle.clone().unwrap_or_default()
    }

    /// The live view as it is now.
    pub fn live(&self) -> Live {
        self.state().live.clone()
    }

    /// The claims whose hard case occurred.
    pub fn exercised(&self) -> impl Iterator<Item = &'static str> {
        let bits = self.state().exercised;
        let claims = Table::<Live>::CLAIMS.iter().enumerate();
        claims.filter(move |(at, _)| bits >> at & 1 == 1).map(|(_, claim)| claim.id)
    }

    /// The edges of the model that were taken.
    pub fn edges(&self) -> Edges {
        self.state().edges.clone()
    }

    /// The story so far, as people read it.
    pub fn story(&self) -> String {
        told(&self.state().steps)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Takes a step and judges it.
    fn step(
        &mut self,
        at: At,
        did: impl FnOnce() -> Did,
        event: Event<'_>,
        started: Started,
        take: impl FnOnce(&mut Live),
    ) {
        let before = self.live.clone();
        take(&mut self.live);
        self.count += 1;
        // What names an attempt and changes nothing is an edge as well.
        if !matches!(event, Event::Elsewhere) {
            let after = &self.live;
            self.edges.note(&StepView { before: &before, after, event, started, fault: false });
        }
        // What was judged needs no judging again, unless something was started.
        if started == Started::Nothing && before.is_same(&self.live) {
            return;
        }
        if let Some(chronicle) = &mut self.chronicle {
            chronicle.note(at, &before, &self.live);
        }
        let (after, did) = (self.live.clone(), did());
        self.steps.push(Happened { at, did, before: before.clone(), after });
        if self.steps.len() > 2 * KEPT {
            self.steps.drain(..KEPT);
        }
        if started == Started::Nothing && before.looks_same(&self.live) {
            return;
        }
        let step = StepView { before: &before, after: &self.live, event, started, fault: false };
        for (index, claim) in Table::<Live>::CLAIMS.iter().enumerate() {
            if self.exercised >> index & 1 == 0 && (claim.hard)(&step) {
                self.exercised |= 1 << index;
            }
            let found = match &claim.judge {
                Judge::State(judge) => judge(step.after),
                Judge::Step(judge) => judge(&step),
                Judge::Progress { .. } => None,
            };
            if let Some(found) = found
                && self.found.is_none()
            {
                let last = self.steps.len().saturating_sub(KEPT);
                let (id, name, sentence) = (claim.id, claim.name, claim.sentence);
                let how = told(&self.steps[last..]);
                self.found = Some(format!(
                    "VIOLATED  {id} {name}\n  claim   {sentence}\n  found   {found}\n  step    {} \
                     of the run\n{how}\n",
                    self.count
                ));
            }
        }
    }
}

impl Observer for Monitor {
    fn controller(&self, at: At, input: &Input, machine: &ControllerSm) {
        let mut state = self.state();
        let heard = state.live.controller().hears(input);
        let did = || Did::Controller(input.clone());
        state.step(at, did, heard.event(), Started::Nothing, |live| live.controller_took(machine));
        drop(state);
        self.next.controller(at, input, machine);
    }

    fn worker(
        &self,
        at: At,
        seat: Seat,
        input: &WorkerInput,
        effects: &[WorkerEffect],
        machine: &WorkerSm,
    ) {
        let mut state = self.state();
        let started = started(&state, seat, input, effects);
        let did = || Did::Worker(seat, input.clone());
        state.step(at, did, Event::Elsewhere, started, |live| {
            live.worker_took(seat, input, effects, machine);
        });
        drop(state);
        self.next.worker(at, seat, input, effects, machine);
    }

    fn worker_up(&self, at: At, machine: &WorkerSm) {
        let mut state = self.state();
        let did = || Did::Starts(machine.seat());
        state.step(at, did, Event::Elsewhere, Started::Nothing, |live| live.worker_up(machine));
        drop(state);
        self.next.worker_up(at, machine);
    }

    fn worker_down(&self, at: At, worker: WorkerId) {
        let mut state = self.state();
        let did = || Did::Dies(worker);
        state.step(at, did, Event::Elsewhere, Started::Nothing, |live| live.worker_down(worker));
        drop(state);
        self.next.worker_down(at, worker);
    }

    fn controller_down(&self, at: At) {
        let mut state = self.state();
        let did = || Did::ControllerDies;
        state.step(at, did, Event::Elsewhere, Started::Nothing, |_| ());
        drop(state);
        self.next.controller_down(at);
    }
}

/// What a worker started, as the claims ask: a launch, or a `RunTask` for what is over there.
fn started(state: &State, seat: Seat, input: &WorkerInput, effects: &[WorkerEffect]) -> Started {
    let launched = effects.iter().find_map(|effect| match effect {
        WorkerEffect::Launch(id) => Some(Started::Launch(*id)),
        WorkerEffect::AnswerRun(_)
        | WorkerEffect::AnswerKill(_)
        | WorkerEffect::SendBeat(_)
        | WorkerEffect::SendReport(_)
        | WorkerEffect::AbortLaunch(_)
        | WorkerEffect::Terminate(_)
        | WorkerEffect::Destroy(_)
        | WorkerEffect::RenewLease
        | WorkerEffect::ArmKill(_)
        | WorkerEffect::BecomeIncarnation(_) => None,
    });
    if let Some(launched) = launched {
        return launched;
    }
    if let WorkerInput::Run(call, _) = input
        && let Some(Local::Done { word, .. }) = state.live.local(seat.worker, call.attempt)
        && word != Final::Missing
    {
        return Started::Repeated(call.attempt);
    }
    Started::Nothing
}

fn told(steps: &[Happened]) -> String {
    steps.iter().map(Happened::told).collect::<Vec<_>>().join("\n")
}

/// An input, as short as it can be told.
fn short(input: &impl std::fmt::Debug) -> String {
    let text = format!("{input:?}");
    match text.char_indices().nth(160) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}
