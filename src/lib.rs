//! `iris-check`: the lifecycles of a job cluster, explored exhaustively.
pub mod controller_sm;
pub mod invariants;
pub mod model;
pub mod worker_sm;
