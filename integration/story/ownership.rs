//! Whose rows they are, when what they were made for changes: a MikrotikRouter is renamed in Git, the kinds are pruned
//! with everything of them, the cluster is built anew, or a second cluster shares the router.

mod neighbors;

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, ensure};
use routeros_sim::{Menu, Row, Snapshot, Write, diff};
use serde_json::Value;
use tokio::time::sleep;

use super::scene::{FIRST_SYNC, MIKROTIK, OBSERVED, PORT, Scene, condition, router};
use super::{Outcome, Story, stories};
use crate::home::kind::MIKROTIK_ROUTERS;
use crate::home::{NAMESPACE, POOL, Ranges, manifests};
use crate::kube::{CUSTOM_RESOURCE_DEFINITIONS, Kube};
use crate::wait::until;
use crate::wire::{Pinger, who_has_every};

pub(super) fn stories() -> Vec<Story> {
    let mut all = stories![ownership:
        a_router_that_is_renamed_in_git_keeps_its_rows,
        kinds_that_are_pruned_give_nothing_back_that_is_in_use,
    ];
    all.extend(neighbors::stories());
    all
}

const ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 210);
const NEW: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 211);
const RANGE: &str = "192.168.1.200-192.168.1.220";

/// A silence that a person notices, on a busy machine.
const NOTICED: Duration = Duration::from_secs(2);

/// Between two questions for an address.
const ASK_EVERY: Duration = Duration::from_millis(5);
/// Nobody answers any more. An answer takes a millisecond.
const SILENT: Duration = Duration::from_millis(500);

/// A router in sync, one Service on it, all three rows of its address.
async fn in_use(scene: &mut Scene) -> Result<String> {
    scene.apply_pool().await?;
    scene.apply_router(|_| {}).await?;
    scene.in_sync().await?;
    let node = scene.settle("web", ADDRESS).await?;
    until("the rows of the address", FIRST_SYNC, async || {
        let rows = rows_of(scene);
        ensure!(rows.len() == 2, "{rows:?}");
        Ok(())
    })
    .await?;
    Ok(node)
}

/// What people and programs wrote there; the router's own rows change by themselves.
fn configured(scene: &Scene) -> Snapshot {
    scene.home.router().snapshot().configured()
}

fn untouched(scene: &Scene, before: &Snapshot) -> Outcome {
    let difference = diff(before, &configured(scene));
    ensure!(difference.is_empty(), "{difference}");
    Ok(())
}

/// The record of what was taken, as an object's status has it.
async fn taken(kube: &Kube, name: &str) -> Result<Ranges> {
    let routers = MIKROTIK_ROUTERS.in_namespace(NAMESPACE);
    let object = kube.get(routers, name).await?;
    let ranges = object["status"]["taken"][0]["ranges"].clone();
    let text = match &ranges {
        Value::Array(parts) => {
            let parts: Vec<&str> = parts.iter().filter_map(Value::as_str).collect();
            parts.join(",")
        }
        other => other.as_str().unwrap_or_default().to_owned(),
    };
    text.parse()
        .with_context(|| format!("the record of {name}: {}", object["status"]["taken"]))
}

/// The rows of ours that stand for the address.
fn rows_of(scene: &Scene) -> Vec<Row> {
    let rows = [Menu::Lease, Menu::Arp].map(|menu| scene.home.router().rows(menu));
    let ours = |row: &Row| row.get("comment").is_some_and(|text| text.ends_with(" apps/web"));
    rows.into_iter().flatten().filter(ours).collect()
}

/// What makes a pool of the router hand the address out.
fn giving_back(scene: &Scene) -> Result<Option<Write>> {
    let journal = scene.home.router().journal();
    for write in journal.applied() {
        let row = write.row.as_ref().filter(|row| row.get("name") == Some(POOL));
        let ranges = row.and_then(|row| row.get("ranges")).unwrap_or_default();
        if !ranges.is_empty() && ranges.parse::<Ranges>()?.contains(ADDRESS) {
            return Ok(Some(write.clone()));
        }
    }
    Ok(None)
}

