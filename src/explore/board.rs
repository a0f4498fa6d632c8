//! Shares the jobs of one level among threads, and hands the results back in the order of the jobs.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard};

/// How far ahead of the owner the workers may run: bounds the results that wait.
const AHEAD: usize = 256;

/// Jobs to do and results to take. The owner takes every result in order, and works while it waits.
pub(super) struct Board<J, R> {
    inner: Mutex<Inner<J, R>>,
    changed: Condvar,
}

struct Inner<J, R> {
    jobs: std::vec::IntoIter<J>,
    /// Jobs given out so far.
    given: usize,
    /// Results taken so far; `results[0]` is the one to be taken next.
    taken: usize,
    results: VecDeque<Option<R>>,
    /// How many wait to be told: telling costs a call to the kernel.
    waiting: usize,
    /// Somebody panicked or the search was stopped: all go home.
    closed: bool,
}

/// What the owner does next.
pub(super) enum Turn<J, R> {
    /// Do this job and `put` its result.
    Work(usize, J),
    /// Use this result.
    Take(R),
    /// All is done, or the board was closed.
    Done,
}

impl<J, R> Board<J, R> {
    pub(super) fn new(jobs: Vec<J>) -> Self {
        let inner = Inner {
            jobs: jobs.into_iter(),
            given: 0,
            taken: 0,
            results: VecDeque::new(),
            waiting: 0,
            closed: false,
        };
        Self { inner: Mutex::new(inner), changed: Condvar::new() }
    }

    /// The owner's next turn; waits if there is nothing to do yet.
    pub(super) fn owner_turn(&self) -> Turn<J, R> {
        let mut inner = self.lock();
        loop {
            if inner.closed {
                return Turn::Done;
            }
            if matches!(inner.results.front(), Some(Some(_))) {
                let result = inner.results.pop_front().flatten();
                inner.taken += 1;
                self.tell(&inner);
                return Turn::Take(result.expect("invariant: the front was looked at"));
            }
            if let Some((index, job)) = inner.give() {
                return Turn::Work(index, job);
            }
            if inner.results.is_empty() && inner.jobs.len() == 0 {
                return Turn::Done;
            }
            inner = self.wait(inner);
        }
    }

    /// A worker's next job; `None` when there is none left.
    pub(super) fn worker_turn(&self) -> Option<(usize, J)> {
        let mut inner = self.lock();
        loop {
            if inner.closed || inner.jobs.len() == 0 {
                return None;
            }
            if let Some(job) = inner.give() {
                return Some(job);
            }
            inner = self.wait(inner);
        }
    }

    /// Hands in the result of a job.
    pub(super) fn put(&self, index: usize, result: R) {
        let mut inner = self.lock();
        let at = index - inner.taken;
        inner.results[at] = Some(result);
        self.tell(&inner);
    }

    /// Sends all home.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// Closes the board if the holder panics, so that nobody waits for it.
    pub(super) fn guard(&self) -> Guard<'_, J, R> {
        Guard(self)
    }

    fn lock(&self) -> MutexGuard<'_, Inner<J, R>> {
        self.inner.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn tell(&self, inner: &Inner<J, R>) {
        if inner.waiting > 0 {
            self.changed.notify_all();
        }
    }

    fn wait<'a>(&self, mut inner: MutexGuard<'a, Inner<J, R>>) -> MutexGuard<'a, Inner<J, R>> {
        inner.waiting += 1;
        let waited = self.changed.wait(inner);
        let mut inner = waited.unwrap_or_else(std::sync::PoisonError::into_inner);
        inner.waiting -= 1;
        inner
    }
}

impl<J, R> Inner<J, R> {
    fn give(&mut self) -> Option<(usize, J)> {
        if self.given >= self.taken + AHEAD {
            return None;
        }
        let job = self.jobs.next()?;
        self.results.push_back(None);
        self.given += 1;
        Some((self.given - 1, job))
    }
}

/// See [`Board::guard`].
pub(super) struct Guard<'a, J, R>(&'a Board<J, R>);

impl<J, R> Drop for Guard<'_, J, R> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.close();
        }
    }
}
