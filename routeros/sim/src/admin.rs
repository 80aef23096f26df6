//! The admin surface: a second listener, plain HTTP and JSON, on which a program plays the person in Winbox, turns
//! faults and switches, moves the clock and reads the journal. Nothing of it exists on a router.
//!
//! `GET /` tells every path ([`path::PATHS`]). A wrong request is answered with `{"error": "…"}`, which names what
//! would have been right.

mod order;
mod path;
mod view;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::router::Router;

/// The largest body that is read.
const BODY: usize = 1 << 20;
/// A connection without a request for so long is closed.
const IDLE: Duration = Duration::from_mins(5);
/// After an accept that failed for want of descriptors or memory.
const BREATH: Duration = Duration::from_millis(50);

/// Why a request of the admin surface is refused.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    said: String,
    /// The methods that the path has.
    allow: Option<String>,
}

impl Refusal {
    pub(crate) fn bad(said: impl std::fmt::Display) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            said: said.to_string(),
            allow: None,
        }
    }

    /// With all causes, as errors here name only their own part.
    pub(crate) fn caused(error: &dyn std::error::Error) -> Self {
        let mut said = error.to_string();
        let mut cause = error.source();
        while let Some(inner) = cause {
            said = format!("{said}: {inner}");
            cause = inner.source();
        }
        Self::bad(said)
    }
}

/// Opens the listener, in the calling thread's network namespace.
pub(crate) fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let listener = std::net::TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener)
}

/// Serves until the task is dropped.
pub(crate) async fn serve(router: Router, listener: TcpListener) {
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::debug!(%error, "accepting a connection of the admin surface");
                tokio::time::sleep(BREATH).await;
                continue;
            }
        };
        let router = router.clone();
        tokio::spawn(async move {
            let service = service_fn(|request| {
                let router = &router;
                async move { Ok::<_, Infallible>(answer(router, request).await) }
            });
            let conversation = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(IDLE)
                .serve_connection(TokioIo::new(stream), service);
            if let Err(error) = conversation.await {
                tracing::debug!(%error, "a connection of the admin surface ended");
            }
        });
    }
}

async fn answer(router: &Router, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, BODY).collect().await;
    let done = match body {
        Ok(body) => path::find(&head.method, head.uri.path())
            .and_then(|(path, rest)| (path.run)(router, rest, &body.to_bytes())),
        Err(_) => Err(Refusal::bad(format!(
            "the body is too long: write at most {BODY} bytes"
        ))),
    };
    let (status, value, allow) = match done {
        Ok(value) => (StatusCode::OK, value, None),
        Err(refusal) => (refusal.status, json!({ "error": refusal.said }), refusal.allow),
    };
    let mut response = Response::new(Full::from(pretty(&value)));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(allow) = allow.and_then(|methods| HeaderValue::from_str(&methods).ok()) {
        response.headers_mut().insert(ALLOW, allow);
    }
    response
}

/// Read by people as much as by programs.
fn pretty(value: &Value) -> Vec<u8> {
    let mut text = format!("{value:#}");
    text.push('\n');
    text.into_bytes()
}
