//! What is open until something happens: the obligations of a scope's progress claims.

use crate::invariants::{Judge, Per, Subject, Table};
use crate::model::id::{JobId, VmId};

use super::classes::vm_numbers;
use super::scope::Scope;
use super::state::State;

/// One obligation of a progress claim: for this subject, in this way.
pub(super) struct Open {
    pub(super) claim: usize,
    pub(super) way: usize,
    pub(super) subject: Subject,
}

/// What has to happen sooner or later in a scope.
pub(super) fn obligations(scope: &Scope, judged: u32) -> Vec<Open> {
    let jobs = (1..).zip(&scope.jobs).map(|(n, plan)| (JobId(n), plan));
    let tasks: Vec<Subject> = jobs
        .clone()
        .flat_map(|(id, plan)| (0..plan.terms.replicas).map(move |i| Subject::Task(id.task(i))))
        .collect();
    let jobs: Vec<Subject> = jobs.map(|(id, _)| Subject::Job(id)).collect();
    let first = u32::try_from(scope.workers.len()).unwrap_or(0) + 1;
    let machines = u32::try_from(vm_numbers(scope)).unwrap_or(0);
    let vms: Vec<Subject> = (first..first + machines).map(|n| Subject::Vm(VmId(n))).collect();
    let mut all = Vec::new();
    for (claim, row) in Table::<State>::CLAIMS.iter().enumerate() {
        let Judge::Progress { per, open, .. } = &row.judge else { continue };
        if judged >> claim & 1 == 0 {
            continue;
        }
        let subjects = match per {
            Per::Job => &jobs,
            Per::Task => &tasks,
            Per::Vm => &vms,
        };
        for way in 0..open.len() {
            all.extend(subjects.iter().map(|subject| Open { claim, way, subject: *subject }));
        }
    }
    all
}
