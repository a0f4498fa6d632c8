//! The cluster as processes: the program as users start it, kill it, and ask it.

mod common;

mod processes {
    mod nodes;
    mod refused;
    mod whole;
}
