//! A toy case with values and a setting: calls with numbers to workers, under a policy that loses
//! some of them.

use iris_check::conform::shrink::{Case, simpler_numbers};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    Strict,
    /// So many calls are lost.
    Lossy(u64),
}

/// A call, to a worker that there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call {
    pub worker: u64,
    pub size: u64,
}

/// A call in a table.
pub fn call(worker: u64, size: u64) -> Call {
    Call { worker, size }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub calls: Vec<Call>,
    pub workers: u64,
    pub policy: Policy,
}

impl Plan {
    /// This plan with fewer workers: what was for those that go is for the last that stays.
    fn with_workers(&self, workers: u64) -> Self {
        let mut plan = Self { workers, ..self.clone() };
        for call in &mut plan.calls {
            call.worker = call.worker.min(workers - 1);
        }
        plan
    }
}

impl Case for Plan {
    type Step = Call;

    fn steps(&self) -> &[Call] {
        &self.calls
    }

    fn with_steps(&self, calls: Vec<Call>) -> Self {
        Self { calls, ..self.clone() }
    }

    fn simpler_step(&self, at: usize) -> Vec<Self> {
        let sizes = simpler_numbers(self.calls[at].size, 0).into_iter();
        let simpler = sizes.map(|size| {
            let mut plan = self.clone();
            plan.calls[at].size = size;
            plan
        });
        simpler.collect()
    }

    fn simpler_setting(&self) -> Vec<Self> {
        let workers = simpler_numbers(self.workers, 1).into_iter();
        let mut simpler: Vec<Self> = workers.map(|workers| self.with_workers(workers)).collect();
        if let Policy::Lossy(losses) = self.policy {
            let fewer = simpler_numbers(losses, 1).into_iter().map(Policy::Lossy);
            let policies = std::iter::once(Policy::Strict).chain(fewer);
            simpler.extend(policies.map(|policy| Self { policy, ..self.clone() }));
        }
        simpler
    }
}
