//! What is broken and was not found so far: `by` says why. Whoever teaches the reference to see one
//! of them moves its row to the others.

use super::table::Defect;

pub const ROWS: &[Defect] = &[
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
];
