//! A run played on a cluster under test, step by step, against the reference; at its end everything
//! is healed, and all must come to its end.

use serde::{Deserialize, Serialize};

use crate::model::time::Millis;

use super::reference::{Difference, Reference, Rule};
use super::run::{Run, Step};
use super::seen::Seen;
use super::subject::{Found, Reply, Stand, Subject, Trouble};

/// The shortest and the longest pause between two looks while all comes to its end.
const PAUSES: (u32, u32) = (1_000, 60_000);

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Every look was allowed, and all came to its end.
    Agrees,
    /// The cluster and the reference disagree.
    Differs {
        /// After this many steps; one more than there are: when all should come to its end.
        step: usize,
        /// How.
        difference: Difference,
    },
    /// The cluster never comes to rest, and is busy with this: nothing can be said of it.
    Restless(String),
    /// The harness failed, as told: nothing can be said of the cluster.
    Troubled(String),
}

impl Outcome {
    /// Which rule is broken, if one is.
    pub fn rule(&self) -> Option<Rule> {
        match self {
            Self::Differs { difference, .. } => Some(difference.rule),
            Self::Agrees | Self::Restless(_) | Self::Troubled(_) => None,
        }
    }
}

/// A run that was played.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Played {
    /// How it ended.
    pub outcome: Outcome,
    /// What was found out besides.
    pub found: Found,
    /// Events of lifecycles that were followed.
    pub followed: u64,
    /// The last thing that was seen.
    pub last: Option<Seen>,
}

/// Plays a run on a fresh cluster. Steps that are not possible are left out.
pub fn play(run: &Run, stand: &dyn Stand) -> Played {
    let mut session = match Session::begin(run.with_steps(Vec::new()), stand) {
        Ok(session) => session,
        Err(Trouble(says)) => return Played::in_trouble(says),
    };
    for (at, step) in run.steps.iter().enumerate() {
        if !session.goes_on() {
            break;
        }
        session.step(at + 1, step);
    }
    session.end(run.steps.len())
}

/// Why a run went no further.
enum Stop {
    Differs(usize, Difference),
    Trouble(Trouble),
}

impl From<Trouble> for Stop {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(trouble)
    }
}

fn judge(steps: usize, ended: Result<(), Stop>, found: &Found) -> Outcome {
    // What was violated inside says more than what is seen of it outside, also where the cluster
    // never comes to rest over it.
    if let Some(violation) = &found.violation {
        let step = match &ended {
            Err(Stop::Differs(step, _)) => *step,
            Err(Stop::Trouble(_)) | Ok(()) => steps,
        };
        let difference = Difference { rule: Rule::Claim, says: violation.clone() };
        return Outcome::Differs { step, difference };
    }
    if let Some(busy) = &found.restless {
        return Outcome::Restless(busy.clone());
    }
    match ended {
        Err(Stop::Differs(step, difference)) => Outcome::Differs { step, difference },
        Err(Stop::Trouble(Trouble(says))) => Outcome::Troubled(says),
        Ok(()) => match found.strays.first() {
            None => Outcome::Agrees,
            Some(stray) => {
                let says = format!("all has come to its end, and a process of {stray} is left");
                let difference = Difference { rule: Rule::Processes, says };
                Outcome::Differs { step: steps + 1, difference }
            }
        },
    }
}

impl Played {
    fn in_trouble(says: String) -> Self {
        Self { outcome: Outcome::Troubled(says), found: Found::default(), followed: 0, last: None }
    }
}

/// A run that is being played, for whoever has its steps one at a time.
pub struct Session {
    /// What the cluster is; the steps are not looked at.
    run: Run,
    reference: Reference,
    subject: Box<dyn Subject>,
    last: Option<Seen>,
    so_far: Result<(), Stop>,
}

impl Session {
    /// A fresh cluster of the shape of this run, which is looked at once.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn begin(run: Run, stand: &dyn Stand) -> Result<Self, Trouble> {
        let reference = Reference::new(&run, stand.abilities());
        let subject = stand.start(&run)?;
        let mut session = Self { run, reference, subject, last: None, so_far: Ok(()) };
        session.so_far = session.look(0);
        Ok(session)
    }

    /// Whether nothing has gone wrong so far.
    pub fn goes_on(&self) -> bool {
        self.so_far.is_ok()
    }

    /// Does a step, the one of this number from 1, if it is possible, and looks.
    pub fn step(&mut self, number: usize, step: &Step) {
        if self.goes_on() && self.reference.world().can(step).is_ok() {
            self.so_far = self.take(number, step).map(drop);
        }
    }

    /// Heals everything, waits until all has come to its end, and ends the cluster, to which this
    /// many steps were done.
    pub fn end(mut self, steps: usize) -> Played {
        if self.goes_on() {
            self.so_far = self.comes_to_its_end(steps + 1);
        }
        let (last, followed) = (self.last, self.reference.followed());
        match self.subject.end() {
            Ok(found) => {
                let outcome = judge(steps, self.so_far, &found);
                Played { outcome, found, followed, last }
            }
            Err(Trouble(says)) => Played { followed, last, ..Played::in_trouble(says) },
        }
    }

    fn take(&mut self, number: usize, step: &Step) -> Result<Reply, Stop> {
        let reply = self.subject.apply(step)?;
        self.reference.takes(step, &reply).map_err(|it| Stop::Differs(number, it))?;
        self.look(number)?;
        Ok(reply)
    }

    fn look(&mut self, number: usize) -> Result<(), Stop> {
        let seen = self.subject.see()?;
        let now = seen.as_ref().map_or(self.reference.world().now(), |seen| seen.at);
        let judged = self.reference.sees(now, seen.as_ref());
        if seen.is_some() {
            self.last = seen;
        }
        judged.map_err(|difference| Stop::Differs(number, difference))
    }

    /// Heals everything, cancels what need not end, and waits for the rest, as long as it may take.
    fn comes_to_its_end(&mut self, number: usize) -> Result<(), Stop> {
        self.subject.heal()?;
        self.reference.heals();
        self.look(number)?;
        let bound = u64::from(self.reference.bound(&self.run).0);
        let mut waited = 0_u64;
        let mut pause = PAUSES.0;
        // Whoever was not answered asks again.
        for job in self.reference.unacknowledged() {
            self.take(number, &Step::Resubmit(job))?;
        }
        let mut endless = self.reference.endless(&self.run);
        loop {
            // A controller that a rule had crashed may only be coming up.
            let mut refused = Vec::new();
            for job in endless {
                if self.take(number, &Step::Cancel(job))? == Reply::Unavailable {
                    refused.push(job);
                }
            }
            endless = refused;
            let left = match &self.last {
                None => Some("nothing was ever seen".to_owned()),
                Some(seen) if endless.is_empty() => Reference::left_over(seen),
                Some(_) => Some("jobs cannot be cancelled".to_owned()),
            };
            let Some(left) = left else { return Ok(()) };
            if waited > bound {
                let says = format!(
                    "all faults are over since {waited} ms, and {left}; it may take {bound} ms"
                );
                let difference = Difference { rule: Rule::Convergence, says };
                return Err(Stop::Differs(number, difference));
            }
            self.take(number, &Step::Pass(Millis(pause)))?;
            waited += u64::from(pause);
            pause = pause.saturating_mul(2).min(PAUSES.1);
        }
    }
}
