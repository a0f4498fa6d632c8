//! Who watches a cluster under test from inside: the monitors, and whoever ends it when it never
//! comes to rest, or when its nodes die over and over.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::controller_sm::{ControllerSm, Input};
use crate::model::id::{Seat, WorkerId};
use crate::real::clock::At;
use crate::real::observe::Observer;
use crate::worker_sm::{WorkerEffect, WorkerInput, WorkerSm};

use super::super::monitor::Monitor;

/// Inputs of all machines at one instant of virtual time after which it is taken for certain that
/// they never come to an end. A hundred deliveries that fail at once are some hundreds.
const RESTLESS: u64 = 20_000;

/// Nodes that die in a cluster in which nothing is disturbed any more, after which it is taken for
/// certain that they will go on to. The harness itself kills each once, at the end.
const DEADLY: u64 = 100;

/// The last inputs that are told of a cluster that never comes to rest.
const TOLD: u64 = 12;

/// The monitor, and a count of what happens at one instant.
pub(super) struct Watch {
    pub(super) monitor: Monitor,
    at: AtomicU64,
    inputs: AtomicU64,
    restless: AtomicBool,
    /// Whether all faults are over, and how many nodes have died since.
    healed: AtomicBool,
    deaths: AtomicU64,
    /// What it was busy with when it was found restless.
    busy: Mutex<Vec<String>>,
}

impl Watch {
    pub(super) fn new(controller: ControllerSm, next: Arc<dyn Observer>) -> Self {
        Self {
            monitor: Monitor::and(controller, next).without_chronicle(),
            at: AtomicU64::new(0),
            inputs: AtomicU64::new(0),
            restless: AtomicBool::new(false),
            healed: AtomicBool::new(false),
            deaths: AtomicU64::new(0),
            busy: Mutex::default(),
        }
    }

    /// With what it was busy, if it never came to rest.
    pub(super) fn restless(&self) -> Option<String> {
        let busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        self.restless.load(Ordering::Relaxed).then(|| busy.join("\n"))
    }

    /// From now on nothing makes a node die but itself.
    pub(super) fn healed(&self) {
        self.healed.store(true, Ordering::Relaxed);
    }

    fn died(&self) {
        if self.healed.load(Ordering::Relaxed) {
            self.deaths.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Relaxed is enough: in virtual time there is one thread, and only there it is needed.
    fn count(&self, at: At, input: &dyn Fn() -> String) {
        if self.at.swap(at.0, Ordering::Relaxed) != at.0 {
            self.inputs.store(0, Ordering::Relaxed);
        }
        let count = self.inputs.fetch_add(1, Ordering::Relaxed);
        if count + TOLD > RESTLESS && count <= RESTLESS {
            let mut busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
            busy.push(input());
        }
        if count > RESTLESS {
            self.restless.store(true, Ordering::Relaxed);
        }
    }
}

impl Observer for Watch {
    fn controller(&self, at: At, input: &Input, machine: &ControllerSm) {
        self.count(at, &|| format!("controller {input:?}"));
        self.monitor.controller(at, input, machine);
    }

    fn worker(
        &self,
        at: At,
        seat: Seat,
        input: &WorkerInput,
        effects: &[WorkerEffect],
        machine: &WorkerSm,
    ) {
        self.count(at, &|| format!("{seat} {input:?}"));
        self.monitor.worker(at, seat, input, effects, machine);
    }

    fn worker_up(&self, at: At, machine: &WorkerSm) {
        self.monitor.worker_up(at, machine);
    }

    fn worker_down(&self, at: At, worker: WorkerId) {
        self.died();
        self.monitor.worker_down(at, worker);
    }

    fn controller_down(&self, at: At) {
        self.died();
        self.monitor.controller_down(at);
    }

    fn has_seen_enough(&self) -> bool {
        self.restless.load(Ordering::Relaxed) || self.deaths.load(Ordering::Relaxed) > DEADLY
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::policy::Policy;
    use crate::real::observe::Nobody;

    #[test]
    fn nodes_that_die_over_and_over_by_themselves_are_seen_enough() {
        let controller = ControllerSm::new(Policy::HARDENED, Vec::new(), 1);
        let watch = Watch::new(controller, Arc::new(Nobody));
        let die = |times: u64| (0..times).for_each(|at| watch.controller_down(At(at)));
        die(2 * DEADLY);
        assert!(!watch.has_seen_enough(), "until all is healed chaos may have killed them");
        watch.healed();
        die(DEADLY);
        assert!(!watch.has_seen_enough());
        watch.worker_down(At(0), WorkerId(1));
        assert!(watch.has_seen_enough());
        assert_eq!(watch.restless(), None, "it comes to rest in between");
    }
}
