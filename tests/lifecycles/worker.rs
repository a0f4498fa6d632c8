//! The worker as the controller sees it.

use iris_check::model::worker::{Reasons, WorkerEvent, WorkerState};

use super::grid::Grid;

/// DEGRADED is named by its reasons: S silent, Q quarantine, C closed.
const WORKER: &str = "
                        absent  HEALTHY S    Q    C    SQ   SC   QC   SQC  DEAD
    beat              | -       -       H    -    -    Q    C    -    QC   -
    new incarnation   | H       H       H    H    H    H    H    H    H    H
    silent            | -       S       -    SQ   SC   -    -    SQC  -    -
    timed out         | -       D       D    D    D    D    D    D    D    -
    quarantined       | !       Q       SQ   -    QC   -    SQC  -    -    !
    quarantine over   | -       -       -    S    -    S    -    SC   SC   -
    closed            | !       C       SC   QC   -    SQC  -    -    -    !
    opened            | !       -       -    -    S    -    S    SQ   SQ   !
    restored          | !       S       -    SQ   SC   -    -    SQC  -    !
    removed           | !       D       D    D    D    D    D    D    D    !
";

const EVENTS: [(&str, WorkerEvent); 10] = [
    ("beat", WorkerEvent::Beat),
    ("new incarnation", WorkerEvent::NewIncarnation),
    ("silent", WorkerEvent::Silent),
    ("timed out", WorkerEvent::TimedOut),
    ("quarantined", WorkerEvent::Quarantined),
    ("quarantine over", WorkerEvent::QuarantineOver),
    ("closed", WorkerEvent::Closed),
    ("opened", WorkerEvent::Opened),
    ("restored", WorkerEvent::Restored),
    ("removed", WorkerEvent::Removed),
];

fn states() -> [(&'static str, WorkerState); 10] {
    let (s, q, c) = (Reasons::SILENT, Reasons::QUARANTINED, Reasons::CLOSED);
    [
        ("absent", WorkerState::Absent),
        ("HEALTHY", WorkerState::Healthy),
        ("S", WorkerState::Degraded(s)),
        ("Q", WorkerState::Degraded(q)),
        ("C", WorkerState::Degraded(c)),
        ("SQ", WorkerState::Degraded(s.with(q))),
        ("SC", WorkerState::Degraded(s.with(c))),
        ("QC", WorkerState::Degraded(q.with(c))),
        ("SQC", WorkerState::Degraded(s.with(q).with(c))),
        ("DEAD", WorkerState::Dead),
    ]
}

fn name(state: WorkerState) -> &'static str {
    match state {
        WorkerState::Absent => "absent",
        WorkerState::Healthy => "H",
        WorkerState::Dead => "D",
        WorkerState::Degraded(_) => {
            let found = states().into_iter().find(|(_, known)| *known == state);
            found.expect("a DEGRADED worker has at least one of three reasons").0
        }
    }
}

#[test]
fn every_pair_of_worker_state_and_event_is_as_the_contract_says() {
    for (_, event) in EVENTS {
        // Without a wildcard: a new event breaks the build until the list has it.
        match event {
            WorkerEvent::Beat
            | WorkerEvent::NewIncarnation
            | WorkerEvent::Silent
            | WorkerEvent::TimedOut
            | WorkerEvent::Quarantined
            | WorkerEvent::QuarantineOver
            | WorkerEvent::Closed
            | WorkerEvent::Opened
            | WorkerEvent::Restored
            | WorkerEvent::Removed => {}
        }
    }
    Grid::read(WORKER).hold(&states(), &EVENTS, WorkerState::on, name);
}

#[test]
fn live_is_healthy_or_degraded() {
    let live = states().into_iter().filter(|(_, state)| state.is_live()).map(|(name, _)| name);
    let live: Vec<&str> = live.collect();
    assert_eq!(live, ["HEALTHY", "S", "Q", "C", "SQ", "SC", "QC", "SQC"]);
}
