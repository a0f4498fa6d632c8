//! The journal of a run: the controller's inputs alone, replayed.
//!
//! What its workers did between is unseen: any behaviour of theirs is allowed that a worker's
//! machine has. A worker speaks only of what was given to it, its last word on an attempt stays the
//! same, and after that it does not list it as running. Calls, timers and slices are judged as in a
//! full log.

use serde_json::to_string;

use crate::controller_sm::Input;
use crate::model::exit::Final;
use crate::model::id::{AttemptId, Seat};
use crate::model::task::Phase;
use crate::model::wire::{Clock, Report as Told, Word};
use crate::real::journal::{Entry, Journal, Store};

use super::full::controller_kind;
use super::mismatch::{Mismatch, Refusal};
use super::post::Said;
use super::replay::Replay;
use super::{Report, Verdict};

/// Reads a journal and judges it. The store should be a copy: opening a journal settles its end.
pub fn validate_journal(store: Box<dyn Store>) -> Report {
    let mut report = Report::new("journal");
    report.verdict = match judge(store, &mut report) {
        Ok(verdict) | Err(verdict) => verdict,
    };
    report
}

fn judge(store: Box<dyn Store>, report: &mut Report) -> Result<Verdict, Verdict> {
    let bad = |why: String| Verdict::Bad { line: 0, column: 0, why };
    let (_, recovered) = Journal::open(store).map_err(|error| bad(error.to_string()))?;
    let snapshot = recovered.snapshot.ok_or_else(|| {
        bad("there is no journal: expected a folder with the segments of one".to_owned())
    })?;
    let mut replay = Replay::new(snapshot.controller, snapshot.deadlines.into_iter());
    replay.last = snapshot.at;
    let mut done = Ok(());
    for (number, entry) in (1..).zip(recovered.entries) {
        let kind = controller_kind(&entry.input);
        if let Err(refusal) = allowed(&mut replay, &entry) {
            let refusal = explain(&replay, &entry, refusal);
            let event = to_string(&entry).unwrap_or_default();
            let mismatch = Mismatch::new(number, event, refusal);
            done = Err(Verdict::Disagrees(Box::new(mismatch)));
            break;
        }
        let _ = replay.take(entry.at, entry.input);
        report.events += 1;
        *report.kinds.entry(kind).or_default() += 1;
    }
    (report.jobs, report.attempts) = (replay.jobs, replay.attempts);
    done?;
    Ok(match recovered.torn {
        None => Verdict::Legal,
        Some(torn) => Verdict::Truncated {
            line: report.events + 1,
            why: format!("{} at byte {}: {}", torn.file, torn.at, torn.why),
        },
    })
}

fn allowed(replay: &mut Replay, entry: &Entry) -> Result<(), Refusal> {
    replay.clock(entry.at)?;
    replay.timers_and_slices(entry.at, &entry.input)?;
    replay.calls(&entry.input)?;
    match &entry.input {
        Input::Beat(beat) => {
            for (id, phase) in &beat.running {
                says(replay, beat.seat, *id, Word::Phase(*phase), beat.clock)?;
            }
            beat.finished.iter().try_for_each(|(id, word)| {
                says(replay, beat.seat, *id, Word::Final(*word), beat.clock)
            })
        }
        Input::Report(it) => says(replay, it.seat, it.attempt, it.word, it.clock),
        Input::Submit(_)
        | Input::Cancel(_)
        | Input::Drain { .. }
        | Input::RunAnswered { .. }
        | Input::TryFailed { .. }
        | Input::KillAnswered { .. }
        | Input::Fired(_)
        | Input::SliceGranted(_)
        | Input::SliceRefused { .. }
        | Input::VmBooted(_)
        | Input::SlicePreempted(_)
        | Input::SliceTerminated(_)
        | Input::Restarted => Ok(()),
    }
}

/// Whether a worker may say this of an attempt.
fn says(
    replay: &mut Replay,
    seat: Seat,
    id: AttemptId,
    word: Word,
    clock: Clock,
) -> Result<(), Refusal> {
    if replay.is_forgotten(id.task.job) {
        return Ok(());
    }
    let Some(given) = replay.machine.attempt(id).map(|it| it.seat) else {
        let guard = format!("{seat} speaks only of what was given to it: there is no {id}");
        return Err(Refusal::new(guard));
    };
    // Last words are carried into later incarnations, but for those of what never ran.
    let carried = matches!(word, Word::Final(it) if it != Final::Missing);
    let own = given == seat
        || (carried && given.worker == seat.worker && given.incarnation < seat.incarnation);
    if !own {
        return Err(Refusal::new(format!(
            "{seat} speaks only of what was given to it: {id} was given to {given}"
        )));
    }
    let record = replay.record(id);
    let last = record.said.iter().find_map(|said| match said.report.word {
        Word::Final(last) => Some((last, said.report)),
        Word::Phase(_) => None,
    });
    match (word, last) {
        (Word::Final(word), Some((last, _))) if word != last => Err(Refusal::new(format!(
            "a worker's last word on an attempt stays: of {id} it said {last}, now {word}"
        ))),
        (Word::Phase(Phase::Assigned), _) => {
            Err(Refusal::new(format!("a worker that has {id} is past ASSIGNED")))
        }
        (Word::Phase(_), Some((last, told))) if told.seat == seat && told.clock <= clock => {
            Err(Refusal::new(format!(
                "what is over does not run: at clock {} {seat} said {last} of {id}",
                told.clock.0
            )))
        }
        (Word::Final(_), None) => {
            let report = Told { seat, attempt: id, word, clock };
            record.said.push(Said { report, waits: false, taken: true });
            Ok(())
        }
        (Word::Final(_) | Word::Phase(_), _) => Ok(()),
    }
}

/// The refusal with what the entry met.
fn explain(replay: &Replay, entry: &Entry, mut refusal: Refusal) -> Refusal {
    let (worker, about) = match &entry.input {
        Input::Beat(beat) => {
            let running = beat.running.iter().map(|(id, _)| *id);
            let finished = beat.finished.iter().map(|(id, _)| *id);
            (Some(beat.seat.worker), running.chain(finished).collect::<Vec<_>>())
        }
        Input::Report(report) => (Some(report.seat.worker), vec![report.attempt]),
        Input::RunAnswered { attempt, .. }
        | Input::TryFailed { attempt, .. }
        | Input::KillAnswered { attempt, .. } => (None, vec![*attempt]),
        Input::Submit(_)
        | Input::Cancel(_)
        | Input::Drain { .. }
        | Input::Fired(_)
        | Input::SliceGranted(_)
        | Input::SliceRefused { .. }
        | Input::VmBooted(_)
        | Input::SlicePreempted(_)
        | Input::SliceTerminated(_)
        | Input::Restarted => (None, Vec::new()),
    };
    refusal.state.extend(about.into_iter().map(|id| replay.describe_attempt(id)));
    refusal.state.extend(worker.map(|worker| replay.describe_worker(worker)));
    refusal.nearest = replay.next_timers(&entry.input, entry.at.max(replay.last));
    refusal
}
