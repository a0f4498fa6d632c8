//! Scale groups, slices and VMs: what is asked of the provider, and what its answers mean.

use smallvec::SmallVec;

use crate::model::id::{GroupId, SliceId, VmId, WorkerId};
use crate::model::policy::Policy;
use crate::model::step::Step;
use crate::model::task::Ending;
use crate::model::time::Millis;
use crate::model::timer::Timer;
use crate::model::vm::{VmEvent, VmState};

use super::ControllerSm;
use super::armed::vm_timer;
use super::input::Effect;
use super::records::{Group, GroupState, Slice};
use super::turn::Turn;

/// Machines of one slice.
pub(super) type Vms = SmallVec<[VmId; 2]>;

impl ControllerSm {
    /// Whether a worker of this name belongs to a VM rather than being there from the start.
    pub(super) fn is_vm_worker(&self, id: WorkerId) -> bool {
        self.groups.iter().any(|group| group.next_slice > 1) && id.0 >= self.first_vm
    }

    pub(super) fn has_vm_of(&self, id: WorkerId) -> bool {
        self.slice_of(VmId(id.0)).is_some()
    }

    pub(super) fn is_in_closed_slice(&self, id: WorkerId) -> bool {
        let slice = self.slice_of(VmId(id.0)).and_then(|slice| self.slices.get(slice));
        slice.is_some_and(|slice| slice.closed)
    }

    fn slice_of(&self, vm: VmId) -> Option<SliceId> {
        let has = |slice: &Slice| slice.vms.iter().any(|(id, _)| *id == vm);
        self.slices.iter().find(|(_, slice)| has(slice)).map(|(id, _)| id)
    }

    /// Applies an event to a VM; answers its new state if it moved.
    fn vm_event(&mut self, turn: &mut Turn, vm: VmId, event: VmEvent) -> Option<VmState> {
        let slice = self.slice_of(vm)?;
        let state = self.slices.get_mut(slice)?.vms.iter_mut().find(|(id, _)| *id == vm);
        let (_, state) = state?;
        // What the provider or a worker says of a VM may be late in any way.
        let Ok(Step::Moved(next)) = state.on(event) else { return None };
        if let Some(timer) = vm_timer(vm, *state) {
            turn.disarm(timer);
        }
        *state = next;
        turn.changes();
        turn.replace = true;
        if let Some(timer) = vm_timer(vm, next) {
            turn.arm(timer, self.length(timer));
        }
        Some(next)
    }

    fn vms_of(&self, slice: SliceId) -> Vms {
        self.slices
            .get(slice)
            .map(|s| s.vms.iter().map(|(vm, _)| *vm).collect())
            .unwrap_or_default()
    }

    pub(super) fn slice_granted(&mut self, turn: &mut Turn, slice: SliceId) {
        for vm in self.vms_of(slice) {
            self.vm_event(turn, vm, VmEvent::Granted);
        }
    }

    pub(super) fn slice_refused(&mut self, turn: &mut Turn, slice: SliceId, quota: bool) {
        let requested = |s: &Slice| s.vms.iter().all(|(_, state)| *state == VmState::Requesting);
        if !self.slices.get(slice).is_some_and(requested) {
            return;
        }
        self.slices.remove(slice);
        turn.changes();
        turn.replace = true;
        self.never_served();
        self.group_failed(turn, slice.group, quota);
    }

    pub(super) fn vm_booted(&mut self, turn: &mut Turn, vm: VmId) {
        self.vm_event(turn, vm, VmEvent::Booted);
    }

    /// A worker registered: if it is a VM's, the VM serves, unless its slice is to go.
    pub(super) fn vm_first_beat(&mut self, turn: &mut Turn, worker: WorkerId) {
        let vm = VmId(worker.0);
        let Some(id) = self.slice_of(vm) else { return };
        let first = self.vm_event(turn, vm, VmEvent::FirstBeat).is_some();
        let Some(slice) = self.slices.get(id) else { return };
        if slice.closed {
            self.close_worker(turn, worker);
        } else if first && slice.is_ready() {
            self.barren = 0;
            if let Some(group) = self.group_mut(id.group) {
                group.failures = 0;
                if group.state != GroupState::Available {
                    group.state = GroupState::Available;
                    turn.disarm(Timer::Backoff(id.group));
                }
            }
        }
    }

