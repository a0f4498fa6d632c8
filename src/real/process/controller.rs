//! A controller as a process.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::mpsc::UnboundedSender;

use crate::controller_sm::GroupConfig;
use crate::model::policy::Policy;
use crate::real::chaos::Rule;
use crate::real::clock::Clock;
use crate::real::controller::{self, Driver, End, Limits, Setup};
use crate::real::journal::Folder;
use crate::real::net::Network;
use crate::real::observe::Nobody;
use crate::real::provider::{NoProvider, Provider};
use crate::real::token::Token;

use super::listen::allowed;
use super::stdio::{Order, Stdio, listen, tell_what_there_is};
use super::{Event, Problem, Tell, Told, chaos};

/// What a controller is to be.
#[derive(Debug, Clone)]
pub struct ControllerSettings {
    /// Where it listens; port 0 means any.
    pub listen: String,
    /// Where its journal is.
    pub journal: PathBuf,
    /// Its policy.
    pub policy: Policy,
    /// Its scale groups, in the order of their names.
    pub groups: Vec<GroupConfig>,
    /// Whether a provider is on the other end of standard input and output; none otherwise.
    pub provider_on_stdio: bool,
    /// What every caller must say, if anything.
    pub token: Option<Token>,
    /// What goes wrong on demand.
    pub rules: Vec<Rule>,
    /// Decides what chaos draws.
    pub seed: u64,
    /// What callers may take.
    pub limits: Limits,
}

/// Runs a controller until it is told to end.
///
/// # Errors
/// It cannot start, or has ended by itself: why.
pub async fn run_controller(settings: ControllerSettings, tell: Tell) -> Result<(), Problem> {
    settings.policy.validate().map_err(Problem::new)?;
    let address = allowed(&settings.listen, settings.token.as_ref())?;
    let mut told = Told::new(false)?;
    let clock = Clock::real();
    let chaos = chaos(settings.seed, clock, &settings.rules)?;
    let network = Network::tcp().with_token(settings.token.clone());
    let (provider, orders) = provider(settings.provider_on_stdio);
    let setup = Setup {
        policy: settings.policy,
        groups: settings.groups,
        first_vm: 1,
        store: Box::new(Folder::open(&settings.journal).map_err(Problem::new)?),
        clock,
        network: network.clone(),
        chaos: chaos.clone(),
        observer: Arc::new(Nobody),
        one_by_one: false,
    };
    let started = Driver::start(setup, |_| provider).map_err(Problem::new)?;
    let to_controller = started.to_controller;
    if let Some(torn) = started.torn {
        let (file, at, bytes, why) = (torn.file, torn.at, torn.bytes, torn.why);
        tell(&Event::Torn(format!("{bytes} bytes from byte {at} of {file}: {why}")));
    }
    let listener = network
        .listen(&address.to_string())
        .await
        .map_err(|error| Problem::io(format_args!("it cannot listen on {address}"), &error))?;
    let address = listener.address().to_owned();
    let door = controller::Door::new(to_controller.clone(), chaos, clock, settings.limits);
    let serving = tokio::spawn(controller::serve(door, network, listener));
    if let Some(orders) = orders {
        let _ = orders.send(Order::Serves(address.clone()));
        tell_what_there_is(&to_controller, orders).await;
    }
    tell(&Event::Serves(address));
    let provider = async {
        if settings.provider_on_stdio {
            listen(to_controller).await
        } else {
            std::future::pending().await
        }
    };
    let running = tokio::spawn(started.driver.run());
    tokio::select! {
        end = running => Err(ended(end)),
        served = serving => Err(Problem::new(match served {
            Ok(Err(error)) => format!("it serves nobody any more: {error}"),
            Ok(Ok(())) => "it serves nobody any more".to_owned(),
            Err(error) => format!("a mistake in iris-check: {error}"),
        })),
        // Whoever started it is gone.
        over = provider => over,
        () = told.end() => {
            tell(&Event::Ends);
            Ok(())
        }
    }
}

/// The provider, and where it takes orders that are not the machine's.
fn provider(on_stdio: bool) -> (Box<dyn Provider>, Option<UnboundedSender<Order>>) {
    if !on_stdio {
        return (Box::new(NoProvider), None);
    }
    let provider = Stdio::new();
    let orders = provider.orders();
    (Box::new(provider), Some(orders))
}

fn ended(end: Result<End, tokio::task::JoinError>) -> Problem {
    match end {
        Ok(End::Crashed) => std::process::abort(),
        Ok(end @ (End::Journal(_) | End::Unread(_) | End::Alone | End::Stopped)) => {
            Problem::new(format!("the controller has ended: {end}"))
        }
        Err(error) => Problem::new(format!("a mistake in iris-check: {error}")),
    }
}
