//! What controller and worker say to each other.

use tonic::Status;

use crate::model::exit::{Fault, Final};
use crate::model::id::AttemptId;
use crate::model::resources::{Attributes, Resources};
use crate::model::spec::{Entrypoint, Payload};
use crate::model::task::Phase;
use crate::model::wire::{
    Attempts, BeatReply, Clock, Heartbeat, KillAnswer, KillTask, Report, RunAnswer, RunTask, Word,
};

use super::proto::{self, State, kill_task_reply, run_task_reply};
use super::{attributes_to, id, malformed, missing, resources_from, resources_to};

fn word_to(attempt: AttemptId, word: Word) -> proto::Listed {
    let (state, fault) = match word {
        Word::Phase(Phase::Assigned) => (State::Assigned, None),
        Word::Phase(Phase::Building) => (State::Building, None),
        Word::Phase(Phase::Running) => (State::Running, None),
        Word::Final(Final::Succeeded) => (State::Succeeded, None),
        Word::Final(Final::Failed(fault)) => (State::Failed, Some(fault)),
        Word::Final(Final::Killed) => (State::Killed, None),
        Word::Final(Final::Missing) => (State::Missing, None),
    };
    let fault = match fault {
        None => proto::Fault::Unspecified,
        Some(Fault::Exit) => proto::Fault::Exit,
        Some(Fault::Bundle) => proto::Fault::Bundle,
        Some(Fault::Container) => proto::Fault::Container,
        Some(Fault::Monitor) => proto::Fault::Monitor,
    };
    let attempt = attempt.to_string();
    proto::Listed { attempt, state: state.into(), fault: fault.into() }
}

fn word_from(listed: &proto::Listed) -> Result<(AttemptId, Word), Status> {
    let attempt = id("attempt", &listed.attempt)?;
    let fault = || match listed.fault() {
        proto::Fault::Unspecified => Err(malformed("fault", &"a FAILED attempt needs one")),
        proto::Fault::Exit => Ok(Fault::Exit),
        proto::Fault::Bundle => Ok(Fault::Bundle),
        proto::Fault::Container => Ok(Fault::Container),
        proto::Fault::Monitor => Ok(Fault::Monitor),
    };
    let word = match listed.state() {
        State::Building => Word::Phase(Phase::Building),
        State::Running => Word::Phase(Phase::Running),
        State::Succeeded => Word::Final(Final::Succeeded),
        State::Failed => Word::Final(Final::Failed(fault()?)),
        State::Killed => Word::Final(Final::Killed),
        State::Missing => Word::Final(Final::Missing),
        State::Unspecified
        | State::Pending
        | State::WorkerFailed
        | State::Unschedulable
        | State::Assigned
        | State::Preempted
        | State::CoschedFailed => {
            return Err(malformed("state", &"a worker says no such thing of an attempt"));
        }
    };
    Ok((attempt, word))
}

pub(in crate::real) fn beat_to(beat: &Heartbeat, address: &str) -> proto::Heartbeat {
    let running = beat.running.iter().map(|(id, phase)| word_to(*id, Word::Phase(*phase)));
    let finished = beat.finished.iter().map(|(id, word)| word_to(*id, Word::Final(*word)));
    proto::Heartbeat {
        seat: beat.seat.to_string(),
        clock: beat.clock.0,
        capacity: Some(resources_to(beat.capacity)),
        attributes: attributes_to(&beat.attributes),
        running: running.collect(),
        finished: finished.collect(),
        address: address.to_owned(),
    }
}

/// The heartbeat, and where its worker listens.
pub(in crate::real) fn beat_from(it: proto::Heartbeat) -> Result<(Heartbeat, String), Status> {
    let mut beat = Heartbeat {
        seat: id("seat", &it.seat)?,
        clock: Clock(it.clock),
        capacity: resources_from(it.capacity),
        attributes: Attributes::new(it.attributes),
        running: it.running.iter().map(phase).collect::<Result<_, _>>()?,
        finished: it.finished.iter().map(last_word).collect::<Result<_, _>>()?,
    };
    // The machine takes both lists as sorted.
    beat.running.sort_unstable();
    beat.finished.sort_unstable();
    Ok((beat, it.address))
}

fn phase(listed: &proto::Listed) -> Result<(AttemptId, Phase), Status> {
    match word_from(listed)? {
        (id, Word::Phase(phase)) => Ok((id, phase)),
        (id, Word::Final(_)) => Err(malformed("running", &format!("{id} is over"))),
    }
}

fn last_word(listed: &proto::Listed) -> Result<(AttemptId, Final), Status> {
    match word_from(listed)? {
        (id, Word::Final(word)) => Ok((id, word)),
        (id, Word::Phase(_)) => Err(malformed("finished", &format!("{id} is not over"))),
    }
}

pub(in crate::real) fn reply_to(reply: &BeatReply) -> proto::BeatReply {
    let texts = |ids: &Attempts| ids.iter().map(ToString::to_string).collect();
    proto::BeatReply {
        known: reply.known,
        acked: texts(&reply.acked),
        stop: texts(&reply.stop),
        fence: texts(&reply.fence),
    }
}

