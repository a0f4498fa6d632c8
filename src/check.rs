//! The cluster as a model: what is explored, from which start, under which faults.
//!
//! Reading order: [`scope`] (a question that is small enough to be answered completely),
//! [`cluster`] (an operator's own cluster, made that small).

pub mod cluster;
pub mod scope;
