//! Nearly every step is the affair of the controller and one worker, and the rest of the cluster is
//! as it was: what such a step leads to is remembered for all states in which that worker has the
//! same.
//!
//! What a worker has of a state is a state itself, with one node: the controller, the node, the
//! messages from and to it, and what belongs to nobody. A step that is taken there is taken in each
//! state that has this part; unless it changes what is others', which is looked at each time, and
//! then it is taken in the whole state. Attempts are mentioned by the worker they were placed on
//! and by no other, so that canonical parts make a canonical state.

mod memory;
mod part;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use smallvec::SmallVec;
use stateright::Model;

use crate::explore::{Coded, CodedStep, Fairness, Judged, Subject};
use crate::model::id::WorkerId;
use crate::model::operation::{Act, Operation};
use crate::model::timer::Timer;

use super::actions::Offered;
use super::canon::canonicalize_part;
use super::code::{Named, Numbers, Parts};
use super::model::ClusterModel;
use super::model::judge::OF_SEVERAL;
use super::state::{Note, State};
use super::step::Machines;

use memory::Memory;
use part::{is_own, others_are_as_before, part_of};

/// Parts that are remembered at most, about three hundred bytes each.
const PARTS: usize = 1 << 20;
/// Rests that are remembered at most, two dozen bytes each.
const RESTS: usize = 1 << 19;

/// The numbers of a controller, a node, and what the node's worker has of the rest.
type Key = [u32; 3];

/// What was seen of parts.
pub(super) struct Apart {
    /// By the key of a part.
    parts: Memory<Arc<Local>>,
    /// The rests of states with one worker's part of them exchanged, and those parts, by number.
    merged: Memory<u32>,
}

/// What one worker's part of a state leads to.
struct Local {
    key: Key,
    /// Whether the part speaks of nothing that is another worker's.
    own: bool,
    /// What is said of it, but for what is about several workers.
    judged: Judged,
    /// Of each message, in order; of the node; of each timer, in order.
    groups: Vec<Group>,
    steps: Vec<Step>,
}

/// The steps of one thing.
struct Group {
    /// Acts, also those that turn out to be none.
    acts: u32,
    steps: u32,
}

struct Step {
    /// Which of the acts of its group.
    act: u32,
    leads: Leads,
}

enum Leads {
    /// To this part; what others have stays.
    Here { part: Key, note: Note, fairness: Fairness },
    /// Elsewhere: the act is taken in the whole state.
    Away(Box<Act>),
}

/// Where one worker's steps are taken from, while those of a state are put in order.
struct Cursor {
    id: WorkerId,
    local: Arc<Local>,
    group: usize,
    step: usize,
}

/// The steps of a state, as they are put in order.
struct Ordered<'a> {
    state: &'a State,
    named: Named,
    numbers: &'a Numbers,
    cursors: SmallVec<[Cursor; 4]>,
    /// Acts so far.
    acts: u32,
    steps: &'a mut Vec<CodedStep<[u64; 2]>>,
}

impl Apart {
    pub(super) fn new() -> Self {
        Self { parts: Memory::of(PARTS), merged: Memory::of(RESTS) }
    }
}

/// Whose affair it is that a timer runs out, if it is a worker's.
fn owner(state: &State, timer: Timer) -> Option<WorkerId> {
    match timer {
        Timer::Silent(id) | Timer::Dead(id) | Timer::Quarantine(id) => Some(id),
        Timer::Retry(id) | Timer::Timeout(id) => {
            state.controller.attempt(id).map(|attempt| attempt.seat.worker)
        }
        Timer::Scheduling(_)
        | Timer::Grace(_)
        | Timer::Boot(_)
        | Timer::Init(_)
        | Timer::Idle(_)
        | Timer::Backoff(_)
        | Timer::Forget(_) => None,
    }
}

impl<M: Machines> ClusterModel<M> {
    /// Judges a state and adds its steps in the order of its acts, most of it from memory; or
    /// answers nothing and adds nothing.
    pub(super) fn steps_of_parts(
        &self,
        state: &State,
        named: Named,
        steps: &mut Vec<CodedStep<[u64; 2]>>,
    ) -> Option<Judged> {
        let mut offered = Offered::new(self.scope(), state);
        if offered.beginning() {
            return None;
        }
        let numbers = self.parts().nodes_of(named.fleet);
        let cursor = |at: usize| Cursor {
            id: state.nodes[at].id,
            local: self.local(state, named, numbers, at),
            group: 0,
            step: 0,
        };
        let cursors: SmallVec<[Cursor; 4]> = (0..state.nodes.len()).map(cursor).collect();
        if cursors.iter().any(|cursor| !cursor.local.own) {
            return None;
        }
        let mut judged = Judged { broken: self.broken_of(OF_SEVERAL, state), ..Judged::default() };
        for Judged { broken, open, arises } in cursors.iter().map(|cursor| cursor.local.judged) {
            judged.broken |= broken;
            judged.open |= open;
            judged.arises |= arises;
        }
        let mut all = Ordered { state, named, numbers, cursors, acts: 0, steps };
        for message in &state.net {
            self.next_group(&mut all, message.seat().worker);
        }
        for node in &state.nodes {
            self.next_group(&mut all, node.id);
        }
        offered.client();
        offered.controller_itself();
        self.of_all(&mut all, &mut offered.operations);
        for timer in offered.timers() {
            if let Some(id) = owner(state, timer) {
                self.next_group(&mut all, id);
            } else {
                offered.timer(timer);
                self.of_all(&mut all, &mut offered.operations);
            }
        }
        Some(judged)
    }

