//! What comes in over gRPC: calls of clients and of workers, checked, bounded, and handed to the
//! driver.

#[cfg(test)]
mod tests;

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Stream, StreamExt};
use tonic::service::InterceptorLayer;
use tonic::transport::Server;
use tonic::{Request, Response, Status};

use crate::controller_sm::{ClientReply, ControllerSm, Input};
use crate::model::id::{AttemptId, JobId};
use crate::model::spec::Entrypoint;
use crate::model::wire::Report;
use crate::real::chaos::{Chaos, Node, Point};
use crate::real::clock::{At, Clock};
use crate::real::net::{Listener, Network};
use crate::real::status::{self, JobStatus};
use crate::real::wire::proto::client_server::{Client, ClientServer};
use crate::real::wire::proto::controller_server::{Controller, ControllerServer};
use crate::real::wire::{self, proto};

use super::{Ask, ToController, Waits};

/// What is bounded, so that no caller can take all there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one request.
    pub request_bytes: usize,
    /// Calls of clients a second, all together; twice as many may come at once.
    pub calls_per_second: u32,
    /// Streams that may be open on one connection.
    pub streams_per_connection: u32,
    /// Jobs that may be waited for, and logs that may be read, all together.
    pub open_streams: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            request_bytes: 4 * 1024 * 1024,
            calls_per_second: 10_000,
            streams_per_connection: 1024,
            open_streams: 4096,
        }
    }
}

/// Statuses that a watcher may be behind.
const BEHIND: usize = 16;

/// Where calls come in; copies are the same door.
#[derive(Clone)]
pub(in crate::real) struct Door {
    to_controller: mpsc::Sender<Ask>,
    chaos: Chaos,
    clock: Clock,
    limits: Limits,
    bucket: Arc<Mutex<Bucket>>,
    streams: Arc<Semaphore>,
}

/// Calls that may still be made: full at first, refilled with time.
struct Bucket {
    thousandths: u64,
    since: At,
}

impl Door {
    pub(in crate::real) fn new(
        to_controller: ToController,
        chaos: Chaos,
        clock: Clock,
        limits: Limits,
    ) -> Self {
        let to_controller = to_controller.0;
        let thousandths = u64::from(limits.calls_per_second) * 2000;
        let bucket = Arc::new(Mutex::new(Bucket { thousandths, since: clock.now() }));
        let streams = Arc::new(Semaphore::new(limits.open_streams));
        Self { to_controller, chaos, clock, limits, bucket, streams }
    }

    /// Lets one call of a client in, unless there are too many.
    fn admit(&self) -> Result<(), Status> {
        let mut bucket = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        let rate = u64::from(self.limits.calls_per_second);
        let refilled = bucket.thousandths.saturating_add(now.since(bucket.since) * rate);
        bucket.since = now;
        bucket.thousandths = refilled.min(rate * 2000);
        let Some(left) = bucket.thousandths.checked_sub(1000) else {
            return Err(Status::resource_exhausted("too many calls; try again in a second"));
        };
        bucket.thousandths = left;
        Ok(())
    }

    async fn ask<T>(&self, make: impl FnOnce(oneshot::Sender<T>) -> Ask) -> Result<T, Status> {
        let (answer, answered) = oneshot::channel();
        self.to_controller.try_send(make(answer)).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => {
                Status::resource_exhausted("the controller has too much to do; try again")
            }
            mpsc::error::TrySendError::Closed(_) => Status::unavailable("the controller is down"),
        })?;
        answered.await.map_err(|_| Status::unavailable("nothing happened; try again"))
    }

    /// As [`Door::admit`], for what also takes room in the inbox: half of it is kept for workers.
    /// A client may come again at once; a worker that is not heard may be taken for dead.
    fn admit_to_inbox(&self) -> Result<(), Status> {
        self.admit()?;
        if self.to_controller.capacity() > self.to_controller.max_capacity() / 2 {
            return Ok(());
        }
        Err(Status::resource_exhausted("the controller has too much to do; try again"))
    }

    async fn client(&self, input: Input) -> Result<ClientReply, Status> {
        self.admit_to_inbox()?;
        self.ask(|answer| Ask::Fact(input, Waits::Client(answer))).await
    }

    async fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce(&ControllerSm) -> T + Send + 'static,
    ) -> Result<T, Status> {
        self.admit_to_inbox()?;
        self.ask(|answer| {
            Ask::Look(Box::new(move |machine| {
                // Whoever asked may have gone.
                let _ = answer.send(look(machine));
            }))
        })
        .await
    }

    async fn status_of(&self, job: JobId) -> Result<JobStatus, Status> {
        let status = self.look(move |machine| JobStatus::of(machine, job)).await?;
        status.ok_or_else(|| no_job(job))
    }

    async fn beat(self, beat: proto::Heartbeat) -> Result<Response<proto::BeatReply>, Status> {
        let (beat, address) = wire::beat_from(beat)?;
        let lives = Ask::Lives(beat.seat.worker, address);
        self.to_controller
            .try_send(lives)
            .map_err(|_| Status::resource_exhausted("the controller has too much to do"))?;
        let input = Input::Beat(Box::new(beat));
        let reply = self.ask(|answer| Ask::Fact(input, Waits::Beat(answer))).await?;
        Ok(Response::new(wire::reply_to(&reply)))
    }

    async fn report(&self, report: Report) -> Result<Response<proto::ReportReply>, Status> {
        self.ask(|answer| Ask::Fact(Input::Report(report), Waits::Report(answer))).await?;
        Ok(Response::new(proto::ReportReply {}))
    }
}

