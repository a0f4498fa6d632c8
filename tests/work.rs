//! Commands as a worker runs them: real processes, the real supervisor, real signals.

mod work {
    pub mod bench;
    mod death;
    mod ends;
    mod faults;
}
