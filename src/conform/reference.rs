//! A small model of what a user of the cluster may observe, written on the lifecycles alone: no
//! messages, no timers, and nothing of the controller's machine.
//!
//! It is told what is done, with the answer, and what is seen afterwards. Where the contract leaves
//! freedom (which worker, which order, and under faults what is lost) it accepts exactly what the
//! contract allows, and follows what it saw. Each look is judged four times:
//!
//! 1. `picture`: what must hold in every single look (folds, sums, gangs, nothing waits for what is
//!    free);
//! 2. `follow`: from the last look to this one each task must have come by legal events of its
//!    lifecycle, spending what each end costs;
//! 3. `blame`: each of these ends must have a cause in what was done: an exit that was planned, a
//!    timeout that is over, a cancel that was asked for, a disturbance (`weather`) that may lose
//!    messages or workers;
//! 4. `duty`: what had to happen by now has happened.

mod blame;
mod duty;
mod follow;
mod picture;
#[cfg(test)]
mod tests;
mod weather;

use std::fmt;

use im::{OrdMap, OrdSet};
use serde::{Deserialize, Serialize};

use crate::model::id::{AttemptId, JobId, TaskId, WorkerId};
use crate::model::task::{Phase, TaskState};
use crate::model::time::Millis;

use super::run::{JobPlan, Run, Step};
use super::seen::{JobSeen, Seen, TaskSeen};
use super::subject::{Abilities, Reply, STEP};
use super::world::World;
use follow::{Follower, Happened};
use weather::Weather;

/// Which rule a cluster breaks: what two runs have in common that fail in the same way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// An answer to a client is not what it must be.
    Answer,
    /// Jobs are missing, or nobody asked for them.
    Jobs,
    /// A job is not what its tasks make it.
    Fold,
    /// Counters are not what the attempts make them.
    Counters,
    /// A task has more than one live attempt, or another than it says.
    OneAttempt,
    /// Members of a gang do not run together.
    Gang,
    /// It tells why a job waits that does not.
    Reason,
    /// What is held is not what the attempts need.
    Capacity,
    /// A task waits for what is free.
    Waits,
    /// More runs than should.
    Processes,
    /// No legal events lead from one look to the next.
    Lifecycle,
    /// Something ended, and nothing that was done explains it.
    Blame,
    /// Something had to happen, and has not.
    Duty,
    /// With all faults over, not all came to its end.
    Convergence,
    /// A claim was violated inside.
    Claim,
}

/// How a cluster and the reference disagree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// Which rule is broken.
    pub rule: Rule,
    /// How.
    pub says: String,
}

impl Difference {
    pub(super) fn new(rule: Rule, says: impl Into<String>) -> Self {
        Self { rule, says: says.into() }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.says)
    }
}

/// A span of time in which something happened: not before the first instant, not after the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    from: u64,
    to: u64,
}

/// What is known of an attempt besides what is seen.
#[derive(Debug, Clone, Copy)]
struct Known {
    placed: Span,
    accepted: Option<Span>,
    ended: Option<Span>,
}

/// The reference. Copies share what did not change.
#[derive(Debug, Clone)]
pub struct Reference {
    world: World,
    weather: Weather,
    policy: crate::model::policy::Policy,
    slack: u64,
    /// When was looked last and something was seen, and what time it is.
    looked: u64,
    now: u64,
    jobs: OrdMap<JobId, JobSeen>,
    /// When tasks that are PENDING became it.
    pending: OrdMap<TaskId, Span>,
    attempts: OrdMap<AttemptId, Known>,
    /// Jobs that were acknowledged, and jobs whose cancelling was asked for, and acknowledged.
    submitted: OrdSet<JobId>,
    asked: OrdSet<JobId>,
    cancelled: OrdSet<JobId>,
    /// When a live worker was last seen, and when none was first seen since.
    workers_at: Option<u64>,
    known_workers: OrdSet<WorkerId>,
    /// Events of lifecycles that were followed so far.
    followed: u64,
}

impl Reference {
    /// For a cluster that begins this run.
    pub fn new(run: &Run, abilities: &Abilities) -> Self {
        Self {
            world: World::new(&run.shape),
            weather: Weather::new(&run.shape),
            policy: run.shape.policy.0,
            slack: u64::from(abilities.slack.0),
            looked: 0,
            now: 0,
            jobs: OrdMap::new(),
            pending: OrdMap::new(),
            attempts: OrdMap::new(),
            submitted: OrdSet::new(),
            asked: OrdSet::new(),
            cancelled: OrdSet::new(),
            workers_at: None,
            known_workers: OrdSet::new(),
            followed: 0,
        }
    }

