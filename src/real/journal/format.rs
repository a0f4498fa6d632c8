//! How a segment is written: text, so that people can read it, in blocks of 64 bytes.
//!
//! ```text
//! iris-check journal, format 1, segment 00000002, sealed 00000980, after …, check …   (192 bytes)
//! batch 00000780 000001 3f2a…                                                          (64 bytes)
//! 0000070c 91bc… {"at":0,"controller":{…},"deadlines":[]}
//! batch 00000100 000002 77e0…
//! 00000041 0d1e… {"at":1000,"input":{"cancel":"j1"}}
//! 00000043 c5a7… {"at":1000,"input":{"cancel":"j2"}}
//! ```
//! Lengths are hexadecimal bytes. Each check is of everything before it in the segment, and the
//! header names the last check of the segment before. A batch is what was appended at once; it
//! fills whole blocks, so a header of a batch never crosses a sector of a disk. No byte is 0.

use std::fmt::{self, Write as _};

use super::FORMAT_VERSION;
use super::error::JournalError;
use super::torn::{Torn, torn};

/// Bytes of a segment's header.
pub(super) const HEADER: usize = 192;
/// Everything begins at a multiple of this.
pub(super) const BLOCK: usize = 64;
/// The largest batch; a snapshot is one. It also bounds what a reader believes.
pub(super) const MAX_BATCH: usize = 1 << 30;
const MAX_RECORDS: usize = 0xff_ffff;
/// `LLLLLLLL check… ` before a payload.
const BEFORE: usize = 8 + 1 + 32 + 1;
const MAGIC: &str = "iris-check journal, format ";

/// A check of everything so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Chain([u8; 16]);

impl Chain {
    /// Before the first segment.
    pub(super) const ORIGIN: Self = Self([0; 16]);

    fn over(self, texts: &[&[u8]]) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.0);
        for text in texts {
            hasher.update(text);
        }
        let mut short = [0; 16];
        short.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
        Self(short)
    }

    fn parse(text: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?;
        u128::from_str_radix(text, 16).ok().map(|value| Self(value.to_be_bytes()))
    }
}

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

/// The name of a segment.
pub(super) fn name(number: u32) -> String {
    format!("{number:08}.journal")
}

/// The number of a segment of this name.
pub(super) fn number(file: &str) -> Option<u32> {
    let number = file.strip_suffix(".journal")?.parse().ok()?;
    (name(number) == file).then_some(number)
}

fn padded(mut text: String, length: usize) -> Vec<u8> {
    while text.len() + 1 < length {
        text.push(' ');
    }
    text.push('\n');
    text.into_bytes()
}

/// A header, and the check that what follows goes on from.
pub(super) fn header(number: u32, sealed: usize, after: Chain) -> (Vec<u8>, Chain) {
    let mut text = header_before_sealed(number);
    let _ = write!(text, "{sealed:08x}, after {after}, check ");
    let chain = Chain::ORIGIN.over(&[text.as_bytes()]);
    let _ = write!(text, "{chain}");
    (padded(text, HEADER), chain)
}

fn header_before_sealed(number: u32) -> String {
    format!("{MAGIC}{FORMAT_VERSION}, segment {number:08}, sealed ")
}

/// How long a batch of these payloads is in all.
pub(super) fn batch_length(payloads: &[Vec<u8>]) -> usize {
    let body: usize = payloads.iter().map(|payload| BEFORE + payload.len() + 1).sum();
    (BLOCK + body).next_multiple_of(BLOCK)
}

/// A batch, and the check at its end; nothing if it is too large.
pub(super) fn batch(before: Chain, payloads: &[Vec<u8>]) -> Option<(Vec<u8>, Chain)> {
    let length = batch_length(payloads);
    if length > MAX_BATCH || payloads.len() > MAX_RECORDS {
        return None;
    }
    let (mut bytes, mut chain) = batch_header(before, length - BLOCK, payloads.len());
    bytes.reserve(length - BLOCK);
    for payload in payloads {
        let before = record_start(&mut chain, payload);
        bytes.extend_from_slice(before.as_bytes());
        bytes.extend_from_slice(payload);
        bytes.push(b'\n');
    }
    bytes.extend_from_slice(&padding(length - bytes.len()));
    Some((bytes, chain))
}

fn batch_header(before: Chain, body: usize, records: usize) -> (Vec<u8>, Chain) {
    let mut text = format!("batch {body:08x} {records:06x} ");
    let chain = before.over(&[text.as_bytes()]);
    let _ = write!(text, "{chain}");
    (padded(text, BLOCK), chain)
}

fn record_start(chain: &mut Chain, payload: &[u8]) -> String {
    let length = format!("{:08x} ", payload.len());
    *chain = chain.over(&[length.as_bytes(), payload]);
    format!("{length}{chain} ")
}

fn padding(length: usize) -> Vec<u8> {
    if length == 0 { Vec::new() } else { padded(String::new(), length) }
}

/// A payload that checks out, and where its record begins.
pub(super) struct Record<'a> {
    pub(super) at: usize,
    pub(super) payload: &'a [u8],
}

