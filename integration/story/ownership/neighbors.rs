//! Two clusters and one router: the second took the first one's place, or stands beside it.

use std::net::Ipv4Addr;

use anyhow::{Context as _, Result, bail, ensure};
use routeros_sim::{Menu, Row};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::super::scene::{
    APPS, FIRST_SYNC, GRACE, MIKROTIK, OBSERVED, PORT, SOON, Scene, condition, router, service,
};
use super::super::{Outcome, Story, stories};
use super::{ADDRESS, RANGE, configured, in_use, taken, untouched};
use crate::cluster::object::{Endpoint, endpoint_slice};
use crate::home::kind::MIKROTIK_ROUTERS;
use crate::home::{NAMESPACE, POOL, homelab, status_address};
use crate::kube::{Kube, NAMESPACES, SERVICES};
use crate::wait::until;

pub(super) fn stories() -> Vec<Story> {
    stories![ownership:
        a_rebuilt_cluster_writes_nothing_until_it_is_told_whose_rows_it_takes,
        two_clusters_keep_to_their_own_rows,
    ]
}

/// The second cluster's part of the same network.
const BESIDE: &str = "192.168.1.221-192.168.1.230";
/// A part that reaches into the first one's.
const ACROSS: &str = "192.168.1.215-192.168.1.230";
/// In the second one's part.
const THEIRS: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 225);
/// In both parts, when they overlap.
const BOTH: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 217);

const IN_SYNC: (&str, &str, &str) = ("ReservationsInSync", "True", "InSync");

/// Rows of a menu whose comment begins so.
fn marked(scene: &Scene, menu: Menu, mark: &str) -> Vec<Row> {
    let rows = scene.home.router().rows(menu);
    let ours = |row: &Row| row.get("comment").is_some_and(|text| text.starts_with(mark));
    rows.into_iter().filter(ours).collect()
}

fn all_marked(scene: &Scene, mark: &str) -> Vec<Row> {
    let menus = [Menu::Pool, Menu::Lease, Menu::Arp];
    menus
        .into_iter()
        .flat_map(|menu| marked(scene, menu, mark))
        .collect()
}

/// Creates a Service of another cluster that asks for an address.
async fn ask(kube: &Kube, name: &str, address: Ipv4Addr) -> Outcome {
    let asks = address.to_string();
    let service = service(name, &[("metallb.io/loadBalancerIPs", &asks)]);
    kube.create(SERVICES.in_namespace(APPS), &service).await?;
    Ok(())
}

/// A pod on every node, as the endpointslice controller would tell of it.
async fn add_endpoints(scene: &Scene, kube: &Kube, name: &str) -> Outcome {
    let endpoints = scene.home.node_names().map(|node| {
        Ok(Endpoint {
            address: scene.home.address_of(node)?,
            node: node.to_owned(),
            ready: true,
        })
    });
    let endpoints = endpoints.collect::<Result<Vec<_>>>()?;
    kube.apply(endpoint_slice(APPS, name, PORT, &endpoints)).await?;
    Ok(())
}

async fn given(kube: &Kube, name: &str) -> Result<Ipv4Addr> {
    let what = format!("an address of {name} in the other cluster");
    let fits = |service: &Value| status_address(service).is_some();
    let services = SERVICES.in_namespace(APPS);
    if let Ok(service) = kube.wait_for(services, name, FIRST_SYNC, &what, fits).await {
        return status_address(&service).context(what);
    }
    let events = kube.events(APPS, name).await?;
    let said: Vec<&Value> = events.iter().map(|event| &event["message"]).collect();
    bail!("{what} did not appear; the events about it say {said:?}")
}

async fn open(kube: &Kube) -> Outcome {
    let namespace = json!({"metadata": {"name": APPS}});
    kube.create(NAMESPACES, &namespace).await?;
    Ok(())
}

/// It is gone, and said nothing to the router.
async fn end_the_cluster(scene: &mut Scene) -> Outcome {
    let nodes: Vec<String> = scene.home.node_names().map(str::to_owned).collect();
    for node in &nodes {
        scene.home.speaker(node)?.end(GRACE).await?;
    }
    scene.home.allocator()?.end(GRACE).await?;
    scene.home.control_plane_mut().stop().await
}

