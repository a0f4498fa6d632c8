//! What was done that may keep messages from arriving, nodes from working, or launches from
//! succeeding: from when until when. Losses and failed deliveries need such a cause; and what must
//! happen at once must only happen so where there was none.

use im::Vector;

use crate::controller_sm::GroupConfig;
use crate::model::id::WorkerId;
use crate::model::policy::Policy;
use crate::model::time::Millis;
use crate::real::chaos::{About, Node, Point, Rule, Verb};

use super::super::run::{Shape, Step};

/// What is disturbed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    /// Messages between the controller and a worker, or the worker itself.
    Worker(WorkerId),
    /// The same of all workers.
    Workers,
    /// The controller: it is down, or takes nothing down.
    Controller,
    /// Launches on a worker, or on all.
    Launches(Option<WorkerId>),
    /// The machines of scale groups.
    Fleet,
    /// An operator has closed a worker.
    Closed(WorkerId),
}

/// Something that is disturbed for a while.
#[derive(Debug, Clone, Copy)]
struct Spell {
    what: What,
    from: u64,
    /// Without an end it still lasts.
    until: Option<u64>,
    by: By,
    /// Whether it ends incarnations at once; else a worker is lost only over a silence.
    ends: bool,
}

/// What began a disturbance, and so what ends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    /// A step, which another one undoes.
    Step,
    /// A rule of chaos, until rules are taken back.
    Rule,
    /// A way that was cut. Of two ways that are cut, mending one mends nothing yet: so it lasts
    /// until all is healed.
    Cut,
}

/// All that was ever disturbed.
#[derive(Debug, Clone)]
pub(super) struct Weather {
    spells: Vector<Spell>,
    /// Workers from this number on are machines of groups.
    first_vm: u32,
    /// Machines of the largest slice: they are numbered one after another.
    slice: u32,
    /// When a controller that was down was last started.
    started: u64,
    /// How long a disturbance that is over may show.
    tail: u64,
    /// The longest delay that was asked for.
    delay: u64,
}

impl Weather {
    pub(super) fn new(shape: &Shape) -> Self {
        let policy = &shape.policy.0;
        let mut spells = Vector::new();
        // Machines that come up too slowly are given up, and their slices with them.
        let slow = |config: &(GroupConfig, crate::real::cloud::Pace)| {
            config.1.boot >= policy.boot_timeout
                || config.1.init >= policy.init_timeout
                || config.0.vms_per_slice == 0
        };
        if shape.groups.iter().any(|group| slow(&group.config())) {
            let what = What::Fleet;
            spells.push_back(Spell { what, from: 0, until: None, by: By::Step, ends: true });
        }
        for (worker, plan) in shape.worker_ids() {
            if plan.waits {
                let what = What::Worker(worker);
                spells.push_back(Spell { what, from: 0, until: None, by: By::Step, ends: false });
            }
        }
        let workers = u32::try_from(shape.workers.len()).unwrap_or(u32::MAX);
        let slice = shape.groups.iter().map(|group| u32::from(group.vms)).max().unwrap_or(0);
        Self { spells, first_vm: workers + 1, slice, started: 0, tail: tail(policy), delay: 0 }
    }

    /// A step was done at an instant.
    pub(super) fn takes(&mut self, step: &Step, at: u64) {
        match step {
            Step::WorkerCrashes(worker) => {
                self.begins(What::Worker(*worker), at, By::Step);
                self.ends_incarnations();
            }
            Step::WorkerStarts(worker) => {
                self.ends(at, |spell| spell.what == What::Worker(*worker) && spell.by == By::Step);
            }
            Step::ControllerCrashes => self.begins(What::Controller, at, By::Step),
            Step::ControllerStarts => {
                // One that a rule may have crashed comes back by itself, and may have been up.
                let itself = |it: &Spell| it.what == What::Controller && it.by == By::Rule;
                if !self.spells.iter().any(itself) {
                    self.started = at;
                }
                self.ends(at, |spell| spell.what == What::Controller && spell.by == By::Step);
            }
            Step::Cut(worker, _) => self.begins(What::Worker(*worker), at, By::Cut),
            Step::SlicePreempted(_) | Step::VmLost(_) => {
                self.begins(What::Fleet, at, By::Step);
                self.ends_incarnations();
            }
            Step::Fault(rule) => self.rule(rule, at),
            Step::FaultsEnd => self.ends(at, |spell| spell.by == By::Rule),
            Step::Drain(worker) => self.begins(What::Closed(*worker), at, By::Step),
            Step::Open(worker) => self.ends(at, |spell| spell.what == What::Closed(*worker)),
            Step::Submit(_)
            | Step::Resubmit(_)
            | Step::Cancel(_)
            | Step::Mended(..)
            | Step::Pass(_) => {}
        }
    }

