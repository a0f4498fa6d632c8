//! What changed between two views, held against hand-made clusters: exact words, one row a fact.

mod trace_diff {
    pub mod cluster;
}

use iris_check::model::id::{GroupId, SliceId, VmId};
use iris_check::model::job::JobState;
use iris_check::model::resources::Resources;
use iris_check::model::task::{Cause, FailedBy, Outcome, Phase, TaskState};
use iris_check::model::view::{AttemptView, ProcessStage};
use iris_check::model::vm::VmState;
use iris_check::model::worker::WorkerState;
use iris_check::trace::diff::changes;
use trace_diff::cluster::{
    Cluster, assigned, attempt, fresh, idle, over, running, runs, seat, silent, waiting,
};

type Row = (Cluster, fn(&mut Cluster), &'static [&'static str]);

/// Each row: a view, what becomes of it, and what is told.
fn hold(rows: Vec<Row>) {
    for (before, edit, expected) in rows {
        let mut after = before.clone();
        edit(&mut after);
        assert_eq!(changes(&before, &after), expected);
        assert_eq!(changes(&after, &after), [] as [&str; 0], "nothing changed");
    }
}

/// The steps of one life: what is told on the way from each cluster to the next.
fn story(clusters: &[Cluster]) -> Vec<Vec<String>> {
    clusters.windows(2).map(|pair| changes(&pair[0], &pair[1])).collect()
}

#[test]
fn the_life_of_a_task_is_told_once_a_step() {
    let mut heard = assigned();
    heard.tasks[0].state = TaskState::Active(Phase::Building);
    (heard.attempts[0].heard, heard.attempts[0].tries) = (true, 0);
    heard.processes = vec![runs(attempt(0, 0), seat(1, 1), ProcessStage::Launching)];
    let mut exited = running();
    exited.processes.clear();
    exited.exits = vec![(attempt(0, 0), seat(1, 1))];
    let end = (Outcome::Succeeded, Cause::Exit);
    let over = over(TaskState::Succeeded, JobState::Succeeded, end);
    let told = story(&[idle(), assigned(), heard, running(), exited, over]);
    let expected = [
        vec!["j1.0  PENDING → ASSIGNED w1"],
        vec!["j1.0  ASSIGNED → BUILDING", "w1  running {} → {j1.0#0 launching}"],
        vec!["j1.0  BUILDING → RUNNING", "w1  running {j1.0#0 launching} → {j1.0#0}"],
        vec!["w1  running {j1.0#0} → {}; j1.0#0 exited, not yet recorded"],
        vec!["j1.0  RUNNING w1 → SUCCEEDED", "j1.0#0  gone"],
    ];
    assert_eq!(told, expected);
}

#[test]
fn an_end_that_gives_its_task_the_same_name_is_one_entry() {
    let stays = |state, told, end| {
        let mut cluster = over(state, told, end);
        cluster.processes = running().processes;
        (cluster.attempts[0].gone, cluster.workers[0].2) = (false, Resources::cpus(1));
        cluster
    };
    let failed = |by| (TaskState::Failed(by), JobState::Failed);
    let (killed, lost) =
        ((TaskState::Killed, JobState::Killed), (TaskState::WorkerFailed, JobState::WorkerFailed));
    let taken = Outcome::WorkerFailed;
    let rows: [(_, (Outcome, Cause), &[&str]); 9] = [
        (failed(FailedBy::Exit), (Outcome::Failed, Cause::Exit), &["RUNNING w1 → FAILED"]),
        (
            failed(FailedBy::Timeout),
            (Outcome::Failed, Cause::Timeout),
            &["RUNNING w1 → FAILED (timeout)"],
        ),
        (killed, (Outcome::Killed, Cause::Cancel), &["RUNNING w1 → KILLED (cancel)"]),
        (killed, (Outcome::Killed, Cause::JobOver), &["RUNNING w1 → KILLED (job over)"]),
        (lost, (taken, Cause::Loss), &["RUNNING w1 → WORKER_FAILED"]),
        (lost, (taken, Cause::Delivery), &["RUNNING w1 → WORKER_FAILED (delivery)"]),
        (
            lost,
            (Outcome::Preempted, Cause::Loss),
            &["RUNNING w1 → WORKER_FAILED", "PREEMPTED (loss)"],
        ),
        (
            failed(FailedBy::DeliveryBudget),
            (taken, Cause::Delivery),
            &["RUNNING w1 → FAILED (delivery budget spent)", "WORKER_FAILED (delivery)"],
        ),
        (
            failed(FailedBy::Exit),
            (Outcome::Failed, Cause::Timeout),
            &["RUNNING w1 → FAILED", "FAILED (timeout)"],
        ),
    ];
    for ((state, told), end, facts) in rows {
        let subjects = ["j1.0", "j1.0#0"].into_iter().zip(facts);
        let expected: Vec<String> = subjects.map(|(who, fact)| format!("{who}  {fact}")).collect();
        assert_eq!(changes(&running(), &stays(state, told, end)), expected);
    }
}

