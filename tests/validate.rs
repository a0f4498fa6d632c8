//! Logs of what clusters did, replayed through the model: those of real runs are legal, whatever
//! goes wrong in them; what cannot be is refused at the right event.

#[path = "validate/broken.rs"]
mod broken;
#[path = "validate/illegal.rs"]
mod illegal;
#[path = "validate/journals.rs"]
mod journals;
#[path = "validate/kept.rs"]
mod kept;
#[path = "common/lcg.rs"]
mod lcg;
#[path = "validate/runs.rs"]
mod runs;
#[path = "validate/told.rs"]
mod told;

use iris_check::conform::validate::{Report, Verdict, validate};

use runs::Size;

const CHAOS: Size = Size { workers: 2, slices: 2, jobs: 12, faults: 0.05, rest: 90 };

fn legal(what: &str, log: &[u8]) -> Report {
    let report = validate(log);
    if let Verdict::Disagrees(mismatch) = &report.verdict {
        panic!("{}", mismatch.to_text(what));
    }
    assert_eq!(report.verdict, Verdict::Legal, "{what}");
    report
}

#[test]
fn the_logs_of_clusters_in_which_much_goes_wrong_are_legal() {
    let seeds = if std::env::var_os("IRIS_CHECK_SLOW").is_some() { 1000 } else { 10 };
    let mut events = 0;
    for seed in 0..seeds {
        let report = legal(&format!("seed {seed}"), &runs::log(seed, CHAOS));
        assert_eq!(report.trusted, 0, "seed {seed}: so short a log forgets nothing");
        events += report.events;
    }
    assert!(events > 200 * seeds, "only {events} events: the runs are too quiet to say anything");
}
