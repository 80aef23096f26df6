//! Nodes that do not hear each other, and clients that hear some of them: what is claimed twice is settled when they meet
//! again, or by the records in the API where they never do.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use serde_json::Value;

use super::announcement::{ADDRESS, other_than, pinging, stays};
use super::answer::{asking, never_two, one_answer, one_is_left, owners, settled};
use super::scene::{SOON, Scene};
use super::{Outcome, Story, stories};
use crate::home::kind::SERVICE_L2_STATUSES;
use crate::lan::Loss;
use crate::wait::until;
use crate::wire::{Asker, who_has};

pub(super) fn stories() -> Vec<Story> {
    let all = stories![partition:
        an_owner_alone_with_the_gateway_meets_the_other_two_again,
        of_three_that_are_alone_the_one_with_the_gateway_takes_over,
        of_three_that_are_alone_an_owner_with_the_gateway_keeps_it,
        two_that_see_the_gateway_and_not_each_other_settle_it_by_their_records with |plan| plan.nodes(2),
        two_that_see_a_third_and_not_each_other_never_take_turns,
    ];
    all.into_iter().map(Story::losing).collect()
}

/// Longer than a takeover by heartbeats alone, several times over.
const APART: Duration = Duration::from_secs(3);

/// Whoever is not a node: gateway, Kubernetes API, client and devices.
fn rest(scene: &Scene) -> Vec<&str> {
    let is_node = |name: &str| scene.home.node_names().any(|node| node == name);
    let hosts = scene.home.lan().hosts();
    hosts
        .map(crate::lan::Host::name)
        .filter(|name| !is_node(name))
        .collect()
}

/// The other nodes.
fn others(scene: &Scene, than: &str) -> Vec<String> {
    let names = scene.home.node_names().filter(|name| *name != than);
    names.map(str::to_owned).collect()
}

/// Between two parts of the LAN nothing gets through, whichever two they are.
async fn part(scene: &Scene, parts: &[Vec<&str>]) -> Outcome {
    let mut losses = Vec::new();
    for (index, one) in parts.iter().enumerate() {
        for other in &parts[index + 1..] {
            losses.extend(Loss::between(one, other));
        }
    }
    scene.home.lan().lose(&losses).await?;
    Ok(())
}

async fn an_owner_alone_with_the_gateway_meets_the_other_two_again(scene: &mut Scene) -> Outcome {
    scene.apply_pool().await?;
    let node = scene.settle("web", ADDRESS).await?;
    let pair = others(scene, &node);
    let asker = asking(scene).await?;
    // The printer is with the two, as somebody who uses the Service there.
    let mut with_gateway = rest(scene);
    with_gateway.retain(|name| *name != "printer");
    with_gateway.push(&node);
    let mut alone: Vec<&str> = pair.iter().map(String::as_str).collect();
    alone.push("printer");
    part(scene, &[with_gateway, alone]).await?;
    let printer = scene.home.lan().host("printer")?;
    let heir = until("one of the two to answer on their side", SOON, async || {
        let answers = who_has(printer, ADDRESS, Duration::from_millis(200)).await?;
        let [answer] = answers.as_slice() else {
            bail!("{answers:?}");
        };
        Ok(scene.home.host_with(answer.mac))
    })
    .await?;
    ensure!(pair.contains(&heir), "{heir} answers");
    let healed = Instant::now();
    scene.home.lan().lose(&[]).await?;
    one_is_left(scene, asker, healed, &[&node, &heir]).await
}

async fn of_three_that_are_alone_the_one_with_the_gateway_takes_over(scene: &mut Scene) -> Outcome {
    scene.apply_pool().await?;
    let node = scene.settle("web", ADDRESS).await?;
    let alone = others(scene, &node);
    let [heir, third] = alone.as_slice() else {
        bail!("{alone:?} are the others");
    };
    let pinger = pinging(scene, &node).await?;
    let asker = asking(scene).await?;
    let mut with_gateway = rest(scene);
    with_gateway.push(heir);
    part(scene, &[vec![&node], with_gateway, vec![third]]).await?;
    let found = other_than(&pinger, &node).await?;
    ensure!(found == *heir, "{found} took it");
    stays(&pinger, heir).await?;
    let healed = Instant::now();
    scene.home.lan().lose(&[]).await?;
    one_is_left(scene, asker, healed, &[&node, heir]).await
}

async fn of_three_that_are_alone_an_owner_with_the_gateway_keeps_it(scene: &mut Scene) -> Outcome {
    scene.apply_pool().await?;
    let node = scene.settle("web", ADDRESS).await?;
    let before = scene.record("web", &node).await?;
    let alone = others(scene, &node);
    let asker = asking(scene).await?;
    let mut with_gateway = rest(scene);
    with_gateway.push(&node);
    let mut parts = vec![with_gateway];
    parts.extend(alone.iter().map(|name| vec![name.as_str()]));
    part(scene, &parts).await?;
    tokio::time::sleep(APART).await;
    scene.home.lan().lose(&[]).await?;
    let (left, _) = settled(scene, &asker).await?;
    ensure!(left == node, "{left} answers");
    one_answer(scene, &asker.stop()?, &[&node])?;
    scene.keeps_its_claim("web", &node, &before).await
}

async fn two_that_see_the_gateway_and_not_each_other_settle_it_by_their_records(
    scene: &mut Scene,
) -> Outcome {
    scene.apply_pool().await?;
    let node = scene.settle("web", ADDRESS).await?;
    scene.record("web", &node).await?;
    let other = others(scene, &node).pop().context("no other node")?;
    let asker = asking(scene).await?;
    let began = Instant::now();
    part(scene, &[vec![&node], vec![&other]]).await?;
    // Each of them has reason to think that the other is gone.
    let claimed = |records: &[Value]| records.iter().any(|record| record["status"]["node"] == *other);
    let what = "a record of the node that took over";
    scene
        .home
        .kube()
        .wait_list(SERVICE_L2_STATUSES, SOON, what, claimed)
        .await?;
    one_wins(scene, asker, began).await
}

/// One answers alone in the end, since the records in the API are known to both: the worse claim is given up five seconds
/// later. It stays so, also when the two meet again.
async fn one_wins(scene: &Scene, asker: Asker, began: Instant) -> Outcome {
    let (left, since) = settled(scene, &asker).await?;
    let record = scene.record("web", &left).await?;
    scene.home.lan().lose(&[]).await?;
    let (still, _) = settled(scene, &asker).await?;
    ensure!(still == left, "{still} took it from {left}");
    scene.keeps_its_claim("web", &left, &record).await?;
    let report = asker.stop()?;
    never_two(scene, &report, |at| began <= at && at <= since)?;
    let owners = owners(scene, &report.since(since));
    ensure!(owners == [left.as_str()], "{owners:?} answered in the end");
    Ok(())
}

async fn two_that_see_a_third_and_not_each_other_never_take_turns(scene: &mut Scene) -> Outcome {
    scene.apply_pool().await?;
    let node = scene.settle("web", ADDRESS).await?;
    let other = others(scene, &node).pop().context("no other node")?;
    let asker = asking(scene).await?;
    let began = Instant::now();
    part(scene, &[vec![&node], vec![&other]]).await?;
    tokio::time::sleep(APART).await;
    one_wins(scene, asker, began).await
}
