//! What stands where the real call stands, by the paused clock.

use std::sync::Mutex;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

use tokio::time::timeout;
use tonic::Status;

use super::*;

/// A call that takes 5 ms and remembers when it began.
struct Callee {
    clock: Clock,
    began: Arc<Mutex<Vec<At>>>,
}

impl Callee {
    fn new(clock: Clock) -> Self {
        Self { clock, began: Arc::default() }
    }

    fn began(&self) -> Vec<u64> {
        self.began.lock().expect("no call panics").iter().map(|at| at.0).collect()
    }

    /// Calls through the point, and waits so long for an answer: which call answered.
    async fn call(&self, chaos: &Chaos, patience: u32) -> Result<Result<usize, Status>, ()> {
        let (clock, began) = (self.clock, Arc::clone(&self.began));
        let call = move || {
            let began = Arc::clone(&began);
            async move {
                let number = {
                    let mut began = began.lock().expect("no call panics");
                    began.push(clock.now());
                    began.len()
                };
                clock.sleep(Millis(5)).await;
                Ok(number)
            }
        };
        let around = chaos.around(BEAT, Some(W1.into()), call);
        // One virtual millisecond is three ticks.
        let patience = Duration::from_millis(u64::from(patience) * 3);
        timeout(patience, around).await.map_err(drop)
    }
}

fn cluster() -> (Clock, Chaos, Callee) {
    let clock = Clock::virtual_time();
    (clock, Chaos::new(7, clock), Callee::new(clock))
}

/// The number of the call that answered, when no status is expected.
fn number(answer: Result<Result<usize, Status>, ()>) -> Option<usize> {
    answer.ok().map(|answer| answer.expect("no status"))
}

#[tokio::test(start_paused = true)]
async fn without_a_rule_that_fires_the_call_is_made_once() {
    let (clock, chaos, callee) = cluster();
    assert_eq!(number(callee.call(&chaos, 9).await), Some(1));
    chaos.at(BEAT).on(W2).crash();
    assert_eq!(number(callee.call(&chaos, 9).await), Some(2));
    assert_eq!((callee.began(), clock.now()), (vec![0, 5], At(10)));
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_a_status_and_no_call() {
    let (clock, chaos, callee) = cluster();
    chaos.at(BEAT).fail(Code::Unavailable);
    let status = callee.call(&chaos, 9).await.expect("at once").expect_err("a status");
    assert_eq!(status.code(), Code::Unavailable);
    assert_eq!(status.message(), "chaos at worker.heartbeat: UNAVAILABLE");
    assert_eq!((callee.began(), clock.now()), (vec![], At(0)));
}

#[tokio::test(start_paused = true)]
async fn a_delayed_call_is_made_later_and_answers() {
    let (clock, chaos, callee) = cluster();
    chaos.at(BEAT).delay(Millis(30));
    assert_eq!(number(callee.call(&chaos, 99).await), Some(1));
    assert_eq!((callee.began(), clock.now()), (vec![30], At(35)));
}

#[tokio::test(start_paused = true)]
async fn a_delayed_call_arrives_also_when_its_caller_gave_up() {
    let (clock, chaos, callee) = cluster();
    chaos.at(BEAT).delay(Millis(30));
    assert_eq!(number(callee.call(&chaos, 10).await), None);
    assert_eq!((callee.began(), clock.now()), (vec![], At(10)));
    clock.sleep(Millis(50)).await;
    assert_eq!(callee.began(), [30]);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_request_never_arrives_and_nobody_is_told() {
    let (clock, chaos, callee) = cluster();
    chaos.at(BEAT).drop_request();
    assert_eq!(number(callee.call(&chaos, 3_600_000).await), None);
    assert_eq!((callee.began(), clock.now()), (vec![], At(3_600_000)));
}

#[tokio::test(start_paused = true)]
async fn a_dropped_response_has_its_effect_and_nobody_is_told() {
    let (clock, chaos, callee) = cluster();
    chaos.at(BEAT).drop_response();
    assert_eq!(number(callee.call(&chaos, 3_600_000).await), None);
    assert_eq!((callee.began(), clock.now()), (vec![0], At(3_600_000)));
}

#[tokio::test(start_paused = true)]
async fn a_duplicated_call_is_made_twice_and_the_first_answers() {
    let (clock, chaos, callee) = cluster();
    chaos.at(BEAT).duplicate();
    assert_eq!(number(callee.call(&chaos, 99).await), Some(1));
    assert_eq!(clock.now(), At(5));
    clock.sleep(Millis(50)).await;
    assert_eq!(callee.began(), [0, 5]);
}

#[tokio::test(start_paused = true)]
async fn a_duplicated_call_is_made_twice_also_when_its_caller_gave_up() {
    let (clock, chaos, callee) = cluster();
    chaos.at(BEAT).duplicate();
    assert_eq!(number(callee.call(&chaos, 2).await), None);
    clock.sleep(Millis(50)).await;
    assert_eq!(callee.began(), [0, 5]);
}

#[tokio::test(start_paused = true)]
async fn a_crash_is_told_at_once_and_then_nothing_comes() {
    let (clock, chaos, callee) = cluster();
    let told = Arc::new(Mutex::new(Vec::new()));
    let (hears, registry) = (Arc::clone(&told), chaos.clone());
    chaos.set_on_crash(Arc::new(move |point, node| {
        // Who is told may ask the registry: no lock is held.
        let told = (clock.now(), point, node, registry.firings());
        hears.lock().expect("nobody panics").push(told);
    }));
    chaos.at(BEAT).crash();
    assert_eq!(number(callee.call(&chaos, 3_600_000).await), None);
    let told = told.lock().expect("nobody panics").clone();
    assert_eq!(told, [(At(0), BEAT, Some(W1.into()), 1)]);
    assert_eq!(callee.began(), [0; 0]);
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "`set_on_crash` was called before a crash can fire")]
async fn a_crash_that_nobody_hears_is_a_mistake() {
    let (_, chaos, callee) = cluster();
    chaos.at(BEAT).crash();
    let _ = callee.call(&chaos, 9).await;
}

#[tokio::test(start_paused = true)]
async fn a_status_of_the_call_itself_comes_through_each_verb_that_makes_it() {
    let (_, chaos, _) = cluster();
    chaos.at(BEAT).delay(Millis(1)).nth(2);
    chaos.at(BEAT).duplicate().nth(3);
    let calls = Arc::new(AtomicU32::new(0));
    for expected in [1, 2, 3] {
        let calls = Arc::clone(&calls);
        let call = move || {
            let number = calls.fetch_add(1, Ordering::Relaxed) + 1;
            async move { Err::<(), _>(Status::not_found(number.to_string())) }
        };
        let status = chaos.around(BEAT, None, call).await.expect_err("a status");
        assert_eq!((status.code(), status.message()), (Code::NotFound, &*expected.to_string()));
    }
    tokio::task::yield_now().await;
    assert_eq!(calls.load(Ordering::Relaxed), 4);
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_the_call_reaches_the_caller() {
    let (_, chaos, _) = cluster();
    chaos.at(BEAT).delay(Millis(1)).nth(1);
    chaos.at(BEAT).duplicate().nth(2);
    for _ in 0..2 {
        let chaos = chaos.clone();
        let call = || async { panic!("a bug of ours") };
        let caller = tokio::spawn(async move { chaos.around::<(), _, _>(BEAT, None, call).await });
        let ended = caller.await.expect_err("it panicked");
        let said = ended.into_panic();
        assert_eq!(said.downcast_ref(), Some(&"a bug of ours"));
    }
}
