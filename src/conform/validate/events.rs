//! The event log of any orchestrator, replayed through the lifecycles of job, task, worker and VM.
//!
//! The first line is `{"log":"iris-check-events","version":1}`, with any of: `complete` (true: no
//! step is left out of the log), `budgets` (what a job may spend that does not say so itself),
//! `max_slices` (`{"g1":2}`). Every other line has `at`, in milliseconds, which does not go back,
//! and one of these; what is in brackets may be left out:
//!
//! | event | fields | it says |
//! |---|---|---|
//! | `submitted` | `job` \[and what follows\] | a client submitted a job |
//! | `cancelled` | `job` | a client cancelled it |
//! | `placed` | `job`, `task`, `attempt`, `worker` \[`incarnation`\] | a worker was given it |
//! | `phase` | `job`, `task`, `attempt`, `phase` \[`worker`\] | its worker says how far it is |
//! | `ended` | `job`, `task`, `attempt`, `outcome` \[`cause`\] | it ended |
//! | `gone` | `job`, `task`, `attempt` | no process of it runs or ever will |
//! | `task` | `job`, `task`, `state` \[`spent`\] | where the task stands |
//! | `job` | `job`, `state` | where the job stands: the fold over its tasks |
//! | `worker` | `worker`, `state` \[`incarnation`, capacity\] | what is thought of a worker |
//! | `vm` | `vm`, `state` \[`slice`, `group`\] | where a VM stands |
//!
//! | field | what it is |
//! |---|---|
//! | of `submitted` | `tasks` (1), `max_task_failures` (0), `gang` (false), `cpu_milli` (0), |
//! | | `memory_bytes` (0), `timeout_ms` and `scheduling_timeout_ms` (none), `budgets` |
//! | `budgets` | `failure` (0), `delivery` (10), `preemption` (100): what a task may spend |
//! | `spent` | the same three: what it has spent |
//! | `task`, `attempt` | numbers, dense from 0 |
//! | `phase` | `ASSIGNED`, `BUILDING`, `RUNNING` |
//! | `outcome` | `SUCCEEDED`, `FAILED`, `KILLED`, `WORKER_FAILED`, `PREEMPTED`, `COSCHED_FAILED` |
//! | `cause` | `exit`, `delivery`, `loss`, `timeout`, `cancel`, `gang`, `job_over` |
//! | `state` of a task | `PENDING`, `ASSIGNED`, `BUILDING`, `RUNNING`, `SUCCEEDED`, `FAILED`, |
//! | | `KILLED`, `WORKER_FAILED`, `UNSCHEDULABLE`; of a job the same but the second and third |
//! | `state` of a worker | `HEALTHY`, `DEGRADED`, `DEAD` |
//! | `state` of a VM | `REQUESTING`, `BOOTING`, `INITIALIZING`, `READY`, `STOPPING`, |
//! | | `TERMINATED`, `FAILED`, `PREEMPTED` |
//! | capacity | `cpu_milli`, `memory_bytes`; what is not told has no end |
//!
//! Jobs, workers, VMs, slices and groups have any names. Steps may be left out, except what a
//! client did: an event is legal if some steps that nobody logged lead to it (`unseen`). They are
//! looked for where the event is, not elsewhere: a worker whose capacity is told holds what was
//! placed there and is not told to have ended.
//!
//! Judged on the way are T1 and T2 (what has ended stays so, attempts are dense), S1 and S5 (what
//! is spent, and what it leads to), S2 (a job is the fold of its tasks), S3 (one live attempt), S4
//! (what is placed fits), S6 (a gang on distinct workers), S7 (a slice goes as a whole, and a group
//! has only so many), T7 (only HEALTHY workers are given work) and T9 (only a newer incarnation
//! comes back).

mod ended;
mod fleet;
mod job;
mod line;
mod nearest;
mod tasks;
mod unseen;

use std::collections::{BTreeMap, VecDeque};

use crate::model::budget::Tally;
use crate::model::spec::Terms;

use super::mismatch::Refusal;
use super::{Cluster, Stop};

pub(super) use line::{Header, Raw};

use fleet::Fleet;
use job::{Job, budgets};
use line::{JobIs, OfJob, Submitted};

/// Jobs that are remembered although nothing of them can change any more.
const KEPT: usize = 10_000;

/// What every line must have.
const EXPECTED: &str = "expected `at` with one of `submitted`, `cancelled`, `placed`, `phase`, \
                        `ended`, `gone`, `task`, `job`, `worker`, `vm`";

/// A cluster as its log tells of it.
#[derive(Clone)]
pub(super) struct Events {
    complete: bool,
    budgets: Tally,
    jobs: BTreeMap<String, Job>,
    settled: VecDeque<String>,
    fleet: Fleet,
    last: u64,
    submitted: u64,
    attempts: u64,
}