    pub(super) fn boot_timed_out(&mut self, turn: &mut Turn, vm: VmId) {
        self.vm_timed_out(turn, vm, VmState::Booting);
    }

    pub(super) fn init_timed_out(&mut self, turn: &mut Turn, vm: VmId) {
        self.vm_timed_out(turn, vm, VmState::Initializing);
    }

    fn vm_timed_out(&mut self, turn: &mut Turn, vm: VmId, stuck_in: VmState) {
        let Some(slice) = self.slice_of(vm) else { return };
        let state = self.slices.get(slice).and_then(|s| s.vms.iter().find(|(id, _)| *id == vm));
        if state.is_some_and(|(_, state)| *state == stuck_in)
            && self.vm_event(turn, vm, VmEvent::TimedOut).is_some()
        {
            self.never_served();
            self.slice_failed(turn, slice);
        }
    }

    /// A worker died: the slice of its VM goes with it.
    pub(super) fn vm_worker_died(&mut self, turn: &mut Turn, worker: WorkerId) {
        let vm = VmId(worker.0);
        let Some(slice) = self.slice_of(vm) else { return };
        let served = self.slices.get(slice).is_some_and(Slice::is_ready);
        if self.vm_event(turn, vm, VmEvent::WorkerDied).is_some() {
            if !served {
                self.never_served();
            }
            self.slice_failed(turn, slice);
        }
    }

    fn slice_failed(&mut self, turn: &mut Turn, slice: SliceId) {
        self.group_failed(turn, slice.group, false);
        self.close_slice(turn, slice);
    }

    /// One slice more that never served: after so many, one on its way pauses no grace any more.
    fn never_served(&mut self) {
        self.barren = (self.barren + 1).min(self.policy.barren_slices);
    }

    /// A group's slice failed: it pauses, longer with each failure in a row.
    fn group_failed(&mut self, turn: &mut Turn, id: GroupId, quota: bool) {
        let policy = self.policy;
        let Some(group) = self.group_mut(id) else { return };
        turn.changes();
        if quota {
            group.state = GroupState::QuotaExceeded;
        } else {
            if pause(&policy, group.failures.saturating_sub(1)) < policy.create_backoff_max {
                group.failures += 1;
            }
            if group.state == GroupState::QuotaExceeded {
                // That pause is the longer one, and only a success ends it before its time.
                return;
            }
            group.state = GroupState::Backoff;
        }
        let pause = group_pause(&policy, group);
        turn.arm(Timer::Backoff(id), pause);
    }

    pub(super) fn backoff_over(&mut self, turn: &mut Turn, id: GroupId) {
        if let Some(group) = self.group_mut(id)
            && group.state != GroupState::Available
        {
            group.state = GroupState::Available;
            turn.changes();
            turn.replace = true;
        }
    }

    /// A slice is to go: nothing new on it, what it runs ends and is stopped, the provider is told.
    fn close_slice(&mut self, turn: &mut Turn, id: SliceId) {
        let Some(slice) = self.slices.get_mut(id) else { return };
        if slice.closed {
            return;
        }
        slice.closed = true;
        if std::mem::take(&mut slice.idle) {
            turn.disarm(Timer::Idle(id));
        }
        turn.changes();
        turn.replace = true;
        for vm in self.vms_of(id) {
            self.vm_event(turn, vm, VmEvent::Stop);
            self.close_worker(turn, vm.worker());
        }
        turn.order(Effect::TerminateSlice(id));
    }

    pub(super) fn slice_preempted(&mut self, turn: &mut Turn, id: SliceId) {
        self.slice_gone(turn, id, VmEvent::Reclaimed, Ending::Preempted);
    }

