//! Somebody else uses an address that is announced: it is told, defended, and over when they are gone.

use std::net::{IpAddr, Ipv4Addr, SocketAddrV4};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use ipnet::Ipv4Net;
use serde_json::Value;

use super::scene::{APPS, FIRST_SYNC, GRACE, PORT, SOON, Scene};
use super::{Outcome, Story, stories};
use crate::home::NAMESPACE;
use crate::home::kind::{ADDRESS_CONFLICTS, CONFIGURATION_STATES};
use crate::lan::{Host, Mac};
use crate::wait::until;
use crate::wire::{ArpFrame, Capture, Seen, send, tcp_connect};

pub(super) fn stories() -> Vec<Story> {
    stories![conflict:
        a_stranger_claims_an_announced_address,
        something_else_answers_on_another_node,
    ]
}

const ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 210);

/// A takeover's announcements.
const TAKEOVER: usize = 6;

/// RFC 5227, `DEFEND_INTERVAL`.
const DEFEND_INTERVAL: Duration = Duration::from_secs(10);

/// What the stranger says, and how often: it wants the address badly.
const SHOUTS: u32 = 43;
const SHOUT_EVERY: Duration = Duration::from_millis(500);

/// Announcements of the address from a MAC address.
fn announced(capture: &Capture, mac: Mac) -> Vec<Seen> {
    let frames = capture.frames().into_iter();
    let fits = |seen: &Seen| {
        seen.frame.is_gratuitous() && seen.frame.sender_ip == ADDRESS && seen.frame.sender_mac == mac
    };
    frames.filter(fits).collect()
}

pub(super) async fn mac_of(scene: &Scene, host: &str) -> anyhow::Result<Mac> {
    let host = scene.home.lan().host(host)?;
    Ok(host.link(host.interface()).await?.mac)
}

/// The client's kernel sends what is for the address to this MAC address.
pub(super) async fn client_goes_to(scene: &Scene, address: impl Into<IpAddr>, mac: Mac) -> Outcome {
    let (client, address) = (scene.home.client()?, address.into());
    until("the client to go to the announcing node", SOON, async || {
        let entry = client.neighbor(address).await?;
        let known = entry.as_ref().and_then(|entry| entry.mac);
        ensure!(known == Some(mac), "it goes to {entry:?}, not to {mac}");
        Ok(())
    })
    .await
}

/// A gratuitous request, as a device sends that comes up with the address.
fn shout(stranger: &Host, mac: Mac) -> Outcome {
    let frame = ArpFrame::request(mac, ADDRESS, ADDRESS);
    Ok(send(stranger, &frame)?)
}

async fn a_stranger_claims_an_announced_address(scene: &mut Scene) -> Outcome {
    scene.apply_pool().await?;
    let client = scene.home.client()?;
    let capture = Capture::start(client, client.interface())?;
    let node = scene.settle("web", ADDRESS).await?;
    let mac = mac_of(scene, &node).await?;
    until("the takeover's announcements", SOON, async || {
        let seen = announced(&capture, mac).len();
        ensure!(seen >= TAKEOVER, "{seen} were seen");
        Ok(())
    })
    .await?;
    // The client has it in its cache.
    tcp_connect(scene.home.client()?, SocketAddrV4::new(ADDRESS, PORT), SOON).await?;
    let before = announced(&capture, mac).len();

    let stranger = scene.home.lan().host("newcomer")?.clone();
    let strange = mac_of(scene, "newcomer").await?;
    stranger
        .add_address(Ipv4Net::new(ADDRESS, 24)?, stranger.interface())
        .await?;
    let began = Instant::now();
    for _ in 0..SHOUTS {
        shout(&stranger, strange)?;
        tokio::time::sleep(SHOUT_EVERY).await;
    }
    stranger.del_address(ADDRESS).await?;
    let lasted = began.elapsed();
    judge_defence(&announced(&capture, mac)[before..], began, lasted)?;
    client_goes_to(scene, ADDRESS, mac).await?;
    let note = scene.event(APPS, "web", "AddressConflict").await?;
    ensure!(note.contains(&strange.to_string()), "{note}");
    told(scene, strange, &node).await?;

    // What is assigned stays, whoever disputes it and whoever decides.
    scene.home.allocator()?.end(GRACE).await?;
    scene.home.start_allocator().await?;
    let conflicts = ADDRESS_CONFLICTS.in_namespace(NAMESPACE);
    let over = |all: &[Value]| {
        all.iter()
            .all(|one| one["spec"]["address"] != ADDRESS.to_string())
    };
    let what = "no AddressConflict about the address";
    scene
        .home
        .kube()
        .wait_list(conflicts, FIRST_SYNC, what, over)
        .await?;
    ensure!(scene.address("web").await? == Some(ADDRESS), "it was taken away");
    let serving = scene.serves(ADDRESS).await?;
    ensure!(serving == node, "{serving} serves, {node} did");
    scene.record("web", &node).await?;
    Ok(())
}

