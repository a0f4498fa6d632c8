//! Where something can go wrong: the points, and the nodes that they are about.

use std::fmt;
use std::str::FromStr;

use super::rule::BadRule;
use crate::model::id::{GroupId, SliceId, VmId, WorkerId};

/// A place in the running cluster that asks the registry what goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Point {
    /// The controller sends a RunTask to a worker, each try anew.
    ControllerDispatch,
    /// The controller sends a KillTask to a worker.
    ControllerKill,
    /// The controller has a heartbeat of a worker before it, and will answer it.
    ControllerHeartbeatReply,
    /// The controller has taken an input.
    ControllerCrash,
    /// A worker sends a heartbeat.
    WorkerHeartbeat,
    /// A worker sends a ReportTaskState.
    WorkerReportTaskState,
    /// A worker has a RunTask before it, and will answer it.
    WorkerSubmitTask,
    /// A worker fetches the bundle of an attempt.
    WorkerBundleDownload,
    /// A worker makes the container of an attempt.
    WorkerCreateContainer,
    /// A worker starts to watch the process of an attempt; a failure is the death of the monitor.
    WorkerTaskMonitor,
    /// A worker has taken an input.
    WorkerCrash,
    /// The provider is asked for a slice; `fail RESOURCE_EXHAUSTED` is a quota that is used up.
    ProviderCreateSlice,
    /// A VM boots. One that fails, or whose request is dropped, is stuck, and nobody says so.
    ProviderBoot,
    /// A VM initializes; as with booting.
    ProviderInit,
    /// A VM of a slice became ready: `fail` takes the whole slice away at once, whatever the
    /// status; `delay` takes it away so much later, when something runs there.
    ProviderPreempt,
    /// The controller makes an input durable; a failure means that the input did not happen.
    JournalAppend,
}

/// What the question at a point is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// The cluster as a whole: no node is named.
    Cluster,
    /// One worker, also where the controller asks: the one that it talks to.
    Worker,
    /// One slice. A rule may also name the group, which means each slice of it.
    Slice,
    /// One VM.
    Vm,
}

struct Row {
    point: Point,
    name: &'static str,
    about: About,
    verbs: &'static [&'static str],
}

/// A message: all that a network does, and the death of the node that stands there.
const CALL: &[&str] = &["fail", "delay", "drop_request", "drop_response", "duplicate", "crash"];
/// Work on the spot: it fails, or it takes long.
const WORK: &[&str] = &["fail", "delay"];
const CRASH: &[&str] = &["crash"];
const CREATE: &[&str] = &["fail", "delay", "drop_response"];
const START: &[&str] = &["fail", "delay", "drop_request"];
const APPEND: &[&str] = &["fail", "delay", "crash"];

const fn row(
    point: Point,
    name: &'static str,
    about: About,
    verbs: &'static [&'static str],
) -> Row {
    Row { point, name, about, verbs }
}

/// One row for each point, in the order of the variants.
const ROWS: [Row; 16] = [
    row(Point::ControllerDispatch, "controller.dispatch", About::Worker, CALL),
    row(Point::ControllerKill, "controller.kill", About::Worker, CALL),
    row(Point::ControllerHeartbeatReply, "controller.heartbeat_reply", About::Worker, CALL),
    row(Point::ControllerCrash, "controller.crash", About::Cluster, CRASH),
    row(Point::WorkerHeartbeat, "worker.heartbeat", About::Worker, CALL),
    row(Point::WorkerReportTaskState, "worker.report_task_state", About::Worker, CALL),
    row(Point::WorkerSubmitTask, "worker.submit_task", About::Worker, CALL),
    row(Point::WorkerBundleDownload, "worker.bundle_download", About::Worker, WORK),
    row(Point::WorkerCreateContainer, "worker.create_container", About::Worker, WORK),
    row(Point::WorkerTaskMonitor, "worker.task_monitor", About::Worker, WORK),
    row(Point::WorkerCrash, "worker.crash", About::Worker, CRASH),
    row(Point::ProviderCreateSlice, "provider.create_slice", About::Slice, CREATE),
    row(Point::ProviderBoot, "provider.boot", About::Vm, START),
    row(Point::ProviderInit, "provider.init", About::Vm, START),
    row(Point::ProviderPreempt, "provider.preempt", About::Slice, WORK),
    row(Point::JournalAppend, "journal.append", About::Cluster, APPEND),
];

