//! What is decided, counted and recorded.
