//! Policies: what is refused, and what the presets change that can be seen.

use iris_check::model::policy::Policy;
use iris_check::model::time::Millis;

use super::rig::{Rig, tasks};

#[test]
fn a_policy_that_cannot_keep_its_promises_is_refused_with_the_reason() {
    let good = Policy::HARDENED;
    let lease = "worker_lease + kill_grace + heartbeat/10 must be less than worker_timeout, so \
                 that a worker has stopped everything before it is taken for dead: ";
    let rows = [
        (
            Policy { worker_timeout: Millis::seconds(56), ..good },
            format!("{lease}50 s + 5 s + 1 s is not less than 56 s"),
        ),
        (
            Policy { worker_lease: Millis(u32::MAX), ..good },
            format!("{lease}4294967295 ms + 5 s + 1 s is not less than 60 s"),
        ),
        (
            Policy { heartbeat: Millis(0), ..good },
            "heartbeat must be more than 0 and at most worker_lease (50 s), it is 0 s".to_owned(),
        ),
        (
            Policy { heartbeat: Millis::seconds(51), worker_timeout: Millis::seconds(99), ..good },
            "heartbeat must be more than 0 and at most worker_lease (50 s), it is 51 s".to_owned(),
        ),
        (
            Policy { delivery_tries: 0, ..good },
            "delivery_tries must be 1 to 15, it is 0".to_owned(),
        ),
        (
            Policy { delivery_tries: 16, ..good },
            "delivery_tries must be 1 to 15, it is 16".to_owned(),
        ),
    ];
    for (policy, reason) in rows {
        assert_eq!(policy.validate().expect_err("it is refused").to_string(), reason);
    }
    let just = Policy { worker_timeout: Millis(56_001), ..good };
    assert_eq!(just.validate(), Ok(()));
    for (name, policy) in Policy::PRESETS {
        assert_eq!(policy.validate(), Ok(()), "{name}");
        assert_eq!(name.parse(), Ok(policy));
    }
    let error = "soft".parse::<Policy>().expect_err("no such policy").to_string();
    let names = "hardened, local, as_reported.retry, as_reported.reconcile, \
                 as_reported.delivery_errors";
    assert_eq!(error, format!("`soft` is not a policy; there are {names}"));
}

#[test]
fn the_defaults_are_those_of_the_contract() {
    let p = Policy::default();
    let seconds = [
        (p.heartbeat, 10),
        (p.worker_timeout, 60),
        (p.worker_lease, 50),
        (p.rpc_timeout, 5),
        (p.kill_grace, 5),
        (p.boot_timeout, 300),
        (p.init_timeout, 600),
        (p.idle_timeout, 300),
        (p.quarantine, 15),
        (p.no_workers_grace, 600),
        (p.create_backoff, 5),
        (p.create_backoff_max, 300),
        (p.quota_backoff, 300),
        (p.keep_jobs_for, 604_800),
        (p.silence(), 15),
    ];
    for (at, (found, expected)) in seconds.into_iter().enumerate() {
        assert_eq!(found, Millis::seconds(expected), "row {at}");
    }
    assert_eq!(p.delivery_backoff, Millis(100));
    assert_eq!((p.delivery_tries, p.quarantine_after, p.barren_slices), (4, 3, 3));
    assert_eq!((p.keep_jobs, Policy::LOCAL.no_workers_grace), (10_000, Millis::seconds(20)));
}

#[test]
fn the_longest_interval_overflows_nothing() {
    let policy = Policy { heartbeat: Millis(u32::MAX), ..Policy::HARDENED };
    let mut rig = Rig::under(policy, 1, 1);
    assert_eq!(rig.submit(tasks(1)), "submitted j1; run j1.0#0 on w1@1");
}
