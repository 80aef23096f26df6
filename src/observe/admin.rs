//! The admin server: probes for Kubernetes, nothing that changes anything.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// Connections at once: a probe, a scraper and a person, with room.
const CONNECTIONS: usize = 32;
/// Whoever does not finish its request line within this is no probe.
const HEADER: Duration = Duration::from_secs(5);

/// What the process still waits for before it is ready.
#[derive(Debug, Clone, Default)]
pub struct Readiness(Arc<Mutex<BTreeMap<u64, &'static str>>>);

/// One thing that is waited for, until it is [`Pending::done`].
#[derive(Debug)]
pub struct Pending {
    readiness: Readiness,
    number: u64,
}

impl Readiness {
    /// Waits for something more. `what` completes "waiting for …".
    pub fn wait_for(&self, what: &'static str) -> Pending {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let number = waiting.keys().next_back().map_or(0, |last| last + 1);
        waiting.insert(number, what);
        Pending {
            readiness: self.clone(),
            number,
        }
    }

    fn waiting(&self) -> Vec<&'static str> {
        let waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.values().copied().collect()
    }
}

impl Pending {
    /// It is there.
    pub fn done(self) {
        let mut waiting = self.readiness.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.remove(&self.number);
    }
}

/// Why the server cannot be.
#[derive(Debug, thiserror::Error)]
#[error(
    "listening on {address} for probes: {source}; choose another with --admin-listen or TIKLB_ADMIN_LISTEN"
)]
pub struct BindError {
    address: SocketAddr,
    #[source]
    source: std::io::Error,
}

/// A server that listens and does not answer yet.
#[derive(Debug)]
pub struct Admin {
    listener: TcpListener,
    readiness: Readiness,
}

impl Admin {
    /// Listens.
    ///
    /// # Errors
    /// The address is taken, or is none of this host's.
    pub async fn bind(address: SocketAddr, readiness: Readiness) -> Result<Self, BindError> {
        let listener = TcpListener::bind(address)
            .await
            .map_err(|source| BindError { address, source })?;
        Ok(Self { listener, readiness })
    }

    /// Answers, for ever.
    pub async fn run(self) {
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        loop {
            let Ok(place) = places.clone().acquire_owned().await else {
                return;
            };
            let Ok((stream, _)) = self.listener.accept().await else {
                tokio::time::sleep(Duration::from_millis(100)).await; // No descriptors are left: a moment later some are.
                continue;
            };
            let readiness = self.readiness.clone();
            tokio::spawn(async move {
                let answer = service_fn(|request| {
                    let answer = answer(&request, &readiness);
                    std::future::ready(Ok::<_, Infallible>(answer))
                });
                let connection = http1::Builder::new()
                    .timer(TokioTimer::new())
                    .header_read_timeout(HEADER)
                    .keep_alive(false)
                    .serve_connection(TokioIo::new(stream), answer);
                if let Err(error) = connection.await {
                    tracing::debug!(%error, "a connection to the admin server failed");
                }
                drop(place);
            });
        }
    }
}

fn answer(request: &Request<Incoming>, readiness: &Readiness) -> Response<Full<Bytes>> {
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return text(
            StatusCode::METHOD_NOT_ALLOWED,
            "only GET is answered here\n".to_owned(),
        );
    }
    match request.uri().path() {
        "/" => text(StatusCode::OK, "/livez\n/readyz\n".to_owned()),
        "/livez" | "/healthz" => text(StatusCode::OK, "ok\n".to_owned()),
        "/readyz" => match readiness.waiting().as_slice() {
            [] => text(StatusCode::OK, "ok\n".to_owned()),
            waiting => {
                let lines: Vec<String> = waiting
                    .iter()
                    .map(|what| format!("waiting for {what}\n"))
                    .collect();
                text(StatusCode::SERVICE_UNAVAILABLE, lines.concat())
            }
        },
        _ => text(StatusCode::NOT_FOUND, "no such page; / lists them\n".to_owned()),
    }
}

fn text(status: StatusCode, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response
}
