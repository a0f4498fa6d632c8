//! Closures: how they start and end, and when, exactly.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::super::{Closures, Context, Faults, News, NoFaults, Step, Verdict};
use super::{Bench, attempt, closure, virtual_time};
use crate::model::exit::Fault;
use crate::model::id::AttemptId;
use crate::model::spec::{Entrypoint, Payload};
use crate::model::time::Millis;
use crate::real::clock::At;
use crate::worker_sm::Exit;

/// Ten seconds of work, in every manner.
fn manners() -> Closures {
    Closures::new()
        .with("works", |context: Context| async move {
            context.sleep(Millis::seconds(10)).await;
            Ok(())
        })
        .with("errs", |_| async { Err("no luck".to_owned()) })
        .with("panics", |_| async { panic!("as planned") })
        .with("panics early", |context: Context| {
            assert_eq!(context.attempt.number, 99, "as planned");
            async { Ok(()) }
        })
        .stubborn("yields", |context: Context| async move {
            tokio::select! {
                biased;
                () = context.stopped() => context.sleep(Millis::seconds(2)).await,
                () = context.sleep(Millis::seconds(10)) => {}
            }
            Ok(())
        })
        .stubborn("yields with an error", |context: Context| async move {
            context.stopped().await;
            Err("stopped".to_owned())
        })
        .stubborn("never yields", |context: Context| async move {
            context.stopped().await;
            std::future::pending().await
        })
}

#[derive(Debug, Clone, Copy)]
enum Stop {
    Never,
    Terminate,
    TerminateThenDestroy,
    Destroy,
}

#[test]
fn a_closure_ends_when_and_as_its_manner_says() {
    use Stop::{Destroy, Never, Terminate, TerminateThenDestroy};
    // Told to end after 3 s, destroyed after 8 s.
    let rows = [
        ("works", Never, Exit::Success, 10_000),
        ("works", Terminate, Exit::Stopped, 3_000),
        ("works", Destroy, Exit::Stopped, 3_000),
        ("errs", Never, Exit::Error, 0),
        ("panics", Never, Exit::Error, 0),
        ("panics early", Never, Exit::Error, 0),
        ("yields", Never, Exit::Success, 10_000),
        ("yields", Terminate, Exit::Success, 5_000),
        ("yields", Destroy, Exit::Stopped, 3_000),
        ("yields with an error", Terminate, Exit::Error, 3_000),
        ("never yields", TerminateThenDestroy, Exit::Stopped, 8_000),
    ];
    for (name, stop, exit, at) in rows {
        let found = virtual_time().block_on(async {
            let mut bench = Bench::new(manners(), Arc::new(NoFaults));
            bench.start(attempt(0), closure(name)).await;
            if !matches!(stop, Never) {
                bench.clock.until(At(3_000)).await;
            }
            match stop {
                Never => {}
                Terminate => bench.shop.terminate(attempt(0)),
                Destroy => bench.shop.destroy(attempt(0)),
                TerminateThenDestroy => {
                    bench.shop.terminate(attempt(0));
                    bench.clock.until(At(8_000)).await;
                    assert!(bench.news.is_empty(), "{name}");
                    bench.shop.destroy(attempt(0));
                }
            }
            (bench.next().await, bench.clock.now())
        });
        assert_eq!(found, (News::Exited(attempt(0), exit), At(at)), "{name} {stop:?}");
    }
}

#[test]
fn what_went_wrong_is_in_the_log_of_errors() {
    for (name, expected) in [("errs", "iris-check: no luck\n"), ("works", "")] {
        virtual_time().block_on(async {
            let mut bench = Bench::new(manners(), Arc::new(NoFaults));
            bench.start(attempt(0), closure(name)).await;
            bench.next().await;
            let log = bench.shop.read_log(attempt(0), true).expect("it is kept");
            assert_eq!(String::from_utf8(log).expect("it is text"), expected);
            assert_eq!(bench.shop.read_log(attempt(0), false).expect("it is kept"), b"");
            assert_eq!(bench.shop.log_path(attempt(0), false), None);
        });
    }
}

