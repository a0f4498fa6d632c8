//! What clients ask.

use std::io::{self, Write};

use crate::model::budget::Tally;
use crate::model::id::{JobId, WorkerId};
use crate::model::job::JobState;
use crate::model::resources::Resources;
use crate::model::spec::{Entrypoint, JobSpec, Payload, Terms};
use crate::model::time::Millis;
use crate::real::client::{Client, Error};
use crate::real::status::JobStatus;

use super::super::{Exit, Failure};
use super::args::{At, Submit};
use super::ask::{ask, talk};
use super::values::Whose;
use super::{json, show};

/// Until a cluster is looked at again.
const PAUSE: Millis = Millis(50);

pub(super) fn submit(it: &Submit, out: &mut dyn Write) -> Result<Exit, Failure> {
    let spec = spec(it)?;
    let job = ask(&it.at, async |client| client.submit(&spec).await)?;
    writeln!(out, "{job}")?;
    if !it.wait {
        return Ok(Exit::Fine);
    }
    out.flush()?;
    wait(&it.at, job)
}

fn spec(it: &Submit) -> Result<JobSpec, Failure> {
    let bundle = match &it.bundle {
        None => None,
        // Workers have other working directories.
        Some(path) => {
            let path = std::path::absolute(path)?;
            let text = path.to_str().map(str::to_owned);
            Some(text.ok_or_else(|| Failure::Bad(format!("{}: no text", path.display())))?)
        }
    };
    let terms = Terms {
        replicas: it.replicas,
        resources: Resources {
            cpu_milli: it.cpus.or(it.cpu_milli).unwrap_or(1000),
            memory_bytes: it.memory,
        },
        budgets: Tally {
            failure: it.max_retries_failure,
            delivery: it.max_dispatch_failures,
            preemption: it.max_retries_preemption,
        },
        max_task_failures: it.max_task_failures,
        scheduling_timeout: it.scheduling_timeout,
        timeout: it.timeout,
        group_by: it.group_by.as_deref().map(Into::into),
    };
    let payload = Payload {
        name: it.name.clone(),
        entrypoint: Entrypoint::Command(it.command.clone()),
        env: it.env.iter().cloned().collect(),
        bundle,
    };
    Ok(JobSpec { terms, payload, request_id: it.request_id.as_deref().map(Into::into) })
}

pub(super) fn wait(at: &At, job: JobId) -> Result<Exit, Failure> {
    // Whether there is such a cluster, and such a job, is answered at once.
    let now = ask(at, async |client| client.status(job).await)?;
    let mut last = None;
    let mut tell = |status: &JobStatus| {
        if last.replace(status.state) != Some(status.state) {
            // Who waits need not read.
            let _ = writeln!(io::stderr(), "{}", show::line(status));
        }
    };
    tell(&now);
    let end = talk(at, async |client, _| client.follow(job, &mut tell).await)?;
    tell(&end);
    Ok(if end.state == JobState::Succeeded { Exit::Fine } else { Exit::Bad })
}

pub(super) fn status(
    at: &At,
    job: JobId,
    as_json: bool,
    out: &mut dyn Write,
) -> Result<Exit, Failure> {
    let status = ask(at, async |client| client.status(job).await)?;
    if as_json {
        writeln!(out, "{:#}", json::job(&status))?;
    } else {
        show::job(&status, out)?;
    }
    Ok(Exit::Fine)
}

pub(super) fn list(at: &At, as_json: bool, out: &mut dyn Write) -> Result<Exit, Failure> {
    let jobs = ask(at, async |client| client.list().await)?;
    if as_json {
        writeln!(out, "{:#}", json::jobs(&jobs))?;
    } else {
        show::jobs(&jobs, out)?;
    }
    Ok(Exit::Fine)
}

pub(super) fn cancel(at: &At, job: JobId) -> Result<Exit, Failure> {
    ask(at, async |client| client.cancel(job).await)?;
    Ok(Exit::Fine)
}

pub(super) fn drain(at: &At, worker: WorkerId, open: bool) -> Result<Exit, Failure> {
    ask(at, async |client| client.drain(worker, !open).await)?;
    Ok(Exit::Fine)
}

pub(super) fn logs(
    at: &At,
    whose: Whose,
    stderr: bool,
    out: &mut dyn Write,
) -> Result<Exit, Failure> {
    let attempt = match whose {
        Whose::Attempt(attempt) => attempt,
        Whose::LastOf(task) => {
            let status = ask(at, async |client| client.status(task.job).await)?;
            let Some(found) = status.tasks.get(usize::from(task.index)) else {
                let count = status.tasks.len();
                let says = format!("there is no task {task}: {} has {count}", task.job);
                return Err(Failure::Bad(says));
            };
            let last = found.attempts.len().checked_sub(1).and_then(|it| u16::try_from(it).ok());
            let never = || Failure::Bad(format!("{task} was not tried yet: there is no log"));
            task.attempt(last.ok_or_else(never)?)
        }
    };
    let mut written = Ok(());
    talk(at, async |client, _| {
        let put = |bytes: &[u8]| {
            if written.is_ok() {
                written = out.write_all(bytes);
            }
        };
        client.logs(attempt, stderr, put).await
    })?;
    written?;
    Ok(Exit::Fine)
}

pub(super) fn workers(
    at: &At,
    as_json: bool,
    wait: Option<usize>,
    out: &mut dyn Write,
) -> Result<Exit, Failure> {
    if let Some(count) = wait {
        healthy(at, count)?;
    }
    let cluster = ask(at, async |client| client.cluster().await)?;
    if as_json {
        writeln!(out, "{:#}", json::cluster(&cluster))?;
    } else {
        show::cluster(&cluster, out)?;
    }
    Ok(Exit::Fine)
}

/// Waits until so many workers are HEALTHY. Where the cluster is is looked for again each time:
/// one that starts says where it is only then.
fn healthy(at: &At, count: usize) -> Result<(), Failure> {
    loop {
        let seen = talk(at, async |client: &Client, clock| {
            let seen = match client.cluster().await {
                Ok(cluster) => cluster.workers.iter().filter(|it| it.state == "HEALTHY").count(),
                Err(Error::Unavailable(_) | Error::TooMuch(_)) => 0,
                Err(
                    error @ (Error::Invalid(_)
                    | Error::NotFound(_)
                    | Error::Unauthenticated(_)
                    | Error::Internal(_)),
                ) => return Err(error),
            };
            if seen < count {
                clock.sleep(PAUSE).await;
            }
            Ok(seen)
        })?;
        if seen >= count {
            return Ok(());
        }
    }
}
