//! Jobs and clusters for people.

use std::io::{self, Write};

use crate::model::id::JobId;
use crate::real::status::{
    AttemptState, AttemptStatus, ClusterStatus, JobStatus, JobSummary, TaskStatus,
};

/// Rows in columns; the first row is the head.
fn table(rows: &[Vec<String>], out: &mut dyn Write) -> io::Result<()> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let wide = |at: usize| {
        rows.iter().filter_map(|row| row.get(at)).map(|it| it.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(wide).collect();
    for row in rows {
        let cells: Vec<String> =
            row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        writeln!(out, "{}", cells.join("  ").trim_end())?;
    }
    Ok(())
}

fn row<const N: usize>(cells: [&str; N]) -> Vec<String> {
    cells.map(str::to_owned).to_vec()
}

/// A job on one line.
pub(super) fn line(status: &JobStatus) -> String {
    let job = titled(status.job, &status.name);
    match &status.pending_reason {
        Some(reason) => format!("{job} {} ({reason})", status.state),
        None => format!("{job} {}", status.state),
    }
}

fn titled(job: JobId, name: &str) -> String {
    if name.is_empty() { job.to_string() } else { format!("{job} {name}") }
}

/// A job with its tasks and attempts.
pub(super) fn job(status: &JobStatus, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}", line(status))?;
    let mut rows = vec![row(["task", "state", "worker", "why", "spent"])];
    for (index, task) in (0..).zip(&status.tasks) {
        let id = status.job.task(index);
        let (state, spent) = (task.state.to_string(), spent(task));
        rows.push(vec![id.to_string(), state, String::new(), String::new(), spent]);
        for (number, attempt) in (0..).zip(&task.attempts) {
            let (state, why) = standing(attempt);
            let seat = attempt.seat.to_string();
            rows.push(vec![format!("  {}", id.attempt(number)), state, seat, why]);
        }
    }
    table(&rows, out)
}

fn spent(task: &TaskStatus) -> String {
    let rows = [
        ("failure", task.spent.failure),
        ("delivery", task.spent.delivery),
        ("preemption", task.spent.preemption),
    ];
    let spent = rows.iter().filter(|(_, n)| *n > 0).map(|(name, n)| format!("{name} {n}"));
    spent.collect::<Vec<_>>().join(", ")
}

fn standing(attempt: &AttemptStatus) -> (String, String) {
    match attempt.state {
        AttemptState::Live(phase) => (phase.to_string(), String::new()),
        AttemptState::Ended(outcome, cause) if attempt.gone => {
            (outcome.to_string(), cause.to_string())
        }
        AttemptState::Ended(outcome, cause) => {
            (outcome.to_string(), format!("{cause}; not yet confirmed gone"))
        }
    }
}

/// A list of jobs.
pub(super) fn jobs(jobs: &[JobSummary], out: &mut dyn Write) -> io::Result<()> {
    let mut rows = vec![row(["job", "state", "succeeded", "name"])];
    for it in jobs {
        let succeeded = format!("{} of {}", it.succeeded, it.replicas);
        rows.push(vec![it.job.to_string(), it.state.to_string(), succeeded, it.name.clone()]);
    }
    table(&rows, out)
}

/// A cluster.
pub(super) fn cluster(cluster: &ClusterStatus, out: &mut dyn Write) -> io::Result<()> {
    let mut rows = vec![row(["worker", "state", "total", "held", "attributes", "attempts"])];
    for it in &cluster.workers {
        let attributes = it.attributes.iter().map(|(key, value)| format!("{key}={value}"));
        let attempts = it.attempts.iter().map(ToString::to_string);
        rows.push(vec![
            it.seat.to_string(),
            it.state.clone(),
            it.total.to_string(),
            it.held.to_string(),
            attributes.collect::<Vec<_>>().join(" "),
            attempts.collect::<Vec<_>>().join(" "),
        ]);
    }
    table(&rows, out)?;
    if cluster.groups.is_empty() {
        return Ok(());
    }
    writeln!(out)?;
    let mut rows = vec![row(["group", "state", "slices", "machines"])];
    for it in &cluster.groups {
        let slices = cluster.slices.iter().filter(|slice| slice.slice.group == it.group);
        let machines = slices.flat_map(|slice| &slice.vms).map(|(vm, is)| format!("{vm} {is}"));
        let machines = machines.collect::<Vec<_>>().join(", ");
        let count = format!("{} of {}", it.slices, it.max_slices);
        rows.push(vec![it.group.to_string(), it.state.clone(), count, machines]);
    }
    table(&rows, out)
}
