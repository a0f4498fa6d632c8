//! How the controller's time grows with its tasks: ten jobs on a thousand workers, each task
//! submitted, accepted, run and finished. Twice the tasks should take about twice the time.

#![expect(clippy::print_stdout, reason = "numbers are for whoever asked for them")]
#![expect(clippy::disallowed_methods, reason = "time is what is measured")]

use std::collections::VecDeque;
use std::time::Instant;

use iris_check::controller_sm::{ControllerSm, Effect, GroupConfig, Input};
use iris_check::model::exit::Final;
use iris_check::model::id::{AttemptId, Incarnation, Seat, WorkerId};
use iris_check::model::job::JobState;
use iris_check::model::policy::Policy;
use iris_check::model::resources::{Attributes, Resources};
use iris_check::model::spec::{JobSpec, Terms};
use iris_check::model::task::Phase;
use iris_check::model::wire::{Clock, Finished, Heartbeat, Report, RunAnswer, Running, Word};

const WORKERS: u16 = 1_000;
const JOBS: u16 = 10;

/// A cluster to be measured.
struct Case {
    name: &'static str,
    /// What each worker has.
    cpus: u32,
    /// Whether the workers come from a scale group.
    fleet: bool,
}

const CASES: [Case; 3] = [
    Case { name: "all tasks fit at once", cpus: 10, fleet: false },
    Case { name: "one task per worker, the rest waits", cpus: 1, fleet: false },
    Case { name: "the same, in a scale group", cpus: 1, fleet: true },
];

struct Run {
    sm: ControllerSm,
    inputs: u32,
    /// Attempts that were sent to a worker.
    sent: VecDeque<(AttemptId, Seat)>,
    clock: Clock,
}

impl Run {
    fn on(&mut self, input: Input) {
        self.inputs += 1;
        let mut granted = Vec::new();
        for effect in self.sm.on(input) {
            if let Effect::SendRun { attempt, seat } = effect {
                self.sent.push_back((attempt, seat));
            } else if let Effect::CreateSlice { slice, .. } = effect {
                granted.push(slice);
            }
        }
        for slice in granted {
            self.on(Input::SliceGranted(slice));
        }
    }

    fn beat(&mut self, worker: u32, cpus: u32) {
        self.on(Input::Beat(Box::new(Heartbeat {
            seat: Seat { worker: WorkerId(worker), incarnation: Incarnation::FIRST },
            clock: self.clock,
            capacity: Resources::cpus(cpus),
            attributes: Attributes::default(),
            running: Running::new(),
            finished: Finished::new(),
        })));
    }

    fn report(&mut self, attempt: AttemptId, seat: Seat, word: Word) {
        self.on(Input::Report(Report { seat, attempt, word, clock: self.clock }));
    }
}

/// Runs so many tasks to their end; answers the seconds and the inputs.
fn measure(case: &Case, tasks: u16) -> (f64, u32) {
    let group = GroupConfig {
        min_slices: WORKERS,
        max_slices: WORKERS,
        vms_per_slice: 1,
        capacity: Resources::cpus(case.cpus),
        attributes: Attributes::default(),
    };
    let groups = if case.fleet { vec![group] } else { Vec::new() };
    let sm = ControllerSm::new(Policy::HARDENED, groups, 1);
    let mut run = Run { sm, inputs: 0, sent: VecDeque::new(), clock: Clock(1) };
    run.on(Input::Restarted);
    (1..=u32::from(WORKERS)).for_each(|worker| run.beat(worker, case.cpus));
    run.inputs = 0;
    let begin = Instant::now();
    let resources = Resources::cpus(1);
    for _ in 0..JOBS {
        let terms = Terms { replicas: tasks / JOBS, resources, ..Terms::default() };
        run.on(Input::Submit(Box::new(JobSpec { terms, ..JobSpec::default() })));
    }
    while let Some((attempt, seat)) = run.sent.pop_front() {
        run.on(Input::RunAnswered { attempt, answer: RunAnswer::Accepted(run.clock) });
        run.report(attempt, seat, Word::Phase(Phase::Running));
        run.report(attempt, seat, Word::Final(Final::Succeeded));
    }
    let took = begin.elapsed().as_secs_f64();
    let mut ends = run.sm.jobs().map(|(_, job)| job.state());
    assert!(ends.all(|state| state == JobState::Succeeded), "all of it is done");
    (took, run.inputs)
}

fn main() {
    for case in CASES {
        println!("{} ({JOBS} jobs, {WORKERS} workers):", case.name);
        let mut before = None;
        for tasks in [2_500, 5_000, 10_000] {
            let (took, inputs) = measure(&case, tasks);
            let each = took * 1e6 / f64::from(inputs);
            let ratio = before.map_or(String::new(), |b: f64| format!(", {:.2} x", took / b));
            println!("  {tasks:>6} tasks {:>9.1} ms, {each:.2} us a step{ratio}", took * 1e3);
            before = Some(took);
        }
    }
}
