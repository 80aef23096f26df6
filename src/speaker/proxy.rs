//! Asks this node's proxy whether it is well: kube-proxy's health check, or what a CNI has in its place.

use std::time::Duration;

use http::Uri;
use http_body_util::Empty;
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tiklb_core::election::Serving;
use tiklb_core::speaker::proxy::{ProxyHealth, Reply};
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

use crate::clock::Clock;

/// Between two questions.
const EVERY: Duration = Duration::from_secs(1);
/// A check on the same machine answers within milliseconds.
const PATIENCE: Duration = Duration::from_millis(800);

/// Asks for as long as anybody wants to know.
pub(super) async fn watch(check: Uri, serving: watch::Sender<Serving>) {
    let client: Client<HttpConnector, Empty<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let clock = Clock::start();
    let mut health = ProxyHealth::default();
    let mut turn = tokio::time::interval(EVERY);
    turn.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        turn.tick().await;
        let reply = match tokio::time::timeout(PATIENCE, client.get(check.clone())).await {
            Ok(Ok(response)) if response.status().is_success() => Reply::Good,
            Ok(Ok(_)) => Reply::Bad,
            Ok(Err(_)) | Err(_) => Reply::Nothing,
        };
        let now = health.note(reply, clock.mono());
        let changed = serving.send_if_modified(|known| std::mem::replace(known, now) != now);
        if changed {
            say(&check, now);
        }
    }
}

fn say(check: &Uri, serving: Serving) {
    match serving {
        Serving::Proven => tracing::info!(%check, "this node's proxy is well: it may be offered addresses"),
        Serving::Failing => tracing::warn!(
            %check, "this node's proxy does not say that it is well: other nodes come before it (--proxy-health)"
        ),
        Serving::Unknown => {}
    }
}
