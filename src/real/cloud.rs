//! A simulated cloud: quota, slow boots, machines that never come up, slices that are taken away.
//! It is the only part of a cluster that is not what it would be in earnest.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tonic::Code;

use crate::model::id::{GroupId, SliceId, VmId};
use crate::model::time::Millis;

use super::chaos::{Chaos, Node, Point, Verb};
use super::clock::Clock;
use super::controller::ToController;
use super::provider::{News, Provider};

/// How long a group's slices take, and how many there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// From the order to the grant.
    pub grant: Millis,
    /// From the grant until a machine has started.
    pub boot: Millis,
    /// From then until its worker is up.
    pub init: Millis,
    /// From the order to end a slice until it is gone.
    pub end: Millis,
    /// Slices that the cloud grants at once; more are refused for want of quota.
    pub quota: u16,
}

impl Default for Pace {
    fn default() -> Self {
        let second = Millis::seconds(1);
        Self { grant: second, boot: second, init: second, end: second, quota: u16::MAX }
    }
}

/// Starts and stops the workers of machines.
#[tonic::async_trait]
pub(super) trait Hosts: Send + Sync {
    /// A machine is set up: its worker starts.
    async fn start(&self, vm: VmId, slice: SliceId);
    /// A machine is gone, and its worker with it.
    async fn stop(&self, vm: VmId);
}

/// Who hears what the cloud has to say: a controller.
#[tonic::async_trait]
pub(super) trait Hears: Send + Sync {
    /// Tells it. One that is down hears of it when it is up again.
    async fn hear(&self, news: News);
}

#[tonic::async_trait]
impl Hears for ToController {
    async fn hear(&self, news: News) {
        self.provided(news).await;
    }
}

/// The cloud; copies are the same one.
#[derive(Clone)]
pub struct Cloud {
    state: Arc<Mutex<State>>,
    hosts: Arc<dyn Hosts>,
    paces: Arc<[Pace]>,
    clock: Clock,
    chaos: Chaos,
    /// After a lost answer the controller's side asks again.
    ask_again: Millis,
}

#[derive(Default)]
struct State {
    slices: BTreeMap<SliceId, Slice>,
    to_controller: Option<Arc<dyn Hears>>,
}

