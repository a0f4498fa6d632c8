//! What the controller of our own cluster tells a client, as what a user sees.

use std::collections::BTreeMap;

use crate::model::id::{AttemptId, JobId};
use crate::real::client::Client;
use crate::real::status::{
    AttemptState, AttemptStatus, ClusterStatus, JobStatus, SliceStatus, WorkerStatus,
};

use super::super::run::ZONE;
use super::{AttemptSeen, JobSeen, Seen, SliceSeen, TaskSeen, WorkerSeen};

/// How often is looked until nothing moves.
const LOOKS: u32 = 50;

/// What is seen of a cluster that told this, `at` milliseconds after the run began. Each job comes
/// with the run's own number of it; the cluster's attempts are renamed by the same numbers. What
/// really runs only its workers know: `runs` is left out.
pub fn seen(at: u64, jobs: &[(JobId, JobStatus)], cluster: &ClusterStatus) -> Seen {
    let numbers: BTreeMap<JobId, JobId> =
        jobs.iter().map(|(number, told)| (told.job, *number)).collect();
    let mut jobs: Vec<JobSeen> = jobs.iter().map(|(number, told)| job(*number, told)).collect();
    jobs.sort_by_key(|job| job.job);
    let mut workers: Vec<WorkerSeen> =
        cluster.workers.iter().map(|told| worker(told, &numbers)).collect();
    workers.sort_by_key(|worker| worker.worker);
    let mut slices: Vec<SliceSeen> = cluster.slices.iter().map(slice).collect();
    slices.sort_by_key(|slice| slice.slice);
    Seen { at, jobs, workers: Some(workers), slices: Some(slices), runs: None }
}