#[test]
fn what_was_never_heard_of_is_lost_in_delivery_without_saying_so() {
    let lose: fn(&mut Cluster) = |it| {
        it.jobs[0].1 = JobState::WorkerFailed;
        it.tasks[0].state = TaskState::WorkerFailed;
        it.attempts[0].end = Some((Outcome::WorkerFailed, Cause::Delivery));
    };
    let differs: fn(&mut Cluster) = |it| {
        it.jobs[0].1 = JobState::WorkerFailed;
        it.tasks[0].state = TaskState::WorkerFailed;
        it.attempts[0].end = Some((Outcome::WorkerFailed, Cause::Loss));
    };
    hold(vec![
        (assigned(), lose, &["j1.0  ASSIGNED w1 → WORKER_FAILED"]),
        (assigned(), differs, &["j1.0  ASSIGNED w1 → WORKER_FAILED (loss)"]),
    ]);
}

#[test]
fn a_way_back_tells_state_counter_and_attempt() {
    let back: fn(&mut Cluster) = |it| {
        it.jobs[0].1 = JobState::Pending;
        it.tasks[0].state = TaskState::Pending;
        it.tasks[0].spent.preemption = 1;
        it.attempts[0].end = Some((Outcome::WorkerFailed, Cause::Loss));
    };
    // The attempt is refused, and the next one is placed in the same step.
    let again: fn(&mut Cluster) = |it| {
        it.tasks[0].spent.delivery = 1;
        it.attempts[0].end = Some((Outcome::WorkerFailed, Cause::Delivery));
        (it.attempts[0].gone, it.attempts[0].tries) = (true, 0);
        it.workers[0].2 = Resources::NONE;
        it.attempts.push(fresh(attempt(0, 1), seat(2, 3)));
    };
    let vanished: fn(&mut Cluster) = |it| {
        it.attempts[0].end = Some((Outcome::Killed, Cause::Loss));
        it.attempts.push(AttemptView {
            end: Some((Outcome::CoschedFailed, Cause::Gang)),
            gone: true,
            tries: 2,
            ..fresh(attempt(0, 1), seat(1, 1))
        });
        it.jobs[0].1 = JobState::Pending;
        it.tasks[0].state = TaskState::Pending;
    };
    hold(vec![
        (
            running(),
            back,
            &[
                "j1.0  RUNNING w1 → PENDING",
                "j1.0  preemption 0 → 1",
                "j1.0#0  WORKER_FAILED (loss)",
            ],
        ),
        (
            assigned(),
            again,
            &[
                "j1.0  ASSIGNED w1 → ASSIGNED w2@3 (#1)",
                "j1.0  delivery 0 → 1",
                "j1.0#0  WORKER_FAILED (delivery), gone",
            ],
        ),
        (
            running(),
            vanished,
            &[
                "j1.0  RUNNING w1 → PENDING",
                "j1.0#0  KILLED (loss)",
                "j1.0#1  placed on w1, COSCHED_FAILED (gang), gone, tries 0 → 2",
            ],
        ),
    ]);
}

#[test]
fn attempts_tell_tries_and_what_must_never_happen() {
    let ended = over(TaskState::Pending, JobState::Pending, (Outcome::Failed, Cause::Exit));
    hold(vec![
        (assigned(), |it| it.attempts[0].tries = 2, &["j1.0#0  tries 1 → 2"]),
        (assigned(), |it| it.attempts[0].heard = true, &["j1.0#0  heard of"]),
        (assigned(), |it| it.attempts[0].tries = 0, &["j1.0#0  tries 1 → 0"]),
        (running(), |it| it.attempts[0].heard = false, &["j1.0#0  no longer heard of"]),
        (ended.clone(), |it| it.attempts[0].heard = false, &[]),
        (ended.clone(), |it| it.attempts[0].gone = false, &["j1.0#0  no longer gone"]),
        (ended.clone(), |it| it.attempts[0].end = None, &["j1.0#0  FAILED (exit) → not ended"]),
        (
            ended.clone(),
            |it| it.attempts[0].end = Some((Outcome::Killed, Cause::Cancel)),
            &["j1.0#0  FAILED (exit) → KILLED (cancel)"],
        ),
        (ended.clone(), |it| it.attempts[0].seat = seat(2, 1), &["j1.0#0  w1 → w2"]),
        (ended, |it| it.attempts.clear(), &["j1.0#0  forgotten"]),
    ]);
}

