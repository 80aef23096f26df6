//! An interruption at the worst moment: the router reboots between its cut pool and its first lease, or is away while
//! all of tiklb is rolled out. Whatever was begun is finished once, and no address goes silent.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use routeros_sim::{Menu, Row};

use super::scene::{APPS, FIRST_SYNC, GRACE, MIKROTIK, PORT, SOON, Scene};
use super::{Outcome, Story, stories};
use crate::home::kind::MIKROTIK_ROUTERS;
use crate::home::{NAMESPACE, POOL, Ranges};
use crate::wait::until;
use crate::wire::Pinger;

pub(super) fn stories() -> Vec<Story> {
    stories![interruption:
        a_router_that_reboots_between_the_cut_and_the_leases,
        a_rollout_of_everything_while_the_router_is_away,
    ]
}

const ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 210);
const NEW: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 211);
const RANGE: &str = "192.168.1.200-192.168.1.220";

/// What each request takes, so that a power cut meets the moment between two writes.
const WORK: Duration = Duration::from_millis(150);
/// A router's boot takes a minute or two. What counts is that connections are refused first and tables empty then.
const BOOT: (Duration, Duration) = (Duration::from_secs(3), Duration::from_secs(2));
/// A silence that a person notices, on a busy machine.
const NOTICED: Duration = Duration::from_secs(2);

/// How long rows may take. An allocator that could not give its Lease back in time, because it waited for a router that was
/// away, is followed by one that leaves the router alone for 65 s.
const ROWS: Duration = Duration::from_mins(2);

/// How many rows of a menu are ours.
fn ours(scene: &Scene, menu: Menu) -> usize {
    let rows = scene.home.router().rows(menu);
    let comments = rows.iter().filter_map(|row| row.get("comment"));
    comments.filter(|text| text.starts_with("tiklb/v1 home/")).count()
}

async fn a_router_that_reboots_between_the_cut_and_the_leases(scene: &mut Scene) -> Outcome {
    scene.apply_pool().await?;
    let node = scene.settle("web", ADDRESS).await?;
    let before = scene.home.router().snapshot();
    let whole = scene.home.pool(POOL)?;
    let range: Ranges = RANGE.parse()?;
    scene.home.router().faults().work(WORK);
    scene
        .apply_router(|spec| spec["pollInterval"] = "1s".into())
        .await?;
    until("the pool to be cut", FIRST_SYNC, async || {
        ensure!(scene.home.pool(POOL)? == &whole - &range, "{POOL} is whole");
        Ok(())
    })
    .await?;
    scene.home.router().power_cycle(BOOT.0, BOOT.1);
    scene.home.router().faults().work(Duration::ZERO);
    ensure!(
        ours(scene, Menu::Lease) + ours(scene, Menu::Arp) == 0,
        "rows were written before the power was cut: it was not in the middle"
    );
    scene.serves(ADDRESS).await?;

    scene.in_sync().await?;
    ensure!(scene.home.pool(POOL)? == &whole - &range);
    standing(scene, 1, 1, 1).await?;
    // What it hands out now is not what it handed out before: a survey has to agree once, and does.
    scene.ask("new", NEW).await?;
    scene.announced("new", 2 * FIRST_SYNC).await?;
    let serving = scene.serves(ADDRESS).await?;
    ensure!(serving == node, "{serving} answers, {node} did before");

    // The record of the cut has survived: all is given back, and once.
    scene.delete_service("web").await?;
    scene.delete_service("new").await?;
    let routers = MIKROTIK_ROUTERS.in_namespace(NAMESPACE);
    let kube = scene.home.kube();
    kube.delete(&routers, MIKROTIK).await?;
    kube.wait_gone(&routers, MIKROTIK, FIRST_SYNC).await?;
    scene.router_is_as(&before)
}

/// So many of each menu are ours.
async fn standing(scene: &Scene, pools: usize, leases: usize, arps: usize) -> Outcome {
    until("the rows of the addresses", ROWS, async || {
        let rows = [Menu::Pool, Menu::Lease, Menu::Arp].map(|menu| ours(scene, menu));
        ensure!(
            rows == [pools, leases, arps],
            "rows of ours in pool, lease, arp: {rows:?}"
        );
        Ok(())
    })
    .await
}

async fn a_rollout_of_everything_while_the_router_is_away(scene: &mut Scene) -> Outcome {
    scene.apply_pool().await?;
    scene.apply_router(|_| {}).await?;
    scene.in_sync().await?;
    scene.settle("web", ADDRESS).await?;
    standing(scene, 1, 1, 1).await?;
    let pool = scene.home.pool(POOL)?;
    scene.home.router().faults().unreachable(true);
    let pinger = Pinger::start(scene.home.client()?, SocketAddrV4::new(ADDRESS, PORT))?;
    pinger.wait_for(|_| true, SOON).await?;
    roll_out(scene).await?;
    // The allocator is another one than the one that read the router: it takes nobody's word for what it never saw.
    scene.ask("new", NEW).await?;
    let said = scene.event(APPS, "new", "AwaitingProof").await?;
    ensure!(said.contains("the router could not be read"), "{said}");
    scene.has_none("new").await?;
    ensure!(scene.address("web").await? == Some(ADDRESS));
    let report = pinger.stop()?;
    ensure!(
        report.silence.length() < NOTICED && report.repeated == 0,
        "silent for {:?}, {} answered twice",
        report.silence.length(),
        report.repeated
    );
    let owner = scene.serves(ADDRESS).await?;

    let written = scene.home.router().journal().writes.len();
    scene.home.router().faults().unreachable(false);
    scene.announced("new", FIRST_SYNC).await?;
    scene.in_sync().await?;
    standing(scene, 1, 2, 2).await?;
    until("the row to follow", ROWS, async || {
        let all = scene.home.router().rows(Menu::Arp);
        let web = |row: &&Row| row.get("comment").is_some_and(|text| text.ends_with(" apps/web"));
        let row = all.iter().find(web).context("no ARP row")?;
        let mac = row.get("mac-address").map(str::parse).and_then(Result::ok);
        let shown = mac.map(|mac| scene.home.host_with(mac));
        ensure!(
            shown.as_ref() == Some(&owner),
            "{owner} answers, the router shows {shown:?}"
        );
        Ok(())
    })
    .await?;
    // Of what stood there nothing was written but the MAC of who announces the address now.
    ensure!(scene.home.pool(POOL)? == pool);
    scene.no_pool_written(written)?;
    Ok(())
}

/// As a Deployment and a DaemonSet are: one after the other.
async fn roll_out(scene: &mut Scene) -> Outcome {
    scene.home.allocator()?.end(GRACE).await?;
    scene.home.start_allocator().await?;
    let nodes: Vec<String> = scene.home.node_names().map(str::to_owned).collect();
    for node in &nodes {
        scene.home.speaker(node)?.end(GRACE).await?;
        scene.home.start_speaker(node).await?;
    }
    Ok(())
}