/// The first defence comes at once, no two within the interval. One refresh may be among them, which looks the same.
fn judge_defence(seen: &[Seen], began: Instant, lasted: Duration) -> Outcome {
    let times: Vec<Duration> = seen
        .iter()
        .map(|seen| seen.at.saturating_duration_since(began))
        .collect();
    let rounds = usize::try_from(lasted.as_secs() / DEFEND_INTERVAL.as_secs())? + 1;
    ensure!(
        (rounds..=rounds + 1).contains(&times.len()),
        "{} defences in {lasted:?}: {times:?}",
        times.len()
    );
    let first = times.first().context("no defence was seen")?;
    ensure!(
        *first < Duration::from_secs(1),
        "the first defence came after {first:?}"
    );
    Ok(())
}

/// An AddressConflict says who it is, and who saw it.
async fn told(scene: &Scene, strange: Mac, node: &str) -> Outcome {
    let conflicts = ADDRESS_CONFLICTS.in_namespace(NAMESPACE);
    let fits = |all: &[Value]| {
        all.iter().any(|one| {
            let seen_by = one["status"]["seenBy"].as_array();
            one["spec"]["address"] == ADDRESS.to_string()
                && one["status"]["mac"] == strange.to_string()
                && seen_by.is_some_and(|by| by.iter().any(|by| by == node))
        })
    };
    let what = "an AddressConflict that names the stranger";
    scene.home.kube().wait_list(conflicts, SOON, what, fits).await?;
    Ok(())
}

/// As kube-proxy in IPVS mode does without strictARP: the kernel of a node has the address and answers for it.
async fn something_else_answers_on_another_node(scene: &mut Scene) -> Outcome {
    scene.apply_pool().await?;
    let node = scene.settle("web", ADDRESS).await?;
    let mut others = scene.home.node_names().filter(|name| *name != node);
    let other = others.next().context("a home with one node")?.to_owned();
    let host = scene.home.lan().host(&other)?.clone();
    host.add_address(Ipv4Net::new(ADDRESS, 32)?, host.interface())
        .await?;

    let note = scene.event(APPS, "web", "NodeAnswersARP").await?;
    ensure!(
        note.starts_with(&format!(
            "{other} answers ARP for {ADDRESS}, which {node} announces"
        )),
        "{note}"
    );
    let state = format!("speaker-{node}");
    let condition = |wanted: &'static str| {
        move |state: &Value| {
            let found = crate::home::condition(state, "announcedAlone");
            found.is_some_and(|found| found["status"] == wanted)
        }
    };
    let states = || CONFIGURATION_STATES.in_namespace(NAMESPACE);
    let kube = scene.home.kube();
    let what = "a speaker that says that it is not alone";
    kube.wait_for(states(), &state, SOON, what, condition("False"))
        .await?;
    let shown = scene.home.ask_tiklb(&["doctor"]).await?;
    ensure!(
        shown.code == Some(2) && shown.text.contains("NodeAnswersArp") && shown.text.contains(&other),
        "{shown:?}"
    );

    host.del_address(ADDRESS).await?;
    let what = "a speaker that is alone again";
    kube.wait_for(states(), &state, FIRST_SYNC, what, condition("True"))
        .await?;
    scene.record("web", &node).await?;
    let conflicts = scene.home.conflicts().await?;
    let about = |one: &&Value| one["spec"]["address"] == ADDRESS.to_string();
    ensure!(
        conflicts.iter().find(about).is_none(),
        "a node is no stranger: {conflicts:?}"
    );
    Ok(())
}
