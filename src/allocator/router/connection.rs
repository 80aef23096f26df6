//! How a router is reached: what its object names, looked up.
//!
//! What is missing or unusable is said by the field or the Secret that a person has to mend, never with its content.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use routeros::client::{Client, Credentials, Endpoint, Error, Observer, SpkiPin, Timeouts, Trust};
use tiklb_core::reservation::{Failure, FailureKind};

use super::failure::failure;
use crate::cluster::object::router::{RouterAccess, SecretKey};
use crate::cluster::object::secret::SecretObject;

#[cfg(test)]
mod tests;

/// Keys of the Secret that `spec.credentialsSecretRef` names.
const USERNAME: &str = "username";
const PASSWORD: &str = "password";

/// A router and who we are to it.
#[derive(Debug, Clone)]
pub struct Connection {
    /// The router.
    pub peer: Peer,
    /// Who we are.
    pub credentials: Credentials,
}

/// A router as it is reached and known again. Two that are equal are one router: a client of the one serves the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    url: String,
    allow_plain_http: bool,
    ca: Option<Bundle>,
    pins: Vec<SpkiPin>,
    server_name: Option<String>,
}

/// A CA's certificate out of a Secret.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Bundle {
    place: String,
    pem: Vec<u8>,
}

/// Looks up what `access` names among the Secrets of its namespace, by name; one that is not there does not exist.
///
/// # Errors
/// What is missing or cannot be used, and how to mend it.
pub fn connection(
    namespace: &str,
    access: &RouterAccess,
    secrets: &BTreeMap<String, SecretObject>,
) -> Result<Connection, Failure> {
    let cabinet = Cabinet { namespace, secrets };
    let credentials = credentials(access, &cabinet)?;
    // Over http nobody shows a certificate: what is said about it has no effect, and so holds up nothing.
    let plain = access.url.starts_with("http://");
    let ca = access.ca.as_ref().filter(|_| !plain);
    let pins: &[String] = if plain { &[] } else { &access.pins };
    let peer = Peer {
        url: access.url.clone(),
        allow_plain_http: access.allow_plain_http,
        ca: ca.map(|ca| bundle(ca, &cabinet)).transpose()?,
        pins: pins
            .iter()
            .enumerate()
            .map(|(at, text)| pin(at, text))
            .collect::<Result<_, _>>()?,
        server_name: access.server_name.clone().filter(|_| !plain),
    };
    Ok(Connection { peer, credentials })
}

impl Peer {
    /// A client. It connects when the first request is made.
    ///
    /// # Errors
    /// Which field cannot be used.
    pub fn client(
        &self,
        credentials: Credentials,
        timeouts: Timeouts,
        observer: Arc<dyn Observer>,
    ) -> Result<Client, Failure> {
        let endpoint = Endpoint {
            url: self.url.clone(),
            trust: self.trust()?,
            server_name: self.server_name.clone(),
            credentials,
            allow_plain_http: self.allow_plain_http,
            timeouts,
        };
        Client::observed(endpoint, observer).map_err(|error| match &error {
            // The client knows its fields, a person the object's.
            Error::Configuration(why) if why.starts_with("url ") || why.starts_with("tls.") => {
                invalid(format!("spec.{why}"))
            }
            _ => failure(&error),
        })
    }

    fn trust(&self) -> Result<Trust, Failure> {
        let pem = self.ca.as_ref().map(|bundle| bundle.pem.as_slice());
        Trust::new(pem, self.pins.clone()).map_err(|error| {
            let place = self.ca.as_ref().map_or("spec.tls", |bundle| &bundle.place);
            invalid(format!(
                "{place}: {error}; put the CA's certificate there, in PEM"
            ))
        })
    }
}

/// The Secrets of one namespace.
struct Cabinet<'a> {
    namespace: &'a str,
    secrets: &'a BTreeMap<String, SecretObject>,
}

impl Cabinet<'_> {
    /// The value under a key of a Secret, or what is missing and what to do (`remedy`).
    fn get(&self, secret: &str, key: &str, remedy: &str) -> Result<&[u8], Failure> {
        let namespace = self.namespace;
        let Some(object) = self.secrets.get(secret) else {
            return Err(missing(format!(
                "Secret {namespace}/{secret} does not exist: {remedy}"
            )));
        };
        object
            .get(key)
            .ok_or_else(|| missing(format!("Secret {namespace}/{secret} has no key {key}: {remedy}")))
    }
}

fn credentials(access: &RouterAccess, cabinet: &Cabinet<'_>) -> Result<Credentials, Failure> {
    let remedy = format!("create it with the keys {USERNAME} and {PASSWORD}");
    let text = |key: &str| {
        let bytes = cabinet.get(&access.credentials, key, &remedy)?;
        let text = std::str::from_utf8(bytes).map_err(|_| {
            missing(format!(
                "the key {key} of Secret {}/{} is no text in UTF-8: write the router user's {key} there",
                cabinet.namespace, access.credentials
            ))
        })?;
        // `kubectl create secret --from-file` and `echo | base64` leave a line's end that nobody means.
        Ok(text
            .strip_suffix('\n')
            .map_or(text, |line| line.strip_suffix('\r').unwrap_or(line))
            .to_owned())
    };
    let username = text(USERNAME)?;
    if username.is_empty() {
        return Err(missing(format!(
            "the key {USERNAME} of Secret {}/{} is empty: write the router user's name there",
            cabinet.namespace, access.credentials
        )));
    }
    // RouterOS allows an empty password; a missing key is a mistake.
    Ok(Credentials::new(username, text(PASSWORD)?))
}

fn bundle(ca: &SecretKey, cabinet: &Cabinet<'_>) -> Result<Bundle, Failure> {
    let remedy = "put the CA's certificate there, in PEM; spec.tls.caSecretRef names it";
    let pem = cabinet.get(&ca.secret, &ca.key, remedy)?.to_vec();
    let place = format!(
        "Secret {}/{}, key {}, which spec.tls.caSecretRef names",
        cabinet.namespace, ca.secret, ca.key
    );
    Ok(Bundle { place, pem })
}

fn pin(at: usize, text: &str) -> Result<SpkiPin, Failure> {
    text.parse()
        .map_err(|error: routeros::client::InvalidPin| invalid(format!("spec.tls.pins[{at}]: {error}")))
}

fn missing(message: String) -> Failure {
    Failure {
        kind: FailureKind::SecretMissing,
        message,
    }
}

fn invalid(message: impl fmt::Display) -> Failure {
    Failure {
        kind: FailureKind::InvalidSpec,
        message: message.to_string(),
    }
}