/// What follows a repository applies the new name first and prunes the old one, or prunes first.
async fn a_router_that_is_renamed_in_git_keeps_its_rows(scene: &mut Scene) -> Outcome {
    let untaken = configured(scene);
    let node = in_use(scene).await?;
    let (before, rows) = (configured(scene), rows_of(scene));
    let written = scene.home.router().journal().writes.len();
    let pinger = Pinger::start(scene.home.client()?, SocketAddrV4::new(ADDRESS, PORT))?;
    let routers = MIKROTIK_ROUTERS.in_namespace(NAMESPACE);
    let kube = scene.home.kube().clone();
    let in_sync = ("ReservationsInSync", "True", "InSync");

    kube.apply(router("second", |_| {})).await?;
    let waits = ("ReservationsInSync", "False", "SameRouter");
    let said = condition(&kube, "second", waits, FIRST_SYNC).await?;
    ensure!(said.starts_with("MikrotikRouter router is"), "{said}");
    kube.delete(&routers, MIKROTIK).await?;
    kube.wait_gone(&routers, MIKROTIK, FIRST_SYNC).await?;
    condition(&kube, "second", in_sync, FIRST_SYNC).await?;
    ensure!(taken(&kube, "second").await? == RANGE.parse()?);
    let journal = scene.home.router().journal();
    let write = journal.writes.get(written).map(ToString::to_string);
    ensure!(write.is_none(), "the router was written: {write:?}");

    // Nobody stands for the router for a while: what Services have stays, what they do not have is given back.
    kube.delete(&routers, "second").await?;
    let early = kube.wait_gone(&routers, "second", OBSERVED).await;
    ensure!(early.is_err(), "it went while apps/web had an address of its");
    kube.apply(router("third", |_| {})).await?;
    kube.wait_gone(&routers, "second", FIRST_SYNC).await?;
    condition(&kube, "third", in_sync, FIRST_SYNC).await?;
    ensure!(taken(&kube, "third").await? == RANGE.parse()?);

    untouched(scene, &before)?;
    let given = giving_back(scene)?.map(|write| write.to_string());
    ensure!(given.is_none(), "{ADDRESS} was given back: {given:?}");
    ensure!(rows_of(scene) == rows, "the rows are others now");
    let report = pinger.stop()?;
    ensure!(
        report.nodes == [node] && report.silence.length() < NOTICED,
        "{:?} answered, silent for {:?}",
        report.nodes,
        report.silence.length()
    );
    ensure!(scene.address("web").await? == Some(ADDRESS));
    // The last one is as good as the first: it proves new addresses, and gives everything back.
    scene.settle("new", NEW).await?;
    scene.delete_service("new").await?;
    scene.delete_service("web").await?;
    kube.delete(&routers, "third").await?;
    kube.wait_gone(&routers, "third", FIRST_SYNC).await?;
    untouched(scene, &untaken)
}

/// A slip in Git takes the definitions with all their objects, while a Service has an address: first ours, then those
/// that the pools are of.
async fn kinds_that_are_pruned_give_nothing_back_that_is_in_use(scene: &mut Scene) -> Outcome {
    let untaken = configured(scene);
    in_use(scene).await?;
    prune(scene, "tiklb.io").await?;
    let early = until("our definitions to be gone", OBSERVED, async || {
        ensure!(definitions(scene, "tiklb.io").await?.is_empty());
        Ok(())
    });
    ensure!(
        early.await.is_err(),
        "the MikrotikRouter went, whose address apps/web has"
    );
    scene.serves(ADDRESS).await?;
    ensure!(!scene.home.pool(POOL)?.contains(ADDRESS));

    // Without a pool no Service has an address, so everything can be given back.
    let told = scene.home.router().started();
    let pruned = async {
        prune(scene, "metallb.io").await?;
        all_gone(scene).await
    };
    let (last, pruned) = tokio::join!(last_answer(scene), pruned);
    pruned?;
    let given = giving_back(scene)?.context("nothing was given back")?;
    let given = told + given.at;
    let last = last?.context("nobody answered when the pools went")?;
    ensure!(
        last <= given,
        "a node answered for {ADDRESS} {:?} after it was given back",
        last - given
    );
    scene.has_none("web").await?;
    untouched(scene, &untaken)?;

    for file in manifests("crds")? {
        scene.home.kube().apply_file(&file).await?;
    }
    scene.apply_pool().await?;
    scene.apply_router(|_| {}).await?;
    scene.in_sync().await?;
    let (given, _) = scene.announced("web", FIRST_SYNC).await?;
    ensure!(given == ADDRESS, "{given}");
    until("the rows of the address", FIRST_SYNC, async || {
        let rows = rows_of(scene);
        ensure!(rows.len() == 2, "{rows:?}");
        Ok(())
    })
    .await?;
    scene.serves(ADDRESS).await.map(drop)
}

/// The names of the definitions of a group, or of a group below it.
async fn definitions(scene: &Scene, group: &str) -> Result<Vec<String>> {
    let all = scene.home.kube().list(CUSTOM_RESOURCE_DEFINITIONS).await?;
    let names = all.iter().filter_map(|one| one["metadata"]["name"].as_str());
    Ok(names
        .filter(|name| name.ends_with(group))
        .map(str::to_owned)
        .collect())
}

async fn prune(scene: &Scene, group: &str) -> Outcome {
    let names = definitions(scene, group).await?;
    ensure!(!names.is_empty(), "there is no definition of {group}");
    for name in names {
        scene
            .home
            .kube()
            .delete(CUSTOM_RESOURCE_DEFINITIONS, &name)
            .await?;
    }
    Ok(())
}

/// When the address was answered for last: asked for until nobody does.
async fn last_answer(scene: &Scene) -> Result<Option<Instant>> {
    let client = scene.home.client()?;
    let mut last = None;
    while let Some(answer) = who_has_every(client, ADDRESS, ASK_EVERY, SILENT).await? {
        last = Some(answer.at);
        sleep(ASK_EVERY).await;
    }
    Ok(last)
}

/// Waits until nothing of the kinds is left, and looks all the while that no status names what a pool hands out.
async fn all_gone(scene: &Scene) -> Outcome {
    until("the definitions to be gone", FIRST_SYNC, async || {
        let named = scene.address("web").await? == Some(ADDRESS);
        let given_back = scene.home.pool(POOL)?.contains(ADDRESS);
        let named = named && scene.address("web").await? == Some(ADDRESS);
        if named && given_back {
            return Ok(Err(anyhow!("{ADDRESS} was given back while the Service had it")));
        }
        let left = [
            definitions(scene, "tiklb.io").await?,
            definitions(scene, "metallb.io").await?,
        ];
        ensure!(left.concat().is_empty(), "{left:?} are left");
        Ok(Ok(()))
    })
    .await?
}
