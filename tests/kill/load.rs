//! The jobs: commands that write down when they start and end.

use std::collections::BTreeMap;
use std::path::Path;

use iris_check::model::budget::Tally;
use iris_check::model::id::JobId;
use iris_check::model::resources::Resources;
use iris_check::model::spec::{Entrypoint, JobSpec, Payload, Terms};

use crate::common::lcg::Lcg;

/// Holds a lock of its task as long as anything of the attempt lives: whatever descends from it has
/// inherited the lock. Who finds it taken is the second process of its task at one time.
const SCRIPT: &str = r#"
say() { echo "$1 $IRIS_ATTEMPT $$ $(date +%s%N)" >> "$FILES/diary"; }
exec 9>> "$FILES/lock.$IRIS_TASK"
flock -n 9 || { say twice; exit 1; }
say start
[ "$STRAY" = 0 ] || (setsid sleep 30 &)
sleep "$LENGTH"
[ "$FAILS" = 0 ] || { mkdir "$FILES/failed.$IRIS_TASK" 2> /dev/null && { say fail; exit 3; }; }
say end
exit 0
"#;

/// All that was acknowledged.
pub struct Load {
    files: String,
    requests: usize,
    jobs: BTreeMap<JobId, JobSpec>,
}

impl Load {
    pub fn new(files: &Path) -> Self {
        let files = files.to_str().expect("it is text").to_owned();
        Self { files, requests: 0, jobs: BTreeMap::new() }
    }

    /// The jobs of one round.
    pub fn draw(&mut self, rng: &mut Lcg) -> Vec<JobSpec> {
        (0..2 + rng.below(2)).map(|_| self.job(rng)).collect()
    }

    /// A job that leaves something behind, and runs long enough to be caught at it.
    pub fn long(&mut self) -> JobSpec {
        self.spec(1, "1.500".to_owned(), false, true)
    }

    fn job(&mut self, rng: &mut Lcg) -> JobSpec {
        let replicas = 1 + u16::from(rng.once_in(2)) + u16::from(rng.once_in(4));
        let length = format!("0.{:03}", 10 + rng.below(290));
        self.spec(replicas, length, rng.once_in(4), rng.once_in(4))
    }

    fn spec(&mut self, replicas: u16, length: String, fails: bool, stray: bool) -> JobSpec {
        self.requests += 1;
        let env = [
            ("FILES", self.files.clone()),
            ("LENGTH", length),
            ("FAILS", u8::from(fails).to_string()),
            ("STRAY", u8::from(stray).to_string()),
        ];
        let command = ["sh", "-c", SCRIPT].map(str::to_owned).to_vec();
        JobSpec {
            terms: Terms {
                replicas,
                resources: Resources::cpus(1),
                // Of failures just what it needs: one that is charged and was none is seen.
                budgets: Tally { failure: fails.into(), delivery: 100, preemption: 100 },
                ..Terms::default()
            },
            payload: Payload {
                name: format!("request {}", self.requests),
                entrypoint: Entrypoint::Command(command),
                env: env.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
                bundle: None,
            },
            request_id: Some(format!("request-{}", self.requests).as_str().into()),
        }
    }

    /// A request was answered with this job.
    pub fn acknowledged(&mut self, job: JobId, spec: JobSpec) {
        let other = self.jobs.insert(job, spec);
        assert_eq!(other, None, "{job} was acknowledged for two requests");
    }

    pub fn jobs(&self) -> impl Iterator<Item = (JobId, &JobSpec)> {
        self.jobs.iter().map(|(job, spec)| (*job, spec))
    }

    /// The last jobs, which may not have ended yet.
    pub fn last(&self, count: usize) -> impl Iterator<Item = JobId> {
        self.jobs.keys().rev().take(count).copied()
    }
}
