//! What is broken and was not found so far: `by` says why. Whoever teaches the reference to see one
//! of them moves its row to the others.

use super::table::Defect;

pub const ROWS: &[Defect] = &[
    Defect {
        name: "restored_workers_are_healthy",
        file: "src/controller_sm/settle.rs",
        broken: "after a restart workers are trusted before they are heard",
        find: "self.worker_event(turn, id, WorkerEvent::Restored);",
        put: r#"if !crate::defect::is("restored_workers_are_healthy") {
                self.worker_event(turn, id, WorkerEvent::Restored);
            }"#,
        least: 0,
        by: "nothing is claimed of a worker that is HEALTHY before and after a \
             restart; losses are excused",
    },
    Defect {
        name: "preempted_slice_is_not_ended",
        file: "src/controller_sm/fleet.rs",
        broken: "what ran on a slice that was taken away is not ended",
        find: "self.end_incarnation(turn, vm.worker(), ending);",
        put: r#"let kept = crate::defect::is("preempted_slice_is_not_ended");
            if !(kept && ending == Ending::Preempted) {
                self.end_incarnation(turn, vm.worker(), ending);
            }"#,
        least: 0,
        by: "its worker is DEAD a minute later, and the reference takes that for \
             the loss of a machine",
    },
    Defect {
        name: "fence_stops_what_runs",
        file: "src/worker_sm.rs",
        broken: "a fence also stops an attempt that was started",
        find: "if !call.only_if_not_started {",
        put: r#"if !call.only_if_not_started
                        || crate::defect::is("fence_stops_what_runs")
                    {"#,
        least: 0,
        by: "the attempt ends as killed by its worker, which a disturbance excuses",
    },
    Defect {
        name: "fences_are_plain_kills",
        file: "src/real/controller/orders.rs",
        broken: "a kill that is meant for what has not started is sent without that condition",
        find: "self.send_kill(KillTask { attempt, seat, only_if_not_started });",
        put: r#"let only_if_not_started = only_if_not_started
                        && !crate::defect::is("fences_are_plain_kills");
                    self.send_kill(KillTask { attempt, seat, only_if_not_started });"#,
        least: 0,
        by: "the attempt ends as killed by its worker, which a disturbance excuses",
    },
    Defect {
        name: "overdue_beats_are_forgotten",
        file: "src/real/worker.rs",
        broken: "a heartbeat that is due while another is under way is never sent",
        find: "if std::mem::take(&mut self.overdue) {",
        put: r#"let forgets = crate::defect::is("overdue_beats_are_forgotten");
                if std::mem::take(&mut self.overdue) && !forgets {"#,
        least: 0,
        by: "the worker loses its lease, and its next incarnation beats again; a \
             disturbance excuses that",
    },
    Defect {
        name: "incarnations_are_not_remembered",
        file: "src/real/worker.rs",
        broken: "a worker that took its next incarnation and crashes starts as that one again",
        find: "(self.remember)(next).map_err(End::Forgetful)?;",
        put: r#"if !crate::defect::is("incarnations_are_not_remembered") {
                        (self.remember)(next).map_err(End::Forgetful)?;
                    }"#,
        least: 0,
        by: "found by nobody so far: it needs a drain, an opening, an attempt and \
             a crash in a row",
    },
    Defect {
        name: "kept_timers_start_anew",
        file: "src/real/controller/recovery.rs",
        broken: "a restart gives an attempt all of its timeout again",
        find: "let kept = before.as_ref().filter(|_| timer.keeps_its_instant());",
        put: r#"let anew = crate::defect::is("kept_timers_start_anew");
                let kept = before.as_ref().filter(|_| !anew && timer.keeps_its_instant());"#,
        least: 0,
        by: "a controller that was down since excuses every timeout that is late",
    },
];
