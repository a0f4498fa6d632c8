//! The dataflow: parcels go to whom they are addressed to, epoch by epoch.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::Write;
use std::rc::Rc;
use std::time::Duration;

use timely::Accountable;
use timely::bytes::arc::Bytes;
use timely::communication::Push;
use timely::container::NoopBuilder;
use timely::dataflow::channels::pact::DistributorPact;
use timely::dataflow::channels::pushers::exchange::Distributor;
use timely::dataflow::channels::{ContainerBytes, Message};
use timely::dataflow::operators::generic::Operator;
use timely::dataflow::operators::{Input, Probe};
use timely::dataflow::{InputHandle, ProbeHandle};
use timely::progress::Stamp;
use timely::worker::Worker;

use super::link::Link;
use crate::explore::limits::{Progress, Stop};

/// How long a worker sleeps before it looks whether all are still there.
const NAP: Duration = Duration::from_millis(20);

/// Some bytes for a worker: many records in one, so that none of them costs the dataflow anything.
#[derive(Clone, Default)]
pub(super) struct Parcel {
    /// Not sent along: who has it, it was for.
    to: usize,
    pub(super) from: u32,
    pub(super) kind: u32,
    body: Body,
}

#[derive(Clone)]
enum Body {
    Packed(Vec<u8>),
    Arrived(Bytes),
}

impl Default for Body {
    fn default() -> Self {
        Self::Packed(Vec::new())
    }
}

impl Parcel {
    pub(super) fn bytes(&self) -> &[u8] {
        match &self.body {
            Body::Packed(bytes) => bytes,
            Body::Arrived(bytes) => bytes,
        }
    }
}

impl Accountable for Parcel {
    fn record_count(&self) -> i64 {
        i64::from(!self.bytes().is_empty())
    }
}

/// Before the bytes of a parcel: from whom, of which kind, and how many they are.
const HEAD: usize = 16;

impl ContainerBytes for Parcel {
    fn from_bytes(mut bytes: Bytes) -> Self {
        let head = bytes.extract_to(HEAD);
        let word = |at: usize| {
            let word = head[at..at + 4].try_into();
            u32::from_le_bytes(word.expect("invariant: four bytes were taken"))
        };
        let length = word(8) as usize;
        let body = bytes.extract_to(length);
        Self { to: 0, from: word(0), kind: word(4), body: Body::Arrived(body) }
    }

    fn length_in_bytes(&self) -> usize {
        (HEAD + self.bytes().len()).next_multiple_of(8)
    }

    fn into_bytes<W: Write>(&self, writer: &mut W) {
        let bytes = self.bytes();
        let length = u32::try_from(bytes.len()).expect("invariant: parcels are small");
        let mut head = [0; HEAD];
        for (to, word) in head.chunks_exact_mut(4).zip([self.from, self.kind, length]) {
            to.copy_from_slice(&word.to_le_bytes());
        }
        let padding = [0; 8];
        let padding = &padding[..self.length_in_bytes() - HEAD - bytes.len()];
        for part in [&head, bytes, padding] {
            writer.write_all(part).expect("invariant: there is room for what was asked for");
        }
    }
}

/// Parcels go whole, each to one worker.
struct ByAddress;

impl Distributor<Parcel> for ByAddress {
    fn partition<T: Clone, P: Push<Message<T, Parcel>>>(
        &mut self,
        parcel: &mut Parcel,
        stamp: &Stamp<T>,
        pushers: &mut [P],
    ) {
        let to = parcel.to;
        Message::push_at(parcel, stamp.clone(), &mut pushers[to]);
    }

    fn flush<T: Clone, P: Push<Message<T, Parcel>>>(&mut self, _: &Stamp<T>, _: &mut [P]) {}
}

