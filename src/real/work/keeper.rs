//! The task that keeps one attempt, from its preparation until nothing is left of it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::faults::{Step, Verdict};
use super::folders::Place;
use super::leash::{Leash, identity, own_program};
use super::protocol::{self, End, Report};
use super::{Context, News, Order, Settings, bundle};
use crate::model::exit::Fault;
use crate::model::id::AttemptId;
use crate::model::spec::Entrypoint;
use crate::worker_sm::Exit;

/// What the keepers of one workshop share.
pub(super) struct Shop {
    pub(super) settings: Settings,
    /// What is told of attempts that have no folder to keep it in.
    pub(super) notes: Mutex<BTreeMap<AttemptId, String>>,
}

impl Shop {
    fn place(&self, attempt: AttemptId) -> Option<Place> {
        Some(Place::new(self.settings.folder.as_deref()?, attempt))
    }

    /// What a closure knows of its attempt.
    pub(super) fn context(&self, order: &Order, stop: watch::Receiver<bool>) -> Context {
        let mut env = order.payload.env.clone();
        env.extend(identity(order.attempt));
        let place = self.place(order.attempt).filter(|_| order.payload.bundle.is_some());
        let folder = place.map(|place| place.work());
        Context { attempt: order.attempt, env, folder, clock: self.settings.clock, stop }
    }

    /// Keeps a line where the attempt's errors are.
    fn note(&self, attempt: AttemptId, text: &str) {
        if let Some(place) = self.place(attempt) {
            return place.note(text);
        }
        let mut notes = locked(&self.notes);
        let note = notes.entry(attempt).or_default();
        for part in ["iris-check: ", text, "\n"] {
            note.push_str(part);
        }
    }
}

/// Nothing that holds these locks can panic half way.
pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What may still be told of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Preparing,
    Prepared,
    Silent,
}

/// How a keeper is heard. Silenced, it is not heard again: the two exclude each other.
#[derive(Clone)]
pub(super) struct Voice {
    news: UnboundedSender<News>,
    phase: Arc<Mutex<Phase>>,
}

impl Voice {
    pub(super) fn new(news: UnboundedSender<News>) -> Self {
        Self { news, phase: Arc::new(Mutex::new(Phase::Preparing)) }
    }

    fn say(&self, news: News) {
        let mut phase = locked(&self.phase);
        if *phase != Phase::Silent {
            if matches!(news, News::Prepared(_)) {
                *phase = Phase::Prepared;
            }
            // Nobody listens when the worker is going down.
            let _ = self.news.send(news);
        }
    }

    pub(super) fn is_prepared(&self) -> bool {
        *locked(&self.phase) == Phase::Prepared
    }

    pub(super) fn silence(&self) {
        *locked(&self.phase) = Phase::Silent;
    }
}

/// What a workshop tells a keeper. When it can tell no more, the attempt is given up.
pub(super) enum Word {
    /// Start the command.
    Go,
    /// The closure runs as this task.
    Runs(JoinHandle<Result<(), String>>),
    /// SIGTERM.
    Terminate,
    /// SIGKILL.
    Destroy,
}

type Words = UnboundedReceiver<Word>;

/// What has been made ready.
enum Made {
    Closure,
    Command(Box<Leash>),
}

/// How a prepared attempt came to its end.
enum Over {
    Exited(Exit),
    NeverStarted,
    /// The worker itself is going down.
    LetGo,
}