#[test]
fn a_closure_finds_its_job() {
    virtual_time().block_on(async {
        let closures = Closures::new().with("looks", |context: Context| async move {
            let seen: Vec<_> =
                context.env.iter().map(|(name, it)| format!("{name}={it}")).collect();
            Err(format!("{} {} {:?}", context.attempt, seen.join(" "), context.folder))
        });
        let mut bench = Bench::new(closures, Arc::new(NoFaults));
        let mut payload = closure("looks");
        payload.env.insert("IRIS_JOB".into(), "forged".into());
        payload.env.insert("A".into(), "b".into());
        bench.start(attempt(3), payload).await;
        assert_eq!(bench.next().await, News::Exited(attempt(3), Exit::Error));
        let log = bench.shop.read_log(attempt(3), true).expect("it is kept");
        let expected =
            "iris-check: j1.0#3 A=b IRIS_ATTEMPT=j1.0#3 IRIS_JOB=j1 IRIS_TASK=j1.0 None\n";
        assert_eq!(String::from_utf8(log).expect("it is text"), expected);
    });
}

#[test]
fn what_this_worker_cannot_run_fails_before_it_starts() {
    let command = Entrypoint::Command(vec!["true".into()]);
    let bundle = Payload { bundle: Some("/tmp".into()), ..closure("works") };
    let rows = [
        (closure("no such"), Fault::Container, "there is no closure `no such` at this worker: "),
        (Payload::default(), Fault::Container, "the job has nothing to run: "),
        (
            Payload { entrypoint: command, ..Payload::default() },
            Fault::Container,
            "this worker has no folder, ",
        ),
        (bundle, Fault::Bundle, "this worker has no folder, "),
    ];
    for (payload, fault, expected) in rows {
        virtual_time().block_on(async {
            let mut bench = Bench::new(manners(), Arc::new(NoFaults));
            bench.prepare(attempt(0), payload);
            let News::Failed(_, found, why) = bench.next().await else { panic!("{expected}") };
            assert_eq!(found, fault);
            assert!(why.starts_with(expected), "{why}");
        });
    }
}

/// A closure that counts how often it was begun and gone on with.
fn counting(count: &Arc<AtomicU32>) -> Closures {
    let count = Arc::clone(count);
    Closures::new().stubborn("counts", move |context: Context| {
        let count = Arc::clone(&count);
        async move {
            loop {
                count.fetch_add(1, Ordering::SeqCst);
                context.sleep(Millis::seconds(1)).await;
            }
        }
    })
}

#[test]
fn nothing_runs_before_it_is_started_nor_after_it_was_aborted() {
    virtual_time().block_on(async {
        let count = Arc::new(AtomicU32::new(0));
        let mut bench = Bench::new(counting(&count), Arc::new(NoFaults));
        bench.prepare(attempt(0), closure("counts"));
        bench.shop.start(attempt(0)); // too early: nothing
        bench.prepare(attempt(1), closure("counts"));
        bench.shop.abort(attempt(1)); // while it is being prepared
        assert_eq!(bench.next().await, News::Prepared(attempt(0)));
        bench.clock.sleep(Millis::seconds(5)).await;
        bench.shop.abort(attempt(0)); // when it is prepared
        bench.shop.start(attempt(0));
        bench.shop.start(attempt(1));
        bench.shop.terminate(attempt(0));
        bench.shop.destroy(attempt(1));
        bench.clock.sleep(Millis::seconds(5)).await;
        assert!(bench.news.is_empty());
        assert_eq!(count.load(Ordering::SeqCst), 0);
    });
}

