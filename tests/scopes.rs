//! Scope files: the standard ones are what they say, and a bad one is refused with the file, the
//! line, the key, what was expected and what to do.

use std::collections::BTreeSet;

use iris_check::check::scope::{KindSet, Scope, kind_name};
use iris_check::invariants::DESCRIBED;
use iris_check::model::operation::FaultKind;
use iris_check::model::policy::Policy;
use iris_check::model::time::Millis;

/// A scope that is fine.
const FINE: &str = "\
name = \"mine\"
about = \"a question of my own\"

[[workers]]

[[jobs]]
max_retries_failure = 1
";

#[test]
fn a_bad_scope_is_refused_with_line_key_and_what_to_do() {
    // What replaces which part of FINE, and what is said.
    let rows = [
        (
            "max_retries_failure = 1",
            "max_retires_failure = 1",
            "my.toml:7: jobs[1].max_retires_failure: unknown key `max_retires_failure`, did you \
             mean `max_retries_failure`? there are replicas, max_retries_failure, \
             max_retries_preemption, max_dispatch_failures, max_task_failures, cpus, cpu_milli, \
             memory_bytes, timeout_ms, scheduling_timeout_ms, group_by, submit",
        ),
        (
            "about =",
            "abuot =",
            "my.toml:2: abuot: unknown key `abuot`, did you mean `about`? there are name, about, \
             policy, policy_with, clocks, beats, launches, reports, claims, violated, workers, \
             jobs, groups, faults, deep",
        ),
        (
            "max_retries_failure = 1",
            "max_retries_failure = -1",
            "my.toml:7: jobs[1].max_retries_failure: expected a whole number from 0 to 10000, \
             found -1",
        ),
        (
            "max_retries_failure = 1",
            "timeout_ms = \"soon\"",
            "my.toml:7: jobs[1].timeout_ms: expected a whole number from 1 to 4294967295, found \
             \"soon\"",
        ),
    ];
    for (part, bad, expected) in rows {
        refused(part, bad, expected);
    }
}

#[test]
fn too_little_and_too_much_is_refused() {
    let rows = [
        (
            "[[workers]]",
            "",
            "my.toml:1: 0 workers: nothing could ever run; add [[workers]] (or [[groups]] whose \
             slices bring workers)",
        ),
        (
            "[[workers]]",
            "[[workers]]\ncount = 0",
            "my.toml:5: workers[1].count: expected a whole number from 1 to 1000000, found 0",
        ),
        (
            "[[workers]]",
            "[[workers]]\ncount = 5",
            "my.toml:4: workers[1]: 5 workers in all, and at most 4 can be explored completely: \
             every one multiplies the states; take the fewest that can still show what you ask, \
             mostly one or two",
        ),
        (
            "[[jobs]]",
            "[[jobs]]\nreplicas = 9",
            "my.toml:6: jobs[1]: 9 tasks in all, and at most 8 can be explored completely: every \
             one multiplies the states; take the fewest that can still show what you ask, mostly \
             one or two",
        ),
        (
            "[[jobs]]",
            "[[jobs]]\ngroup_by = \"zone\"\nmax_task_failures = 1",
            "my.toml:6: jobs[1].max_task_failures: it must be 0, because a gang cannot go on \
             without a member",
        ),
        (
            "[[jobs]]\nmax_retries_failure = 1",
            "",
            "my.toml:1: jobs: 0 jobs: nothing would happen; add [[jobs]]",
        ),
        (
            "name = \"mine\"",
            "",
            "my.toml:1: name: it is missing; findings are saved under it: name = \"mine\"",
        ),
        (
            "\"mine\"",
            "\"../mine\"",
            "my.toml:1: name: expected lower-case letters, digits, `.`, `_` and `-`, because files \
             are named after it; found \"../mine\"",
        ),
    ];
    for (part, bad, expected) in rows {
        refused(part, bad, expected);
    }
}

