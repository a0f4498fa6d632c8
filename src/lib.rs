//! `iris-check`: the lifecycles of a job cluster, explored exhaustively.
pub mod check;
pub mod cli;
pub mod controller_sm;
pub mod model;
pub mod worker_sm;
