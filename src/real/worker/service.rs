//! What comes in over gRPC: calls of the controller, checked, bounded, and handed to the driver.

use std::pin::Pin;

use tokio::io::AsyncReadExt;
use tokio::sync::{mpsc, oneshot};
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::service::InterceptorLayer;
use tonic::transport::Server;
use tonic::{Request, Response, Status};

use crate::model::id::WorkerId;
use crate::real::chaos::{Chaos, Node, Point};
use crate::real::net::{Listener, Network};
use crate::real::wire::proto::worker_server::{Worker, WorkerServer};
use crate::real::wire::{self, proto};

use super::Ask;

/// Bytes of a log in one message.
const CHUNK: usize = 64 * 1024;
/// Bytes of one request.
const REQUEST: usize = 4 * 1024 * 1024;
/// Streams that may be open on one connection.
const STREAMS: u32 = 1024;

/// Where calls come in; copies are the same door.
#[derive(Clone)]
pub(in crate::real) struct Door {
    to_worker: mpsc::Sender<Ask>,
    worker: WorkerId,
    chaos: Chaos,
}

impl Door {
    pub(in crate::real) fn new(
        to_worker: mpsc::Sender<Ask>,
        worker: WorkerId,
        chaos: Chaos,
    ) -> Self {
        Self { to_worker, worker, chaos }
    }

    async fn ask<T>(&self, make: impl FnOnce(oneshot::Sender<T>) -> Ask) -> Result<T, Status> {
        let (answer, answered) = oneshot::channel();
        // Nothing happened in both cases: no byte has reached the machine.
        self.to_worker
            .try_send(make(answer))
            .map_err(|_| Status::unavailable("the worker is busy or down"))?;
        answered.await.map_err(|_| Status::unknown("the worker died over this call"))
    }

    async fn run(
        self,
        request: proto::RunTaskRequest,
    ) -> Result<Response<proto::RunTaskReply>, Status> {
        let (call, need, payload) = wire::payload_from(request)?;
        let answer = self.ask(|answer| Ask::Run(call, need, Box::new(payload), answer)).await?;
        Ok(Response::new(wire::answer_to(answer)))
    }
}

#[tonic::async_trait]
impl Worker for Door {
    async fn run_task(
        &self,
        request: Request<proto::RunTaskRequest>,
    ) -> Result<Response<proto::RunTaskReply>, Status> {
        let (door, request) = (self.clone(), request.into_inner());
        let call = move || door.clone().run(request.clone());
        let node = Some(Node::Worker(self.worker));
        self.chaos.around(Point::WorkerSubmitTask, node, call).await
    }

    async fn kill_task(
        &self,
        request: Request<proto::KillTaskRequest>,
    ) -> Result<Response<proto::KillTaskReply>, Status> {
        let call = wire::kill_from(request.get_ref())?;
        let answer = self.ask(|answer| Ask::Kill(call, answer)).await?;
        Ok(Response::new(wire::kill_answer_to(answer)))
    }

    type LogsStream = Pin<Box<dyn Stream<Item = Result<proto::LogChunk, Status>> + Send>>;

    async fn logs(
        &self,
        request: Request<proto::LogsRequest>,
    ) -> Result<Response<Self::LogsStream>, Status> {
        let request = request.into_inner();
        let attempt = wire::id("attempt", &request.attempt)?;
        let path = self.ask(|answer| Ask::Log(attempt, request.stderr, answer)).await?;
        let nothing = || Status::not_found(format!("{attempt} wrote nothing that is kept here"));
        let path = path.ok_or_else(nothing)?;
        let mut file = tokio::fs::File::open(path).await.map_err(|_| nothing())?;
        let (send, chunks) = mpsc::channel(4);
        tokio::spawn(async move {
            let mut buffer = vec![0; CHUNK];
            loop {
                let chunk = match file.read(&mut buffer).await {
                    Ok(0) => return,
                    Ok(n) => Ok(proto::LogChunk { data: buffer[..n].to_vec() }),
                    Err(error) => Err(Status::data_loss(error.to_string())),
                };
                let is_last = chunk.is_err();
                if send.send(chunk).await.is_err() || is_last {
                    return;
                }
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(chunks))))
    }
}

/// Serves the controller on these connections, until dropped.
pub(in crate::real) async fn serve(
    door: Door,
    network: Network,
    listener: Listener,
) -> Result<(), tonic::transport::Error> {
    let worker = WorkerServer::new(door).max_decoding_message_size(REQUEST);
    Server::builder()
        .max_concurrent_streams(STREAMS)
        .layer(InterceptorLayer::new(network.door()))
        .add_service(worker)
        .serve_with_incoming(listener.connections())
        .await
}
