//! How far a search is, on one line of a terminal that is erased afterwards.

use std::io::{self, IsTerminal, Write};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::clock;
use super::engine::{Phase, Progress};
use super::table::{number, seconds};

/// A terminal is told no more often than this.
const PAUSE: Duration = Duration::from_millis(100);
/// To the first column, and erases the line.
const ERASE: &str = "\r\x1b[2K";

/// The line of one scope; nothing at all where nobody would see it.
pub(super) struct Line {
    scope: String,
    begun: Instant,
    /// When the terminal was told last; none where there is no terminal.
    told: Option<Mutex<Instant>>,
}

impl Line {
    /// A line that begins now.
    pub fn new(scope: &str) -> Self {
        let begun = clock::now();
        let told = io::stderr().is_terminal().then(|| Mutex::new(begun));
        Self { scope: scope.to_owned(), begun, told }
    }

    /// Since when.
    pub fn begun(&self) -> Instant {
        self.begun
    }

    /// Tells how far it is, unless that was told a moment ago.
    pub fn show(&self, progress: Progress) {
        self.tell(|| {
            let what = match progress.phase {
                Phase::Search => "searching",
                Phase::Progress => "looking for endless runs",
            };
            let Progress { states, depth, frontier, .. } = progress;
            let (states, frontier) = (number(states), number(frontier));
            format!("{what}, {states} states, depth {depth}, {frontier} open")
        });
    }

    /// Says this, unless something was said a moment ago.
    pub fn tell(&self, what: impl FnOnce() -> String) {
        // Another thread that holds the lock is telling it right now.
        let Some(Ok(mut told)) = self.told.as_ref().map(Mutex::try_lock) else { return };
        let now = clock::now();
        if now.duration_since(*told) < PAUSE {
            return;
        }
        *told = now;
        let (what, time) = (what(), seconds(now.duration_since(self.begun)));
        let line = format!("{}: {what}, {time}", self.scope);
        // Whoever closed the terminal does not want to know.
        let _ = write!(io::stderr(), "{ERASE}{line}");
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if self.told.is_some() {
            let _ = write!(io::stderr(), "{ERASE}");
        }
    }
}
