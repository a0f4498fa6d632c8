use super::super::testing::{A0, Act, Hand, RUNNING, W1, W2, in_state, seat};
use crate::model::budget::Budget;
use crate::model::job::JobState;
use crate::model::resources::{Attributes, Resources};
use crate::model::task::{Cause, FailedBy, Outcome, TaskState};
use crate::model::view::{GroupView, ProcessStage, ProcessView};
use crate::model::vm::VmState;
use crate::model::worker::{Reasons, WorkerState};

/// A claim, a change to a cluster that is in order, and what the claim then finds; nothing for a
/// change that is allowed.
type Row = (&'static str, Act, &'static str);

const FAILED: TaskState = TaskState::Failed(FailedBy::Exit);
const LOST: (Outcome, Cause) = (Outcome::WorkerFailed, Cause::Loss);

fn check(hand: &Hand, rows: &[Row]) {
    for (at, (id, change, expected)) in rows.iter().enumerate() {
        let mut changed = hand.clone();
        change(&mut changed);
        let found = in_state(id, &changed).unwrap_or_default();
        assert_eq!(found, *expected, "row {at}: {id}");
    }
}

/// What every judge of states is silent about.
#[test]
fn a_cluster_in_order_violates_nothing() {
    for hand in [Hand::busy(), Hand::gang(), Hand::fleet()] {
        for id in ["S1", "S2", "S3", "S4", "S5", "S6", "S7", "S8", "S9"] {
            assert_eq!(in_state(id, &hand), None, "{id}");
        }
    }
}

#[test]
fn s1_and_s3_a_task_agrees_with_its_counters_and_attempts() {
    check(
        &Hand::busy(),
        &[
            (
                "S1",
                |h| h.task(0).spent.failure = 2,
                "j1.0 has spent 2 of its failure budget of 1 and is RUNNING",
            ),
            ("S1", |h| h.task(0).spent.failure = 1, ""),
            ("S1", |h| (h.task(0).spent.failure, h.task(0).state) = (2, TaskState::Killed), ""),
            (
                "S1",
                |h| (h.add(FAILED), h.add(FAILED), h.jobs[0].terms.max_task_failures = 1).0,
                "j1 is RUNNING with 2 of its tasks FAILED, where 1 may",
            ),
            ("S1", |h| (h.add(FAILED), h.jobs[0].terms.max_task_failures = 1).0, ""),
            ("S1", |h| (h.add(FAILED), h.jobs[0].told = JobState::Failed).0, ""),
            ("S1", |h| h.add(TaskState::Unschedulable), "j1.1 is UNSCHEDULABLE, and j1 is RUNNING"),
            (
                "S3",
                |h| h.task(0).state = TaskState::Pending,
                "j1.0 is PENDING and has a live attempt",
            ),
            ("S3", |h| h.last(0).end = Some(LOST), "j1.0 is RUNNING and has no live attempt"),
            ("S3", |h| h.end(0, LOST, TaskState::Pending), ""),
            ("S3", |h| h.start(0, W2), "j1.0 has 2 live attempts"),
            (
                "S3",
                |h| (h.start(0, W2), h.last(0).end = Some(LOST)).0,
                "the live attempt of j1.0 is not its last one",
            ),
            ("S3", |h| (h.last(0).end = Some(LOST), h.start(0, W2)).0, ""),
        ],
    );
}

#[test]
fn s2_the_fold_is_the_contracts_rule_by_rule() {
    use TaskState::{Killed, Pending, Succeeded, Unschedulable, WorkerFailed};
    let rows: [(&[TaskState], bool, u16, JobState); 18] = [
        (&[Succeeded, Succeeded], false, 0, JobState::Succeeded),
        (&[FAILED, Pending], false, 0, JobState::Failed),
        (&[FAILED, Pending], false, 1, JobState::Pending),
        (&[FAILED, RUNNING], false, 1, JobState::Running),
        (&[FAILED, Succeeded], false, 1, JobState::Failed),
        (&[FAILED, Unschedulable], false, 0, JobState::Failed),
        (&[WorkerFailed, FAILED], true, 0, JobState::Failed),
        (&[FAILED, RUNNING], true, 1, JobState::Failed),
        (&[WorkerFailed, Killed], true, 0, JobState::WorkerFailed),
        (&[WorkerFailed, Killed], false, 0, JobState::Killed),
        (&[WorkerFailed, Pending], false, 0, JobState::Pending),
        (&[WorkerFailed, FAILED], false, 1, JobState::WorkerFailed),
        (&[WorkerFailed, Succeeded], false, 0, JobState::WorkerFailed),
        (&[Unschedulable, Killed], false, 0, JobState::Unschedulable),
        (&[Killed, RUNNING], false, 0, JobState::Killed),
        (&[Succeeded, Pending], false, 0, JobState::Running),
        (&[RUNNING, Pending], false, 0, JobState::Running),
        (&[Pending, Pending], false, 0, JobState::Pending),
    ];
    for (tasks, gang, most, sum) in rows {
        let mut hand = Hand::busy();
        hand.jobs[0].tasks.clear();
        hand.jobs[0].terms.replicas = 0;
        hand.jobs[0].terms.max_task_failures = most;
        hand.jobs[0].terms.group_by = gang.then(|| "zone".into());
        for state in tasks {
            hand.add(*state);
        }
        hand.jobs[0].told = sum;
        assert_eq!(in_state("S2", &hand), None, "{tasks:?}");
        let other = if sum == JobState::Killed { JobState::Failed } else { JobState::Killed };
        hand.jobs[0].told = other;
        let expected = format!("j1 is told to be {other}; its tasks add up to {sum}");
        assert_eq!(in_state("S2", &hand), Some(expected), "{tasks:?}");
    }
}

