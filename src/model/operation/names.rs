//! The same operation on the same things by other names.

use super::Operation;
use crate::model::id::{AttemptId, SliceId, VmId, WorkerId};
use crate::model::timer::Timer;

/// Other names for the same things.
pub trait Names {
    /// The other name of an attempt.
    fn attempt(&self, id: AttemptId) -> AttemptId;
    /// The other name of a VM.
    fn vm(&self, id: VmId) -> VmId;
    /// The other name of a slice.
    fn slice(&self, id: SliceId) -> SliceId;
    /// The other name of a worker: that of its VM, if it has one.
    fn worker(&self, id: WorkerId) -> WorkerId {
        self.vm(VmId(id.0)).worker()
    }
}

impl Operation {
    /// The same operation on the same things by other names.
    #[must_use]
    pub fn renamed(self, names: &impl Names) -> Self {
        match self {
            Self::Submit(_)
            | Self::Resubmit(_)
            | Self::Cancel(_)
            | Self::ControllerCrashes
            | Self::ControllerStarts => self,
            Self::Drain(w) => Self::Drain(names.worker(w)),
            Self::Run(a, fate) => Self::Run(names.attempt(a), fate),
            Self::StrayRun(a, fate) => Self::StrayRun(names.attempt(a), fate),
            Self::RunAnswer(a, fate) => Self::RunAnswer(names.attempt(a), fate),
            Self::Kill(a, fate) => Self::Kill(names.attempt(a), fate),
            Self::Report(a, fate) => Self::Report(names.attempt(a), fate),
            Self::FinalReport(a, fate) => Self::FinalReport(names.attempt(a), fate),
            Self::Beat(w, fate) => Self::Beat(names.worker(w), fate),
            Self::StrayBeat(w, fate) => Self::StrayBeat(names.worker(w), fate),
            Self::BeatSent(w) => Self::BeatSent(names.worker(w)),
            Self::BeatArrives(w, fate) => Self::BeatArrives(names.worker(w), fate),
            Self::BeatAnswer(w, fate) => Self::BeatAnswer(names.worker(w), fate),
            Self::Launch(a, launch) => Self::Launch(names.attempt(a), launch),
            Self::Exit(a, ok) => Self::Exit(names.attempt(a), ok),
            Self::Reaped(a) => Self::Reaped(names.attempt(a)),
            Self::MonitorDies(a) => Self::MonitorDies(names.attempt(a)),
            Self::Fires(timer) => Self::Fires(renamed(timer, names)),
            Self::LeaseEnds(w) => Self::LeaseEnds(names.worker(w)),
            Self::WorkerCrashes(w) => Self::WorkerCrashes(names.worker(w)),
            Self::WorkerStarts(w) => Self::WorkerStarts(names.worker(w)),
            Self::Cut(w, way) => Self::Cut(names.worker(w), way),
            Self::Mended(w, way) => Self::Mended(names.worker(w), way),
            Self::SliceGranted(s) => Self::SliceGranted(names.slice(s)),
            Self::SliceRefused(s, quota) => Self::SliceRefused(names.slice(s), quota),
            Self::VmBoots(v) => Self::VmBoots(names.vm(v)),
            Self::VmStuck(v) => Self::VmStuck(names.vm(v)),
            Self::SlicePreempted(s) => Self::SlicePreempted(names.slice(s)),
            Self::SliceTerminated(s) => Self::SliceTerminated(names.slice(s)),
        }
    }
}

fn renamed(timer: Timer, names: &impl Names) -> Timer {
    match timer {
        Timer::Silent(w) => Timer::Silent(names.worker(w)),
        Timer::Dead(w) => Timer::Dead(names.worker(w)),
        Timer::Quarantine(w) => Timer::Quarantine(names.worker(w)),
        Timer::Retry(a) => Timer::Retry(names.attempt(a)),
        Timer::Timeout(a) => Timer::Timeout(names.attempt(a)),
        Timer::Boot(v) => Timer::Boot(names.vm(v)),
        Timer::Init(v) => Timer::Init(names.vm(v)),
        Timer::Idle(s) => Timer::Idle(names.slice(s)),
        Timer::Scheduling(_) | Timer::Grace(_) | Timer::Backoff(_) | Timer::Forget(_) => timer,
    }
}