    /// Everything was healed at an instant.
    pub(super) fn heals(&mut self, at: u64) {
        self.ends(at, |spell| spell.what != What::Fleet);
    }

    fn rule(&mut self, rule: &Rule, at: u64) {
        let worker = match rule.node {
            Some(Node::Worker(worker)) => Some(worker),
            Some(Node::Group(_) | Node::Slice(_) | Node::Vm(_)) | None => None,
        };
        let at_worker = worker.map_or(What::Workers, What::Worker);
        if let Verb::Delay(length) = rule.verb {
            self.delay = self.delay.max(u64::from(length.0));
        }
        match rule.point {
            Point::ControllerDispatch
            | Point::ControllerKill
            | Point::ControllerHeartbeatReply
            | Point::WorkerHeartbeat
            | Point::WorkerReportTaskState
            | Point::WorkerSubmitTask
            | Point::WorkerCrash => self.begins(at_worker, at, By::Rule),
            Point::ControllerCrash | Point::JournalAppend => {
                self.begins(What::Controller, at, By::Rule);
            }
            Point::WorkerBundleDownload
            | Point::WorkerCreateContainer
            | Point::WorkerTaskMonitor => {
                self.begins(What::Launches(worker), at, By::Rule);
            }
            Point::ProviderCreateSlice
            | Point::ProviderBoot
            | Point::ProviderInit
            | Point::ProviderPreempt => self.begins(What::Fleet, at, By::Rule),
        }
        let of_provider = matches!(rule.point.about(), About::Slice | About::Vm);
        let of_worker = rule.verb == Verb::Crash && rule.point.name().starts_with("worker.");
        if of_worker || of_provider {
            self.ends_incarnations();
        }
        if rule.verb == Verb::Crash && rule.point.name().starts_with("controller.") {
            self.begins(What::Controller, at, By::Rule);
        }
    }

    fn begins(&mut self, what: What, from: u64, by: By) {
        self.spells.push_back(Spell { what, from, until: None, by, ends: false });
    }

    /// What just began ends incarnations at once.
    fn ends_incarnations(&mut self) {
        if let Some(last) = self.spells.back_mut() {
            last.ends = true;
        }
    }

    fn ends(&mut self, at: u64, which: impl Fn(&Spell) -> bool) {
        for spell in &mut self.spells {
            if spell.until.is_none() && which(spell) {
                spell.until = Some(at);
            }
        }
    }

    fn lasts(&self, from: u64, to: u64, tail: u64, which: impl Fn(What) -> bool) -> bool {
        self.spells.iter().any(|spell| {
            let end = spell.until.map(|until| until.saturating_add(tail + self.delay));
            which(spell.what) && spell.from <= to && end.is_none_or(|end| end >= from)
        })
    }

    /// Whether anything between the controller and this worker may have gone wrong then.
    pub(super) fn of_worker(&self, worker: WorkerId, from: u64, to: u64) -> bool {
        self.lasts(from, to, self.tail, |what| self.concerns(what, worker))
    }

    fn concerns(&self, what: What, worker: WorkerId) -> bool {
        match what {
            What::Worker(id) => id == worker || self.may_share_a_slice(id, worker),
            What::Workers | What::Controller => true,
            What::Fleet => self.is_of_group(worker),
            What::Launches(_) | What::Closed(_) => false,
        }
    }

