//! A state of the modelled cluster: the machines as they are, and the world around them.
//!
//! Everything is small and ordered, and a step shares what it leaves alone with the state before
//! it. What a step did (the [`Note`]) rides along but is no part of the state: it takes no part in
//! equality or hash.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::controller_sm::ControllerSm;
use crate::model::budget::Tally;
use crate::model::id::{AttemptId, Incarnation, Seat, SliceId, TaskId, VmId, WorkerId};
use crate::model::view::ProcessStage;
use crate::model::wire::{BeatReply, Heartbeat, KillTask, Report, RunAnswer};
use crate::worker_sm::WorkerSm;

/// A message under way, other than a heartbeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Message {
    /// A RunTask; does the controller still wait for its answer?
    Run {
        /// What to run.
        attempt: AttemptId,
        /// For whom.
        seat: Seat,
        /// Whether the controller waits.
        awaited: bool,
    },
    /// The answer to a RunTask for which the controller waits.
    RunAnswer {
        /// To what.
        attempt: AttemptId,
        /// Who was asked.
        seat: Seat,
        /// The answer.
        answer: RunAnswer,
    },
    /// A KillTask.
    Kill(KillTask),
    /// A report.
    Report(Report),
}

impl Message {
    /// The attempt that it is about.
    pub fn attempt(&self) -> AttemptId {
        match self {
            Self::Run { attempt, .. } | Self::RunAnswer { attempt, .. } => *attempt,
            Self::Kill(kill) => kill.attempt,
            Self::Report(report) => report.attempt,
        }
    }

    /// The incarnation that sends or gets it.
    pub fn seat(&self) -> Seat {
        match self {
            Self::Run { seat, .. } | Self::RunAnswer { seat, .. } => *seat,
            Self::Kill(kill) => kill.seat,
            Self::Report(report) => report.seat,
        }
    }
}

/// A process on a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Process {
    /// Of which attempt.
    pub attempt: AttemptId,
    /// How far.
    pub stage: ProcessStage,
}

/// A machine that runs, or could run, a worker.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "four facts that hold in any combination")]
pub struct Node {
    /// The name of its worker.
    pub id: WorkerId,
    /// Its worker, if that is up.
    pub worker: Option<WorkerSm>,
    /// The incarnation of the last worker that was up.
    pub last: Incarnation,
    /// What really runs there.
    pub processes: SmallVec<[Process; 2]>,
    /// Whether a heartbeat failed to come in time since the controller last received one: what may
    /// let its timers run out.
    pub missed: bool,
    /// Whether a heartbeat of the worker failed since the last acknowledgement: what may let its
    /// lease run out.
    pub at_risk: bool,
    /// Whether nothing comes through to it.
    pub cut_to: bool,
    /// Whether nothing comes through from it.
    pub cut_from: bool,
}

impl Node {
    /// The incarnation that is or was last up.
    pub fn seat(&self) -> Seat {
        Seat { worker: self.id, incarnation: self.last }
    }

    /// The process of an attempt.
    pub fn process_mut(&mut self, id: AttemptId) -> Option<&mut Process> {
        self.processes.iter_mut().find(|process| process.attempt == id)
    }
}

/// A slice as the provider sees it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CloudSlice {
    /// Which.
    pub id: SliceId,
    /// Its machines.
    pub vms: SmallVec<[CloudVm; 2]>,
    /// Whether it was granted.
    pub granted: bool,
    /// Whether the controller asked for its end.
    pub ending: bool,
}

/// A machine as the provider sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CloudVm {
    /// Which.
    pub id: VmId,
    /// Whether it has booted.
    pub booted: bool,
    /// Whether it will never get further by itself.
    pub stuck: bool,
}

/// What happened in the step that led to a state, for the claims across steps.
#[derive(Debug, Clone, Copy, Default)]
pub struct Note {
    /// Claims that the step broke, by index.
    pub broken: u32,
    /// Claims whose hard case occurred, by index.
    pub exercised: u32,
}

