//! MetalLB's acceptance list for interfaces, on nodes with two network cards: each story's name begins with the cases that
//! it plays.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use anyhow::{Context as _, Result, ensure};
use serde_json::json;

use super::announcement::{handed_over, never_twice, other_than, pinging, stays};
use super::answer::{asking, one_answer};
use super::scene::{APPS, SOON, Scene};
use super::{Outcome, Story, stories};
use crate::home::kind::L2_ADVERTISEMENTS;
use crate::home::{NAMESPACE, ROUTER};
use crate::lan::Mac;
use crate::wait::until;

pub(super) fn stories() -> Vec<Story> {
    stories![interface:
        i01_i02_i03_only_the_selected_card_answers,
        i04_a_card_that_no_node_has_is_said,
        i04_a_card_that_no_node_has_is_said_of_what_was_announced,
        i05_two_advertisements_with_a_card_each_answer_on_both,
        i06_a_card_and_a_node_selector_move_the_owner,
        an_owner_whose_selected_card_gets_another_name_is_followed_and_takes_nothing_back,
        another_node_whose_selected_card_gets_another_name_and_its_own_again_takes_nothing,
        a_card_that_nobody_selects_announces_under_its_new_name with |plan| plan.nodes(1),
    ]
}

const ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 210);
const POOL: &str = "192.168.1.210-192.168.1.219";

/// The MACs of every node: `eth0`, then `eth1`.
type Cards = BTreeMap<String, [Mac; 2]>;

/// Plugs a second card into each node while the speakers run, and makes a pool that nobody announces yet.
async fn with_second_cards(scene: &Scene) -> Result<Cards> {
    let mut cards = Cards::new();
    for node in scene.home.node_names() {
        let host = scene.home.lan().host(node)?;
        let first = host.link(host.interface()).await?.mac;
        let second = scene.home.lan().plug(node, "eth1").await?;
        cards.insert(node.to_owned(), [first, second]);
    }
    scene.create_pool("lan", &[POOL]).await?;
    Ok(cards)
}

/// Waits until exactly these MACs answer, twice in a row.
async fn answered_by(scene: &Scene, wanted: &[Mac]) -> Outcome {
    let wanted: BTreeSet<Mac> = wanted.iter().copied().collect();
    until(&format!("{wanted:?} to answer for {ADDRESS}"), SOON, async || {
        for _ in 0..2 {
            let answerers = scene.home.answerers(ADDRESS).await?;
            let macs: BTreeSet<Mac> = answerers.iter().map(|one| one.answer.mac).collect();
            ensure!(macs == wanted, "{macs:?} answer");
        }
        Ok(())
    })
    .await
}

/// Waits until the record of who announces the Service lists these interfaces: the node.
async fn recorded(scene: &Scene, interfaces: &[&str]) -> Result<String> {
    until(&format!("a record that lists {interfaces:?}"), SOON, async || {
        let records = scene
            .home
            .kube()
            .list(crate::home::kind::SERVICE_L2_STATUSES)
            .await?;
        let [record] = records.as_slice() else {
            anyhow::bail!("{} records", records.len());
        };
        let listed = record["status"]["interfaces"].as_array().into_iter().flatten();
        let listed: Vec<&str> = listed
            .filter_map(|interface| interface["name"].as_str())
            .collect();
        ensure!(listed == interfaces, "it lists {listed:?}");
        Ok(record["status"]["node"].as_str().unwrap_or_default().to_owned())
    })
    .await
}

async fn i01_i02_i03_only_the_selected_card_answers(scene: &mut Scene) -> Outcome {
    let cards = with_second_cards(scene).await?;
    scene.advertise_by("ad", json!({"interfaces": ["eth0"]})).await?;
    let owner = scene.settle("web", ADDRESS).await?;
    // I01, I02.
    ensure!(recorded(scene, &["eth0"]).await? == owner);
    answered_by(scene, &[cards[&owner][0]]).await?;
    // I03, there and back: the owner stays.
    scene.advertise_by("ad", json!({"interfaces": ["eth1"]})).await?;
    answered_by(scene, &[cards[&owner][1]]).await?;
    ensure!(recorded(scene, &["eth1"]).await? == owner, "it moved");
    scene.advertise_by("ad", json!({"interfaces": ["eth0"]})).await?;
    answered_by(scene, &[cards[&owner][0]]).await?;
    ensure!(recorded(scene, &["eth0"]).await? == owner, "it moved");
    scene.serves(ADDRESS).await.map(drop)
}

async fn i04_a_card_that_no_node_has_is_said(scene: &mut Scene) -> Outcome {
    let cards = with_second_cards(scene).await?;
    scene.advertise_by("ad", json!({"interfaces": ["eth9"]})).await?;
    scene.ask("web", ADDRESS).await?;
    let note = scene.event(APPS, "web", "announceFailed").await?;
    ensure!(
        note.contains(&ADDRESS.to_string()) && note.contains("spec.interfaces"),
        "{note}"
    );
    scene.silent(ADDRESS).await?;
    scene
        .advertise_by("ad", json!({"interfaces": ["eth9", "eth1"]}))
        .await?;
    let owner = recorded(scene, &["eth1"]).await?;
    answered_by(scene, &[cards[&owner][1]]).await
}