    /// Whether an incarnation of this worker may have ended by then: its process did, or it was
    /// not heard, or not answered, for this long.
    pub(super) fn may_end(&self, worker: WorkerId, by: u64, silence: u64) -> bool {
        let mut spells = self.spells.iter().filter(|spell| self.concerns(spell.what, worker));
        spells.any(|spell| spell.ends || spell.from.saturating_add(silence) <= by)
    }

    /// Since when a worker that was crashed, or has not started, is down for certain.
    pub(super) fn down_since(&self, worker: WorkerId) -> Option<u64> {
        // A worker that a rule crashes is started again.
        let starts = |it: &Spell| it.by == By::Rule && it.ends && self.concerns(it.what, worker);
        if self.spells.iter().any(starts) {
            return None;
        }
        let down = |it: &&Spell| {
            it.what == What::Worker(worker) && it.by == By::Step && it.until.is_none()
        };
        self.spells.iter().find(down).map(|spell| spell.from)
    }

    /// When a controller that was down was last started.
    pub(super) fn started(&self) -> u64 {
        self.started
    }

    /// How late what a worker said may come, at most: also after it is down.
    pub(super) fn delay(&self) -> u64 {
        self.delay
    }

    /// Whether it is the worker of a machine of a group.
    pub(super) fn is_of_group(&self, worker: WorkerId) -> bool {
        worker.0 >= self.first_vm
    }

    /// Whether two machines may belong to one slice: it goes as a whole when one of them does not
    /// come up in time, or is taken for dead.
    fn may_share_a_slice(&self, one: WorkerId, other: WorkerId) -> bool {
        let both = self.is_of_group(one) && self.is_of_group(other);
        both && one.0.abs_diff(other.0) < self.slice
    }

    /// Whether a worker may be closed then, or known again only at its next heartbeat.
    pub(super) fn of_door(&self, worker: WorkerId, at: u64) -> bool {
        self.lasts(at, at, self.tail, |what| what == What::Closed(worker))
    }

    /// Whether the provider may have taken a machine away then.
    pub(super) fn of_fleet(&self, worker: WorkerId) -> bool {
        self.is_of_group(worker) && self.lasts(0, u64::MAX, 0, |what| what == What::Fleet)
    }

    /// Whether a launch on this worker may have failed, or taken long, then.
    pub(super) fn of_launch(&self, worker: WorkerId, from: u64, to: u64) -> bool {
        self.lasts(from, to, self.tail, |what| match what {
            What::Launches(of) => of.is_none_or(|of| of == worker),
            What::Worker(_) | What::Workers | What::Controller | What::Fleet | What::Closed(_) => {
                false
            }
        })
    }

    /// Whether the controller may have been down, or have taken nothing down, then or shortly
    /// before.
    pub(super) fn of_controller(&self, from: u64, to: u64) -> bool {
        self.lasts(from, to, RESTART, |what| what == What::Controller)
    }
}

/// After a crash that a rule ordered, a node comes up again this much later, in milliseconds; and
/// some more, for what it then does.
const RESTART: u64 = 1_500;

/// How long a disturbance that is over may show: a worker that was not heard of in time is dead by
/// then, or known again, and what it was told while nobody listened is settled.
fn tail(policy: &Policy) -> u64 {
    let spans = [
        policy.worker_timeout,
        policy.heartbeat,
        policy.heartbeat,
        policy.rpc_timeout,
        policy.kill_grace,
        Millis(u32::try_from(RESTART).unwrap_or(u32::MAX)),
    ];
    let tries: u64 = (0..u32::from(policy.delivery_tries))
        .map(|n| u64::from(policy.delivery_backoff.0) << n.min(20))
        .sum::<u64>()
        + u64::from(policy.delivery_tries) * u64::from(policy.rpc_timeout.0);
    spans.into_iter().map(|span| u64::from(span.0)).sum::<u64>() + tries
}
