//! A workshop with a runtime of its own, in real time: attempts without a cluster.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::{interval, timeout};

use super::{Closures, Faults, News, Settings, Workshop};
use crate::real::clock::Clock;

/// A workshop with a runtime of its own, for programs that have none.
///
/// ```no_run
/// use std::sync::Arc;
/// use std::time::Duration;
///
/// use iris_check::model::id::JobId;
/// use iris_check::model::spec::{Entrypoint, Payload};
/// use iris_check::real::work::{Closures, News, NoFaults, Order, Standalone};
///
/// let program = "target/debug/iris-check".into();
/// let mut work =
///     Standalone::new("/tmp/worker".into(), program, Closures::new(), Arc::new(NoFaults))?;
/// let attempt = JobId(1).task(0).attempt(0);
/// let entrypoint = Entrypoint::Command(vec!["true".into()]);
/// let payload = Arc::new(Payload { entrypoint, ..Payload::default() });
/// work.with(|shop| shop.prepare(Order { attempt, payload }));
/// assert_eq!(work.news(Duration::from_secs(5)), Some(News::Prepared(attempt)));
/// work.with(|shop| shop.start(attempt));
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Standalone {
    runtime: Runtime,
    workshop: Option<Workshop>,
    news: UnboundedReceiver<News>,
}

impl Standalone {
    /// A workshop in this folder, whose commands are supervised by this program `iris-check`.
    ///
    /// # Errors
    /// The threads of the runtime cannot be started.
    pub fn new(
        folder: PathBuf,
        supervisor: PathBuf,
        closures: Closures,
        faults: Arc<dyn Faults>,
    ) -> io::Result<Self> {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(2).enable_all().build()?;
        let (sender, news) = unbounded_channel();
        let (folder, supervisor) = (Some(folder), Some(supervisor));
        let inside = runtime.enter();
        let clock = Clock::real();
        let settings = Settings { folder, closures, supervisor, clock, faults };
        let workshop = Some(Workshop::new(settings, sender));
        drop(inside);
        Ok(Self { runtime, workshop, news })
    }

    /// Does something with the workshop.
    pub fn with<T>(&mut self, act: impl FnOnce(&mut Workshop) -> T) -> T {
        let _inside = self.runtime.enter();
        act(self.workshop.as_mut().expect("invariant: only `close` takes it, and `self` with it"))
    }

    /// The next news, unless this time passes without any.
    pub fn news(&mut self, limit: Duration) -> Option<News> {
        let news = &mut self.news;
        self.runtime.block_on(async { timeout(limit, news.recv()).await.ok().flatten() })
    }

    /// Drops the workshop, lets what it kept end, and answers the news that were left.
    pub fn close(mut self) -> Vec<News> {
        let inside = self.runtime.enter();
        self.workshop = None;
        drop(inside);
        let news = &mut self.news;
        self.runtime.block_on(async {
            let mut left = Vec::new();
            // Each keeper holds a sender until it has ended.
            while let Some(one) = news.recv().await {
                left.push(one);
            }
            left
        })
    }

    /// Waits until something is so, looking often. Answers whether it came to be in this time.
    pub fn until(&self, limit: Duration, mut is_so: impl FnMut() -> bool) -> bool {
        let looking = async {
            let mut pause = interval(Duration::from_millis(5));
            while !is_so() {
                pause.tick().await;
            }
        };
        self.runtime.block_on(async { timeout(limit, looking).await.is_ok() })
    }
}