/// A segment in which all that counts checks out.
pub(super) struct Segment<'a> {
    /// The last check of the segment before.
    pub(super) after: Chain,
    /// How many bytes were there before the segment got its name: the header and the snapshot.
    pub(super) sealed: usize,
    pub(super) snapshot: Option<Record<'a>>,
    pub(super) records: Vec<Record<'a>>,
    /// Where the last batch begins; the length if there is none behind the sealed part.
    pub(super) last: usize,
    pub(super) length: usize,
    pub(super) chain: Chain,
    pub(super) torn: Option<Torn>,
}

/// What is wrong with a batch.
struct Bad {
    at: usize,
    what: String,
    /// Where the batch ends, if its header checks out.
    end: Option<usize>,
}

/// Reads a segment. An end that a power loss can have left of an append is told apart from damage.
pub(super) fn read(number: u32, bytes: &[u8]) -> Result<Segment<'_>, JournalError> {
    let file = name(number);
    let (sealed, after, mut chain) = read_header(number, bytes)?;
    let (mut records, mut snapshot, mut torn_off) = (Vec::new(), None, None);
    let (mut at, mut last) = (HEADER, None);
    while at < bytes.len() || at < sealed {
        match read_batch(bytes, at, &mut chain) {
            Ok(mut batch) => {
                let end = batch.end;
                if at < sealed {
                    snapshot = batch.records.pop();
                } else {
                    last = Some(at);
                    records.append(&mut batch.records);
                }
                at = end;
            }
            Err(bad) => {
                let why = (at >= sealed).then(|| torn(bytes, at, bad.end)).flatten();
                let Some(why) = why else {
                    let what = format!("{}; the batch begins at byte {at}", bad.what);
                    return Err(JournalError::Damaged { file, at: bad.at as u64, what });
                };
                let cut = (bytes.len() - at) as u64;
                torn_off = Some(Torn { file, at: at as u64, bytes: cut, why });
                break;
            }
        }
    }
    let last = last.unwrap_or(at);
    Ok(Segment { after, sealed, snapshot, records, last, length: at, chain, torn: torn_off })
}

fn read_header(number: u32, bytes: &[u8]) -> Result<(usize, Chain, Chain), JournalError> {
    let file = name(number);
    let damaged = |what: &str| {
        let what = format!("the header of the segment should stand there, {what}");
        JournalError::Damaged { file: file.clone(), at: 0, what }
    };
    let Some(head) = bytes.get(..HEADER) else { return Err(damaged("it is cut off")) };
    let version = head.strip_prefix(MAGIC.as_bytes()).and_then(|rest| {
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        std::str::from_utf8(&rest[..digits]).ok()?.parse::<u32>().ok()
    });
    match version {
        None => return Err(damaged("this is something else")),
        Some(version) if version > FORMAT_VERSION => {
            return Err(JournalError::Newer { file, version });
        }
        Some(_) => {}
    }
    let from = header_before_sealed(number).len();
    let sealed = hex(&head[from..from + 8]);
    let after = Chain::parse(&head[from + 16..from + 48]);
    let (Some(sealed), Some(after)) = (sealed, after) else {
        return Err(damaged("its numbers are none"));
    };
    let (expected, chain) = header(number, sealed, after);
    if head != expected || sealed < HEADER || sealed % BLOCK != 0 {
        return Err(damaged("its check is wrong"));
    }
    Ok((sealed, after, chain))
}

struct Batch<'a> {
    records: Vec<Record<'a>>,
    end: usize,
}

/// Reads the batch at a place; the chain moves only if all of it is right.
fn read_batch<'a>(bytes: &'a [u8], at: usize, chain: &mut Chain) -> Result<Batch<'a>, Bad> {
    let bad = |at, what: &str, end| Bad { at, what: what.to_owned(), end };
    let no_header = || bad(at, "the header of a batch should stand there", None);
    let head = bytes.get(at..at + BLOCK).ok_or_else(no_header)?;
    let (Some(body), Some(count)) = (hex(&head[6..14]), hex(&head[15..21])) else {
        return Err(no_header());
    };
    let (expected, mut next) = batch_header(*chain, body, count);
    if head != expected || body > MAX_BATCH || !body.is_multiple_of(BLOCK) {
        return Err(bad(at, "the check of a batch's header is wrong", None));
    }
    let end = at + BLOCK + body;
    let mut records = Vec::new();
    let mut here = at + BLOCK;
    for _ in 0..count {
        let cut = || bad(here, "the batch is cut off", Some(end));
        let wrong = || bad(here, "the check of a record is wrong", Some(end));
        let start = bytes.get(here..here + BEFORE).ok_or_else(cut)?;
        let from = here + BEFORE;
        let length = hex(&start[..8]).filter(|length| from + length < end).ok_or_else(wrong)?;
        let payload = bytes.get(from..from + length).ok_or_else(cut)?;
        let newline = bytes.get(from + length).ok_or_else(cut)?;
        if record_start(&mut next, payload).as_bytes() != start || *newline != b'\n' {
            return Err(wrong());
        }
        records.push(Record { at: here, payload });
        here = from + length + 1;
    }
    let rest = bytes.get(here..end);
    let rest = rest.ok_or_else(|| bad(here, "the end of the batch is cut off", Some(end)))?;
    if rest.len() >= BLOCK || rest != padding(rest.len()) {
        return Err(bad(here, "the end of the batch is not as written", Some(end)));
    }
    *chain = next;
    Ok(Batch { records, end })
}

fn hex(text: &[u8]) -> Option<usize> {
    usize::from_str_radix(std::str::from_utf8(text).ok()?, 16).ok()
}
