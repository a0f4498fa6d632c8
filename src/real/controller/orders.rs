//! What becomes of the controller's orders: answers, calls to workers, orders to the provider.

use std::collections::BTreeMap;

use tokio::sync::mpsc;
use tonic::{Code, Status};

use crate::controller_sm::{Effect, Input};
use crate::model::id::{AttemptId, Seat, WorkerId};
use crate::model::policy::Policy;
use crate::model::wire::{KillTask, TryError};
use crate::real::chaos::{Chaos, Node, Point};
use crate::real::clock::Clock;
use crate::real::net::{Network, Way};
use crate::real::wire::proto::worker_client::WorkerClient;
use crate::real::wire::{self, proto};

use super::{Ask, Driver, Turn, Waits};

/// The lines to workers, and how calls go over them.
pub(super) struct Lines {
    network: Network,
    chaos: Chaos,
    clock: Clock,
    policy: Policy,
    open: BTreeMap<WorkerId, (String, WorkerClient<Way>)>,
}

impl Lines {
    pub(super) fn new(network: Network, chaos: Chaos, clock: Clock, policy: Policy) -> Self {
        Self { network, chaos, clock, policy, open: BTreeMap::new() }
    }

    /// The line to a worker that listens at this address.
    fn to(&mut self, worker: WorkerId, address: &str) -> Option<WorkerClient<Way>> {
        if let Some((known, client)) = self.open.get(&worker)
            && known == address
        {
            return Some(client.clone());
        }
        let client = WorkerClient::new(self.network.reach(address).ok()?);
        self.open.insert(worker, (address.to_owned(), client.clone()));
        Some(client)
    }
}

impl Driver {
    /// Performs the orders of one input, all but its timers.
    pub(super) fn perform(&mut self, turn: Turn) {
        let mut waits = turn.waits;
        for effect in turn.effects {
            match effect {
                Effect::Reply(reply) => {
                    if let Waits::Client(client) = std::mem::replace(&mut waits, Waits::Nobody) {
                        let _ = client.send(reply);
                    }
                }
                Effect::ReplyBeat(reply) => {
                    if let Waits::Beat(worker) = std::mem::replace(&mut waits, Waits::Nobody) {
                        let _ = worker.send(reply);
                    }
                }
                Effect::ReplyReport => {
                    if let Waits::Report(worker) = std::mem::replace(&mut waits, Waits::Nobody) {
                        let _ = worker.send(());
                    }
                }
                Effect::SendRun { attempt, seat } => self.send_run(attempt, seat),
                Effect::SendKill { attempt, seat, only_if_not_started } => {
                    self.send_kill(KillTask { attempt, seat, only_if_not_started });
                }
                Effect::CreateSlice { slice, group, vms } => {
                    self.provider.create(slice, group, &vms);
                }
                Effect::TerminateSlice(slice) => self.provider.terminate(slice),
                // Watchers compare states, timers are kept beside, and the input is durable.
                Effect::JobEnded(_) | Effect::Arm(..) | Effect::Disarm(_) | Effect::Persist => {}
            }
        }
    }

    pub(super) fn line(&mut self, worker: WorkerId) -> Option<WorkerClient<Way>> {
        let address = self.addresses.get(&worker)?;
        self.lines.to(worker, address)
    }

    fn send_run(&mut self, attempt: AttemptId, seat: Seat) {
        let failed = move |error| Input::TryFailed { attempt, error };
        let Some(job) = self.machine.job(attempt.task.job) else { return };
        let payload = job.payload.as_deref().map(wire::payload_to);
        let resources = job.terms.resources;
        let request = proto::RunTaskRequest {
            attempt: attempt.to_string(),
            seat: seat.to_string(),
            resources: Some(wire::resources_to(resources)),
            payload,
        };
        let Some(client) = self.line(seat.worker) else {
            // It has not said where it lives, so no byte left.
            return self.say(async move { failed(TryError::NotSent) });
        };
        let call = move || {
            let (mut client, request) = (client.clone(), request.clone());
            async move { client.run_task(request).await }
        };
        let (chaos, clock, policy) = self.calling();
        self.say(async move {
            let node = Some(Node::Worker(seat.worker));
            let called = chaos.around(Point::ControllerDispatch, node, call);
            let answer = clock.within(policy.rpc_timeout, called).await;
            match answer.map(|it| it.and_then(|it| wire::answer_from(it.into_inner()))) {
                None => failed(TryError::Unknown),
                Some(Ok(answer)) => Input::RunAnswered { attempt, answer },
                Some(Err(status)) => failed(how_it_failed(&status)),
            }
        });
    }

    fn send_kill(&mut self, kill: KillTask) {
        // Heartbeat replies repeat what does not get through.
        let Some(client) = self.line(kill.seat.worker) else { return };
        let call = move || {
            let mut client = client.clone();
            async move { client.kill_task(wire::kill_to(kill)).await }
        };
        let (chaos, clock, policy) = self.calling();
        let to_self = self.to_self.clone();
        // A call is kilobytes, and a task would move it some times before it is done.
        self.calls.spawn(Box::pin(async move {
            let node = Some(Node::Worker(kill.seat.worker));
            let called = chaos.around(Point::ControllerKill, node, call);
            let answer = clock.within(policy.rpc_timeout, called).await;
            let Some(Ok(answer)) = answer else { return };
            let Ok(answer) = wire::kill_answer_from(answer.into_inner()) else { return };
            tell(&to_self, Input::KillAnswered { attempt: kill.attempt, answer }).await;
        }));
    }

    fn calling(&self) -> (Chaos, Clock, Policy) {
        (self.lines.chaos.clone(), self.lines.clock, self.lines.policy)
    }

    /// Does something on the side and takes what comes of it as an input.
    fn say(&mut self, call: impl Future<Output = Input> + Send + 'static) {
        let to_self = self.to_self.clone();
        self.calls.spawn(Box::pin(async move {
            let input = call.await;
            tell(&to_self, input).await;
        }));
    }
}

async fn tell(driver: &mpsc::WeakSender<Ask>, input: Input) {
    if let Some(driver) = driver.upgrade() {
        // Where the driver is gone there is nobody left to tell.
        let _ = driver.send(Ask::Fact(input, Waits::Nobody)).await;
    }
}

/// What a failed try says of whether it arrived. UNAVAILABLE means that no byte left where the
/// other side said so, or where no connection came about; a connection that broke may have carried
/// the call.
fn how_it_failed(status: &Status) -> TryError {
    match status.code() {
        Code::Unavailable if !was_connected(status) => TryError::NotSent,
        Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled | Code::Unknown | Code::Ok => {
            TryError::Unknown
        }
        Code::InvalidArgument
        | Code::NotFound
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::ResourceExhausted
        | Code::FailedPrecondition
        | Code::Aborted
        | Code::OutOfRange
        | Code::Unimplemented
        | Code::Internal
        | Code::DataLoss
        | Code::Unauthenticated => TryError::Unexpected,
    }
}

fn was_connected(status: &Status) -> bool {
    let mut cause = std::error::Error::source(status);
    let mut is_transport = false;
    while let Some(error) = cause {
        if error.is::<tonic::ConnectError>() {
            return false;
        }
        is_transport = true;
        cause = error.source();
    }
    is_transport
}
