//! What is answered to a request.

use std::net::SocketAddr;
use std::time::Duration;

use http::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::{Body, Bytes};
use tokio::time::timeout;

use super::Sources;
use crate::observe::metrics;

/// A log level's longest text, in bytes, as [`Log::set_level`](crate::observe::log::Log::set_level) has it.
const LEVEL_BYTES: usize = 1_024;
/// A request's body must be there in this time.
const BODY: Duration = Duration::from_secs(5);

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

#[derive(Debug, Clone, Copy)]
enum Route {
    Index,
    Live,
    Ready,
    Metrics,
    State,
    LogLevel,
}

/// The paths, each with what stands there.
const ROUTES: [(&str, Route, &str); 7] = [
    ("/", Route::Index, "this list"),
    ("/livez", Route::Live, "whether the process's loops go round"),
    ("/healthz", Route::Live, "the same under MetalLB's name"),
    ("/readyz", Route::Ready, "what the process still waits for"),
    ("/metrics", Route::Metrics, "metrics for Prometheus"),
    ("/debug/state", Route::State, "what the process knows, as JSON"),
    (
        "/log-level",
        Route::LogLevel,
        "what is logged; PUT another level from the node itself, such as debug",
    ),
];

pub(super) async fn answer<B>(
    sources: &Sources,
    peer: SocketAddr,
    request: Request<B>,
) -> Response<Full<Bytes>>
where
    B: Body<Data = Bytes>,
    B::Error: std::error::Error + Send + Sync + 'static,
{
    let path = request.uri().path();
    let Some((_, route, _)) = ROUTES.iter().find(|(known, _, _)| *known == path) else {
        let words = format!("there is nothing at this path; these are known:\n{}", index());
        return text(StatusCode::NOT_FOUND, words);
    };
    match (route, request.method()) {
        // The HTTP library leaves the body of an answer to HEAD out, and its length in.
        (route, &Method::GET | &Method::HEAD) => show(*route, sources),
        (Route::LogLevel, &Method::PUT) => set_level(sources, peer, request.into_body()).await,
        (Route::LogLevel, _) => refuse("GET, HEAD, PUT"),
        _ => refuse("GET, HEAD"),
    }
}

fn show(route: Route, sources: &Sources) -> Response<Full<Bytes>> {
    match route {
        Route::Index => text(StatusCode::OK, index()),
        Route::Live => verdict(sources.liveness.stalled().iter().map(|each| format!("{each}\n"))),
        Route::Ready => {
            let waiting = sources.readiness.waiting();
            verdict(waiting.iter().map(|what| format!("waiting for {what}\n")))
        }
        Route::Metrics => match metrics::text(&sources.registry) {
            Ok(body) => response(StatusCode::OK, metrics::CONTENT_TYPE, body),
            Err(error) => {
                let words = format!("the metrics could not be written: {error}\n");
                text(StatusCode::INTERNAL_SERVER_ERROR, words)
            }
        },
        Route::State => response(StatusCode::OK, JSON, format!("{:#}\n", (sources.state)())),
        Route::LogLevel => text(StatusCode::OK, format!("{}\n", sources.log.level())),
    }
}

fn index() -> String {
    let lines = ROUTES
        .iter()
        .map(|(path, _, what)| format!("{path:<13} {what}\n"));
    lines.collect()
}

/// `ok`, or a line for each thing that is not.
fn verdict(wrong: impl Iterator<Item = String>) -> Response<Full<Bytes>> {
    let wrong: String = wrong.collect();
    if wrong.is_empty() {
        text(StatusCode::OK, "ok\n".to_owned())
    } else {
        text(StatusCode::SERVICE_UNAVAILABLE, wrong)
    }
}

/// Changes what is logged. From this host alone (`kubectl port-forward` and `kubectl exec` come from there): reading is
/// harmless, but whoever can silence a log hides in it, and whoever can make it talk fills the node's disk. The port has
/// no password, and on a node the whole LAN reaches it.
async fn set_level<B>(sources: &Sources, peer: SocketAddr, body: B) -> Response<Full<Bytes>>
where
    B: Body<Data = Bytes>,
    B::Error: std::error::Error + Send + Sync + 'static,
{
    // A socket for both families shows IPv4 peers as ::ffff:127.0.0.1.
    if !peer.ip().to_canonical().is_loopback() {
        let words = "the log level is changed from this host alone: use kubectl port-forward\n";
        return text(StatusCode::FORBIDDEN, words.to_owned());
    }
    let body = match timeout(BODY, Limited::new(body, LEVEL_BYTES).collect()).await {
        Err(_) => return text(StatusCode::REQUEST_TIMEOUT, "the body took too long\n".to_owned()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            let words = format!("a log level has at most {LEVEL_BYTES} bytes\n");
            return text(StatusCode::PAYLOAD_TOO_LARGE, words);
        }
        Ok(Err(error)) => {
            let words = format!("the body could not be read: {error}\n");
            return text(StatusCode::BAD_REQUEST, words);
        }
        Ok(Ok(body)) => body.to_bytes(),
    };
    match sources.log.set_level(&String::from_utf8_lossy(&body)) {
        Ok(()) => {
            let level = sources.log.level();
            tracing::info!(level, "the log level was changed");
            text(StatusCode::OK, format!("{level}\n"))
        }
        Err(error) => text(StatusCode::BAD_REQUEST, format!("{error}\n")),
    }
}

fn refuse(allowed: &'static str) -> Response<Full<Bytes>> {
    let words = format!("only {allowed} are answered here\n");
    let mut response = text(StatusCode::METHOD_NOT_ALLOWED, words);
    response
        .headers_mut()
        .insert(ALLOW, HeaderValue::from_static(allowed));
    response
}

fn text(status: StatusCode, body: String) -> Response<Full<Bytes>> {
    response(status, TEXT, body)
}

fn response(status: StatusCode, kind: HeaderValue, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}
