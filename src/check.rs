//! The cluster as a model: what is explored, from which start, under which faults.
//!
//! Reading order: [`scope`] (a question that is small enough to be answered completely),

pub mod scope;
