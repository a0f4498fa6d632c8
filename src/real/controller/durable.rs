//! What the driver keeps: inputs in the journal, and now and then all of the machine.

use tokio::runtime::{Handle, RuntimeFlavor};

use crate::controller_sm::Input;
use crate::real::chaos::{Point, Verb};
use crate::real::clock::At;
use crate::real::journal::{AppendError, Entry, Snapshot};

use super::{AGAIN, Ask, Driver, End, Turn, Waits};

/// What became of an append.
pub(super) enum Appended {
    Durable,
    Undone,
}

/// Does what waits for a disk. The runtime has a thread for each core, and one that waits here is
/// missed by everybody's calls: where it has several, another takes over the thread's tasks.
fn with_the_disk<T>(work: impl FnOnce() -> T) -> T {
    if Handle::current().runtime_flavor() == RuntimeFlavor::MultiThread {
        tokio::task::block_in_place(work)
    } else {
        work()
    }
}

impl Driver {
    pub(super) async fn append(&mut self, entries: &[Entry]) -> Result<Appended, End> {
        match self.chaos.decide(Point::JournalAppend, None) {
            Some(Verb::Crash) => return Err(End::Crashed),
            Some(Verb::Delay(length)) => self.clock.sleep(length).await,
            Some(Verb::Fail(_)) => return Ok(Appended::Undone),
            Some(Verb::DropRequest | Verb::DropResponse | Verb::Duplicate) | None => {}
        }
        match with_the_disk(|| self.journal.append(entries)) {
            Ok(()) => Ok(Appended::Durable),
            Err(AppendError::Undone(_)) => Ok(Appended::Undone),
            Err(error @ AppendError::Broken(_)) => Err(End::Journal(error)),
        }
    }

    /// What could not be made durable did not happen: the machine is what the journal says. Who
    /// waits for an answer gets none, timers fire again, and what nobody would repeat comes again.
    pub(super) fn undo(&mut self, turns: Vec<Turn>) -> Result<(), End> {
        self.machine = self.read_back()?;
        for turn in turns {
            if let Input::Fired(timer) = turn.input {
                self.timers.arm(timer, self.clock.now().plus(AGAIN));
            } else if matches!(turn.waits, Waits::Nobody) && turn.input != Input::Restarted {
                self.later(Ask::Fact(turn.input, Waits::Nobody));
            }
        }
        Ok(())
    }

    fn later(&mut self, ask: Ask) {
        let (clock, to_self) = (self.clock, self.to_self.clone());
        self.calls.spawn(async move {
            clock.sleep(AGAIN).await;
            if let Some(to_self) = to_self.upgrade() {
                // Where the driver is gone there is nobody left to tell.
                let _ = to_self.send(ask).await;
            }
        });
    }

    pub(super) fn snapshot(&mut self, at: At) -> Result<(), End> {
        if !self.journal.wants_snapshot() {
            return Ok(());
        }
        let deadlines = self.timers.iter().collect();
        let snapshot = Snapshot { at, controller: self.machine.clone(), deadlines };
        match with_the_disk(|| self.journal.snapshot(&snapshot)) {
            // Without one the journal is longer, and nothing else.
            Ok(()) | Err(AppendError::Undone(_)) => Ok(()),
            Err(error @ AppendError::Broken(_)) => Err(End::Journal(error)),
        }
    }
}