fn no_job(job: JobId) -> Status {
    Status::not_found(format!("there is no job {job}, or it has been forgotten"))
}

fn odd_reply() -> Status {
    Status::internal("the controller gave another answer than this call has")
}

type Stream_<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl Client for Door {
    async fn submit(
        &self,
        request: Request<proto::SubmitRequest>,
    ) -> Result<Response<proto::SubmitReply>, Status> {
        let spec = wire::spec_from(request.into_inner().spec)?;
        if spec.payload.entrypoint == Entrypoint::None {
            return Err(wire::malformed("entrypoint", &"it is missing: a command or a closure"));
        }
        match self.client(Input::Submit(Box::new(spec))).await? {
            ClientReply::Submitted(job) => {
                Ok(Response::new(proto::SubmitReply { job: job.to_string() }))
            }
            ClientReply::BadSpec(bad) => Err(Status::invalid_argument(bad.to_string())),
            ClientReply::Cancelled(_) | ClientReply::Drained(_) | ClientReply::NotFound => {
                Err(odd_reply())
            }
        }
    }

    async fn status(
        &self,
        request: Request<proto::JobRequest>,
    ) -> Result<Response<proto::JobStatus>, Status> {
        let job = wire::id("job", &request.get_ref().job)?;
        Ok(Response::new(wire::job_to(&self.status_of(job).await?)))
    }

    async fn list(
        &self,
        _: Request<proto::ListRequest>,
    ) -> Result<Response<proto::ListReply>, Status> {
        let jobs = self.look(status::list).await?;
        Ok(Response::new(proto::ListReply { jobs: jobs.iter().map(wire::summary_to).collect() }))
    }

    async fn cancel(
        &self,
        request: Request<proto::JobRequest>,
    ) -> Result<Response<proto::CancelReply>, Status> {
        let job = wire::id("job", &request.get_ref().job)?;
        match self.client(Input::Cancel(job)).await? {
            ClientReply::Cancelled(_) => Ok(Response::new(proto::CancelReply {})),
            ClientReply::NotFound => Err(no_job(job)),
            ClientReply::Submitted(_) | ClientReply::BadSpec(_) | ClientReply::Drained(_) => {
                Err(odd_reply())
            }
        }
    }

    type WaitStream = Stream_<proto::JobStatus>;

    async fn wait(
        &self,
        request: Request<proto::JobRequest>,
    ) -> Result<Response<Self::WaitStream>, Status> {
        let job = wire::id("job", &request.get_ref().job)?;
        self.status_of(job).await?;
        let open = self.open_stream()?;
        let (watcher, statuses) = mpsc::channel(BEHIND);
        let asked = self.to_controller.try_send(Ask::Watch(job, watcher));
        asked.map_err(|_| Status::resource_exhausted("the controller has too much to do"))?;
        let statuses = ReceiverStream::new(statuses).map(move |status: JobStatus| {
            let _ = &open; // held as long as the stream is
            Ok(wire::job_to(&status))
        });
        Ok(Response::new(Box::pin(statuses)))
    }

    async fn cluster(
        &self,
        _: Request<proto::ClusterRequest>,
    ) -> Result<Response<proto::ClusterReply>, Status> {
        let cluster = self.look(status::cluster).await?;
        Ok(Response::new(wire::cluster_to(&cluster)))
    }

    async fn snapshot(
        &self,
        _: Request<proto::SnapshotRequest>,
    ) -> Result<Response<proto::SnapshotReply>, Status> {
        let (jobs, cluster) = self.look(status::snapshot).await?;
        let jobs = jobs.iter().map(wire::job_to).collect();
        let cluster = Some(wire::cluster_to(&cluster));
        Ok(Response::new(proto::SnapshotReply { jobs, cluster }))
    }

    async fn drain(
        &self,
        request: Request<proto::DrainRequest>,
    ) -> Result<Response<proto::DrainReply>, Status> {
        let request = request.into_inner();
        let worker = wire::id("worker", &request.worker)?;
        match self.client(Input::Drain { worker, closed: request.closed }).await? {
            ClientReply::Drained(_) => Ok(Response::new(proto::DrainReply {})),
            ClientReply::NotFound => {
                Err(Status::not_found(format!("no worker {worker} was ever heard of")))
            }
            ClientReply::Submitted(_) | ClientReply::BadSpec(_) | ClientReply::Cancelled(_) => {
                Err(odd_reply())
            }
        }
    }

    type LogsStream = Stream_<proto::LogChunk>;

    async fn logs(
        &self,
        request: Request<proto::LogsRequest>,
    ) -> Result<Response<Self::LogsStream>, Status> {
        let attempt: AttemptId = wire::id("attempt", &request.get_ref().attempt)?;
        self.admit_to_inbox()?;
        let open = self.open_stream()?;
        let line = self.ask(|answer| Ask::Line(attempt, answer)).await?;
        let mut line = line.ok_or_else(|| {
            Status::not_found(format!(
                "there is no attempt {attempt}, or its worker has not said where it is"
            ))
        })?;
        let chunks = line.logs(request.into_inner()).await?.into_inner();
        let chunks = chunks.map(move |chunk| {
            let _ = &open;
            chunk
        });
        Ok(Response::new(Box::pin(chunks)))
    }
}

