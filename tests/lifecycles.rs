//! The lifecycles against the contract: every pair of a state and an event is one cell of a table
//! that was typed from the contract, and so is every ending of an attempt and every tally of a job.

mod lifecycles {
    pub mod grid;
    pub mod job;
    pub mod task;
    pub mod vm;
    pub mod worker;
}
