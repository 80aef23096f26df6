//! The router agrees: what it holds for us, what others hold, and what is left when we go.

use std::net::Ipv4Addr;

use anyhow::{Context as _, Result, ensure};
use routeros_sim::{Menu, Row};

use super::scene::{APPS, FIRST_SYNC, MIKROTIK, OBSERVED, SOON, Scene};
use super::{Outcome, Story, stories};
use crate::home::kind::MIKROTIK_ROUTERS;
use crate::home::{NAMESPACE, PHONE, POOL, PRINTER, Ranges};
use crate::wait::until;

pub(super) fn stories() -> Vec<Story> {
    stories![reservation:
        a_service_stands_on_the_router_under_its_name,
        the_routers_arp_row_follows_the_announcer,
        occupied_addresses_are_passed_over_and_their_holders_named,
        a_deleted_router_is_given_back,
        a_pool_that_a_person_has_shrunk_is_left_alone with |plan| plan.pool(&shrunk()),
    ]
}

const ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 210);
const RANGE: &str = "192.168.1.200-192.168.1.220";

fn ranges(text: &str) -> Ranges {
    text.parse().unwrap_or_default()
}

fn shrunk() -> Ranges {
    ranges("100-199")
}

async fn sync(scene: &Scene) -> Outcome {
    scene.apply_pool().await?;
    scene.apply_homelab(&["mikrotikrouter"]).await?;
    scene.in_sync().await
}

/// Waits for a row of the router that has an address and a comment of ours.
async fn our_row(scene: &Scene, menu: Menu, address: Ipv4Addr) -> Result<Row> {
    let wanted = address.to_string();
    until(&format!("our row for {address} in {menu}"), SOON, async || {
        let rows = scene.home.router().rows(menu);
        let ours = |row: &&Row| {
            row.get("address") == Some(&wanted)
                && row
                    .get("comment")
                    .is_some_and(|text| text.starts_with("tiklb/v1 home/"))
        };
        let row = rows.iter().find(ours).cloned();
        row.with_context(|| format!("{menu} holds {rows:?}"))
    })
    .await
}

fn mac_of(scene: &Scene, row: &Row) -> Option<String> {
    let mac = row.get("mac-address")?.parse().ok()?;
    Some(scene.home.host_with(mac))
}

async fn a_service_stands_on_the_router_under_its_name(scene: &mut Scene) -> Outcome {
    let before = scene.home.pool(POOL)?;
    sync(scene).await?;
    let after = scene.home.pool(POOL)?;
    ensure!(after == &before - &ranges(RANGE), "{before} became {after}");
    let ours = scene.home.pool("tiklb-home-homelab-pool")?;
    ensure!(ours == ranges(RANGE), "our pool row holds {ours}");

    let node = scene.settle("web", ADDRESS).await?;
    let lease = our_row(scene, Menu::Lease, ADDRESS).await?;
    let comment = lease.get("comment").unwrap_or_default();
    ensure!(comment.ends_with(" apps/web"), "{comment:?}");
    let mac = lease.get("mac-address").unwrap_or_default().to_lowercase();
    ensure!(
        u8::from_str_radix(&mac[..2], 16)? & 0b11 == 0b10,
        "{mac} is no locally administered address of one host"
    );
    ensure!(lease.get("dynamic") != Some("true"), "{lease:?}");
    let arp = our_row(scene, Menu::Arp, ADDRESS).await?;
    ensure!(
        arp.get("disabled") == Some("true"),
        "a row to be seen, without effect: {arp:?}"
    );
    let shown = mac_of(scene, &arp);
    ensure!(shown.as_deref() == Some(&node), "{node} answers, {arp:?}");
    scene
        .condition("ReservationsInSync", "True", "InSync", SOON)
        .await?;
    // Cut first, and ours in its place afterwards.
    let journal = scene.home.router().journal();
    let paths: Vec<&str> = journal.applied().map(|write| write.path.as_str()).collect();
    let menus: Vec<&str> = paths
        .iter()
        .filter_map(|path| {
            [Menu::Pool, Menu::Lease]
                .iter()
                .find(|menu| path.contains(menu.path()))
        })
        .map(|menu| menu.path())
        .collect();
    let (pool, lease) = (Menu::Pool.path(), Menu::Lease.path());
    ensure!(menus == [pool, pool, lease], "{paths:?}");
    Ok(())
}