/// A state of the modelled cluster.
#[derive(Debug, Serialize, Deserialize)]
pub struct State {
    /// The controller; while it is down, what its journal holds.
    pub controller: Arc<ControllerSm>,
    /// Whether the controller is up.
    pub up: bool,
    /// The machines, by name.
    pub nodes: SmallVec<[Arc<Node>; 2]>,
    /// Messages under way, sorted; two equal ones are one.
    pub net: SmallVec<[Message; 4]>,
    /// Heartbeats that their senders have given up, and which are still travelling; one a worker.
    pub strays: Vec<Heartbeat>,
    /// Heartbeats under way, where their three steps are told apart; one a worker.
    pub beats: Vec<Heartbeat>,
    /// Their answers.
    pub answers: Vec<(Seat, BeatReply)>,
    /// Slices as the provider sees them.
    pub cloud: SmallVec<[CloudSlice; 1]>,
    /// Jobs of the client's script that were submitted.
    pub submitted: u8,
    /// Faults that may still occur: four bits for the shared number, then four for each kind.
    pub left: u128,
    /// Ends of attempts that have left the state, by task.
    pub forgotten: SmallVec<[(TaskId, Tally); 2]>,
    /// Attempts of which a process was started.
    pub started: SmallVec<[AttemptId; 2]>,
    /// Exits that nobody has recorded, of attempts whose end nobody has decided.
    pub exits: SmallVec<[(AttemptId, Seat); 1]>,
    /// Whether clocks keep what the lease promises; the same in every state of a scope.
    pub clocks_are_kept: bool,
    /// Whether reports may come twice; the same in every state of a scope.
    pub reports_repeat: bool,
    /// About the step that led here; no part of the state.
    #[serde(skip)]
    pub note: Note,
}

/// As derived, but what is copied as it is in memory is copied as one: lists that are nearly always
/// short are cloned by their own way one by one, and that for every step.
impl Clone for State {
    fn clone(&self) -> Self {
        Self {
            controller: Arc::clone(&self.controller),
            up: self.up,
            nodes: self.nodes.clone(),
            net: SmallVec::from_slice(&self.net),
            strays: self.strays.clone(),
            beats: self.beats.clone(),
            answers: self.answers.clone(),
            cloud: self.cloud.clone(),
            submitted: self.submitted,
            left: self.left,
            forgotten: SmallVec::from_slice(&self.forgotten),
            started: SmallVec::from_slice(&self.started),
            exits: SmallVec::from_slice(&self.exits),
            clocks_are_kept: self.clocks_are_kept,
            reports_repeat: self.reports_repeat,
            note: self.note,
        }
    }
}

impl PartialEq for State {
    fn eq(&self, other: &Self) -> bool {
        self.controller == other.controller
            && self.up == other.up
            && self.nodes == other.nodes
            && self.net == other.net
            && self.strays == other.strays
            && (&self.beats, &self.answers) == (&other.beats, &other.answers)
            && self.cloud == other.cloud
            && (self.submitted, self.left) == (other.submitted, other.left)
            && self.forgotten == other.forgotten
            && self.started == other.started
            && self.exits == other.exits
    }
}

impl Eq for State {}

impl Hash for State {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.controller.hash(state);
        self.nodes.hash(state);
        self.hash_rest(state);
    }
}

impl State {
    /// Hashes all but the machines.
    pub(super) fn hash_rest<H: Hasher>(&self, state: &mut H) {
        (self.up, self.submitted, self.left).hash(state);
        self.net.hash(state);
        for beat in self.strays.iter().chain(&self.beats) {
            (beat.seat, beat.clock, beat.capacity, &beat.attributes).hash(state);
            (&beat.running, &beat.finished).hash(state);
        }
        (self.strays.len(), self.beats.len()).hash(state);
        self.answers.hash(state);
        if !self.cloud.is_empty() {
            self.cloud.hash(state);
        }
        self.started.hash(state);
        self.exits.hash(state);
    }

    /// The machine of this worker.
    pub fn node(&self, id: WorkerId) -> Option<&Node> {
        self.nodes.iter().find(|node| node.id == id).map(|node| &**node)
    }

    /// The machine of this worker, to be changed.
    pub fn node_mut(&mut self, id: WorkerId) -> Option<&mut Node> {
        self.nodes.iter_mut().find(|node| node.id == id).map(Arc::make_mut)
    }

    /// The machine on which an attempt has a process.
    pub fn host(&self, id: AttemptId) -> Option<&Node> {
        let here = |node: &&Arc<Node>| node.processes.iter().any(|p| p.attempt == id);
        self.nodes.iter().find(here).map(|node| &**node)
    }

    /// Puts a message under way.
    pub fn send(&mut self, message: Message) {
        if let Err(at) = self.net.binary_search(&message) {
            self.net.insert(at, message);
        }
    }

    /// Takes the first message of this kind off its way.
    pub fn take(&mut self, wanted: impl Fn(&Message) -> bool) -> Option<Message> {
        let at = self.net.iter().position(wanted)?;
        Some(self.net.remove(at))
    }
}
