//! How nodes reach each other: loopback TCP, or pipes in memory. Everything above is the same.
//!
//! A socket under a paused clock counts as waiting, and the clock would jump: so virtual time takes
//! pipes, and real time may take either. Every accepted connection hangs on its listener's
//! [`Cut`]: a node that crashes takes its connections with it at once, half-sent messages included.

use std::collections::BTreeMap;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll, Waker};

use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tokio_stream::{Stream, StreamExt};
use tonic::service::interceptor::InterceptedService;
use tonic::transport::server::Connected;
use tonic::transport::{Channel, Endpoint};

use super::token::{Ask, Say, Token};

/// Bytes that may be under way in one direction of a pipe.
const PIPE: usize = 64 * 1024;

/// Who listens under which name in memory.
type Names = Arc<Mutex<BTreeMap<String, mpsc::UnboundedSender<DuplexStream>>>>;

/// The network of a cluster; copies are the same network.
#[derive(Debug, Clone)]
pub struct Network {
    kind: Kind,
    token: Option<Token>,
    calls: Arc<AtomicU64>,
}

/// A line to another node.
pub(super) type Way = InterceptedService<Channel, Say>;

#[derive(Debug, Clone)]
enum Kind {
    Tcp,
    Memory(Names),
}

impl Network {
    fn new(kind: Kind) -> Self {
        Self { kind, token: None, calls: Arc::default() }
    }

    /// Calls that were made over it so far, answered or not.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// Sockets.
    pub fn tcp() -> Self {
        Self::new(Kind::Tcp)
    }

    /// Pipes within this process.
    pub fn memory() -> Self {
        Self::new(Kind::Memory(Names::default()))
    }

    /// The same network, where every call says this token and every listener asks for it.
    #[must_use]
    pub fn with_token(mut self, token: Option<Token>) -> Self {
        self.token = token;
        self
    }

    /// What asks each call for the token.
    pub(super) fn door(&self) -> Ask {
        Ask::new(self.token.as_ref())
    }

    /// Listens: on a socket address, port 0 meaning any, or under a name.
    ///
    /// # Errors
    /// The address cannot be had; the operating system says why.
    pub async fn listen(&self, address: &str) -> io::Result<Listener> {
        let cut = Arc::new(Cut::default());
        let (address, incoming) = match &self.kind {
            Kind::Tcp => {
                let listener = TcpListener::bind(address).await?;
                (listener.local_addr()?.to_string(), Incoming::Tcp(listener))
            }
            Kind::Memory(names) => {
                let (send, receive) = mpsc::unbounded_channel();
                lock(names).insert(address.to_owned(), send);
                (address.to_owned(), Incoming::Memory(receive))
            }
        };
        Ok(Listener { address, incoming, cut })
    }

    /// A way to whoever listens at this address; it connects when it is first needed, and again
    /// after the connection broke.
    ///
    /// # Errors
    /// The text is no address.
    pub(super) fn reach(&self, address: &str) -> Result<Way, BadAddress> {
        let say = Say::new(self.token.as_ref(), &self.calls);
        self.channel(address).map(|channel| InterceptedService::new(channel, say))
    }

    fn channel(&self, address: &str) -> Result<Channel, BadAddress> {
        let bad = |_| BadAddress(address.to_owned());
        match &self.kind {
            Kind::Tcp => {
                let endpoint = Endpoint::from_shared(format!("http://{address}")).map_err(bad)?;
                Ok(endpoint.tcp_nodelay(true).connect_lazy())
            }
            Kind::Memory(names) => {
                let (names, name) = (Arc::clone(names), address.to_owned());
                let connect = move |_: tonic::transport::Uri| {
                    let found = dial(&names, &name);
                    async move { found.map(TokioIo::new) }
                };
                let endpoint = Endpoint::from_static("http://memory");
                Ok(endpoint.connect_with_connector_lazy(tower::service_fn(connect)))
            }
        }
    }
}

