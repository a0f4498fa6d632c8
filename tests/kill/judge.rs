//! What must hold, whenever somebody was killed:
//!
//! - An acknowledged job is known under its id, is the only one of its request, and ends SUCCEEDED:
//!   nothing but exits of its own was charged as a failure.
//! - What a client was told before the controller was killed is still so after: what had ended is
//!   unchanged, and nothing is forgotten.
//! - At no time two processes of one task, and no attempt started twice (`diary`).
//! - What SUCCEEDED did run to its end, what FAILED did fail.
//! - In the end nothing is held, no process is left, and the journal opens with all of it.

use std::collections::BTreeMap;

use iris_check::model::id::JobId;
use iris_check::model::job::JobState;
use iris_check::model::task::Outcome;
use iris_check::real::status::{AttemptState, JobStatus};

use super::cluster::Cluster;
use super::diary::Diary;
use super::load::Load;
use crate::common::bench::until;
use crate::common::lcg::Lcg;

/// How many of the last jobs are compared over a restart; those before have mostly ended.
const LAST: usize = 12;

pub type Told = BTreeMap<JobId, JobStatus>;

/// What clients are told now of the last jobs.
pub fn told(cluster: &Cluster, load: &Load) -> Told {
    let jobs: Vec<JobId> = load.last(LAST).collect();
    ask(cluster, &jobs)
}

fn ask(cluster: &Cluster, jobs: &[JobId]) -> Told {
    cluster.client().ask(async |client| {
        let mut told = Told::new();
        for job in jobs {
            told.insert(*job, client.status(*job).await?);
        }
        Ok(told)
    })
}

/// Of what was told before, everything is still so or has gone on from there.
pub fn nothing_was_taken_back(before: &Told, after: &Told) {
    for (job, before) in before {
        // It may be too old to have been asked for again.
        let Some(after) = after.get(job) else { continue };
        let says = || format!("before {before:#?}\nafter {after:#?}");
        assert!(!before.state.has_ended() || after.state == before.state, "{}", says());
        assert_eq!(before.tasks.len(), after.tasks.len(), "{}", says());
        for (before, after) in before.tasks.iter().zip(&after.tasks) {
            assert!(!before.state.is_finished() || after.state == before.state, "{}", says());
            assert!(before.attempts.len() <= after.attempts.len(), "{}", says());
            for (before, after) in before.attempts.iter().zip(&after.attempts) {
                let ended = matches!(before.state, AttemptState::Ended(..));
                assert!(!ended || after.state == before.state, "{}", says());
                assert_eq!(before.seat, after.seat, "{}", says());
                assert!(!before.gone || after.gone, "{}", says());
            }
        }
    }
}

/// A request that was acknowledged, and is made again, is answered with the same job.
pub fn asked_again(cluster: &Cluster, load: &Load, rng: &mut Lcg) {
    let count = load.jobs().count();
    let mut jobs = load.jobs().skip(rng.below(count));
    let (job, spec) = jobs.next().expect("there are more");
    assert_eq!(cluster.client().submit(spec), job, "{:?}", spec.request_id);
}

/// Judges a cluster in which all has ended. Answers how many attempts were lost in the middle.
pub fn settled(cluster: &Cluster, load: &Load) -> usize {
    let diary = Diary::read(cluster.path());
    let jobs: Vec<JobId> = load.jobs().map(|(job, _)| job).collect();
    let told = ask(cluster, &jobs);
    for (job, spec) in load.jobs() {
        let status = &told[&job];
        assert_eq!(status.state, JobState::Succeeded, "{status:#?}");
        assert_eq!(status.name, spec.payload.name);
        for (index, task) in (0..).zip(&status.tasks) {
            assert!(task.attempts.iter().all(|it| it.gone), "{status:#?}");
            for (number, attempt) in (0..).zip(&task.attempts) {
                let id = job.task(index).attempt(number);
                match attempt.state {
                    AttemptState::Ended(Outcome::Succeeded, _) => {
                        assert!(diary.has_ended(id), "{id} never ended: {status:#?}");
                    }
                    AttemptState::Ended(Outcome::Failed, _) => {
                        assert!(diary.has_failed(id), "{id} did not fail: {status:#?}");
                    }
                    AttemptState::Ended(..) => {}
                    AttemptState::Live(_) => panic!("{id} lives: {status:#?}"),
                }
            }
        }
    }
    for attempt in diary.started() {
        let task = told[&attempt.task.job].tasks.get(usize::from(attempt.task.index));
        let known = task.is_some_and(|it| usize::from(attempt.number) < it.attempts.len());
        assert!(known, "nobody ordered {attempt}, which ran");
    }
    let known = cluster.client().ask(async |client| client.list().await);
    let known: Vec<JobId> = known.iter().map(|it| it.job).collect();
    assert_eq!(known, jobs, "each request once");
    diary.lost()
}

/// Ends the cluster, and looks for what is left.
pub fn nothing_is_left(mut cluster: Cluster, load: &Load) {
    let jobs: Vec<JobId> = load.jobs().map(|(job, _)| job).collect();
    let before = ask(&cluster, &jobs);
    cluster.kill_controller();
    cluster.start_controller();
    assert_eq!(ask(&cluster, &jobs), before, "after the last restart");
    for (job, spec) in load.jobs() {
        assert_eq!(cluster.client().submit(spec), job, "{:?}", spec.request_id);
    }
    let idle = until(|| cluster.children_of_workers().is_empty());
    assert!(idle, "{:?} run for nobody", cluster.children_of_workers());
    cluster.end();
}