    /// What is gone without having been asked to go was taken away.
    pub(super) fn slice_terminated(&mut self, turn: &mut Turn, id: SliceId) {
        if self.slices.get(id).is_some_and(|slice| slice.closed) {
            self.slice_gone(turn, id, VmEvent::Gone, Ending::Lost);
        } else {
            self.slice_preempted(turn, id);
        }
    }

    /// The provider says that a slice is gone: so is everything that ran on it.
    fn slice_gone(&mut self, turn: &mut Turn, id: SliceId, event: VmEvent, ending: Ending) {
        let vms = self.vms_of(id);
        if vms.is_empty() {
            return;
        }
        let served = self.slices.get(id).is_some_and(Slice::is_ready);
        let closed = self.slices.get(id).is_some_and(|slice| slice.closed);
        for vm in vms {
            self.vm_event(turn, vm, event);
            self.end_incarnation(turn, vm.worker(), ending);
        }
        if !served && !closed {
            self.never_served();
        }
        if self.slices.remove(id).is_some_and(|slice| slice.idle) {
            turn.disarm(Timer::Idle(id));
        }
        turn.changes();
        turn.replace = true;
    }

    /// An idle slice above the minimum goes; one at the minimum stays and is looked at again.
    pub(super) fn idle_over(&mut self, turn: &mut Turn, id: SliceId) {
        if !self.slices.get(id).is_some_and(|slice| slice.idle) {
            return;
        }
        if self.is_above_minimum(id.group) {
            self.close_slice(turn, id);
        } else {
            turn.arm(Timer::Idle(id), self.policy.idle_timeout);
        }
    }

    /// Whether the group has more slices that stay than it must keep.
    pub(super) fn is_above_minimum(&self, id: GroupId) -> bool {
        let stay = self.slices.iter().filter(|(s, slice)| s.group == id && !slice.closed).count();
        let group = usize::from(id.0).checked_sub(1).and_then(|at| self.groups.get(at));
        group.is_some_and(|group| stay > usize::from(group.config.min_slices))
    }

    pub(super) fn settle_idle(&mut self, turn: &mut Turn) {
        let timeout = self.policy.idle_timeout;
        let idle: SmallVec<[(SliceId, bool); 4]> =
            self.slices.iter().map(|(id, slice)| (id, self.is_idle(slice))).collect();
        for (id, idle) in idle {
            let Some(slice) = self.slices.get_mut(id) else { continue };
            if slice.idle != idle {
                slice.idle = idle;
                turn.changes();
                if idle {
                    turn.arm(Timer::Idle(id), timeout);
                } else {
                    turn.disarm(Timer::Idle(id));
                }
            }
        }
    }

    /// Whether a slice serves and has nothing to do.
    fn is_idle(&self, slice: &Slice) -> bool {
        let empty = |(vm, _): &(VmId, VmState)| {
            self.live(vm.worker()).is_none_or(|worker| worker.attempts.is_empty())
        };
        !slice.closed && slice.is_ready() && slice.vms.iter().all(empty)
    }
}

/// How long a group pauses that is not available.
pub(super) fn group_pause(policy: &Policy, group: &Group) -> Millis {
    match group.state {
        GroupState::QuotaExceeded => policy.quota_backoff,
        GroupState::Backoff | GroupState::Available => {
            pause(policy, group.failures.saturating_sub(1))
        }
    }
}

/// The pause after this many failures before: it doubles, up to a maximum.
fn pause(policy: &Policy, failures: u8) -> Millis {
    let doubled = u64::from(policy.create_backoff.0.max(1)) << failures.min(31);
    Millis(u32::try_from(doubled).unwrap_or(u32::MAX)).min(policy.create_backoff_max)
}

pub(super) fn group_id(at: usize) -> GroupId {
    GroupId(u16::try_from(at + 1).expect("invariant: groups are numbered by u16"))
}
