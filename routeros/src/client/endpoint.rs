//! Which router, and how to speak to it.

use std::time::Duration;

use reqwest::Url;

use super::{Credentials, Error, Trust};

/// A router's REST service.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// `https://192.168.1.1`, with a port if it is not the usual one.
    pub url: String,
    /// Which certificates are trusted.
    pub trust: Trust,
    /// The name that the certificate is checked for, instead of the URL's host: routers are often addressed by
    /// number and certified by name.
    pub server_name: Option<String>,
    /// Who we are.
    pub credentials: Credentials,
    /// Whether `http://` is allowed, where anybody on the way reads the password.
    pub allow_plain_http: bool,
    /// How long to wait for what.
    pub timeouts: Timeouts,
}

/// How long to wait for what. The defaults are for a real router; tests shorten them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For a connection with its TLS handshake.
    pub connect: Duration,
    /// For a read's whole answer.
    pub read: Duration,
    /// For a write's whole answer.
    pub write: Duration,
    /// Between a transport error and the next request.
    pub settle: Duration,
    /// Before the first repeat of a read; doubled for the next, with jitter.
    pub backoff: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            // A handshake takes the smallest boards a second or two; a router that is off never answers.
            connect: Duration::from_secs(10),
            // A list of thousands of rows takes seconds on small boards. Giving up closes the connection in the
            // middle of an answer, which the router takes badly, so this is generous.
            read: Duration::from_secs(30),
            // RouterOS itself ends each request after 60 s. Waiting longer than that means that a write without an
            // answer is over, one way or the other, when its row is read again.
            write: Duration::from_secs(65),
            // After an abandoned request RouterOS (7.21.5, measured) resets connections and mixes up answers for up
            // to 2.4 s.
            settle: Duration::from_secs(5),
            // A reboot or an overload is not over sooner.
            backoff: Duration::from_millis(500),
        }
    }
}

impl Endpoint {
    /// The base URL, ending in `/rest/`.
    pub(super) fn base(&self) -> Result<Url, Error> {
        let wrong = |why: &str| Error::Configuration(format!("url {why}"));
        let mut url = Url::parse(&self.url).map_err(|error| wrong(&format!("is not one: {error}")))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong(
                "holds a user name or password: put them into the Secret of credentialsSecretRef",
            ));
        }
        match url.scheme() {
            "https" => {}
            "http" if self.allow_plain_http => {}
            "http" => {
                let why = "is http, where anybody on the way reads the password: use https, or set allowPlainHttp: true";
                return Err(wrong(why));
            }
            _ => return Err(wrong("should start with https://")),
        }
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err(wrong("should end after the host and port"));
        }
        url.set_path("/rest/");
        Ok(url)
    }
}
