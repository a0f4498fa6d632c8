//! Who does not start, who is not let in, and what they are told.

use std::fs;

use crate::common::bench::{Bench, TOKEN, answer};

#[test]
fn what_is_wrong_with_a_call_is_said_and_what_to_do() {
    let bench = Bench::new();
    fs::write(bench.path().join("short"), "secret").expect("it can be written");
    fs::write(bench.path().join("rules"), "\nworker.heartbeat explode\n").expect("it can be");
    let controller = ["controller", "--journal", "journal"];
    let rows: [(&[&str], &str); 11] = [
        (&["--listen", "0.0.0.0:0"], "0.0.0.0:0 can be reached from other machines"),
        (&["--listen", "0.0.0.0:0"], "(in the variable IRIS_CHECK_TOKEN, or a file with --token-f"),
        (&["--listen", "here"], "`here` is no address to listen on"),
        (&["--token-file", "short"], "short: a token is 16 or more visible ASCII characters"),
        (&["--token-file", "nothing"], "nothing: the file cannot be read: No such file"),
        (&["--group", "a:max=1"], "scale groups need a provider: --provider stdio, or run"),
        (&["--group", "a:size=1"], "a group has no `size`: write min, max, vms, cpus, memory or"),
        (&["--policy", "soft"], "`soft` is not a policy; there are hardened, local"),
        (&["--policy-with", "beat=1s"], "a policy has no `beat`; there are "),
        (&["--policy-with", "worker_lease=60s"], "60 s + 5 s + 1 s is not less than 60 s"),
        (&["--chaos", "rules"], "rules:2:18: `explode` is no verb: write one of"),
    ];
    for (args, expected) in rows {
        let (code, out, err) = bench.answer(&[&controller[..], args].concat());
        assert_eq!((code, out.as_str()), (1, ""), "{args:?}: {err}");
        assert!(err.contains(expected), "{args:?}: {err}");
        assert!(!err.contains("secret"), "a token is never told: {err}");
    }
    let (code, _, err) = bench.answer(&["up", "--listen", "[::]:0"]);
    assert_eq!(code, 1);
    assert!(err.contains("can be reached from other machines"), "{err}");
    let worker = ["worker", "--id", "w1", "--controller", "127.0.0.1:1", "--folder", "w1"];
    let (code, _, err) = bench.answer(&[&worker[..], &["--listen", "0.0.0.0:0"]].concat());
    assert_eq!(code, 1);
    assert!(err.contains("can be reached from other machines"), "{err}");
}

#[test]
fn clients_are_told_what_is_wrong() {
    let bench = Bench::new();
    let (code, _, err) = bench.answer(&["list"]);
    assert_eq!(code, 1);
    let expected = "iris-check: no controller answers at 127.0.0.1:7077 (the usual address; there \
                    is no iris-cluster/address)";
    assert!(err.starts_with(expected) && err.contains("`iris-check up`"), "{err}");
    let _up = bench.up("1");
    let rows: [(&[&str], &str); 8] = [
        (&["status", "j9"], "iris-check: there is no job j9, or it has been forgotten\n"),
        (&["cancel", "j9"], "iris-check: there is no job j9, or it has been forgotten\n"),
        (&["drain", "w9"], "iris-check: no worker w9 was ever heard of\n"),
        (&["logs", "j9.0#0"], "iris-check: there is no attempt j9.0#0, or its worker has not said"),
        (&["submit", "--replicas", "10001", "--", "true"], "iris-check: replicas must be 1 to 10,"),
        (
            &["submit", "--max-task-failures", "1", "--group-by", "zone", "--", "true"],
            "iris-check: max_task_failures must be 0, because a gang cannot go on without a member",
        ),
        (&["status", "x1"], "error: invalid value 'x1' for '<JOB>': `x1` is not a job such as `j1"),
        (&["submit", "--timeout", "5", "--", "true"], "error: invalid value '5' for '--timeout"),
    ];
    for (args, expected) in rows {
        let (code, out, err) = bench.answer(args);
        assert_eq!((code, out.as_str()), (1, ""), "{args:?}: {err}");
        assert!(err.starts_with(expected), "{args:?}: {err}");
    }
}

#[test]
fn only_who_has_the_token_is_let_in() {
    let bench = Bench::new();
    fs::write(bench.path().join("token"), format!("{TOKEN}\n")).expect("it can be written");
    fs::write(bench.path().join("other"), "another-token-of-its-own").expect("it can be");
    let _up = bench.start(&["up", "--workers", "1", "--token-file", "token"]);
    bench.ask(&["workers", "--wait", "1", "--token-file", "token"]);
    assert_eq!(bench.ask(&["submit", "--token-file", "token", "--", "true"]), "j1");
    let mut by_variable = bench.command(&["wait", "j1"]);
    by_variable.env("IRIS_CHECK_TOKEN", TOKEN);
    assert_eq!(answer(by_variable).0, 0);
    for args in [&["list"][..], &["list", "--token-file", "other"]] {
        let (code, _, err) = bench.answer(args);
        assert_eq!(code, 1);
        let expected = "iris-check: this cluster wants its token, and got none or another; put it";
        assert!(err.starts_with(expected), "{err}");
        assert!(!err.contains(TOKEN) && !err.contains("another-token"), "{err}");
    }
    let address = fs::read_to_string(bench.path().join("iris-cluster/address"));
    let address = address.expect("it serves").trim().to_owned();
    let worker = ["worker", "--id", "w9", "--controller", &address, "--folder", "w9"];
    let (code, _, err) = bench.answer(&worker);
    assert_eq!(code, 1);
    assert!(err.contains("this cluster wants its token"), "{err}");
    let log = fs::read_to_string(bench.path().join("iris-cluster/workers/w1/log"));
    assert!(!log.expect("there is one").contains(TOKEN));
}
