//! Where model and running cluster meet.
//!
//! Reading order: [`live`] is the running cluster as an outside observer sees it; [`monitor`] is
//! told of all that its drivers do, and judges the same table of claims on that view that the
//! search judges on states of the model; [`chronicle`] keeps when what happened; [`scenarios`] are
//! the twenty-one stories of the chaos analysis, each with one exact outcome.
//!
//! Generated runs: [`run`] is a whole run as a value, [`world`] what can be done next, [`subject`]
//! a cluster under test, [`seen`] what a user sees of it; [`in_process`] is the cluster in this
//! process as one, [`processes`] one of processes, [`external`] one of somebody else's behind a
//! driver. [`mod@reference`] says what may be seen, and [`play`] holds a cluster against it.
//! [`generate`] draws runs, [`campaign`] plays many of them, [`edges`] tells which transitions of
//! the model they took, and [`shrink`] makes a failing one as small as it still fails, by what
//! [`simplify`] calls simpler: [`shortest`] does both.
//!
//! The other way round, [`validate`] replays a log of what happened through the machines and names
//! the first event that cannot be.

pub mod campaign;
pub mod chronicle;
pub mod edges;
pub mod external;
pub mod generate;
pub mod in_process;
pub mod live;
pub mod monitor;
pub mod play;
pub mod processes;
pub mod reference;
pub mod run;
pub mod scenarios;
pub mod seen;
pub mod shortest;
pub mod shrink;
pub mod simplify;
pub mod subject;
pub mod validate;
pub mod world;