    /// What was done so far.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// How many events of lifecycles were followed so far.
    pub fn followed(&self) -> u64 {
        self.followed
    }

    /// A step was done and answered.
    ///
    /// # Errors
    /// The answer is not what it must be.
    pub fn takes(&mut self, step: &Step, reply: &Reply) -> Result<(), Difference> {
        self.world.take(step);
        // Who was not answered may have been heard or not: what closes has closed, what opens has
        // not.
        let unheard = *reply == Reply::Unavailable && matches!(step, Step::Open(_));
        if !unheard {
            self.weather.takes(step, self.now);
        }
        self.answer(step, reply)
    }

    /// Everything was healed.
    pub fn heals(&mut self) {
        self.weather.heals(self.now);
    }

    fn answer(&mut self, step: &Step, reply: &Reply) -> Result<(), Difference> {
        let wrong = |says: String| {
            Err(Difference::new(Rule::Answer, format!("{step}: it answers {reply:?}; {says}")))
        };
        if *reply == Reply::Unavailable {
            let to = self.looked + u64::from(STEP.0);
            if let Step::Cancel(job) = step {
                self.asked.insert(*job);
            }
            return if self.weather.of_controller(self.looked, to) {
                Ok(())
            } else {
                wrong("its controller is up, and nothing disturbs it".to_owned())
            };
        }
        match step {
            Step::Submit(_) => {
                let count = u32::try_from(self.world.plans().len()).unwrap_or(u32::MAX);
                self.submits(JobId(count), reply).or_else(wrong)
            }
            Step::Resubmit(job) => self.submits(*job, reply).or_else(wrong),
            Step::Cancel(job) => {
                let known = self.submitted.contains(job);
                match reply {
                    Reply::Done if known => {
                        self.asked.insert(*job);
                        self.cancelled.insert(*job);
                        Ok(())
                    }
                    Reply::NotFound if !known => Ok(()),
                    Reply::Done
                    | Reply::Job(_)
                    | Reply::NotFound
                    | Reply::Invalid(_)
                    | Reply::Unavailable => wrong("expected `done` for a job that there is".into()),
                }
            }
            Step::Drain(worker) | Step::Open(worker) => match reply {
                Reply::NotFound if !self.known_workers.contains(worker) => Ok(()),
                Reply::Done => Ok(()),
                Reply::Job(_) | Reply::NotFound | Reply::Invalid(_) | Reply::Unavailable => {
                    wrong("expected `done` for a worker that was heard of".into())
                }
            },
            Step::SlicePreempted(_) | Step::VmLost(_) => Ok(()),
            Step::WorkerCrashes(_)
            | Step::WorkerStarts(_)
            | Step::ControllerCrashes
            | Step::ControllerStarts
            | Step::Cut(..)
            | Step::Mended(..)
            | Step::Fault(_)
            | Step::FaultsEnd
            | Step::Pass(_) => {
                if *reply == Reply::Done {
                    Ok(())
                } else {
                    wrong("expected `done`".into())
                }
            }
        }
    }

    fn submits(&mut self, job: JobId, reply: &Reply) -> Result<(), String> {
        if *reply == Reply::Job(job) {
            self.submitted.insert(job);
            Ok(())
        } else {
            Err(format!("expected {job}"))
        }
    }

    /// What is seen now; nothing if no controller answers.
    ///
    /// # Errors
    /// It is not allowed.
    pub fn sees(&mut self, at: u64, seen: Option<&Seen>) -> Result<(), Difference> {
        self.now = self.now.max(at);
        let Some(seen) = seen else {
            // A clock of real time may be ahead of the sum of what was to pass.
            let silent = self.weather.of_controller(self.looked, at.max(self.looked));
            return if silent {
                Ok(())
            } else {
                let says = "the controller does not answer, and nothing disturbs it";
                Err(Difference::new(Rule::Answer, says))
            };
        };
        let world = self.world.clone();
        picture::judge(seen, &|job| world.plan(job))?;
        let span = Span { from: self.looked, to: seen.at };
        for job in &seen.jobs {
            self.follow_job(job, span)?;
        }
        self.note_workers(seen);
        self.looked = seen.at;
        self.duties(seen)
    }

