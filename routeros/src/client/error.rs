//! What can go wrong, each with what a person should do.

use std::fmt;

use crate::value::{Duration, OLDEST_SUPPORTED, RowId, Version};

/// Why a request came to nothing. No variant carries credentials; foreign text in one is shortened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// What the client was given cannot be used.
    #[error("{0}")]
    Configuration(String),
    /// 401 or 403.
    #[error(
        "the router refuses the user name or password: check both in the Secret that credentialsSecretRef names, that \
         the user's group has the policy rest-api, and that the user's address list allows this host"
    )]
    Unauthorized,
    /// The user may log in, but not do this.
    #[error(
        "the router's user lacks the policy {0}: add it to the user's group (read,write,api,rest-api are needed)"
    )]
    PolicyMissing(Permission),
    /// No connection.
    #[error(
        "no connection to {address} ({why}): check the address and the port, that the router's /ip/service has \
         {service} enabled{}, and that the service's address list and the firewall allow this host",
        if *service == "www-ssl" { " with a certificate" } else { "" }
    )]
    Unreachable {
        /// Host and port.
        address: String,
        /// RouterOS's name of the service that should answer there.
        service: &'static str,
        /// What the system said.
        why: String,
    },
    /// A connection, but not to a router that we trust.
    #[error("the router's certificate is not trusted: {problem}. Its key's pin is {pin}")]
    Certificate {
        /// What is wrong with it.
        problem: CertificateProblem,
        /// The pin that `tls.pins` would have to hold for it.
        pin: String,
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
    /// A version with a known hole in exactly this service.
    #[error("the router runs RouterOS {0}; {OLDEST_SUPPORTED} or newer is needed: update it")]
    TooOld(Version),
    /// The router is there, but does not keep up, or is restarting.
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
            Self::PolicyMissing(_) => "PolicyMissing",
            Self::Unreachable { .. } => "Unreachable",
            Self::Certificate { .. } => "Certificate",
            Self::NoRest { .. } => "NoRest",
            Self::TooOld(_) => "TooOld",
            Self::Busy { .. } => "Busy",
            Self::NotFound { .. } => "NotFound",
            Self::Refused { .. } => "Refused",
            Self::Timeout { .. } => "Timeout",
            Self::Malformed { .. } => "Malformed",
            Self::Protected { .. } => "Protected",
        }
    }

    /// Whether the same read may well succeed a little later.
    pub const fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. } | Self::Busy { .. } | Self::Timeout { .. }
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

/// What is wrong with a router's certificate, and which field mends it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateProblem {
    /// Neither CA nor pin is configured.
    #[error(
        "nothing says which one to trust; set tls.caSecretRef to the CA that signed it, or compare it with the one on \
         the router and set tls.pins"
    )]
    NothingTrusted,
    /// A pin is configured, another key is presented, and no CA is configured.
    #[error("its key is none of tls.pins; if the certificate was replaced on purpose, add the new pin there")]
    NotPinned,
    /// The chain ends at no CA that we know.
    #[error("the CA in tls.caSecretRef did not sign it; put the one that did there, or set tls.pins")]
    UnknownIssuer,
    /// RouterOS's self-signed certificates are made so.
    #[error(
        "it is a CA's certificate, not a server's; issue a server's with it on the router, or set tls.pins"
    )]
    IsAuthority,
    /// The CA is known, the name is another.
    #[error("it is not for {expected} but {}", listed(presented))]
    WrongName {
        /// The name asked for.
        expected: String,
        /// The names in the certificate; RouterOS's own often have none.
        presented: Vec<String>,
    },
    /// Over.
    #[error("it expired {0} ago; renew it on the router, or set tls.pins")]
    Expired(Duration),
    /// Not yet begun.
    #[error("it is valid only in {0}; check the clocks of router and cluster, or set tls.pins")]
    NotYetValid(Duration),
    /// Anything else: an unknown algorithm, a purpose that is not a server's.
    #[error("{0}; issue another one, or set tls.pins")]
    Other(String),
}

fn listed(names: &[String]) -> String {
    if names.is_empty() {
        return "carries no name at all (RouterOS's own often do not); set tls.pins".to_owned();
    }
    format!(
        "for {}; set tls.serverName to one of these, or tls.pins",
        names.join(", ")
    )
}
