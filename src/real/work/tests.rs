//! Closures in virtual time, and bundles. Commands need the program: see `tests/work.rs`.

use std::sync::Arc;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::{Closures, Faults, News, Order, Settings, Workshop};
use crate::model::id::{AttemptId, JobId};
use crate::model::spec::{Entrypoint, Payload};
use crate::real::clock::Clock;

mod bundles;
mod closures;

/// A runtime whose clock jumps when all wait.
fn virtual_time() -> Runtime {
    let mut builder = Builder::new_current_thread();
    builder.enable_all().start_paused(true).build().expect("a runtime can be made")
}

/// The attempt `j1.0#0`, `j1.0#1`, …
fn attempt(number: u16) -> AttemptId {
    JobId(1).task(0).attempt(number)
}

fn closure(name: &str) -> Payload {
    Payload { entrypoint: Entrypoint::Closure(name.to_owned()), ..Payload::default() }
}

/// A workshop without a folder, and its news.
struct Bench {
    shop: Workshop,
    news: UnboundedReceiver<News>,
    clock: Clock,
}

impl Bench {
    fn new(closures: Closures, faults: Arc<dyn Faults>) -> Self {
        let clock = Clock::virtual_time();
        let (sender, news) = unbounded_channel();
        let settings = Settings { folder: None, closures, supervisor: None, clock, faults };
        Self { shop: Workshop::new(settings, sender), news, clock }
    }

    async fn next(&mut self) -> News {
        self.news.recv().await.expect("the workshop lives")
    }

    fn prepare(&mut self, attempt: AttemptId, payload: Payload) {
        self.shop.prepare(Order { attempt, payload: Arc::new(payload) });
    }

    async fn start(&mut self, attempt: AttemptId, payload: Payload) {
        self.prepare(attempt, payload);
        assert_eq!(self.next().await, News::Prepared(attempt));
        self.shop.start(attempt);
    }
}
