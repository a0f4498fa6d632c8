//! Thousands of messages, timers and requests in any order: the rig's laws hold after each, and
//! nothing from outside makes the machine panic.

use std::collections::BTreeSet;

use iris_check::controller_sm::{GroupConfig, Input, Standing};
use iris_check::model::budget::Tally;
use iris_check::model::exit::{Fault, Final};
use iris_check::model::id::{
    AttemptId, GroupId, Incarnation, JobId, Seat, SliceId, VmId, WorkerId,
};
use iris_check::model::policy::Policy;
use iris_check::model::resources::{Attributes, Resources};
use iris_check::model::spec::{JobSpec, Terms};
use iris_check::model::task::Phase;
use iris_check::model::time::Millis;
use iris_check::model::wire::{
    Clock, Finished, KillAnswer, Report, RunAnswer, Running, TryError, Word,
};

use super::rig::Rig;

/// Numbers that one seed decides.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u32) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        u32::try_from((self.0 >> 33) % u64::from(n)).expect("it is below n")
    }

    fn one_in(&mut self, n: u32) -> bool {
        self.below(n) == 0
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(u32::try_from(all.len()).expect("few")) as usize]
    }
}

const WORDS: [Final; 7] = [
    Final::Succeeded,
    Final::Failed(Fault::Exit),
    Final::Failed(Fault::Bundle),
    Final::Failed(Fault::Container),
    Final::Failed(Fault::Monitor),
    Final::Killed,
    Final::Missing,
];
const PHASES: [Phase; 3] = [Phase::Assigned, Phase::Building, Phase::Running];

fn cluster() -> Rig {
    let group = GroupConfig {
        min_slices: 0,
        max_slices: 2,
        vms_per_slice: 2,
        capacity: Resources::cpus(2),
        attributes: Attributes::new([("zone", "a")]),
    };
    let mut rig = Rig::new(Policy { keep_jobs: 2, ..Policy::HARDENED }, vec![group]);
    rig.cpus = 2;
    rig
}

/// A job of one to three tasks, a gang now and then.
fn submit(dice: &mut Dice) -> Input {
    let gang = dice.one_in(2);
    let max = |dice: &mut Dice| u16::try_from(dice.below(4)).expect("small");
    let terms = Terms {
        replicas: 1 + max(dice).min(2),
        resources: Resources::cpus(1 + dice.below(2)),
        budgets: Tally { failure: max(dice), delivery: max(dice), preemption: max(dice) },
        max_task_failures: if gang { 0 } else { max(dice) },
        scheduling_timeout: dice.one_in(3).then_some(Millis::seconds(5)),
        timeout: dice.one_in(3).then_some(Millis::seconds(7)),
        group_by: gang.then(|| dice.of(&["zone", "rack", "slice"]).into()),
    };
    let request_id = dice.one_in(3).then(|| "again".into());
    Input::Submit(Box::new(JobSpec { terms, request_id, ..JobSpec::default() }))
}

/// Every attempt there is, and one that there is not.
fn attempts(rig: &Rig) -> Vec<AttemptId> {
    let mut all = vec![JobId(9999).task(1).attempt(1)];
    for (id, job) in rig.sm.jobs() {
        for (index, task) in (0..).zip(&job.tasks) {
            let last = u16::try_from(task.attempts.len()).expect("few");
            // The last ones are what most messages are about.
            all.extend((last.saturating_sub(2)..=last).map(|n| id.task(index).attempt(n)));
        }
    }
    all
}

fn worker(dice: &mut Dice, rig: &Rig) -> WorkerId {
    let vms = rig.sm.slices().flat_map(|(_, slice)| slice.vms.iter().map(|(vm, _)| vm.worker()));
    let mut all: Vec<WorkerId> = vms.chain([1, 2].map(WorkerId)).collect();
    if dice.one_in(20) {
        all.push(WorkerId(10 + dice.below(8)));
    }
    dice.of(&all)
}

fn seat(dice: &mut Dice, rig: &Rig) -> Seat {
    let worker = worker(dice, rig);
    let highest = rig.sm.highest(worker).map_or(1, |highest| highest.0);
    let incarnation = match dice.below(12) {
        0 => highest + 1,
        1 => highest - 1,
        _ => highest,
    };
    Seat { worker, incarnation: Incarnation(incarnation) }
}