#[test]
fn nothing_starts_twice() {
    virtual_time().block_on(async {
        let count = Arc::new(AtomicU32::new(0));
        let mut bench = Bench::new(counting(&count), Arc::new(NoFaults));
        bench.start(attempt(0), closure("counts")).await;
        bench.shop.start(attempt(0));
        bench.prepare(attempt(0), closure("counts"));
        bench.clock.sleep(Millis(500)).await;
        assert_eq!(count.load(Ordering::SeqCst), 1);
        assert!(bench.news.is_empty());
    });
}

#[test]
fn a_dropped_workshop_drops_its_closures_and_says_nothing() {
    virtual_time().block_on(async {
        let count = Arc::new(AtomicU32::new(0));
        let Bench { mut shop, mut news, clock } = Bench::new(counting(&count), Arc::new(NoFaults));
        for number in 0..2 {
            let payload = Arc::new(closure("counts"));
            shop.prepare(super::Order { attempt: attempt(number), payload });
            assert_eq!(news.recv().await, Some(News::Prepared(attempt(number))));
            shop.start(attempt(number));
        }
        clock.sleep(Millis(2_500)).await;
        shop.prepare(super::Order { attempt: attempt(2), payload: Arc::new(closure("counts")) });
        drop(shop);
        // Each keeper has a sender: all are gone.
        assert_eq!(news.recv().await, None);
        clock.sleep(Millis::seconds(5)).await;
        assert_eq!(count.load(Ordering::SeqCst), 6);
    });
}

/// A verdict at one step.
struct One(Step, Verdict);

impl Faults for One {
    fn check(&self, step: Step, _: AttemptId) -> Verdict {
        if step == self.0 { self.1.clone() } else { Verdict::Go }
    }
}

/// All news of the closure that works for ten seconds, with their times.
fn told(step: Step, verdict: Verdict) -> Vec<(News, At)> {
    virtual_time().block_on(async {
        let mut bench = Bench::new(manners(), Arc::new(One(step, verdict)));
        bench.prepare(attempt(0), closure("works"));
        let mut told = Vec::new();
        loop {
            let news = bench.next().await;
            told.push((news.clone(), bench.clock.now()));
            match news {
                News::Prepared(id) => bench.shop.start(id),
                News::MonitorDied(id) => bench.shop.terminate(id),
                News::Failed(..) | News::Exited(..) => return told,
            }
        }
    })
}

#[test]
fn a_fault_at_a_step_is_that_step_s() {
    let why = || "asked for".to_owned();
    let fail = || Verdict::Fail(why());
    let id = attempt(0);
    let rows = [
        (Step::Bundle, fail(), vec![(News::Failed(id, Fault::Bundle, why()), At(0))]),
        (Step::Container, fail(), vec![(News::Failed(id, Fault::Container, why()), At(0))]),
        (
            Step::Monitor,
            fail(),
            vec![
                (News::Prepared(id), At(0)),
                (News::MonitorDied(id), At(0)),
                (News::Exited(id, Exit::Stopped), At(0)),
            ],
        ),
        (
            Step::Container,
            Verdict::Delay(Millis(700)),
            vec![(News::Prepared(id), At(700)), (News::Exited(id, Exit::Success), At(10_700))],
        ),
        // The exit is seen when the monitor has begun.
        (
            Step::Monitor,
            Verdict::Delay(Millis(12_000)),
            vec![(News::Prepared(id), At(0)), (News::Exited(id, Exit::Success), At(12_000))],
        ),
    ];
    for (step, verdict, expected) in rows {
        assert_eq!(told(step, verdict), expected, "{step:?}");
    }
}

#[test]
fn a_delayed_step_can_be_given_up() {
    virtual_time().block_on(async {
        let faults = Arc::new(One(Step::Bundle, Verdict::Delay(Millis::seconds(5))));
        let mut bench = Bench::new(manners(), faults);
        bench.prepare(attempt(0), closure("works"));
        bench.clock.sleep(Millis::seconds(1)).await;
        bench.shop.abort(attempt(0));
        bench.clock.sleep(Millis::seconds(60)).await;
        assert!(bench.news.is_empty());
    });
}
