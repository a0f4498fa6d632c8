//! A controller and workers, started by hand.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::process::ExitStatusExt;

use crate::common::bench::{Bench, Node};

/// A controller on any port, and where that is.
fn controller(bench: &Bench, listen: &str) -> (Node, String) {
    let node = bench.start(&[
        "controller",
        "--listen",
        listen,
        "--journal",
        "journal",
        "--policy",
        "local",
    ]);
    let address = node.hear("controller: serves at ");
    (node, address)
}

fn worker(bench: &Bench, id: &str, controller: &str) -> Node {
    let folder = bench.path().join(id);
    let folder = folder.to_str().expect("it is text");
    bench.start(&["worker", "--id", id, "--controller", controller, "--folder", folder])
}

#[test]
fn a_controller_takes_up_its_jobs_again_and_who_waits_goes_on_waiting() {
    let bench = Bench::new();
    let (mut first, address) = controller(&bench, "127.0.0.1:0");
    let _worker = worker(&bench, "w1", &address);
    let at = ["--controller", address.as_str()];
    bench.ask(&["workers", "--wait", "1", at[0], at[1]]);
    let mut waits = bench.start(&["submit", at[0], at[1], "--wait", "--", "sleep", "3"]);
    waits.hear("j1 RUNNING");
    first.signal("KILL");
    first.end();
    let (code, _, err) = bench.answer(&["list", at[0], at[1]]);
    assert_eq!(code, 1);
    let expected = format!("iris-check: no controller answers at {address} (as --controller says)");
    assert!(err.starts_with(&expected) && err.contains("`iris-check up`"), "{err}");

    let (mut second, again) = controller(&bench, &address);
    assert_eq!(again, address);
    assert_eq!(waits.end().code(), Some(0));
    let status = bench.ask(&["status", "j1", at[0], at[1]]);
    assert!(status.contains("j1.0#0  SUCCEEDED  w1@1    exit"), "{status}");
    assert!(!status.contains("j1.0#1"), "{status}");
    second.signal("INT");
    assert_eq!(second.end().code(), Some(0));
}

#[test]
fn a_worker_that_starts_again_is_a_newer_incarnation_and_cleans_up() {
    let bench = Bench::new();
    let (_controller, address) = controller(&bench, "127.0.0.1:0");
    let mut first = worker(&bench, "w1", &address);
    first.hear("w1: works as w1@1 for ");
    let at = ["--controller", address.as_str()];
    let (code, _, err) = crate::common::bench::answer(
        bench.command(&["worker", "--id", "w1", at[0], at[1], "--folder", "w1"]),
    );
    assert_eq!(code, 1);
    assert!(err.contains("another process uses the folder"), "{err}");
    bench.ask(&["submit", at[0], at[1], "--", "sleep", "1000"]);
    bench.ask(&["workers", "--wait", "1", at[0], at[1]]);
    assert!(crate::common::bench::until(|| bench
        .ask(&["status", "j1", at[0], at[1]])
        .contains("j1.0#0  RUNNING")));
    first.signal("KILL");
    first.end();
    let mut second = worker(&bench, "w1", &address);
    second.hear("w1: works as w1@2 for ");
    assert!(crate::common::bench::until(|| bench
        .ask(&["status", "j1", at[0], at[1]])
        .contains("j1.0#1  RUNNING        w1@2")));
    second.signal("TERM");
    assert_eq!(second.end().code(), Some(0));
    let mark = format!("IRIS_WORKER_FOLDER={}", bench.path().join("w1").display());
    let left = crate::common::bench::found(|read| {
        String::from_utf8_lossy(&read("environ")).split('\0').any(|part| part == mark)
    });
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_crash_on_demand_aborts_the_process() {
    let bench = Bench::new();
    let (_controller, address) = controller(&bench, "127.0.0.1:0");
    let mut worker = bench.start(&[
        "worker",
        "--id",
        "w1",
        "--controller",
        &address,
        "--folder",
        "w1",
        "--chaos-rule",
        "worker.heartbeat on w1 crash nth 1",
    ]);
    assert_eq!(worker.end().signal(), Some(6));
}

#[test]
fn nonsense_on_the_port_disturbs_nobody() {
    let bench = Bench::new();
    let (_controller, address) = controller(&bench, "127.0.0.1:0");
    let noise: [&[u8]; 3] = [
        b"GET / HTTP/1.0\r\n\r\n",
        &vec![0xff; 100_000],
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\x04\x01\x01\0\0\0\0",
    ];
    for bytes in noise {
        let mut line = TcpStream::connect(&address).expect("it listens");
        // It may hang up in the middle.
        let _ = line.write_all(bytes);
        let _ = line.shutdown(std::net::Shutdown::Write);
        let _ = line.read_to_end(&mut Vec::new());
        assert_eq!(bench.ask(&["list", "--controller", &address, "--json"]), "[]");
    }
}