impl Door {
    fn open_stream(&self) -> Result<tokio::sync::OwnedSemaphorePermit, Status> {
        Arc::clone(&self.streams)
            .try_acquire_owned()
            .map_err(|_| Status::resource_exhausted("too many streams are open; try again later"))
    }
}

#[tonic::async_trait]
impl Controller for Door {
    async fn beat(
        &self,
        request: Request<proto::Heartbeat>,
    ) -> Result<Response<proto::BeatReply>, Status> {
        let beat = request.into_inner();
        let seat: crate::model::id::Seat = wire::id("seat", &beat.seat)?;
        let door = self.clone();
        let call = move || door.clone().beat(beat.clone());
        let node = Some(Node::Worker(seat.worker));
        self.chaos.around(Point::ControllerHeartbeatReply, node, call).await
    }

    async fn report_task_state(
        &self,
        request: Request<proto::Report>,
    ) -> Result<Response<proto::ReportReply>, Status> {
        self.report(wire::report_from(request.get_ref())?).await
    }

    async fn policy(
        &self,
        _: Request<proto::PolicyRequest>,
    ) -> Result<Response<proto::PolicyReply>, Status> {
        let look = |answer: oneshot::Sender<_>| {
            Ask::Look(Box::new(move |machine: &ControllerSm| {
                // Whoever asked may have gone.
                let _ = answer.send(*machine.policy());
            }))
        };
        let policy = self.ask(look).await?;
        let json =
            serde_json::to_string(&policy).expect("invariant: a policy is numbers and words only");
        Ok(Response::new(proto::PolicyReply { json }))
    }
}

/// Serves clients and workers on these connections, until dropped.
pub(in crate::real) async fn serve(
    door: Door,
    network: Network,
    listener: Listener,
) -> Result<(), tonic::transport::Error> {
    let limits = door.limits;
    let client = ClientServer::new(door.clone()).max_decoding_message_size(limits.request_bytes);
    let controller = ControllerServer::new(door).max_decoding_message_size(limits.request_bytes);
    Server::builder()
        .max_concurrent_streams(limits.streams_per_connection)
        .layer(InterceptorLayer::new(network.door()))
        .add_service(client)
        .add_service(controller)
        .serve_with_incoming(listener.connections())
        .await
}
