//! Where model and running cluster meet.
//!
//! Reading order: [`live`] is the running cluster as an outside observer sees it; [`monitor`] is
//! told of all that its drivers do, and judges the same table of claims on that view that the
//! search judges on states of the model; [`chronicle`] keeps when what happened; [`scenarios`] are
//! the twenty-one stories of the chaos analysis, each with one exact outcome; [`validate`] replays
//! a log of what happened through the machines and names the first event that cannot be.

pub mod chronicle;
pub mod live;
pub mod monitor;
pub mod scenarios;
pub mod validate;