impl Cluster for Events {
    type Line = Raw;

    fn take(&mut self, raw: Raw) -> Result<&'static str, Stop> {
        let kind = raw.kind().ok_or_else(|| Stop::Bad(EXPECTED.to_owned()))?;
        match self.judge(&raw) {
            Ok(()) => Ok(kind),
            Err(refusal) => Err(Stop::Refused(self.explain(&raw, refusal))),
        }
    }

    fn counts(&self) -> (u64, u64, u64) {
        (self.submitted, self.attempts, 0)
    }
}

impl Events {
    pub(super) fn new(header: Header) -> Self {
        Self {
            complete: header.complete,
            budgets: budgets(header.budgets, Terms::default().budgets),
            jobs: BTreeMap::new(),
            settled: VecDeque::new(),
            fleet: Fleet::new(header.max_slices),
            last: 0,
            submitted: 0,
            attempts: 0,
        }
    }

    fn judge(&mut self, raw: &Raw) -> Result<(), Refusal> {
        let at = raw.at;
        if at < self.last {
            let guard = format!("time must not go back: the last event was at {} ms", self.last);
            return Err(Refusal::new(guard));
        }
        self.last = at;
        let Raw { submitted, cancelled, placed, phase, ended, gone, task, job, worker, vm, .. } =
            raw;
        if let Some(it) = submitted {
            return self.submit(at, it);
        }
        if let Some(it) = cancelled {
            return self.cancel(it);
        }
        if let Some(it) = placed {
            return self.placed(at, it);
        }
        if let Some(it) = phase {
            return self.phase(at, it);
        }
        if let Some(it) = ended {
            return self.ended(at, it);
        }
        if let Some(it) = gone {
            return self.is_gone(at, it);
        }
        if let Some(it) = task {
            return self.task_is(at, it);
        }
        if let Some(it) = job {
            return self.job_is(it);
        }
        if let Some(it) = worker {
            return self.fleet.worker_is(it, self.complete);
        }
        vm.as_ref().map_or(Ok(()), |it| self.fleet.vm_is(it, self.complete))
    }

    fn submit(&mut self, at: u64, it: &Submitted) -> Result<(), Refusal> {
        let name = &it.job;
        if self.jobs.contains_key(name) {
            return Err(Refusal::new(format!("a job is submitted once: {name} was before")));
        }
        let job = Job::new(at, it, self.budgets, self.complete);
        if let Err(bad) = job.terms.validate() {
            let field = if bad.field == "replicas" { "tasks" } else { bad.field };
            return Err(Refusal::new(format!("{field} of {name} must be {}", bad.expected)));
        }
        self.jobs.insert(name.clone(), job);
        self.submitted += 1;
        Ok(())
    }

    fn cancel(&mut self, it: &OfJob) -> Result<(), Refusal> {
        self.jobs.get_mut(&it.job).ok_or_else(|| unknown(&it.job))?.cancelled = true;
        Ok(())
    }

    fn job_is(&mut self, it: &JobIs) -> Result<(), Refusal> {
        let name = &it.job;
        let job = self.jobs.get(name).ok_or_else(|| unknown(name))?;
        if let Some(ended) = job.ended.filter(|ended| *ended != it.state) {
            return Err(Refusal::new(format!("what has ended stays so: {name} has ended {ended}")));
        }
        let certain = job.certain();
        let legal = certain == Some(it.state) || (!self.complete && job.may_be(it.state));
        if !legal {
            let is = certain.map_or_else(String::new, |is| format!(": that is {is}"));
            return Err(Refusal::new(format!(
                "a job's state is the fold of its tasks{is}, and {name} cannot be {} by steps that \
                 were not logged",
                it.state
            )));
        }
        if let Some(job) = self.jobs.get_mut(name)
            && it.state.has_ended()
        {
            job.ended = Some(it.state);
            job.over = true;
        }
        self.forget(name);
        Ok(())
    }

    /// Of jobs that nothing can happen to any more only the last ones are kept.
    fn forget(&mut self, name: &str) {
        let Some(job) = self.jobs.get_mut(name).filter(|it| it.is_settled() && !it.kept) else {
            return;
        };
        job.kept = true;
        self.settled.push_back(name.to_owned());
        if self.settled.len() > KEPT
            && let Some(oldest) = self.settled.pop_front()
        {
            self.jobs.remove(&oldest);
        }
    }
}

fn unknown(job: &str) -> Refusal {
    Refusal::new(format!("{job} must have been submitted: it never was, or ended long ago"))
}
