//! Functions of the embedding program that attempts run in its own process.

use std::collections::BTreeMap;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::watch;

use super::super::clock::Clock;
use crate::model::id::AttemptId;
use crate::model::time::Millis;

type Running = Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;

/// One registered function.
#[derive(Clone)]
pub(super) struct Closure {
    body: Arc<dyn Fn(Context) -> Running + Send + Sync>,
    pub(super) stubborn: bool,
}

impl Closure {
    pub(super) fn call(&self, context: Context) -> Running {
        (self.body)(context)
    }
}

/// The functions that jobs may name as their entrypoint. Copies share them.
///
/// `Ok` is an exit with 0; `Err` and a panic are an exit with an error. A function that is stopped
/// is dropped where it waits; one that never waits can no more be stopped than it can be polled.
#[derive(Clone, Default)]
pub struct Closures {
    known: Arc<BTreeMap<String, Closure>>,
}

impl Closures {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// And this one: being asked to end drops it at once, as SIGTERM ends a program that does not
    /// handle it.
    #[must_use]
    pub fn with<F, Fut>(self, name: impl Into<String>, body: F) -> Self
    where
        F: Fn(Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), String>> + Send + 'static,
    {
        self.add(name.into(), body, false)
    }

    /// And this one: being asked to end, it only sees [`Context::stopped`], and ends when it likes
    /// or when it is destroyed.
    #[must_use]
    pub fn stubborn<F, Fut>(self, name: impl Into<String>, body: F) -> Self
    where
        F: Fn(Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), String>> + Send + 'static,
    {
        self.add(name.into(), body, true)
    }

    fn add<F, Fut>(mut self, name: String, body: F, stubborn: bool) -> Self
    where
        F: Fn(Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), String>> + Send + 'static,
    {
        let body = Arc::new(move |context| Box::pin(body(context)) as Running);
        Arc::make_mut(&mut self.known).insert(name, Closure { body, stubborn });
        self
    }

    pub(super) fn get(&self, name: &str) -> Option<&Closure> {
        self.known.get(name)
    }

    /// Their names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.known.keys().map(String::as_str)
    }
}

/// What a function knows of the attempt that it is.
#[derive(Clone)]
pub struct Context {
    /// Which attempt.
    pub attempt: AttemptId,
    /// The environment of the job, and `IRIS_JOB`, `IRIS_TASK` and `IRIS_ATTEMPT`.
    pub env: BTreeMap<String, String>,
    /// Where the bundle was unpacked, if there is one. It is not the working directory of the
    /// process, which all attempts share.
    pub folder: Option<PathBuf>,
    pub(super) clock: Clock,
    pub(super) stop: watch::Receiver<bool>,
}

impl Context {
    /// Waits, in the time of the cluster.
    pub async fn sleep(&self, length: Millis) {
        self.clock.sleep(length).await;
    }

    /// Waits until the attempt is asked to end.
    pub async fn stopped(&self) {
        if self.stop.clone().wait_for(|stopped| *stopped).await.is_err() {
            // Whoever could ask is gone, and drops this function as well.
            std::future::pending::<()>().await;
        }
    }
}
