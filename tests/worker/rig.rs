//! A worker and its orders as short texts.

use iris_check::model::exit::Final;
use iris_check::model::id::{AttemptId, Incarnation, Seat};
use iris_check::model::policy::Policy;
use iris_check::model::resources::{Attributes, Resources};
use iris_check::model::wire::{
    Attempts, BeatReply, Heartbeat, KillAnswer, KillTask, RunAnswer, RunTask, Word,
};
use iris_check::worker_sm::{WorkerEffect, WorkerInput, WorkerSm};

pub struct Rig {
    pub sm: WorkerSm,
}

impl Rig {
    /// Two CPUs, and no lease yet.
    pub fn started(policy: &Policy) -> Self {
        let seat = seat("w1@1");
        Self { sm: WorkerSm::new(seat, policy, Resources::cpus(2), Attributes::default()) }
    }

    /// Two CPUs, and a lease.
    pub fn new() -> Self {
        Self::under(&Policy::HARDENED)
    }

    pub fn under(policy: &Policy) -> Self {
        let mut rig = Self::started(policy);
        assert_eq!(rig.answer("", "", ""), "renew");
        rig
    }

    /// Gives an input; holds that the clock changes exactly when a list does.
    pub fn on(&mut self, input: WorkerInput) -> String {
        let told = format!("{input:?}");
        let (before, clock, seat) = (self.beat(), self.sm.clock(), self.sm.seat());
        let effects = self.sm.on(input);
        let after = self.beat();
        if seat == self.sm.seat() {
            let lists = |beat: &Heartbeat| (beat.running.clone(), beat.finished.clone());
            assert_eq!(lists(&before) != lists(&after), clock != self.sm.clock(), "{told}");
        } else {
            assert!(seat.incarnation < self.sm.seat().incarnation, "{told}");
            assert_eq!(after.running.len() + self.sm.entries().len(), 0, "{told}");
        }
        effects.iter().map(order).collect::<Vec<_>>().join("; ")
    }

    /// What it would say now.
    pub fn beat(&self) -> Heartbeat {
        let effects = self.sm.clone().on(WorkerInput::BeatDue);
        let [WorkerEffect::SendBeat(beat)] = effects.as_slice() else {
            panic!("a beat and nothing else: {effects:?}")
        };
        beat.clone()
    }

    /// Its two lists.
    pub fn lists(&self) -> String {
        let beat = self.beat();
        let running = beat.running.iter().map(|(id, phase)| format!("{id} {phase}"));
        let finished = beat.finished.iter().map(|(id, word)| format!("{id} {word}"));
        running.chain(finished).collect::<Vec<_>>().join(", ")
    }

    pub fn run(&mut self, attempt: &str) -> String {
        self.run_at("w1@1", attempt, 1)
    }

    pub fn run_at(&mut self, to: &str, attempt: &str, cpus: u32) -> String {
        let call = RunTask { attempt: id(attempt), seat: seat(to) };
        self.on(WorkerInput::Run(call, Resources::cpus(cpus)))
    }

    pub fn kill(&mut self, attempt: &str) -> String {
        self.kill_at("w1@1", attempt, false)
    }

    pub fn kill_at(&mut self, to: &str, attempt: &str, only_if_not_started: bool) -> String {
        let call = KillTask { attempt: id(attempt), seat: seat(to), only_if_not_started };
        self.on(WorkerInput::Kill(call))
    }

    /// Accepted and running.
    pub fn start(&mut self, attempt: &str) {
        let news = self.run(attempt);
        assert!(news.starts_with(&format!("launch {attempt}; accepted")), "{news}");
        self.on(WorkerInput::Launched(id(attempt)));
    }

    /// A heartbeat of this incarnation is answered by one that knows it.
    pub fn answer(&mut self, acked: &str, stop: &str, fence: &str) -> String {
        let list = |text: &str| -> Attempts { text.split_whitespace().map(id).collect() };
        let (acked, stop, fence) = (list(acked), list(stop), list(fence));
        let reply = BeatReply { known: true, acked, stop, fence };
        self.on(WorkerInput::BeatAnswered(self.sm.seat().incarnation, reply))
    }

    pub fn unknown(&mut self) -> String {
        let reply = BeatReply::default();
        self.on(WorkerInput::BeatAnswered(self.sm.seat().incarnation, reply))
    }

    pub fn seat(&self) -> String {
        self.sm.seat().to_string()
    }
}

pub fn id(attempt: &str) -> AttemptId {
    attempt.parse().expect("an attempt")
}

pub fn seat(text: &str) -> Seat {
    text.parse().expect("a seat")
}

pub fn carried(rig: &Rig) -> Vec<(AttemptId, Final)> {
    rig.sm.carried().to_vec()
}

fn order(effect: &WorkerEffect) -> String {
    match effect {
        WorkerEffect::AnswerRun(RunAnswer::Accepted(clock)) => format!("accepted {}", clock.0),
        WorkerEffect::AnswerRun(RunAnswer::Refused) => "refused".to_owned(),
        WorkerEffect::AnswerRun(RunAnswer::NotNow) => "not now".to_owned(),
        WorkerEffect::AnswerKill(KillAnswer::Missing) => "missing".to_owned(),
        WorkerEffect::AnswerKill(KillAnswer::Started(clock)) => format!("started {}", clock.0),
        WorkerEffect::AnswerKill(KillAnswer::Refused) => "another's".to_owned(),
        WorkerEffect::SendBeat(_) => "beat".to_owned(),
        WorkerEffect::SendReport(report) => match report.word {
            Word::Phase(phase) => format!("report {} {phase}", report.attempt),
            Word::Final(word) => format!("report {} {word}", report.attempt),
        },
        WorkerEffect::Launch(id) => format!("launch {id}"),
        WorkerEffect::AbortLaunch(id) => format!("abort {id}"),
        WorkerEffect::Terminate(id) => format!("terminate {id}"),
        WorkerEffect::Destroy(id) => format!("destroy {id}"),
        WorkerEffect::RenewLease => "renew".to_owned(),
        WorkerEffect::ArmKill(id) => format!("arm kill {id}"),
        WorkerEffect::BecomeIncarnation(Incarnation(n)) => format!("become {n}"),
    }
}
