//! A look at the certificate that a router presents, before anybody trusts it.
//!
//! Nothing is trusted, so that the handshake is broken off by us as soon as the certificate is there: no request and no
//! password is sent.

use std::sync::Arc;
use std::time::Duration;

use super::call::Call;
use super::credentials::CredentialStore;
use super::transport::Transport;
use super::trust::client_config;
use super::{Credentials, Endpoint, Error, SpkiPin, Timeouts, Trust};
use crate::menu::Resource;

/// What a router presented.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presented {
    /// The certificate's SHA-256 as `/certificate print detail` shows it: 64 hexadecimal digits in small letters.
    pub fingerprint: String,
    /// The pin of its key.
    pub pin: SpkiPin,
}

/// Looks at the certificate of the router at `url`; `None` over http, where there is none.
///
/// # Errors
/// [`Error::Configuration`] for a URL that is none, [`Error::Unreachable`] and its like where nothing presents one.
pub async fn presented(url: &str, connect: Duration) -> Result<Option<Presented>, Error> {
    let endpoint = Endpoint {
        url: url.to_owned(),
        trust: Trust::new(None, Vec::new())?,
        server_name: None,
        credentials: Credentials::new("", String::new()),
        allow_plain_http: true,
        timeouts: Timeouts::default(),
    };
    let base = endpoint.base()?;
    if base.scheme() == "http" {
        return Ok(None);
    }
    let tls = client_config(&endpoint.trust, None)?;
    let nobody = Arc::new(CredentialStore::new(endpoint.credentials));
    let transport = Transport::new(base, tls, connect, nobody)?;
    let sent = tokio::time::timeout(connect, transport.send(Call::singleton::<Resource>())).await;
    match sent.map(|answer| answer.map_err(|failure| failure.error)) {
        Ok(Err(Error::Certificate { pin, fingerprint, .. })) => Ok(Some(Presented { fingerprint, pin })),
        Ok(Err(error)) => Err(error),
        Ok(Ok(_)) | Err(_) => Err(Error::Timeout {
            menu: "the TLS handshake",
            after: connect,
        }),
    }
}