    fn follow_job(&mut self, is: &JobSeen, span: Span) -> Result<(), Difference> {
        let world = self.world.clone();
        let Some(plan) = world.plan(is.job) else { return Ok(()) };
        let terms = plan.terms();
        let was = self.jobs.get(&is.job).cloned();
        if was.as_ref() == Some(is) {
            return Ok(());
        }
        let fresh = fresh(is);
        let was = was.unwrap_or(fresh);
        for (index, (old, new)) in (0_u16..).zip(was.tasks.iter().zip(&is.tasks)) {
            let task = is.job.task(index);
            if !self.pending.contains_key(&task) && old.state == TaskState::Pending {
                self.pending.insert(task, span);
            }
            let may = |number: usize, ending| self.may_end(is, plan, task, number, ending, span);
            let follower = Follower { terms: &terms, may: &may };
            let happened = follower.follow(old, new).map_err(|says| {
                let rule = Rule::Lifecycle;
                Difference::new(rule, format!("{task}: {says}"))
            })?;
            for event in &happened {
                if let Happened::Without(event) = event {
                    self.may_end_without(is, plan, task, *event, span)?;
                }
            }
            self.note_task(task, new, &happened, span);
        }
        self.jobs.insert(is.job, is.clone());
        Ok(())
    }

    fn note_task(&mut self, task: TaskId, is: &TaskSeen, happened: &[Happened], span: Span) {
        self.followed += happened.len() as u64;
        for event in happened {
            match event {
                Happened::Placed { attempt } => {
                    let known = Known { placed: span, accepted: None, ended: None };
                    self.attempts.insert(id_of(task, *attempt), known);
                }
                Happened::Ended { attempt, .. } => {
                    if let Some(known) = self.attempts.get_mut(&id_of(task, *attempt)) {
                        known.ended = Some(span);
                    }
                }
                Happened::Without(_) => {}
            }
        }
        for (number, attempt) in is.attempts.iter().enumerate() {
            let heard = attempt.phase.is_some_and(|it| it > Phase::Assigned);
            if heard
                && let Some(known) = self.attempts.get_mut(&id_of(task, number))
                && known.accepted.is_none()
            {
                known.accepted = Some(span);
            }
        }
        if is.state != TaskState::Pending {
            self.pending.remove(&task);
        } else if !happened.is_empty() {
            self.pending.insert(task, span);
        }
    }

    fn note_workers(&mut self, seen: &Seen) {
        let Some(workers) = &seen.workers else { return };
        if !workers.is_empty() {
            self.workers_at = Some(seen.at);
        }
        self.known_workers.extend(workers.iter().map(|it| it.worker));
    }

    /// What is still to come to its end, told for people; nothing once all has.
    pub fn left_over(seen: &Seen) -> Option<String> {
        picture::left_over(seen)
    }

    /// Jobs that are there, and whose submitter was never told so.
    pub fn unacknowledged(&self) -> Vec<JobId> {
        self.jobs.keys().copied().filter(|job| !self.submitted.contains(job)).collect()
    }

    /// Jobs that were acknowledged and need not end by themselves, once all is healed.
    pub fn endless(&self, run: &Run) -> Vec<JobId> {
        let ends = |job: &JobId| self.world.plan(*job).is_some_and(|plan| duty::ends(plan, run));
        self.submitted.iter().copied().filter(|job| !ends(job)).collect()
    }

    /// How long all may take to come to its end, if all is healed now and endless jobs are
    /// cancelled.
    pub fn bound(&self, run: &Run) -> Millis {
        duty::bound(self.world.plans().iter(), run, self.world.now())
    }
}

/// A job as it is when it was just submitted.
fn fresh(is: &JobSeen) -> JobSeen {
    let task =
        |_: &TaskSeen| TaskSeen { state: TaskState::Pending, spent: None, attempts: Vec::new() };
    JobSeen { tasks: is.tasks.iter().map(task).collect(), ..is.clone() }
}

fn id_of(task: TaskId, number: usize) -> AttemptId {
    task.attempt(u16::try_from(number).unwrap_or(u16::MAX))
}

/// The plan of an attempt's exit.
fn exit_of(plan: &JobPlan, id: AttemptId) -> Option<super::run::Exit> {
    plan.exit(id.task.index, id.number)
}
