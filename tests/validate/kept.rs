//! Logs that are kept as files: fifty that are legal and fifty that are not. Those that real runs
//! have made are written again by `IRIS_CHECK_UPDATE=1`.

use std::fs;
use std::path::{Path, PathBuf};

use iris_check::conform::validate::{Verdict, validate};

use crate::illegal::ILLEGAL;
use crate::runs::{self, Size};

/// Small runs: workers, slices, jobs, and how much goes wrong.
const RUNS: [(&str, u64, Size); 20] = [
    ("quiet", 1, size(1, 0, 1, 0.0)),
    ("quiet-two-workers", 2, size(2, 0, 2, 0.0)),
    ("quiet-many-jobs", 3, size(2, 0, 5, 0.0)),
    ("quiet-slices", 4, size(0, 1, 2, 0.0)),
    ("quiet-both", 5, size(1, 1, 3, 0.0)),
    ("faults-1", 11, size(1, 0, 2, 0.05)),
    ("faults-2", 12, size(1, 0, 2, 0.1)),
    ("faults-3", 13, size(2, 0, 3, 0.1)),
    ("faults-4", 14, size(2, 0, 3, 0.15)),
    ("faults-5", 15, size(2, 0, 3, 0.2)),
    ("faults-6", 16, size(1, 0, 3, 0.3)),
    ("faults-7", 17, size(2, 0, 2, 0.3)),
    ("slices-1", 21, size(0, 1, 2, 0.05)),
    ("slices-2", 22, size(0, 1, 2, 0.1)),
    ("slices-3", 23, size(0, 2, 3, 0.15)),
    ("slices-4", 24, size(1, 1, 3, 0.1)),
    ("slices-5", 25, size(1, 2, 3, 0.15)),
    ("slices-6", 26, size(1, 1, 3, 0.2)),
    ("slices-7", 27, size(2, 1, 3, 0.2)),
    ("slices-8", 28, size(2, 2, 3, 0.1)),
];

const fn size(workers: u32, slices: u16, jobs: u32, faults: f64) -> Size {
    Size { workers, slices, jobs, faults, rest: 20 }
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/logs").join(name)
}

/// The logs of a folder: name, bytes.
fn logs(name: &str) -> Vec<(String, Vec<u8>)> {
    let files = fs::read_dir(folder(name)).expect("the folder is there");
    let mut logs: Vec<(String, Vec<u8>)> = files
        .map(|file| {
            let path = file.expect("it can be read").path();
            let name = path.file_stem().and_then(|it| it.to_str()).expect("its name is text");
            (name.to_owned(), fs::read(&path).expect("it can be read"))
        })
        .collect();
    logs.sort();
    logs
}

#[test]
fn fifty_legal_logs_are_accepted() {
    if std::env::var_os("IRIS_CHECK_UPDATE").is_some() {
        for (name, seed, size) in RUNS {
            let path = folder("legal").join(format!("run-{name}.jsonl"));
            fs::write(path, runs::log(seed, size)).expect("the folder takes a file");
        }
    }
    let logs = logs("legal");
    assert_eq!(logs.len(), 50);
    for (name, log) in logs {
        let report = validate(log.as_slice());
        if let Verdict::Disagrees(mismatch) = &report.verdict {
            panic!("{}", mismatch.to_text(&name));
        }
        assert_eq!(report.verdict, Verdict::Legal, "{name}");
        let lines = log.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).count();
        assert_eq!(report.events, lines as u64 - 1, "{name}: every line was taken");
    }
}

#[test]
fn fifty_illegal_logs_are_refused_at_the_right_event() {
    let logs = logs("illegal");
    let names: Vec<&str> = logs.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ILLEGAL.map(|(name, ..)| name), "each file has its row, in order");
    for ((_, log), (name, line, guard)) in logs.iter().zip(ILLEGAL) {
        let report = validate(log.as_slice());
        let Verdict::Disagrees(mismatch) = report.verdict else {
            panic!("{name}: {:?}", report.verdict);
        };
        assert_eq!((mismatch.line, report.events), (line, line - 2), "{name}: {mismatch}");
        assert!(mismatch.guard.contains(guard), "{name}: {mismatch}");
        let lines: Vec<&[u8]> = log.split_inclusive(|byte| *byte == b'\n').collect();
        let at = usize::try_from(line).expect("it is small") - 1;
        let written = lines[at].strip_suffix(b"\n");
        assert_eq!(Some(mismatch.event.as_bytes()), written, "{name}: the event as written");
        assert!((2..=5).contains(&mismatch.nearest.len()), "{name}: {mismatch}");
        // What is called legal is so in that very place.
        let before = lines[..at].concat();
        for near in &mismatch.nearest {
            let with = [before.as_slice(), near.as_bytes(), b"\n"].concat();
            assert_eq!(validate(with.as_slice()).verdict, Verdict::Legal, "{name}: {near}");
        }
    }
}
