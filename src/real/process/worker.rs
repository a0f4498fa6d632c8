//! A worker as a process.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::mpsc;
use tonic::Code;

use crate::model::id::{Seat, WorkerId};
use crate::model::policy::Policy;
use crate::model::resources::{Attributes, Resources};
use crate::model::time::Millis;
use crate::real::chaos::{Chaos, Rule};
use crate::real::clock::Clock;
use crate::real::cluster::ChaoticWork;
use crate::real::net::{Network, Way};
use crate::real::observe::Nobody;
use crate::real::token::Token;
use crate::real::wire::proto;
use crate::real::wire::proto::controller_client::ControllerClient;
use crate::real::work::{Closures, Settings, Workshop, clean_up};
use crate::real::worker::{self, Driver, End, Setup};

use super::folder::{Home, write};
use super::listen::{allowed, reachable};
use super::{Event, Problem, Tell, Told, aside, chaos};

/// The file in a worker's folder that holds the number of its process.
const PID: &str = "pid";
/// How long one question for the policy may take.
const ANSWER: Millis = Millis::seconds(5);
/// Until a controller is asked again that did not answer.
const PAUSE: Millis = Millis(200);

/// What a worker is to be.
#[derive(Debug, Clone)]
pub struct WorkerSettings {
    /// Its name.
    pub id: WorkerId,
    /// Where its controller listens.
    pub controller: String,
    /// Where its files are.
    pub folder: PathBuf,
    /// What it has.
    pub capacity: Resources,
    /// What it says of itself.
    pub attributes: Attributes,
    /// Where it listens; port 0 means any.
    pub listen: String,
    /// Where others reach it, if that is elsewhere.
    pub advertise: Option<String>,
    /// What every call must say, if anything.
    pub token: Option<Token>,
    /// What goes wrong on demand.
    pub rules: Vec<Rule>,
    /// Decides what chaos draws.
    pub seed: u64,
    /// Whether it ends with its standard input.
    pub on_a_leash: bool,
}

/// Runs a worker until it is told to end; then ends all that it runs.
///
/// # Errors
/// It cannot start, or has ended by itself: why.
pub async fn run_worker(settings: WorkerSettings, tell: Tell) -> Result<(), Problem> {
    let address = allowed(&settings.listen, settings.token.as_ref())?.to_string();
    let mut told = Told::new(settings.on_a_leash)?;
    let home = Home::take(&settings.folder)?;
    let folder = home.path().to_owned();
    let done = tokio::select! {
        done = work(settings, &address, &home, &tell) => done,
        () = told.end() => {
            tell(&Event::Ends);
            Ok(())
        }
    };
    // The workshop is gone, and supervisors end what they have; this waits until nothing is left.
    let cleaned = aside(move || clean_up(&folder)).await;
    done.and(cleaned.map(drop).map_err(Problem::new))
}

async fn work(
    settings: WorkerSettings,
    address: &str,
    home: &Home,
    tell: &Tell,
) -> Result<(), Problem> {
    let says = |error: std::io::Error| Problem::io(home.path().display(), &error);
    write(home.path(), PID, &format!("{}\n", std::process::id())).map_err(says)?;
    let left = home.path().to_owned();
    aside(move || clean_up(&left)).await.map_err(Problem::new)?;
    // Nothing of an older incarnation runs, so the next one may begin.
    let seat = Seat { worker: settings.id, incarnation: home.last()?.next() };
    home.remember()(seat.incarnation).map_err(says)?;
    let clock = Clock::real();
    let chaos = chaos(settings.seed, clock, &settings.rules)?;
    let network = Network::tcp().with_token(settings.token);
    let policy = ask_policy(&network, &settings.controller, clock, tell).await?;
    let listener = network
        .listen(address)
        .await
        .map_err(|error| Problem::io(format_args!("it cannot listen on {address}"), &error))?;
    let setup = Setup {
        seat,
        capacity: settings.capacity,
        attributes: settings.attributes,
        policy,
        address: reachable(listener.address(), settings.advertise.as_deref())?,
        controller: settings.controller.clone(),
        remember: Box::new(home.remember()),
        clock,
        network: network.clone(),
        chaos: chaos.clone(),
        observer: Arc::new(Nobody),
    };
    let (news, heard) = mpsc::unbounded_channel();
    let workshop = Workshop::new(workshop(settings.id, home, clock, &chaos), news);
    let (driver, to_worker) = Driver::new(setup, workshop, heard).map_err(Problem::new)?;
    let door = worker::Door::new(to_worker, settings.id, chaos);
    tell(&Event::Works(seat, settings.controller));
    tokio::select! {
        end = driver.run() => Err(ended(&end)),
        served = worker::serve(door, network, listener) => Err(Problem::new(match served {
            Ok(()) => "it serves its controller no more".to_owned(),
            Err(error) => format!("it serves its controller no more: {error}"),
        })),
    }
}

fn workshop(id: WorkerId, home: &Home, clock: Clock, chaos: &Chaos) -> Settings {
    Settings {
        folder: Some(home.path().to_owned()),
        closures: Closures::new(),
        supervisor: None,
        clock,
        faults: Arc::new(ChaoticWork { chaos: chaos.clone(), worker: id }),
    }
}

fn ended(end: &End) -> Problem {
    match end {
        End::Crashed => std::process::abort(),
        End::Forgetful(_) | End::Alone | End::Stopped => {
            Problem::new(format!("the worker has ended: {end}"))
        }
    }
}

/// The policy of the cluster. A controller that does not answer is waited for.
async fn ask_policy(
    network: &Network,
    controller: &str,
    clock: Clock,
    tell: &Tell,
) -> Result<Policy, Problem> {
    let line: ControllerClient<Way> =
        ControllerClient::new(network.reach(controller).map_err(Problem::new)?);
    let mut silent = false;
    loop {
        let mut line = line.clone();
        let asked = line.policy(proto::PolicyRequest {});
        match clock.within(ANSWER, asked).await {
            Some(Ok(reply)) => {
                let policy: Policy = serde_json::from_str(&reply.get_ref().json).map_err(|error| {
                    Problem::new(format!(
                        "the controller's policy cannot be read ({error}): worker and controller \
                         must be the same version of iris-check"
                    ))
                })?;
                policy.validate().map_err(Problem::new)?;
                return Ok(policy);
            }
            Some(Err(status)) if status.code() == Code::Unauthenticated => {
                return Err(Problem::new(status.message()));
            }
            Some(Err(status)) if status.code() == Code::Unimplemented => {
                let says = format!("{controller} is no controller of iris-check");
                return Err(Problem::new(says));
            }
            Some(Err(_)) | None => {}
        }
        if !std::mem::replace(&mut silent, true) {
            tell(&Event::Waits(controller.to_owned()));
        }
        clock.sleep(PAUSE).await;
    }
}
