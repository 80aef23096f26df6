//! One Service from its creation to a connection, and its end.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde::Serialize;

use super::super::ground::SOON;
use super::super::service::{NAMESPACE, PORT, add_endpoints, remove_endpoints, service};
use crate::home::{Home, status_address};
use crate::kube::{SERVICES, Watch};
use crate::wait::until;
use crate::wire::{self, as_micros};

/// The client asks this often: the answer's moment is known to this much.
const ASK_EVERY: Duration = Duration::from_millis(2);

/// A hundred times the goal. What has not happened by then does not.
const GIVEN_UP: Duration = Duration::from_secs(6);

/// What was seen, all counted from just before the POST was sent.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Creation {
    run: u32,
    address: Ipv4Addr,
    /// The API server has answered.
    #[serde(serialize_with = "as_micros", rename = "posted_us")]
    pub(super) posted: Duration,
    /// A watch of all Services has shown this one.
    #[serde(serialize_with = "as_micros", rename = "watched_us")]
    pub(super) watched: Duration,
    /// The same watch has shown it with its address.
    #[serde(serialize_with = "as_micros", rename = "addressed_us")]
    pub(super) addressed: Duration,
    /// The client's question was answered.
    #[serde(serialize_with = "as_micros", rename = "answered_us")]
    pub(super) answered: Duration,
    /// A connection that was begun then is open, and a node has said its name.
    #[serde(serialize_with = "as_micros", rename = "connected_us")]
    pub(super) connected: Duration,
    /// Who took the connection.
    node: String,
}

impl Creation {
    /// For a person who waits for the next one.
    pub(super) fn line(&self) -> String {
        format!(
            "{} answered after {:.1} ms",
            self.address,
            self.answered.as_secs_f64() * 1e3
        )
    }
}

/// Creates a Service that asks for `address`, watches, and takes it away again.
pub(super) async fn run(home: &mut Home, run: u32, address: Ipv4Addr) -> Result<Creation> {
    let name = format!("bench-{run}");
    home.serve(address, PORT).await?;
    let created = create(home, run, &name, address).await;
    // The next run starts from nothing, also after a failure, whose reason is the one to be told.
    let removed = remove(home, &name, address).await;
    let created = created?;
    removed?;
    Ok(created)
}

async fn create(home: &Home, run: u32, name: &str, address: Ipv4Addr) -> Result<Creation> {
    let kube = home.kube();
    let services = SERVICES.in_namespace(NAMESPACE);
    add_endpoints(home, name).await?;
    let list = kube.list_where(&services, &[]).await?;
    let version = list["metadata"]["resourceVersion"].as_str().unwrap_or_default();
    let mut watch = kube.watch(&services, &[("resourceVersion", version)]).await?;
    let client = home.client()?;
    let post = async {
        let begun = Instant::now();
        kube.create(&services, &service(name, Some(address))).await?;
        Ok((begun, Instant::now()))
    };
    let asked = async { Ok(wire::who_has_every(client, address, ASK_EVERY, GIVEN_UP).await?) };
    let seen = seen(&mut watch, name, address);
    // In this order: the client asks already when the Service is created.
    let all = async { tokio::try_join!(asked, seen, post) };
    let (answer, (watched, addressed), (begun, posted)) = home.while_running(all).await?;
    let answer = answer.with_context(|| format!("nobody answered for {address} within {GIVEN_UP:?}"))?;
    let node = wire::tcp_connect(client, SocketAddrV4::new(address, PORT), GIVEN_UP).await?;
    let connected = begun.elapsed();
    let after = |at: Instant| at.saturating_duration_since(begun);
    Ok(Creation {
        run,
        address,
        posted: after(posted),
        watched: after(watched),
        addressed: after(addressed),
        answered: after(answer.at),
        connected,
        node,
    })
}

/// When a watch showed the Service first, and when with its address.
async fn seen(watch: &mut Watch, name: &str, address: Ipv4Addr) -> Result<(Instant, Instant)> {
    let mut first = None;
    loop {
        let event = watch.next(GIVEN_UP).await;
        let event = event.with_context(|| format!("waiting for {address} in the Service's status"))?;
        let Some(event) = event else {
            bail!("the API server ended the watch of Services");
        };
        if event.object["metadata"]["name"] != name {
            continue;
        }
        let now = Instant::now();
        let first = *first.get_or_insert(now);
        if let Some(given) = status_address(&event.object) {
            ensure!(
                given == address,
                "expected {name} to have {address}, found {given}"
            );
            return Ok((first, now));
        }
    }
}

async fn remove(home: &mut Home, name: &str, address: Ipv4Addr) -> Result<()> {
    home.kube().delete(SERVICES.in_namespace(NAMESPACE), name).await?;
    remove_endpoints(home, name).await?;
    let silent = until("nobody to answer", SOON, async || {
        let found = home.answerers(address).await?;
        ensure!(
            found.is_empty(),
            "expected nobody to answer for {address}, found {found:?}"
        );
        Ok(())
    });
    silent.await?;
    home.client()?.flush_neighbor(address).await?;
    home.stop_serving(address).await
}

#[cfg(test)]
pub(super) mod tests;
