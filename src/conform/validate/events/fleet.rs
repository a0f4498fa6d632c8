//! Workers and VMs of an event log.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::model::resources::Resources;
use crate::model::step::Step;
use crate::model::vm::{VmEvent, VmState};
use crate::model::worker::{WorkerEvent, WorkerState};

use super::super::mismatch::Refusal;
use super::line::{VmIs, WorkerIs, WorkerName};

/// Workers and VMs that are remembered after they are gone.
const KEPT: usize = 4096;

/// What can be heard of a VM, in the order in which it usually is.
const VM_EVENTS: [VmEvent; 9] = [
    VmEvent::Granted,
    VmEvent::Booted,
    VmEvent::FirstBeat,
    VmEvent::Refused,
    VmEvent::TimedOut,
    VmEvent::WorkerDied,
    VmEvent::Stop,
    VmEvent::Gone,
    VmEvent::Reclaimed,
];

/// A worker's name.
#[derive(Debug, Clone)]
pub(super) struct Worker {
    pub state: WorkerState,
    pub incarnation: Option<u32>,
    /// Counts the incarnations that the log knows of, named or not.
    pub generation: u32,
    /// What it has in all, if the log says so.
    pub total: Option<Resources>,
    pub held: Resources,
}

#[derive(Debug, Clone)]
struct Vm {
    state: VmState,
    slice: Option<String>,
}

#[derive(Debug, Clone, Default)]
struct Slice {
    group: Option<String>,
    vms: BTreeSet<String>,
    /// The first of its VMs that is to go or is gone.
    closed_by: Option<String>,
}

/// All workers and VMs.
#[derive(Debug, Clone, Default)]
pub(super) struct Fleet {
    pub workers: BTreeMap<String, Worker>,
    vms: BTreeMap<String, Vm>,
    slices: BTreeMap<String, Slice>,
    gone: VecDeque<String>,
    dead: VecDeque<String>,
    max_slices: BTreeMap<String, usize>,
}

impl Fleet {
    pub(super) fn new(max_slices: BTreeMap<String, usize>) -> Self {
        Self { max_slices, ..Self::default() }
    }

    /// A worker that the log has not told of; it must have registered unseen.
    pub(super) fn worker(&mut self, name: &str) -> &mut Worker {
        if !self.workers.contains_key(name) {
            let worker = Worker {
                state: WorkerState::Absent,
                incarnation: None,
                generation: 0,
                total: None,
                held: Resources::NONE,
            };
            self.workers.insert(name.to_owned(), worker);
        }
        self.workers.get_mut(name).expect("invariant: it was put there above")
    }

    pub(super) fn worker_is(&mut self, is: &WorkerIs, complete: bool) -> Result<(), Refusal> {
        let name = &is.worker;
        let worker = self.worker(name);
        let newer = match (worker.incarnation, is.incarnation) {
            (Some(known), Some(told)) if told < known => {
                return Err(Refusal::new(format!(
                    "incarnations only go up: {name} was {name}@{known} before"
                )));
            }
            (Some(known), Some(told)) => told > known,
            (None, Some(_)) => worker.state == WorkerState::Absent,
            (_, None) => !worker.state.is_live() && is.state == WorkerName::Healthy,
        };
        if newer {
            worker.begins(is.incarnation);
        } else if is.incarnation.is_some() {
            worker.incarnation = is.incarnation;
        }
        if is.cpu_milli.is_some() || is.memory_bytes.is_some() {
            worker.total = Some(Resources {
                cpu_milli: is.cpu_milli.unwrap_or(u32::MAX),
                memory_bytes: is.memory_bytes.unwrap_or(u64::MAX),
            });
        }
        let event = match is.state {
            WorkerName::Healthy => WorkerEvent::Beat,
            WorkerName::Degraded => WorkerEvent::Silent,
            WorkerName::Dead => WorkerEvent::TimedOut,
        };
        let met = worker.state;
        let next = match is.state {
            WorkerName::Healthy => WorkerState::Healthy,
            WorkerName::Degraded if met.is_live() => moved(met, event).unwrap_or(met),
            WorkerName::Dead if met.is_live() => WorkerState::Dead,
            WorkerName::Dead if met == WorkerState::Dead => WorkerState::Dead,
            // It registered unseen, and then this.
            WorkerName::Degraded | WorkerName::Dead => {
                let registered = moved(met, WorkerEvent::NewIncarnation);
                let same = met == WorkerState::Dead && !newer && is.incarnation.is_some();
                let next = registered.and_then(|it| moved(it, event));
                match next {
                    Some(next) if !complete && !same => next,
                    Some(_) | None => {
                        return Err(Refusal::new(format!(
                            "{name} must be live for this: it is {met}"
                        )));
                    }
                }
            }
        };
        if next == WorkerState::Healthy && !met.is_live() && !newer {
            return Err(Refusal::new(format!(
                "only a newer incarnation comes back: {name} is {met}"
            )));
        }
        worker.state = next;
        if next == WorkerState::Dead {
            worker.held = Resources::NONE;
            self.bury(name);
        }
        Ok(())
    }

    /// Names of machines that come and go are not kept for ever.
    fn bury(&mut self, name: &str) {
        self.dead.push_back(name.to_owned());
        if self.dead.len() > KEPT
            && let Some(oldest) = self.dead.pop_front()
            && self.workers.get(&oldest).is_some_and(|it| it.state == WorkerState::Dead)
        {
            self.workers.remove(&oldest);
        }
    }

