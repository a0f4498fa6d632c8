//! Real processes, killed by SIGKILL at random moments under load.
//!
//! One cluster lives through all rounds. In each some jobs are submitted, and while they are, the
//! controller, a worker, or several of them are killed and started again. What is judged, and how,
//! stands in `kill::judge`. `IRIS_CHECK_SLOW` makes 200 rounds of it; `IRIS_CHECK_SEED` draws other
//! moments.

mod common;

mod kill {
    pub mod cluster;
    pub mod diary;
    pub mod judge;
    pub mod load;
}

use std::time::Duration;

use common::bench::pause;
use common::lcg::Lcg;
use iris_check::model::job::JobState;
use iris_check::model::task::Phase;
use iris_check::real::status::{AttemptState, AttemptStatus};
use kill::cluster::{Cluster, WORKERS};
use kill::judge;
use kill::load::Load;

/// Rounds until everything has to come to its end.
const SETTLE: usize = 10;
/// Rounds until a worker stays away for long.
const ABSENCE: usize = 25;

#[test]
fn controller_and_workers_killed_under_load() {
    let slow = std::env::var_os("IRIS_CHECK_SLOW").is_some();
    let rounds = if slow { 200 } else { 3 };
    let seed = std::env::var("IRIS_CHECK_SEED").map_or(1, |it| it.parse().expect("a number"));
    let mut cluster = Cluster::start(seed);
    let mut rng = Lcg::new(seed);
    let mut load = Load::new(cluster.path());
    for number in 0..rounds {
        cluster.note(format!("round {number}"));
        round(number, &mut cluster, &mut load, &mut rng);
        if number % ABSENCE == 2 {
            absence(&mut cluster, &mut load);
        }
        if number % SETTLE == SETTLE - 1 || number + 1 == rounds {
            cluster.settle(&load);
            judge::settled(&cluster, &load);
        }
    }
    let lost = judge::settled(&cluster, &load);
    assert!(!slow || lost >= rounds / 8, "only {lost} attempts were lost in the middle");
    judge::nothing_is_left(cluster, &load);
}

/// A worker dies while it runs something and stays away until it is taken for DEAD: what it ran is
/// run elsewhere, by workers that cannot clean up after it.
fn absence(cluster: &mut Cluster, load: &mut Load) {
    let spec = load.long();
    let client = cluster.client();
    let job = client.submit(&spec);
    load.acknowledged(job, spec);
    let seat = client.until(async |client| {
        let attempts = client.status(job).await?.tasks.remove(0).attempts;
        let runs = |it: &&AttemptStatus| it.state == AttemptState::Live(Phase::Running);
        Ok(attempts.iter().find(runs).map(|it| it.seat))
    });
    let worker = usize::try_from(seat.worker.0 - 1).expect("it is small");
    cluster.note(format!("{seat} runs {job}"));
    cluster.kill_worker(worker);
    let status = client.ask(async |client| client.wait(job).await);
    assert_eq!(status.state, JobState::Succeeded, "{status:#?}");
    let last = status.tasks[0].attempts.last().expect("it was tried");
    assert_ne!(last.seat.worker, seat.worker, "{status:#?}");
    cluster.start_worker(worker);
}

/// Some submits, and in the middle of them somebody dies.
fn round(number: usize, cluster: &mut Cluster, load: &mut Load, rng: &mut Lcg) {
    let before = judge::told(cluster, load);
    let submits = load.draw(rng);
    let moment = millis(rng, 300);
    let (controller, workers) = victims(number, rng);
    let client = &cluster.client();
    let acknowledged = std::thread::scope(|scope| {
        let calls: Vec<_> =
            submits.iter().map(|spec| scope.spawn(move || client.submit(spec))).collect();
        pause(moment);
        for worker in &workers {
            cluster.kill_worker(*worker);
        }
        if controller {
            cluster.kill_controller();
        }
        restart(controller, &workers, cluster, rng);
        let done = calls.into_iter().map(|call| call.join().expect("a call does not panic"));
        done.collect::<Vec<_>>()
    });
    for (spec, job) in submits.into_iter().zip(acknowledged) {
        cluster.note(format!("{job} is acknowledged"));
        load.acknowledged(job, spec);
    }
    if controller {
        judge::nothing_was_taken_back(&before, &judge::told(cluster, load));
        judge::asked_again(cluster, load, rng);
    }
}

/// Whether the controller dies, and which workers do.
fn victims(number: usize, rng: &mut Lcg) -> (bool, Vec<usize>) {
    let first = rng.below(WORKERS);
    let workers: Vec<usize> =
        (0..WORKERS).filter(|worker| *worker == first || rng.once_in(4)).collect();
    match number % 3 {
        0 => (true, Vec::new()),
        1 => (false, workers),
        _ => (true, workers),
    }
}

/// Who was killed comes back, mostly at once; now and then after leases have run out.
fn restart(controller: bool, workers: &[usize], cluster: &mut Cluster, rng: &mut Lcg) {
    let controller_first = rng.once_in(2);
    if controller && controller_first {
        if rng.once_in(10) {
            pause(Duration::from_millis(1200));
        }
        cluster.start_controller();
    }
    for worker in workers {
        if rng.once_in(2) {
            pause(millis(rng, 200));
        }
        cluster.start_worker(*worker);
    }
    if controller && !controller_first {
        cluster.start_controller();
    }
}

fn millis(rng: &mut Lcg, bound: usize) -> Duration {
    Duration::from_millis(u64::try_from(rng.below(bound)).expect("it is small"))
}