#[test]
fn s4_what_runs_is_held() {
    let alive = |attempt, seat| ProcessView { attempt, seat, stage: ProcessStage::Alive };
    let mut hand = Hand::busy();
    hand.processes.push(alive(A0, seat(2, 9))); // nobody listens to it
    check(
        &hand,
        &[
            ("S4", |_| (), ""),
            (
                "S4",
                |h| h.processes[0].seat = W2,
                "j1.0#0 runs on w2@1, and nothing is held for it there",
            ),
            (
                "S4",
                |h| h.last(0).gone = true,
                "j1.0#0 runs on w1@1, and nothing is held for it there",
            ),
            (
                "S4",
                |h| h.workers[0].held = Resources::NONE,
                "w1@1 is said to hold 0m CPU; its attempts need 1000m CPU",
            ),
            (
                "S4",
                |h| h.workers[1].held.memory_bytes = 7,
                "w2@1 is said to hold 0m CPU 7 B; its attempts need 0m CPU",
            ),
            ("S4", |h| h.workers[0].total = Resources::NONE, "w1@1 holds 1000m CPU and has 0m CPU"),
            ("S4", |h| h.end(0, LOST, TaskState::Pending), ""),
            ("S4", |h| (h.end(0, LOST, TaskState::Pending), h.confirm(0)).0, ""),
        ],
    );
}

#[test]
fn s5_counters_are_numbers_of_attempts() {
    check(
        &Hand::busy(),
        &[
            (
                "S5",
                |h| h.task(0).spent.delivery = 1,
                "j1.0 has spent 1 of its delivery budget; 0 of its attempts ended that way",
            ),
            (
                "S5",
                |h| h.last(0).end = Some(LOST),
                "j1.0 has spent 0 of its preemption budget; 1 of its attempts ended that way",
            ),
            (
                "S5",
                |h| h.last(0).end = Some((Outcome::Failed, Cause::Exit)),
                "j1.0 has spent 0 of its failure budget; 1 of its attempts ended that way",
            ),
            ("S5", |h| (h.last(0).end, h.task(0).spent.preemption) = (Some(LOST), 1), ""),
            ("S5", |h| (h.last(0).end, h.uncharged) = (Some(LOST), Some(Budget::Preemption)), ""),
            ("S5", |h| h.last(0).end = Some((Outcome::Succeeded, Cause::Exit)), ""),
            ("S5", |h| h.last(0).end = Some((Outcome::Failed, Cause::Timeout)), ""),
            ("S5", |h| h.last(0).end = Some((Outcome::CoschedFailed, Cause::Gang)), ""),
            ("S5", |h| (h.task(0).spent.failure, h.task(0).forgotten.failure) = (2, 2), ""),
            (
                "S5",
                |h| (h.task(0).spent.failure, h.task(0).forgotten.failure) = (3, 3),
                "j1.0 has spent 3 of its failure budget, which was over at 2",
            ),
        ],
    );
}

