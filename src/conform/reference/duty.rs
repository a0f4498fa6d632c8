//! What had to happen by now; and how long all may take to come to its end.

use crate::model::id::{AttemptId, TaskId};
use crate::model::task::{Phase, TaskState};
use crate::model::time::Millis;

use super::super::run::{JobPlan, Run};
use super::super::seen::{AttemptSeen, Seen, WorkerSeen};
use super::{Difference, Known, Reference, Rule, exit_of, id_of};

impl Reference {
    /// What must be so at a look, besides what is so at any.
    pub(super) fn duties(&self, seen: &Seen) -> Result<(), Difference> {
        for job in &self.submitted {
            let Some(it) = seen.jobs.iter().find(|it| it.job == *job) else {
                let says = format!("{job} was acknowledged, and is not there");
                return Err(Difference::new(Rule::Jobs, says));
            };
            if self.cancelled.contains(job) && !it.state.has_ended() {
                let says = format!("cancelling {job} was acknowledged, and it is {}", it.state);
                return Err(Difference::new(Rule::Duty, says));
            }
        }
        for job in &seen.jobs {
            let Some(plan) = self.world.plan(job.job) else { continue };
            for (index, task) in (0_u16..).zip(&job.tasks) {
                let id = job.job.task(index);
                if task.state == TaskState::Pending {
                    self.is_not_late(plan, id, seen.at)?;
                }
                for (number, attempt) in task.attempts.iter().enumerate() {
                    let id = id_of(id, number);
                    if let Some(known) = self.attempts.get(&id) {
                        self.of_attempt(plan, id, attempt, *known, seen.at)?;
                    }
                }
            }
        }
        self.of_workers(seen)
    }

    fn is_not_late(&self, plan: &JobPlan, task: TaskId, now: u64) -> Result<(), Difference> {
        let (Some(limit), Some(since)) = (plan.scheduling_timeout, self.pending.get(&task)) else {
            return Ok(());
        };
        let due = since.to + u64::from(limit.0) + self.slack;
        // A restart gives nothing more time: what is due by then is due at once.
        if now > due && !self.weather.of_controller(now, now) {
            let says = format!("{task} is PENDING since {} ms, for longer than it may", since.to);
            return Err(Difference::new(Rule::Duty, says));
        }
        Ok(())
    }

    fn of_attempt(
        &self,
        plan: &JobPlan,
        id: AttemptId,
        attempt: &AttemptSeen,
        known: Known,
        now: u64,
    ) -> Result<(), Difference> {
        let worker = attempt.worker;
        let late =
            |says: String| Err(Difference::new(Rule::Duty, format!("{id} on {worker} {says}")));
        let from = known.placed.from;
        let calm = !self.weather.of_worker(worker, from, now)
            && !self.weather.of_launch(worker, from, now);
        if let Some(ended) = known.ended {
            let limit = [self.policy.kill_grace, self.policy.heartbeat];
            let limit: u64 = limit.iter().map(|it| u64::from(it.0)).sum();
            if calm && attempt.gone == Some(false) && now > ended.to + limit + self.slack {
                return late(format!("ended by {} ms and is not confirmed gone", ended.to));
            }
            return Ok(());
        }
        if !attempt.is_live() {
            return Ok(());
        }
        if let (Some(limit), Some(accepted)) = (plan.timeout, known.accepted) {
            let due = accepted.to + u64::from(limit.0) + self.slack;
            if now > due && !self.weather.of_controller(now, now) {
                return late(format!("was accepted by {} ms, and has no timeout", accepted.to));
            }
        }
        if !calm {
            return Ok(());
        }
        if let Some(exit) = exit_of(plan, id)
            && now >= known.placed.to + u64::from(exit.after.0) + self.slack
        {
            let after = exit.after.0;
            return late(format!(
                "was placed by {} ms, exits after {after} ms, and nobody has heard of it",
                known.placed.to
            ));
        }
        if attempt.phase.is_some_and(|it| it < Phase::Running) && now > known.placed.to + self.slack
        {
            return late(format!("was placed by {} ms and does not run", known.placed.to));
        }
        Ok(())
    }

    /// A worker that nothing ever disturbed is live; and HEALTHY, unless it is closed or launches
    /// fail there.
    fn of_workers(&self, seen: &Seen) -> Result<(), Difference> {
        let Some(workers) = &seen.workers else { return Ok(()) };
        let now = seen.at;
        for worker in workers {
            self.of_live(worker, seen)?;
        }
        for (worker, up) in self.world.workers() {
            if !up || now <= self.slack || self.weather.of_worker(worker, now, now) {
                continue;
            }
            let is = workers.iter().find(|it| it.worker == worker);
            let closed = self.weather.of_door(worker, now);
            let quarantined = self.weather.of_launch(worker, now, now);
            let says = match is {
                None if closed => continue,
                None => "is not live",
                Some(it) if !it.healthy && !closed && !quarantined => "is not HEALTHY",
                Some(_) => continue,
            };
            let says = format!("{worker} {says}, and nothing disturbs it");
            return Err(Difference::new(Rule::Duty, says));
        }
        Ok(())
    }
}

