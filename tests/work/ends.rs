//! How commands start and end.

use std::fs;

use iris_check::model::exit::Fault;
use iris_check::model::spec::Payload;
use iris_check::real::work::News;
use iris_check::worker_sm::Exit;

use super::bench::{Bench, attempt, command, lives, runaway, shell};

#[test]
fn an_exit_is_told_as_the_system_tells_it() {
    let rows = [
        ("exit 0", Exit::Success),
        ("exit 1", Exit::Error),
        ("exit 143", Exit::Error),
        ("kill -9 $$", Exit::Error),
        ("kill -TERM $$", Exit::Error),
    ];
    for (script, expected) in rows {
        let mut bench = Bench::new();
        assert_eq!(bench.run(shell(script)).0, expected, "{script}");
    }
}

#[test]
fn output_is_kept_and_the_working_directory_is_not() {
    let mut bench = Bench::new();
    let found = bench.run(shell("pwd; echo oh >&2; touch file; mkdir -p a/b; chmod 500 a"));
    let root = bench.folder.path().canonicalize().expect("it exists").join("w/attempts/j1.0#0");
    let expected = (Exit::Success, format!("{}\n", root.join("work").display()), "oh\n".into());
    assert_eq!(found, expected);
    let mut left: Vec<_> = fs::read_dir(&root)
        .expect("the logs are kept")
        .map(|entry| entry.expect("it can be read").file_name())
        .collect();
    left.sort();
    assert_eq!(left, ["stderr", "stdout"]);
}

#[test]
fn a_command_finds_its_job_and_not_the_environment_of_its_worker() {
    let mut bench = Bench::new();
    let mut payload = shell("env; wc -c < /dev/stdin");
    let pairs = [("COLOUR", "blue green"), ("IRIS_TASK", "forged"), ("IRIS_ROLE", "supervisor")];
    payload.env = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let (exit, out, _) = bench.run(payload);
    assert_eq!(exit, Exit::Success);
    let lines: Vec<&str> = out.lines().collect();
    for expected in
        ["COLOUR=blue green", "IRIS_JOB=j1", "IRIS_TASK=j1.0", "IRIS_ATTEMPT=j1.0#0", "0"]
    {
        assert!(lines.contains(&expected), "{expected} is missing in\n{out}");
    }
    // Cargo sets many for its tests.
    assert!(!lines.iter().any(|line| line.starts_with("CARGO") || line.contains("IRIS_ROLE")));
}

#[test]
fn what_cannot_be_executed_has_exited_with_an_error_and_its_log_says_why() {
    let mut bench = Bench::new();
    let (exit, out, err) = bench.run(command(&["no-such-program", "x"]));
    assert_eq!((exit, out.as_str()), (Exit::Error, ""));
    assert!(err.starts_with("iris-check: no-such-program could not be started in /"), "{err}");
    assert!(err.contains("No such file"), "{err}");
}

#[test]
fn what_cannot_be_a_command_fails_before_it_starts() {
    let mut bad_name = shell("true");
    bad_name.env.insert("A=B".into(), "c".into());
    let rows: [(Payload, &str); 4] = [
        (command(&[]), "the command is empty"),
        (command(&["a\0b"]), "zero byte"),
        (bad_name, "\"A=B\" cannot be set"),
        (Payload::default(), "the job has nothing to run"),
    ];
    for (payload, expected) in rows {
        let mut bench = Bench::new();
        bench.prepare(attempt(0), payload);
        let News::Failed(id, Fault::Container, why) = bench.next() else { panic!("{expected}") };
        assert_eq!(id, attempt(0));
        assert!(why.contains(expected), "{why}");
    }
}

#[test]
fn asked_to_end_a_command_ends_as_it_likes() {
    let rows = [
        ("", Exit::Stopped),
        ("trap 'exit 0' TERM;", Exit::Success),
        ("trap 'exit 7' TERM;", Exit::Error),
        ("trap 'kill -INT $$' TERM;", Exit::Error),
    ];
    for (script, expected) in rows {
        let mut bench = Bench::new();
        let file = bench.file("pid");
        // A shell looks at its traps between commands: short ones.
        let body = format!("echo $$ > {}; while :; do sleep 0.01; done", file.display());
        bench.start(shell(&format!("{script} {body}")));
        let pids = bench.pids("pid", 1);
        bench.work.with(|shop| shop.terminate(attempt(0)));
        assert_eq!(bench.exit(), expected, "{script}");
        assert!(!lives(pids[0]), "`{script}`: told before it was gone");
    }
}

#[test]
fn one_that_does_not_listen_is_destroyed() {
    let mut bench = Bench::new();
    let file = bench.file("pids");
    let script = "trap 'echo 1 >> {}' TERM; echo $$ >> {}; while :; do sleep 0.01; done";
    bench.start(shell(&script.replace("{}", &file.display().to_string())));
    bench.pids("pids", 1);
    bench.work.with(|shop| shop.terminate(attempt(0)));
    let pids = bench.pids("pids", 2);
    bench.work.with(|shop| shop.destroy(attempt(0)));
    assert_eq!(bench.exit(), Exit::Stopped);
    assert!(!lives(pids[0]));
}

/// What is done to an attempt that runs.
type Stop = fn(&mut Bench);

#[test]
fn nothing_is_left_of_it_however_it_ends_and_wherever_it_went() {
    let ends: [(&str, Stop, Exit); 3] = [
        ("exit 0", |_| (), Exit::Success),
        ("sleep 1000", |bench| bench.work.with(|shop| shop.terminate(attempt(0))), Exit::Stopped),
        ("sleep 1000", |bench| bench.work.with(|shop| shop.destroy(attempt(0))), Exit::Stopped),
    ];
    for (end, stop, expected) in ends {
        let mut bench = Bench::new();
        let file = bench.file("pids");
        let (away, path) = (runaway(&file), file.display());
        // It goes on only when both are there: then it is known what must be gone.
        let both = format!("until [ $(wc -l < {path}) = 2 ]; do :; done");
        bench.start(shell(&format!("touch {path}; {away}; {away}; {both}; {end}")));
        let pids = bench.pids("pids", 2);
        stop(&mut bench);
        assert_eq!(bench.exit(), expected, "{end}");
        let left: Vec<u32> = pids.into_iter().filter(|pid| lives(*pid)).collect();
        assert!(left.is_empty(), "{left:?} live: {end}: told before all was gone");
    }
}