/// The UID in a comment `tiklb/v1 <cluster>/<UID> …`.
fn identity(comment: &str) -> String {
    let owner = comment.split(' ').nth(1).and_then(|owner| owner.split_once('/'));
    owner.map_or("", |(_, uid)| uid).to_owned()
}

/// The home's cluster is gone without a word. One from the same repository has another identity.
async fn a_rebuilt_cluster_writes_nothing_until_it_is_told_whose_rows_it_takes(scene: &mut Scene) -> Outcome {
    let untaken = configured(scene);
    in_use(scene).await?;
    end_the_cluster(scene).await?;
    let before = configured(scene);
    let written = scene.home.router().journal().writes.len();
    let lease = marked(scene, Menu::Lease, "tiklb/v1 home/");
    let comment = lease.first().and_then(|row| row.get("comment"));
    let old = identity(comment.context("no lease")?);

    let other = scene.home.rebuild_cluster().await?;
    let kube = other.kube();
    open(kube).await?;
    for file in ["ipaddresspool", "l2advertisement"] {
        let path = homelab(file);
        kube.apply_file(&path).await?;
    }
    kube.apply(router(MIKROTIK, |_| {})).await?;
    let stranger = ("ReservationsInSync", "False", "OwnedByOtherInstance");
    let said = condition(kube, MIKROTIK, stranger, FIRST_SYNC).await?;
    ensure!(said.contains(&format!("set spec.adoptFrom to {old}")), "{said}");
    sleep(OBSERVED).await;
    untouched(scene, &before)?;
    ensure!(scene.home.router().journal().writes.len() == written);

    let adopting = |spec: &mut Value| spec["adoptFrom"] = json!(old);
    kube.apply(router(MIKROTIK, adopting)).await?;
    ask(kube, "web", ADDRESS).await?;
    add_endpoints(scene, kube, "web").await?;
    ensure!(given(kube, "web").await? == ADDRESS);
    condition(kube, MIKROTIK, IN_SYNC, FIRST_SYNC).await?;
    rewritten(scene, &old).await?;
    scene.home.announcer(ADDRESS, SOON).await?;
    ensure!(taken(kube, MIKROTIK).await? == RANGE.parse()?);
    // The pool was never whole in between, and the lease is the one that stood there.
    let journal = scene.home.router().journal();
    let mut later = journal.writes.iter().skip(written);
    let cut = |row: &Row| row.get("name") == Some(POOL);
    let back = later.find(|write| write.row.as_ref().is_some_and(cut));
    let back = back.map(ToString::to_string);
    ensure!(back.is_none(), "the pool was written: {back:?}");
    let id = marked(scene, Menu::Lease, "tiklb/v1 home/");
    ensure!(id.first().map(Row::id) == lease.first().map(Row::id), "{id:?}");

    kube.delete(SERVICES.in_namespace(APPS), "web").await?;
    let routers = MIKROTIK_ROUTERS.in_namespace(NAMESPACE);
    kube.delete(&routers, MIKROTIK).await?;
    kube.wait_gone(&routers, MIKROTIK, FIRST_SYNC).await?;
    untouched(scene, &untaken)?;
    // What stood in the first cluster's API is asked for nothing any more; who tells of this story may.
    scene.home.control_plane_mut().start_again().await
}

/// One row of each kind, and none under the old identity.
async fn rewritten(scene: &Scene, old: &str) -> Outcome {
    until("the rows under the new identity", FIRST_SYNC, async || {
        let rows = all_marked(scene, "tiklb/v1 home/");
        let mut comments = rows.iter().filter_map(|row| row.get("comment"));
        ensure!(!comments.any(|text| identity(text) == old), "{rows:?}");
        let menus = [Menu::Pool, Menu::Lease, Menu::Arp];
        let counts = menus.map(|menu| marked(scene, menu, "tiklb/v1 home/").len());
        ensure!(counts == [1, 1, 1], "{rows:?}");
        Ok(())
    })
    .await
}

