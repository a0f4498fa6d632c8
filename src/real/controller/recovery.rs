//! What a controller begins with: its journal, replayed through the machine.

use std::collections::BTreeMap;
use std::fmt;

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::controller_sm::{ControllerSm, Effect, Input};
use crate::model::timer::Timer;
use crate::real::clock::At;
use crate::real::journal::{Journal, JournalError, Recovered, Snapshot, Torn};
use crate::real::provider::Provider;
use crate::real::timers::Timers;

use super::orders::Lines;
use super::{AGAIN, BATCH, Driver, End, INBOX, Setup, ToController, Waits};

/// Why a controller cannot begin with its journal.
#[derive(Debug)]
pub enum BadJournal {
    /// It cannot be read.
    Unread(JournalError),
    /// It cannot be begun.
    Unwritten(crate::real::journal::AppendError),
    /// It belongs to a cluster with another policy or other groups.
    Another(&'static str),
}

impl fmt::Display for BadJournal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unread(error) => error.fmt(f),
            Self::Unwritten(error) => error.fmt(f),
            Self::Another(what) => write!(
                f,
                "the journal was begun with {what}: start with the same, or give this cluster a \
                 journal of its own"
            ),
        }
    }
}

impl std::error::Error for BadJournal {}

/// A controller that is ready to run.
pub struct Started {
    /// What runs.
    pub driver: Driver,
    /// What was cut off the end of the journal, if a write had been interrupted.
    pub torn: Option<Torn>,
    /// How others tell it something.
    pub to_controller: ToController,
}

impl Driver {
    /// Opens the journal, or begins one, and replays it.
    ///
    /// # Errors
    /// The journal is damaged, or of another cluster; it is left as it was.
    pub fn start(
        setup: Setup,
        provider: impl FnOnce(ToController) -> Box<dyn Provider>,
    ) -> Result<Started, BadJournal> {
        let (mut journal, recovered) = Journal::open(setup.store).map_err(BadJournal::Unread)?;
        let torn = recovered.torn.clone();
        let mut timers = Timers::new();
        let machine = if recovered.snapshot.is_some() {
            let machine = replay(recovered, &mut timers);
            if *machine.policy() != setup.policy {
                return Err(BadJournal::Another("another policy"));
            }
            if !machine.groups().map(|(_, group)| &group.config).eq(&setup.groups)
                || machine.vm_numbers().0 != setup.first_vm
            {
                return Err(BadJournal::Another("other scale groups"));
            }
            machine
        } else {
            let machine = ControllerSm::new(setup.policy, setup.groups, setup.first_vm);
            let at = setup.clock.now();
            let snapshot = Snapshot { at, controller: machine.clone(), deadlines: Vec::new() };
            journal.snapshot(&snapshot).map_err(BadJournal::Unwritten)?;
            machine
        };
        let (to_controller, inbox) = mpsc::channel(INBOX);
        let lines = Lines::new(setup.network, setup.chaos.clone(), setup.clock, setup.policy);
        let driver = Self {
            machine,
            journal,
            timers,
            inbox,
            to_self: to_controller.downgrade(),
            addresses: BTreeMap::new(),
            watchers: BTreeMap::new(),
            calls: JoinSet::new(),
            lines,
            provider: provider(ToController(to_controller.clone())),
            clock: setup.clock,
            chaos: setup.chaos,
            observer: setup.observer,
            batch: if setup.one_by_one { 1 } else { BATCH },
            ahead: None,
        };
        Ok(Started { driver, torn, to_controller: ToController(to_controller) })
    }

    /// The first input of every run: what was found is taken up again.
    pub(super) async fn begin(&mut self) -> Result<(), End> {
        // Until it is durable nothing else is taken, and nothing is done.
        while !self.turn(vec![(Input::Restarted, Waits::Nobody)]).await? {
            self.clock.sleep(AGAIN).await;
        }
        Ok(())
    }

    /// The machine as the journal has it.
    pub(super) fn read_back(&mut self) -> Result<ControllerSm, End> {
        let recovered = self.journal.read_back().map_err(End::Unread)?;
        // The timers of this run stand: orders that were not performed changed none.
        Ok(replay(recovered, &mut Timers::new()))
    }
}

fn replay(recovered: Recovered, timers: &mut Timers<Timer>) -> ControllerSm {
    let snapshot = recovered.snapshot.expect("invariant: a journal begins with a snapshot");
    let mut machine = snapshot.controller;
    for (timer, at) in snapshot.deadlines {
        timers.arm(timer, at);
    }
    for entry in recovered.entries {
        // What the orders were for has happened, or never will; but when timers run out counts.
        let effects = machine.on(entry.input.clone());
        keep_time(timers, entry.at, &entry.input, &effects);
    }
    machine
}

/// What the orders of an input mean for timers. After a restart most start anew; but what a client
/// or an operator was promised keeps its instant.
pub(super) fn keep_time(timers: &mut Timers<Timer>, at: At, input: &Input, effects: &[Effect]) {
    let before =
        matches!(input, Input::Restarted).then(|| std::mem::replace(timers, Timers::new()));
    for effect in effects {
        match effect {
            Effect::Arm(timer, after) => {
                let kept = before.as_ref().filter(|_| timer.keeps_its_instant());
                let kept = kept.and_then(|before| before.deadline(*timer));
                timers.arm(*timer, kept.unwrap_or_else(|| at.plus(*after)));
            }
            Effect::Disarm(timer) => timers.disarm(*timer),
            Effect::Persist
            | Effect::Reply(_)
            | Effect::ReplyBeat(_)
            | Effect::ReplyReport
            | Effect::SendRun { .. }
            | Effect::SendKill { .. }
            | Effect::CreateSlice { .. }
            | Effect::TerminateSlice(_)
            | Effect::JobEnded(_) => {}
        }
    }
}
