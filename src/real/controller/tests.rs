//! What a controller owes its workers and its timers while more comes in than it can take.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tonic::{Code, Request};

use super::*;
use crate::model::id::{Incarnation, Seat};
use crate::model::task::Phase;
use crate::model::wire::{Clock as Logical, Report, Word};
use crate::real::clock::At;
use crate::real::cluster::in_real_time;
use crate::real::journal::Memory;
use crate::real::observe::Nobody;
use crate::real::provider::NoProvider;
use crate::real::wire::proto::client_server::Client as _;
use crate::real::wire::proto::controller_server::Controller as _;
use crate::real::wire::{self, proto};
use crate::worker_sm::{WorkerEffect, WorkerInput, WorkerSm};

/// Sees whether a timer has fired.
#[derive(Default)]
struct Fired(AtomicBool);

impl Observer for Fired {
    fn controller(&self, _: At, input: &Input, _: &ControllerSm) {
        self.0.fetch_or(matches!(input, Input::Fired(_)), Ordering::SeqCst);
    }

    fn worker(&self, _: At, _: Seat, _: &WorkerInput, _: &[WorkerEffect], _: &WorkerSm) {}

    fn worker_up(&self, _: At, _: &WorkerSm) {}

    fn worker_down(&self, _: At, _: WorkerId) {}

    fn controller_down(&self, _: At) {}
}

fn driver(observer: Arc<dyn Observer>) -> (Driver, ToController) {
    let clock = Clock::real();
    let setup = Setup {
        policy: Policy { no_workers_grace: Millis(1), ..Policy::LOCAL },
        groups: Vec::new(),
        first_vm: 1,
        store: Box::new(Memory::default()),
        clock,
        network: Network::memory(),
        chaos: Chaos::new(0, clock),
        observer,
        one_by_one: false,
    };
    let started = Driver::start(setup, |_| Box::new(NoProvider)).expect("an empty journal");
    (started.driver, started.to_controller)
}

/// Looks at the machine, and then again, until it has fired or this many looks were taken.
fn look_again(to: &mpsc::Sender<Ask>, fired: Arc<Fired>, left: usize, looks: Arc<AtomicUsize>) {
    let again = to.clone();
    let look = Box::new(move |_: &ControllerSm| {
        looks.fetch_add(1, Ordering::SeqCst);
        if left > 0 && !fired.0.load(Ordering::SeqCst) {
            look_again(&again, fired, left - 1, looks);
        }
    });
    assert!(to.try_send(Ask::Look(look)).is_ok(), "there is room for the next look");
}

#[test]
fn a_timer_that_is_due_fires_although_more_comes_in_all_the_time() {
    const MOST: usize = 3_000_000;
    let (fired, looks) = (Arc::new(Fired::default()), Arc::new(AtomicUsize::new(0)));
    let ran = in_real_time(async {
        let (driver, to) = driver(Arc::<Fired>::clone(&fired));
        // Where there is no worker, its time runs out after a millisecond.
        let submit = Ask::Fact(Input::Submit(Box::default()), Waits::Nobody);
        assert!(to.0.try_send(submit).is_ok(), "the inbox is empty");
        look_again(&to.0, Arc::clone(&fired), MOST, Arc::clone(&looks));
        drop(to);
        driver.run().await
    });
    assert!(matches!(ran, Ok(End::Alone)));
    assert!(fired.0.load(Ordering::SeqCst));
    assert!(looks.load(Ordering::SeqCst) < MOST, "it did not wait for the last look");
}

#[test]
fn clients_leave_room_for_workers() {
    let done = in_real_time(async {
        let (driver, to) = driver(Arc::new(Nobody));
        let inbox = to.0.clone();
        let clock = Clock::real();
        let door = Door::new(to, Chaos::new(0, clock), clock, Limits::default());
        while inbox.capacity() > INBOX / 2 {
            let lives = Ask::Lives(WorkerId(1), String::new());
            assert!(inbox.try_send(lives).is_ok(), "half of it is free");
        }
        let list = door.list(Request::new(proto::ListRequest {})).await;
        assert_eq!(list.map(drop).map_err(|it| it.code()), Err(Code::ResourceExhausted));
        let reported = tokio::spawn({
            let door = door.clone();
            async move { door.report_task_state(Request::new(running())).await.map(drop) }
        });
        // What is in the inbox is taken now; the report is behind it.
        let driving = tokio::spawn(driver.run());
        let said = reported.await.expect("it does not panic");
        driving.abort();
        said.map_err(|it| it.code())
    });
    assert_eq!(done.expect("the operating system gives threads"), Ok(()));
}

/// A worker's word on an attempt.
fn running() -> proto::Report {
    let seat = Seat { worker: WorkerId(1), incarnation: Incarnation::FIRST };
    let attempt = JobId(1).task(0).attempt(0);
    wire::report_to(&Report { seat, attempt, word: Word::Phase(Phase::Running), clock: Logical(1) })
}