async fn i04_a_card_that_no_node_has_is_said_of_what_was_announced(scene: &mut Scene) -> Outcome {
    let cards = with_second_cards(scene).await?;
    scene.advertise_by("ad", json!({})).await?;
    let owner = scene.settle("web", ADDRESS).await?;
    answered_by(scene, &[cards[&owner][0]]).await?;
    scene.advertise_by("ad", json!({"interfaces": ["eth9"]})).await?;
    let note = scene.event(APPS, "web", "announceFailed").await?;
    ensure!(
        note.contains(&ADDRESS.to_string()) && note.contains("spec.interfaces"),
        "{note}"
    );
    scene.silent(ADDRESS).await?;
    scene.advertise_by("ad", json!({"interfaces": ["eth1"]})).await?;
    let owner = recorded(scene, &["eth1"]).await?;
    answered_by(scene, &[cards[&owner][1]]).await
}

async fn i05_two_advertisements_with_a_card_each_answer_on_both(scene: &mut Scene) -> Outcome {
    let cards = with_second_cards(scene).await?;
    scene
        .advertise_by("first", json!({"interfaces": ["eth0"]}))
        .await?;
    scene
        .advertise_by("second", json!({"interfaces": ["eth1"]}))
        .await?;
    scene.ask("web", ADDRESS).await?;
    let owner = recorded(scene, &["eth0", "eth1"]).await?;
    answered_by(scene, &cards[&owner]).await?;
    let advertisements = L2_ADVERTISEMENTS.in_namespace(NAMESPACE);
    scene.home.kube().delete(advertisements, "first").await?;
    answered_by(scene, &[cards[&owner][1]]).await?;
    ensure!(recorded(scene, &["eth1"]).await? == owner, "it moved");
    Ok(())
}

async fn i06_a_card_and_a_node_selector_move_the_owner(scene: &mut Scene) -> Outcome {
    let cards = with_second_cards(scene).await?;
    for (node, number) in cards.keys().zip(0..) {
        scene.label(node, "number", Some(&format!("n{number}"))).await?;
    }
    scene.ask("web", ADDRESS).await?;
    for ((node, macs), number) in cards.iter().zip(0..) {
        let only = json!([{"matchLabels": {"number": format!("n{number}")}}]);
        for (interface, mac) in ["eth1", "eth0"].into_iter().zip([macs[1], macs[0]]) {
            let spec = json!({"interfaces": [interface], "nodeSelectors": only});
            scene.advertise_by("ad", spec).await?;
            answered_by(scene, &[mac]).await?;
            ensure!(recorded(scene, &[interface]).await? == *node);
        }
    }
    Ok(())
}

/// As udev does it at a boot, or an update of a distribution: the card is down for a moment, and its addresses stay.
async fn rename(scene: &Scene, node: &str, from: &str, to: &str) -> Outcome {
    let host = scene.home.lan().host(node)?;
    host.rename(from, to).await?;
    host.add_default_route(ROUTER).await?;
    Ok(())
}

async fn with_selector(scene: &mut Scene) -> Result<String> {
    scene.create_pool("lan", &[POOL]).await?;
    scene.advertise_by("ad", json!({"interfaces": ["eth0"]})).await?;
    scene.settle("web", ADDRESS).await
}

async fn an_owner_whose_selected_card_gets_another_name_is_followed_and_takes_nothing_back(
    scene: &mut Scene,
) -> Outcome {
    let owner = with_selector(scene).await?;
    let pinger = pinging(scene, &owner).await?;
    let asker = asking(scene).await?;
    rename(scene, &owner, "eth0", "lan0").await?;
    let heir = other_than(&pinger, &owner).await?;
    scene.record("web", &heir).await?;
    stays(&pinger, &heir).await?;
    rename(scene, &owner, "lan0", "eth0").await?;
    stays(&pinger, &heir).await?;
    ensure!(recorded(scene, &["eth0"]).await? == heir, "it moved");
    one_answer(scene, &asker.stop()?, &[&owner, &heir])?;
    never_twice(&pinger.stop()?)
}

async fn another_node_whose_selected_card_gets_another_name_and_its_own_again_takes_nothing(
    scene: &mut Scene,
) -> Outcome {
    let owner = with_selector(scene).await?;
    let other = scene.home.node_names().find(|name| *name != owner);
    let other = other.context("no other node")?;
    let pinger = pinging(scene, &owner).await?;
    let asker = asking(scene).await?;
    for (from, to) in [("eth0", "lan0"), ("lan0", "eth0")] {
        rename(scene, other, from, to).await?;
        stays(&pinger, &owner).await?;
    }
    ensure!(recorded(scene, &["eth0"]).await? == owner, "it moved");
    one_answer(scene, &asker.stop()?, &[&owner])?;
    handed_over(&pinger.stop()?, &[&owner])
}

async fn a_card_that_nobody_selects_announces_under_its_new_name(scene: &mut Scene) -> Outcome {
    scene.create_pool("lan", &[POOL]).await?;
    scene.advertise_by("ad", json!({})).await?;
    let owner = scene.settle("web", ADDRESS).await?;
    ensure!(recorded(scene, &["eth0"]).await? == owner);
    let mac = scene.home.lan().host(&owner)?.link("eth0").await?.mac;
    rename(scene, &owner, "eth0", "lan0").await?;
    answered_by(scene, &[mac]).await?;
    ensure!(recorded(scene, &["lan0"]).await? == owner);
    rename(scene, &owner, "lan0", "eth0").await?;
    answered_by(scene, &[mac]).await?;
    ensure!(recorded(scene, &["eth0"]).await? == owner);
    scene.serves(ADDRESS).await.map(drop)
}
