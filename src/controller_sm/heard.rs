//! What an input is to those who judge steps: an event of the view's vocabulary.

use smallvec::SmallVec;

use crate::model::exit::Final;
use crate::model::id::{AttemptId, Seat};
use crate::model::timer::Timer;
use crate::model::view::Event;
use crate::model::wire::{KillAnswer, RunAnswer, TryError, Word};

use super::{ControllerSm, Input};

/// What the controller heard in a step; nothing by default.
#[derive(Debug, Clone, Default)]
pub struct Heard {
    what: What,
    about: SmallVec<[AttemptId; 4]>,
}

#[derive(Debug, Clone, Copy, Default)]
enum What {
    Beat(Seat),
    Report {
        seat: Seat,
        missing: bool,
    },
    RunAnswer {
        refused: bool,
    },
    TryFailed {
        unknown: bool,
    },
    Fired(Timer),
    Client,
    Provider,
    Restarted,
    #[default]
    Nothing,
}

impl Heard {
    /// The event, for the claims across steps.
    pub fn event(&self) -> Event<'_> {
        let first = self.about.first().copied();
        match (self.what, first) {
            (What::Beat(seat), _) => Event::Beat { seat, about: &self.about },
            (What::Report { seat, missing }, Some(about)) => Event::Report { seat, about, missing },
            (What::RunAnswer { refused }, Some(about)) => Event::RunAnswer { about, refused },
            (What::TryFailed { unknown }, Some(about)) => Event::TryFailed { about, unknown },
            (What::Fired(timer), _) => Event::Fired(timer),
            (What::Client, _) => Event::Client,
            (What::Provider, _) => Event::Provider,
            (What::Restarted, _) => Event::Restarted,
            (
                What::Report { .. }
                | What::RunAnswer { .. }
                | What::TryFailed { .. }
                | What::Nothing,
                _,
            ) => Event::Elsewhere,
        }
    }
}

impl ControllerSm {
    /// What an input that is about to be taken is to those who judge steps.
    pub fn hears(&self, input: &Input) -> Heard {
        let one = |id: &AttemptId| SmallVec::from_slice(&[*id]);
        let (what, about) = match input {
            Input::Submit(_) | Input::Cancel(_) | Input::Drain { .. } => {
                (What::Client, SmallVec::new())
            }
            Input::Beat(beat) => {
                let running = beat.running.iter().map(|(id, _)| *id);
                let finished = beat.finished.iter().map(|(id, _)| *id);
                (What::Beat(beat.seat), running.chain(finished).collect())
            }
            Input::Report(report) => {
                let missing = report.word == Word::Final(Final::Missing);
                (What::Report { seat: report.seat, missing }, one(&report.attempt))
            }
            Input::RunAnswered { attempt, answer } => match answer {
                // Nothing happened, but a second copy of the call may still arrive.
                RunAnswer::NotNow => (What::TryFailed { unknown: true }, one(attempt)),
                RunAnswer::Accepted(_) => (What::RunAnswer { refused: false }, one(attempt)),
                RunAnswer::Refused => (What::RunAnswer { refused: true }, one(attempt)),
            },
            Input::TryFailed { attempt, error } => {
                (What::TryFailed { unknown: *error != TryError::NotSent }, one(attempt))
            }
            Input::KillAnswered { attempt, answer } => {
                let seat = self.attempt(*attempt).map(|a| a.seat);
                let missing = *answer == KillAnswer::Missing;
                let what = seat.map_or(What::Nothing, |seat| What::Report { seat, missing });
                (what, one(attempt))
            }
            Input::Fired(timer) => (What::Fired(*timer), SmallVec::new()),
            Input::SliceGranted(_)
            | Input::SliceRefused { .. }
            | Input::VmBooted(_)
            | Input::SlicePreempted(_)
            | Input::SliceTerminated(_) => (What::Provider, SmallVec::new()),
            Input::Restarted => (What::Restarted, SmallVec::new()),
        };
        Heard { what, about }
    }
}
