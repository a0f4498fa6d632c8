//! The exploration engine: visits every state of a [`stateright::Model`] and decides its claims.
//!
//! It is generic and knows no cluster. [`search()`] goes breadth first, level by level, so a
//! broken safety claim comes with a *shortest* run, and the report is the same whatever the number
//! of threads. Progress claims are decided afterwards, by looking for fair endless runs: a cycle, a
//! deadlock, or a stutter for ever.
//!
//! Any model can be searched as it is. One whose states have a short code ([`Coded`]) can be
//! searched exactly by [`search_coded()`]: it keeps codes and nothing else, compares them whole,
//! and generates the steps of a state again where progress asks for them.
//!
//! What is larger than memory can be searched with its states on disk ([`search_on_disk()`]), if a
//! state can be written down ([`Portable`]); such a search goes on after whatever ended it.
//!
//! A model in which names can be exchanged ([`Symmetric`]) can be searched up to that by
//! [`search_symmetric()`], for its claims about states and steps.
//!
//! A model that says what its steps look at and change ([`Footprints`]) can be searched by
//! partial-order reduction ([`search_partial_order()`]), for the same claims; [`audit()`] looks
//! whether it says the truth.
//!
//! One whose states can be written down ([`Portable`]) can be searched by several processes, on as
//! many machines, with [`search_flow()`]: the report is the same.
//!
//! What a verdict means:
//! - Every claim is about the states inside the model's boundary. A state with a step over the
//!   boundary is neither a goal nor a deadlock: the step counts as enabled, its target is not
//!   visited, and a progress claim whose open states can leave that way while still open is
//!   [`Verdict::Incomplete`] with [`Stop::Boundary`], unless a violation was found inside.
//! - A search that stopped early never says that a claim holds for want of a counterexample.
//!   What it did find is real: violations, and witnesses of [`Kind::Reachable`] claims.
//! - States are told apart by 64-bit fingerprints, or, with [`Memory::Codes`], by all that they
//!   say; [`Report::collision_odds`] says how likely it is that two were confused.
//!
//! What is too large for that can be walked through at random: [`walk()`] finds violations and
//! proves nothing.
//!
//! Reading order: `subject` (what a model says), `limits` and `report` (in and out), `search` (the
//! levels), `way` (how states are carried and kept), `expand` with `recent` and `board` (the
//! parallel part), `store` (the ordered part), `table` and `codes` (the visited states, in
//! `slab`), `graph`
//! and `regrow` (their steps, stored or generated again), then `progress` with `component`,
//! `region` and `cycle`, and `conclude` with `retrace`, which turn numbers back into runs.
//! `symmetry` puts one state in the place of many before all that, `stubborn` leaves steps out by
//! what `footprint` says of them, which `audit` looks after. `disk` has levels of its own,
//! `flow` is the same search by several processes: both take states as bytes (`portable`) and end
//! with `prints` in `progress` and `conclude` too. Apart from it: `walk` with `chance`, `ledger`
//! and `shorten`.

mod audit;
mod board;
mod chance;
mod coded;
mod codes;
mod component;
mod conclude;
mod cycle;
mod disk;
mod expand;
mod flow;
mod footprint;
mod graph;
mod ledger;
mod limits;
mod plain;
mod portable;
mod prints;
mod progress;
mod recent;
mod region;
mod regrow;
mod report;
mod retrace;
mod search;
mod shorten;
mod slab;
mod store;
mod stubborn;
mod subject;
mod symmetry;
mod table;
mod walk;
mod way;

pub use audit::{Lie, Wrong, audit};
pub use coded::{Coded, CodedStep, Judged, Words};
pub use disk::{Disk, DiskError, Trouble, is_on_disk, search_on_disk};
pub use flow::{Cluster, FlowError, search_flow};
pub use footprint::{Footprints, Transition, Variables};
pub use limits::{Limits, Phase, Progress, Stop};
pub use plain::Plain;
pub use portable::Portable;
pub use report::{Counterexample, Path, Report, Verdict};
pub use search::{Memory, search, search_coded};
pub use shorten::shorten;
pub use stubborn::{Narrowed, search_partial_order};
pub use subject::{Claim, Fairness, Kind, OPTIONAL, Obligation, Subject, Value};
pub use symmetry::{Reduced, Symmetric, search_symmetric};
pub use table::fingerprint;
pub use walk::{Draw, Found, WalkProgress, WalkReport, Walks, walk};
