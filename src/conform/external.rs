//! A cluster of somebody else's, behind a *driver*: a program that speaks for it.
//!
//! A driver is started by the shell (`--driver 'python3 drv.py'`). It reads one JSON object a line
//! from its standard input and answers each with one JSON object a line on its standard output,
//! in order. `examples/driver` holds a whole one in Python.
//!
//! Each question has a number, `id`, and one field that says what is asked. Its answer repeats the
//! number and has one field more: `ok`, or `error` with a text, which ends the run as trouble of
//! the driver and says nothing of the cluster.
//!
//! | question | `ok` of the answer | |
//! |---|---|---|
//! | `"iris-check-driver": 1` | `{"protocol": 1, "name": …, "abilities": {"steps": […], "slack": …}, "shows": […]}` | once, first of all; 1 is the version of the protocol |
//! | `"start": {"seed": …, "shape": {…}, "policy": {…}}` | `null` | a fresh cluster; nothing of an earlier run is left in it. The policy is whole |
//! | `"apply": STEP` | `"done"`, `{"job": "j1"}`, `"not_found"`, `{"invalid": "why"}`, `"unavailable"` | a step is done; never `pass`, and only of the kinds in `steps` |
//! | `"pass": MS` | `{"at": MS}` | this many milliseconds pass, in the cluster's time; all that is due by then has happened |
//! | `"see": {}` | `null` or `{"at": …, "jobs": […], …}` | what a user sees now; `null` while no controller answers |
//! | `"heal": {}` | `null` | every fault is taken back, every node started, every worker opened |
//! | `"end": {}` | `{}` or `{"strays": […], …}` | the run is over; another `start` may follow |
//!
//! - **Steps** are those of [`run`](super::run), as they stand in a run that is kept: `{"submit":
//!   {…}}`, `{"resubmit": "j1"}`, `{"cancel": "j1"}`, `{"worker_crashes": "w1"}`, `{"worker_starts":
//!   "w1"}`, `{"drain": "w1"}`, `"controller_crashes"` and so on. Which come is what `steps` of the
//!   abilities says: `submit`, `gang`, `resubmit`, `cancel`, `drain`, `worker`, `controller`, `cut`,
//!   `fault`, `fleet`, `pass`. `submit` and `resubmit` are answered with the job, by the run's own
//!   number: the first that is submitted is `j1`.
//! - **What is left out of a step or shape** has the usual value: of a job 1 replica, no failures,
//!   no failed tasks, no limits of time, no gang, no end by itself; of a worker zone `a`, and that
//!   it does not wait to be started. Workers are called `w1`, `w2` and on, in order.
//! - **`tasks` of a job** says how attempts end by themselves: a list for each task (for more tasks
//!   than lists the last one), in it one entry for each attempt (again the last for further ones):
//!   `after` so many milliseconds of running, with 0 if `ok`, else with an error.
//! - **What is seen** is written as [`Seen`]. Of an attempt that has ended, `outcome` must be there.
//!   What else is shown is said by `shows`: `workers`, `worker_attempts`, `slices`, `runs`, `spent`,
//!   `incarnations`, `phases`, `causes`, `gone`, `pending_reasons`. What is not promised is not
//!   looked at; what is promised must be there each time.
//! - **Time.** With a slack of 0 (virtual time) `at` is exactly the sum of what passed. A cluster in
//!   real time has a slack, in milliseconds; its `at` is never less than that sum.
//! - **A driver that is late, dies, or answers nonsense** is trouble, and never agreement. What it
//!   wrote to its standard error is told with it. It is killed with all that it started in its
//!   process group, also at the end if it does not end with its input.
//!
//! A whole dialogue, with `>` before questions and `<` before answers:
//!
//! ```text
//! > {"id":1,"iris-check-driver":1}
//! < {"id":1,"ok":{"protocol":1,"name":"mine","abilities":{"steps":["submit","pass"]},"shows":["spent"]}}
//! > {"id":2,"start":{"seed":7,"shape":{"workers":[{"cpus":4}]},"policy":{"retry":"budgeted",…}}}
//! < {"id":2,"ok":null}
//! > {"id":3,"apply":{"submit":{"cpus":1,"delivery":10,"preemption":100,"tasks":[[{"after":500,"ok":true}]]}}}
//! < {"id":3,"ok":{"job":"j1"}}
//! > {"id":4,"pass":500}
//! < {"id":4,"ok":{"at":500}}
//! > {"id":5,"see":{}}
//! < {"id":5,"ok":{"at":500,"jobs":[{"job":"j1","state":"SUCCEEDED","tasks":[{"state":"SUCCEEDED",
//!    "spent":{"failure":0,"delivery":0,"preemption":0},"attempts":[{"worker":"w1","outcome":"SUCCEEDED"}]}]}]}}
//! > {"id":6,"heal":{}}
//! < {"id":6,"ok":null}
//! > {"id":7,"end":{}}
//! < {"id":7,"ok":{}}
//! ```

