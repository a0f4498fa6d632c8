//! The order of names in which a matrix is least, and how many others it stands for.

use smallvec::SmallVec;

use crate::check::scope::{MAX_TASKS, MAX_WORKERS};
use crate::explore::fingerprint;
use crate::model::id::{TaskId, WorkerId};

use super::Alike;
use super::picture::Picture;

/// Workers by index, in an order.
type Columns = SmallVec<[usize; MAX_WORKERS]>;

/// A task's row: its class, what is said of it, what is said of it on each worker; and its index,
/// last, which tells rows apart that are the same.
type Row = (u32, u64, [u64; MAX_WORKERS], usize);

/// The names in the order in which they are to stand where those of their classes stand. It is the
/// same for all the matrices that differ by an exchange of names, but for names of which the same
/// is said.
pub(super) fn order(
    alike: &Alike,
    picture: &Picture,
) -> (SmallVec<[WorkerId; MAX_WORKERS]>, SmallVec<[TaskId; MAX_TASKS]>) {
    let colours = colours(alike, picture);
    let mut columns = by_colour(&colours);
    let mut rows = sorted(alike, picture, &columns);
    if is_tied(&colours, &columns, picture) {
        each_order(&colours, |other| {
            let candidate = sorted(alike, picture, other);
            if nameless(&candidate).lt(nameless(&rows)) {
                (columns, rows) = (other.clone(), candidate);
            }
        });
    }
    let workers = columns.iter().map(|at| alike.workers[*at].0).collect();
    (workers, rows.iter().map(|row| alike.tasks[row.3]).collect())
}

/// How many matrices there are that differ from this one by an exchange of names, itself counted:
/// all exchanges, divided by those that leave it as it is.
pub(super) fn images(alike: &Alike, picture: &Picture) -> u64 {
    let colours = colours(alike, picture);
    let rows = sorted(alike, picture, &by_colour(&colours));
    let mut same = 0;
    each_order(&colours, |other| {
        same += u64::from(nameless(&sorted(alike, picture, other)).eq(nameless(&rows)));
    });
    same *= exchanges(&rows, |row| (row.0, row.1, row.2));
    let workers = exchanges(&alike.workers, |(_, class)| *class);
    workers * exchanges(&alike.tasks, |task| task.job) / same
}

/// In how many ways neighbours with the same key can change places.
fn exchanges<T, K: PartialEq>(all: &[T], key: impl Fn(&T) -> K) -> u64 {
    let runs = all.chunk_by(|one, other| key(one) == key(other));
    runs.map(|run| (1..=run.len() as u64).product::<u64>()).product()
}

fn by_colour(colours: &[(u8, u64)]) -> Columns {
    let mut columns: Columns = (0..colours.len()).collect();
    columns.sort_by_key(|at| colours[*at]);
    columns
}

/// Every order of the workers that has their colours in order: few, for there are few workers.
fn each_order(colours: &[(u8, u64)], mut see: impl FnMut(&Columns)) {
    let mut order: Columns = (0..colours.len()).collect();
    loop {
        if order.is_sorted_by_key(|at| colours[*at]) {
            see(&order);
        }
        if !next(&mut order) {
            return;
        }
    }
}

/// What tells workers apart whatever they and the tasks are called: their class, what is said of
/// them, and of what tasks what is said on them.
fn colours(alike: &Alike, picture: &Picture) -> SmallVec<[(u8, u64); MAX_WORKERS]> {
    let of = |(at, (_, class)): (usize, &(WorkerId, u8))| {
        let mut sum = picture.workers[at];
        for (row, task) in alike.tasks.iter().enumerate() {
            let cell = picture.cells[row][at];
            if cell != 0 {
                sum = sum.wrapping_add(fingerprint(&(task.job, picture.tasks[row], cell)));
            }
        }
        (*class, sum)
    };
    alike.workers.iter().enumerate().map(of).collect()
}

/// Whether two workers have the same colour and not the same column.
fn is_tied(colours: &[(u8, u64)], columns: &[usize], picture: &Picture) -> bool {
    columns.windows(2).any(|pair| {
        let (one, other) = (pair[0], pair[1]);
        colours[one] == colours[other] && picture.cells.iter().any(|row| row[one] != row[other])
    })
}

/// The rows in order, their cells in the order of these columns.
fn sorted(alike: &Alike, picture: &Picture, columns: &[usize]) -> SmallVec<[Row; MAX_TASKS]> {
    let row = |(at, task): (usize, &TaskId)| {
        let mut cells = [0; MAX_WORKERS];
        cells.iter_mut().zip(columns).for_each(|(cell, from)| *cell = picture.cells[at][*from]);
        (task.job.0, picture.tasks[at], cells, at)
    };
    let mut rows: SmallVec<[Row; MAX_TASKS]> = alike.tasks.iter().enumerate().map(row).collect();
    rows.sort_unstable();
    rows
}

/// What rows say, without the names of their tasks.
fn nameless(rows: &[Row]) -> impl Iterator<Item = (u64, &[u64; MAX_WORKERS])> {
    rows.iter().map(|row| (row.1, &row.2))
}

/// The order after this one, as numbers whose digits are all different count up; none after the
/// last.
fn next(order: &mut [usize]) -> bool {
    let Some(at) = order.windows(2).rposition(|pair| pair[0] < pair[1]) else { return false };
    let greater = order.iter().rposition(|it| *it > order[at]);
    order.swap(at, greater.expect("invariant: the one behind it is greater"));
    order[at + 1..].reverse();
    true
}
