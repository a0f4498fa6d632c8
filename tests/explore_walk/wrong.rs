//! Machines that are wrong on purpose, in scopes that were not made for them: walks find them, and
//! what they find becomes about as short as what a search finds.

use iris_check::check::scope::Scope;
use iris_check::check::walk::{Sight, Strolled, walk, walk_with};
use iris_check::check::{ClusterModel, run_with};
use iris_check::explore::{Draw, Limits, Walks};

use super::common::unlimited;
use super::harness::Row;
use super::{safety, stability, walks};

/// Walks: more than any row needs.
const WALKS: u64 = 2_000;

/// Which claim tells, what is broken, and how many steps the shortest run takes.
const WRONG: [(&str, &str, u32); 6] = [
    ("S1", "a budget of no retries allows one", 5),
    ("S9", "room that a report gives back is not used before the next heartbeat", 5),
    ("T3", "a worker forgets an attempt when its end is acknowledged", 6),
    ("T6", "*not now* is taken for *refused*", 6),
    ("T8", "absence is judged before results", 6),
    ("T9", "a report renews what only a heartbeat may", 7),
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
    for (claim, broken, least) in WRONG {
        let found = strolled(broken, Draw::Swarm, 2);
        let caught = found.caught.iter().find(|caught| caught.trace.claim == claim);
        let caught = caught.unwrap_or_else(|| panic!("{broken}: not in {:?}", found.done));
        let steps = u32::try_from(caught.trace.steps.len()).expect("it is short");
        assert!(least <= steps && 2 * steps <= 3 * least, "{broken}: {steps}, not {least}");
        assert!(caught.steps >= caught.trace.steps.len(), "{broken}: {}", caught.steps);
        let limits = Limits { max_depth: Some(least), ..unlimited(2) };
        let searched = run_with(&ClusterModel::with(wide(), row(broken).wrong), &limits);
        let shortest = searched.findings.iter().find(|finding| finding.claim == claim);
        let shortest = shortest.map(|finding| finding.steps.len());
        assert_eq!(shortest, usize::try_from(least).ok(), "{broken}");
    }
}

#[test]
fn walks_through_a_cluster_depend_on_no_thread() {
    for (_, broken, _) in [WRONG[0], WRONG[4]] {
        let [one, two, three] = [1, 2, 3].map(|threads| strolled(broken, Draw::Swarm, threads));
        assert_eq!(one, two, "{broken}");
        assert_eq!(one, three, "{broken}");
    }
}

#[test]
fn with_the_machines_as_they_are_nothing_is_found_and_nothing_is_said_to_hold() {
    let found = walk(&wide(), &Walks { depth: 200, ..walks(50, 0, 2) });
    assert_eq!(found.caught, []);
    assert_eq!(found.done.walks, 50);
    assert!(found.done.steps > 1_000 && found.done.deepest > 15, "{:?}", found.done);
    for line in found.lines {
        let expected = if line.id.starts_with('L') {
            line.sight == Sight::NotLookedAt
        } else {
            matches!(line.sight, Sight::NotFound | Sight::NotExercised)
        };
        assert!(expected, "{}: {:?}", line.id, line.sight);
    }
}
