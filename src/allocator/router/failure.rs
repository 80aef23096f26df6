//! What went wrong while a router was read, as a condition says it.

use routeros::client::Error;
use tiklb_core::reservation::{Failure, FailureKind};

#[cfg(test)]
mod tests;

/// The client's words, under the heading where a person looks for them.
pub fn failure(error: &Error) -> Failure {
    Failure {
        kind: kind(error),
        message: error.to_string(),
    }
}

fn kind(error: &Error) -> FailureKind {
    match error {
        Error::Configuration(_) => FailureKind::InvalidSpec,
        Error::Unauthorized | Error::SourceRefused => FailureKind::Credentials,
        Error::PolicyMissing(_) => FailureKind::Policy,
        Error::Unreachable { .. } | Error::Away { .. } | Error::Timeout { .. } => FailureKind::Unreachable,
        Error::Certificate { .. } => FailureKind::Certificate,
        // A menu that is always there is refused: its package is switched off, or this is something else.
        Error::NoRest { .. } | Error::Refused { .. } => FailureKind::NoRest,
        Error::TooOld(_) | Error::NoRestBefore7(_) => FailureKind::VersionTooOld,
        // Half an answer, or another question's: what a router does that is starting or does not keep up. The last
        // three are not met by a reading.
        Error::Rebooting { .. }
        | Error::Busy { .. }
        | Error::Malformed { .. }
        | Error::NotFound { .. }
        | Error::Unfamiliar { .. }
        | Error::Forbidden { .. }
        | Error::Protected { .. } => FailureKind::Rebooting,
    }
}
