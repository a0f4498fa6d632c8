//! What is under way about each attempt: calls without an answer, stops that were ordered, words
//! that were sent and may come again, or late.
//!
//! A word may be late in any way, so it would have to be remembered for ever. It is remembered
//! while the attempt can still change, and for some attempts beyond; what comes about one that was
//! forgotten changes nothing, is taken on trust, and is counted.

use std::collections::{BTreeMap, VecDeque};

use crate::model::id::{AttemptId, Seat};
use crate::model::wire::{KillAnswer, Report, RunAnswer, Word};

/// Attempts that are remembered although nothing of them can change any more.
const KEPT: usize = 4096;

/// What is under way about one attempt.
#[derive(Clone, Default)]
pub(super) struct Record {
    /// A try of its RunTask that nobody has answered, with what its worker has answered since.
    pub run: Option<Vec<RunAnswer>>,
    /// Calls of KillTask that nobody has answered, with what its worker has answered since.
    pub kills: u8,
    pub kill_answers: Vec<KillAnswer>,
    /// Whether a KillTask was ever ordered, and whether one that leaves alone what was started.
    pub stop: bool,
    pub fence: bool,
    /// What its worker has reported.
    pub said: Vec<Said>,
}

/// A report that was sent.
#[derive(Clone)]
pub(super) struct Said {
    pub report: Report,
    /// Whether its sender still waits for the acknowledgement.
    pub waits: bool,
    /// Whether the controller has taken it.
    pub taken: bool,
}

/// What is under way about all attempts.
#[derive(Clone, Default)]
pub(super) struct Post {
    records: BTreeMap<AttemptId, Record>,
    order: VecDeque<AttemptId>,
    forgot: bool,
}

impl Post {
    pub(super) fn get(&self, id: AttemptId) -> Option<&Record> {
        self.records.get(&id)
    }

    pub(super) fn get_mut(&mut self, id: AttemptId) -> Option<&mut Record> {
        self.records.get_mut(&id)
    }

    /// Whether anything was ever forgotten.
    pub(super) fn forgot(&self) -> bool {
        self.forgot
    }

    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = (AttemptId, &Record)> {
        self.records.iter().map(|(id, record)| (*id, record))
    }

    /// The record of an attempt, made if there is none. The oldest of those that are settled goes.
    pub(super) fn entry(
        &mut self,
        id: AttemptId,
        settled: impl Fn(AttemptId) -> bool,
    ) -> &mut Record {
        if !self.records.contains_key(&id) {
            self.order.push_back(id);
            // Two looks for each that comes: those that cannot go yet do not add up.
            for _ in 0..2 {
                if self.order.len() <= KEPT {
                    break;
                }
                let Some(oldest) = self.order.pop_front() else { break };
                if settled(oldest) && oldest != id {
                    self.records.remove(&oldest);
                    self.forgot = true;
                } else {
                    self.order.push_back(oldest);
                }
            }
        }
        self.records.entry(id).or_default()
    }

    /// The controller has died: nobody waits for answers to its calls.
    pub(super) fn controller_died(&mut self) {
        for record in self.records.values_mut() {
            record.run = None;
            record.kills = 0;
            record.kill_answers.clear();
        }
    }

    /// A worker has died: it waits for no acknowledgement. What it sent may still arrive.
    pub(super) fn worker_died(&mut self, seats: impl Fn(Seat) -> bool) {
        for said in self.records.values_mut().flat_map(|it| &mut it.said) {
            if seats(said.report.seat) {
                said.waits = false;
            }
        }
    }
}

impl Record {
    pub(super) fn answered_run(&mut self, answer: RunAnswer) {
        if let Some(answers) = &mut self.run
            && !answers.contains(&answer)
        {
            answers.push(answer);
        }
    }

    pub(super) fn answered_kill(&mut self, answer: KillAnswer) {
        if self.kills > 0 && !self.kill_answers.contains(&answer) {
            self.kill_answers.push(answer);
        }
    }

    pub(super) fn kill_ended(&mut self) {
        self.kills = self.kills.saturating_sub(1);
        if self.kills == 0 {
            self.kill_answers.clear();
        }
    }

    /// The controller takes this report.
    pub(super) fn report_arrives(&mut self, report: &Report) {
        if let Some(said) = self.said.iter_mut().find(|it| it.report == *report) {
            said.taken = true;
        }
    }

    /// Whether the acknowledgement of a last word may arrive now.
    pub(super) fn may_be_acknowledged(&self) -> bool {
        self.said.iter().any(Said::may_be_acknowledged)
    }

    /// It arrives.
    pub(super) fn acknowledged(&mut self) {
        if let Some(said) = self.said.iter_mut().find(|it| it.may_be_acknowledged()) {
            said.waits = false;
        }
    }
}

impl Said {
    fn may_be_acknowledged(&self) -> bool {
        self.waits && self.taken && matches!(self.report.word, Word::Final(_))
    }
}
