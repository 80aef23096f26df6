//! ARP rows that are in effect: on an interface with `arp=reply-only` the router sends to the MAC of its row, whatever the
//! LAN says. The row follows a failover, and a person is told beforehand that it takes the router's time.
//!
//! The simulator forwards no packets. The story plays that part of the router: it keeps the client's own neighbour entry
//! pinned to the MAC that the router's row shows. A client on the LAN is told by frames; this one only by that row.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use routeros_sim::Menu;
use tokio::time::sleep;

use super::scene::{FIRST_SYNC, PORT, SOON, Scene};
use super::{Outcome, Story, stories};
use crate::lan::Mac;
use crate::wait::until;
use crate::wire::{PingAnswer, PingReport, Pinger};

pub(super) fn stories() -> Vec<Story> {
    stories![pin: traffic_from_behind_a_reply_only_router_follows_its_row]
}

const ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 210);

/// How long the forwarding part of the router may take to notice a new row: the silence is known to this much.
const LOOK_EVERY: Duration = Duration::from_millis(2);
/// The row is rewritten by an allocator that learns of the failover from the API: below a second on a quiet machine, some
/// seconds beside builds. What is told apart here is a row that follows from one that does not.
const NOTICED: Duration = Duration::from_secs(10);

/// The MAC of the enabled row of ours.
fn pinned(scene: &Scene) -> Result<Mac> {
    let rows = scene.home.router().rows(Menu::Arp);
    let address = ADDRESS.to_string();
    let ours = |row: &&routeros_sim::Row| {
        let comment = row.get("comment").unwrap_or_default();
        row.get("address") == Some(&address) && comment.starts_with("tiklb/v1 home/")
    };
    let row = rows.iter().find(ours).context("no row of ours")?;
    ensure!(row.get("disabled") != Some("true"), "it has no effect: {row}");
    let mac = row.get("mac-address").context("a row without a MAC")?;
    Ok(mac.parse()?)
}

/// Forwards by the row until it ends, which it does with an error only.
async fn forward(scene: &Scene) -> Result<()> {
    let client = scene.home.client()?;
    let mut last = None;
    loop {
        let mac = pinned(scene)?;
        if last != Some(mac) {
            client.pin_neighbor(ADDRESS, mac).await?;
            last = Some(mac);
        }
        sleep(LOOK_EVERY).await;
    }
}

async fn traffic_from_behind_a_reply_only_router_follows_its_row(scene: &mut Scene) -> Outcome {
    let person = scene.home.router().person();
    person.set(Menu::Bridge, ("name", "bridge"), [("arp", "reply-only")])?;
    scene.apply_pool().await?;
    scene.apply_router(|_| {}).await?;
    scene.in_sync().await?;
    let said = scene
        .condition("FailoverLimited", "True", "ReplyOnly", SOON)
        .await?;
    ensure!(
        said.starts_with("bridge has arp=reply-only: ") && said.contains("as long as the router's API"),
        "{said}"
    );
    let node = scene.settle("web", ADDRESS).await?;
    until("the row that is in effect", FIRST_SYNC, async || {
        let shown = scene.home.host_with(pinned(scene)?);
        ensure!(shown == node, "{node} answers, the router sends to {shown}");
        Ok(())
    })
    .await?;
    let scene = &*scene;
    tokio::select! {
        forwarded = forward(scene) => forwarded.context("forwarding by the router's row"),
        failed_over = fail_over(scene, &node) => failed_over,
    }
}

async fn fail_over(scene: &Scene, node: &str) -> Outcome {
    let target = SocketAddrV4::new(ADDRESS, PORT);
    let behind = Pinger::start(scene.home.client()?, target)?;
    let beside = Pinger::start(scene.home.lan().host("control")?, target)?;
    let steady = |answer: &PingAnswer| *answer.node == *node && answer.sequence >= 200;
    behind.wait_for(steady, SOON).await?;
    beside.wait_for(steady, SOON).await?;
    scene.home.lan().cut(node).await?;
    let elsewhere = |answer: &PingAnswer| *answer.node != *node;
    let heir = behind.wait_for(elsewhere, FIRST_SYNC).await?.node;
    beside.wait_for(elsewhere, SOON).await?;
    scene.home.lan().mend(node).await?;
    let shown = scene.home.host_with(pinned(scene)?);
    ensure!(*shown == *heir, "{heir} answers, the router sends to {shown}");
    let reports = [behind.stop()?, beside.stop()?];
    let [routed, direct] = reports.each_ref().map(|report| report.silence.length());
    println!(
        "longest silence after the announcing node was cut off: {routed:?} behind the router, {direct:?} on the LAN"
    );
    for (who, report) in ["behind the router", "on the LAN"].into_iter().zip(&reports) {
        judge(report).context(who)?;
    }
    // First of all that the router was told, and nothing else in it.
    let said = scene
        .condition("ReservationsInSync", "True", "InSync", SOON)
        .await?;
    ensure!(!said.is_empty());
    Ok(())
}

fn judge(report: &PingReport) -> Outcome {
    ensure!(
        report.silence.length() < NOTICED && report.repeated == 0,
        "silent for {:?}, {} answered twice",
        report.silence.length(),
        report.repeated
    );
    Ok(())
}
