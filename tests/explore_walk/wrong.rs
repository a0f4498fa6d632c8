//! Machines that are wrong on purpose, in scopes that were not made for them: walks find them, and
//! what they find becomes about as short as what a search finds.

use iris_check::check::scope::Scope;
use iris_check::check::walk::{Sight, Strolled, walk, walk_with};
use iris_check::check::{ClusterModel, Verdict, run_with};
use iris_check::explore::{Draw, Limits, Walks};

use super::common::unlimited;
use super::harness::Row;
use super::{safety, stability, walks};

/// Searches that see no more states than this find the shortest run for each row below.
const MOST_STATES: u64 = 150_000;
/// Walks of 500 steps: more than any row needs.
const WALKS: u64 = 2_000;

/// What is broken, and which claim tells.
const WRONG: [(&str, &str); 7] = [
    ("S1", "a budget of no retries allows one"),
    ("S4", "a cancel gives the room back at once"),
    ("S5", "a failure is not charged"),
    ("T1", "a success that is heard of after a cancel overwrites the end"),
    ("T3", "a worker forgets an attempt when its end is acknowledged"),
    ("T8", "absence is judged before results"),
    ("T8", "a worker lists no result that it has reported, acknowledged or not"),
];

fn row(broken: &str) -> &'static Row {
    let mut rows = safety::ROWS.iter().chain(stability::ROWS);
    rows.find(|row| row.broken == broken).expect("it is a row of a table")
}

fn wide() -> Scope {
    Scope::named("mix.wide").expect("it is a standard scope")
}

fn strolled(broken: &str, draw: Draw, threads: usize) -> Strolled {
    let walks = Walks { depth: 500, draw, ..walks(WALKS, 0, threads) };
    walk_with(ClusterModel::with(wide(), row(broken).wrong), &walks)
}

#[test]
fn wrong_machines_are_found_in_a_large_scope_and_the_runs_become_short() {
    for (claim, broken) in WRONG {
        let found = strolled(broken, Draw::Swarm, 2);
        let caught = found.caught.iter().find(|caught| caught.trace.claim == claim);
        let caught = caught.unwrap_or_else(|| panic!("{broken}: not in {:?}", found.done));
        let limits = Limits { max_states: Some(MOST_STATES), ..unlimited(2) };
        let searched = run_with(&ClusterModel::with(wide(), row(broken).wrong), &limits);
        let least = searched.findings.iter().find(|finding| finding.claim == claim);
        let least = least.unwrap_or_else(|| panic!("{broken}: {searched:?}")).steps.len();
        let steps = caught.trace.steps.len();
        assert!(steps >= least && 2 * steps <= 3 * least, "{broken}: {steps}, not {least}");
        assert!(caught.steps >= steps, "{broken}: {} became {steps}", caught.steps);
        assert_eq!(
            searched.rows.iter().find(|it| it.id == claim).map(|it| it.verdict),
            Some(Verdict::Violated)
        );
    }
}

#[test]
fn walks_through_a_cluster_depend_on_no_thread() {
    for (_, broken) in [WRONG[0], WRONG[5]] {
        let [one, two, three] = [1, 2, 3].map(|threads| strolled(broken, Draw::Swarm, threads));
        assert_eq!(one, two, "{broken}");
        assert_eq!(one, three, "{broken}");
    }
}

#[test]
fn with_the_machines_as_they_are_nothing_is_found_and_nothing_is_said_to_hold() {
    let found = walk(&wide(), &Walks { depth: 200, ..walks(50, 0, 2) });
    assert_eq!(found.caught, []);
    assert_eq!((found.done.walks, found.done.steps), (50, 10_000));
    for line in found.lines {
        let expected = if line.id.starts_with('L') {
            line.sight == Sight::NotLookedAt
        } else {
            matches!(line.sight, Sight::NotFound | Sight::NotExercised)
        };
        assert!(expected, "{}: {:?}", line.id, line.sight);
    }
}
