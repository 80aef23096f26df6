//! What can go wrong, each with what a person should do.

use std::fmt;

use super::SpkiPin;
use crate::value::{Duration, OLDEST_SUPPORTED, RowId, Version};

mod certificate;
mod connection;

pub use certificate::CertificateProblem;
pub use connection::NoConnection;

/// Why a request came to nothing. No variant carries credentials; foreign text in one is shortened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// What the client was given cannot be used.
    #[error("{0}")]
    Configuration(String),
    /// 401: one answer for a wrong password, a group without `rest-api`, and a user's address list.
    #[error(
        "the router refuses the user name or password: check both in the Secret that credentialsSecretRef names, that \
         the user's group has the policy rest-api, and that the user's address list allows this host"
    )]
    Unauthorized,
    /// 403: the account may be right, the place that it comes from is not.
    #[error(
        "the router does not let this host in (403): add the addresses that the requests come from to address= of the \
         router's user and, in /ip/service, of www-ssl"
    )]
    SourceRefused,
    /// The user may log in, but not do this.
    #[error(
        "the router's user lacks the policy {0}: add it to the user's group (read,write,api,rest-api are needed)"
    )]
    PolicyMissing(Permission),
    /// No connection, to a router that has not answered lately or never has.
    #[error("no connection to {address} ({why}): {}", cause.remedy(service))]
    Unreachable {
        /// Host and port.
        address: String,
        /// RouterOS's name of the service that should answer there.
        service: &'static str,
        /// What the failure points to.
        cause: NoConnection,
        /// What the system said.
        why: String,
    },
    /// No connection to a router that answered a few minutes ago: it may be restarting.
    #[error(
        "no connection to {address} ({why}), which answered {ago} ago: if it restarts, wait two minutes; if not, look \
         at its power, at the network to it and at its /ip/service"
    )]
    Away {
        /// Host and port.
        address: String,
        /// Time since its last answer.
        ago: Duration,
        /// What the system said.
        why: String,
    },
    /// An answer of a router that is still starting.
    #[error(
        "the router is restarting ({why}): wait a minute; if it stays so, look at its /log and restart it once more"
    )]
    Rebooting {
        /// What shows it.
        why: String,
    },
    /// A connection, but not to a router that we trust.
    #[error("the router's certificate is not trusted: {problem}. Its key's pin is {pin}")]
    Certificate {
        /// What is wrong with it.
        problem: CertificateProblem,
        /// The pin that `tls.pins` would have to hold for it.
        pin: SpkiPin,
        /// Its SHA-256 as RouterOS shows it: 64 hexadecimal digits in small letters.
        fingerprint: String,
    },
    /// Something answers, but not RouterOS's REST service.
    #[error(
        "{address} answers, but not with RouterOS's REST service ({why}): check the port, that the router runs \
         RouterOS {OLDEST_SUPPORTED} or newer, and that /ip/service/webserver (7.21 and newer) has REST switched on"
    )]
    NoRest {
        /// Host and port.
        address: String,
        /// What it answered.
        why: String,
    },
    /// RouterOS 6 and older have no REST service.
    #[error(
        "the router runs RouterOS {0}, which has no REST service: upgrade it to RouterOS {OLDEST_SUPPORTED} or newer \
         (/system/package/update, channel upgrade)"
    )]
    NoRestBefore7(Version),
    /// A version with a known hole in exactly this service.
    #[error("the router runs RouterOS {0}; {OLDEST_SUPPORTED} or newer is needed: update it")]
    TooOld(Version),
    /// A version newer than this crate knows has refused a write in words that no known version uses.
    #[error(
        "the router runs RouterOS {version}, which is newer than this program knows, and refused a write in words that \
         it does not know either ({detail}): nothing more is written to it; look for a newer release of this program, \
         and tell its authors of these words"
    )]
    Unfamiliar {
        /// What the router runs.
        version: Version,
        /// RouterOS's own words, shortened.
        detail: String,
    },
    /// The router is there, but does not keep up.
    #[error(
        "the router is busy or restarting ({why}): wait a minute; if it stays so, look at /system/resource and /log"
    )]
    Busy {
        /// What it said or did.
        why: String,
    },
    /// The row is gone.
    #[error("{menu} has no row {id}: somebody removed it, or the router was restarted; read the menu again")]
    NotFound {
        /// The menu's path.
        menu: &'static str,
        /// The row.
        id: RowId,
    },
    /// The router understood and declined.
    #[error(
        "the router refused a request to {menu}: {detail} ({status}); change what it names, there or here"
    )]
    Refused {
        /// The menu's path.
        menu: &'static str,
        /// The HTTP status.
        status: u16,
        /// RouterOS's own words, shortened.
        detail: String,
    },
    /// No answer in time. Of a write nobody knows then whether it was applied.
    #[error("{menu} gave no answer within {}: check the router's load and the network to it", Duration::from(*after))]
    Timeout {
        /// The menu's path.
        menu: &'static str,
        /// How long was waited.
        after: std::time::Duration,
    },
    /// An answer that cannot be read.
    #[error("{menu} gave an answer that cannot be read ({why}): please report it with the router's version")]
    Malformed {
        /// The menu's path.
        menu: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// Whoever decided on a write may not make it any more.
    #[error(
        "a write to {menu} was not sent: whoever decided on it may not write any more; nothing needs to be done"
    )]
    Forbidden {
        /// The menu's path.
        menu: &'static str,
    },
    /// A row that must not be edited, whoever asks.
    #[error("{row} is left alone: {why}")]
    Protected {
        /// The row.
        row: String,
        /// Why.
        why: &'static str,
    },
}

impl Error {
    /// The error's kind, for metrics and conditions: one of these words.
    pub const fn category(&self) -> &'static str {
        match self {
            Self::Configuration(_) => "Configuration",
            Self::Unauthorized => "Unauthorized",
            Self::SourceRefused => "SourceRefused",
            Self::PolicyMissing(_) => "PolicyMissing",
            Self::Unreachable { .. } => "Unreachable",
            Self::Away { .. } => "Away",
            Self::Rebooting { .. } => "Rebooting",
            Self::Certificate { .. } => "Certificate",
            Self::NoRest { .. } => "NoRest",
            Self::NoRestBefore7(_) => "NoRestBefore7",
            Self::TooOld(_) => "TooOld",
            Self::Unfamiliar { .. } => "Unfamiliar",
            Self::Busy { .. } => "Busy",
            Self::NotFound { .. } => "NotFound",
            Self::Refused { .. } => "Refused",
            Self::Timeout { .. } => "Timeout",
            Self::Malformed { .. } => "Malformed",
            Self::Forbidden { .. } => "Forbidden",
            Self::Protected { .. } => "Protected",
        }
    }

    /// Whether the same read may well succeed a little later.
    pub const fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. }
                | Self::Away { .. }
                | Self::Rebooting { .. }
                | Self::Busy { .. }
                | Self::Timeout { .. }
        )
    }
}

/// A policy of a RouterOS user group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// `api`
    Api,
    /// `read`
    Read,
    /// `write`
    Write,
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Api => "api",
            Self::Read => "read",
            Self::Write => "write",
        })
    }
}