#[test]
fn a_job_is_told_unless_its_only_task_tells_it() {
    let mut two = idle();
    two.tasks.push(waiting(1));
    hold(vec![
        (
            two.clone(),
            |it| {
                it.jobs[0].1 = JobState::Unschedulable;
                it.tasks[0].state = TaskState::Unschedulable;
                it.tasks[1].state = TaskState::Killed;
            },
            &[
                "j1  PENDING → UNSCHEDULABLE",
                "j1.0  PENDING → UNSCHEDULABLE",
                "j1.1  PENDING → KILLED",
            ],
        ),
        (two, |it| it.tasks.truncate(1), &["j1.1  forgotten"]),
        (idle(), |it| it.jobs[0].1 = JobState::Failed, &["j1  PENDING → FAILED"]),
        (
            idle(),
            |it| it.tasks[0].state = TaskState::Failed(FailedBy::WorkersExhausted),
            &["j1.0  PENDING → FAILED (workers exhausted)"],
        ),
        (assigned(), |it| it.jobs.clear(), &["j1  forgotten"]),
    ]);
    let nobody = Cluster { jobs: vec![], workers: vec![], ..idle() };
    assert_eq!(changes(&nobody, &Cluster { workers: vec![], ..idle() }), ["j1  absent → PENDING"]);
    let mut empty = idle();
    empty.jobs.clear();
    let placed = ["j1  absent → RUNNING", "j1.0  PENDING → ASSIGNED w1"];
    assert_eq!(changes(&empty, &assigned()), placed);
}

#[test]
fn workers_come_fall_silent_restart_and_go() {
    let dead: fn(&mut Cluster) = |it| it.workers.clear();
    let restarts: fn(&mut Cluster) = |it| {
        it.highest[0] = seat(1, 2);
        it.workers[0].0 = seat(1, 2);
    };
    let mut quiet = idle();
    quiet.workers[0].1 = silent();
    let mut gone = idle();
    gone.workers.clear();
    let mut never = gone.clone();
    never.highest.clear();
    let comes: fn(&mut Cluster) = |it| it.workers = idle().workers;
    let back: fn(&mut Cluster) = |it| {
        it.workers = vec![(seat(1, 2), WorkerState::Healthy, Resources::NONE)];
    };
    hold(vec![
        (idle(), |it| it.workers[0].1 = silent(), &["w1  HEALTHY → DEGRADED (silent)"]),
        (
            quiet.clone(),
            |it| {
                it.workers[0].0 = seat(1, 2);
                it.workers[0].1 = WorkerState::Healthy;
            },
            &["w1@1 → w1@2", "w1@2  DEGRADED (silent) → HEALTHY"],
        ),
        (idle(), restarts, &["w1@1 → w1@2"]),
        (quiet, dead, &["w1  DEGRADED (silent) → DEAD"]),
        (never, comes, &["w1  absent → HEALTHY"]),
        (gone, back, &["w1@2  DEAD → HEALTHY"]),
        (idle(), |it| it.workers[0].2 = Resources::cpus(2), &["w1  held 0m CPU → 2000m CPU"]),
    ]);
}

#[test]
fn slices_and_their_machines_are_told() {
    let s1 = SliceId { group: GroupId(1), number: 1 };
    let slice = vec![(VmId(1), VmState::Booting), (VmId(2), VmState::Requesting)];
    let granted = Cluster { slices: vec![(s1, slice, false)], ..Cluster::default() };
    hold(vec![
        (granted.clone(), |it| it.slices.clear(), &["g1/s1  gone"]),
        (
            granted.clone(),
            |it| {
                it.slices[0].2 = true;
                it.slices[0].1[0].1 = VmState::Failed;
            },
            &["g1/s1  closed", "v1  BOOTING → FAILED"],
        ),
        (granted.clone(), |it| it.slices[0].1.truncate(1), &["v2  REQUESTING → absent"]),
    ]);
    let created = changes(&Cluster::default(), &granted);
    assert_eq!(created, ["g1/s1  created {v1 BOOTING, v2}"]);
    let mut closed = granted.clone();
    closed.slices[0].2 = true;
    assert_eq!(changes(&Cluster::default(), &closed), ["g1/s1  created {v1 BOOTING, v2}, closed"]);
    assert_eq!(changes(&closed, &granted), ["g1/s1  open again"]);
}

#[test]
fn processes_and_exits_are_told_by_seat() {
    let alive = |task, seat| runs(attempt(task, 0), seat, ProcessStage::Alive);
    let both = Cluster {
        processes: vec![alive(1, seat(1, 1)), alive(0, seat(1, 1)), alive(2, seat(2, 2))],
        ..Cluster::default()
    };
    let waits = Cluster { exits: vec![(attempt(0, 0), seat(1, 1))], ..running() };
    hold(vec![
        (
            both.clone(),
            |it| it.processes[0].stage = ProcessStage::Stopping,
            &["w1  running {j1.0#0, j1.1#0} → {j1.0#0, j1.1#0 stopping}"],
        ),
        (
            both,
            |it| {
                it.processes.drain(1..);
                it.exits.push((attempt(2, 0), seat(2, 2)));
            },
            &[
                "w1  running {j1.0#0, j1.1#0} → {j1.1#0}",
                "w2@2  running {j1.2#0} → {}; j1.2#0 exited, not yet recorded",
            ],
        ),
        (
            Cluster::default(),
            |it| it.exits.push((attempt(2, 0), seat(2, 2))),
            &["j1.2#0  exited, not yet recorded"],
        ),
        (
            Cluster { attempts: vec![], ..waits.clone() },
            |it| it.exits.clear(),
            &["j1.0#0  its exit is awaited no more"],
        ),
        (waits, |it| it.exits.clear(), &["j1.0#0  its exit is awaited no more"]),
    ]);
}
