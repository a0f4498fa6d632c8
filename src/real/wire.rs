//! Messages of gRPC, and the plain values that they carry.
//!
//! What comes from outside is checked here, once: a message that means nothing is answered with
//! `INVALID_ARGUMENT`, the field at fault, and what was expected.

mod jobs;
mod machines;
mod status;

use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;

use tonic::Status;

use crate::model::resources::{Attributes, Resources};

/// What is generated from `proto/`.
#[expect(
    unused_qualifications,
    clippy::pedantic,
    reason = "generated; the services are told in `proto/`"
)]
pub(super) mod proto {
    tonic::include_proto!("iris_check.v1");
}

pub(super) use jobs::{spec_from, spec_to};
pub(super) use machines::{
    answer_from, answer_to, beat_from, beat_to, kill_answer_from, kill_answer_to, kill_from,
    kill_to, payload_from, payload_to, reply_from, reply_to, report_from, report_to,
};
pub(super) use status::{cluster_from, cluster_to, job_from, job_to, summary_from, summary_to};

/// An identity in a message.
pub(super) fn id<T: FromStr<Err: Display>>(field: &str, text: &str) -> Result<T, Status> {
    text.parse().map_err(|error| malformed(field, &error))
}

pub(super) fn malformed(field: &str, says: &dyn Display) -> Status {
    Status::invalid_argument(format!("{field}: {says}"))
}

fn missing(field: &str) -> Status {
    malformed(field, &"it is missing")
}

/// A number that must fit into a smaller type.
fn small(field: &str, value: u32, expected: &str) -> Result<u16, Status> {
    u16::try_from(value).map_err(|_| malformed(field, &format!("it must be {expected}")))
}

fn resources_from(it: Option<proto::Resources>) -> Resources {
    it.map_or(Resources::NONE, |it| Resources {
        cpu_milli: it.cpu_milli,
        memory_bytes: it.memory_bytes,
    })
}

pub(super) fn resources_to(it: Resources) -> proto::Resources {
    proto::Resources { cpu_milli: it.cpu_milli, memory_bytes: it.memory_bytes }
}

fn attributes_to(it: &Attributes) -> BTreeMap<String, String> {
    it.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect()
}
