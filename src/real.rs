//! The cluster that runs: the machines that were checked, over real gRPC, with a durable journal,
//! real processes, and faults on demand. No decision is taken here that a machine could take.
//!
//! Reading order: `clock` and `timers` (when), `net` and `wire` (how nodes talk), `chaos` (what
//! goes wrong on demand), `journal` (what is kept), `controller` and `worker` (the drivers), `work`
//! (what a worker runs), `provider` (where workers come from), `client`, and `cluster` (all of it
//! in one process, in real or virtual time), `process` (each node a process of its own), `nodes`
//! (such processes, started and killed), `program` (somebody else's, spoken to line by line),
//! `stage` (where futures run for callers that cannot wait).
//!
//! This is the only folder that uses async code, storage, chance, or looks at a clock.

pub mod chaos;
pub mod client;
pub mod clock;
pub mod cloud;
pub mod cluster;
pub mod controller;
pub mod journal;
pub mod log;
pub mod net;
pub mod nodes;
pub mod observe;
pub mod process;
pub mod program;
pub mod provider;
pub mod stage;
pub mod status;
mod timers;
pub mod token;
mod wire;
pub mod work;
pub mod worker;
