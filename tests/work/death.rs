//! Deaths of workers and supervisors.

use std::env;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use iris_check::real::work::{News, NoFaults, Order, clean_up};
use iris_check::worker_sm::Exit;

use super::bench::{
    Bench, LIMIT, attempt, kill_9, lives, marked, parent, runaway, shell, workshop,
};

/// Set for the process that a test starts as a worker of its own: its folder.
const OWNER: &str = "IRIS_CHECK_TEST_OWNER";

/// A script that runs until it is ended, and whose processes all write their numbers to a file.
fn stays(file: &Path) -> String {
    let (away, path) = (runaway(file), file.display());
    format!("{away}; sleep 1000 & echo $! >> {path}; echo $$ >> {path}; wait")
}

/// No test by itself: what a test below starts, and kills.
#[test]
fn a_worker_that_will_be_killed() {
    let Some(folder) = env::var_os(OWNER) else { return };
    let folder = Path::new(&folder);
    let mut work = workshop(&folder.join("w"), Arc::new(NoFaults));
    for (number, start) in [(0, true), (1, false)] {
        let payload = Arc::new(shell(&stays(&folder.join("pids"))));
        work.with(|shop| shop.prepare(Order { attempt: attempt(number), payload }));
        assert_eq!(work.news(LIMIT), Some(News::Prepared(attempt(number))));
        if start {
            work.with(|shop| shop.start(attempt(number)));
        }
    }
    // The test kills it long before.
    work.news(LIMIT);
}

/// A worker in a process of its own, with one attempt that runs and one that is prepared.
fn worker(bench: &Bench) -> std::process::Child {
    Command::new(env::current_exe().expect("this test is a program"))
        .args(["--exact", "work::death::a_worker_that_will_be_killed"])
        .env(OWNER, bench.folder.path())
        .stdout(Stdio::null())
        .spawn()
        .expect("this test can be started")
}

fn mark(bench: &Bench) -> String {
    let folder = bench.folder.path().canonicalize().expect("it exists").join("w");
    format!("IRIS_WORKER_FOLDER={}", folder.display())
}

#[test]
fn a_killed_worker_leaves_nothing() {
    let bench = Bench::new();
    let mut worker = worker(&bench);
    let pids = bench.pids("pids", 3);
    let mark = mark(&bench);
    // The user's processes but the one without environment, and two supervisors.
    assert!(bench.work.until(LIMIT, || marked(&mark).len() == 4), "{:?}", marked(&mark));
    worker.kill().expect("it runs");
    worker.wait().expect("it is a child of this test");
    bench.assert_gone(&pids);
    assert!(bench.work.until(LIMIT, || marked(&mark).is_empty()), "supervisors end as well");
    let folder = bench.folder.path().join("w");
    assert_eq!(clean_up(&folder).expect("nothing resists"), 0);
    assert!(!folder.join("attempts/j1.0#0/work").exists());
    assert!(folder.join("attempts/j1.0#0/stdout").exists());
}

#[test]
fn what_a_worker_and_its_supervisors_left_is_cleaned_up() {
    let mut bench = Bench::new();
    let mut worker = worker(&bench);
    let pids = bench.pids("pids", 3);
    let mark = mark(&bench);
    assert!(bench.work.until(LIMIT, || marked(&mark).len() == 4), "{:?}", marked(&mark));
    // Stopped, it cannot end anything; killed later, it ends as if at the same time.
    let supervisors: Vec<u32> = marked(&mark).into_iter().filter(|it| !pids.contains(it)).collect();
    assert_eq!(supervisors.len(), 2);
    for supervisor in &supervisors {
        let status =
            Command::new("/bin/sh").args(["-c", &format!("kill -STOP {supervisor}")]).status();
        assert!(status.expect("there is a shell").success());
    }
    worker.kill().expect("it runs");
    worker.wait().expect("it is a child of this test");
    assert!(pids.iter().all(|pid| lives(*pid)), "nobody has ended them");
    // One without environment is found below its supervisor, which falls last.
    let folder = bench.folder.path().join("w");
    assert_eq!(clean_up(&folder).expect("nothing resists"), 5);
    let left: Vec<u32> = pids.iter().chain(&supervisors).copied().filter(|it| lives(*it)).collect();
    assert!(left.is_empty(), "{left:?} live");
    assert_eq!(clean_up(&folder).expect("nothing is left"), 0);
    // Another worker's processes are not touched.
    let other = bench.file("other");
    bench.work = workshop(&bench.folder.path().join("w2"), Arc::new(NoFaults));
    bench.start(shell(&format!("echo $$ > {}; exec sleep 1000", other.display())));
    let others = bench.pids("other", 1);
    assert_eq!(clean_up(&folder).expect("nothing is left"), 0);
    assert!(lives(others[0]));
    assert_eq!(clean_up(&bench.folder.path().join("never")).expect("no such folder"), 0);
}

