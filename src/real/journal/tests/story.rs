//! A controller's life, with its state after each input.

use crate::controller_sm::{ControllerSm, Effect, Input};
use crate::model::exit::Final;
use crate::model::id::{AttemptId, Incarnation, JobId, Seat, WorkerId};
use crate::model::policy::Policy;
use crate::model::resources::{Attributes, Resources};
use crate::model::spec::{JobSpec, Terms};
use crate::model::timer::Timer;
use crate::model::wire::{Clock, Finished, Heartbeat, Report, RunAnswer, Running, Word};
use crate::real::clock::At;

use super::super::{Entry, Journal, JournalError, Memory, Recovered, Snapshot};

/// Entries, and the states that they lead to.
pub struct Story {
    entries: Vec<Entry>,
    /// Before the first entry, and after each.
    states: Vec<ControllerSm>,
    sent: Vec<(AttemptId, Seat)>,
}

impl Story {
    pub fn new() -> Self {
        let sm = ControllerSm::new(Policy::HARDENED, Vec::new(), 10);
        let mut story = Self { entries: Vec::new(), states: vec![sm], sent: Vec::new() };
        story.on(Input::Restarted);
        (1..=2).for_each(|worker| story.beat(worker));
        for replicas in [2, 1] {
            let resources = Resources::cpus(1);
            let terms = Terms { replicas, resources, ..Terms::default() };
            story.on(Input::Submit(Box::new(JobSpec { terms, ..JobSpec::default() })));
        }
        for (attempt, seat) in std::mem::take(&mut story.sent) {
            story.on(Input::RunAnswered { attempt, answer: RunAnswer::Accepted(Clock(1)) });
            let word = Word::Final(Final::Succeeded);
            story.on(Input::Report(Report { seat, attempt, word, clock: Clock(2) }));
        }
        story.on(Input::Drain { worker: WorkerId(2), closed: true });
        story.on(Input::Submit(Box::new(JobSpec {
            terms: Terms { resources: Resources::cpus(99), ..Terms::default() },
            ..JobSpec::default()
        })));
        story.on(Input::Cancel(JobId(3)));
        story.on(Input::Fired(Timer::Forget(JobId(1))));
        story
    }

    fn beat(&mut self, worker: u32) {
        self.on(Input::Beat(Box::new(Heartbeat {
            seat: Seat { worker: WorkerId(worker), incarnation: Incarnation::FIRST },
            clock: Clock(1),
            capacity: Resources::cpus(4),
            attributes: Attributes::default(),
            running: Running::new(),
            finished: Finished::new(),
        })));
    }

    fn on(&mut self, input: Input) {
        let mut next = self.states[self.entries.len()].clone();
        for effect in next.on(input.clone()) {
            if let Effect::SendRun { attempt, seat } = effect {
                self.sent.push((attempt, seat));
            }
        }
        self.entries.push(Entry { at: At(100 * self.entries.len() as u64), input });
        self.states.push(next);
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn entries(&self, from: usize, to: usize) -> &[Entry] {
        &self.entries[from..to]
    }

    /// After so many entries; it says how many in its time.
    pub fn snapshot(&self, entries: usize) -> Snapshot {
        let deadlines = vec![(Timer::Dead(WorkerId(1)), At(entries as u64 + 60_000))];
        let controller = self.states[entries].clone();
        Snapshot { at: At(entries as u64), controller, deadlines }
    }
}

pub fn open(memory: &Memory) -> Result<(Journal, Recovered), JournalError> {
    Journal::open(Box::new(memory.clone()))
}

/// How many entries of the story were recovered. That they are a prefix of it, and that replaying
/// them leads to the state that the controller was in, is asserted.
pub fn prefix(story: &Story, recovered: &Recovered) -> usize {
    let begin = recovered.snapshot.as_ref().map_or(0, |snapshot| {
        let begin = usize::try_from(snapshot.at.0).expect("small");
        assert_eq!(*snapshot, story.snapshot(begin));
        begin
    });
    let end = begin + recovered.entries.len();
    assert!(end <= story.len(), "more than ever happened: {:?}", recovered.entries);
    assert_eq!(recovered.entries, story.entries(begin, end));
    let mut controller = recovered
        .snapshot
        .as_ref()
        .map_or_else(|| story.states[0].clone(), |snapshot| snapshot.controller.clone());
    for entry in &recovered.entries {
        let _ = controller.on(entry.input.clone());
    }
    assert_eq!(controller, story.states[end]);
    end
}
