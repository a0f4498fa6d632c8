//! Lengths of time of a run as they really are, and jobs as commands.

use std::fmt::Write as _;

use crate::model::id::JobId;
use crate::model::policy::Policy;
use crate::model::spec::{Entrypoint, JobSpec, Payload};
use crate::model::time::Millis;

use super::super::in_process::spec;
use super::super::run::{Exit, JobPlan};

/// How many times faster time is than a run says.
pub(super) const FASTER: u32 = 10;

/// A tenth, and not nothing.
fn tenth(length: Millis) -> Millis {
    Millis((length.0 / FASTER).max(1))
}

/// A policy in which all takes a tenth of the time. What must be less than another length is
/// rounded down, and that one up, so that a policy that keeps its promises still does.
pub(super) fn faster(it: &Policy) -> Policy {
    Policy {
        retry: it.retry,
        reconcile: it.reconcile,
        delivery_errors: it.delivery_errors,
        heartbeat: tenth(it.heartbeat),
        worker_timeout: Millis(it.worker_timeout.0.div_ceil(FASTER)),
        worker_lease: tenth(it.worker_lease),
        rpc_timeout: tenth(it.rpc_timeout),
        delivery_backoff: tenth(it.delivery_backoff),
        delivery_tries: it.delivery_tries,
        kill_grace: tenth(it.kill_grace),
        boot_timeout: tenth(it.boot_timeout),
        init_timeout: tenth(it.init_timeout),
        idle_timeout: tenth(it.idle_timeout),
        quarantine_after: it.quarantine_after,
        quarantine: tenth(it.quarantine),
        no_workers_grace: tenth(it.no_workers_grace),
        barren_slices: it.barren_slices,
        create_backoff: tenth(it.create_backoff),
        create_backoff_max: tenth(it.create_backoff_max),
        quota_backoff: tenth(it.quota_backoff),
        keep_jobs_for: it.keep_jobs_for,
        keep_jobs: it.keep_jobs,
    }
}

/// A job as a command that ends as its plan says.
pub(super) fn command(job: JobId, plan: &JobPlan) -> JobSpec {
    let spec = spec(job, plan);
    let mut terms = spec.terms;
    terms.timeout = terms.timeout.map(tenth);
    terms.scheduling_timeout = terms.scheduling_timeout.map(tenth);
    let words = ["/bin/sh", "-c", &script(plan)].map(str::to_owned);
    let entrypoint = Entrypoint::Command(words.to_vec());
    JobSpec { terms, payload: Payload { entrypoint, ..spec.payload }, ..spec }
}

/// What an attempt does, by its task and number: `IRIS_ATTEMPT` is such as `j1.0#2`.
fn script(plan: &JobPlan) -> String {
    let mut text = "case ${IRIS_ATTEMPT#*.} in\n".to_owned();
    for (task, exits) in plan.tasks.iter().enumerate() {
        let task = if task + 1 == plan.tasks.len() { "*".to_owned() } else { task.to_string() };
        for (number, Exit { after, ok }) in exits.iter().enumerate() {
            let number =
                if number + 1 == exits.len() { "*".to_owned() } else { number.to_string() };
            let (after, code) = (after.0 / FASTER, i32::from(!ok));
            let (seconds, part) = (after / 1000, after % 1000);
            // The text is memory: it cannot be too long for it.
            let _ = writeln!(text, "{task}'#'{number}) sleep {seconds}.{part:03}; exit {code} ;;");
        }
        if exits.is_empty() {
            let _ = writeln!(text, "{task}'#'*) exec sleep 1000000 ;;");
        }
    }
    text + "*) exec sleep 1000000 ;;\nesac"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_ends_as_its_plan_says_of_the_attempt() {
        let exit = |ok| Exit { after: Millis(0), ok };
        let tasks = vec![vec![exit(false), exit(true)], vec![exit(true), exit(false)]];
        let plan = JobPlan { tasks, ..JobPlan::default() };
        for (task, attempt) in [(0, 0), (0, 1), (0, 7), (1, 0), (1, 1), (9, 0), (9, 9), (10, 10)] {
            let name = JobId(12).task(task).attempt(attempt).to_string();
            let status = std::process::Command::new("/bin/sh")
                .args(["-c", &script(&plan)])
                .env("IRIS_ATTEMPT", &name)
                .status()
                .expect("there is a shell");
            let expected = plan.exit(task, attempt).map(|exit| exit.ok);
            assert_eq!(Some(status.success()), expected, "{name}");
        }
    }

    #[test]
    fn times_are_a_tenth_and_what_never_ends_sleeps() {
        let exit = Exit { after: Millis(12_345), ok: true };
        let plan = JobPlan { tasks: vec![vec![exit], vec![]], ..JobPlan::default() };
        let expected = "case ${IRIS_ATTEMPT#*.} in\n\
                        0'#'*) sleep 1.234; exit 0 ;;\n\
                        *'#'*) exec sleep 1000000 ;;\n\
                        *) exec sleep 1000000 ;;\n\
                        esac";
        assert_eq!(script(&plan), expected);
    }

    #[test]
    fn a_policy_that_keeps_its_promises_keeps_them_ten_times_faster() {
        let rows = [
            Policy::LOCAL,
            Policy { kill_grace: Millis(8_999), ..Policy::LOCAL },
            Policy { heartbeat: Millis(1), kill_grace: Millis(1), ..Policy::LOCAL },
            Policy { worker_timeout: Millis(60_009), kill_grace: Millis(9_008), ..Policy::LOCAL },
        ];
        for policy in rows {
            assert_eq!((policy.validate(), faster(&policy).validate()), (Ok(()), Ok(())));
        }
        let fast = faster(&Policy::LOCAL);
        assert_eq!((fast.heartbeat, fast.worker_timeout), (Millis(1000), Millis(6000)));
    }
}