const fn points() -> [Point; ROWS.len()] {
    let mut all = [Point::ControllerDispatch; ROWS.len()];
    let mut at = 0;
    while at < ROWS.len() {
        // A row in the wrong place would give a point the name of another.
        assert!(ROWS[at].point as usize == at, "the rows stand in the order of the variants");
        all[at] = ROWS[at].point;
        at += 1;
    }
    all
}

impl Point {
    /// Every point.
    pub const ALL: [Self; ROWS.len()] = points();

    fn row(self) -> &'static Row {
        &ROWS[self as usize]
    }

    /// The name in chaos files.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// What the question here is about.
    pub fn about(self) -> About {
        self.row().about
    }

    /// The verbs that can happen here, as chaos files write them.
    pub fn verbs(self) -> &'static [&'static str] {
        self.row().verbs
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Point {
    type Err = BadRule;

    fn from_str(text: &str) -> Result<Self, BadRule> {
        let known = Self::ALL.into_iter().find(|point| point.name() == text);
        known.ok_or_else(|| {
            let all = Self::ALL.map(Self::name).join(", ");
            BadRule::new(format!("`{text}` is no chaos point: name one of {all}"))
        })
    }
}

impl About {
    /// Whether a rule here may name this node.
    pub fn admits(self, node: Node) -> bool {
        match node {
            Node::Worker(_) => self == Self::Worker,
            Node::Group(_) | Node::Slice(_) => self == Self::Slice,
            Node::Vm(_) => self == Self::Vm,
        }
    }
}

impl fmt::Display for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cluster => "the cluster as a whole, no node",
            Self::Worker => "a worker such as `w1`",
            Self::Slice => "a slice such as `g1/s2`, or all of a group such as `g1`",
            Self::Vm => "a VM such as `v4`",
        })
    }
}

/// A node that a rule or a hit is about, printed `w1`, `g1`, `g1/s2`, `v4`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Node {
    /// A worker, whatever its incarnation.
    Worker(WorkerId),
    /// A scale group.
    Group(GroupId),
    /// A slice of a scale group.
    Slice(SliceId),
    /// A virtual machine.
    Vm(VmId),
}

impl Node {
    /// Whether a rule on this node is meant when that one is asked about: it is the same, or a
    /// slice of this group.
    pub fn covers(self, that: Self) -> bool {
        match (self, that) {
            (Self::Group(group), Self::Slice(slice)) => slice.group == group,
            (one, other) => one == other,
        }
    }
}

impl From<WorkerId> for Node {
    fn from(id: WorkerId) -> Self {
        Self::Worker(id)
    }
}

impl From<GroupId> for Node {
    fn from(id: GroupId) -> Self {
        Self::Group(id)
    }
}

impl From<SliceId> for Node {
    fn from(id: SliceId) -> Self {
        Self::Slice(id)
    }
}

impl From<VmId> for Node {
    fn from(id: VmId) -> Self {
        Self::Vm(id)
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Worker(id) => id.fmt(f),
            Self::Group(id) => id.fmt(f),
            Self::Slice(id) => id.fmt(f),
            Self::Vm(id) => id.fmt(f),
        }
    }
}

impl FromStr for Node {
    type Err = BadRule;

    fn from_str(text: &str) -> Result<Self, BadRule> {
        let worker = text.parse().map(Self::Worker);
        let vm = || text.parse().map(Self::Vm);
        let group = || text.parse().map(Self::Group);
        let slice = || text.parse().map(Self::Slice);
        worker.or_else(|_| vm()).or_else(|_| group()).or_else(|_| slice()).map_err(|_| {
            BadRule::new(format!(
                "`{text}` is no node: write a worker such as `w1`, a group such as `g1`, a slice \
                 such as `g1/s2`, or a VM such as `v4`"
            ))
        })
    }
}
