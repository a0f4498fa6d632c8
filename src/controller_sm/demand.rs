//! What is missing in the fleet, and asking the provider for it.

use smallvec::SmallVec;

use crate::model::id::{GroupId, SliceId, TaskId, VmId};
use crate::model::resources::Attributes;
use crate::model::scheduler::{Item, Offer};
use crate::model::vm::VmState;

use super::ControllerSm;
use super::fleet::{Vms, group_id};
use super::input::Effect;
use super::records::{Group, GroupState, Slice};
use super::turn::Turn;

impl ControllerSm {
    /// Asks for what is missing: the minimum of each group, then whatever is demanded beyond what
    /// is there and on its way. Keeps the idle timers.
    pub(super) fn settle_fleet(&mut self, turn: &mut Turn) {
        if self.groups.is_empty() {
            return;
        }
        self.settle_idle(turn);
        for at in 0..self.groups.len() {
            let id = group_id(at);
            while self.may_grow(id) && !self.has_minimum(id) {
                self.create_slice(turn, id);
            }
        }
        // Most of the time no group may grow, and then nobody needs to know what is wanted.
        if !(0..self.groups.len()).any(|at| self.may_grow(group_id(at))) {
            return;
        }
        let pending = self.pending_tasks();
        while let Some(group) = self.first_demand(&pending) {
            self.create_slice(turn, group);
        }
    }

    /// Whether the group may be asked for one slice more.
    fn may_grow(&self, id: GroupId) -> bool {
        let count = self.slices.iter().filter(|(slice, _)| slice.group == id).count();
        let group = usize::from(id.0).checked_sub(1).and_then(|at| self.groups.get(at));
        group.is_some_and(|group| {
            group.state == GroupState::Available && count < usize::from(group.config.max_slices)
        })
    }

    fn has_minimum(&self, id: GroupId) -> bool {
        let stay = self.slices.iter().filter(|(s, slice)| s.group == id && !slice.closed).count();
        let group = usize::from(id.0).checked_sub(1).and_then(|at| self.groups.get(at));
        group.is_none_or(|group| stay >= usize::from(group.config.min_slices))
    }

    fn create_slice(&mut self, turn: &mut Turn, id: GroupId) {
        let first = self.next_vm;
        let Some(group) = self.group_mut(id) else { return };
        let slice = SliceId { group: id, number: group.next_slice };
        group.next_slice += 1;
        let vms: Vms =
            (0..u32::from(group.config.vms_per_slice)).map(|n| VmId(first + n)).collect();
        self.next_vm += u32::from(group.config.vms_per_slice);
        let requested = vms.iter().map(|vm| (*vm, VmState::Requesting)).collect();
        self.slices.entry(slice, || Slice { vms: requested, closed: false, idle: false });
        turn.changes();
        turn.order(Effect::CreateSlice { slice, group: id, vms });
    }

    /// The group that should grow for the first demand that nothing there or on its way meets.
    fn first_demand(&self, pending: &[TaskId]) -> Option<GroupId> {
        if pending.is_empty() {
            return None;
        }
        let attributes: SmallVec<[(SliceId, Attributes); 4]> =
            self.slices.iter().map(|(id, _)| (id, self.attributes_of(id))).collect();
        let mut offers = self.offers();
        for (id, slice) in self.slices.iter().filter(|(_, slice)| !slice.closed) {
            let Ok(at) = attributes.binary_search_by_key(&id, |row| row.0) else { continue };
            let Some(group) = self.groups.get(usize::from(id.group.0) - 1) else { continue };
            for (vm, _) in slice.vms.iter().filter(|(_, state)| state.is_on_its_way()) {
                let room = group.config.capacity;
                offers.push(Offer { worker: vm.worker(), room, attributes: &attributes[at].1 });
            }
        }
        let mut found = None;
        self.unmet(pending, &mut offers, |item| {
            let able = |at: &usize| serves(&self.groups[*at], item) && self.may_grow(group_id(*at));
            found = found.or_else(|| (0..self.groups.len()).find(able).map(group_id));
        });
        found
    }

    /// What the workers of a slice will say of themselves.
    fn attributes_of(&self, id: SliceId) -> Attributes {
        let config = self.groups.get(usize::from(id.group.0) - 1).map(|g| &g.config.attributes);
        config.cloned().unwrap_or_default().with("slice", id.to_string())
    }
}

/// Whether one fresh slice of a group meets a demand.
fn serves(group: &Group, item: &Item<'_>) -> bool {
    let shared = item
        .group_by
        .is_none_or(|key| key == "slice" || group.config.attributes.get(key).is_some());
    shared
        && item.need.fits(group.config.capacity)
        && (item.group_by.is_none() || item.wishes.len() <= usize::from(group.config.vms_per_slice))
}
