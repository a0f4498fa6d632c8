//! All that a state says of names that can be exchanged, without those names: a matrix.

use std::hash::Hash;

use crate::check::scope::{MAX_TASKS, MAX_WORKERS};
use crate::check::state::{Message, State};
use crate::explore::fingerprint;
use crate::model::id::{AttemptId, TaskId, WorkerId};
use crate::model::wire::Heartbeat;

use super::Alike;

/// What is said of each worker, of each task, and of each task on each worker, as sums of
/// fingerprints: things are said once and in no order. What is said of a name that cannot be
/// exchanged goes along with that name to whoever it is said of as well. What is counted apart from
/// what it follows from (what a worker holds, what was forgotten) is left out.
///
/// Equal pictures of unequal states would do no harm: only an order of names is taken from them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Picture {
    pub(super) workers: [u64; MAX_WORKERS],
    pub(super) tasks: [u64; MAX_TASKS],
    /// By task, then worker.
    pub(super) cells: [[u64; MAX_WORKERS]; MAX_TASKS],
}

/// Where a thing is said, so that equal words in two places are two things.
#[derive(Clone, Copy, Hash)]
enum In {
    Node,
    Process,
    Entry,
    Carried,
    Slot,
    Record,
    Avoid,
    Attempt,
    Started,
    Exit,
    Net,
    Stray,
    Beat,
    Answer,
    Acked,
    Stop,
    Fence,
}

impl Picture {
    pub(super) fn of(alike: &Alike, state: &State) -> Self {
        let mut painter = Painter { alike, picture: Self::default() };
        painter.nodes(state);
        painter.records(state);
        painter.messages(state);
        painter.picture
    }
}

struct Painter<'a> {
    alike: &'a Alike,
    picture: Picture,
}

fn add(to: &mut u64, what: &impl Hash) {
    *to = to.wrapping_add(fingerprint(what));
}

impl Painter<'_> {
    fn worker(&mut self, id: WorkerId, what: impl Hash) {
        if let Some(worker) = self.alike.worker(id) {
            add(&mut self.picture.workers[worker], &what);
        }
    }

    fn task(&mut self, id: TaskId, what: impl Hash) {
        if let Some(task) = self.alike.task(id) {
            add(&mut self.picture.tasks[task], &what);
        }
    }

    fn both(&mut self, task: TaskId, worker: WorkerId, what: impl Hash) {
        match (self.alike.task(task), self.alike.worker(worker)) {
            (Some(task), Some(worker)) => add(&mut self.picture.cells[task][worker], &what),
            (Some(task), None) => add(&mut self.picture.tasks[task], &(worker, what)),
            (None, Some(worker)) => add(&mut self.picture.workers[worker], &(task, what)),
            (None, None) => {}
        }
    }

    fn attempt(&mut self, place: In, id: AttemptId, worker: WorkerId, what: impl Hash) {
        self.both(id.task, worker, (place, id.number, what));
    }

    fn nodes(&mut self, state: &State) {
        for node in &state.nodes {
            let id = node.id;
            let up = node.worker.as_ref();
            let up = up.map(|it| (it.seat().incarnation, it.clock(), it.lease()));
            let cuts = (node.missed, node.at_risk, node.cut_to, node.cut_from);
            self.worker(id, (In::Node, node.last, cuts, up));
            for process in &node.processes {
                self.attempt(In::Process, process.attempt, id, process.stage);
            }
            let Some(worker) = &node.worker else { continue };
            for entry in worker.entries() {
                self.attempt(In::Entry, entry.attempt, id, entry.local);
            }
            for (attempt, word) in worker.carried() {
                self.attempt(In::Carried, *attempt, id, word);
            }
        }
    }

    fn records(&mut self, state: &State) {
        for (id, slot) in state.controller.workers() {
            let live = slot.live.as_ref().map(|worker| (worker.state, worker.failed_launches));
            self.worker(id, (In::Slot, slot.highest, slot.drained, live));
        }
        for (job, record) in state.controller.jobs() {
            for (index, task) in (0..).zip(&record.tasks) {
                let id = job.task(index);
                self.task(id, (In::Record, task.state, task.spent));
                if let Some(avoided) = task.avoid {
                    self.both(id, avoided, In::Avoid);
                }
                for (number, attempt) in (0..).zip(&task.attempts) {
                    let seat = attempt.seat;
                    let what = (seat.incarnation, attempt.standing);
                    self.attempt(In::Attempt, id.attempt(number), seat.worker, what);
                }
            }
        }
        for id in &state.started {
            self.task(id.task, (In::Started, id.number));
        }
        for (id, seat) in &state.exits {
            self.attempt(In::Exit, *id, seat.worker, seat.incarnation);
        }
    }

    fn messages(&mut self, state: &State) {
        for message in &state.net {
            let (id, seat) = (message.attempt(), message.seat());
            let inside = match message {
                Message::Run { awaited, .. } => fingerprint(&(0, awaited)),
                Message::RunAnswer { answer, .. } => fingerprint(&(1, answer)),
                Message::Kill(kill) => fingerprint(&(2, kill.only_if_not_started)),
                Message::Report(report) => fingerprint(&(3, report.word, report.clock)),
            };
            self.attempt(In::Net, id, seat.worker, (seat.incarnation, inside));
        }
        state.strays.iter().for_each(|beat| self.beat(In::Stray, beat));
        state.beats.iter().for_each(|beat| self.beat(In::Beat, beat));
        for (seat, reply) in &state.answers {
            let id = seat.worker;
            self.worker(id, (In::Answer, seat.incarnation, reply.known));
            let lists =
                [(In::Acked, &reply.acked), (In::Stop, &reply.stop), (In::Fence, &reply.fence)];
            for (place, attempts) in lists {
                attempts.iter().for_each(|attempt| self.attempt(place, *attempt, id, ()));
            }
        }
    }

    fn beat(&mut self, place: In, beat: &Heartbeat) {
        let id = beat.seat.worker;
        self.worker(id, (place, beat.seat.incarnation, beat.clock));
        for (attempt, phase) in &beat.running {
            self.attempt(place, *attempt, id, (0, phase));
        }
        for (attempt, word) in &beat.finished {
            self.attempt(place, *attempt, id, (1, word));
        }
    }
}