/// Keeps one attempt.
pub(super) async fn keep(shop: Arc<Shop>, order: Order, voice: Voice, mut words: Words) {
    let attempt = order.attempt;
    let given_up = Arc::new(AtomicBool::new(false));
    let made = tokio::select! {
        biased;
        // Nothing is told before all is ready: this is the end of the talk.
        _ = words.recv() => None,
        made = prepare(&shop, &order, &given_up) => Some(made),
    };
    match made {
        None => given_up.store(true, Ordering::SeqCst),
        Some(Err((fault, why))) => {
            shop.note(attempt, &why);
            clear(&shop, &order, Place::remove_work).await;
            return voice.say(News::Failed(attempt, fault, why));
        }
        Some(Ok(made)) => {
            voice.say(News::Prepared(attempt));
            let over = match made {
                Made::Closure => closure(&shop, attempt, &voice, &mut words).await,
                Made::Command(leash) => command(&shop, attempt, &voice, &mut words, *leash).await,
            };
            match over {
                Over::Exited(exit) => {
                    clear(&shop, &order, Place::remove_work).await;
                    return voice.say(News::Exited(attempt, exit));
                }
                Over::LetGo => return clear(&shop, &order, Place::remove_work).await,
                Over::NeverStarted => {}
            }
        }
    }
    // Nobody asks for the logs of what never ran.
    clear(&shop, &order, Place::remove).await;
}

/// Removes files of an attempt, if it has any.
async fn clear(shop: &Shop, order: &Order, what: fn(&Place)) {
    if let Some(place) = shop.place(order.attempt).filter(|_| has_files(order)) {
        let _ = tokio::task::spawn_blocking(move || what(&place)).await;
    }
}

/// A closure without a bundle needs none, and so no thread that removes them.
fn has_files(order: &Order) -> bool {
    order.payload.bundle.is_some() || matches!(order.payload.entrypoint, Entrypoint::Command(_))
}

async fn step(shop: &Shop, step: Step, attempt: AttemptId) -> Result<(), String> {
    match shop.settings.faults.check(step, attempt) {
        Verdict::Go => Ok(()),
        Verdict::Fail(why) => Err(why),
        Verdict::Delay(length) => {
            shop.settings.clock.sleep(length).await;
            Ok(())
        }
    }
}

async fn prepare(
    shop: &Shop,
    order: &Order,
    given_up: &Arc<AtomicBool>,
) -> Result<Made, (Fault, String)> {
    let (attempt, payload) = (order.attempt, &order.payload);
    step(shop, Step::Bundle, attempt).await.map_err(|why| (Fault::Bundle, why))?;
    if has_files(order) {
        files(shop, order, given_up).await?;
    }
    let container = |why| (Fault::Container, why);
    step(shop, Step::Container, attempt).await.map_err(container)?;
    match &payload.entrypoint {
        Entrypoint::None => Err(container("the job has nothing to run: give it a command".into())),
        Entrypoint::Closure(name) => {
            let closures = &shop.settings.closures;
            if closures.get(name).is_some() {
                return Ok(Made::Closure);
            }
            let known = closures.names().collect::<Vec<_>>().join(", ");
            let known = if known.is_empty() { "there is none" } else { &known };
            Err(container(format!(
                "there is no closure `{name}` at this worker: register it, or name another: {known}"
            )))
        }
        Entrypoint::Command(words) => {
            let folder = shop.settings.folder.as_deref();
            let folder = folder.ok_or_else(|| container(NO_FOLDER.to_owned()))?;
            let program: Result<PathBuf, String> =
                shop.settings.supervisor.clone().map_or_else(own_program, Ok);
            let program = program.map_err(container)?;
            let leash = Leash::open(&program, folder, attempt, payload, words).await;
            leash.map(|leash| Made::Command(Box::new(leash))).map_err(container)
        }
    }
}

const NO_FOLDER: &str =
    "this worker has no folder, so it takes neither commands nor bundles: give it one";