/// One worker's end of the dataflow.
pub(super) struct Post<'a> {
    /// Before the worker, which must be the last to go.
    input: InputHandle<u64, NoopBuilder<Parcel>>,
    probe: ProbeHandle<u64>,
    /// What has arrived, with its epoch: that of others may be the next already.
    inbox: Rc<RefCell<VecDeque<(u64, Parcel)>>>,
    worker: Worker,
    link: &'a Link,
    /// What is read now.
    epoch: u64,
}

/// A process is lost: the search is over.
#[derive(Debug)]
pub(super) struct Gone;

impl<'a> Post<'a> {
    pub(super) fn new(mut worker: Worker, link: &'a Link) -> Self {
        let mut input = InputHandle::new_with_builder();
        let inbox = Rc::new(RefCell::new(VecDeque::new()));
        let arrived = Rc::clone(&inbox);
        let probe = worker.dataflow(|scope| {
            let sent = scope.input_from(&mut input);
            let exchange = DistributorPact(|_| ByAddress);
            let kept = sent.unary::<NoopBuilder<Parcel>, _, _, _>(exchange, "arrive", |_, _| {
                move |input, _| {
                    input.for_each(|stamp, parcel| {
                        let epoch = *stamp.stamp().expect_singleton();
                        arrived.borrow_mut().push_back((epoch, std::mem::take(parcel)));
                    });
                }
            });
            kept.probe().0
        });
        Self { input, probe, inbox, worker, link, epoch: 0 }
    }

    pub(super) fn me(&self) -> usize {
        self.worker.index()
    }

    /// How many workers there are.
    pub(super) fn workers(&self) -> usize {
        self.worker.peers()
    }

    /// Sends what there is to be sent.
    pub(super) fn send(&mut self, to: usize, kind: u32, bytes: Vec<u8>) {
        let from = u32::try_from(self.me()).expect("invariant: there are few workers");
        self.input.send_batch(&mut Parcel { to, from, kind, body: Body::Packed(bytes) });
    }

    /// Sends it to all workers, this one too.
    pub(super) fn send_to_all(&mut self, kind: u32, bytes: &[u8]) {
        for to in 0..self.workers() {
            self.send(to, kind, bytes.to_vec());
        }
    }

    /// Lets the dataflow work for a moment and takes what has arrived.
    pub(super) fn turn(&mut self, take: &mut dyn FnMut(&Parcel)) -> Result<(), Gone> {
        self.worker.step();
        self.take(take)
    }

    /// Sends nothing more in this epoch, and takes what arrives until all of it has, everywhere.
    pub(super) fn settle(&mut self, take: &mut dyn FnMut(&Parcel)) -> Result<(), Gone> {
        self.input.advance_to(self.epoch + 1);
        while self.probe.less_equal(&self.epoch) {
            self.worker.step_or_park(Some(NAP));
            self.take(take)?;
        }
        self.take(take)?;
        self.epoch += 1;
        Ok(())
    }

    /// Must the search end now?
    pub(super) fn halted(&self) -> Option<Stop> {
        self.link.halted()
    }

    /// Says how far the search is.
    pub(super) fn tell(&self, word: Progress) {
        self.link.tell(word);
    }

    /// How many processes there are.
    pub(super) fn processes(&self) -> usize {
        self.link.processes()
    }

    /// Lets the dataflow end; by now all that was sent has arrived.
    pub(super) fn finish(self) {
        let Self { input, mut worker, link, .. } = self;
        drop(input);
        while worker.has_dataflows() && link.lost().is_none() {
            worker.step_or_park(Some(NAP));
        }
    }

    fn take(&mut self, take: &mut dyn FnMut(&Parcel)) -> Result<(), Gone> {
        let mut inbox = self.inbox.borrow_mut();
        for _ in 0..inbox.len() {
            match inbox.pop_front() {
                Some((epoch, parcel)) if epoch == self.epoch => take(&parcel),
                later => inbox.extend(later),
            }
        }
        drop(inbox);
        if self.link.lost().is_some() { Err(Gone) } else { Ok(()) }
    }
}