/// A heartbeat that names most of what is held there, some of what is not, as under way or over.
fn beat(dice: &mut Dice, rig: &Rig) -> Input {
    let seat = seat(dice, rig);
    let (mut running, mut finished) = (Running::new(), Finished::new());
    for id in attempts(rig) {
        let own = rig.sm.attempt(id).is_some_and(|a| a.seat.worker == seat.worker);
        if if own { dice.one_in(2) } else { dice.one_in(15) } {
            if dice.one_in(2) {
                finished.push((id, dice.of(&WORDS)));
            } else {
                running.push((id, dice.of(&PHASES)));
            }
        }
    }
    let mut beat = rig.heartbeat(&seat.to_string(), dice.below(6), "", "");
    (beat.running, beat.finished) = (running, finished);
    Input::Beat(Box::new(beat))
}

fn about_attempt(dice: &mut Dice, rig: &Rig) -> Input {
    let attempt = dice.of(&attempts(rig));
    let clock = Clock(dice.below(6));
    match dice.below(4) {
        0 => {
            let own = rig.sm.attempt(attempt).map(|a| a.seat);
            let seat = own.filter(|_| !dice.one_in(5)).unwrap_or_else(|| seat(dice, rig));
            let phase = Word::Phase(dice.of(&PHASES));
            let word = if dice.one_in(2) { phase } else { Word::Final(dice.of(&WORDS)) };
            Input::Report(Report { seat, attempt, word, clock })
        }
        1 => {
            let answers = [RunAnswer::Accepted(clock), RunAnswer::Refused, RunAnswer::NotNow];
            Input::RunAnswered { attempt, answer: dice.of(&answers) }
        }
        2 => {
            let errors = [TryError::NotSent, TryError::Unknown, TryError::Unexpected];
            Input::TryFailed { attempt, error: dice.of(&errors) }
        }
        _ => {
            let answers = [KillAnswer::Missing, KillAnswer::Started(clock), KillAnswer::Refused];
            Input::KillAnswered { attempt, answer: dice.of(&answers) }
        }
    }
}

fn provider(dice: &mut Dice, rig: &Rig) -> Input {
    let mut slices: Vec<SliceId> = rig.sm.slices().map(|(id, _)| id).collect();
    slices.push(SliceId { group: GroupId(1), number: 1 + dice.below(9) });
    slices
        .push(SliceId { group: GroupId(u16::try_from(dice.below(3)).expect("small")), number: 1 });
    let slice = dice.of(&slices);
    let vms: Vec<VmId> = rig
        .sm
        .slices()
        .flat_map(|(_, slice)| slice.vms.iter().map(|(vm, _)| *vm))
        .chain([VmId(1), VmId(10)])
        .collect();
    match dice.below(10) {
        0..=2 => Input::SliceGranted(slice),
        3..=6 => Input::VmBooted(dice.of(&vms)),
        7 => Input::SliceRefused { slice, quota: dice.one_in(2) },
        8 => Input::SlicePreempted(slice),
        _ => Input::SliceTerminated(slice),
    }
}

fn next(dice: &mut Dice, rig: &Rig) -> Input {
    match dice.below(100) {
        0..=7 if rig.sm.jobs().filter(|(_, job)| !job.state().has_ended()).count() < 3 => {
            submit(dice)
        }
        0..=39 => beat(dice, rig),
        40..=74 => about_attempt(dice, rig),
        75..=84 => {
            let armed: Vec<_> = rig.timers.iter().copied().collect();
            if armed.is_empty() { Input::Restarted } else { Input::Fired(dice.of(&armed)) }
        }
        85..=94 => provider(dice, rig),
        95 => Input::Cancel(JobId(dice.below(60))),
        96..=97 => Input::Drain { worker: worker(dice, rig), closed: dice.one_in(2) },
        98 => Input::Restarted,
        _ => submit(dice),
    }
}

#[test]
fn whatever_comes_the_books_agree() {
    let runs = if std::env::var_os("IRIS_CHECK_SLOW").is_some() { 2_000 } else { 200 };
    let mut ends = BTreeSet::new();
    let mut jobs = BTreeSet::new();
    for seed in 0..runs {
        let (mut rig, mut dice) = (cluster(), Dice(seed));
        for _ in 0..500 {
            let input = next(&mut dice, &rig);
            let _ = rig.on(input);
            for (_, job) in rig.sm.jobs() {
                jobs.insert(job.state());
                for attempt in job.tasks.iter().flat_map(|task| &task.attempts) {
                    if let Standing::Ended { outcome, cause, gone } = attempt.standing {
                        ends.insert((outcome, cause, gone));
                    }
                }
            }
        }
    }
    // That it came about at all: every state of a job, and every end of an attempt, confirmed and,
    // where the controller decides it, also not yet confirmed.
    assert_eq!(jobs.len(), 7, "{jobs:?}");
    assert_eq!(ends.len(), 19, "{ends:?}");
}