fn dial(names: &Names, name: &str) -> io::Result<DuplexStream> {
    let (here, there) = tokio::io::duplex(PIPE);
    let nobody = || io::Error::new(io::ErrorKind::ConnectionRefused, "nobody listens there");
    let names = lock(names);
    names.get(name).ok_or_else(nobody)?.send(there).map_err(|_| nobody())?;
    Ok(here)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // What is guarded is whole between any two statements.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A text that is no address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadAddress(String);

impl std::fmt::Display for BadAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}` is no address; one such as `127.0.0.1:7077` was expected", self.0)
    }
}

impl std::error::Error for BadAddress {}

#[derive(Debug)]
enum Incoming {
    Tcp(TcpListener),
    Memory(mpsc::UnboundedReceiver<DuplexStream>),
}

/// Accepts connections.
#[derive(Debug)]
pub struct Listener {
    address: String,
    incoming: Incoming,
    cut: Arc<Cut>,
}

impl Listener {
    /// Where it can be reached.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// What cuts every connection that it ever accepted.
    pub fn cut(&self) -> Arc<Cut> {
        Arc::clone(&self.cut)
    }

    /// The connections, as they come in.
    pub fn connections(self) -> Pin<Box<dyn Stream<Item = Accepted> + Send>> {
        let cut = self.cut;
        let line = move |io: Box<dyn Connection>| Line::new(io, &cut);
        match self.incoming {
            Incoming::Tcp(listener) => {
                let streams = tokio_stream::wrappers::TcpListenerStream::new(listener);
                Box::pin(streams.map(move |stream| {
                    let stream: TcpStream = stream?;
                    stream.set_nodelay(true)?;
                    Ok(line(Box::new(stream)))
                }))
            }
            Incoming::Memory(receive) => {
                let streams = UnboundedReceiverStream::new(receive);
                Box::pin(streams.map(move |stream| Ok(line(Box::new(stream)))))
            }
        }
    }
}

/// A connection that came in, or why it did not.
pub type Accepted = io::Result<Line<Box<dyn Connection>>>;

/// Bytes in both directions.
pub trait Connection: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> Connection for T {}

/// What breaks connections.
#[derive(Debug, Default)]
pub struct Cut {
    is_cut: AtomicBool,
    lines: Mutex<Vec<Weak<Slot>>>,
}

/// Who waits on one connection.
type Slot = Mutex<Option<Waker>>;

impl Cut {
    /// Breaks them all, those still to come included.
    pub fn now(&self) {
        self.is_cut.store(true, Ordering::SeqCst);
        for slot in std::mem::take(&mut *lock(&self.lines)).iter().filter_map(Weak::upgrade) {
            if let Some(waker) = lock(&slot).take() {
                waker.wake();
            }
        }
    }

    fn is_cut(&self) -> bool {
        self.is_cut.load(Ordering::SeqCst)
    }
}

/// A connection that can be cut.
#[derive(Debug)]
pub struct Line<T> {
    io: T,
    cut: Arc<Cut>,
    slot: Arc<Slot>,
}

impl<T> Line<T> {
    fn new(io: T, cut: &Arc<Cut>) -> Self {
        let slot = Arc::default();
        let mut lines = lock(&cut.lines);
        lines.retain(|line| line.strong_count() > 0);
        lines.push(Arc::downgrade(&slot));
        drop(lines);
        Self { io, cut: Arc::clone(cut), slot }
    }
}

fn broken() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionReset, "the node is down")
}

impl<T: AsyncRead + Unpin> AsyncRead for Line<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        *lock(&self.slot) = Some(context.waker().clone());
        // Asked for after the waker is in its place: a cut between the two is not missed.
        if self.cut.is_cut() {
            return Poll::Ready(Err(broken()));
        }
        Pin::new(&mut self.io).poll_read(context, buffer)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Line<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.cut.is_cut() {
            return Poll::Ready(Err(broken()));
        }
        Pin::new(&mut self.io).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}

impl<T> Connected for Line<T> {
    type ConnectInfo = ();

    fn connect_info(&self) {}
}
