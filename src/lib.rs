//! `iris-check`: the lifecycles of a job cluster, explored exhaustively.

pub mod check;
pub mod cli;
pub mod controller_sm;
pub mod explore;
pub mod invariants;
pub mod model;
pub mod trace;
pub mod worker_sm;
