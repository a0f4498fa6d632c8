//! The worker driven by hand: one test for each rule of the contract, with exact answers.

mod worker {
    pub mod calls;
    pub mod lease;
    pub mod random;
    pub mod rig;
}
