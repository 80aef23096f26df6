//! HTTP: one call, one request, one answer or one failure.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use reqwest::{Method, Url};
use tower::Service;

use crate::value::quote;

use super::call::{Answer, Call, Failure};
use super::credentials::CredentialStore;
use super::resolver::Resolver;
use super::{Error, RequestKind, refusal};
use crate::answer;
use cause::Attempt;
use contact::Contact;

mod cause;
mod contact;
mod page;

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
    contact: Contact,
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
            .dns_resolver(Resolver::default())
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
            contact: Contact::default(),
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
        self.contact.note();
        let status = response.status();
        let bytes = self.read(&call, response).await?;
        let body = answer::parse(&bytes);
        let error = if status.is_success() {
            match body {
                Ok(body) => return Ok(Answer { body }),
                Err(why) => self.unreadable(&call, &bytes, why.to_string()),
            }
        } else {
            refusal::classify(&call, status.as_u16(), &body.unwrap_or_default(), &self.address())
        };
        Err(Failure::answered(self.look_closer(error).await))
    }

    /// Where there is no REST service, the web server may say which RouterOS it is. Asked without our name.
    async fn look_closer(&self, error: Error) -> Error {
        let Error::NoRest { address, why } = error else {
            return error;
        };
        let mut front = self.base.clone();
        front.set_path("/");
        page::explained(&self.http, front, address, why).await
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
        let attempt = Attempt::of(error);
        if let Some(fault) = attempt.certificate {
            return Failure::unsent(Error::Certificate {
                problem: fault.problem,
                pin: fault.pin,
                fingerprint: fault.fingerprint,
            });
        }
        let why = quote(&attempt.words);
        if !attempt.connected {
            return Failure::unsent(match self.contact.lately() {
                Some(ago) => Error::Away {
                    address: self.address(),
                    ago,
                    why,
                },
                None => Error::Unreachable {
                    address: self.address(),
                    service: self.service(),
                    cause: attempt.cause,
                    why,
                },
            });
        }
        // Over plain HTTP the address list shows only here: a connection that was never answered on.
        if attempt.unanswered && self.contact.never() {
            return Failure::interrupted(Error::Unreachable {
                address: self.address(),
                service: self.service(),
                cause: super::NoConnection::AddressList,
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