#[test]
fn a_bad_policy_claim_or_fault_is_refused_with_what_there_is() {
    let kinds = FaultKind::ALL.map(kind_name).join(", ");
    let unknown_fault = format!(
        "my.toml:4: faults.each.worker_crush: unknown kind of fault `worker_crush`, did you mean \
         `worker_crash`? there are {kinds}"
    );
    let rows = [
        (
            "policy = \"hard\"",
            "my.toml:1: policy: unknown policy `hard`; there are hardened, local, \
             as_reported.retry, as_reported.reconcile, as_reported.delivery_errors",
        ),
        (
            "policy_with = { worker_lease = 60_000 }",
            "my.toml:1: policy_with: worker_lease + kill_grace + heartbeat/10 must be less than \
             worker_timeout, so that a worker has stopped everything before it is taken for dead: \
             60 s + 5 s + 1 s is not less than 60 s",
        ),
        (
            "policy_with = { heartbeat = -1 }",
            "my.toml:1: policy_with.heartbeat: expected a whole number from 0 to 4294967295, found \
             -1",
        ),
        (
            "policy_with = { retry = \"never\" }",
            "my.toml:1: policy_with.retry: unknown variant `never`, expected `budgeted` or \
             `unbounded`",
        ),
        (
            "claims = [\"S1\", \"S10\"]",
            "my.toml:1: claims[2]: unknown claim `S10`, did you mean `S1`? there are S1, S2, S3, \
             S4, S5, S6, S7, S8, S9, T1, T2, T3, T4, T5, T6, T7, T8, T9, L1, L2, L3, L4, L5",
        ),
        (
            "claims = [\"S1\"]\nviolated = [\"T8\"]",
            "my.toml:2: violated[1]: T8 is not judged here; add it to `claims`",
        ),
        (
            "clocks = \"broken\"\nviolated = [\"S8\"]",
            "my.toml:2: violated[1]: S8 is only claimed where clocks = \"kept\"; leave it out",
        ),
        (
            "faults = { any = 1 }",
            "my.toml:1: faults.kinds: no kinds are named that could happen; add kinds = \
             [\"run_lost\", ..]",
        ),
        (
            "faults = { any = 16, kinds = [\"run_lost\"] }",
            "my.toml:1: faults.any: expected a whole number from 0 to 15, found 16",
        ),
    ];
    for (first, expected) in rows {
        refused("name =", &format!("{first}\nname ="), expected);
    }
    refused("[[workers]]\n", "faults.each.worker_crush = 1\n\n[[workers]]\n", &unknown_fault);
}

#[test]
fn what_is_no_toml_and_what_only_deep_gets_wrong_is_refused_at_once() {
    refused(
        "[[jobs]]",
        "[[jobs",
        "my.toml:6: this is not TOML: unclosed array table, expected `]]`",
    );
    refused(
        "[[jobs]]",
        "[deep.faults]\nany = -3\n\n[[jobs]]",
        "my.toml:7: faults.any: expected a whole number from 0 to 15, found -3",
    );
    refused(
        "[[workers]]",
        "deep = 1\n[[workers]]",
        "my.toml:4: deep: expected a table with the keys of a scope, found 1",
    );
}

fn refused(part: &str, bad: &str, expected: &str) {
    let text = FINE.replacen(part, bad, 1);
    assert_ne!(text, FINE, "`{part}` stands nowhere");
    let error = Scope::parse(&text, "my.toml").expect_err(&text);
    assert_eq!(error.to_string(), expected, "{text}");
}

#[test]
fn a_small_scope_has_the_defaults_of_a_client() {
    let scope = Scope::parse(FINE, "my.toml").expect("it is fine");
    assert_eq!(scope.policy, Policy::HARDENED);
    assert_eq!(scope.claims, DESCRIBED.map(|claim| claim.id));
    assert_eq!(scope.violated, [""; 0]);
    assert_eq!(scope.describe(), "1 worker, 1 task, no faults, policy hardened");
    let terms = &scope.jobs[0].terms;
    assert_eq!(
        (terms.budgets.failure, terms.budgets.delivery, terms.budgets.preemption),
        (1, 10, 100)
    );
    assert_eq!((terms.replicas, terms.resources.cpu_milli, terms.timeout), (1, 1000, None));
    assert_eq!(scope.deepened(), Ok(scope));
}

