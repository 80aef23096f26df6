//! DHCP clients and the range for Services: none is ever given an address of it, and one that has one is waited for.

use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use futures::future::try_join_all;
use routeros_sim::{Menu, Row};
use serde_json::Value;

use super::scene::{APPS, FIRST_SYNC, MIKROTIK, SOON, Scene};
use super::{Outcome, Story, stories};
use crate::home::kind::MIKROTIK_ROUTERS;
use crate::home::{NAMESPACE, PHONE, POOL, Plan, Ranges};
use crate::lan::{Host, Mac};
use crate::wait::until;
use crate::wire::{self, DhcpClient};

pub(super) fn stories() -> Vec<Story> {
    stories![lease:
        no_device_is_given_an_address_of_the_range with |plan| plan.pool(&pool()).without_phone(),
        a_phone_that_keeps_its_address_is_waited_for with quickly_ending,
    ]
}

const ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 210);
const RANGE: &str = "192.168.1.200-192.168.1.220";

/// A router probes an address for half a second before it offers it.
const LEASED: Duration = Duration::from_secs(15);
/// What nobody offers within this is not offered: three times that probe, on a busy machine.
const NOT_OFFERED: Duration = Duration::from_secs(4);
/// After this a router has forgotten a neighbour that left without a word: 30 s reachable, a minute stale, 8 s of
/// probing, a minute failed.
const FORGOTTEN: Duration = Duration::from_mins(4);
/// How long a lease lasts, so that one ends within a story. A phone on a busy machine renews ten times in it.
const LEASE_TIME: &str = "30s";
/// A lease ends, two readings lack it, and a survey, whose rounds take a minute, is silent twice.
const WAITED_FOR: Duration = Duration::from_mins(4);

/// Eleven addresses beside the range: one more than have to stay free.
fn pool() -> Ranges {
    "189-220".parse().unwrap_or_default()
}

fn quickly_ending(plan: Plan) -> Plan {
    plan.change_router(Menu::DhcpServer, "defconf", "lease-time", LEASE_TIME)
}

async fn sync(scene: &Scene) -> Outcome {
    scene.apply_pool().await?;
    scene
        .apply_router(|spec| spec["pollInterval"] = "1s".into())
        .await?;
    scene.in_sync().await
}

/// Addresses that devices have from the router, as it shows them.
fn leased(scene: &Scene) -> Result<Vec<Ipv4Addr>> {
    let rows = scene.home.router().rows(Menu::Lease);
    let dynamic = rows.iter().filter(|row| row.get("dynamic") == Some("true"));
    let addresses = dynamic.map(|row| row.get("address").unwrap_or_default().parse());
    Ok(addresses.collect::<Result<_, _>>()?)
}

/// A laptop had the address before anybody thought of Services.
async fn no_device_is_given_an_address_of_the_range(scene: &mut Scene) -> Outcome {
    let range: Ranges = RANGE.parse()?;
    let host = scene.home.lan().host("newcomer")?.clone();
    let mut laptop = DhcpClient::new(&host).await?.hostname("bens-laptop");
    let had = laptop.acquire_wanting(Some(ADDRESS), LEASED).await?;
    ensure!(had.address.addr() == ADDRESS, "the laptop was given {had:?}");
    laptop.configure().await?;
    laptop.release().await?;
    scene.home.router().clock().advance(FORGOTTEN);
    sync(scene).await?;
    scene.settle("web", ADDRESS).await?;
    until("the Service's lease", FIRST_SYNC, async || {
        let row = scene.home.row(Menu::Lease, "address", &ADDRESS.to_string());
        row.map(drop).context("there is none")
    })
    .await?;

    // It asks for it as one that was switched off, and as one that looks for a network.
    let refused = laptop.reclaim(ADDRESS, NOT_OFFERED).await;
    ensure!(refused.is_err(), "the laptop was given {refused:?}");
    let given = laptop.acquire_wanting(Some(ADDRESS), LEASED).await?;
    ensure!(
        !range.contains(given.address.addr()),
        "the laptop was given {given:?} of {RANGE}"
    );
    // Strangers wish for it, too, and for its free neighbours, until the router has nothing left to give.
    let left = scene.home.pool(POOL)?.len() - 1;
    let guests = (0..left).map(|number| guest(&host, number, left));
    for given in try_join_all(guests).await? {
        ensure!(!range.contains(given), "a guest was given {given} of {RANGE}");
    }
    let mut late = DhcpClient::new(&host).await?.mac(mac_of(left));
    let nothing = late.acquire_wanting(Some(ADDRESS), NOT_OFFERED).await;
    ensure!(
        matches!(nothing, Err(wire::Error::TooLate { .. })),
        "a router without a free address gave {nothing:?}"
    );
    let leased = leased(scene)?;
    ensure!(
        leased.len() == left + 1 && !leased.iter().any(|address| range.contains(*address)),
        "{leased:?}"
    );
    scene.serves(ADDRESS).await.map(drop)
}

