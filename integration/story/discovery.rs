//! IPv6: one node answers by NDP, a cut cable moves both families of a Service together, and whoever configures an address
//! that is announced finds out that it is taken.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use anyhow::{Context as _, ensure};
use ipnet::Ipv6Net;
use serde_json::{Value, json};

use super::scene::{APPS, FIRST_SYNC, PORT, SOON, Scene, service};
use super::{Outcome, Stage, Story, announcement, conflict, stories};
use crate::home::NAMESPACE;
use crate::home::kind::IP_ADDRESS_POOLS;
use crate::kube::SERVICES;
use crate::wait::until;
use crate::wire::{PingAnswer, PingReport, Pinger};

pub(super) fn stories() -> Vec<Story> {
    let all = stories![discovery:
        both_families_of_a_service_move_together with |plan| plan.ipv6(),
        a_service_of_ipv6_alone_is_announced_and_moves with |plan| plan.ipv6(),
        who_configures_an_announced_address_gives_it_up with |plan| plan.ipv6(),
    ];
    all.into_iter().map(|story| story.only(Stage::Embedded)).collect()
}

const FOUR: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 210);
pub(super) const SIX: Ipv6Addr = Ipv6Addr::new(0xfd00, 0, 0, 1, 0, 0, 0, 0x210);

/// Pings before something happens.
const STEADY: u64 = 200;

/// Pools of these addresses, announced everywhere, and a Service of these families.
pub(super) async fn given(scene: &mut Scene, addresses: &[&str], policy: &str, families: Value) -> Outcome {
    scene.create_pool("lan", addresses).await?;
    scene.advertise().await?;
    let mut object = service("web", &[]);
    object["spec"]["ipFamilyPolicy"] = json!(policy);
    object["spec"]["ipFamilies"] = families;
    let services = SERVICES.in_namespace(APPS);
    scene.home.kube().create(&services, &object).await?;
    scene.home.put_endpoints_everywhere(APPS, "web").await?;
    let has = |service: &Value| {
        let entries = service["status"]["loadBalancer"]["ingress"].as_array();
        let mut given = entries.into_iter().flatten();
        given.any(|entry| entry["ip"] == SIX.to_string())
    };
    let what = "the Service to have its IPv6 address";
    let kube = scene.home.kube();
    kube.wait_for(&services, "web", FIRST_SYNC, what, has).await?;
    scene.home.serve(SIX, PORT).await
}

/// A client that sends each millisecond to an address, once it is answered steadily: the node.
pub(super) async fn pinging(scene: &Scene, address: SocketAddr) -> anyhow::Result<(Pinger, String)> {
    let pinger = Pinger::start(scene.home.client()?, address)?;
    let first = pinger.wait_for(|_| true, SOON).await?;
    let steady = |answer: &PingAnswer| answer.sequence >= first.sequence + STEADY;
    let node = pinger.wait_for(steady, SOON).await?.node;
    Ok((pinger, node.to_string()))
}

pub(super) fn judge(what: &str, report: &PingReport) -> Outcome {
    println!("    {what}: longest silence {:?}", report.silence.length());
    announcement::judge(report).with_context(|| what.to_owned())
}

/// The client's kernel has the node's MAC address for the IPv6 address.
pub(super) async fn resolves_to(scene: &Scene, node: &str) -> Outcome {
    conflict::client_goes_to(scene, SIX, conflict::mac_of(scene, node).await?).await
}

async fn both_families_of_a_service_move_together(scene: &mut Scene) -> Outcome {
    let addresses = ["192.168.1.210/32", "fd00:0:0:1::210/128"];
    given(scene, &addresses, "RequireDualStack", json!(["IPv4", "IPv6"])).await?;
    scene.home.serve(FOUR, PORT).await?;
    let (six, node) = pinging(scene, (SIX, PORT).into()).await?;
    let (four, also) = pinging(scene, (FOUR, PORT).into()).await?;
    ensure!(node == also, "{node} answers for {SIX}, {also} for {FOUR}");
    resolves_to(scene, &node).await?;
    scene.record("web", &node).await?;
    scene.home.lan().cut(&node).await?;
    let heir = six.wait_for(|answer| *answer.node != *node, SOON).await?.node;
    let moved = four.wait_for(|answer| *answer.node != *node, SOON).await?.node;
    ensure!(heir == moved, "{heir} answers for {SIX}, {moved} for {FOUR}");
    resolves_to(scene, &heir).await?;
    scene.record("web", &heir).await?;
    judge("IPv6", &six.stop()?)?;
    judge("IPv4", &four.stop()?)
}

async fn a_service_of_ipv6_alone_is_announced_and_moves(scene: &mut Scene) -> Outcome {
    given(scene, &["fd00:0:0:1::210/128"], "SingleStack", json!(["IPv6"])).await?;
    scene.no_problem().await?;
    let (pinger, node) = pinging(scene, (SIX, PORT).into()).await?;
    resolves_to(scene, &node).await?;
    scene.record("web", &node).await?;
    scene.home.lan().cut(&node).await?;
    let heir = pinger.wait_for(|answer| *answer.node != *node, SOON).await?.node;
    scene.record("web", &heir).await?;
    judge("IPv6 alone", &pinger.stop()?)?;
    let pools = IP_ADDRESS_POOLS.in_namespace(NAMESPACE);
    let counted = |pool: &Value| pool["status"]["assignedIPv6"] == 1;
    let kube = scene.home.kube();
    kube.wait_for(&pools, "lan", SOON, "the pool to count the address", counted)
        .await?;
    Ok(())
}

/// RFC 4862 section 5.4.5: its own kernel says so, and never uses the address.
async fn who_configures_an_announced_address_gives_it_up(scene: &mut Scene) -> Outcome {
    given(scene, &["fd00:0:0:1::210/128"], "SingleStack", json!(["IPv6"])).await?;
    let (pinger, node) = pinging(scene, (SIX, PORT).into()).await?;
    let stranger = scene.home.lan().host("newcomer")?;
    let interface = stranger.interface();
    let detects = format!("net.ipv6.conf.{interface}.accept_dad");
    stranger.sysctl(&[(detects.as_str(), "1")])?;
    stranger.add_address(Ipv6Net::new(SIX, 64)?, interface).await?;
    until("the stranger to find out", SOON, async || {
        let duplicate = stranger.is_duplicate(SIX).await?;
        ensure!(duplicate, "its kernel has not marked {SIX} as a duplicate");
        Ok(())
    })
    .await?;
    let last = pinger.wait_for(|_| true, SOON).await?;
    let later = |answer: &PingAnswer| answer.sequence > last.sequence + STEADY;
    let after = pinger.wait_for(later, SOON).await?;
    ensure!(*after.node == *node, "{} answers", after.node);
    let report = pinger.stop()?;
    judge("beside a stranger", &report)?;
    let only = report.nodes.first().context("nobody answered")?;
    ensure!(
        report.nodes.len() == 1 && *only == node,
        "{:?} answered",
        report.nodes
    );
    Ok(())
}