#[test]
fn a_full_scope_is_read_as_it_is_written() {
    let text = "\
name = \"full\"
clocks = \"broken\"
beats = \"three_steps\"
[policy_with]
retry = \"unbounded\"
idle_timeout = 1_000
[[workers]]
count = 2
cpu_milli = 1500
attributes = { zone = \"a\" }
registered = false
[[jobs]]
replicas = 2
group_by = \"zone\"
submit = \"any_time\"
timeout_ms = 7
[[groups]]
max_slices = 2
[faults]
any = 2
kinds = [\"run_lost\", \"cancel\"]
endless = [\"beat_lost\"]
each.worker_crash = 3
[deep.faults]
any = 4
each.drain = 1
";
    let scope = Scope::parse(text, "full.toml").expect("it is fine");
    assert_eq!(scope.policy.idle_timeout, Millis(1000));
    assert_eq!(scope.workers[1].id.to_string(), "w2");
    assert!(!scope.workers[1].registered && !scope.jobs[0].at_start);
    assert!(!scope.claims.contains(&"S8".to_owned()));
    assert_eq!(scope.faults.kinds, KindSet::NONE.with(FaultKind::RunLost).with(FaultKind::Cancel));
    assert_eq!(
        scope.describe(),
        "2 workers, 1 scale group of at most 2 slices, 2 tasks (gang), any 2 of 2 faults, 3 × \
         worker_crash, endless beat_lost, broken clocks, heartbeats in three steps, policy \
         hardened with changes"
    );
    let deep = scope.deepened().expect("it is fine as well");
    assert_eq!((deep.faults.any, deep.faults.kinds), (4, scope.faults.kinds));
    assert_eq!(deep.faults.each.iter().sum::<u8>(), 4);
    assert_eq!(Scope::parse(&deep.text, "again"), Ok(deep));
}

#[test]
fn standard_scopes_are_read_have_names_of_their_own_and_a_wider_form() {
    let scopes = Scope::standard();
    let names: Vec<&str> = scopes.iter().map(|scope| scope.name.as_str()).collect();
    let expected = [
        "delivery",
        "copies",
        "reports",
        "crash",
        "lease",
        "gang",
        "capacity",
        "cancel",
        "timeouts",
        "restart",
        "fleet",
        "mix",
        "mix.wide",
        "as_reported.retry",
        "as_reported.reconcile",
        "as_reported.delivery_errors",
    ];
    assert_eq!(names, expected);
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
    for scope in &scopes {
        assert_eq!(Scope::named(&scope.name).as_ref(), Some(scope));
        assert!(!scope.about.is_empty(), "{}", scope.name);
        let deep = scope.deepened().expect("its wider form was read before");
        let as_reported = scope.name.starts_with("as_reported.");
        assert_eq!(deep == *scope, as_reported, "{}", scope.name);
        assert_eq!(scope.violated.is_empty(), !as_reported, "{}", scope.name);
        assert_eq!(Scope::parse(&deep.text, "again"), Ok(deep));
    }
}

#[test]
fn every_kind_of_fault_is_offered_by_some_standard_scope() {
    let mut offered = BTreeSet::new();
    for scope in Scope::standard() {
        let menu = scope.faults;
        let each = FaultKind::ALL.into_iter().filter(|kind| menu.each[*kind as usize] > 0);
        offered.extend(menu.kinds.iter().chain(menu.endless.iter()).chain(each));
    }
    let missing: Vec<String> =
        FaultKind::ALL.into_iter().filter(|kind| !offered.contains(kind)).map(kind_name).collect();
    assert_eq!(missing, [""; 0]);
}
