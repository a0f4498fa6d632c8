//! Model and cluster agree: kept failures first, then runs drawn by number, then runs that
//! proptest-state-machine draws step by step. A run that does not agree is made as short as it
//! still fails, and kept in `tests/regressions`.

#[path = "conform/machine.rs"]
mod machine;

use std::fs;
use std::path::{Path, PathBuf};

use iris_check::conform::campaign::{Campaign, Report, Shard};
use iris_check::conform::generate::draw;
use iris_check::conform::in_process::{InProcess, logged};
use iris_check::conform::play::Outcome;
use iris_check::conform::run::Run;
use iris_check::conform::shortest::shortest;
use iris_check::conform::shrink::Limits;
use iris_check::conform::subject::Stand;
use iris_check::conform::validate::{Verdict, validate};

fn regressions() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/regressions")
}

/// Makes a run that does not agree short, keeps it, and says all that is known of it.
pub fn keep(run: &Run, outcome: &Outcome, name: &str) -> String {
    let mut log = String::new();
    let stand = InProcess::virtual_time();
    let short = shortest(run, outcome, &stand, Limits::default(), &mut |note| {
        log += &note.to_string();
        log.push('\n');
    });
    let (case, outcome) = (&short.shrunk.case, &short.outcome);
    if short.shrunk.flaky.is_some() {
        return format!("{name} is flaky, and nothing can be said of it: {outcome:#?}\n{log}");
    }
    let path = regressions().join(format!("{name}.json"));
    fs::write(&path, case.to_json()).expect("the folder of regressions can be written");
    let steps: Vec<String> = case.steps.iter().map(ToString::to_string).collect();
    let steps = steps.join("\n");
    format!("{log}{name} does not agree: {outcome:#?}\n{steps}\nkept as {}", path.display())
}

#[test]
fn failures_that_were_kept_agree_now() {
    let folder = regressions();
    let mut files: Vec<PathBuf> = fs::read_dir(&folder)
        .expect("the folder of regressions is there")
        .map(|entry| entry.expect("it can be read").path())
        .collect();
    files.sort();
    assert!(!files.is_empty(), "{} holds what was once found", folder.display());
    for file in files {
        let text = fs::read_to_string(&file).expect("it can be read");
        let run = Run::from_json(&text).unwrap_or_else(|bad| panic!("{}: {bad}", file.display()));
        assert_eq!(Run::from_json(&run.to_json()), Ok(run.clone()), "{}", file.display());
        replays(&run, &file.display().to_string());
    }
}

/// The run agrees, and so does what its machines were told, replayed through the pure machines:
/// how much that was.
fn replays(run: &Run, name: &str) -> u64 {
    let (played, log) = logged(run);
    assert_eq!(played.outcome, Outcome::Agrees, "{name}");
    let report = validate(&log[..]);
    let legal = ("full log", &Verdict::Legal);
    assert_eq!((report.form, &report.verdict), legal, "{name}: {}", run.to_json());
    report.events
}

#[test]
fn drawn_runs_agree() {
    let runs = if std::env::var_os("IRIS_CHECK_SLOW").is_some() { 100_000 } else { 2_000 };
    let (stand, seed, shard) = (InProcess::virtual_time(), 4, Shard::WHOLE);
    let mut report = Report::new("virtual", seed, shard, Some(runs));
    let (stand, stop) = (&stand, &|_| false);
    Campaign { stand, seed, shard, runs: Some(runs), threads: 2, stop, keep_going: false }
        .lead(&mut report);
    if let Some(finding) = report.findings.first() {
        panic!("{}", keep(&finding.run, &finding.outcome, &format!("run-{}", finding.index)));
    }
    assert_eq!(report.runs(), runs);
    // Runs in which nothing happens agree as well: these are not such.
    assert!(report.followed > 15 * runs, "only {} events were followed", report.followed);
    let claims: Vec<&str> = report.claims.keys().map(String::as_str).collect();
    let all = ["S1", "S2", "S3", "S4", "S5", "S6", "S7", "S8", "S9"];
    let all = all.into_iter().chain(["T1", "T2", "T3", "T4", "T5", "T6", "T7", "T8", "T9"]);
    assert_eq!(claims, all.collect::<Vec<_>>(), "claims whose hard case occurred");
}

/// The other direction: what the machines of a run were told, replayed through the pure machines.
#[test]
fn the_logs_of_drawn_runs_are_legal() {
    let runs = if std::env::var_os("IRIS_CHECK_SLOW").is_some() { 3_000 } else { 300 };
    let abilities = InProcess::virtual_time();
    let mut events = 0;
    for index in 0..runs {
        let run = draw(abilities.abilities(), 5, index);
        events += replays(&run, &format!("run {index}"));
    }
    assert!(events > 100 * runs, "only {events} events were replayed");
}

#[test]
fn equal_campaigns_give_equal_reports_whatever_the_threads() {
    let lead = |threads| {
        let (stand, shard) = (InProcess::virtual_time(), Shard { number: 2, of: 3 });
        let mut report = Report::new("virtual", 9, shard, Some(60));
        let runs = Some(60);
        let stand = &stand;
        Campaign { stand, seed: 9, shard, runs, threads, stop: &|_| false, keep_going: true }
            .lead(&mut report);
        report
    };
    let one = lead(1);
    assert_eq!(one.runs(), 20);
    assert_eq!(one, lead(3));
}
