//! What timely reads from and writes to: a connection whose loss ends no thread with a panic that
//! nobody caught.

use std::io::{Error, ErrorKind, Read, Result, Write};
use std::net::{Shutdown, TcpStream};
use std::panic::resume_unwind;
use std::sync::Arc;

use timely::communication::allocator::ProcessBuilder;
use timely::communication::allocator::zero_copy::initialize::initialize_networking_from_sockets;
use timely::communication::allocator::zero_copy::stream::Stream;
use timely::communication::{AllocatorBuilder, Hooks};

use super::Cluster;
use super::connect::Peer;
use super::link::Link;

/// The last message of a connection: as many zeros.
const LAST: usize = 48;

/// A connection for data, or one end of it.
struct Wire {
    socket: TcpStream,
    link: Arc<Link>,
    /// Who is at the other side.
    process: usize,
    /// How many zeros were read last, as far as it matters.
    zeros: usize,
}

/// What the workers of this process are made from. From here on timely's threads use the
/// connections; nobody joins them, since those whose peer is lost unwind.
pub(super) fn allocators(
    cluster: &Cluster,
    link: &Arc<Link>,
    peers: Vec<Peer>,
) -> Result<Vec<AllocatorBuilder>> {
    let hooks = Hooks::default();
    let (refill, spill) = (hooks.refill.clone(), hooks.spill.clone());
    let inside = ProcessBuilder::new_typed_vector(cluster.threads, refill, spill);
    let mut sockets: Vec<Option<Wire>> = cluster.hosts.iter().map(|_| None).collect();
    for peer in peers {
        // Nothing to send may last as long as a search: who is silent is told by the other line.
        peer.data.set_read_timeout(None)?;
        peer.data.set_write_timeout(None)?;
        sockets[peer.process] = Some(Wire::new(peer.data, link, peer.process));
    }
    let (threads, process) = (cluster.threads, cluster.process);
    let (builders, guard) =
        initialize_networking_from_sockets(inside, sockets, process, threads, hooks)?;
    std::mem::forget(guard);
    Ok(builders.into_iter().map(AllocatorBuilder::Tcp).collect())
}

impl Wire {
    fn new(socket: TcpStream, link: &Arc<Link>, process: usize) -> Self {
        link.count_wire(true);
        Self { socket, link: Arc::clone(link), process, zeros: 0 }
    }

    fn note(&mut self, read: &[u8]) {
        let zeros = read.iter().rev().take_while(|byte| **byte == 0).take(LAST).count();
        let all = zeros == read.len();
        self.zeros = if all { (self.zeros + zeros).min(LAST) } else { zeros };
    }
}

impl Read for Wire {
    /// Where the other side is lost, it ends the thread once nobody looks at what it does.
    fn read(&mut self, bytes: &mut [u8]) -> Result<usize> {
        let why = match self.socket.read(bytes) {
            Ok(0) if self.zeros >= LAST => return Ok(0),
            Ok(0) => "it closed the connection".to_owned(),
            Ok(read) => {
                self.note(&bytes[..read]);
                return Ok(read);
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => return Err(error),
            Err(error) => error.to_string(),
        };
        self.link.suspect(self.process, why);
        self.link.wait_until_empty();
        resume_unwind(Box::new("a process was lost"))
    }
}

impl Write for Wire {
    /// What goes to a process that is lost is thrown away.
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        let why = match self.socket.write(bytes) {
            Ok(0) => Error::from(ErrorKind::WriteZero),
            Err(error) if error.kind() != ErrorKind::Interrupted => error,
            written => return written,
        };
        self.link.suspect(self.process, why.to_string());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}

impl Stream for Wire {
    fn try_clone(&self) -> Result<Self> {
        Ok(Self::new(self.socket.try_clone()?, &self.link, self.process))
    }

    fn set_nonblocking(&self, nonblocking: bool) -> Result<()> {
        self.socket.set_nonblocking(nonblocking)
    }

    fn shutdown(&self, how: Shutdown) -> Result<()> {
        // A connection that is closed already is what is wanted.
        drop(self.socket.shutdown(how));
        Ok(())
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.link.count_wire(false);
    }
}