fn mac_of(number: usize) -> Mac {
    let number = u8::try_from(number).unwrap_or(u8::MAX);
    Mac([0x02, 0x67, 0x75, 0x65, 0x73, number])
}

/// The first half of the guests wishes for the Service's address, the rest for one that no Service has.
async fn guest(host: &Host, number: usize, of: usize) -> Result<Ipv4Addr> {
    let wish = if number < of / 2 {
        ADDRESS
    } else {
        Ipv4Addr::new(192, 168, 1, 215)
    };
    let mut client = DhcpClient::new(host).await?.mac(mac_of(number));
    let lease = client.acquire_wanting(Some(wish), LEASED).await?;
    Ok(lease.address.addr())
}

fn row_of(scene: &Scene) -> Result<Row> {
    let row = scene.home.row(Menu::Lease, "address", &PHONE.to_string());
    row.context("the phone's lease is gone")
}

/// The pool was cut around it, and it renews as if nothing had happened.
async fn renews(scene: &Scene) -> Outcome {
    let phone = scene.home.phone().context("the plan has a phone")?;
    let seen = phone.kept().renewals().len();
    until("the phone to renew", SOON, async || {
        let now = phone.kept().renewals().len();
        ensure!(now > seen + 1, "{now} renewals, {seen} at first");
        Ok(())
    })
    .await?;
    let refused = phone
        .kept()
        .renewals()
        .into_iter()
        .find_map(|one| one.outcome.err());
    ensure!(refused.is_none(), "a renewal failed: {refused:?}");
    Ok(())
}

/// It sits in the middle of the range, and leaves one day.
async fn a_phone_that_keeps_its_address_is_waited_for(scene: &mut Scene) -> Outcome {
    let before = row_of(scene)?;
    sync(scene).await?;
    let said = scene
        .condition("NoConflicts", "False", "AddressesHeld", SOON)
        .await?;
    ensure!(
        said.contains(&format!("{PHONE} ")) && said.contains("annas-phone"),
        "{said}"
    );
    scene.ask("web", PHONE).await?;
    let said = scene.event(APPS, "web", "AllocationFailed").await?;
    ensure!(
        said.contains(&format!("{PHONE} is in use by")) && said.contains("annas-phone"),
        "{said}"
    );
    renews(scene).await?;
    let after = row_of(scene)?;
    ensure!(
        after.id() == before.id() && after.get("status") == Some("bound"),
        "{before} became {after}"
    );
    scene.has_none("web").await?;

    scene.home.send_phone_away().await?;
    let (given, _) = scene.announced("web", WAITED_FOR).await?;
    ensure!(given == PHONE, "{given}");
    let routers = MIKROTIK_ROUTERS.in_namespace(NAMESPACE);
    let what = "a status that does not name the phone any more";
    let fits = |object: &Value| !object["status"].to_string().contains("annas-phone");
    let kube = scene.home.kube();
    kube.wait_for(routers, MIKROTIK, SOON, what, fits).await?;
    // The lease ended by itself: what is written there is ours alone.
    let journal = scene.home.router().journal();
    let id = before.id();
    let touched = journal.writes.iter().find(|write| write.id.as_deref() == id);
    ensure!(
        touched.is_none(),
        "{}",
        touched.map_or(String::new(), ToString::to_string)
    );
    ensure!(journal.edits.is_empty(), "{:?}", journal.edits);
    Ok(())
}
