//! What steps are about, when some of it is no longer there: the rest moves up.

use std::collections::BTreeSet;

use crate::conform::run::Step;
use crate::model::id::{GroupId, JobId, SliceId, VmId, WorkerId};
use crate::real::chaos::{Node, Rule};

/// What is no longer there.
#[derive(Debug, Default)]
pub(super) struct Renaming {
    pub jobs: BTreeSet<JobId>,
    pub worker: Option<WorkerId>,
    pub group: Option<GroupId>,
    /// The first name of a VM; workers that belong to no group are named below it.
    pub first_vm: u32,
}

impl Renaming {
    /// Of the jobs that are no longer submitted, when these steps are left of those.
    ///
    /// Steps that are no part of those in the same order name jobs as they are.
    pub(super) fn of_jobs(before: &[Step], after: &[Step]) -> Self {
        let mut left = after.iter().peekable();
        let mut gone = BTreeSet::new();
        let mut number = 0;
        for step in before {
            let stays = left.next_if(|next| *next == step).is_some();
            if matches!(step, Step::Submit(_)) {
                number += 1;
                if !stays {
                    gone.insert(JobId(number));
                }
            }
        }
        let jobs = if left.peek().is_none() { gone } else { BTreeSet::new() };
        Self { jobs, ..Self::default() }
    }

    /// The steps by their new names, without those about what is gone.
    pub(super) fn steps(&self, steps: &[Step]) -> Vec<Step> {
        steps.iter().filter_map(|step| self.step(step)).collect()
    }

    fn step(&self, step: &Step) -> Option<Step> {
        Some(match step {
            Step::Resubmit(job) => Step::Resubmit(self.job(*job)?),
            Step::Cancel(job) => Step::Cancel(self.job(*job)?),
            Step::Drain(worker) => Step::Drain(self.worker(*worker)?),
            Step::Open(worker) => Step::Open(self.worker(*worker)?),
            Step::WorkerCrashes(worker) => Step::WorkerCrashes(self.worker(*worker)?),
            Step::WorkerStarts(worker) => Step::WorkerStarts(self.worker(*worker)?),
            Step::Cut(worker, way) => Step::Cut(self.worker(*worker)?, *way),
            Step::Mended(worker, way) => Step::Mended(self.worker(*worker)?, *way),
            Step::SlicePreempted(slice) => Step::SlicePreempted(self.slice(*slice)?),
            Step::VmLost(vm) => Step::VmLost(self.vm(*vm)),
            Step::Fault(rule) => Step::Fault(self.rule(rule)?),
            Step::Submit(_)
            | Step::ControllerCrashes
            | Step::ControllerStarts
            | Step::FaultsEnd
            | Step::Pass(_) => step.clone(),
        })
    }

    fn job(&self, job: JobId) -> Option<JobId> {
        let before = self.jobs.range(..=job).count();
        let before = u32::try_from(before).expect("invariant: there are a few jobs");
        (!self.jobs.contains(&job)).then(|| JobId(job.0 - before))
    }

    fn worker(&self, worker: WorkerId) -> Option<WorkerId> {
        match self.worker {
            // Workers of groups are named as their VMs are, behind all others.
            Some(gone) if worker.0 > gone.0 => Some(WorkerId(worker.0 - 1)),
            Some(gone) => (worker != gone).then_some(worker),
            None => Some(worker),
        }
    }

    /// VMs are numbered on from the workers that belong to no group.
    fn vm(&self, vm: VmId) -> VmId {
        let shifts = self.worker.is_some() && vm.0 >= self.first_vm;
        VmId(vm.0 - u32::from(shifts))
    }

    fn group(&self, group: GroupId) -> Option<GroupId> {
        match self.group {
            Some(gone) if group.0 > gone.0 => Some(GroupId(group.0 - 1)),
            Some(gone) => (group != gone).then_some(group),
            None => Some(group),
        }
    }

    fn slice(&self, slice: SliceId) -> Option<SliceId> {
        Some(SliceId { group: self.group(slice.group)?, ..slice })
    }

    fn rule(&self, rule: &Rule) -> Option<Rule> {
        let node = match rule.node {
            None => None,
            Some(Node::Worker(worker)) => Some(Node::Worker(self.worker(worker)?)),
            Some(Node::Group(group)) => Some(Node::Group(self.group(group)?)),
            Some(Node::Slice(slice)) => Some(Node::Slice(self.slice(slice)?)),
            Some(Node::Vm(vm)) => Some(Node::Vm(self.vm(vm))),
        };
        Some(Rule { node, ..rule.clone() })
    }
}
