//! Orders and records as the short texts that the tests compare.

use iris_check::controller_sm::{
    Attempt, ClientReply, ControllerSm, Delivery, Effect, Stage, Standing,
};
use iris_check::model::id::{TaskId, WorkerId};
use iris_check::model::wire::{Attempts, BeatReply};

/// Orders, in order.
pub fn orders<'a>(effects: impl IntoIterator<Item = &'a Effect>) -> String {
    effects.into_iter().map(order).collect::<Vec<_>>().join("; ")
}

fn order(effect: &Effect) -> String {
    match effect {
        Effect::Persist => "persist".to_owned(),
        Effect::Reply(reply) => match reply {
            ClientReply::Submitted(job) => format!("submitted {job}"),
            ClientReply::BadSpec(bad) => format!("bad spec: {bad}"),
            ClientReply::Cancelled(job) => format!("cancelled {job}"),
            ClientReply::Drained(worker) => format!("drained {worker}"),
            ClientReply::NotFound => "not found".to_owned(),
        },
        Effect::ReplyBeat(reply) => beat(reply),
        Effect::ReplyReport => "noted".to_owned(),
        Effect::SendRun { attempt, seat } => format!("run {attempt} on {seat}"),
        Effect::SendKill { attempt, seat, only_if_not_started } => {
            let what = if *only_if_not_started { "fence" } else { "kill" };
            format!("{what} {attempt} on {seat}")
        }
        Effect::Arm(timer, after) => format!("arm {timer:?} {after}"),
        Effect::Disarm(timer) => format!("disarm {timer:?}"),
        Effect::CreateSlice { slice, vms, .. } => format!("create {slice} {:?}", vms.as_slice()),
        Effect::TerminateSlice(slice) => format!("terminate {slice}"),
        Effect::JobEnded(job) => format!("ended {job}"),
    }
}

fn beat(reply: &BeatReply) -> String {
    if !reply.known {
        assert_eq!(*reply, BeatReply::default(), "who is not known is told nothing else");
        return "unknown".to_owned();
    }
    let list = |name: &str, attempts: &Attempts| {
        let some = !attempts.is_empty();
        if some { format!(" {name} {:?}", attempts.as_slice()) } else { String::new() }
    };
    let (acked, stop) = (list("acked", &reply.acked), list("stop", &reply.stop));
    format!("known{acked}{stop}{}", list("fence", &reply.fence))
}

/// A task: state, attempts, and what it spent: failure/delivery/preemption.
pub fn task(sm: &ControllerSm, id: TaskId) -> String {
    let task = sm.task(id).expect("a task that there is");
    let attempts: Vec<String> = task.attempts.iter().map(attempt).collect();
    let spent = task.spent;
    let spent = format!("{}/{}/{}", spent.failure, spent.delivery, spent.preemption);
    format!("{} [{}] {spent}", task.state, attempts.join(", "))
}

fn attempt(attempt: &Attempt) -> String {
    let standing = match attempt.standing {
        Standing::Offered(Delivery { tries, stage: Stage::InDoubt, .. }) => {
            format!("in doubt after {tries}")
        }
        Standing::Offered(Delivery { tries, .. }) => format!("try {tries}"),
        Standing::Accepted(clock) => format!("since {}", clock.0),
        Standing::Ended { outcome, cause, gone } => {
            format!("{outcome} by {cause}{}", if gone { ", gone" } else { "" })
        }
    };
    format!("{} {standing}", attempt.seat)
}

/// A worker: state, what it holds in thousandths of a CPU, and for whom.
pub fn worker(sm: &ControllerSm, id: WorkerId) -> String {
    let state = sm.worker_state(id);
    let live = sm.workers().find(|(name, _)| *name == id).and_then(|(_, slot)| slot.live.as_ref());
    let Some(live) = live else { return state.to_string() };
    format!("{state} {} {:?}", live.held.cpu_milli, live.attempts.as_slice())
}
