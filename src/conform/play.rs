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
    let mut reference = Reference::new(run, stand.abilities());
    let mut played =
        Played { outcome: Outcome::Agrees, found: Found::default(), followed: 0, last: None };
    let mut subject = match stand.start(run) {
        Ok(subject) => subject,
        Err(Trouble(says)) => {
            played.outcome = Outcome::Troubled(says);
            return played;
        }
    };
    let mut stage = Stage { run, reference: &mut reference, subject: &mut *subject, last: None };
    let ended = stage.steps().and_then(|()| stage.comes_to_its_end());
    played.last = stage.last.take();
    played.followed = reference.followed();
    match subject.end() {
        Ok(found) => played.found = found,
        Err(Trouble(says)) => {
            played.outcome = Outcome::Troubled(says);
            return played;
        }
    }
    played.outcome = judge(run, ended, &played.found);
    played
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

fn judge(run: &Run, ended: Result<(), Stop>, found: &Found) -> Outcome {
    if let Some(busy) = &found.restless {
        return Outcome::Restless(busy.clone());
    }
    // What was violated inside says more than what is seen of it outside.
    if let Some(violation) = &found.violation {
        let step = match &ended {
            Err(Stop::Differs(step, _)) => *step,
            Err(Stop::Trouble(_)) | Ok(()) => run.steps.len(),
        };
        let difference = Difference { rule: Rule::Claim, says: violation.clone() };
        return Outcome::Differs { step, difference };
    }
    match ended {
        Err(Stop::Differs(step, difference)) => Outcome::Differs { step, difference },
        Err(Stop::Trouble(Trouble(says))) => Outcome::Troubled(says),
        Ok(()) => match found.strays.first() {
            None => Outcome::Agrees,
            Some(stray) => {
                let says = format!("all has come to its end, and a process of {stray} is left");
                let difference = Difference { rule: Rule::Processes, says };
                Outcome::Differs { step: run.steps.len() + 1, difference }
            }
        },
    }
}

struct Stage<'a> {
    run: &'a Run,
    reference: &'a mut Reference,
    subject: &'a mut dyn Subject,
    last: Option<Seen>,
}

impl Stage<'_> {
    fn steps(&mut self) -> Result<(), Stop> {
        self.look(0)?;
        for (at, step) in self.run.steps.iter().enumerate() {
            if self.reference.world().can(step).is_err() {
                continue;
            }
            self.take(at + 1, step)?;
        }
        Ok(())
    }

    fn take(&mut self, at: usize, step: &Step) -> Result<Reply, Stop> {
        let reply = self.subject.apply(step)?;
        self.reference.takes(step, &reply).map_err(|it| Stop::Differs(at, it))?;
        self.look(at)?;
        Ok(reply)
    }

    fn look(&mut self, step: usize) -> Result<(), Stop> {
        let seen = self.subject.see()?;
        let now = seen.as_ref().map_or(self.reference.world().now(), |seen| seen.at);
        let judged = self.reference.sees(now, seen.as_ref());
        if seen.is_some() {
            self.last = seen;
        }
        judged.map_err(|difference| Stop::Differs(step, difference))
    }

    /// Heals everything, cancels what need not end, and waits for the rest, as long as it may take.
    fn comes_to_its_end(&mut self) -> Result<(), Stop> {
        let end = self.run.steps.len() + 1;
        self.subject.heal()?;
        self.reference.heals();
        self.look(end)?;
        let bound = u64::from(self.reference.bound(self.run).0);
        let mut waited = 0_u64;
        let mut pause = PAUSES.0;
        let mut endless = self.reference.endless(self.run);
        loop {
            // A controller that a rule had crashed may only be coming up.
            let mut refused = Vec::new();
            for job in endless {
                if self.take(end, &Step::Cancel(job))? == Reply::Unavailable {
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
                return Err(Stop::Differs(end, Difference { rule: Rule::Convergence, says }));
            }
            self.take(end, &Step::Pass(Millis(pause)))?;
            waited += u64::from(pause);
            pause = pause.saturating_mul(2).min(PAUSES.1);
        }
    }
}