/// Several calls make one picture: it counts once two in a row agree, or nothing makes them.
pub fn settled(mut look: impl FnMut() -> Option<Seen>) -> Option<Seen> {
    let mut seen = look();
    for _ in 0..LOOKS {
        let again = look();
        let same = match (&seen, &again) {
            (Some(one), Some(other)) => Seen { at: other.at, ..one.clone() } == *other,
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        seen = again;
        if same {
            break;
        }
    }
    seen
}

/// What a client sees now; nothing if no controller answers. Jobs of a run have its numbers for
/// names; there are no others.
pub async fn look(client: &Client, at: u64) -> Option<Seen> {
    let (jobs, cluster) = client.snapshot().await.ok()?;
    let named = |job: JobStatus| Some((job.name.parse().ok()?, job));
    let jobs: Vec<(JobId, JobStatus)> = jobs.into_iter().map(named).collect::<Option<_>>()?;
    Some(seen(at, &jobs, &cluster))
}

/// The same, asked call by call: of several moments, where time passes in between.
pub async fn look_by_calls(client: &Client, at: u64) -> Option<Seen> {
    let list = client.list().await.ok()?;
    let mut jobs = Vec::with_capacity(list.len());
    for job in list {
        jobs.push((job.name.parse().ok()?, client.status(job.job).await.ok()?));
    }
    let cluster = client.cluster().await.ok()?;
    Some(seen(at, &jobs, &cluster))
}

fn job(number: JobId, told: &JobStatus) -> JobSeen {
    let tasks = told.tasks.iter().map(|task| TaskSeen {
        state: task.state,
        spent: Some(task.spent),
        attempts: task.attempts.iter().map(attempt).collect(),
    });
    JobSeen {
        job: number,
        state: told.state,
        tasks: tasks.collect(),
        pending_reason: told.pending_reason.clone(),
    }
}

fn attempt(told: &AttemptStatus) -> AttemptSeen {
    let (phase, outcome, cause) = match told.state {
        AttemptState::Live(phase) => (Some(phase), None, None),
        AttemptState::Ended(outcome, cause) => (None, Some(outcome), Some(cause)),
    };
    AttemptSeen {
        worker: told.seat.worker,
        incarnation: Some(told.seat.incarnation),
        phase,
        outcome,
        cause,
        gone: Some(told.gone),
    }
}

fn worker(told: &WorkerStatus, numbers: &BTreeMap<JobId, JobId>) -> WorkerSeen {
    // A job that was not asked about has no number in the run: the sum of what is held shows it.
    let attempts = told.attempts.iter().filter_map(|attempt| renamed(*attempt, numbers));
    let mut attempts: Vec<AttemptId> = attempts.collect();
    attempts.sort_unstable();
    WorkerSeen {
        worker: told.seat.worker,
        incarnation: Some(told.seat.incarnation),
        healthy: told.state == "HEALTHY",
        cpu_milli: told.total.cpu_milli,
        held_milli: told.held.cpu_milli,
        zone: told.attributes.get(ZONE).cloned().unwrap_or_default(),
        attempts: Some(attempts),
    }
}

fn renamed(attempt: AttemptId, numbers: &BTreeMap<JobId, JobId>) -> Option<AttemptId> {
    let job = numbers.get(&attempt.task.job)?;
    Some(job.task(attempt.task.index).attempt(attempt.number))
}

fn slice(told: &SliceStatus) -> SliceSeen {
    SliceSeen { slice: told.slice, closed: told.closed, vms: told.vms.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::budget::Tally;
    use crate::model::id::{Incarnation, Seat, VmId, WorkerId};
    use crate::model::job::JobState;
    use crate::model::resources::Resources;
    use crate::model::task::{Cause, Outcome, Phase, TaskState};
    use crate::real::status::TaskStatus;

    /// `j7` of the cluster: one attempt was lost, the next runs.
    fn told() -> JobStatus {
        let seat = |worker| Seat { worker: WorkerId(worker), incarnation: Incarnation(3) };
        let lost = AttemptState::Ended(Outcome::WorkerFailed, Cause::Loss);
        let attempts = vec![
            AttemptStatus { seat: seat(2), state: lost, gone: true },
            AttemptStatus {
                seat: seat(1),
                state: AttemptState::Live(Phase::Building),
                gone: false,
            },
        ];
        let state = TaskState::Active(Phase::Building);
        let spent = Tally { failure: 0, delivery: 0, preemption: 1 };
        JobStatus {
            job: JobId(7),
            name: "j2".to_owned(),
            state: JobState::Running,
            tasks: vec![TaskStatus { state, spent, attempts }],
            pending_reason: None,
        }
    }

    fn cluster() -> ClusterStatus {
        let worker = |number, state: &str, attempts| WorkerStatus {
            seat: Seat { worker: WorkerId(number), incarnation: Incarnation(3) },
            state: state.to_owned(),
            total: Resources::cpus(4),
            held: Resources::cpus(1),
            attributes: [(ZONE.to_owned(), "b".to_owned())].into(),
            attempts,
            drained: false,
        };
        let slice = "g1/s1".parse().expect("it is a slice");
        ClusterStatus {
            workers: vec![
                worker(2, "DEGRADED (silent)", vec![JobId(9).task(0).attempt(0)]),
                worker(1, "HEALTHY", vec![JobId(7).task(0).attempt(1)]),
            ],
            groups: Vec::new(),
            slices: vec![SliceStatus {
                slice,
                closed: true,
                vms: vec![(VmId(4), "READY".to_owned())],
            }],
        }
    }

    #[test]
    fn what_a_client_is_told_is_seen_under_the_numbers_of_the_run() {
        let seen = seen(5, &[(JobId(2), told())], &cluster());
        let expected = serde_json::json!({
            "at": 5,
            "jobs": [{ "job": "j2", "state": "RUNNING", "tasks": [{
                "state": "BUILDING",
                "spent": { "failure": 0, "delivery": 0, "preemption": 1 },
                "attempts": [
                    { "worker": "w2", "incarnation": 3, "outcome": "WORKER_FAILED",
                      "cause": "loss", "gone": true },
                    { "worker": "w1", "incarnation": 3, "phase": "BUILDING", "gone": false },
                ],
            }] }],
            "workers": [
                { "worker": "w1", "incarnation": 3, "healthy": true, "cpu_milli": 4000,
                  "held_milli": 1000, "zone": "b", "attempts": ["j2.0#1"] },
                { "worker": "w2", "incarnation": 3, "healthy": false, "cpu_milli": 4000,
                  "held_milli": 1000, "zone": "b", "attempts": [] },
            ],
            "slices": [{ "slice": "g1/s1", "closed": true, "vms": [["v4", "READY"]] }],
        });
        assert_eq!(serde_json::to_value(&seen).expect("it is plain values"), expected);
        let read: Seen = serde_json::from_value(expected).expect("it is what is written");
        assert_eq!(read, seen);
    }
}