    /// Steps that are no single worker's affair.
    fn of_all(&self, all: &mut Ordered<'_>, operations: &mut Vec<Operation>) {
        let mut acts = Vec::new();
        for operation in operations.drain(..) {
            self.acts_of(all.state, operation, &mut acts);
        }
        for act in acts {
            self.whole(all, all.acts, act);
            all.acts += 1;
        }
    }

    /// A step of the whole state.
    fn whole(&self, all: &mut Ordered<'_>, action: u32, act: Act) {
        let Some(after) = self.next_state(all.state, act) else { return };
        all.steps.push(CodedStep {
            action,
            code: self.encode(&after),
            fairness: self.fairness(all.state, &act),
            broken: u64::from(after.note.broken),
            exercised: u64::from(after.note.exercised),
        });
    }

    /// The next steps of a worker.
    fn next_group(&self, all: &mut Ordered<'_>, id: WorkerId) {
        let at = all.cursors.iter().position(|cursor| cursor.id == id);
        let at = at.expect("invariant: machines stay, and who is spoken of has one");
        let cursor = &mut all.cursors[at];
        let local = Arc::clone(&cursor.local);
        let group = &local.groups[cursor.group];
        let steps = cursor.step..cursor.step + group.steps as usize;
        (cursor.group, cursor.step) = (cursor.group + 1, steps.end);
        for step in &local.steps[steps] {
            let action = all.acts + step.act;
            match &step.leads {
                Leads::Away(act) => self.whole(all, action, **act),
                Leads::Here { part: [controller, node, rest], note, fairness } => {
                    self.told(note.exercised);
                    let fleet = self.with_node(all, at, *node);
                    let same = *rest == local.key[2];
                    let rest = if same { all.named.rest } else { self.with_rest(all, id, *rest) };
                    all.steps.push(CodedStep {
                        action,
                        code: Named { controller: *controller, fleet, rest }.code(),
                        fairness: *fairness,
                        broken: u64::from(note.broken),
                        exercised: u64::from(note.exercised),
                    });
                }
            }
        }
        all.acts += group.acts;
    }

    /// The nodes of a state with another one in this place.
    fn with_node(&self, all: &Ordered<'_>, at: usize, node: u32) -> u32 {
        if all.numbers[at] == node {
            return all.named.fleet;
        }
        let mut numbers = all.numbers.clone();
        numbers[at] = node;
        self.parts().fleet(&numbers)
    }

    /// The rest of a state in which a worker has another part of it.
    fn with_rest(&self, all: &Ordered<'_>, id: WorkerId, rest: u32) -> u32 {
        let parts = self.parts();
        self.apart().merged.get([all.named.rest, rest, id.0], || {
            let mut state = all.state.clone();
            parts.put_part(rest, id, &mut state);
            parts.rest(&state)
        })
    }

    /// What one worker's part of a state leads to.
    fn local(&self, state: &State, named: Named, numbers: &Numbers, at: usize) -> Arc<Local> {
        let parts: &Parts = self.parts();
        let id = state.nodes[at].id;
        let own = || parts.rest(&part_of(state, at));
        let rest = self.apart().merged.get([named.rest, u32::MAX, id.0], own);
        let key = [named.controller, numbers[at], rest];
        self.apart().parts.get(key, || Arc::new(self.take_all(key, &part_of(state, at), id)))
    }

    /// Takes every step of a part.
    fn take_all(&self, key: Key, part: &State, id: WorkerId) -> Local {
        let own = is_own(part, id);
        let (judged, groups, steps) = (Judged::default(), Vec::new(), Vec::with_capacity(8));
        let mut local = Local { key, own, judged, groups, steps };
        if !own {
            return local;
        }
        local.judged = Judged {
            broken: self.broken_of(!OF_SEVERAL, part),
            open: self.open(part),
            arises: self.arises(part),
        };
        let mut offered = Offered::new(self.scope(), part);
        for message in &part.net {
            offered.message(message);
            self.take_some(part, id, &mut offered.operations, &mut local);
        }
        offered.machine(&part.nodes[0]);
        self.take_some(part, id, &mut offered.operations, &mut local);
        for timer in offered.timers() {
            if owner(part, timer) == Some(id) {
                offered.timer(timer);
                self.take_some(part, id, &mut offered.operations, &mut local);
            }
        }
        local.groups.shrink_to_fit();
        local.steps.shrink_to_fit();
        local
    }

    /// Takes the steps of one thing.
    fn take_some(
        &self,
        part: &State,
        id: WorkerId,
        operations: &mut Vec<Operation>,
        local: &mut Local,
    ) {
        let (mut acts, before) = (Vec::new(), local.steps.len());
        for operation in operations.drain(..) {
            self.acts_of(part, operation, &mut acts);
        }
        let count = |n: usize| u32::try_from(n).expect("more acts than u32 can count");
        let group_acts = count(acts.len());
        for (act, at) in acts.into_iter().zip(0..) {
            if let Some(leads) = self.leads(part, id, act) {
                local.steps.push(Step { act: at, leads });
            }
        }
        local.groups.push(Group { acts: group_acts, steps: count(local.steps.len() - before) });
    }

    /// Where an act leads that a part offers.
    fn leads(&self, part: &State, id: WorkerId, act: Act) -> Option<Leads> {
        let away = || Some(Leads::Away(Box::new(act)));
        if act.dies {
            return away();
        }
        let mut after = self.step_untold(part, act)?;
        if !is_own(&after, id) {
            return away();
        }
        canonicalize_part(&mut after, id);
        if !others_are_as_before(&part.controller, &after.controller, id) {
            return away();
        }
        let parts = self.parts();
        let controller = parts.controller(&after.controller);
        let part_after = [controller, parts.node(&after.nodes[0]), parts.rest(&after)];
        let fairness = self.fairness(part, &act);
        Some(Leads::Here { part: part_after, note: after.note, fairness })
    }
}