struct Slice {
    vms: Vec<(VmId, bool)>,
    is: Is,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Is {
    Ordered,
    Granted,
    Preempted,
    Ended,
}

impl Cloud {
    pub(super) fn new(
        hosts: Arc<dyn Hosts>,
        paces: Vec<Pace>,
        clock: Clock,
        chaos: Chaos,
        ask_again: Millis,
    ) -> Self {
        Self { state: Arc::default(), hosts, paces: paces.into(), clock, chaos, ask_again }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Speaks to this controller from now on, and says first what an earlier one may have missed.
    pub(super) fn speaks_to(&self, controller: Arc<dyn Hears>) -> Box<dyn Provider> {
        let mut news = Vec::new();
        let mut state = self.state();
        state.to_controller = Some(controller);
        for (id, slice) in &state.slices {
            match slice.is {
                Is::Ordered | Is::Ended => {}
                Is::Preempted => news.push(News::Preempted(*id)),
                Is::Granted => {
                    news.push(News::Granted(*id));
                    let booted = slice.vms.iter().filter(|(_, booted)| *booted);
                    news.extend(booted.map(|(vm, _)| News::Booted(*vm)));
                }
            }
        }
        drop(state);
        let cloud = self.clone();
        tokio::spawn(async move {
            for word in news {
                cloud.say(word).await;
            }
        });
        Box::new(self.clone())
    }

    async fn say(&self, news: News) {
        let controller = self.state().to_controller.clone();
        if let Some(controller) = controller {
            controller.hear(news).await;
        }
    }

    fn pace(&self, group: GroupId) -> Pace {
        let at = usize::from(group.0).checked_sub(1);
        at.and_then(|at| self.paces.get(at)).copied().unwrap_or_default()
    }

    async fn make(self, id: SliceId, group: GroupId, vms: Vec<VmId>) {
        let pace = self.pace(group);
        let mut lost = Millis(0);
        match self.chaos.decide(Point::ProviderCreateSlice, Some(Node::Slice(id))) {
            Some(Verb::Fail(code)) => {
                return self.say(News::Refused(id, code == Code::ResourceExhausted)).await;
            }
            Some(Verb::Delay(length)) => self.clock.sleep(length).await,
            Some(Verb::DropResponse) => lost = self.ask_again,
            Some(Verb::DropRequest) => self.clock.sleep(self.ask_again).await,
            Some(Verb::Duplicate | Verb::Crash) | None => {}
        }
        if let Some(known) = self.order(id, group, &vms, pace.quota) {
            return self.say(known).await;
        }
        self.clock.sleep(pace.grant).await;
        if !self.moves(id, Is::Ordered, Is::Granted) {
            return;
        }
        for vm in vms {
            tokio::spawn(self.clone().bring_up(vm, id, pace));
        }
        if lost > Millis(0) {
            self.clock.sleep(lost).await;
        }
        self.say(News::Granted(id)).await;
    }

    /// Takes an order down; for one that is known, or cannot be had, the answer.
    fn order(&self, id: SliceId, group: GroupId, vms: &[VmId], quota: u16) -> Option<News> {
        let mut state = self.state();
        if let Some(known) = state.slices.get(&id) {
            return Some(match known.is {
                Is::Ordered | Is::Granted => News::Granted(id),
                Is::Preempted => News::Preempted(id),
                Is::Ended => News::Terminated(id),
            });
        }
        let there = |(id, slice): &(&SliceId, &Slice)| {
            id.group == group && matches!(slice.is, Is::Ordered | Is::Granted)
        };
        if state.slices.iter().filter(there).count() >= usize::from(quota) {
            return Some(News::Refused(id, true));
        }
        let vms = vms.iter().map(|vm| (*vm, false)).collect();
        state.slices.insert(id, Slice { vms, is: Is::Ordered });
        None
    }

    fn moves(&self, id: SliceId, from: Is, to: Is) -> bool {
        let mut state = self.state();
        let slice = state.slices.get_mut(&id).filter(|slice| slice.is == from);
        slice.map(|slice| slice.is = to).is_some()
    }

    fn is_there(&self, id: SliceId) -> bool {
        self.state().slices.get(&id).is_some_and(|slice| slice.is == Is::Granted)
    }

    async fn bring_up(self, vm: VmId, slice: SliceId, pace: Pace) {
        if !self.step(Point::ProviderBoot, vm, slice, pace.boot).await {
            return;
        }
        if let Some(slice) = self.state().slices.get_mut(&slice) {
            for (_, booted) in slice.vms.iter_mut().filter(|(id, _)| *id == vm) {
                *booted = true;
            }
        }
        self.say(News::Booted(vm)).await;
        if !self.step(Point::ProviderInit, vm, slice, pace.init).await {
            return;
        }
        self.hosts.start(vm, slice).await;
        match self.chaos.decide(Point::ProviderPreempt, Some(Node::Slice(slice))) {
            None => return,
            Some(Verb::Delay(length)) => self.clock.sleep(length).await,
            Some(_) => {}
        }
        self.preempt(slice).await;
    }

    /// One step of a machine that comes up; false where it never gets further.
    async fn step(&self, point: Point, vm: VmId, slice: SliceId, length: Millis) -> bool {
        match self.chaos.decide(point, Some(Node::Vm(vm))) {
            None => {}
            Some(Verb::Delay(more)) => self.clock.sleep(more).await,
            Some(_) => return false,
        }
        self.clock.sleep(length).await;
        self.is_there(slice)
    }

    /// Takes a slice away; false if there is none.
    pub async fn preempt(&self, slice: SliceId) -> bool {
        if !self.moves(slice, Is::Granted, Is::Preempted) {
            return false;
        }
        self.stop_all(slice).await;
        self.say(News::Preempted(slice)).await;
        true
    }

    /// A controller believes in a slice that was granted before this cloud began: it was taken
    /// away, unless it is known here. Nothing of it may run.
    pub(super) async fn disown(&self, slice: SliceId) {
        let known = self.state().slices.contains_key(&slice);
        if !known {
            let gone = Slice { vms: Vec::new(), is: Is::Preempted };
            self.state().slices.insert(slice, gone);
            self.say(News::Preempted(slice)).await;
        }
    }

    /// A machine dies, and the cloud does not say so.
    pub async fn lose(&self, vm: VmId) {
        self.hosts.stop(vm).await;
    }

    async fn stop_all(&self, slice: SliceId) {
        let vms: Vec<VmId> = {
            let state = self.state();
            let slice = state.slices.get(&slice);
            slice.into_iter().flat_map(|slice| slice.vms.iter().map(|(vm, _)| *vm)).collect()
        };
        for vm in vms {
            self.hosts.stop(vm).await;
        }
    }

    async fn end(self, id: SliceId) {
        self.clock.sleep(self.pace(id.group).end).await;
        let is = self.state().slices.get(&id).map(|slice| slice.is);
        match is {
            Some(Is::Preempted) => return self.say(News::Preempted(id)).await,
            Some(Is::Ordered | Is::Granted) => {
                if let Some(slice) = self.state().slices.get_mut(&id) {
                    slice.is = Is::Ended;
                }
                self.stop_all(id).await;
            }
            Some(Is::Ended) => {}
            None => {
                let never = Slice { vms: Vec::new(), is: Is::Ended };
                self.state().slices.insert(id, never);
            }
        }
        self.say(News::Terminated(id)).await;
    }
}

impl Provider for Cloud {
    fn create(&mut self, slice: SliceId, group: GroupId, vms: &[VmId]) {
        tokio::spawn(self.clone().make(slice, group, vms.to_vec()));
    }

    fn terminate(&mut self, slice: SliceId) {
        tokio::spawn(self.clone().end(slice));
    }
}
