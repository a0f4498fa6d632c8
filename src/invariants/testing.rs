//! A cluster made by hand: plain lists that a test sets as it likes, judged through the table.

use crate::model::budget::{Budget, Tally};
use crate::model::id::WorkerId;
use crate::model::id::{AttemptId, GroupId, Incarnation, JobId, Seat, SliceId, TaskId, VmId};
use crate::model::job::JobState;
use crate::model::resources::{Attributes, Resources};
use crate::model::spec::Terms;
use crate::model::task::{Cause, Outcome, Phase, TaskState};
use crate::model::view::{
    AttemptView, Event, GroupView, JobView, ProcessStage, ProcessView, SliceView, Started,
    StepView, TaskView, View, WorkerView,
};
use crate::model::vm::VmState;
use crate::model::worker::WorkerState;

use super::{Claim, Found, Judge, Table};

pub const J1: JobId = JobId(1);
pub const A0: AttemptId = attempt(0, 0);
pub const A1: AttemptId = attempt(0, 1);
pub const B0: AttemptId = attempt(1, 0);
pub const W1: Seat = seat(1, 1);
pub const W2: Seat = seat(2, 1);
pub const ASSIGNED: TaskState = TaskState::Active(Phase::Assigned);
pub const RUNNING: TaskState = TaskState::Active(Phase::Running);

/// An attempt of `j1`.
pub const fn attempt(index: u16, number: u16) -> AttemptId {
    AttemptId { task: TaskId { job: J1, index }, number }
}

pub const fn seat(worker: u32, incarnation: u32) -> Seat {
    Seat { worker: WorkerId(worker), incarnation: Incarnation(incarnation) }
}

#[derive(Debug, Clone)]
pub struct HandJob {
    pub id: JobId,
    pub terms: Terms,
    pub told: JobState,
    pub tasks: Vec<HandTask>,
}

#[derive(Debug, Clone)]
pub struct HandTask {
    pub is: TaskView,
    pub attempts: Vec<AttemptView>,
}

#[derive(Debug, Clone)]
pub struct HandWorker {
    pub seat: Seat,
    pub state: WorkerState,
    pub total: Resources,
    pub held: Resources,
    pub attributes: Attributes,
}

/// The machines of a slice.
pub type Vms = Vec<(VmId, VmState)>;

#[derive(Debug, Clone)]
pub struct Hand {
    pub jobs: Vec<HandJob>,
    pub workers: Vec<HandWorker>,
    pub highest: Vec<Seat>,
    pub groups: Vec<GroupView>,
    pub slices: Vec<(SliceId, Vms, bool)>,
    pub processes: Vec<ProcessView>,
    pub exits: Vec<(AttemptId, Seat)>,
    pub starts: Vec<AttemptId>,
    pub unacknowledged: bool,
    pub uncharged: Option<Budget>,
    pub clocks_are_kept: bool,
}

impl Hand {
    /// Two HEALTHY workers of one CPU in zone `a`, and `j1.0#0` running on the first. Each budget
    /// is 1.
    pub fn busy() -> Self {
        let terms = Terms {
            replicas: 0,
            resources: Resources::cpus(1),
            budgets: Tally { failure: 1, delivery: 1, preemption: 1 },
            ..Terms::default()
        };
        let worker = |seat| HandWorker {
            seat,
            state: WorkerState::Healthy,
            total: Resources::cpus(1),
            held: Resources::NONE,
            attributes: Attributes::new([("zone", "a")]),
        };
        let mut hand = Self {
            jobs: vec![HandJob { id: J1, terms, told: JobState::Running, tasks: Vec::new() }],
            workers: vec![worker(W1), worker(W2)],
            highest: vec![W1, W2],
            groups: Vec::new(),
            slices: Vec::new(),
            processes: Vec::new(),
            exits: Vec::new(),
            starts: Vec::new(),
            unacknowledged: false,
            uncharged: None,
            clocks_are_kept: true,
        };
        hand.add(RUNNING);
        hand.start(0, W1);
        hand
    }

    /// `j1` is a gang of two that runs on both workers.
    pub fn gang() -> Self {
        let mut hand = Self::busy();
        hand.jobs[0].terms.group_by = Some("zone".into());
        hand.add(RUNNING);
        hand.start(1, W2);
        hand
    }

    /// The first worker is that of `v1`, which is slice `g1/s1`, the only one that may be.
    pub fn fleet() -> Self {
        let mut hand = Self::busy();
        hand.groups.push(GroupView { id: GroupId(1), max_slices: 1 });
        hand.add_slice(1, VmState::Ready, false);
        hand
    }

    pub fn add_slice(&mut self, number: u32, state: VmState, closed: bool) {
        let id = SliceId { group: GroupId(1), number };
        self.slices.push((id, vec![(VmId(number), state)], closed));
    }

    /// `j1` has one task more.
    pub fn add(&mut self, state: TaskState) {
        let job = &mut self.jobs[0];
        let id = J1.task(job.terms.replicas);
        let none = Tally::default();
        let is = TaskView { id, state, spent: none, forgotten: none, avoid: None };
        job.tasks.push(HandTask { is, attempts: Vec::new() });
        job.terms.replicas += 1;
    }

    /// A task's next attempt is placed, heard of, and runs.
    pub fn start(&mut self, index: usize, seat: Seat) {
        let attempt = self.place(index, seat);
        self.processes.push(ProcessView { attempt, seat, stage: ProcessStage::Alive });
        self.starts.push(attempt);
        let last = self.last(index);
        (last.heard, last.tries) = (true, 0);
    }

