//! What the tests stand on: a LAN of a control host, two nodes and a client, and a cluster on it.

use std::future::Future;
use std::net::Ipv4Addr;
use std::pin::Pin;
use std::time::Duration;

use anyhow::Context as _;
use lab::cluster::{Binaries, Cluster, Options};
use lab::lan::{Host, HostPlan, Lan};
use lab::wait::until;
use libtest_mimic::Failed;

pub(crate) type Outcome = anyhow::Result<()>;
pub(crate) type Test = fn(Binaries) -> Pin<Box<dyn Future<Output = Outcome>>>;

/// Nothing here waits longer for one thing to happen; on an idle machine all of it takes milliseconds to seconds.
pub(crate) const BOUND: Duration = Duration::from_mins(1);

/// Runs a test on a runtime of its own.
pub(crate) fn run(test: impl Future<Output = Outcome>) -> Result<(), Failed> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime
        .block_on(test)
        .map_err(|error| format!("{error:#}").into())
}

/// The two nodes of the LAN.
pub(crate) const NODES: [&str; 2] = ["node1", "node2"];

/// A LAN with its switch in a namespace of its own, so that the tests do not meet.
pub(crate) async fn lan() -> anyhow::Result<Lan> {
    let lan = Lan::builder()
        .switch_in(Host::create("switch", "switch")?)
        .host(HostPlan::client("control", "192.168.1.10/24".parse()?))
        .host(HostPlan::node(NODES[0], "192.168.1.11/24".parse()?))
        .host(HostPlan::node(NODES[1], "192.168.1.12/24".parse()?))
        .host(HostPlan::client("client", "192.168.1.50/24".parse()?));
    lan.build().await.context("building a LAN")
}

/// The address of a host on the LAN.
pub(crate) async fn address(host: &Host) -> anyhow::Result<Ipv4Addr> {
    let addresses = host.addresses(host.interface()).await?;
    Ok(addresses.first().context("a host without an address")?.addr())
}

/// A cluster on the LAN, with kube-proxy on `nodes`.
pub(crate) async fn cluster(lan: &Lan, nodes: &[&str], binaries: Binaries) -> anyhow::Result<Cluster> {
    let nodes = nodes
        .iter()
        .map(|name| lan.host(name))
        .collect::<Result<Vec<_>, _>>()?;
    Cluster::start(lan.host("control")?, &nodes, Options::new(binaries)).await
}

/// Tries `attempt` again and again until it succeeds; its last error once [`BOUND`] has passed.
pub(crate) async fn eventually<T>(
    what: &str,
    attempt: impl AsyncFnMut() -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    until(what, BOUND, attempt).await
}
