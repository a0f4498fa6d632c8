//! Several processes of one search, as threads of a test that talk over loopback.
#![allow(dead_code, reason = "each test uses its part")]

use std::net::TcpListener;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use iris_check::explore::{Cluster, FlowError, Limits, Portable, Report, Subject, search_flow};

/// What a process of a search comes to.
pub type Outcome<M> = Result<
    Option<Report<<M as stateright::Model>::State, <M as stateright::Model>::Action>>,
    FlowError,
>;

/// So many processes on this machine, each with a port of its own that is open already.
pub fn clusters(processes: usize, threads: usize) -> Vec<Cluster> {
    let listen = |_| TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    let listeners: Vec<TcpListener> = (0..processes).map(listen).collect();
    let host = |it: &TcpListener| it.local_addr().expect("it listens").to_string();
    let hosts: Vec<String> = listeners.iter().map(host).collect();
    let all = listeners.into_iter().enumerate().map(|(process, listener)| Cluster {
        hosts: hosts.clone(),
        process,
        threads,
        identity: "a test".to_owned(),
        listener: Some(listener),
        patience: Duration::from_mins(1),
        silence: Duration::from_secs(20),
    });
    all.collect()
}

/// Runs all processes; what each comes to.
pub fn run<M>(model: &Arc<M>, limits: &Limits, clusters: Vec<Cluster>) -> Vec<Outcome<M>>
where
    M: Subject + Portable + Send + 'static,
{
    thread::scope(|scope| {
        let all =
            clusters.into_iter().map(|cluster| scope.spawn(|| search_flow(model, limits, cluster)));
        let all: Vec<_> = all.collect();
        all.into_iter().map(|process| process.join().expect("it does not panic")).collect()
    })
}

/// The report of a search on so many processes with so many workers each.
pub fn flow<M>(
    model: &Arc<M>,
    limits: &Limits,
    (processes, threads): (usize, usize),
) -> Report<M::State, M::Action>
where
    M: Subject + Portable + Send + 'static,
{
    let mut outcomes = run(model, limits, clusters(processes, threads)).into_iter();
    let report = outcomes.next().expect("there is a process 0").expect("nobody is lost");
    assert!(outcomes.all(|other| matches!(other, Ok(None))), "only process 0 has a report");
    report.expect("process 0 has the report")
}
