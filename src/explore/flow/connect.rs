//! How the processes find each other: each connects to those before it, twice, and waits for those
//! behind it.

use std::io::ErrorKind;
use std::net::{TcpListener, TcpStream, ToSocketAddrs};
use std::thread::park_timeout;
use std::time::Duration;

use super::hello::{self, Hello, Line};
use super::{Cluster, FlowError};
use crate::explore::limits::Limits;

/// Between two looks at who is there.
const PAUSE: Duration = Duration::from_millis(20);
/// So long may one try take.
const TRY: Duration = Duration::from_secs(2);

/// Another process.
pub(super) struct Peer {
    pub(super) process: usize,
    /// For signs of life, and what all must know at once.
    pub(super) control: TcpStream,
    /// For the dataflow.
    pub(super) data: TcpStream,
}

/// Waits until all processes are connected, as long as the cluster's patience lasts.
pub(super) fn connect(
    cluster: &mut Cluster,
    search: u64,
    limits: &Limits,
) -> Result<Vec<Peer>, FlowError> {
    let number = |count: usize| u32::try_from(count).expect("invariant: there are few");
    let mine = Hello {
        version: hello::version(),
        search,
        processes: number(cluster.hosts.len()),
        threads: number(cluster.threads),
        from: number(cluster.process),
        to: 0,
        line: Line::Control,
    };
    let listener = cluster.listener.take();
    let cluster = &*cluster;
    let mut meeting = Meeting { cluster, limits, mine, left: cluster.patience };
    let listener = listener.map_or_else(|| meeting.listen(), |listener| Ok(Some(listener)))?;
    let mut peers = Vec::with_capacity(cluster.hosts.len() - 1);
    for process in 0..cluster.process {
        let control = meeting.reach(process, Line::Control)?;
        peers.push(Peer { process, control, data: meeting.reach(process, Line::Data)? });
    }
    if let Some(listener) = listener {
        peers.extend(meeting.wait_for(&listener)?);
    }
    Ok(peers)
}

/// How far a process is in finding the others.
struct Meeting<'a> {
    cluster: &'a Cluster,
    limits: &'a Limits<'a>,
    /// What this process says; to whom and what for is filled in.
    mine: Hello,
    /// What is left of the patience.
    left: Duration,
}

impl Meeting<'_> {
    /// The last process waits for nobody.
    fn listen(&self) -> Result<Option<TcpListener>, FlowError> {
        let Cluster { hosts, process, .. } = self.cluster;
        if process + 1 == hosts.len() {
            return Ok(None);
        }
        let host = &hosts[*process];
        let listener = TcpListener::bind(host);
        let refused = |error| FlowError::Refused(format!("{host} cannot be listened on: {error}"));
        listener.map(Some).map_err(refused)
    }

    /// Connects to a process before this one.
    fn reach(&mut self, process: usize, line: Line) -> Result<TcpStream, FlowError> {
        let host = self.cluster.hosts[process].clone();
        let to = u32::try_from(process).expect("invariant: there are few");
        let hello = Hello { to, line, ..self.mine };
        loop {
            let asked = self.ask(&host, &hello, process);
            match asked {
                Ok((stream, None)) => return Ok(stream),
                Ok((_, Some(says))) => {
                    return Err(FlowError::Refused(format!("process {process} ({host}): {says}")));
                }
                Err(Some(error)) => return Err(error),
                // It is not there yet, or not any more.
                Err(None) => self.pause(PAUSE, process)?,
            }
        }
    }

    /// One try.
    fn ask(
        &mut self,
        host: &str,
        hello: &Hello,
        process: usize,
    ) -> Result<(TcpStream, Option<String>), Option<FlowError>> {
        let mut stream = None;
        // A name may come to mean something later: pods and jobs get theirs when they start.
        for address in host.to_socket_addrs().map_err(|_| None)? {
            match TcpStream::connect_timeout(&address, TRY) {
                Ok(found) => stream = Some(found),
                Err(error) if error.kind() == ErrorKind::TimedOut => {
                    self.pause(TRY, process).map_err(Some)?;
                }
                Err(_) => {}
            }
            if stream.is_some() {
                break;
            }
        }
        let mut stream = stream.ok_or(None)?;
        ready(&stream).and_then(|()| hello.write(&mut stream)).map_err(|_| None)?;
        // It answers once it has found those before it.
        while let Err(error) = stream.peek(&mut [0]) {
            if !is_late(&error) {
                return Err(None);
            }
            self.pause(PAUSE, process).map_err(Some)?;
        }
        stream.set_read_timeout(Some(TRY)).map_err(|_| None)?;
        let says = hello::answered(&mut stream).map_err(|_| None)?;
        Ok((stream, says))
    }

    /// Lets all come that are behind this process.
    fn wait_for(&mut self, listener: &TcpListener) -> Result<Vec<Peer>, FlowError> {
        let Cluster { hosts, process, .. } = self.cluster;
        let first = process + 1;
        let mut lines: Vec<[Option<TcpStream>; 2]> =
            (first..hosts.len()).map(|_| [None, None]).collect();
        let broken = |error: std::io::Error| {
            FlowError::Refused(format!("{} cannot be listened on: {error}", hosts[*process]))
        };
        listener.set_nonblocking(true).map_err(broken)?;
        while let Some(missing) = lines.iter().position(|both| both.iter().any(Option::is_none)) {
            match listener.accept() {
                Ok((stream, _)) => {
                    if let Some((hello, stream)) = self.let_in(stream)? {
                        let place = hello.from as usize - first;
                        lines[place][usize::from(hello.line == Line::Data)] = Some(stream);
                    }
                }
                // Nobody is there, or whoever wanted to come has gone.
                Err(_) => self.pause(PAUSE, first + missing)?,
            }
        }
        let both = lines.into_iter().zip(first..).filter_map(|([control, data], process)| {
            Some(Peer { process, control: control?, data: data? })
        });
        Ok(both.collect())
    }

    /// Somebody knocks. Who does not speak as we do is sent away; who searches something else ends
    /// it for both.
    fn let_in(&self, mut stream: TcpStream) -> Result<Option<(Hello, TcpStream)>, FlowError> {
        let heard = stream.set_nonblocking(false).and_then(|()| ready(&stream));
        let heard = heard.and_then(|()| stream.set_read_timeout(Some(TRY)));
        let Some(hello) = heard.ok().and_then(|()| Hello::read(&mut stream)) else {
            return Ok(None);
        };
        let wrong = hello.differs(&self.mine).unwrap_or_default();
        let told = hello::answer(&mut stream, &wrong);
        if !wrong.is_empty() {
            return Err(FlowError::Refused(wrong));
        }
        Ok(told.ok().map(|()| (hello, stream)))
    }

    /// Waits a while for a process, or not any more.
    fn pause(&mut self, time: Duration, process: usize) -> Result<(), FlowError> {
        if let Some(stop) = (self.limits.stop)() {
            return Err(FlowError::Stopped(stop));
        }
        let Some(left) = self.left.checked_sub(time) else {
            let host = self.cluster.hosts[process].clone();
            let why = format!("it did not come within {} s", self.cluster.patience.as_secs());
            return Err(FlowError::Lost { process, host, why });
        };
        self.left = left;
        park_timeout(time);
        Ok(())
    }
}

/// Small messages are not to wait for larger ones.
fn ready(stream: &TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PAUSE))?;
    stream.set_write_timeout(Some(TRY))
}

/// Has nothing come in the time that was given?
pub(super) fn is_late(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}
