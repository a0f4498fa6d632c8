//! Where the clusters of a campaign come from.

use crate::conform::in_process::InProcess;
use crate::conform::subject::Stand;

use super::super::Failure;
use super::{On, Target};

/// What was asked for.
pub(super) fn stand(target: &Target) -> Result<Box<dyn Stand + Sync>, Failure> {
    Ok(match target.on {
        On::Virtual => Box::new(InProcess::virtual_time()),
        On::Tcp => Box::new(InProcess::tcp()),
    })
}

/// What reports call it.
pub(super) fn name(target: &Target) -> String {
    match target.on {
        On::Virtual => "virtual".to_owned(),
        On::Tcp => "tcp".to_owned(),
    }
}