#[test]
fn a_dropped_workshop_leaves_nothing_and_says_nothing() {
    let mut bench = Bench::new();
    let file = bench.file("pids");
    bench.start(shell(&stays(&file)));
    let pids = bench.pids("pids", 3);
    let Bench { work, folder } = bench;
    assert_eq!(work.close(), []);
    assert!(pids.iter().all(|pid| !lives(*pid)));
    assert!(!folder.path().join("w/attempts/j1.0#0/work").exists());
}

#[test]
fn the_death_of_a_supervisor_ends_its_attempt() {
    let mut bench = Bench::new();
    let file = bench.file("pids");
    let path = file.display().to_string();
    // One that left the session, and one that left the group and its parents.
    let away = format!("(setsid sh -c 'echo $$ >> {path}; exec sleep 1000' &)");
    let cleared = format!("env -i sh -c 'echo $$ >> {path}; exec sleep 1000' &");
    bench.start(shell(&format!("{away}; {cleared} echo $$ >> {path}; wait")));
    let pids = bench.pids("pids", 3);
    let main = *pids
        .iter()
        .find(|pid| {
            fs::read_to_string(format!("/proc/{pid}/cmdline")).is_ok_and(|it| it.contains("wait"))
        })
        .expect("the script itself");
    kill_9(parent(main));
    assert_eq!(bench.exit(), Exit::Error);
    let left: Vec<u32> = pids.into_iter().filter(|pid| lives(*pid)).collect();
    assert!(left.is_empty(), "{left:?} live: told before all was gone");
    assert!(bench.log(true).contains("the supervisor of this attempt died"));
}

#[test]
fn a_supervisor_does_not_mind_the_signals_of_a_terminal() {
    let mut bench = Bench::new();
    let file = bench.file("pid");
    let go = bench.file("go");
    let script = "echo $$ > {file}; until [ -e {go} ]; do sleep 0.01; done; exit 3";
    let script = script.replace("{file}", &file.display().to_string());
    bench.start(shell(&script.replace("{go}", &go.display().to_string())));
    let supervisor = parent(bench.pids("pid", 1)[0]);
    let signals =
        format!("kill -TERM {supervisor}; kill -INT {supervisor}; kill -HUP {supervisor}");
    assert!(Command::new("/bin/sh").args(["-c", &signals]).status().expect("a shell").success());
    fs::write(go, "").expect("a file can be made");
    assert_eq!(bench.exit(), Exit::Error);
    assert_eq!(bench.log(true), "");
}

#[test]
fn what_is_aborted_leaves_nothing_and_says_nothing() {
    let mut bench = Bench::new();
    let ran = bench.file("ran");
    let payload = shell(&format!("echo 1 >> {}", ran.display()));
    // While it is prepared, as soon as it is asked for, and when it is prepared.
    for number in 0..20 {
        bench.prepare(attempt(number), payload.clone());
        if number % 2 == 0 {
            let news = bench.next();
            assert_eq!(news, News::Prepared(attempt(number)));
        }
        bench.work.with(|shop| {
            shop.abort(attempt(number));
            shop.start(attempt(number));
        });
        // Sent before the abort, if this thread was slow; nothing may be sent after it.
        while let Some(news) = bench.work.news(Duration::ZERO) {
            assert_eq!(news, News::Prepared(attempt(number)));
        }
    }
    let mark = mark(&bench);
    assert!(bench.work.until(LIMIT, || marked(&mark).is_empty()), "supervisors end");
    let attempts = bench.folder.path().join("w/attempts");
    let empty = || fs::read_dir(&attempts).is_ok_and(|mut entries| entries.next().is_none());
    assert!(bench.work.until(LIMIT, empty), "folders are removed");
    let Bench { work, folder: _folder } = bench;
    assert_eq!(work.close(), []);
    assert!(!ran.exists());
}

#[test]
fn an_abort_after_the_start_destroys() {
    let mut bench = Bench::new();
    bench.start(shell("sleep 1000"));
    bench.work.with(|shop| shop.abort(attempt(0)));
    assert_eq!(bench.exit(), Exit::Stopped);
}
