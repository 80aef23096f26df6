//! What the guide's README promises: its commands, as they stand, and what they show.

use std::net::{Ipv4Addr, SocketAddrV4};

use anyhow::{Context as _, Result, ensure};
use lab::installation::{self, Workload};
use lab::page::{self, Block};
use lab::wait::until;
use lab::wire::tcp_connect;

use crate::stage::{Outcome, SOON, Stage, Story, stories};

pub(crate) fn stories() -> Vec<(&'static str, Story)> {
    stories![guide: its_commands_show_what_they_promise]
}

/// Of the guide's `services.yaml`.
pub(crate) const PHOTOS: Ipv4Addr = installation::PHOTOS_ADDRESS;
pub(crate) const PHOTOS_PORT: u16 = installation::PHOTOS.port;

/// The heading above the commands.
const HEADING: &str = "Does it work?";

/// Of other pages, which only Pods have something to answer to: page, beginning, what its output holds.
const LOGS: [(&str, &str, &str); 3] = [
    (
        "docs/operations.md",
        "kubectl -n metallb-system logs -l component=speaker",
        "announcing",
    ),
    (
        "docs/alerts.md",
        "kubectl -n metallb-system logs -l component=speaker",
        "heartbeat key read",
    ),
    (
        "docs/alerts.md",
        "kubectl -n metallb-system logs -l app.kubernetes.io/component=allocator",
        "this replica leads",
    ),
];

/// By the beginning of a command: what its output holds.
const PROMISES: [(&str, &[&str]); 8] = [
    (
        "kubectl get pods",
        &["tiklb-allocator-", "tiklb-speaker-", "1/1", "Running"],
    ),
    ("kubectl get services", &["192.168.1.203", "immich-server-lan"]),
    (
        "kubectl describe service",
        &[
            "IPAllocated",
            "nodeAssigned",
            "announcing from node",
            "LoadBalancer Ingress",
        ],
    ),
    (
        "kubectl get ipaddresspool",
        &["homelab-pool", "192.168.1.200-192.168.1.220"],
    ),
    ("kubectl get l2advertisement", &["homelab-l2", "homelab-pool"]),
    ("kubectl get addressreservation", &["photos", "192.168.1.203"]),
    ("kubectl get mikrotikrouter", &["https://192.168.1.1", "True"]),
    ("kubectl logs", &["announcing", "192.168.1.203"]),
];

async fn its_commands_show_what_they_promise(stage: &mut Stage) -> Outcome {
    stage.installed().await?;
    stage.installation.run(photos()).await?;
    let node = stage.installation.served(PHOTOS, PHOTOS_PORT).await?;
    let commands = commands()?;
    ensure!(
        commands.len() == PROMISES.len(),
        "the guide has other commands: {commands:?}"
    );
    for (command, (begin, wanted)) in commands.iter().zip(PROMISES) {
        ensure!(command.starts_with(begin), "{command:?} is not {begin:?}");
        shows(stage, command, wanted).await?;
    }
    for (page, begin, wanted) in LOGS {
        shows(stage, &command(page, begin)?, &[wanted]).await?;
    }

    // "On another machine of the LAN, after a connection: the neighbour entry names the MAC of the node that answers."
    let printer = stage.home().lan().host("printer")?;
    tcp_connect(printer, SocketAddrV4::new(PHOTOS, PHOTOS_PORT), SOON).await?;
    let entry = printer.neighbor(PHOTOS).await?.context("no neighbour entry")?;
    let mac = entry.mac.context("a neighbour entry without an address")?;
    ensure!(
        stage.home().host_with(mac) == node,
        "{node} answers, and the printer's entry says {mac}"
    );
    Ok(())
}

/// Tables are of watches, logs are followed: both are behind by a moment.
async fn shows(stage: &Stage, command: &str, wanted: &[&str]) -> Outcome {
    until(&format!("`{command}` to show it"), SOON, async || {
        let shown = stage.shell(command).await?;
        let missing: Vec<&&str> = wanted.iter().filter(|words| !shown.contains(**words)).collect();
        ensure!(missing.is_empty(), "no {missing:?} in\n{shown}");
        Ok(())
    })
    .await
}

/// What the guide's Service selects.
pub(crate) fn photos() -> Workload<'static> {
    installation::PHOTOS
}

/// The lines of the block under the heading.
fn commands() -> Result<Vec<String>> {
    let text = page::read("deploy/examples/homelab/README.md")?;
    let blocks = page::blocks(&text, HEADING, Block::Shell)?;
    Ok(blocks.iter().flat_map(|block| page::lines(block)).collect())
}

/// A command of another page.
fn command(page: &str, begin: &str) -> Result<String> {
    let all = page::commands(&page::read(page)?);
    let mut lines = all.into_iter().map(|command| command.line);
    let found = lines.find(|line| line.starts_with(begin));
    found.with_context(|| format!("{page} tells nobody to type {begin:?}"))
}