pub(in crate::real) fn reply_from(it: &proto::BeatReply) -> Result<BeatReply, Status> {
    let ids = |field: &str, texts: &[String]| -> Result<Attempts, Status> {
        texts.iter().map(|text| id(field, text)).collect()
    };
    Ok(BeatReply {
        known: it.known,
        acked: ids("acked", &it.acked)?,
        stop: ids("stop", &it.stop)?,
        fence: ids("fence", &it.fence)?,
    })
}

pub(in crate::real) fn report_to(report: &Report) -> proto::Report {
    proto::Report {
        seat: report.seat.to_string(),
        word: Some(word_to(report.attempt, report.word)),
        clock: report.clock.0,
    }
}

pub(in crate::real) fn report_from(it: &proto::Report) -> Result<Report, Status> {
    let word = it.word.as_ref().ok_or_else(|| missing("word"))?;
    let (attempt, word) = word_from(word)?;
    Ok(Report { seat: id("seat", &it.seat)?, attempt, word, clock: Clock(it.clock) })
}

pub(in crate::real) fn payload_to(payload: &Payload) -> proto::Payload {
    let entrypoint = match &payload.entrypoint {
        Entrypoint::None => None,
        Entrypoint::Command(words) => {
            let command = proto::Command { words: words.clone() };
            Some(proto::payload::Entrypoint::Command(command))
        }
        Entrypoint::Closure(name) => Some(proto::payload::Entrypoint::Closure(name.clone())),
    };
    proto::Payload {
        name: payload.name.clone(),
        entrypoint,
        env: payload.env.clone(),
        bundle: payload.bundle.clone(),
    }
}

/// What a call asks to run: its attempt, for whom it is meant, and what it takes.
pub(in crate::real) fn payload_from(
    it: proto::RunTaskRequest,
) -> Result<(RunTask, Resources, Payload), Status> {
    let call = RunTask { attempt: id("attempt", &it.attempt)?, seat: id("seat", &it.seat)? };
    let payload = it.payload.map_or_else(|| Ok(Payload::default()), payload)?;
    Ok((call, resources_from(it.resources), payload))
}

pub(super) fn payload(it: proto::Payload) -> Result<Payload, Status> {
    let entrypoint = match it.entrypoint {
        None => Entrypoint::None,
        Some(proto::payload::Entrypoint::Command(command)) if command.words.is_empty() => {
            return Err(malformed("command", &"it needs at least the name of a program"));
        }
        Some(proto::payload::Entrypoint::Command(command)) => Entrypoint::Command(command.words),
        Some(proto::payload::Entrypoint::Closure(name)) => Entrypoint::Closure(name),
    };
    Ok(Payload { name: it.name, entrypoint, env: it.env, bundle: it.bundle })
}

pub(in crate::real) fn answer_to(answer: RunAnswer) -> proto::RunTaskReply {
    let answer = match answer {
        RunAnswer::Accepted(clock) => run_task_reply::Answer::Accepted(clock.0),
        RunAnswer::Refused => run_task_reply::Answer::Refused(true),
        RunAnswer::NotNow => run_task_reply::Answer::NotNow(true),
    };
    proto::RunTaskReply { answer: Some(answer) }
}

pub(in crate::real) fn answer_from(it: proto::RunTaskReply) -> Result<RunAnswer, Status> {
    Ok(match it.answer.ok_or_else(|| missing("answer"))? {
        run_task_reply::Answer::Accepted(clock) => RunAnswer::Accepted(Clock(clock)),
        run_task_reply::Answer::Refused(_) => RunAnswer::Refused,
        run_task_reply::Answer::NotNow(_) => RunAnswer::NotNow,
    })
}

pub(in crate::real) fn kill_to(kill: KillTask) -> proto::KillTaskRequest {
    proto::KillTaskRequest {
        attempt: kill.attempt.to_string(),
        seat: kill.seat.to_string(),
        only_if_not_started: kill.only_if_not_started,
    }
}

pub(in crate::real) fn kill_from(it: &proto::KillTaskRequest) -> Result<KillTask, Status> {
    Ok(KillTask {
        attempt: id("attempt", &it.attempt)?,
        seat: id("seat", &it.seat)?,
        only_if_not_started: it.only_if_not_started,
    })
}

pub(in crate::real) fn kill_answer_to(answer: KillAnswer) -> proto::KillTaskReply {
    let answer = match answer {
        KillAnswer::Missing => kill_task_reply::Answer::Missing(true),
        KillAnswer::Started(clock) => kill_task_reply::Answer::Started(clock.0),
        KillAnswer::Refused => kill_task_reply::Answer::Refused(true),
    };
    proto::KillTaskReply { answer: Some(answer) }
}

pub(in crate::real) fn kill_answer_from(it: proto::KillTaskReply) -> Result<KillAnswer, Status> {
    Ok(match it.answer.ok_or_else(|| missing("answer"))? {
        kill_task_reply::Answer::Missing(_) => KillAnswer::Missing,
        kill_task_reply::Answer::Started(clock) => KillAnswer::Started(Clock(clock)),
        kill_task_reply::Answer::Refused(_) => KillAnswer::Refused,
    })
}
