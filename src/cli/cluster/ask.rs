//! How a cluster is found, and spoken to.

use std::env;
use std::fs;
use std::io;
use std::path::Path;

use crate::model::time::Millis;
use crate::real::client::{Client, Error};
use crate::real::clock::Clock;
use crate::real::cluster::in_real_time;
use crate::real::net::Network;
use crate::real::process::{ADDRESS, TOKEN};
use crate::real::token::Token;

use super::super::Failure;
use super::args::{At, TokenFile};

/// The variable that says where the controller listens.
const CONTROLLER: &str = "IRIS_CHECK_CONTROLLER";
/// Where a controller listens if nothing else is said.
const USUAL: &str = "127.0.0.1:7077";
/// How long an answer may take.
const ANSWER: Millis = Millis::seconds(30);

/// A controller, and how it was found.
pub(super) struct Target {
    address: String,
    from: String,
}

/// Where the controller is.
pub(super) fn target(at: &At) -> Target {
    if let Some(address) = &at.controller {
        return Target { address: address.clone(), from: "as --controller says".to_owned() };
    }
    if let Ok(address) = env::var(CONTROLLER) {
        return Target { address, from: format!("as {CONTROLLER} says") };
    }
    let file = at.folder.join(ADDRESS);
    if let Ok(text) = fs::read_to_string(&file) {
        let from = format!("as {} says", file.display());
        return Target { address: text.trim().to_owned(), from };
    }
    let from = format!("the usual address; there is no {}", file.display());
    Target { address: USUAL.to_owned(), from }
}

/// The token of the cluster, if there is one.
pub(super) fn token(file: &TokenFile) -> Result<Option<Token>, Failure> {
    let (text, from) = match &file.token_file {
        Some(path) => (read(path)?, path.display().to_string()),
        None => match env::var(TOKEN) {
            Ok(text) => (text, TOKEN.to_owned()),
            Err(env::VarError::NotPresent) => return Ok(None),
            Err(env::VarError::NotUnicode(_)) => (String::new(), TOKEN.to_owned()),
        },
    };
    let token = Token::new(&text).map_err(|error| Failure::Bad(format!("{from}: {error}")))?;
    Ok(Some(token))
}

/// The text of a file that was named.
pub(super) fn read(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|error| {
        Failure::Bad(format!("{}: the file cannot be read: {error}", path.display()))
    })
}

/// Asks a cluster something that is answered soon.
pub(super) fn ask<T>(
    at: &At,
    question: impl AsyncFnOnce(&Client) -> Result<T, Error>,
) -> Result<T, Failure> {
    talk(at, async |client, clock| {
        let late = || Error::Unavailable(format!("no answer in {ANSWER}"));
        clock.within(ANSWER, question(client)).await.unwrap_or_else(|| Err(late()))
    })
}

/// Speaks with a cluster as long as it takes.
pub(super) fn talk<T>(
    at: &At,
    talk: impl AsyncFnOnce(&Client, Clock) -> Result<T, Error>,
) -> Result<T, Failure> {
    let (target, token) = (target(at), token(&at.token)?);
    let told = in_real_time(async {
        let (network, clock) = (Network::tcp().with_token(token), Clock::real());
        let client = Client::new(&network, &target.address, clock)
            .map_err(|error| Failure::Bad(error.to_string()))?;
        talk(&client, clock).await.map_err(|error| explain(&target, error))
    });
    told.map_err(|error| no_runtime(&error))?
}

/// Neither a client nor a node can do without threads and sockets.
pub(super) fn no_runtime(error: &io::Error) -> Failure {
    Failure::Bad(format!("the operating system gives no threads or sockets: {error}"))
}

/// What is wrong, and what to do.
pub(super) fn explain(target: &Target, error: Error) -> Failure {
    let Target { address, from } = target;
    Failure::Bad(match error {
        Error::Unavailable(says) => format!(
            "no controller answers at {address} ({from}): {says}; start a cluster with \
             `iris-check up`, or say with --controller where it is"
        ),
        Error::Unauthenticated(says) => format!(
            "{says}; put it into the variable {TOKEN}, or name a file that holds it with \
             --token-file"
        ),
        error @ (Error::Invalid(_)
        | Error::NotFound(_)
        | Error::TooMuch(_)
        | Error::Internal(_)) => error.to_string(),
    })
}
