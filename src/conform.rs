//! Where model and running cluster meet: the claims judged on the cluster that runs.
//!
//! [`monitor`] is told of all that a cluster's drivers do, and judges the same table of claims on
//! it that the search judges on states of the model.

pub mod monitor;
