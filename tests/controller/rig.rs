//! A controller, the timers that it ordered, and what holds after each input.

use std::collections::BTreeSet;

use iris_check::controller_sm::{ControllerSm, Effect, GroupConfig, Input, Standing, Task};
use iris_check::model::budget::Tally;
use iris_check::model::exit::{Fault, Final};
use iris_check::model::id::{AttemptId, JobId, Seat, TaskId, WorkerId};
use iris_check::model::policy::Policy;
use iris_check::model::resources::{Attributes, Resources};
use iris_check::model::spec::{JobSpec, Terms};
use iris_check::model::task::Phase;
use iris_check::model::timer::Timer;
use iris_check::model::wire::{Clock, Heartbeat, Report, RunAnswer, TryError, Word};
use iris_check::model::worker::WorkerState;

use super::show;

/// VMs are numbered from here; static workers have lower numbers.
pub const FIRST_VM: u32 = 10;

/// A controller and what its driver knows of it.
pub struct Rig {
    pub sm: ControllerSm,
    pub timers: BTreeSet<Timer>,
    /// What each worker has, in CPUs.
    pub cpus: u32,
}

impl Rig {
    pub fn new(policy: Policy, groups: Vec<GroupConfig>) -> Self {
        let sm = ControllerSm::new(policy, groups, FIRST_VM);
        Self { sm, timers: BTreeSet::new(), cpus: 4 }
    }

    /// With this many static workers of so many CPUs that have been heard.
    pub fn with_workers(workers: u32, cpus: u32) -> Self {
        Self::under(Policy::HARDENED, workers, cpus)
    }

    pub fn under(policy: Policy, workers: u32, cpus: u32) -> Self {
        let mut rig = Self::new(policy, Vec::new());
        rig.cpus = cpus;
        for worker in 1..=workers {
            assert_eq!(rig.beat(&format!("w{worker}@1"), 0, "", ""), "known");
        }
        rig
    }

    /// Gives an input and answers with the orders.
    pub fn on(&mut self, input: Input) -> String {
        show::orders(&self.effects(input))
    }

    /// The orders without those that every change or every heartbeat brings.
    pub fn news(&mut self, input: Input) -> String {
        let effects = self.effects(input);
        let routine = |effect: &&Effect| {
            matches!(effect, Effect::Persist | Effect::Arm(Timer::Silent(_) | Timer::Dead(_), _))
        };
        show::orders(effects.iter().filter(|effect| !routine(effect)))
    }

    pub fn effects(&mut self, input: Input) -> Vec<Effect> {
        if let Input::Fired(timer) = &input {
            self.timers.remove(timer);
        } else if input == Input::Restarted {
            self.timers.clear();
        }
        let before = self.sm.clone();
        let told = format!("{input:?}");
        let effects: Vec<Effect> = self.sm.on(input).into_iter().collect();
        if effects.first() != Some(&Effect::Persist) {
            assert_eq!(self.sm, before, "changed without an order to persist it: {told}");
        }
        let late = effects.iter().skip(1).filter(|effect| **effect == Effect::Persist).count();
        assert_eq!(late, 0, "persisting comes first, and once: {told}");
        for effect in &effects {
            if let Effect::Arm(timer, _) = effect {
                self.timers.insert(*timer);
            } else if let Effect::Disarm(timer) = effect {
                self.timers.remove(timer);
            }
        }
        let armed: BTreeSet<Timer> = self.sm.armed().into_iter().collect();
        assert_eq!(self.timers, armed, "timers ordered and timers armed: {told}");
        books(&self.sm);
        effects
    }

    pub fn submit(&mut self, terms: Terms) -> String {
        self.news(Input::Submit(Box::new(JobSpec { terms, ..JobSpec::default() })))
    }

    /// A heartbeat: `running` as in `j1.0#0=R`, `finished` as in `j1.0#0=S`.
    pub fn beat(&mut self, seat: &str, clock: u32, running: &str, finished: &str) -> String {
        let beat = self.heartbeat(seat, clock, running, finished);
        self.news(Input::Beat(Box::new(beat)))
    }

    pub fn heartbeat(&self, seat: &str, clock: u32, running: &str, finished: &str) -> Heartbeat {
        let seat: Seat = seat.parse().expect("a seat");
        let zone = if seat.worker.0.is_multiple_of(2) { "b" } else { "a" };
        Heartbeat {
            seat,
            clock: Clock(clock),
            capacity: Resources::cpus(self.cpus),
            attributes: Attributes::new([("zone", zone), ("rack", "r")]),
            running: list(running, phase),
            finished: list(finished, last_word),
        }
    }

    pub fn accept(&mut self, attempt: &str, clock: u32) -> String {
        self.run(attempt, RunAnswer::Accepted(Clock(clock)))
    }

    pub fn run(&mut self, attempt: &str, answer: RunAnswer) -> String {
        self.news(Input::RunAnswered { attempt: id(attempt), answer })
    }

    pub fn fails(&mut self, attempt: &str, error: TryError) -> String {
        self.news(Input::TryFailed { attempt: id(attempt), error })
    }

    /// Its worker reports a letter: B, R, or a last word.
    pub fn report(&mut self, attempt: &str, letter: &str) -> String {
        let seat = self.sm.attempt(id(attempt)).expect("an attempt that there is").seat;
        self.report_from(seat, attempt, letter)
    }

    pub fn report_from(&mut self, seat: Seat, attempt: &str, letter: &str) -> String {
        let word = match letter {
            "B" | "R" => Word::Phase(phase(letter)),
            _ => Word::Final(last_word(letter)),
        };
        let report = Report { seat, attempt: id(attempt), word, clock: Clock(9) };
        self.news(Input::Report(report))
    }