async fn the_routers_arp_row_follows_the_announcer(scene: &mut Scene) -> Outcome {
    sync(scene).await?;
    let node = scene.settle("web", ADDRESS).await?;
    our_row(scene, Menu::Arp, ADDRESS).await?;
    scene.home.lan().cut(&node).await?;
    let heir = until("another node to answer", SOON, async || {
        let heir = scene.home.announcer(ADDRESS, SOON).await?.host;
        ensure!(heir != node, "{node} still answers, whose cable is cut");
        Ok(heir)
    })
    .await?;
    until("the row to follow", SOON, async || {
        let row = our_row(scene, Menu::Arp, ADDRESS).await?;
        let shown = mac_of(scene, &row);
        ensure!(shown.as_deref() == Some(&heir), "{heir} answers, {row:?}");
        Ok(())
    })
    .await?;
    scene.home.lan().mend(&node).await?;
    Ok(())
}

async fn occupied_addresses_are_passed_over_and_their_holders_named(scene: &mut Scene) -> Outcome {
    sync(scene).await?;
    scene.ask("wants-the-phones", PHONE).await?;
    let said = scene.event(APPS, "wants-the-phones", "AllocationFailed").await?;
    ensure!(
        said.contains(&format!("{PHONE} is in use by")) && said.contains("annas-phone"),
        "{said}"
    );
    // One Service for each address of the pool that nobody has, and one more.
    let free: Vec<Ipv4Addr> = (200..=220)
        .map(|last| Ipv4Addr::new(192, 168, 1, last))
        .filter(|address| ![PHONE, PRINTER].contains(address))
        .collect();
    for number in 0..=free.len() {
        scene.create_service(&format!("many-{number:02}"), &[]).await?;
    }
    let mut given = Vec::new();
    for number in 0..free.len() {
        let name = format!("many-{number:02}");
        let address = scene.home.service_address(APPS, &name, FIRST_SYNC).await?;
        given.push(address);
    }
    given.sort();
    ensure!(given == free, "given: {given:?}");
    let last = format!("many-{:02}", free.len());
    let said = scene.event(APPS, &last, "AllocationFailed").await?;
    ensure!(said.contains("no free address is left in homelab-pool"), "{said}");
    scene.has_none(&last).await?;
    scene.has_none("wants-the-phones").await
}

async fn a_deleted_router_is_given_back(scene: &mut Scene) -> Outcome {
    let before = scene.home.router().snapshot();
    sync(scene).await?;
    scene.settle("web", ADDRESS).await?;
    our_row(scene, Menu::Arp, ADDRESS).await?;
    let routers = MIKROTIK_ROUTERS.in_namespace(NAMESPACE);
    // An address that a Service still has is not given back: the object stays until it is free.
    scene.home.kube().delete(&routers, MIKROTIK).await?;
    let early = scene.home.kube().wait_gone(&routers, MIKROTIK, OBSERVED).await;
    ensure!(early.is_err(), "it went while apps/web had an address of its");
    ensure!(
        !scene.home.pool(POOL)?.contains(ADDRESS),
        "{ADDRESS} was given back while a node answers for it"
    );
    scene.serves(ADDRESS).await?;
    scene.delete_service("web").await?;
    scene
        .home
        .kube()
        .wait_gone(&routers, MIKROTIK, FIRST_SYNC)
        .await?;
    scene.router_is_as(&before)
}

async fn a_pool_that_a_person_has_shrunk_is_left_alone(scene: &mut Scene) -> Outcome {
    let before = scene.home.router().snapshot();
    scene.apply_pool().await?;
    scene.apply_homelab(&["mikrotikrouter"]).await?;
    scene
        .condition("PoolsExcluded", "True", "NothingToExclude", FIRST_SYNC)
        .await?;
    scene.settle("web", ADDRESS).await?;
    our_row(scene, Menu::Lease, ADDRESS).await?;
    scene.delete_service("web").await?;
    let routers = MIKROTIK_ROUTERS.in_namespace(NAMESPACE);
    scene.home.kube().delete(&routers, MIKROTIK).await?;
    scene
        .home
        .kube()
        .wait_gone(&routers, MIKROTIK, FIRST_SYNC)
        .await?;
    let journal = scene.home.router().journal();
    let on_pool = journal.applied().filter(|write| {
        write
            .row
            .as_ref()
            .is_some_and(|row| row.get("name") == Some(POOL))
    });
    ensure!(on_pool.count() == 0, "{POOL} was written");
    scene.router_is_as(&before)
}
