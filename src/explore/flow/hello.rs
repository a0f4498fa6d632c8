//! Who is at the other side: what both say before anything else, so that nobody takes part who was
//! started for something else.

use std::io::{Read, Write};
use std::net::TcpStream;

use super::bytes::{Reader, put_u32, put_u64};

/// Nobody else begins like this.
const MAGIC: u64 = u64::from_le_bytes(*b"IRISFLOW");
/// The bytes of a greeting, of whatever version.
const LENGTH: usize = 64;
/// So long may an answer be.
const LONGEST: usize = 1 << 10;

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line {
    Control,
    Data,
}

/// What whoever connects says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hello {
    /// The program's version.
    pub(super) version: [u8; 16],
    /// The fingerprint of what is searched.
    pub(super) search: u64,
    pub(super) processes: u32,
    pub(super) threads: u32,
    pub(super) from: u32,
    pub(super) to: u32,
    pub(super) line: Line,
}

/// This program's version, cut off if it is long.
pub(super) fn version() -> [u8; 16] {
    let mut version = [0; 16];
    version.iter_mut().zip(env!("CARGO_PKG_VERSION").bytes()).for_each(|(to, from)| *to = from);
    version
}

impl Hello {
    pub(super) fn write(&self, to: &mut TcpStream) -> std::io::Result<()> {
        let mut bytes = Vec::with_capacity(LENGTH);
        put_u64(&mut bytes, MAGIC);
        bytes.extend(self.version);
        put_u64(&mut bytes, self.search);
        for word in [self.processes, self.threads, self.from, self.to] {
            put_u32(&mut bytes, word);
        }
        bytes.push(u8::from(self.line == Line::Data));
        bytes.resize(LENGTH, 0);
        to.write_all(&bytes)
    }

    /// Nothing if it is no greeting of ours.
    pub(super) fn read(from: &mut TcpStream) -> Option<Self> {
        let mut bytes = [0; LENGTH];
        from.read_exact(&mut bytes).ok()?;
        let mut reader = Reader(&bytes);
        if reader.u64() != MAGIC {
            return None;
        }
        let version = reader.take(16).try_into().ok()?;
        let search = reader.u64();
        let [processes, threads, from, to] = [0; 4].map(|_| reader.u32());
        let line = if reader.take(1) == [0] { Line::Control } else { Line::Data };
        Some(Self { version, search, processes, threads, from, to, line })
    }

    /// Why one of these processes cannot work with the other, in words for both.
    pub(super) fn differs(&self, mine: &Self) -> Option<String> {
        let text =
            |version: &[u8; 16]| String::from_utf8_lossy(version).trim_end_matches('\0').to_owned();
        let differs = |what: &str, theirs: &dyn ToString, ours: &dyn ToString| {
            let (theirs, ours) = (theirs.to_string(), ours.to_string());
            let (from, to) = (self.from, mine.from);
            Some(format!("{what}: {theirs} in process {from}, {ours} in process {to}"))
        };
        if self.version != mine.version {
            return differs("versions differ", &text(&self.version), &text(&mine.version));
        }
        if self.processes != mine.processes {
            return differs("numbers of hosts differ", &self.processes, &mine.processes);
        }
        if self.threads != mine.threads {
            return differs("--threads differs", &self.threads, &mine.threads);
        }
        if self.search != mine.search {
            let (from, to) = (self.from, mine.from);
            return Some(format!(
                "process {from} and process {to} do not search the same: scope, limits and program \
                 must be equal"
            ));
        }
        let is_here = self.to == mine.from && self.from > mine.from && self.from < mine.processes;
        (!is_here).then(|| {
            let (from, to, me) = (self.from, self.to, mine.from);
            format!("process {from} expects process {to} where process {me} is: host files differ")
        })
    }
}

/// Answers a greeting: nothing is wrong, or this.
pub(super) fn answer(to: &mut TcpStream, wrong: &str) -> std::io::Result<()> {
    let says = &wrong.as_bytes()[..wrong.len().min(LONGEST)];
    let mut bytes = Vec::with_capacity(says.len() + 4);
    put_u32(&mut bytes, u32::try_from(says.len()).unwrap_or(0));
    bytes.extend(says);
    to.write_all(&bytes)
}

/// What is wrong, if anything is.
pub(super) fn answered(from: &mut TcpStream) -> std::io::Result<Option<String>> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length) as usize;
    let mut says = vec![0; length.min(LONGEST)];
    from.read_exact(&mut says)?;
    Ok((length > 0).then(|| String::from_utf8_lossy(&says).into_owned()))
}