async fn two_clusters_keep_to_their_own_rows(scene: &mut Scene) -> Outcome {
    let whole = scene.home.pool(POOL)?;
    in_use(scene).await?;
    scene.allocators = 2;
    let home = all_marked(scene, "tiklb/v1 home/");
    let other = scene.home.found_cluster().await?;
    let kube = other.kube();
    open(kube).await?;
    stand_beside(scene, kube).await?;
    let rest = &(&whole - &RANGE.parse()?) - &BESIDE.parse()?;
    ensure!(scene.home.pool(POOL)? == rest);
    let after = all_marked(scene, "tiklb/v1 home/");
    ensure!(after == home, "the first one's rows were written: {after:?}");

    let cabin = all_marked(scene, "tiklb/v1 cabin/");
    reach_across(kube).await?;
    ensure!(all_marked(scene, "tiklb/v1 home/") == home && all_marked(scene, "tiklb/v1 cabin/") == cabin);
    scene.condition("PoolsExcluded", "True", "Excluded", SOON).await?;
    scene.settle("ours", BOTH).await?;
    scene.delete_service("ours").await?;

    // Back in its own part it is as before, and gives back its own part alone.
    set_range(kube, BESIDE).await?;
    condition(kube, MIKROTIK, ("PoolsExcluded", "True", "Excluded"), SOON).await?;
    for name in ["theirs", "both"] {
        kube.delete(SERVICES.in_namespace(APPS), name).await?;
    }
    let routers = MIKROTIK_ROUTERS.in_namespace(NAMESPACE);
    kube.delete(&routers, MIKROTIK).await?;
    kube.wait_gone(&routers, MIKROTIK, FIRST_SYNC).await?;
    ensure!(all_marked(scene, "tiklb/v1 cabin/").is_empty());
    ensure!(scene.home.pool(POOL)? == &whole - &RANGE.parse()?);
    scene.in_sync().await?;
    scene.serves(ADDRESS).await.map(drop)
}

async fn set_range(kube: &Kube, range: &str) -> Outcome {
    let pool = json!({
        "apiVersion": "metallb.io/v1beta1",
        "kind": "IPAddressPool",
        "metadata": {"name": "cabin-pool", "namespace": NAMESPACE},
        "spec": {"addresses": [range]},
    });
    kube.apply(pool).await?;
    Ok(())
}

/// The second cluster takes a part of the same network that is its own.
async fn stand_beside(scene: &Scene, kube: &Kube) -> Outcome {
    set_range(kube, BESIDE).await?;
    kube.apply(router(MIKROTIK, |spec| spec["clusterName"] = json!("cabin")))
        .await?;
    ask(kube, "theirs", THEIRS).await?;
    ensure!(given(kube, "theirs").await? == THEIRS);
    condition(kube, MIKROTIK, IN_SYNC, FIRST_SYNC).await?;
    until("the second cluster's lease", FIRST_SYNC, async || {
        let rows = marked(scene, Menu::Lease, "tiklb/v1 cabin/");
        let addresses: Vec<_> = rows.iter().map(|row| row.get("address")).collect();
        ensure!(addresses == [Some(THEIRS.to_string().as_str())], "{rows:?}");
        Ok(())
    })
    .await
}

/// Its pool reaches into the first one's: that is refused in words.
async fn reach_across(kube: &Kube) -> Outcome {
    let words = "192.168.1.215-192.168.1.220 of pool cabin-pool belongs to the cluster home";
    set_range(kube, ACROSS).await?;
    let refused = ("PoolsExcluded", "False", "RangeOfAnotherCluster");
    let said = condition(kube, MIKROTIK, refused, SOON).await?;
    ensure!(said.contains(words), "{said}");
    ask(kube, "both", BOTH).await?;
    until("an event that says why", SOON, async || {
        let events = kube.events(APPS, "both").await?;
        let said = events.iter().any(|event| {
            let note = event["message"].as_str().unwrap_or_default();
            event["reason"] == "AwaitingProof" && note.contains(words)
        });
        ensure!(said, "{events:?}");
        Ok(())
    })
    .await?;
    let both = kube.get(SERVICES.in_namespace(APPS), "both").await?;
    ensure!(status_address(&both).is_none(), "{both}");
    Ok(())
}
