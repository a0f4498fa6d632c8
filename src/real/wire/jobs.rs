//! What a client submits.

use tonic::Status;

use crate::model::budget::Tally;
use crate::model::spec::{JobSpec, Terms};
use crate::model::time::Millis;

use super::machines::payload;
use super::{missing, payload_to, proto, resources_from, resources_to, small};

pub(in crate::real) fn spec_to(spec: &JobSpec) -> proto::JobSpec {
    let terms = &spec.terms;
    proto::JobSpec {
        payload: Some(payload_to(&spec.payload)),
        replicas: Some(terms.replicas.into()),
        resources: Some(resources_to(terms.resources)),
        max_retries_failure: Some(terms.budgets.failure.into()),
        max_retries_preemption: Some(terms.budgets.preemption.into()),
        max_dispatch_failures: Some(terms.budgets.delivery.into()),
        max_task_failures: Some(terms.max_task_failures.into()),
        scheduling_timeout_ms: terms.scheduling_timeout.map(|it| it.0),
        timeout_ms: terms.timeout.map(|it| it.0),
        group_by: terms.group_by.as_ref().map(ToString::to_string),
        request_id: spec.request_id.as_ref().map(ToString::to_string),
    }
}

/// A job spec; that its numbers are within their limits is for the controller to say.
pub(in crate::real) fn spec_from(it: Option<proto::JobSpec>) -> Result<JobSpec, Status> {
    let it = it.ok_or_else(|| missing("spec"))?;
    let default = Terms::default();
    let number = |field: &str, value: Option<u32>, default: u16| {
        value.map_or(Ok(default), |value| small(field, value, "at most 10,000"))
    };
    let budgets = Tally {
        failure: number("max_retries_failure", it.max_retries_failure, default.budgets.failure)?,
        delivery: number(
            "max_dispatch_failures",
            it.max_dispatch_failures,
            default.budgets.delivery,
        )?,
        preemption: number(
            "max_retries_preemption",
            it.max_retries_preemption,
            default.budgets.preemption,
        )?,
    };
    let terms = Terms {
        replicas: number("replicas", it.replicas, default.replicas)?,
        resources: resources_from(it.resources),
        budgets,
        max_task_failures: number("max_task_failures", it.max_task_failures, 0)?,
        scheduling_timeout: it.scheduling_timeout_ms.map(Millis),
        timeout: it.timeout_ms.map(Millis),
        group_by: it.group_by.map(Into::into),
    };
    let payload = payload(it.payload.ok_or_else(|| missing("payload"))?)?;
    Ok(JobSpec { terms, payload, request_id: it.request_id.map(Into::into) })
}
