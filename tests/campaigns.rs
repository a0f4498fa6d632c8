//! Campaigns as their users call them: shards and merging, what a driver with a bug comes to, and
//! what is never taken for agreement.

mod common;

use std::fs;
use std::path::Path;

use common::bench::Bench;
use serde_json::Value;

fn toy() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/driver/drv.py");
    format!("python3 {}", path.display())
}

fn report(bench: &Bench, file: &str) -> Value {
    let text = fs::read_to_string(bench.path().join(file)).expect("it was saved");
    serde_json::from_str(&text).expect("it is JSON")
}

#[test]
fn shards_come_to_what_one_machine_comes_to() {
    let bench = Bench::new();
    let play = |shard: &str, seed: &str, file: &str| {
        let args = ["conform", "--runs", "60", "--seed", seed, "--shard", shard, "--report", file];
        let (code, out, err) = bench.answer(&args);
        assert_eq!(code, 0, "{out}{err}");
    };
    play("1/1", "3", "whole.json");
    play("1/3", "3", "1.json");
    play("2/3", "3", "2.json");
    play("3/3", "3", "3.json");
    play("3/3", "4", "other.json");
    let merge = ["merge", "3.json", "1.json", "2.json", "--report", "all.json"];
    let (code, out, err) = bench.answer(&merge);
    assert_eq!(code, 0, "{out}{err}");
    let (whole, all) = (report(&bench, "whole.json"), report(&bench, "all.json"));
    for field in ["steps", "followed", "claims", "edges", "findings"] {
        assert_eq!(whole[field], all[field], "{field}");
    }
    let rows = [
        (["3.json", "1.json"], 5, "INCOMPLETE  shard 2/3 is missing\n"),
        (["3.json", "3.json"], 1, "3.json: shard 3/3 is there twice: give each report once\n"),
        (["1.json", "other.json"], 1, "the seed differs, 3 and 4: these are two campaigns\n"),
        (["1.json", "whole.json"], 1, "number of shards differs, 3 and 1: these are two camp"),
    ];
    for (files, code, says) in rows {
        let answer = bench.answer(&["merge", files[0], files[1]]);
        assert_eq!(answer.0, code, "{files:?}: {answer:?}");
        assert!(format!("{}{}", answer.1, answer.2).contains(says), "{files:?}: {answer:?}");
    }
}

#[test]
fn a_driver_with_a_bug_is_told_by_its_shortest_run() {
    let bench = Bench::new();
    let bad = format!("{} --bug rerun_completed", toy());
    let (code, out, err) = bench.answer(&["conform", "--driver", &bad, "--runs", "300"]);
    assert_eq!(code, 4, "{out}{err}");
    let says = "found   j1.0: its attempt #0 had ended and changes its outcome or cause";
    assert!(
        out.starts_with("DIFFERS  run 26, 22 steps; the shortest") && out.contains(says),
        "{out}"
    );
    let file = "findings/run-26-shortest.json";
    let rows: [(&[&str], i32); 4] = [
        (&["replay", file, "--driver", &bad], 4),
        (&["replay", file, "--driver", &toy()], 0),
        (&["replay", file], 0),
        (&["shrink", "findings/run-26.json", "--driver", &bad, "--out", "short.json"], 4),
    ];
    for (args, expected) in rows {
        let answer = bench.answer(args);
        assert_eq!(answer.0, expected, "{args:?}: {answer:?}");
    }
    let steps = |file: &str| report(&bench, file)["steps"].as_array().map(Vec::len);
    assert_eq!(steps("short.json"), steps(file));
}

/// Drivers of which nothing can be said, and what is said then.
#[test]
fn what_is_never_taken_for_agreement() {
    let bench = Bench::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/driver");
    // The bug is there in the run that finds it, and never after.
    let flaky = format!(
        "import sys\nsys.path.insert(0, {folder:?})\nimport drv\n\
         begin, starts = drv.Driver.start, []\n\
         def start(self, **what):\n    starts.append(0)\n    \
         self.bug = 'rerun_completed' if len(starts) == 27 else None\n    \
         return begin(self, **what)\ndrv.Driver.start = start\ndrv.main()\n"
    );
    fs::write(bench.path().join("flaky.py"), flaky).expect("it can be written");
    let args = ["conform", "--driver", "python3 flaky.py", "--runs", "300", "--threads", "1"];
    let (code, out, err) = bench.answer(&args);
    assert_eq!(code, 5, "{out}{err}");
    assert!(out.starts_with("FLAKY  run 26: it failed, and then 0 of "), "{out}");

    let dies = format!(
        "import os, sys\nsys.path.insert(0, {folder:?})\nimport drv\n\
         drv.Driver.heal = lambda self: os._exit(9)\ndrv.main()\n"
    );
    fs::write(bench.path().join("dies.py"), dies).expect("it can be written");
    let (code, out, err) = bench.answer(&["conform", "--driver", "python3 dies.py", "--runs", "9"]);
    assert_eq!(code, 5, "{out}{err}");
    assert!(out.starts_with("TROUBLE  run 0") && out.contains("exit status: 9"), "{out}");

    let (code, out, err) = bench.answer(&["conform", "--runs", "1", "--shard", "2/3"]);
    assert_eq!(code, 5, "a shard without a run: {out}{err}");
    let bad: [(&[&str], &str); 4] = [
        (&["conform", "--shard", "4/3"], "`4/3` is no shard: write k/n with k from 1 to n"),
        (&["conform", "--driver", "exit 3", "--runs", "1"], "exit 3"),
        (&["replay", "flaky.py"], "flaky.py: this is no finding"),
        (&["shrink", "flaky.py"], "flaky.py: this is no run"),
    ];
    for (args, says) in bad {
        let (code, out, err) = bench.answer(args);
        assert_eq!(code, 1, "{args:?}: {out}{err}");
        assert!(err.contains(says), "{args:?}: {err}");
    }
}
