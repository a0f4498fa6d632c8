//! The vocabulary of a job cluster and its four lifecycles. Pure data and pure functions: no clock,
//! no chance, no I/O, and no knowledge of the machines that use it.
//!
//! Reading order: [`id`], [`resources`], [`budget`], [`time`], [`spec`], [`exit`], then the
//! lifecycles ([`step`], [`task`], [`job`], [`worker`], [`vm`]), then what the machines share
//! ([`policy`], [`wire`], [`timer`], [`operation`], [`view`], [`scheduler`]).

pub mod budget;
pub mod exit;
pub mod id;
pub mod job;
pub mod operation;
pub mod policy;
pub mod resources;
pub mod scheduler;
pub mod spec;
pub mod step;
pub mod task;
pub mod time;
pub mod timer;
pub mod view;
pub mod vm;
pub mod wire;
pub mod worker;
