//! What can be wrong with a certificate.

use crate::value::Duration;

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