    /// Accepted and running.
    pub fn start(&mut self, attempt: &str) {
        self.accept(attempt, 1);
        self.report(attempt, "R");
    }

    /// A timer that is armed runs out.
    pub fn fire(&mut self, timer: Timer) -> String {
        assert!(self.timers.contains(&timer), "{timer:?} is not armed: {:?}", self.timers);
        self.news(Input::Fired(timer))
    }

    pub fn cancel(&mut self, job: u32) -> String {
        self.news(Input::Cancel(JobId(job)))
    }

    pub fn task(&self, task: &str) -> String {
        show::task(&self.sm, task.parse::<TaskId>().expect("a task"))
    }

    pub fn worker(&self, worker: u32) -> String {
        show::worker(&self.sm, WorkerId(worker))
    }

    pub fn job(&self, job: u32) -> String {
        self.sm.status(JobId(job)).map_or("none".to_owned(), |state| state.to_string())
    }

    pub fn why(&self, job: u32) -> String {
        self.sm.pending_reason(JobId(job)).map_or("none".to_owned(), |reason| reason.to_string())
    }
}

/// One CPU, and so many replicas.
pub fn tasks(replicas: u16) -> Terms {
    Terms { replicas, resources: Resources::cpus(1), ..Terms::default() }
}

pub fn budgets(failure: u16, delivery: u16, preemption: u16) -> Terms {
    Terms { budgets: Tally { failure, delivery, preemption }, ..tasks(1) }
}

pub fn gang(replicas: u16, key: &str) -> Terms {
    Terms { group_by: Some(key.into()), ..tasks(replicas) }
}

pub fn id(attempt: &str) -> AttemptId {
    attempt.parse().expect("an attempt")
}

fn list<T, L: FromIterator<(AttemptId, T)>>(text: &str, value: fn(&str) -> T) -> L {
    let entry = |entry: &str| {
        let (attempt, letter) = entry.split_once('=').expect("an attempt and a letter");
        (id(attempt), value(letter))
    };
    text.split_whitespace().map(entry).collect()
}

fn phase(letter: &str) -> Phase {
    match letter {
        "A" => Phase::Assigned,
        "B" => Phase::Building,
        "R" => Phase::Running,
        _ => panic!("{letter} is no phase"),
    }
}

/// S SUCCEEDED, F FAILED (b bundle, c container, m monitor), K KILLED, M MISSING.
fn last_word(letter: &str) -> Final {
    match letter {
        "S" => Final::Succeeded,
        "F" => Final::Failed(Fault::Exit),
        "Fb" => Final::Failed(Fault::Bundle),
        "Fc" => Final::Failed(Fault::Container),
        "Fm" => Final::Failed(Fault::Monitor),
        "K" => Final::Killed,
        "M" => Final::Missing,
        _ => panic!("{letter} is no last word"),
    }
}

/// What workers hold and who waits follows from the attempts.
pub fn books(sm: &ControllerSm) {
    for (id, slot) in sm.workers() {
        let Some(worker) = &slot.live else { continue };
        let seat = Seat { worker: id, incarnation: slot.highest };
        let mut held = Resources::NONE;
        let mut own = Vec::new();
        for (job_id, job) in sm.jobs() {
            for (index, task) in (0..).zip(&job.tasks) {
                for (number, attempt) in (0..).zip(&task.attempts) {
                    if attempt.seat == seat && !attempt.is_gone() {
                        own.push(job_id.task(index).attempt(number));
                        held = held.plus(job.terms.resources).expect("little is held");
                    }
                }
            }
        }
        assert_eq!((worker.attempts.as_slice(), worker.held), (own.as_slice(), held), "{seat}");
        assert!(held.fits(worker.total), "{seat} holds {held}");
    }
    let value = serde_json::to_value(sm).expect("a controller can be written");
    let waiting: Vec<TaskId> =
        serde_json::from_value(value["waiting"].clone()).expect("tasks that wait");
    let all = sm.jobs().flat_map(|(id, job)| (0..).zip(&job.tasks).map(move |t| (id, t)));
    let may: Vec<TaskId> = all
        .filter(|(_, (_, task))| task.may_be_placed())
        .map(|(id, (index, _))| id.task(index))
        .collect();
    assert_eq!(waiting, may, "who waits");
    sm.jobs().flat_map(|(_, job)| &job.tasks).for_each(one_live_attempt_at_most);
    nothing_fits_that_waits(sm);
}

fn nothing_fits_that_waits(sm: &ControllerSm) {
    let singles = sm.jobs().filter(|(_, job)| !job.terms.is_gang());
    for (id, job) in singles.filter(|(_, job)| job.tasks.iter().any(Task::may_be_placed)) {
        let live = sm.workers().filter_map(|(_, slot)| slot.live.as_ref());
        let mut healthy = live.filter(|worker| worker.state == WorkerState::Healthy);
        assert!(healthy.all(|w| !job.terms.resources.fits(w.room())), "{id} waits and fits");
    }
}

fn one_live_attempt_at_most(task: &Task) {
    let live = task.attempts.iter().filter(|attempt| attempt.is_live()).count();
    assert_eq!(live, usize::from(task.state.is_active()), "{task:?}");
    for attempt in task.attempts.iter().rev().skip(1) {
        assert!(matches!(attempt.standing, Standing::Ended { gone: true, .. }), "{task:?}");
    }
}
