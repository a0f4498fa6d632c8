//! Calls of gRPC that do nothing: one after the other, in virtual time, over a pipe in memory.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::task::{Context, Poll};

use hyper_util::rt::TokioIo;
use tokio::io::DuplexStream;
use tonic::body::Body;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::codegen::{BoxFuture, http};
use tonic::server::{NamedService, UnaryService};
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;
use tower::Service;

/// As long as a heartbeat with an attempt.
const REQUEST: &str = "w1@3 w1@3 4000 17179869184 zone a j1.0#2 RUNNING 127.0.0.1:10000";

/// Makes so many calls.
pub fn calls(count: u32) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime without sockets needs nothing");
    runtime.block_on(async {
        let mut client = tonic::client::Grpc::new(line());
        for _ in 0..count {
            client.ready().await.expect("the server is there");
            let codec = ProstCodec::<String, String>::default();
            let path = PathAndQuery::from_static("/bench.Echo/Echo");
            let request = Request::new(REQUEST.to_owned());
            let reply = client.unary(request, path, codec).await.expect("it answers");
            assert_eq!(reply.get_ref(), REQUEST);
        }
    });
}

/// A line to a server at the other end of a pipe.
fn line() -> Channel {
    let (here, there) = tokio::io::duplex(64 * 1024);
    let connections = tokio_stream::once(Ok::<DuplexStream, std::io::Error>(there));
    tokio::spawn(Server::builder().add_service(Echo).serve_with_incoming(connections));
    let mut here = Some(here);
    let connect = move |_: http::Uri| {
        let gone = || std::io::Error::other("the pipe was taken");
        let taken = here.take().map(TokioIo::new).ok_or_else(gone);
        async move { taken }
    };
    Endpoint::from_static("http://bare").connect_with_connector_lazy(tower::service_fn(connect))
}

/// Says what it was told.
#[derive(Clone)]
struct Echo;

impl NamedService for Echo {
    const NAME: &'static str = "bench.Echo";
}

impl UnaryService<String> for Echo {
    type Response = String;
    type Future = Ready<Result<Response<String>, Status>>;

    fn call(&mut self, request: Request<String>) -> Self::Future {
        ready(Ok(Response::new(request.into_inner())))
    }
}

impl Service<http::Request<Body>> for Echo {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Self::Error>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        Box::pin(async {
            let codec = ProstCodec::<String, String>::default();
            Ok(tonic::server::Grpc::new(codec).unary(Echo, request).await)
        })
    }
}
