//! Faults on demand: rules say where, what and when; points in the running cluster ask.
//!
//! ```text
//! controller.dispatch fail UNAVAILABLE rate 0.3 during 0s..10s
//! worker.heartbeat on w1 drop_response nth 2
//! ```
//!
//! A registry belongs to one cluster and is seeded. A question is decided and counted in one step,
//! under one lock; while no rule was ever set it is one relaxed load. If several rules want to
//! fire at a hit, the first one added does. Every hit since the first rule is recorded, and a rule
//! that never fired can be told: a fault that did not happen was not tested.
//!
//! A point stands where the real call stands, inside the retry loop that it tests, and answers
//! with the error type of the real call.

mod around;
mod handle;
mod parse;
mod point;
mod registry;
mod rule;
#[cfg(test)]
mod tests;
mod verb;

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use handle::{RuleHandle, Site};
pub use parse::parse_file;
pub use point::{About, Node, Point};
pub use registry::{Hit, RECORDED, RuleId};
pub use rule::{BadRule, Rule, When};
pub use tonic::Code;
pub use verb::{Verb, code_name};

use super::clock::{At, Clock};
use registry::State;

/// What hears that a node must die: the point where it happens, and the node it is about.
pub type OnCrash = Arc<dyn Fn(Point, Option<Node>) + Send + Sync>;

/// The chaos registry of one cluster. Copies are the same registry.
#[derive(Clone)]
pub struct Chaos {
    inner: Arc<Inner>,
}

struct Inner {
    /// Whether a rule was ever set. Nothing else is looked at while it is not.
    armed: AtomicBool,
    clock: Clock,
    began: At,
    state: Mutex<State>,
    on_crash: Mutex<Option<OnCrash>>,
}

impl Chaos {
    /// A registry without rules. Windows count from now.
    pub fn new(seed: u64, clock: Clock) -> Self {
        let inner = Inner {
            armed: AtomicBool::new(false),
            clock,
            began: clock.now(),
            state: Mutex::new(State::new(seed)),
            on_crash: Mutex::new(None),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Where a rule is to stand; a verb adds it.
    pub fn at(&self, point: Point) -> Site<'_> {
        Site::new(self, point)
    }

    /// Adds a rule, complete, in one step.
    ///
    /// # Errors
    /// A rule that could never fire, with what its point can do.
    pub fn add(&self, rule: Rule) -> Result<RuleHandle, BadRule> {
        rule.check()?;
        let id = {
            let mut state = self.state();
            self.inner.armed.store(true, Ordering::Relaxed);
            state.add(rule)
        };
        Ok(RuleHandle::new(self.clone(), id))
    }

    /// What goes wrong here and now, counted and recorded.
    ///
    /// Most points use [`Chaos::around`]. Who asks here does itself what the answer says; a
    /// `Crash` is handed on with [`Chaos::crash`].
    #[inline]
    #[must_use = "what was decided is counted as having happened"]
    pub fn decide(&self, point: Point, node: Option<Node>) -> Option<Verb> {
        if !self.inner.armed.load(Ordering::Relaxed) {
            return None;
        }
        self.decide_by_rules(point, node)
    }

    #[cold]
    #[inline(never)]
    fn decide_by_rules(&self, point: Point, node: Option<Node>) -> Option<Verb> {
        debug_assert!(
            node.is_none_or(|node| point.about().admits(node)),
            "invariant: who asks at {point} names {}: not {node:?}",
            point.about()
        );
        let mut state = self.state();
        // Inside the lock, so that the record is in the order of time.
        let now = self.inner.clock.now();
        state.decide(now, now.since(self.inner.began), point, node)
    }

    /// Who hears of a crash. The cluster that owns the nodes sets it before anything runs.
    pub fn set_on_crash(&self, hears: OnCrash) {
        *self.inner.on_crash.lock().unwrap_or_else(PoisonError::into_inner) = Some(hears);
    }

    /// Tells the cluster, before this returns, that a crash fired at a point.
    pub fn crash(&self, point: Point, node: Option<Node>) {
        let hears = self.inner.on_crash.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let hears = hears.expect("invariant: `set_on_crash` was called before a crash can fire");
        hears(point, node);
    }

    /// The latest [`RECORDED`] hits since the first rule was set, in the order of time. Counts are
    /// exact also beyond that.
    pub fn record(&self) -> Vec<Hit> {
        self.state().record.iter().copied().collect()
    }

    /// How often any rule fired.
    pub fn firings(&self) -> u64 {
        self.state().firings
    }

    /// A sentence for each rule that never fired, also if it was removed since.
    pub fn unfired(&self) -> Vec<String> {
        self.state().unfired()
    }

    /// Nothing that runs under the lock can leave the state half changed: a poisoned lock is as
    /// good as any.
    fn state(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Chaos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rules: Vec<String> =
            self.state().rules.iter().map(|live| live.rule.to_string()).collect();
        f.debug_tuple("Chaos").field(&rules).finish()
    }
}
