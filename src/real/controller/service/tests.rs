//! What callers may take, and what means nothing.

use std::sync::Arc;

use tonic::Code;

use crate::model::policy::Policy;
use crate::model::spec::{Entrypoint, JobSpec, Payload, Terms};
use crate::model::time::Millis;
use crate::real::chaos::Chaos;
use crate::real::clock::Clock;
use crate::real::cluster::in_virtual_time;
use crate::real::journal::Memory;
use crate::real::net::{Network, Way};
use crate::real::observe::Nobody;
use crate::real::provider::NoProvider;
use crate::real::wire::proto::client_client::ClientClient;
use crate::real::wire::proto::controller_client::ControllerClient;
use crate::real::wire::{self, proto};

use super::super::{Driver, Setup};
use super::{Door, Limits, serve};

/// A job without a worker that could run it.
fn job(replicas: u16) -> proto::SubmitRequest {
    let terms = Terms { replicas, ..Terms::default() };
    let entrypoint = Entrypoint::Closure("nothing".to_owned());
    let payload = Payload { entrypoint, ..Payload::default() };
    let spec = JobSpec { terms, payload, request_id: None };
    proto::SubmitRequest { spec: Some(wire::spec_to(&spec)) }
}

struct Rig {
    client: ClientClient<Way>,
    worker: ControllerClient<Way>,
    clock: Clock,
}

/// A controller of which callers may take only so much.
fn within(limits: Limits, test: impl AsyncFnOnce(Rig)) {
    in_virtual_time(async {
        let (clock, network) = (Clock::virtual_time(), Network::memory());
        let chaos = Chaos::new(0, clock);
        let setup = Setup {
            policy: Policy::HARDENED,
            groups: Vec::new(),
            first_vm: 1,
            store: Box::new(Memory::default()),
            clock,
            network: network.clone(),
            chaos: chaos.clone(),
            observer: Arc::new(Nobody),
            one_by_one: false,
        };
        let started = Driver::start(setup, |_| Box::new(NoProvider)).expect("it is a new one");
        let door = Door::new(started.to_controller, chaos, clock, limits);
        let listener = network.listen("controller").await.expect("nobody else does");
        tokio::spawn(serve(door, network.clone(), listener));
        tokio::spawn(started.driver.run());
        let line = || network.reach("controller").expect("it is an address");
        let (client, worker) = (ClientClient::new(line()), ControllerClient::new(line()));
        test(Rig { client, worker, clock }).await;
    });
}

/// The code and the message of what must be refused.
fn refused<T>(answer: Result<T, tonic::Status>) -> (Code, String) {
    let status = answer.err().expect("it must be refused");
    (status.code(), status.message().to_owned())
}

#[test]
fn a_request_that_is_too_large_is_refused_and_the_next_one_is_not() {
    let limits = Limits { request_bytes: 10_000, ..Limits::default() };
    within(limits, async |mut rig| {
        let mut large = job(1);
        let payload = large.spec.as_mut().and_then(|spec| spec.payload.as_mut());
        payload.expect("it has one").env.insert("A".to_owned(), "a".repeat(10_000));
        let (code, says) = refused(rig.client.submit(large).await);
        assert!(code == Code::OutOfRange && says.contains("too large"), "{code:?} {says}");
        rig.client.submit(job(1)).await.expect("it is small");
    });
}

#[test]
fn a_job_of_too_many_tasks_is_refused() {
    within(Limits::default(), async |mut rig| {
        for replicas in [0, 10_001] {
            let expected = (Code::InvalidArgument, "replicas must be 1 to 10,000".to_owned());
            assert_eq!(refused(rig.client.submit(job(replicas)).await), expected);
        }
        let mut huge = job(1);
        huge.spec.as_mut().expect("it has one").replicas = Some(u32::MAX);
        let expected = "replicas: it must be at most 10,000".to_owned();
        assert_eq!(refused(rig.client.submit(huge).await), (Code::InvalidArgument, expected));
        rig.client.submit(job(10_000)).await.expect("so many are allowed");
    });
}

#[test]
fn too_many_calls_are_told_to_come_back_and_a_second_later_they_may() {
    let limits = Limits { calls_per_second: 5, ..Limits::default() };
    within(limits, async |mut rig| {
        let list = proto::ListRequest {};
        for _ in 0..10 {
            rig.client.list(list).await.expect("twice as many may come at once");
        }
        let says = "too many calls; try again in a second".to_owned();
        let expected = (Code::ResourceExhausted, says);
        assert_eq!(refused(rig.client.list(list).await), expected);
        rig.clock.sleep(Millis::seconds(1)).await;
        for _ in 0..5 {
            rig.client.list(list).await.expect("a second is over");
        }
        assert_eq!(refused(rig.client.list(list).await), expected);
    });
}

#[test]
fn only_so_many_streams_are_open_at_once() {
    let limits = Limits { open_streams: 2, ..Limits::default() };
    within(limits, async |mut rig| {
        rig.client.submit(job(1)).await.expect("it is fine");
        let wait = || proto::JobRequest { job: "j1".to_owned() };
        let first = rig.client.wait(wait()).await.expect("there is room");
        let _second = rig.client.wait(wait()).await.expect("there is room");
        let expected = "too many streams are open; try again later".to_owned();
        let third = rig.client.wait(wait()).await;
        assert_eq!(refused(third), (Code::ResourceExhausted, expected));
        drop(first);
        // That a stream was given up travels as any message does.
        rig.clock.sleep(Millis(100)).await;
        rig.client.wait(wait()).await.expect("there is room again");
    });
}

#[test]
fn what_means_nothing_is_an_invalid_argument_that_names_the_field() {
    within(Limits::default(), async |mut rig| {
        let bad = |says: &str| (Code::InvalidArgument, says.to_owned());
        let nobody = proto::JobRequest { job: "x1".to_owned() };
        let expected = bad("job: `x1` is not a job such as `j1`");
        assert_eq!(refused(rig.client.status(nobody.clone()).await), expected);
        assert_eq!(refused(rig.client.cancel(nobody.clone()).await), expected);
        assert_eq!(refused(rig.client.wait(nobody).await), expected);
        let empty = proto::SubmitRequest { spec: None };
        assert_eq!(refused(rig.client.submit(empty).await), bad("spec: it is missing"));
        let beat = proto::Heartbeat { seat: "w1".to_owned(), ..proto::Heartbeat::default() };
        let expected = bad("seat: `w1` is not a worker's incarnation such as `w1@3`");
        assert_eq!(refused(rig.worker.beat(beat).await), expected);
        let report = proto::Report { seat: "w1@1".to_owned(), ..proto::Report::default() };
        let (code, _) = refused(rig.worker.report_task_state(report).await);
        assert_eq!(code, Code::InvalidArgument);
    });
}

#[test]
fn a_worker_is_told_the_policy_of_its_cluster() {
    within(Limits::default(), async |mut rig| {
        let told = rig.worker.policy(proto::PolicyRequest {}).await.expect("it is answered");
        let policy: Policy = serde_json::from_str(&told.get_ref().json).expect("it is JSON");
        assert_eq!(policy, Policy::HARDENED);
    });
}
