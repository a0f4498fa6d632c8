//! Identities, and the way each is printed and read: `j1`, `j1.0`, `j1.0#2`, `w1`, `w1@3`, `g1`,
//! `g1/s2`, `v4`. Traces, findings and scope files use exactly these texts.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A text that is not the identity it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadId {
    found: String,
    expected: &'static str,
}

impl fmt::Display for BadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not {}", self.found, self.expected)
    }
}

impl std::error::Error for BadId {}

/// The number behind a one-letter prefix, or nothing.
fn number<N: FromStr>(text: &str, prefix: &str) -> Option<N> {
    let digits = text.strip_prefix(prefix)?;
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok()
}

/// Reads an identity, and lets serde write it as the text that people read.
macro_rules! as_text {
    ($name:ident, $expected:literal, $parse:expr) => {
        impl FromStr for $name {
            type Err = BadId;

            fn from_str(text: &str) -> Result<Self, BadId> {
                let parse: fn(&str) -> Option<$name> = $parse;
                parse(text).ok_or_else(|| BadId { found: text.to_owned(), expected: $expected })
            }
        }

        impl TryFrom<String> for $name {
            type Error = BadId;

            fn try_from(text: String) -> Result<Self, BadId> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    };
}

/// A job, printed `j1`. Numbers are given in order of submission and never reused.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct JobId(pub u32);

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "j{}", self.0)
    }
}

as_text!(JobId, "a job such as `j1`", |t| number(t, "j").map(JobId));

impl JobId {
    /// The job's task of this index.
    pub fn task(self, index: u16) -> TaskId {
        TaskId { job: self, index }
    }
}

/// One replica of a job, printed `j1.0`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TaskId {
    /// The job it belongs to.
    pub job: JobId,
    /// Dense from 0.
    pub index: u16,
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.job, self.index)
    }
}

as_text!(TaskId, "a task such as `j1.0`", |t| {
    let (job, index) = t.split_once('.')?;
    Some(TaskId { job: job.parse().ok()?, index: number(index, "")? })
});

impl TaskId {
    /// The task's attempt of this number.
    pub fn attempt(self, number: u16) -> AttemptId {
        AttemptId { task: self, number }
    }
}

/// One try of a task on one worker, printed `j1.0#2`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AttemptId {
    /// The task it tries.
    pub task: TaskId,
    /// Dense from 0.
    pub number: u16,
}

impl fmt::Display for AttemptId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.task, self.number)
    }
}

as_text!(AttemptId, "an attempt such as `j1.0#2`", |t| {
    let (task, attempt) = t.split_once('#')?;
    Some(AttemptId { task: task.parse().ok()?, number: number(attempt, "")? })
});

/// A worker's name, printed `w1`. The worker of VM `v4` is `w4`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct WorkerId(pub u32);

impl fmt::Display for WorkerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "w{}", self.0)
    }
}

as_text!(WorkerId, "a worker such as `w1`", |t| number(t, "w").map(WorkerId));

/// Which start of a worker: every restart is a new incarnation; they only go up, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Incarnation(pub u32);

impl Incarnation {
    /// What a worker is on its very first start.
    pub const FIRST: Self = Self(1);

    /// The incarnation after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// A worker of one incarnation, printed `w1@3`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Seat {
    /// The worker's name.
    pub worker: WorkerId,
    /// Which start of it.
    pub incarnation: Incarnation,
}

impl fmt::Display for Seat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.worker, self.incarnation.0)
    }
}

as_text!(Seat, "a worker's incarnation such as `w1@3`", |t| {
    let (worker, incarnation) = t.split_once('@')?;
    let incarnation = Incarnation(number(incarnation, "")?);
    Some(Seat { worker: worker.parse().ok()?, incarnation })
});

/// A scale group, printed `g1`. Groups are numbered in the order of their names.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct GroupId(pub u16);

impl fmt::Display for GroupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "g{}", self.0)
    }
}

as_text!(GroupId, "a scale group such as `g1`", |t| number(t, "g").map(GroupId));

/// A slice of a scale group, printed `g1/s2`: VMs that live and die together.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SliceId {
    /// The group it belongs to.
    pub group: GroupId,
    /// Given in order of creation, from 1, never reused.
    pub number: u32,
}

impl fmt::Display for SliceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/s{}", self.group, self.number)
    }
}

as_text!(SliceId, "a slice such as `g1/s2`", |t| {
    let (group, slice) = t.split_once('/')?;
    Some(SliceId { group: group.parse().ok()?, number: number(slice, "s")? })
});

/// A virtual machine, printed `v4`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct VmId(pub u32);

impl fmt::Display for VmId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v{}", self.0)
    }
}

as_text!(VmId, "a VM such as `v4`", |t| number(t, "v").map(VmId));

impl VmId {
    /// The worker that this VM runs.
    pub fn worker(self) -> WorkerId {
        WorkerId(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identities_are_read_as_they_are_printed() {
        let attempt = JobId(1).task(0).attempt(2);
        assert_eq!(attempt.to_string(), "j1.0#2");
        assert_eq!("j1.0#2".parse(), Ok(attempt));
        let seat = Seat { worker: WorkerId(1), incarnation: Incarnation(3) };
        assert_eq!(seat.to_string(), "w1@3");
        assert_eq!("w1@3".parse(), Ok(seat));
        let slice = SliceId { group: GroupId(1), number: 2 };
        assert_eq!(slice.to_string(), "g1/s2");
        assert_eq!("g1/s2".parse(), Ok(slice));
        assert_eq!("v4".parse(), Ok(VmId(4)));
    }

    #[test]
    fn what_is_not_an_identity_is_refused_with_what_was_expected() {
        for bad in ["", "j", "j-1", "j+1", "w1", "j1.", "j1.0#", "j99999999999"] {
            assert!(bad.parse::<AttemptId>().is_err(), "{bad}");
        }
        let error = "x1".parse::<JobId>().expect_err("x1 is no job");
        assert_eq!(error.to_string(), "`x1` is not a job such as `j1`");
    }
}
