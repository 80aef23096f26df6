//! Nodes that have IPv6 alone: speakers meet, nodes are watched and judged, and addresses move as they do by IPv4.

use std::net::{Ipv6Addr, SocketAddr};

use anyhow::ensure;
use ipnet::Ipv6Net;
use nix::sys::signal::Signal;
use serde_json::json;

use super::announcement::{handed_over, stays};
use super::discovery::{SIX, given, judge, pinging, resolves_to};
use super::scene::{PORT, SOON, Scene};
use super::{Outcome, Stage, Story, acceptance, stories};
use crate::wire::{PingAnswer, tcp_connect};

pub(super) fn stories() -> Vec<Story> {
    let all = stories![ipv6:
        a_cut_link_moves_the_address_and_no_return_moves_it_back with |plan| plan.ipv6_alone(),
        a_killed_speaker_is_stood_in_for with |plan| plan.ipv6_alone(),
        l10_two_services_that_share_an_address_are_announced_by_one_node with |plan| plan.ipv6_alone(),
        l12_the_owner_alone_counts_what_it_announces with |plan| plan.ipv6_alone(),
        l15_l16_a_service_has_the_address_of_the_pool_that_it_names with |plan| plan.ipv6_alone(),
    ];
    all.into_iter().map(|story| story.only(Stage::Embedded)).collect()
}

/// Whoever comes later.
const NEWCOMER: Ipv6Net = Ipv6Net::new_assert(Ipv6Addr::new(0xfd00, 0, 0, 1, 0, 0, 0, 0x77), 64);

async fn a_cut_link_moves_the_address_and_no_return_moves_it_back(scene: &mut Scene) -> Outcome {
    given(scene, &["fd00:0:0:1::210/128"], "SingleStack", json!(["IPv6"])).await?;
    let (pinger, node) = pinging(scene, (SIX, PORT).into()).await?;
    resolves_to(scene, &node).await?;
    scene.record("web", &node).await?;
    scene.home.lan().cut(&node).await?;
    let elsewhere = |answer: &PingAnswer| *answer.node != *node;
    let heir = pinger.wait_for(elsewhere, SOON).await?.node;
    resolves_to(scene, &heir).await?;
    scene.home.lan().mend(&node).await?;
    stays(&pinger, &heir).await?;
    scene.record("web", &heir).await?;
    judge("nodes with IPv6 alone", &pinger.stop()?)
}

/// Nothing moves, and nothing is lost: who stands in answers with the silent node's MAC address. Somebody who comes now has
/// nobody else to learn it from.
async fn a_killed_speaker_is_stood_in_for(scene: &mut Scene) -> Outcome {
    given(scene, &["fd00:0:0:1::210/128"], "SingleStack", json!(["IPv6"])).await?;
    let (pinger, node) = pinging(scene, (SIX, PORT).into()).await?;
    resolves_to(scene, &node).await?;
    scene.home.speaker(&node)?.kill(Signal::SIGKILL)?;
    let newcomer = scene.home.lan().host("newcomer")?;
    newcomer.add_address(NEWCOMER, newcomer.interface()).await?;
    newcomer.wait_for_address(NEWCOMER.addr()).await?;
    let reached = tcp_connect(newcomer, SocketAddr::from((SIX, PORT)), SOON).await?;
    ensure!(reached == node, "the newcomer reaches {reached}");
    stays(&pinger, &node).await?;
    scene.home.start_speaker(&node).await?;
    stays(&pinger, &node).await?;
    scene.record("web", &node).await?;
    handed_over(&pinger.stop()?, &[&node])
}

async fn l10_two_services_that_share_an_address_are_announced_by_one_node(scene: &mut Scene) -> Outcome {
    scene.create_pool("lan", &["fd00:0:0:1::210/128"]).await?;
    scene.advertise().await?;
    acceptance::share(scene, SIX.into()).await?;
    scene.home.serve(SIX, PORT).await?;
    let (_pinger, node) = pinging(scene, (SIX, PORT).into()).await?;
    scene.record("one", &node).await?;
    scene.record("other", &node).await?;
    resolves_to(scene, &node).await
}

async fn l12_the_owner_alone_counts_what_it_announces(scene: &mut Scene) -> Outcome {
    given(scene, &["fd00:0:0:1::210/128"], "SingleStack", json!(["IPv6"])).await?;
    let (_pinger, node) = pinging(scene, (SIX, PORT).into()).await?;
    resolves_to(scene, &node).await?;
    acceptance::counted_by(scene, SIX.into(), &node).await
}

async fn l15_l16_a_service_has_the_address_of_the_pool_that_it_names(scene: &mut Scene) -> Outcome {
    scene.advertise().await?;
    for (auto_assign, lasts) in [(true, [0x210, 0x211]), (false, [0x212, 0x213])] {
        let addresses = lasts.map(|last| Ipv6Addr::new(0xfd00, 0, 0, 1, 0, 0, 0, last).into());
        acceptance::named_pools(scene, auto_assign, addresses).await?;
    }
    Ok(())
}