    /// A task's next attempt is placed.
    pub fn place(&mut self, index: usize, seat: Seat) -> AttemptId {
        let task = &mut self.jobs[0].tasks[index];
        let number = u16::try_from(task.attempts.len()).expect("few attempts");
        let id = task.is.id.attempt(number);
        let new = AttemptView { id, seat, end: None, gone: false, heard: false, tries: 1 };
        task.attempts.push(new);
        let need = self.jobs[0].terms.resources;
        if let Some(worker) = self.workers.iter_mut().find(|worker| worker.seat == seat) {
            worker.held = worker.held.plus(need).expect("small numbers");
        }
        id
    }

    pub fn task(&mut self, index: usize) -> &mut TaskView {
        &mut self.jobs[0].tasks[index].is
    }

    pub fn last(&mut self, index: usize) -> &mut AttemptView {
        self.jobs[0].tasks[index].attempts.last_mut().expect("it has an attempt")
    }

    /// A task's last attempt ends, and its task becomes what is said.
    pub fn end(&mut self, index: usize, end: (Outcome, Cause), state: TaskState) {
        self.last(index).end = Some(end);
        self.task(index).state = state;
    }

    /// A task's last attempt is confirmed gone.
    pub fn confirm(&mut self, index: usize) {
        let AttemptView { id, seat, .. } = *self.last(index);
        self.last(index).gone = true;
        self.processes.retain(|process| process.attempt != id);
        if let Some(worker) = self.workers.iter_mut().find(|worker| worker.seat == seat) {
            worker.held = worker.held.minus(Resources::cpus(1)).expect("it was held");
        }
    }
}

impl View for Hand {
    fn jobs(&self) -> impl Iterator<Item = JobView<'_>> {
        self.jobs.iter().map(|job| JobView { id: job.id, terms: &job.terms, told: job.told })
    }

    fn tasks(&self, job: JobId) -> impl Iterator<Item = TaskView> {
        let job = self.jobs.iter().filter(move |known| known.id == job);
        job.flat_map(|job| job.tasks.iter().map(|task| task.is))
    }

    fn attempts(&self, task: TaskId) -> impl Iterator<Item = AttemptView> {
        let tasks = self.jobs.iter().flat_map(|job| &job.tasks);
        tasks
            .filter(move |known| known.is.id == task)
            .flat_map(|task| task.attempts.iter().copied())
    }

    fn attempt(&self, id: AttemptId) -> Option<AttemptView> {
        self.attempts(id.task).find(|attempt| attempt.id == id)
    }

    fn workers(&self) -> impl Iterator<Item = WorkerView<'_>> {
        self.workers.iter().map(|worker| WorkerView {
            seat: worker.seat,
            state: worker.state,
            total: worker.total,
            held: worker.held,
            attributes: &worker.attributes,
        })
    }

    fn highest(&self, worker: WorkerId) -> Option<Incarnation> {
        self.highest.iter().find(|seat| seat.worker == worker).map(|seat| seat.incarnation)
    }

    fn groups(&self) -> impl Iterator<Item = GroupView> {
        self.groups.iter().copied()
    }

    fn slices(&self) -> impl Iterator<Item = SliceView<'_>> {
        self.slices.iter().map(|(id, vms, closed)| SliceView { id: *id, vms, closed: *closed })
    }

    fn processes(&self) -> impl Iterator<Item = ProcessView> {
        self.processes.iter().copied()
    }

    fn exits(&self) -> impl Iterator<Item = (AttemptId, Seat)> {
        self.exits.iter().copied()
    }

    fn starts(&self, id: AttemptId) -> u32 {
        self.starts.iter().map(|started| u32::from(*started == id)).sum()
    }

    fn has_unacknowledged(&self) -> bool {
        self.unacknowledged
    }

    fn charges(&self, budget: Budget) -> bool {
        self.uncharged != Some(budget)
    }

    fn delivery_tries(&self) -> u8 {
        4
    }

    fn clocks_are_kept(&self) -> bool {
        self.clocks_are_kept
    }
}

/// A change to a cluster.
pub type Act = fn(&mut Hand);

/// What happened, how the cluster was, and what it became from there.
pub type Change = (Event<'static>, Act, Act);

pub fn claim(id: &str) -> Claim<Hand> {
    let mut claims = Table::<Hand>::CLAIMS.into_iter();
    claims.find(|claim| claim.id == id).unwrap_or_else(|| panic!("there is no claim {id}"))
}

/// What a claim finds in a state.
pub fn in_state(id: &str, hand: &Hand) -> Option<Found> {
    let Judge::State(judge) = claim(id).judge else { panic!("{id} is not judged in states") };
    judge(hand)
}

/// Changes a cluster twice and hands on the step between.
pub fn with_step<T>(
    hand: &Hand,
    (event, first, then): Change,
    f: impl FnOnce(&mut StepView<'_, Hand>) -> T,
) -> T {
    let mut before = hand.clone();
    first(&mut before);
    let mut after = before.clone();
    then(&mut after);
    f(&mut StepView {
        before: &before,
        after: &after,
        event,
        started: Started::Nothing,
        fault: false,
    })
}

/// What a claim finds across a step of a cluster that is changed twice.
pub fn across_step(id: &str, hand: &Hand, change: Change) -> Option<Found> {
    let Judge::Step(judge) = claim(id).judge else { panic!("{id} is not judged across steps") };
    with_step(hand, change, |step| judge(step))
}
