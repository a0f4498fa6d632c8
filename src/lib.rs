//! `iris-check`: the lifecycles of a job cluster, explored exhaustively.
//!
//! A controller and a worker, written as pure machines, are put into a network and a world in which
//! everything may happen in every order. What must hold is a table of claims. Each verdict is about
//! all runs of a scope, and each violation is a shortest run that can be replayed.
//!
//! # Reading order
//!
//! Each module begins with what it is for, and names the order in which to read its parts.
//!
//! 1. [`model`]: the vocabulary and the four lifecycles; what can happen, be said and be seen.
//! 2. [`controller_sm`]: the controller. A fact goes in, orders come out.
//! 3. [`worker_sm`]: the worker, in the same way.
//! 4. [`invariants`]: what must hold, one row for each claim.
//! 5. [`check`]: the cluster as a model, and the scopes that say how large it is and what may fail.
//! 6. [`explore`]: the search, which knows no cluster: states, shortest runs, fair endless runs.
//! 7. [`trace`]: a run as a value, as text and as a file.
//! 8. [`real`]: the cluster that runs: the same machines over gRPC, with a journal.
//! 9. [`conform`]: the claims judged on the cluster that runs, and the scenarios.
//! 10. [`cli`]: the program.
//!
//! Imports point downwards only. `ARCHITECTURE.md` says why, and what must not stand where.
//!
//! # Using it
//!
//! ```no_run
//! use iris_check::check::{run, scope::Scope};
//! use iris_check::explore::Limits;
//!
//! let scope = Scope::named("delivery").expect("it is a standard scope");
//! let limits = Limits {
//!     max_states: Some(100_000),
//!     max_depth: None,
//!     max_memory: None,
//!     threads: 2,
//!     stop: &|| None,
//!     progress: &|_| {},
//! };
//! let outcome = run(&scope, &limits);
//! assert!(outcome.findings.is_empty());
//! ```

pub mod check;
pub mod cli;
pub mod conform;
pub mod controller_sm;
pub mod explore;
pub mod invariants;
pub mod model;
pub mod real;
pub mod trace;
pub mod worker_sm;
