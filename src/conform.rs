//! Where model and running cluster meet.
//!
//! Reading order: [`monitor`] is told of all that a cluster's drivers do, and judges the same table
//! of claims on it that the search judges on states of the model; [`chronicle`] keeps when what
//! happened; [`scenarios`] are the twenty-one stories of the chaos analysis, each with one exact
//! outcome.

pub mod chronicle;
pub mod monitor;
pub mod scenarios;
