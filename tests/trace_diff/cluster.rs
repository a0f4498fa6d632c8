//! A cluster as lists, and a few that tests start from.

use iris_check::model::budget::{Budget, Tally};
use iris_check::model::id::{AttemptId, Incarnation, JobId, Seat, SliceId, TaskId, VmId, WorkerId};
use iris_check::model::job::JobState;
use iris_check::model::resources::{Attributes, Resources};
use iris_check::model::spec::Terms;
use iris_check::model::task::{Cause, Outcome, Phase, TaskState};
use iris_check::model::view::{
    AttemptView, GroupView, JobView, ProcessStage, ProcessView, SliceView, TaskView, View,
    WorkerView,
};
use iris_check::model::vm::VmState;
use iris_check::model::worker::{Reasons, WorkerState};

const J1: JobId = JobId(1);

/// Its machines, and whether it is closed.
type Slice = (SliceId, Vec<(VmId, VmState)>, bool);

/// Whatever a view may show, as lists.
#[derive(Clone, Default)]
pub struct Cluster {
    pub terms: Terms,
    pub attributes: Attributes,
    pub jobs: Vec<(JobId, JobState)>,
    pub tasks: Vec<TaskView>,
    pub attempts: Vec<AttemptView>,
    pub workers: Vec<(Seat, WorkerState, Resources)>,
    pub highest: Vec<Seat>,
    pub slices: Vec<Slice>,
    pub processes: Vec<ProcessView>,
    pub exits: Vec<(AttemptId, Seat)>,
}

impl View for Cluster {
    fn jobs(&self) -> impl Iterator<Item = JobView<'_>> {
        self.jobs.iter().map(|(id, told)| JobView { id: *id, terms: &self.terms, told: *told })
    }
    fn tasks(&self, job: JobId) -> impl Iterator<Item = TaskView> {
        self.tasks.iter().copied().filter(move |task| task.id.job == job)
    }
    fn attempts(&self, task: TaskId) -> impl Iterator<Item = AttemptView> {
        self.attempts.iter().copied().filter(move |attempt| attempt.id.task == task)
    }
    fn attempt(&self, id: AttemptId) -> Option<AttemptView> {
        self.attempts.iter().copied().find(|attempt| attempt.id == id)
    }
    fn workers(&self) -> impl Iterator<Item = WorkerView<'_>> {
        let attributes = &self.attributes;
        self.workers.iter().map(move |(seat, state, held)| WorkerView {
            seat: *seat,
            state: *state,
            total: Resources::cpus(4),
            held: *held,
            attributes,
        })
    }
    fn highest(&self, worker: WorkerId) -> Option<Incarnation> {
        self.highest.iter().find(|seat| seat.worker == worker).map(|seat| seat.incarnation)
    }
    fn groups(&self) -> impl Iterator<Item = GroupView> {
        std::iter::empty()
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
    fn starts(&self, _: AttemptId) -> u32 {
        0
    }
    fn has_unacknowledged(&self) -> bool {
        false
    }
    fn charges(&self, _: Budget) -> bool {
        true
    }
    fn delivery_tries(&self) -> u8 {
        4
    }
    fn clocks_are_kept(&self) -> bool {
        true
    }
}

pub fn seat(worker: u32, incarnation: u32) -> Seat {
    Seat { worker: WorkerId(worker), incarnation: Incarnation(incarnation) }
}

pub fn attempt(task: u16, number: u16) -> AttemptId {
    J1.task(task).attempt(number)
}

pub fn waiting(index: u16) -> TaskView {
    let (spent, forgotten) = (Tally::default(), Tally::default());
    TaskView { id: J1.task(index), state: TaskState::Pending, spent, forgotten, avoid: None }
}

pub fn fresh(id: AttemptId, seat: Seat) -> AttemptView {
    AttemptView { id, seat, end: None, gone: false, heard: false, tries: 1 }
}

pub fn runs(attempt: AttemptId, seat: Seat, stage: ProcessStage) -> ProcessView {
    ProcessView { attempt, seat, stage }
}

pub fn silent() -> WorkerState {
    WorkerState::Degraded(Reasons::SILENT)
}

/// One job of one task that waits, and a HEALTHY worker.
pub fn idle() -> Cluster {
    Cluster {
        terms: Terms { resources: Resources::cpus(1), ..Terms::default() },
        jobs: vec![(J1, JobState::Pending)],
        tasks: vec![waiting(0)],
        workers: vec![(seat(1, 1), WorkerState::Healthy, Resources::NONE)],
        highest: vec![seat(1, 1)],
        ..Cluster::default()
    }
}

/// The task is placed and not heard of.
pub fn assigned() -> Cluster {
    let mut cluster = idle();
    cluster.jobs[0].1 = JobState::Running;
    cluster.tasks[0].state = TaskState::Active(Phase::Assigned);
    cluster.attempts = vec![fresh(attempt(0, 0), seat(1, 1))];
    cluster.workers[0].2 = Resources::cpus(1);
    cluster
}

/// The task runs.
pub fn running() -> Cluster {
    let mut cluster = assigned();
    cluster.tasks[0].state = TaskState::Active(Phase::Running);
    (cluster.attempts[0].heard, cluster.attempts[0].tries) = (true, 0);
    cluster.processes = vec![runs(attempt(0, 0), seat(1, 1), ProcessStage::Alive)];
    cluster
}

/// The task's attempt has ended so, and is confirmed gone.
pub fn over(state: TaskState, told: JobState, end: (Outcome, Cause)) -> Cluster {
    let mut cluster = running();
    (cluster.tasks[0].state, cluster.jobs[0].1) = (state, told);
    (cluster.attempts[0].end, cluster.attempts[0].gone) = (Some(end), true);
    cluster.workers[0].2 = Resources::NONE;
    cluster.processes.clear();
    cluster
}
