//! `iris-check`: the lifecycles of a job cluster, explored exhaustively.

pub mod controller_sm;
pub mod explore;
pub mod model;
pub mod trace;
pub mod worker_sm;
