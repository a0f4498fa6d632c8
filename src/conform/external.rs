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
//! | question | `ok` of the answer |
//! |---|---|
//! | `"iris-check-driver": 1` | what it is, see below; asked once, first of all |
//! | `"start": {"seed": …, "shape": {…}, "policy": {…}}` | `null`, for a fresh cluster |
//! | `"apply": STEP` | `"done"`, `{"job":"j1"}`, `"not_found"`, `{"invalid":…}`, `"unavailable"` |
//! | `"pass": MS` | `{"at": MS}` |
//! | `"see": {}` | what a user sees now; `null` while no controller answers |
//! | `"heal": {}` | `null` |
//! | `"end": {}` | `{}` or `{"strays": […], …}`; another `start` may follow |
//!
//! - **What it is**: `{"protocol": 1, "name": …, "abilities": {"steps": […], "slack": MS},
//!   "shows": […]}`. 1 is the version of the protocol, in the question and in the answer.
//! - **`start`** leaves nothing of an earlier run. The shape is that of the run; the policy is
//!   whole, also what the shape does not say of it.
//! - **`apply`** does a step, never `pass`. No time passes; a `pass` of 1 follows. `heal` takes
//!   back every fault, starts every node and opens every worker; a `pass` of 1 follows as well.
//! - **Steps** are those of [`run`](super::run), as they stand in a run that is kept: `{"submit":
//!   {…}}`, `{"resubmit": "j1"}`, `{"cancel": "j1"}`, `{"worker_crashes": "w1"}`,
//!   `{"worker_starts": "w1"}`, `{"drain": "w1"}`, `"controller_crashes"` and so on. Which come
//!   is what `steps` of the abilities says: `submit`, `gang`, `resubmit`, `cancel`, `drain`,
//!   `worker`, `controller`, `cut`, `fault`, `fleet`, `pass`. `submit` and `resubmit` are
//!   answered with the job, by the run's own number: the first that is submitted is `j1`.
//! - **What is left out of a step or shape** has the usual value: of a job 1 replica, no
//!   failures, no failed tasks, no limits of time, no gang, no end by itself; of a worker zone
//!   `a`, and that it does not wait to be started. Workers are called `w1`, `w2` and on, in
//!   order.
//! - **`tasks` of a job** says how attempts end by themselves: a list for each task (for more
//!   tasks than lists the last one), in it one entry for each attempt (again the last for further
//!   ones): `after` so many milliseconds of running, with 0 if `ok`, else with an error.
//! - **What is seen** is written as [`Seen`]. Of an attempt that has ended, `outcome` must be
//!   there. What else is shown is said by `shows`: `workers`, `worker_attempts`, `slices`,
//!   `runs`, `spent`, `incarnations`, `phases`, `causes`, `gone`, `pending_reasons`. What is not
//!   promised is not looked at; what is promised must be there each time.
//! - **Time.** With a slack of 0 (virtual time) `at` is exactly the sum of what passed. Then all
//!   has happened that comes before this instant, and at the instant itself what came by itself
//!   (processes have ended, messages have arrived), but no limit of time that ends just then: a
//!   task may take its `timeout`, and not a millisecond more. A cluster in real time has a slack,
//!   in milliseconds: what has to happen at an instant may happen that much later. Its `at` is
//!   never less than the sum.
//! - **A driver that is late, dies, or answers nonsense** is trouble, and never agreement. What
//!   it wrote to its standard error is told with it. It is killed with all that it started in its
//!   process group, also at the end if it does not end with its input.
//!
//! A whole dialogue, with `>` before questions and `<` before answers:
//!
//! ```text
//! > {"id":1,"iris-check-driver":1}
//! < {"id":1,"ok":{"protocol":1,"name":"mine","abilities":{"steps":["submit","pass"]},
//!    "shows":["spent"]}}
//! > {"id":2,"start":{"seed":7,"shape":{"workers":[{"cpus":4}]},"policy":{"retry":"budgeted",…}}}
//! < {"id":2,"ok":null}
//! > {"id":3,"apply":{"submit":{"cpus":1,"delivery":10,"preemption":100,
//!    "tasks":[[{"after":500,"ok":true}]]}}}
//! < {"id":3,"ok":{"job":"j1"}}
//! > {"id":4,"pass":1}
//! < {"id":4,"ok":{"at":1}}
//! > {"id":5,"pass":500}
//! < {"id":5,"ok":{"at":501}}
//! > {"id":6,"see":{}}
//! < {"id":6,"ok":{"at":501,"jobs":[{"job":"j1","state":"SUCCEEDED","tasks":[
//!    {"state":"SUCCEEDED","spent":{"failure":0,"delivery":0,"preemption":0},
//!    "attempts":[{"worker":"w1","outcome":"SUCCEEDED"}]}]}]}}
//! > {"id":7,"heal":{}}
//! < {"id":7,"ok":null}
//! > {"id":8,"pass":1}
//! < {"id":8,"ok":{"at":502}}
//! > {"id":9,"end":{}}
//! < {"id":9,"ok":{}}
//! ```

mod messages;
mod talk;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::model::time::Millis;

use super::run::{Run, Step};
use super::seen::Seen;
use super::subject::{Abilities, Found, Reply, STEP, Stand, Subject, Trouble};

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
    hello: Hello,
    /// Drivers that serve no run.
    idle: Idle,
}

type Idle = Arc<Mutex<Vec<Talk>>>;

impl External {
    /// Starts a driver by this command, as a shell reads it, and asks what it is. For each answer
    /// it has this long.
    ///
    /// # Errors
    /// It cannot be started, or does not answer as it should.
    pub fn new(command: &str, patience: Millis) -> Result<Self, Trouble> {
        let talk = Talk::begin(command, patience)?;
        let hello = talk.hello().clone();
        let idle = Arc::new(Mutex::new(vec![talk]));
        Ok(Self { command: command.to_owned(), patience, hello, idle })
    }

    /// What the driver says of itself.
    pub fn hello(&self) -> &Hello {
        &self.hello
    }

    /// A driver that serves no run: one that waits, else a new one.
    fn talk(&self) -> Result<Talk, Trouble> {
        if let Some(waits) = idle(&self.idle).pop() {
            return Ok(waits);
        }
        let mut talk = Talk::begin(&self.command, self.patience)?;
        if *talk.hello() != self.hello {
            return Err(talk.wrong("started once more, it says something else of itself"));
        }
        Ok(talk)
    }
}

/// Nothing that holds this lock can panic half way.
fn idle(list: &Idle) -> MutexGuard<'_, Vec<Talk>> {
    list.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Stand for External {
    fn abilities(&self) -> &Abilities {
        &self.hello.abilities
    }

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
        if let Step::Pass(length) = step {
            return self.pass(*length).map(|()| Reply::Done);
        }
        let reply = self.talk.ask(&Request::Apply(step))?;
        self.pass(STEP)?;
        Ok(reply)
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
        self.talk.ask::<()>(&Request::Heal {})?;
        self.pass(STEP)
    }

    fn end(mut self: Box<Self>) -> Result<Found, Trouble> {
        let found = self.talk.ask(&Request::End {})?;
        idle(&self.idle).push(self.talk);
        Ok(found)
    }
}
