//! Faults on demand, and supervisors that are none, in front of real commands.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use iris_check::model::exit::Fault;
use iris_check::model::id::AttemptId;
use iris_check::model::time::Millis;
use iris_check::real::work::{Closures, Faults, News, NoFaults, Order, Standalone, Step, Verdict};
use iris_check::worker_sm::Exit;

use super::bench::{Bench, LIMIT, attempt, shell};

/// A fault at one step, and which steps were passed.
struct One(Step, Verdict, Mutex<Vec<Step>>);

impl Faults for One {
    fn check(&self, step: Step, _: AttemptId) -> Verdict {
        self.2.lock().expect("nobody panics with it").push(step);
        if step == self.0 { self.1.clone() } else { Verdict::Go }
    }
}

fn bench(step: Step, verdict: Verdict) -> (Bench, Arc<One>) {
    let faults = Arc::new(One(step, verdict, Mutex::default()));
    (Bench::with(Arc::clone(&faults) as Arc<dyn Faults>), faults)
}

fn passed(faults: &One) -> Vec<Step> {
    faults.2.lock().expect("nobody panics with it").clone()
}

#[test]
fn a_step_that_fails_fails_the_attempt_and_its_log_says_why() {
    let rows = [
        (Step::Bundle, Fault::Bundle, vec![Step::Bundle]),
        (Step::Container, Fault::Container, vec![Step::Bundle, Step::Container]),
    ];
    for (step, fault, steps) in rows {
        let (mut bench, faults) = bench(step, Verdict::Fail("asked for".into()));
        bench.prepare(attempt(0), shell("true"));
        assert_eq!(bench.next(), News::Failed(attempt(0), fault, "asked for".into()));
        assert_eq!(passed(&faults), steps);
        assert_eq!(bench.log(true), "iris-check: asked for\n");
    }
}

#[test]
fn a_monitor_that_dies_is_told_and_the_command_runs_on_until_it_is_stopped() {
    let (mut bench, faults) = bench(Step::Monitor, Verdict::Fail("asked for".into()));
    bench.start(shell("sleep 1000"));
    assert_eq!(bench.next(), News::MonitorDied(attempt(0)));
    bench.work.with(|shop| shop.terminate(attempt(0)));
    assert_eq!(bench.exit(), Exit::Stopped);
    assert_eq!(passed(&faults), [Step::Bundle, Step::Container, Step::Monitor]);
}

#[test]
fn delayed_steps_come_late_and_come() {
    for step in [Step::Bundle, Step::Container, Step::Monitor] {
        let (mut bench, faults) = bench(step, Verdict::Delay(Millis(20)));
        assert_eq!(bench.run(shell("exit 0")).0, Exit::Success, "{step:?}");
        assert_eq!(passed(&faults).len(), 3, "{step:?}");
    }
}

#[test]
fn a_delayed_monitor_still_lets_the_command_be_stopped() {
    let (mut bench, _) = bench(Step::Monitor, Verdict::Delay(Millis(200)));
    bench.start(shell("trap '' TERM; while :; do sleep 1000; done"));
    bench.work.with(|shop| shop.destroy(attempt(0)));
    assert_eq!(bench.exit(), Exit::Stopped);
}

#[test]
fn a_program_that_does_not_supervise_fails_the_attempt() {
    for program in ["/no/such/program", "/bin/echo", "/bin/false", "/bin/cat"] {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let path = folder.path().to_path_buf();
        let (none, faults) = (Closures::new(), Arc::new(NoFaults));
        let mut work = Standalone::new(path, PathBuf::from(program), none, faults)
            .expect("threads can be started");
        let payload = Arc::new(shell("true"));
        work.with(|shop| shop.prepare(Order { attempt: attempt(0), payload }));
        let Some(News::Failed(_, Fault::Container, why)) = work.news(LIMIT) else {
            panic!("{program}")
        };
        assert!(why.starts_with(&format!("the supervisor {program} does not serve: ")), "{why}");
        assert!(why.ends_with("it must be the program iris-check"), "{why}");
    }
}
