//! MetalLB's acceptance list for interfaces, on nodes with two network cards: each story's name begins with the cases that
//! it plays.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::scene::{APPS, SOON, Scene};
use super::{Outcome, Story, stories};
use crate::home::NAMESPACE;
use crate::home::kind::L2_ADVERTISEMENTS;
use crate::lan::Mac;
use crate::wait::until;

pub(super) fn stories() -> Vec<Story> {
    stories![interface:
        i01_i02_i03_only_the_selected_card_answers,
        i04_a_card_that_no_node_has_is_said,
        i04_a_card_that_no_node_has_is_said_of_what_was_announced,
        i05_two_advertisements_with_a_card_each_answer_on_both,
        i06_a_card_and_a_node_selector_move_the_owner,
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

/// Creates an advertisement, or gives the one of this name another spec.
async fn advertise(scene: &Scene, name: &str, spec: Value) -> Outcome {
    let object = json!({
        "apiVersion": "metallb.io/v1beta1",
        "kind": "L2Advertisement",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": spec,
    });
    scene.home.kube().apply(object).await?;
    Ok(())
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
    advertise(scene, "ad", json!({"interfaces": ["eth0"]})).await?;
    let owner = scene.settle("web", ADDRESS).await?;
    // I01, I02.
    ensure!(recorded(scene, &["eth0"]).await? == owner);
    answered_by(scene, &[cards[&owner][0]]).await?;
    // I03, there and back: the owner stays.
    advertise(scene, "ad", json!({"interfaces": ["eth1"]})).await?;
    answered_by(scene, &[cards[&owner][1]]).await?;
    ensure!(recorded(scene, &["eth1"]).await? == owner, "it moved");
    advertise(scene, "ad", json!({"interfaces": ["eth0"]})).await?;
    answered_by(scene, &[cards[&owner][0]]).await?;
    ensure!(recorded(scene, &["eth0"]).await? == owner, "it moved");
    scene.serves(ADDRESS).await.map(drop)
}

async fn i04_a_card_that_no_node_has_is_said(scene: &mut Scene) -> Outcome {
    let cards = with_second_cards(scene).await?;
    advertise(scene, "ad", json!({"interfaces": ["eth9"]})).await?;
    scene.ask("web", ADDRESS).await?;
    let note = scene.event(APPS, "web", "announceFailed").await?;
    ensure!(
        note.contains(&ADDRESS.to_string()) && note.contains("spec.interfaces"),
        "{note}"
    );
    scene.silent(ADDRESS).await?;
    advertise(scene, "ad", json!({"interfaces": ["eth9", "eth1"]})).await?;
    let owner = recorded(scene, &["eth1"]).await?;
    answered_by(scene, &[cards[&owner][1]]).await
}

async fn i04_a_card_that_no_node_has_is_said_of_what_was_announced(scene: &mut Scene) -> Outcome {
    let cards = with_second_cards(scene).await?;
    advertise(scene, "ad", json!({})).await?;
    let owner = scene.settle("web", ADDRESS).await?;
    answered_by(scene, &[cards[&owner][0]]).await?;
    advertise(scene, "ad", json!({"interfaces": ["eth9"]})).await?;
    let note = scene.event(APPS, "web", "announceFailed").await?;
    ensure!(
        note.contains(&ADDRESS.to_string()) && note.contains("spec.interfaces"),
        "{note}"
    );
    scene.silent(ADDRESS).await?;
    advertise(scene, "ad", json!({"interfaces": ["eth1"]})).await?;
    let owner = recorded(scene, &["eth1"]).await?;
    answered_by(scene, &[cards[&owner][1]]).await
}

async fn i05_two_advertisements_with_a_card_each_answer_on_both(scene: &mut Scene) -> Outcome {
    let cards = with_second_cards(scene).await?;
    advertise(scene, "first", json!({"interfaces": ["eth0"]})).await?;
    advertise(scene, "second", json!({"interfaces": ["eth1"]})).await?;
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
            advertise(scene, "ad", spec).await?;
            answered_by(scene, &[mac]).await?;
            ensure!(recorded(scene, &[interface]).await? == *node);
        }
    }
    Ok(())
}