#[test]
fn s6_a_gang_runs_together() {
    check(
        &Hand::gang(),
        &[
            (
                "S6",
                |h| h.end(1, LOST, TaskState::Pending),
                "j1.0 is RUNNING, and j1.1 of its gang is PENDING",
            ),
            ("S6", |h| (h.task(0).state, h.task(1).state) = (FAILED, FAILED), ""),
            ("S6", |h| h.end(1, (Outcome::Succeeded, Cause::Exit), TaskState::Succeeded), ""),
            ("S6", |h| h.last(1).seat = W1, "j1.0#0 and j1.1#0 of one gang are both on w1"),
            (
                "S6",
                |h| h.workers[1].attributes = Attributes::new([("zone", "b")]),
                "j1.0#0 and j1.1#0 of one gang are on w1 and w2, which differ in zone",
            ),
            (
                "S6",
                |h| h.workers[1].attributes = Attributes::default(),
                "j1.0#0 and j1.1#0 of one gang are on w1 and w2, which differ in zone",
            ),
            (
                "S6",
                |h| h.workers[0].attributes = Attributes::default(),
                "j1.0#0 is on w1, which has no zone",
            ),
            ("S6", |h| h.workers.truncate(1), ""),
        ],
    );
}

#[test]
fn s7_slices_agree_with_their_members() {
    let degraded = |hand: &mut Hand| {
        hand.workers[0].state = WorkerState::Degraded(Reasons::CLOSED);
    };
    let mut closed = Hand::fleet();
    (closed.slices[0].1[0].1, closed.slices[0].2) = (VmState::Stopping, true);
    check(&closed, &[("S7", |_| (), "g1/s1 is closed, and w1 of its v1 is HEALTHY")]);
    degraded(&mut closed);
    check(
        &closed,
        &[
            ("S7", |_| (), ""),
            ("S7", |h| h.slices[0].1[0].1 = VmState::Failed, ""),
            (
                "S7",
                |h| h.slices[0].1[0].1 = VmState::Booting,
                "g1/s1 is closed, and its v1 is BOOTING",
            ),
        ],
    );
    check(
        &Hand::fleet(),
        &[
            ("S7", |h| h.slices[0].1[0].1 = VmState::Requesting, ""),
            ("S7", |h| h.slices[0].1[0].1 = VmState::Unhealthy, ""),
            (
                "S7",
                |h| h.slices[0].1[0].1 = VmState::Preempted,
                "g1/s1 is not closed, and its v1 is PREEMPTED",
            ),
            ("S7", |h| h.add_slice(2, VmState::Booting, false), "g1 has 2 slices where 1 may be"),
            (
                "S7",
                |h| (h.add_slice(2, VmState::Ready, false), h.slices[1].1[0].0.0 = 1).0,
                "v1 belongs to g1/s1 and to g1/s2",
            ),
            (
                "S7",
                |h| {
                    h.add_slice(2, VmState::Booting, false);
                    h.groups[0] = GroupView { max_slices: 2, ..h.groups[0] };
                },
                "",
            ),
        ],
    );
}

#[test]
fn s8_one_process_of_a_task_runs() {
    let mut hand = Hand::busy();
    hand.start(0, W2);
    check(
        &hand,
        &[
            ("S8", |_| (), "j1.0#0 runs on w1@1 while j1.0#1 runs on w2@1"),
            (
                "S8",
                |h| h.processes[1].stage = ProcessStage::Stopping,
                "j1.0#0 runs on w1@1 while j1.0#1 runs on w2@1",
            ),
            ("S8", |h| h.processes[0].stage = ProcessStage::Launching, ""),
            ("S8", |h| h.processes[1].attempt.task.index = 1, ""),
            ("S8", |h| h.clocks_are_kept = false, ""),
        ],
    );
}

#[test]
fn s9_what_fits_is_placed() {
    let mut hand = Hand::busy();
    hand.add(TaskState::Pending);
    check(
        &hand,
        &[
            ("S9", |_| (), "j1.1 waits, and w2 has room for it"),
            ("S9", |h| h.workers[1].state = WorkerState::Degraded(Reasons::SILENT), ""),
            ("S9", |h| h.jobs[0].terms.resources.memory_bytes = 1, ""),
            ("S9", |h| (h.place(1, W1), h.last(1).end = Some(LOST)).1, ""),
            (
                "S9",
                |h| {
                    h.place(1, W1);
                    h.last(1).end = Some(LOST);
                    h.last(1).gone = true;
                },
                "j1.1 waits, and w2 has room for it",
            ),
        ],
    );
    let mut gang = Hand::gang();
    for index in [0, 1] {
        gang.end(index, LOST, TaskState::Pending);
        gang.confirm(index);
    }
    check(
        &gang,
        &[
            ("S9", |_| (), "j1 waits, and the workers like w1 have room for all its tasks"),
            ("S9", |h| h.task(0).state = FAILED, ""),
            ("S9", |h| h.workers[1].held = Resources::cpus(1), ""),
            ("S9", |h| h.workers[1].attributes = Attributes::new([("zone", "b")]), ""),
            ("S9", |h| h.jobs[0].terms.group_by = Some("rack".into()), ""),
        ],
    );
}
