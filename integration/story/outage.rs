//! API server and allocator away: every address goes on answering, and failover works.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use anyhow::{bail, ensure};
use nix::sys::signal::Signal;
use tokio::time::Instant;

use super::scene::{FIRST_SYNC, PORT, SOON, Scene};
use super::{Outcome, Story, stories};
use crate::wire::{PingAnswer, Pinger};

pub(super) fn stories() -> Vec<Story> {
    stories![outage:
        twenty_seconds_without_an_api_server,
        an_allocator_that_is_killed,
    ]
}

const ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 210);

/// How long the API server is away.
const AWAY: Duration = Duration::from_secs(20);
/// When in it the announcing node dies.
const UNTIL_THE_CUT: Duration = Duration::from_secs(8);

/// A silence that a person notices, on a busy machine.
const NOTICED: Duration = Duration::from_secs(2);

async fn twenty_seconds_without_an_api_server(scene: &mut Scene) -> Outcome {
    scene.apply_pool().await?;
    let node = scene.settle("web", ADDRESS).await?;
    scene.record("web", &node).await?;
    let pinger = Pinger::start(scene.home.client()?, SocketAddrV4::new(ADDRESS, PORT))?;
    let begun = Instant::now();
    scene.home.control_plane_mut().stop().await?;
    ensure!(
        scene.address("web").await.is_err(),
        "the API server still answers"
    );
    let elsewhere = |answer: &PingAnswer| *answer.node != *node;
    if let Ok(moved) = pinger.wait_for(elsewhere, UNTIL_THE_CUT).await {
        bail!(
            "the address moved to {} because the API server went away",
            moved.node
        );
    }
    scene.home.lan().cut(&node).await?;
    let first = pinger.wait_for(elsewhere, SOON).await?;
    let heir = first.node.to_string();
    scene.home.lan().mend(&node).await?;
    let left = AWAY.saturating_sub(begun.elapsed());
    if let Some(moved) = pinger.leaves(&first, left).await {
        bail!("the address moved on from {heir} to {}", moved.node);
    }
    scene.home.control_plane_mut().start_again().await?;
    let report = pinger.stop()?;
    ensure!(
        report.silence.length() < NOTICED && report.repeated == 0,
        "silent for {:?}, {} answered twice",
        report.silence.length(),
        report.repeated
    );
    // Everybody takes up again what was left.
    scene.record("web", &heir).await?;
    scene.create_service("after", &[]).await?;
    scene.announced("after", FIRST_SYNC).await?;
    let serving = scene.serves(ADDRESS).await?;
    ensure!(serving == heir, "{serving}");
    Ok(())
}

async fn an_allocator_that_is_killed(scene: &mut Scene) -> Outcome {
    scene.apply_pool().await?;
    let node = scene.settle("web", ADDRESS).await?;
    scene.home.allocator()?.kill(Signal::SIGKILL)?;
    scene.home.allocator()?.wait(SOON).await?;
    // It left its Lease behind, which ends in its own time; nobody waits for that but new Services.
    scene.create_service("meanwhile", &[]).await?;
    scene.home.lan().cut(&node).await?;
    crate::wait::until("another node to answer", SOON, async || {
        let heir = scene.home.announcer(ADDRESS, SOON).await?.host;
        ensure!(heir != node, "{node} still answers");
        Ok(())
    })
    .await?;
    scene.home.lan().mend(&node).await?;
    scene.has_none("meanwhile").await?;
    scene.home.start_allocator().await?;
    scene.announced("meanwhile", FIRST_SYNC).await?;
    scene.serves(ADDRESS).await?;
    Ok(())
}
