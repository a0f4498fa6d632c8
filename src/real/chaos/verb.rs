//! What goes wrong, and how it is written.

use std::fmt;

use tonic::Code;

use super::rule::BadRule;
use crate::model::time::Millis;

/// What happens at a point where a rule fires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// It fails with this status and has no effect. UNAVAILABLE says that it was not sent.
    Fail(Code),
    /// It is done so much later. Who waits may have given up by then; it is done all the same.
    Delay(Millis),
    /// It never arrives, and nobody is told.
    DropRequest,
    /// It has its effect; the answer is lost, and nobody is told.
    DropResponse,
    /// It is done twice, one after the other; the first answer counts.
    Duplicate,
    /// The node where the point stands dies before it is done.
    Crash,
}

impl Verb {
    /// Every verb, as chaos files write it.
    pub const WORDS: [&'static str; 6] =
        ["fail", "delay", "drop_request", "drop_response", "duplicate", "crash"];

    /// The verb without what belongs to it, as chaos files write it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Fail(_) => "fail",
            Self::Delay(_) => "delay",
            Self::DropRequest => "drop_request",
            Self::DropResponse => "drop_response",
            Self::Duplicate => "duplicate",
            Self::Crash => "crash",
        }
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())?;
        match self {
            Self::Fail(code) => write!(f, " {}", code_name(*code)),
            Self::Delay(length) => write!(f, " {}", Length(*length)),
            Self::DropRequest | Self::DropResponse | Self::Duplicate | Self::Crash => Ok(()),
        }
    }
}

/// The statuses of gRPC, under the names of its documents.
const CODES: [(Code, &str); 17] = [
    (Code::Ok, "OK"),
    (Code::Cancelled, "CANCELLED"),
    (Code::Unknown, "UNKNOWN"),
    (Code::InvalidArgument, "INVALID_ARGUMENT"),
    (Code::DeadlineExceeded, "DEADLINE_EXCEEDED"),
    (Code::NotFound, "NOT_FOUND"),
    (Code::AlreadyExists, "ALREADY_EXISTS"),
    (Code::PermissionDenied, "PERMISSION_DENIED"),
    (Code::ResourceExhausted, "RESOURCE_EXHAUSTED"),
    (Code::FailedPrecondition, "FAILED_PRECONDITION"),
    (Code::Aborted, "ABORTED"),
    (Code::OutOfRange, "OUT_OF_RANGE"),
    (Code::Unimplemented, "UNIMPLEMENTED"),
    (Code::Internal, "INTERNAL"),
    (Code::Unavailable, "UNAVAILABLE"),
    (Code::DataLoss, "DATA_LOSS"),
    (Code::Unauthenticated, "UNAUTHENTICATED"),
];

/// The name of a status, such as `UNAVAILABLE`.
pub fn code_name(code: Code) -> &'static str {
    let known = CODES.iter().find(|(known, _)| *known == code);
    known.map(|(_, name)| *name).expect("invariant: the table has every status of gRPC")
}

/// Reads the name of a status.
pub(super) fn parse_code(text: &str) -> Result<Code, BadRule> {
    let known = CODES.iter().find(|(_, name)| *name == text).map(|(code, _)| *code);
    known.ok_or_else(|| {
        let failures: Vec<&str> = CODES[1..].iter().map(|(_, name)| *name).collect();
        let failures = failures.join(", ");
        BadRule::new(format!("`{text}` is no status of gRPC: name one of {failures}"))
    })
}

/// A length of time as chaos files write it: `3s`, `250ms`.
pub(super) struct Length(pub(super) Millis);

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Millis(millis) = self.0;
        if millis.is_multiple_of(1000) {
            write!(f, "{}s", millis / 1000)
        } else {
            write!(f, "{millis}ms")
        }
    }
}

/// Reads a length of time.
pub(super) fn parse_length(text: &str) -> Result<Millis, BadRule> {
    let (digits, unit) = match text.strip_suffix("ms") {
        Some(digits) => (digits, 1),
        None => (text.strip_suffix('s').unwrap_or_default(), 1000),
    };
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    let number = if plain { digits.parse::<u32>().ok() } else { None };
    number.and_then(|number| number.checked_mul(unit)).map(Millis).ok_or_else(|| {
        BadRule::new(format!(
            "`{text}` is no length of time: write whole seconds such as `3s` or milliseconds such \
             as `250ms`, at most 49 days"
        ))
    })
}