    pub(super) fn vm_is(&mut self, is: &VmIs, complete: bool) -> Result<(), Refusal> {
        let name = &is.vm;
        let known = self.vms.get(name);
        if known.is_none() && self.gone.contains(name) {
            return Err(Refusal::new(format!(
                "{name} is gone for ever: nothing more happens to it"
            )));
        }
        if let (Some(known), Some(told)) = (known.and_then(|vm| vm.slice.as_ref()), &is.slice)
            && known != told
        {
            let guard = format!("a VM stays in its slice: {name} is of {known}, not of {told}");
            return Err(Refusal::new(guard));
        }
        let slice = known.and_then(|vm| vm.slice.clone()).or_else(|| is.slice.clone());
        let met = known.map(|vm| vm.state);
        if !leads_to(met, is.state, complete) {
            let met = met.map_or_else(|| "new".to_owned(), |it| it.to_string());
            return Err(Refusal::new(format!(
                "a VM must be able to become {}: {name} is {met}, from which nothing leads there",
                is.state
            )));
        }
        if let Some(slice) = &slice {
            self.slice_agrees(slice, is)?;
        }
        self.vms.insert(name.clone(), Vm { state: is.state, slice: slice.clone() });
        if let Some(slice) = slice
            && is.state.is_gone()
        {
            self.forget(&slice);
        }
        Ok(())
    }

    /// A slice comes up and goes as a whole, and a group has only so many.
    fn slice_agrees(&mut self, name: &str, is: &VmIs) -> Result<(), Refusal> {
        if !self.slices.contains_key(name) {
            self.slices
                .insert(name.to_owned(), Slice { group: is.group.clone(), ..Slice::default() });
            if let Some(group) = &is.group
                && let Some(most) = self.max_slices.get(group)
            {
                let of = |slice: &&Slice| slice.group.as_ref() == Some(group);
                let there = self.slices.values().filter(of).count();
                if there > *most {
                    return Err(Refusal::new(format!(
                        "{group} has at most {most} slices at once: {name} would be one more"
                    )));
                }
            }
        }
        let Some(slice) = self.slices.get_mut(name) else { return Ok(()) };
        slice.vms.insert(is.vm.clone());
        let comes_up = is.state.is_on_its_way() || is.state == VmState::Ready;
        match (&slice.closed_by, comes_up) {
            (Some(other), true) if *other != is.vm => Err(Refusal::new(format!(
                "a slice goes as a whole: {name} is to go since {other} is, so {} cannot become {}",
                is.vm, is.state
            ))),
            (None, false) => {
                slice.closed_by = Some(is.vm.clone());
                Ok(())
            }
            (Some(_) | None, _) => Ok(()),
        }
    }

    /// A slice of which all is gone means nothing any more.
    fn forget(&mut self, name: &str) {
        let Some(slice) = self.slices.get(name) else { return };
        let gone = |vm: &String| self.vms.get(vm).is_none_or(|vm| vm.state.is_gone());
        if !slice.vms.iter().all(gone) {
            return;
        }
        for vm in self.slices.remove(name).map(|slice| slice.vms).unwrap_or_default() {
            self.vms.remove(&vm);
            self.gone.push_back(vm);
        }
        while self.gone.len() > KEPT {
            self.gone.pop_front();
        }
    }

    /// What may come of a VM next, for people.
    pub(super) fn vm_may_become(&self, name: &str) -> Vec<VmState> {
        let met = self.vms.get(name).map_or(VmState::Requesting, |vm| vm.state);
        let mut next: Vec<VmState> = VM_EVENTS.iter().filter_map(|it| vm_moved(met, *it)).collect();
        next.insert(0, met);
        next
    }
}

impl Worker {
    /// A newer incarnation: what the older one had is over.
    pub(super) fn begins(&mut self, incarnation: Option<u32>) {
        self.incarnation = incarnation;
        self.generation += 1;
        self.state = WorkerState::Healthy;
        self.held = Resources::NONE;
    }
}

fn moved(state: WorkerState, event: WorkerEvent) -> Option<WorkerState> {
    match state.on(event) {
        Ok(Step::Moved(next)) => Some(next),
        Ok(Step::Stale) => Some(state),
        Err(_) => None,
    }
}

fn vm_moved(state: VmState, event: VmEvent) -> Option<VmState> {
    match state.on(event) {
        Ok(Step::Moved(next)) => Some(next),
        Ok(Step::Stale) | Err(_) => None,
    }
}

/// Whether a VM may become this: by one event, or by several that were not logged.
fn leads_to(met: Option<VmState>, wanted: VmState, complete: bool) -> bool {
    let Some(met) = met else {
        return wanted == VmState::Requesting
            || (!complete && leads_to(Some(VmState::Requesting), wanted, false));
    };
    let mut seen = vec![met];
    let mut at = 0;
    while let Some(state) = seen.get(at).copied() {
        for next in VM_EVENTS.iter().filter_map(|event| vm_moved(state, *event)) {
            if !seen.contains(&next) {
                seen.push(next);
            }
        }
        at += 1;
        if complete {
            break;
        }
    }
    seen.contains(&wanted)
}
