//! The defects: what is put where, and the shortest run that shows it.
//!
//! All of them are built into one copy of the sources: each `put` holds both the code as it is and
//! the code as it is wrong, and asks which of the two is wanted. So a defect costs a run of the
//! copy, and not a build of it (mutant schemata, Untch et al., 1993).

use super::{drivers, journal, machines, transport, unseen};

/// One thing that is wrong on purpose.
pub struct Defect {
    /// What it is called; `put` asks for it by this name.
    pub name: &'static str,
    /// Where it is.
    pub file: &'static str,
    /// What is wrong, for people.
    pub broken: &'static str,
    /// The text that is replaced; it stands in its file once.
    pub find: &'static str,
    /// What it is replaced by.
    pub put: &'static str,
    /// Steps of the shortest run by hand that shows it, of what can be drawn.
    pub least: usize,
    /// Those steps; the run itself is in `minimal/`, under the name.
    pub by: &'static str,
}

/// Where things can be wrong: the name, the defects, and the places of its files.
pub const AREAS: [(&str, &[Defect], &[&str]); 4] = [
    ("machines", machines::ROWS, &["src/controller_sm", "src/worker_sm"]),
    ("drivers", drivers::ROWS, &["src/real/controller", "src/real/worker", "src/real/timers"]),
    ("transport", transport::ROWS, &["src/real/wire", "src/real/net", "src/real/status"]),
    ("journal", journal::ROWS, &["src/real/journal", "src/real/controller"]),
];

/// All defects, those that nobody finds included.
pub fn built() -> impl Iterator<Item = &'static Defect> {
    all().map(|(_, defect)| defect).chain(unseen::ROWS)
}

/// All defects that are found, with the names of their areas.
pub fn all() -> impl Iterator<Item = (&'static str, &'static Defect)> {
    AREAS.iter().flat_map(|(area, rows, _)| rows.iter().map(move |row| (*area, row)))
}
