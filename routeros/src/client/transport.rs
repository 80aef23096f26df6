//! HTTP: one call, one request, one answer or one failure.

use std::error::Error as StdError;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use reqwest::{Method, Url};
use tower::Service;

use crate::value::quote;

use super::call::{Answer, Call, Failure};
use super::credentials::CredentialStore;
use super::trust::CertificateFault;
use super::{Error, RequestKind, body, refusal};

/// The largest answer that is read: some 40,000 leases. A router that sends more is broken, or no router.
const MAX_BODY: usize = 16 * 1024 * 1024;

/// How long an unused connection is kept. Longer than the usual polling interval (30 s): each new connection costs
/// the router a TLS handshake and a line in its log.
const KEEP_ALIVE: Duration = Duration::from_secs(90);

/// A future of the stack's.
pub(super) type Response = Pin<Box<dyn Future<Output = Result<Answer, Failure>> + Send>>;

/// Sends calls to the router.
#[derive(Clone)]
pub(super) struct Transport {
    http: reqwest::Client,
    base: Url,
    credentials: Arc<CredentialStore>,
}

impl Transport {
    pub(super) fn new(
        base: Url,
        tls: rustls::ClientConfig,
        connect: Duration,
        credentials: Arc<CredentialStore>,
    ) -> Result<Self, Error> {
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .connect_timeout(connect)
            .pool_max_idle_per_host(1)
            .pool_idle_timeout(KEEP_ALIVE)
            .http1_only()
            // What happens after a failure is decided by the layers above, and nobody is followed elsewhere with
            // our password: no redirects, and no proxy from the environment.
            .retry(reqwest::retry::never())
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .build()
            .map_err(|error| Error::Configuration(format!("HTTP client: {error}")))?;
        Ok(Self {
            http,
            base,
            credentials,
        })
    }

    /// Host and port, for messages.
    fn address(&self) -> String {
        let host = self.base.host_str().unwrap_or_default();
        format!("{host}:{}", self.base.port_or_known_default().unwrap_or_default())
    }

    fn service(&self) -> &'static str {
        if self.base.scheme() == "https" {
            "www-ssl"
        } else {
            "www"
        }
    }

    /// The URL parser leaves the `*` of an id as it is, which RouterOS insists on.
    fn url(&self, call: &Call) -> Url {
        let mut url = self.base.clone();
        let id = call.id.map(|id| format!("/{id}")).unwrap_or_default();
        url.set_path(&format!("/rest/{}{id}", call.menu));
        url.set_query(call.query.as_deref());
        url
    }

    pub(super) async fn send(self, call: Call) -> Result<Answer, Failure> {
        let (credentials, _) = self.credentials.current();
        let mut request = self
            .http
            .request(method(call.kind), self.url(&call))
            .basic_auth(credentials.username(), Some(credentials.password()));
        if let Some(body) = &call.body {
            request = request.json(body);
        }
        let response = request.send().await.map_err(|error| self.failure(&error))?;
        let status = response.status();
        let bytes = self.read(&call, response).await?;
        let body = body::parse(&bytes);
        if !status.is_success() {
            let body = body.unwrap_or_default();
            return Err(Failure::answered(refusal::classify(
                &call,
                status.as_u16(),
                &body,
                &self.address(),
            )));
        }
        let body = body.map_err(|why| Failure::answered(self.unreadable(&call, &bytes, why)))?;
        Ok(Answer { body })
    }

    async fn read(&self, call: &Call, mut response: reqwest::Response) -> Result<Vec<u8>, Failure> {
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.failure(&error))? {
            if bytes.len() + chunk.len() > MAX_BODY {
                let why = format!("it has more than {MAX_BODY} bytes");
                return Err(Failure::interrupted(Error::Malformed { menu: call.menu, why }));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }

    /// A 2xx answer that is no JSON: a web page is some other service.
    fn unreadable(&self, call: &Call, bytes: &[u8], why: String) -> Error {
        if bytes.trim_ascii_start().starts_with(b"<") {
            return Error::NoRest {
                address: self.address(),
                why: "it is a web page".to_owned(),
            };
        }
        Error::Malformed { menu: call.menu, why }
    }

    /// What a transport error means. Once connected, the request must be taken for sent.
    fn failure(&self, error: &reqwest::Error) -> Failure {
        let sources = Sources(Some(error));
        if let Some(fault) = Sources(Some(error)).find_map(|source| source.downcast_ref::<CertificateFault>())
        {
            let (problem, pin) = (fault.problem.clone(), fault.pin.to_string());
            return Failure::unsent(Error::Certificate { problem, pin });
        }
        let why = quote(&sources.last().map(ToString::to_string).unwrap_or_default());
        if error.is_connect() {
            return Failure::unsent(Error::Unreachable {
                address: self.address(),
                service: self.service(),
                why,
            });
        }
        Failure::interrupted(Error::Busy {
            why: format!("the connection broke: {why}"),
        })
    }
}

fn method(kind: RequestKind) -> Method {
    match kind {
        RequestKind::Read => Method::GET,
        RequestKind::Add => Method::PUT,
        RequestKind::Set => Method::PATCH,
        RequestKind::Remove => Method::DELETE,
    }
}

/// An error and its sources, outermost first, also through the wrappers that hide theirs.
struct Sources<'a>(Option<&'a (dyn StdError + 'static)>);

impl<'a> Iterator for Sources<'a> {
    type Item = &'a (dyn StdError + 'static);

    fn next(&mut self) -> Option<Self::Item> {
        let error = self.0.take()?;
        self.0 = wrapped(error).or_else(|| error.source());
        Some(error)
    }
}

/// `io::Error` shows its inner error's source as its own, rustls shows none.
fn wrapped<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
    if let Some(error) = error.downcast_ref::<io::Error>() {
        return error
            .get_ref()
            .map(|inner| -> &(dyn StdError + 'static) { inner });
    }
    match error.downcast_ref::<rustls::Error>()? {
        rustls::Error::InvalidCertificate(rustls::CertificateError::Other(other)) => Some(other.0.as_ref()),
        _ => None,
    }
}

impl Service<Call> for Transport {
    type Response = Answer;
    type Error = Failure;
    type Future = Response;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: Call) -> Response {
        Box::pin(self.clone().send(call))
    }
}
