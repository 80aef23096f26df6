//! A person edits the router: Quick Set writes the DHCP pool as it was, with the range for Services in it.
//!
//! It is taken again after a new check, three times; then it is left as that person wants it, and no new Service gets an
//! address that the router may hand out. What Services have already stays theirs: their leases are reserved.

use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use routeros_sim::Menu;
use serde_json::Value;
use tokio::time::sleep;

use super::scene::{APPS, FIRST_SYNC, OBSERVED, SOON, Scene};
use super::{Outcome, Story, stories};
use crate::home::{POOL, Ranges};
use crate::lan::Mac;
use crate::wait::until;
use crate::wire::DhcpClient;

pub(super) fn stories() -> Vec<Story> {
    stories![drift: a_range_that_is_put_back_is_taken_three_times_and_then_left]
}

const ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 210);
const NEW: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 211);
/// What a laptop is given while the range is back in the pool.
const LAPTOP: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 215);
const RANGE: &str = "192.168.1.200-192.168.1.220";

/// How often the range is taken again within a day.
const ROUNDS: usize = 3;
const LEASED: Duration = Duration::from_secs(15);

/// The interval is written whole, as Quick Set does it: no difference of a few addresses.
fn put_back(scene: &Scene, whole: &Ranges) -> Outcome {
    let person = scene.home.router().person();
    person.set(
        Menu::Pool,
        ("name", POOL),
        [("ranges", whole.to_string().as_str())],
    )?;
    Ok(())
}

async fn cut(scene: &Scene, rest: &Ranges) -> Outcome {
    until("the range to be out of the pool", FIRST_SYNC, async || {
        let pool = scene.home.pool(POOL)?;
        ensure!(pool == *rest, "{POOL} holds {pool}");
        Ok(())
    })
    .await?;
    scene.in_sync().await
}

/// The spec of the guide, read often.
fn often(spec: &mut Value) {
    spec["pollInterval"] = "1s".into();
}

async fn a_range_that_is_put_back_is_taken_three_times_and_then_left(scene: &mut Scene) -> Outcome {
    let whole = scene.home.pool(POOL)?;
    let rest = &whole - &RANGE.parse()?;
    scene.apply_pool().await?;
    scene.apply_router(often).await?;
    scene.in_sync().await?;
    scene.settle("web", ADDRESS).await?;
    until("the Service's lease", FIRST_SYNC, async || {
        let row = scene.home.row(Menu::Lease, "address", &ADDRESS.to_string());
        row.map(drop).context("there is none")
    })
    .await?;
    for round in 1..=ROUNDS {
        let taken = taken_again(scene, &whole, &rest, round).await;
        taken.with_context(|| format!("round {round}"))?;
    }
    put_back(scene, &whole)?;
    let said = scene
        .condition("PoolsExcluded", "False", "TakenBack", FIRST_SYNC)
        .await?;
    ensure!(
        said.contains(RANGE) && said.contains("set spec.mode to Paused and back"),
        "{said}"
    );
    let laptop = left_alone(scene, &whole).await?;

    // A person decides: the words of the condition have it taken again, and around the laptop.
    for (mode, status, reason) in [("Paused", "Unknown", "Paused"), ("Enforce", "True", "Excluded")] {
        scene
            .apply_router(|router| {
                often(router);
                router["mode"] = mode.into();
            })
            .await?;
        scene
            .condition("PoolsExcluded", status, reason, FIRST_SYNC)
            .await?;
    }
    cut(scene, &rest).await?;
    let (given, _) = scene.announced("new", FIRST_SYNC).await?;
    ensure!(given == NEW, "{given}");
    scene.ask("the-laptops", LAPTOP).await?;
    let said = scene.event(APPS, "the-laptops", "AllocationFailed").await?;
    ensure!(said.contains(&format!("{LAPTOP} is in use by")), "{said}");
    scene.has_none("the-laptops").await?;
    ensure!(laptop.lease().is_some());
    Ok(())
}

/// A round may be over before the API has heard of it: what a person finds of it for certain is the line in the log, with
/// its reason.
async fn taken_again(scene: &Scene, whole: &Ranges, rest: &Ranges, round: usize) -> Outcome {
    put_back(scene, whole)?;
    cut(scene, rest).await?;
    let reason = format!("{RANGE} belongs to IPAddressPool homelab-pool: no DHCP client may be given it");
    until("a line that tells of it", SOON, async || {
        let logs = scene.home.allocator()?.logs();
        let told = |text: &str| text.contains("the write ended") && text.contains(&reason);
        let told = logs.iter().filter(|line| told(&line.text)).count();
        ensure!(told > round, "{told} lines say that {reason}");
        Ok(())
    })
    .await
}

/// New Services wait, and the router gives a laptop what it likes of the range, but for what stands there under a Service's
/// name.
async fn left_alone(scene: &mut Scene, whole: &Ranges) -> Result<DhcpClient> {
    let written = scene.home.router().journal().writes.len();
    scene.ask("new", NEW).await?;
    let said = scene.event(APPS, "new", "AwaitingProof").await?;
    ensure!(said.contains(&format!("{POOL} still hands it out")), "{said}");
    let laptop = laptop(scene).await?;
    sleep(OBSERVED).await;
    ensure!(scene.home.pool(POOL)? == *whole, "it was taken once more");
    scene.no_pool_written(written)?;
    scene.has_none("new").await?;
    scene.serves(ADDRESS).await?;
    Ok(laptop)
}

/// A laptop wishes for the Service's address, is given another, and takes one that is free of the range.
async fn laptop(scene: &Scene) -> Result<DhcpClient> {
    let host = scene.home.lan().host("newcomer")?;
    let mut stranger = DhcpClient::new(host)
        .await?
        .mac(Mac([0x02, 0x67, 0x75, 0x65, 0x73, 1]));
    let given = stranger.acquire_wanting(Some(ADDRESS), LEASED).await?;
    ensure!(
        given.address.addr() != ADDRESS,
        "a Service's address was given away"
    );
    let mut laptop = DhcpClient::new(host).await?.hostname("bens-laptop");
    let given = laptop.acquire_wanting(Some(LAPTOP), LEASED).await?;
    ensure!(given.address.addr() == LAPTOP, "the laptop was given {given:?}");
    laptop.configure().await?;
    Ok(laptop)
}
