use super::super::testing::{A0, Act, Hand, J1, RUNNING, W1, W2, claim, seat};
use super::super::{Judge, Subject};
use crate::model::id::VmId;
use crate::model::job::JobState;
use crate::model::resources::{Attributes, Resources};
use crate::model::task::{Cause, Outcome, TaskState};
use crate::model::time::Millis;
use crate::model::vm::VmState;
use crate::model::worker::{Reasons, WorkerState};

/// A change to a cluster that is in order, what is open then, and what is said if it stays so.
type Row = (Act, &'static [&'static str], &'static str);

const JOB: Subject = Subject::Job(J1);
const TASK: Subject = Subject::Task(A0.task);
const LOST: (Outcome, Cause) = (Outcome::WorkerFailed, Cause::Loss);

fn check(id: &str, subject: Subject, hand: &Hand, rows: &[Row]) {
    let Judge::Progress { per, open, found } = claim(id).judge else {
        panic!("{id} is not about progress")
    };
    for (at, (change, expected, says)) in rows.iter().enumerate() {
        let mut changed = hand.clone();
        change(&mut changed);
        let names: Vec<&str> = open
            .iter()
            .filter(|(_, open)| open(&changed, subject))
            .map(|(name, _)| *name)
            .collect();
        assert_eq!(names, *expected, "row {at}: {id}");
        let there = per.any(&changed, |other| other == subject);
        assert!(there || expected.is_empty(), "row {at}: {id} is open for nobody");
        if !expected.is_empty() {
            assert_eq!(found(&changed, subject), *says, "row {at}: {id}");
        }
    }
}

#[test]
fn l1_a_job_that_can_end_does() {
    let stays = "j1 never ends: it stays RUNNING, with j1.0 RUNNING";
    let waits = "j1 never ends: it stays RUNNING, with j1.0 PENDING";
    let rows: [Row; 9] = [
        (|_| (), &["fits"], stays),
        (|h| h.jobs[0].told = JobState::Killed, &[], ""),
        (|h| h.jobs.clear(), &[], ""),
        (|h| h.end(0, LOST, TaskState::Pending), &["fits"], waits),
        // What its own former attempts hold is given back; what others hold may stay.
        (|h| (h.end(0, LOST, TaskState::Pending), h.workers.truncate(1)).1, &["fits"], waits),
        (|h| h.add(TaskState::Pending), &["fits"], stays),
        (|h| (h.add(TaskState::Pending), h.workers.truncate(1)).1, &[], ""),
        (|h| (h.end(0, LOST, TaskState::Pending), h.workers.clear()).1, &["no live worker"], waits),
        (
            |h| {
                h.end(0, LOST, TaskState::Pending);
                for worker in &mut h.workers {
                    worker.state = WorkerState::Degraded(Reasons::SILENT);
                }
                h.jobs[0].terms.scheduling_timeout = Some(Millis(1));
            },
            &["scheduling_timeout"],
            waits,
        ),
    ];
    check("L1", JOB, &Hand::busy(), &rows);
    check("L1", TASK, &Hand::busy(), &[(|_| (), &[], "")]);
}

#[test]
fn l1_a_gang_fits_as_one() {
    let mut gang = Hand::gang();
    gang.end(0, LOST, TaskState::Pending);
    gang.end(1, LOST, TaskState::Pending);
    let waits = "j1 never ends: it stays RUNNING, with j1.0 PENDING";
    let rows: [Row; 4] = [
        (|_| (), &["fits"], waits),
        (|h| (h.task(0).state, h.task(1).state) = (RUNNING, RUNNING), &["fits"], {
            "j1 never ends: it stays RUNNING, with j1.0 RUNNING"
        }),
        (|h| h.workers[1].attributes = Attributes::new([("zone", "b")]), &[], ""),
        (|h| (h.workers[1].held, h.workers[1].total) = (Resources::NONE, Resources::NONE), &[], ""),
    ];
    check("L1", JOB, &gang, &rows);
}

#[test]
fn l2_and_l3_ends_are_recorded_and_confirmed() {
    let unrecorded = "j1.0#0 exited by itself on w1, which is alive, and that is never recorded";
    let rows: [Row; 5] = [
        (|_| (), &[], ""),
        (|h| h.exits.push((A0, W1)), &["exit not recorded"], unrecorded),
        (|h| (h.exits.push((A0, W1)), h.workers.clear()).0, &[], ""),
        (|h| (h.exits.push((A0, W1)), h.end(0, LOST, TaskState::Pending)).0, &[], ""),
        (|h| (h.exits.push((A0, W1)), h.workers[0].seat = seat(1, 2)).0, &[], ""),
    ];
    check("L2", TASK, &Hand::busy(), &rows);
    let unconfirmed = "j1.0#0 on w1@1 ended WORKER_FAILED (loss) and is never confirmed gone";
    let rows: [Row; 3] = [
        (|_| (), &[], ""),
        (|h| h.end(0, LOST, TaskState::Pending), &["ended, not confirmed gone"], unconfirmed),
        (|h| (h.end(0, LOST, TaskState::Pending), h.confirm(0)).1, &[], ""),
    ];
    check("L3", TASK, &Hand::busy(), &rows);
}

#[test]
fn l4_what_nobody_wants_is_stopped() {
    let unwanted = "j1.0#0 runs for ever on w1@1, where nobody wants it";
    let unheard = "j1.0#0 runs for ever on w1@1, to which nobody listens";
    let rows: [Row; 5] = [
        (|_| (), &[], ""),
        (|h| h.last(0).end = Some(LOST), &["unwanted process"], unwanted),
        (|h| h.last(0).seat = W2, &["unwanted process"], unwanted),
        (|h| h.workers.clear(), &["unwanted process"], unheard),
        // Also when the job is not known any more.
        (|h| h.jobs.clear(), &["unwanted process"], unwanted),
    ];
    check("L4", TASK, &Hand::busy(), &rows);
}

#[test]
fn l5_a_vm_is_not_stuck() {
    let rows: [Row; 7] = [
        (|_| (), &[], ""),
        (|h| h.slices.clear(), &[], ""),
        (|h| h.slices[0].1[0].1 = VmState::Requesting, &["REQUESTING"], {
            "v1 stays REQUESTING for ever"
        }),
        (|h| h.slices[0].1[0].1 = VmState::Booting, &["BOOTING"], "v1 stays BOOTING for ever"),
        (|h| h.slices[0].1[0].1 = VmState::Initializing, &["INITIALIZING"], {
            "v1 stays INITIALIZING for ever"
        }),
        (|h| h.slices[0].1[0].1 = VmState::Stopping, &["STOPPING"], "v1 stays STOPPING for ever"),
        (|h| h.slices[0].1[0].1 = VmState::Failed, &["FAILED"], "v1 stays FAILED for ever"),
    ];
    check("L5", Subject::Vm(VmId(1)), &Hand::fleet(), &rows);
}