impl Reference {
    /// A worker that is down is not trusted by a controller that has started since, and is given up
    /// in time by any; one of a machine is live only while there is the machine.
    fn of_live(&self, worker: &WorkerSeen, seen: &Seen) -> Result<(), Difference> {
        let (id, now) = (worker.worker, seen.at);
        let fails = |says: String| Err(Difference::new(Rule::Duty, format!("{id} {says}")));
        if self.weather.is_of_group(id)
            && let Some(slices) = &seen.slices
            && !slices.iter().flat_map(|slice| &slice.vms).any(|(vm, _)| vm.worker() == id)
        {
            return fails("is live, and its machine is not there".to_owned());
        }
        let Some(since) = self.weather.down_since(id) else { return Ok(()) };
        let said = since + self.slack + self.weather.delay();
        if worker.healthy && said < self.weather.started() {
            let started = self.weather.started();
            return fails(format!(
                "is down since {since} ms and HEALTHY for a controller that was started at \
                 {started} ms"
            ));
        }
        let silent = now.saturating_sub(said);
        if self.weather.of_controller(since, now) {
            return Ok(());
        }
        if worker.healthy && silent > u64::from(self.policy.silence().0) {
            return fails(format!("is down since {since} ms, and HEALTHY"));
        }
        if silent > u64::from(self.policy.worker_timeout.0) {
            return fails(format!("is down since {since} ms, and live"));
        }
        Ok(())
    }
}

/// Whether a job ends by itself in a healed cluster: its attempts do, and it does not wait for what
/// there will never be.
pub(super) fn ends(plan: &JobPlan, run: &Run) -> bool {
    let exits = !plan.tasks.is_empty() && plan.tasks.iter().all(|exits| !exits.is_empty());
    // More tries than this take longer than anybody waits for.
    let few = plan.failure <= 20 || plan.tasks.iter().flatten().all(|exit| exit.ok);
    few && (plan.timeout.is_some() || exits)
        && (plan.scheduling_timeout.is_some() || fits(plan, run))
}

fn fits(plan: &JobPlan, run: &Run) -> bool {
    let shape = &run.shape;
    let need = if plan.gang { usize::from(plan.replicas) } else { 1 };
    let enough = |zone: Option<&str>| {
        let here = |it: &&super::super::run::WorkerShape| {
            it.cpus >= plan.cpus && zone.is_none_or(|zone| zone == it.zone)
        };
        shape.workers.iter().filter(here).count() >= need
    };
    if plan.gang {
        shape.workers.iter().any(|worker| enough(Some(worker.zone.as_str())))
    } else {
        enough(None)
    }
}

/// How long all may take when so many milliseconds have passed until all was healed: what was
/// disturbed comes in order, and then each task goes one after the other, with all its tries.
pub(super) fn bound<'a>(
    plans: impl Iterator<Item = &'a JobPlan>,
    run: &Run,
    healed: u64,
) -> Millis {
    let policy = &run.shape.policy.0;
    let ms = |it: Millis| u64::from(it.0);
    let settle = 2 * ms(policy.worker_timeout)
        + 2 * ms(policy.heartbeat)
        + ms(policy.kill_grace)
        + ms(policy.rpc_timeout) * u64::from(policy.delivery_tries)
        + ms(policy.quarantine)
        + ms(policy.no_workers_grace);
    // The pauses of a delivery double: one that lasts is no longer than all those before it, and
    // one more.
    let longest = ms(policy.delivery_backoff) << policy.delivery_tries;
    let pause = longest.min(healed + settle + ms(policy.delivery_backoff));
    // Workers that stay have been heard by then, and launches do not fail any more. Those of groups
    // may come and go with each try.
    let (fleet, again) = if run.shape.groups.is_empty() {
        let again = 2 * ms(policy.heartbeat)
            + 2 * ms(policy.kill_grace)
            + 2 * ms(policy.rpc_timeout)
            + 4 * ms(policy.delivery_backoff);
        (0, again)
    } else {
        let fleet = ms(policy.boot_timeout)
            + ms(policy.init_timeout)
            + ms(policy.create_backoff_max)
            + ms(policy.quota_backoff)
            + ms(policy.idle_timeout);
        (fleet, settle)
    };
    let mut all = 2 * settle + pause + fleet;
    for plan in plans {
        let longest = plan.tasks.iter().flatten().map(|exit| ms(exit.after)).max().unwrap_or(0);
        let length = plan.timeout.map_or(longest, ms);
        let tries = u64::from(plan.failure.min(20)) + 3;
        let waits = plan.scheduling_timeout.map_or(0, ms);
        all += u64::from(plan.replicas) * (tries * (length + again) + waits);
    }
    Millis(u32::try_from(all).unwrap_or(u32::MAX))
}
