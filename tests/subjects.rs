//! Clusters under test that are not in this process: an orchestrator of somebody else's behind a
//! driver, and our own as processes.

mod common;
mod subjects {
    pub mod hostile;
    pub mod processes;
    pub mod script;
    pub mod toy;
}
