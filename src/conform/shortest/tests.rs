//! What a search may cost.

use super::*;
use crate::conform::generate::draw;
use crate::conform::in_process::InProcess;
use crate::conform::reference::Rule;
use crate::conform::run::{JobPlan, Shape, Step};
use crate::conform::seen::Seen;
use crate::conform::shrink::note::Outcome::NoRunLeft;
use crate::conform::subject::{Abilities, Found, Reply, Subject, Trouble};
use crate::model::time::Millis;

/// Clusters that violate something once there are two jobs, and say that they made so many calls.
struct Dear {
    real: InProcess,
    calls: u64,
}

struct Running {
    real: Box<dyn Subject>,
    calls: u64,
    jobs: usize,
}

impl Stand for Dear {
    fn abilities(&self) -> &Abilities {
        self.real.abilities()
    }

    fn start(&self, run: &Run) -> Result<Box<dyn Subject>, Trouble> {
        Ok(Box::new(Running { real: self.real.start(run)?, calls: self.calls, jobs: 0 }))
    }
}

impl Subject for Running {
    fn abilities(&self) -> &Abilities {
        self.real.abilities()
    }

    fn apply(&mut self, step: &Step) -> Result<Reply, Trouble> {
        self.jobs += usize::from(matches!(step, Step::Submit(_)));
        self.real.apply(step)
    }

    fn pass(&mut self, length: Millis) -> Result<(), Trouble> {
        self.real.pass(length)
    }

    fn see(&mut self) -> Result<Option<Seen>, Trouble> {
        self.real.see()
    }

    fn heal(&mut self) -> Result<(), Trouble> {
        self.real.heal()
    }

    fn end(self: Box<Self>) -> Result<Found, Trouble> {
        let found = self.real.end()?;
        let violation = (self.jobs >= 2).then(|| "VIOLATED  S1 of a toy".to_owned());
        Ok(Found { violation, calls: self.calls, ..found })
    }
}

#[test]
fn dear_runs_end_a_search_before_many_do() {
    let job = Step::Submit(JobPlan::default());
    let steps = vec![job.clone(), Step::Pass(Millis(5)), job, Step::Pass(Millis(5))];
    let run = Run::new(0, Shape::of_workers(1), steps);
    let limits = Limits { runs: 10, ..Limits::default() };
    let ended = |calls| {
        let stand = Dear { real: InProcess::virtual_time(), calls };
        let outcome = play(&run, &stand).outcome;
        assert_eq!(outcome.rule(), Some(Rule::Claim), "{outcome:?}");
        let mut notes = Vec::new();
        let short = shortest(&run, &outcome, &stand, limits, &mut |note| notes.push(*note));
        let none_left = notes.iter().filter(|note| note.outcome == NoRunLeft).count();
        (short.shrunk.runs, short.shrunk.limit_reached, none_left)
    };
    // All runs that there are; and as many as make ten times what one may make on average.
    assert_eq!(ended(0), (10, true, 1));
    assert_eq!(ended(CALLS), (10, true, 1));
    assert_eq!(ended(CALLS * 2), (5, true, 1));
    assert_eq!(ended(CALLS * 100), (1, true, 1));
}

#[test]
fn a_run_tells_how_many_calls_it_made() {
    let stand = InProcess::virtual_time();
    let (runs, mut all) = (50, 0);
    for number in 0..runs {
        let run = draw(stand.abilities(), 3, number);
        let made = play(&run, &stand).found.calls;
        assert_eq!(made, play(&run, &stand).found.calls, "run {number} again");
        assert!(made > 10, "run {number} made {made} calls");
        all += made;
    }
    // What a search may cost is said in these.
    assert!(all / runs < CALLS / 2, "{all} calls");
}
