//! Where futures run for callers that are not async themselves: tests and comparisons that take one
//! step after another.

use std::io;

use tokio::runtime::{Builder, Runtime};

/// A runtime. What was started on it goes on only while somebody waits on it in virtual time, and
/// always in real time; all of it ends with the stage.
#[derive(Debug)]
pub struct Stage(Runtime);

impl Stage {
    /// In virtual time, with the clock at its beginning.
    pub fn virtual_time() -> Self {
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
        Self(runtime.expect("invariant: a runtime without sockets needs nothing that is missing"))
    }

    /// In real time.
    ///
    /// # Errors
    /// The operating system gives no threads or no way to wait for sockets.
    pub fn real_time() -> io::Result<Self> {
        Builder::new_multi_thread().enable_all().build().map(Self)
    }

    /// Waits until this is done.
    pub fn wait<F: Future>(&self, future: F) -> F::Output {
        self.0.block_on(future)
    }
}
