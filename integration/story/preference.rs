//! `preferredNodeSelectors`: an address is handed over to the node that is preferred, and no datagram is lost.

use anyhow::{Context as _, ensure};
use serde_json::json;

use super::announcement::{ADDRESS, handed_over, other_than, pinging, stays};
use super::scene::{EXCLUDED, SOON, Scene};
use super::{Outcome, Story, stories};
use crate::home::NAMESPACE;
use crate::home::kind::L2_ADVERTISEMENTS;
use crate::wait::until;

pub(super) fn stories() -> Vec<Story> {
    stories![preference:
        p01_a_label_brings_the_address_to_the_preferred_node,
        p03_a_preferred_node_takes_it_back_when_it_may_again,
        p04_every_edit_of_the_advertisement_is_followed_while_edits_are_rare,
    ]
}

/// The label that the advertisement prefers.
const LABEL: &str = "disk";

/// The guide's advertisement prefers nodes with this value of the label; without one none.
async fn prefer(scene: &Scene, value: Option<&str>) -> Outcome {
    let preferred = value.map(|value| {
        let preference = json!({"matchLabels": {LABEL: value}});
        json!([{"weight": 10, "preference": preference}])
    });
    let patch = json!({"spec": {"preferredNodeSelectors": preferred}});
    let advertisements = L2_ADVERTISEMENTS.in_namespace(NAMESPACE);
    let all = scene.home.kube().list(&advertisements).await?;
    let name = all.first().and_then(|ad| ad["metadata"]["name"].as_str());
    let name = name.context("no L2Advertisement")?;
    scene
        .home
        .kube()
        .merge_patch(&advertisements, name, &patch)
        .await?;
    Ok(())
}

fn other(scene: &Scene, than: &[&str]) -> anyhow::Result<String> {
    let mut others = scene.home.node_names().filter(|name| !than.contains(name));
    others.next().map(str::to_owned).context("no other node")
}

async fn p01_a_label_brings_the_address_to_the_preferred_node(scene: &mut Scene) -> Outcome {
    scene.apply_pool().await?;
    prefer(scene, Some("fast")).await?;
    let node = scene.settle("web", ADDRESS).await?;
    let preferred = other(scene, &[&node])?;
    let pinger = pinging(scene, &node).await?;
    scene.label(&preferred, LABEL, Some("fast")).await?;
    let heir = other_than(&pinger, &node).await?;
    ensure!(heir == preferred, "{heir} took it");
    let record = scene.record("web", &preferred).await?;
    ensure!(record["status"]["reason"] == "OwnerOffered", "{record}");
    // MetalLB goes back to the first in order. Here nothing moves without need.
    scene.label(&preferred, LABEL, None).await?;
    stays(&pinger, &preferred).await?;
    handed_over(&pinger.stop()?, &[&node, &preferred])
}

async fn p03_a_preferred_node_takes_it_back_when_it_may_again(scene: &mut Scene) -> Outcome {
    scene.apply_pool().await?;
    let preferred = other(scene, &[])?;
    scene.label(&preferred, LABEL, Some("fast")).await?;
    prefer(scene, Some("fast")).await?;
    let node = scene.settle("web", ADDRESS).await?;
    ensure!(node == preferred, "{node} has it");
    let pinger = pinging(scene, &preferred).await?;
    scene.label(&preferred, EXCLUDED, Some("")).await?;
    let heir = other_than(&pinger, &preferred).await?;
    handed_over(&pinger.stop()?, &[&preferred, &heir])?;
    let pinger = pinging(scene, &heir).await?;
    scene.label(&preferred, EXCLUDED, None).await?;
    let back = other_than(&pinger, &heir).await?;
    ensure!(back == preferred, "{back} took it");
    handed_over(&pinger.stop()?, &[&heir, &preferred])
}

async fn p04_every_edit_of_the_advertisement_is_followed_while_edits_are_rare(scene: &mut Scene) -> Outcome {
    scene.apply_pool().await?;
    let node = scene.settle("web", ADDRESS).await?;
    let first = other(scene, &[&node])?;
    let second = other(scene, &[&node, &first])?;
    scene.label(&first, LABEL, Some("a")).await?;
    scene.label(&second, LABEL, Some("b")).await?;
    let pinger = pinging(scene, &node).await?;
    for (value, expected, from) in [("a", &first, &node), ("b", &second, &first)] {
        prefer(scene, Some(value)).await?;
        // At most one move in half a minute: an edit that follows at once waits for that.
        until("the preferred node to answer", SOON * 2, async || {
            let answerer = scene.home.announcer(ADDRESS, SOON).await?.host;
            ensure!(answerer == **expected, "{answerer} answers, {from} did before");
            Ok(())
        })
        .await?;
    }
    prefer(scene, None).await?;
    stays(&pinger, &second).await?;
    handed_over(&pinger.stop()?, &[&node, &first, &second])
}
