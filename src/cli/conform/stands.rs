//! Where the clusters of a campaign come from.

use std::env;

use crate::conform::external::{External, PATIENCE};
use crate::conform::in_process::InProcess;
use crate::conform::processes::Processes;
use crate::conform::shrink::Limits;
use crate::conform::subject::{Stand, Trouble};

use super::super::Failure;
use super::{On, Target};

/// What was asked for.
pub(super) fn stand(target: &Target) -> Result<Box<dyn Stand + Sync>, Failure> {
    if let Some(command) = &target.driver {
        let driver = External::new(command, PATIENCE);
        return Ok(Box::new(driver.map_err(|Trouble(says)| Failure::Bad(says))?));
    }
    Ok(match target.on {
        On::Virtual => Box::new(InProcess::virtual_time()),
        On::Tcp => Box::new(InProcess::tcp()),
        On::Processes => {
            let program = env::current_exe().map_err(|error| {
                Failure::Bad(format!("this program does not know where it is: {error}"))
            })?;
            Box::new(Processes::new(program, env::temp_dir()))
        }
    })
}

/// How far it goes to make a failure short: in virtual time a run takes milliseconds, and elsewhere
/// a second.
pub(super) fn limits(target: &Target) -> Limits {
    match (&target.driver, target.on) {
        (None, On::Virtual) => Limits { runs: 6000, leaps: usize::MAX, ..Limits::default() },
        (Some(_), _) | (None, On::Tcp | On::Processes) => {
            Limits { runs: 1000, ..Limits::default() }
        }
    }
}

/// What `replay` needs to play on the same.
pub(super) fn again(target: &Target) -> String {
    match (&target.driver, target.on) {
        (Some(command), _) => format!(" --driver \"{command}\""),
        (None, On::Virtual) => String::new(),
        (None, On::Tcp) => " --on tcp".to_owned(),
        (None, On::Processes) => " --on processes".to_owned(),
    }
}

/// What reports call it.
pub(super) fn name(target: &Target) -> String {
    match (&target.driver, target.on) {
        (Some(command), _) => format!("driver `{command}`"),
        (None, On::Virtual) => "virtual".to_owned(),
        (None, On::Tcp) => "tcp".to_owned(),
        (None, On::Processes) => "processes".to_owned(),
    }
}