/// Makes the working directory and puts the bundle into it.
async fn files(
    shop: &Shop,
    order: &Order,
    given_up: &Arc<AtomicBool>,
) -> Result<(), (Fault, String)> {
    let bundle = order.payload.bundle.clone().map(PathBuf::from);
    let Some(place) = shop.place(order.attempt) else {
        let fault = if bundle.is_some() { Fault::Bundle } else { Fault::Container };
        return Err((fault, NO_FOLDER.to_owned()));
    };
    let given_up = Arc::clone(given_up);
    let making = tokio::task::spawn_blocking(move || {
        let made = fill(&place, bundle.as_deref(), &given_up);
        // Whoever gave it up may have removed it before this was done.
        if given_up.load(Ordering::SeqCst) {
            place.remove();
        }
        made
    });
    making.await.unwrap_or_else(|error| Err((Fault::Bundle, error.to_string())))
}

fn fill(
    place: &Place,
    bundle: Option<&Path>,
    given_up: &AtomicBool,
) -> Result<(), (Fault, String)> {
    place.make().map_err(|error| {
        (Fault::Container, format!("no folder {} could be made: {error}", place.work().display()))
    })?;
    let Some(bundle) = bundle else { return Ok(()) };
    let unpacked = bundle::unpack(bundle, &place.work(), &|| given_up.load(Ordering::SeqCst));
    unpacked.map_err(|why| (Fault::Bundle, why))
}

/// What the monitor of a started attempt meets first.
fn monitor(shop: &Shop, attempt: AttemptId, voice: &Voice) -> impl Future<Output = ()> {
    let verdict = shop.settings.faults.check(Step::Monitor, attempt);
    if let Verdict::Fail(why) = &verdict {
        shop.note(attempt, &format!("the monitor of this attempt died: {why}"));
        voice.say(News::MonitorDied(attempt));
    }
    let clock = shop.settings.clock;
    async move {
        if let Verdict::Delay(length) = verdict {
            clock.sleep(length).await;
        }
    }
}

/// A closure until its task is gone.
async fn closure(shop: &Shop, attempt: AttemptId, voice: &Voice, words: &mut Words) -> Over {
    let Some(Word::Runs(task)) = words.recv().await else { return Over::NeverStarted };
    monitor(shop, attempt, voice).await;
    let (exit, why) = match task.await {
        Ok(Ok(())) => (Exit::Success, None),
        Ok(Err(why)) => (Exit::Error, Some(why)),
        Err(error) if error.is_cancelled() => (Exit::Stopped, None),
        Err(error) => (Exit::Error, Some(error.to_string())),
    };
    if let Some(why) = why {
        shop.note(attempt, &why);
    }
    Over::Exited(exit)
}

/// A command until nothing of it is left.
async fn command(
    shop: &Shop,
    attempt: AttemptId,
    voice: &Voice,
    words: &mut Words,
    mut leash: Leash,
) -> Over {
    if words.recv().await.is_none() {
        leash.close().await;
        return Over::NeverStarted;
    }
    leash.tell(protocol::GO).await;
    let mut late = pin!(monitor(shop, attempt, voice));
    let mut watched = false;
    let report = loop {
        tokio::select! {
            biased;
            word = words.recv() => match word {
                Some(Word::Terminate) => leash.tell(protocol::TERMINATE).await,
                Some(Word::Destroy) => leash.tell(protocol::DESTROY).await,
                Some(Word::Go | Word::Runs(_)) => {}
                // The worker is going down: as if it had been killed.
                None => {
                    leash.close().await;
                    return Over::LetGo;
                }
            },
            () = &mut late, if !watched => watched = true,
            report = leash.hear(), if watched => break report,
        }
    };
    leash.close().await;
    Over::Exited(match report {
        Some(Report::Ended(End::Code(0))) => Exit::Success,
        Some(Report::Ended(End::Code(_) | End::Signal { ours: false, .. })) => Exit::Error,
        Some(Report::Ended(End::Signal { ours: true, .. })) => Exit::Stopped,
        Some(Report::Ended(End::NotStarted(why))) => {
            shop.note(attempt, &why);
            Exit::Error
        }
        Some(Report::Ready) | None => {
            shop.note(attempt, "the supervisor of this attempt died; all of it was ended");
            Exit::Error
        }
    })
}