mod messages;
mod talk;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::model::time::Millis;

use super::run::{Run, Step};
use super::seen::Seen;
use super::subject::{Abilities, Found, Reply, Stand, Subject, Trouble};

use messages::{Passed, Request};
use talk::Talk;

pub use messages::{Hello, Shown};

/// The version of the protocol.
pub const PROTOCOL: u32 = 1;

/// How long an answer may take, besides the time that is to pass.
pub const PATIENCE: Millis = Millis::seconds(10);

/// Where clusters behind a driver come from. A driver serves one run after another; runs at the
/// same time have drivers of their own.
pub struct External {
    command: String,
    patience: Millis,
    /// Drivers that serve no run.
    idle: Idle,
}

type Idle = Arc<Mutex<Vec<Talk>>>;

impl External {
    /// Drivers are started by this command, as a shell reads it, and have this long for an answer.
    /// None is started yet.
    pub fn new(command: &str, patience: Millis) -> Self {
        Self { command: command.to_owned(), patience, idle: Arc::default() }
    }

    /// What the driver says of itself.
    ///
    /// # Errors
    /// It cannot be started, or does not answer as it should.
    pub fn hello(&self) -> Result<Hello, Trouble> {
        let talk = self.talk()?;
        let hello = talk.hello().clone();
        idle(&self.idle).push(talk);
        Ok(hello)
    }

    fn talk(&self) -> Result<Talk, Trouble> {
        let waiting = idle(&self.idle).pop();
        waiting.map_or_else(|| Talk::begin(&self.command, self.patience), Ok)
    }
}

/// Nothing that holds this lock can panic half way.
fn idle(list: &Idle) -> MutexGuard<'_, Vec<Talk>> {
    list.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Stand for External {
    fn start(&self, run: &Run) -> Result<Box<dyn Subject>, Trouble> {
        let mut talk = self.talk()?;
        let Run { seed, shape, .. } = run;
        talk.ask::<()>(&Request::Start { seed: *seed, shape, policy: &shape.policy.0 })?;
        Ok(Box::new(Cluster { talk, passed: 0, idle: Arc::clone(&self.idle) }))
    }
}

/// A cluster behind a driver. Dropped before its end, it takes its driver along.
struct Cluster {
    talk: Talk,
    /// Milliseconds that were to pass so far.
    passed: u64,
    idle: Idle,
}

impl Cluster {
    /// Whether its clock can stand there.
    fn must_be_at(&self, at: u64) -> Result<(), String> {
        let passed = self.passed;
        if at < passed {
            return Err(format!("`at` is {at}, but {passed} ms have passed"));
        }
        if at > passed && self.abilities().slack == Millis(0) {
            return Err(format!(
                "`at` is {at}, but only {passed} ms have passed; a cluster in real time says so \
                 with a `slack`"
            ));
        }
        Ok(())
    }
}

impl Subject for Cluster {
    fn abilities(&self) -> &Abilities {
        &self.talk.hello().abilities
    }

    fn apply(&mut self, step: &Step) -> Result<Reply, Trouble> {
        self.talk.ask(&Request::Apply(step))
    }

    fn pass(&mut self, length: Millis) -> Result<(), Trouble> {
        self.passed += u64::from(length.0);
        let passed: Passed = self.talk.ask_within(&Request::Pass(length), length)?;
        self.must_be_at(passed.at).map_err(|says| self.talk.wrong(&says))
    }

    fn see(&mut self) -> Result<Option<Seen>, Trouble> {
        let mut seen: Option<Seen> = self.talk.ask(&Request::See {})?;
        if let Some(seen) = &mut seen {
            let held = Shown::hold(&self.talk.hello().shows, seen);
            held.and_then(|()| self.must_be_at(seen.at)).map_err(|says| self.talk.wrong(&says))?;
        }
        Ok(seen)
    }

    fn heal(&mut self) -> Result<(), Trouble> {
        self.talk.ask(&Request::Heal {})
    }

    fn end(mut self: Box<Self>) -> Result<Found, Trouble> {
        let found = self.talk.ask(&Request::End {})?;
        idle(&self.idle).push(self.talk);
        Ok(found)
    }
}
