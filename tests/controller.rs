//! The controller driven by hand: one test for each rule of the contract, with exact answers.
//!
//! Whatever a test does, the rig holds after each input that the timers ordered are those that the
//! machine says are armed, that nothing changed without an order to persist it, and that the books
//! (what workers hold, who waits) follow from the attempts.

mod controller {
    pub mod beats;
    pub mod budgets;
    pub mod delivery;
    pub mod fleet;
    pub mod gangs;
    pub mod grace;
    pub mod jobs;
    pub mod policy;
    pub mod random;
    pub mod restart;
    pub mod rig;
    pub mod show;
    pub mod slices;
    pub mod workers;
}
