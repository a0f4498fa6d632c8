//! A call with whatever the rules say of it.

use std::future::{Future, pending};
use std::panic::resume_unwind;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tonic::Status;

use super::Chaos;
use super::point::{Node, Point};
use super::verb::{Verb, code_name};

impl Chaos {
    /// A call with whatever the rules say of it: this stands where the real call stands.
    ///
    /// A caller that gives up drops this future. What then is on its way arrives all the same,
    /// because a network does not take a message back: a delayed call, one whose answer is
    /// dropped, and a duplicated one are tasks of their own. Where the rules make the answer come
    /// never, the caller's own timeout ends the waiting. A crash is told to the cluster before
    /// the call is made, and then nothing comes any more.
    ///
    /// # Errors
    /// What the call answers, and what a rule says that it fails with.
    pub async fn around<T, F, Fut>(
        &self,
        point: Point,
        node: Option<Node>,
        call: F,
    ) -> Result<T, Status>
    where
        F: Fn() -> Fut + Send + 'static,
        Fut: Future<Output = Result<T, Status>> + Send + 'static,
        T: Send + 'static,
    {
        let Some(verb) = self.decide(point, node) else { return call().await };
        match verb {
            Verb::Fail(code) => {
                let says = format!("chaos at {point}: {}", code_name(code));
                Err(Status::new(code, says))
            }
            Verb::Delay(length) => {
                let clock = self.inner.clock;
                let late = async move {
                    clock.sleep(length).await;
                    call().await
                };
                answer(tokio::spawn(late)).await
            }
            Verb::DropRequest => pending().await,
            Verb::DropResponse => {
                tokio::spawn(call());
                pending().await
            }
            Verb::Duplicate => {
                let (first, answered) = oneshot::channel();
                let twice = tokio::spawn(async move {
                    let once = call().await;
                    // A caller that gave up does not want the answer; the copy comes regardless.
                    let _ = first.send(once);
                    let again = call();
                    again.await
                });
                match answered.await {
                    Ok(first) => first,
                    // The first call never answered: its task tells why.
                    Err(_) => answer(twice).await,
                }
            }
            Verb::Crash => {
                self.crash(point, node);
                pending().await
            }
        }
    }
}

/// What a call that is its own task answers, as if it had been made on the spot.
async fn answer<T>(task: JoinHandle<Result<T, Status>>) -> Result<T, Status> {
    match task.await {
        Ok(answer) => answer,
        Err(ended) => match ended.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            Err(_) => Err(Status::cancelled("the cluster shuts down")),
        },
    }
}
