//! The cluster as processes: the program as users start it, kill it, and ask it.

mod processes {
    mod bench;
    mod nodes;
    mod refused;
    mod whole;
}
