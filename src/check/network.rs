//! Messages of the modelled cluster: how each arrives, fails to, or arrives too late.

use crate::controller_sm::Input;
use crate::model::id::{AttemptId, Seat, WorkerId};
use crate::model::operation::{Fate, RunFate};
use crate::model::view::Started;
use crate::model::wire::{BeatReply, Heartbeat, RunTask, TryError, Word};
use crate::worker_sm::{Local, WorkerInput};

use super::state::Message;
use super::step::{Machines, Move};

impl<M: Machines> Move<'_, M> {
    /// A RunTask that the controller waits for.
    pub(super) fn run(&mut self, id: AttemptId, fate: RunFate) -> Option<()> {
        let wanted = |m: &Message| is_run(m, id, true);
        let Some(Message::Run { seat, .. }) = self.state.take(wanted) else { return None };
        let stray = Message::Run { attempt: id, seat, awaited: false };
        let error = match fate {
            RunFate::Arrives | RunFate::Duplicated => {
                if fate == RunFate::Duplicated {
                    self.state.send(stray);
                }
                let answer = self.run_arrives(id, seat)?;
                self.state.send(Message::RunAnswer { attempt: id, seat, answer });
                return Some(());
            }
            RunFate::NotSent => TryError::NotSent,
            RunFate::Lost => TryError::Unknown,
            RunFate::Unexpected => TryError::Unexpected,
            RunFate::Late => {
                self.state.send(stray);
                TryError::Unknown
            }
        };
        self.feed(Input::TryFailed { attempt: id, error });
        Some(())
    }

    fn run_arrives(&mut self, id: AttemptId, seat: Seat) -> Option<crate::model::wire::RunAnswer> {
        let need = self.need(id);
        let worker = self.state.node(seat.worker)?.worker.as_ref()?;
        let over = matches!(worker.local(id), Some(Local::Done { .. }));
        if over && worker.seat() == seat {
            self.started = Started::Repeated(id);
        }
        self.work(seat.worker, WorkerInput::Run(RunTask { attempt: id, seat }, need)).run
    }

    /// A RunTask that nobody waits for any more.
    pub(super) fn stray_run(&mut self, id: AttemptId, fate: Fate) -> Option<()> {
        let wanted = |m: &Message| is_run(m, id, false);
        let seat = self.state.take(wanted)?.seat();
        if fate == Fate::Done {
            self.run_arrives(id, seat)?;
        }
        Some(())
    }

    /// The answer to a RunTask.
    pub(super) fn run_answer(&mut self, id: AttemptId, fate: Fate) -> Option<()> {
        let wanted =
            |m: &Message| matches!(m, Message::RunAnswer { attempt, .. } if *attempt == id);
        let Some(Message::RunAnswer { answer, .. }) = self.state.take(wanted) else { return None };
        self.feed(if fate == Fate::Done {
            Input::RunAnswered { attempt: id, answer }
        } else {
            Input::TryFailed { attempt: id, error: TryError::Unknown }
        });
        Some(())
    }

    /// A KillTask and its answer.
    pub(super) fn kill(&mut self, id: AttemptId, fate: Fate) -> Option<()> {
        let wanted = |m: &Message| matches!(m, Message::Kill(kill) if kill.attempt == id);
        let Some(Message::Kill(kill)) = self.state.take(wanted) else { return None };
        if fate == Fate::RequestLost {
            return Some(());
        }
        let answer = self.work(kill.seat.worker, WorkerInput::Kill(kill)).kill?;
        if fate == Fate::Done {
            self.feed(Input::KillAnswered { attempt: id, answer });
        }
        Some(())
    }

    /// A report and its acknowledgement.
    pub(super) fn report_fate(&mut self, id: AttemptId, last: bool, fate: Fate) -> Option<()> {
        let wanted = |m: &Message| match m {
            Message::Report(report) => {
                report.attempt == id && matches!(report.word, Word::Final(_)) == last
            }
            Message::Run { .. } | Message::RunAnswer { .. } | Message::Kill(_) => false,
        };
        let Some(Message::Report(report)) = self.state.take(wanted) else { return None };
        if fate == Fate::RequestLost {
            return Some(());
        }
        if fate == Fate::Duplicated {
            self.state.send(Message::Report(report));
        }
        self.feed(Input::Report(report));
        if last && fate != Fate::AnswerLost && self.state.up {
            let node = self.state.node(report.seat.worker);
            let same = node.is_some_and(|node| node.seat() == report.seat);
            if same {
                self.work(report.seat.worker, WorkerInput::ReportAcked(id));
            }
        }
        Some(())
    }

    /// A heartbeat and its answer, in one step.
    pub(super) fn beat(&mut self, id: WorkerId, fate: Fate) -> Option<()> {
        let beat = self.work(id, WorkerInput::BeatDue).beat?;
        self.beat_fate(beat, fate, Self::beat_answered)
    }

    /// What becomes of a heartbeat; `answered` is what happens to the answer, if there is one.
    fn beat_fate(
        &mut self,
        beat: Heartbeat,
        fate: Fate,
        answered: impl Fn(&mut Self, Seat, BeatReply),
    ) -> Option<()> {
        let seat = beat.seat;
        let id = seat.worker;
        match fate {
            Fate::Done | Fate::Duplicated | Fate::AnswerLost => match self.beat_arrives(beat) {
                Some(reply) if fate != Fate::AnswerLost => answered(self, seat, reply),
                Some(_) | None => self.beat_failed(id, false),
            },
            Fate::RequestLost => self.beat_failed(id, true),
            Fate::Late => {
                if self.state.strays.iter().any(|stray| stray.seat.worker == id) {
                    return None;
                }
                self.stray(beat);
                self.beat_failed(id, true);
            }
        }
        Some(())
    }

    /// A heartbeat stays under way though its sender has given it up.
    pub(super) fn stray(&mut self, beat: Heartbeat) {
        self.state.strays.push(beat);
        self.state.strays.sort_unstable();
    }

    /// The controller receives a heartbeat; answers its reply, unless it dies before.
    fn beat_arrives(&mut self, beat: Heartbeat) -> Option<BeatReply> {
        if let Some(node) = self.state.node_mut(beat.seat.worker) {
            node.missed = false;
        }
        self.feed(Input::Beat(Box::new(beat)))
    }

    /// The worker learns the answer to its heartbeat.
    fn beat_answered(&mut self, seat: Seat, reply: BeatReply) {
        if let Some(node) = self.state.node_mut(seat.worker)
            && node.seat() == seat
        {
            node.at_risk = false;
        }
        self.work(seat.worker, WorkerInput::BeatAnswered(seat.incarnation, reply));
    }

    /// The worker gets no answer; did the controller get no heartbeat either?
    fn beat_failed(&mut self, id: WorkerId, missed: bool) {
        if let Some(node) = self.state.node_mut(id) {
            node.at_risk = true;
            node.missed |= missed;
        }
    }

    /// A heartbeat that its sender has given up.
    pub(super) fn stray_beat(&mut self, id: WorkerId, fate: Fate) -> Option<()> {
        let at = self.state.strays.iter().position(|beat| beat.seat.worker == id)?;
        let beat = self.state.strays.remove(at);
        if fate == Fate::Done {
            // Its sender no longer waits: the reply finds nobody.
            self.beat_arrives(beat);
        }
        Some(())
    }

    /// The first of a heartbeat's three steps.
    pub(super) fn beat_sent(&mut self, id: WorkerId) -> Option<()> {
        let beat = self.work(id, WorkerInput::BeatDue).beat?;
        self.state.beats.push(beat);
        self.state.beats.sort_unstable();
        Some(())
    }

    /// The second of a heartbeat's three steps.
    pub(super) fn beat_arrives_fate(&mut self, id: WorkerId, fate: Fate) -> Option<()> {
        let at = self.state.beats.iter().position(|beat| beat.seat.worker == id)?;
        let beat = self.state.beats.remove(at);
        self.beat_fate(beat, fate, |step, seat, reply| {
            step.state.answers.push((seat, reply));
            step.state.answers.sort_unstable();
        })
    }

    /// The third of a heartbeat's three steps.
    pub(super) fn beat_answer_fate(&mut self, id: WorkerId, fate: Fate) -> Option<()> {
        let at = self.state.answers.iter().position(|(seat, _)| seat.worker == id)?;
        let (seat, reply) = self.state.answers.remove(at);
        if fate == Fate::Done {
            self.beat_answered(seat, reply);
        } else {
            self.beat_failed(id, false);
        }
        Some(())
    }
}

/// Whether a message is the RunTask of an attempt for which the controller waits, or does not.
fn is_run(message: &Message, id: AttemptId, waits: bool) -> bool {
    match message {
        Message::Run { attempt, awaited, .. } => *attempt == id && *awaited == waits,
        Message::RunAnswer { .. } | Message::Kill(_) | Message::Report(_) => false,
    }
}
