//! The exploration engine: visits every state of a [`stateright::Model`] and decides its claims.
//!
//! It is generic and knows no cluster. [`search()`] goes breadth first, level by level, so a
//! broken safety claim comes with a *shortest* run, and the report is the same whatever the number
//! of threads. Progress claims are decided afterwards on the stored graph, by looking for fair
//! endless runs: a cycle, a deadlock, or a stutter for ever.
//!
//! What a verdict means:
//! - Every claim is about the states inside the model's boundary. A state with a step over the
//!   boundary is neither a goal nor a deadlock: the step counts as enabled, its target is not
//!   visited, and a progress claim whose open states can leave that way while still open is
//!   [`Verdict::Incomplete`] with [`Stop::Boundary`], unless a violation was found inside.
//! - A search that stopped early never says that a claim holds for want of a counterexample.
//!   What it did find is real: violations, and witnesses of [`Kind::Reachable`] claims.
//! - States are told apart by 64-bit fingerprints; [`Report::collision_odds`] says how likely it is
//!   that two were confused.
//!
//! Reading order: `subject` (what a model says), `limits` and `report` (in and out), `search` (the
//! levels), `expand` and `board` (the parallel part), `store` (the ordered part), `table`, `graph`,
//! then `progress` with `region`, `component` and `cycle`, and `retrace`, which turns numbers back
//! into runs.

mod board;
mod component;
mod cycle;
mod expand;
mod graph;
mod limits;
mod plain;
mod progress;
mod region;
mod report;
mod retrace;
mod search;
mod store;
mod subject;
mod table;

pub use limits::{Limits, Phase, Progress, Stop};
pub use plain::Plain;
pub use report::{Counterexample, Path, Report, Verdict};
pub use search::search;
pub use subject::{Claim, Fairness, Kind, Obligation, Subject};
