//! Exhaustive checking of the lifecycles of a job cluster.

pub mod explore;
