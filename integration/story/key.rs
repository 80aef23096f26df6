//! A speaker that signs with another key than the others: what it says moves nothing, and is counted and told.

use std::net::Ipv4Addr;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::announcement::{ADDRESS, handed_over, pinging, stays};
use super::answer::{asking, asking_for, never_two, one_answer, settled};
use super::scene::{APPS, FIRST_SYNC, SOON, Scene};
use super::{Outcome, Stage, Story, stories};
use crate::apiserver::Matcher;
use crate::home::NAMESPACE;
use crate::home::kind::CONFIGURATION_STATES;
use crate::kube::SECRETS;
use crate::lan::Loss;
use crate::wait::until;

/// They need an API server that gives one Secret to some and not to others.
pub(super) fn stories() -> Vec<Story> {
    let all = stories![key:
        an_owner_with_another_key_keeps_its_address,
        another_node_with_another_key_takes_nothing,
    ];
    let alone = |story: Story| story.only(Stage::Embedded).losing();
    all.into_iter().map(alone).collect()
}

const SECRET: &str = "tiklb-heartbeat";

/// Another key, of as many bytes (base64).
const OTHER: &str = "b3RoZXJvdGhlcm90aGVyb3RoZXJvdGhlcm90aGVyb3Q=";

const SPEAKERS: &str = "system:serviceaccount:metallb-system:tiklb-speaker";

/// Longer than any story.
const ALWAYS: u32 = u32::MAX;

/// What a Service asks for that is created when the keys differ.
const NEW: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 211);

async fn an_owner_with_another_key_keeps_its_address(scene: &mut Scene) -> Outcome {
    scene.apply_pool().await?;
    let owner = scene.settle("web", ADDRESS).await?;
    is_alone_with_its_key(scene, &owner, &owner).await
}

async fn another_node_with_another_key_takes_nothing(scene: &mut Scene) -> Outcome {
    scene.apply_pool().await?;
    let owner = scene.settle("web", ADDRESS).await?;
    let other = scene.home.node_names().find(|name| *name != owner);
    let other = other.context("no other node")?.to_owned();
    is_alone_with_its_key(scene, &owner, &other).await
}

async fn is_alone_with_its_key(scene: &mut Scene, owner: &str, odd: &str) -> Outcome {
    let before = scene.record("web", owner).await?;
    let pinger = pinging(scene, owner).await?;
    let asker = asking(scene).await?;
    change_the_key_of_all_but(scene, odd).await?;
    stays(&pinger, owner).await?;
    counted(scene).await?;
    one_takes_what_is_new(scene).await?;
    stays(&pinger, owner).await?;
    one_answer(scene, &asker.stop()?, &[owner])?;
    handed_over(&pinger.stop()?, &[owner])?;
    scene.keeps_its_claim("web", owner, &before).await
}

/// Both sides ask at one time whether anybody has the address, and find that nobody does: the first in order of all takes it.
async fn one_takes_what_is_new(scene: &mut Scene) -> Outcome {
    scene.ask("new", NEW).await?;
    scene.home.service_address(APPS, "new", FIRST_SYNC).await?;
    let asker = asking_for(scene, NEW).await?;
    let (left, _) = settled(scene, &asker).await?;
    let (still, _) = settled(scene, &asker).await?;
    ensure!(still == left, "{still} took it from {left}");
    scene.record("new", &left).await?;
    let report = asker.stop()?;
    never_two(scene, &report, |_| false)
}

/// The Secret changes while this node's way to the API is blocked, and when it is free again nobody is given the Secret any
/// more.
async fn change_the_key_of_all_but(scene: &Scene, odd: &str) -> Outcome {
    let api = scene
        .home
        .control_plane()
        .embedded()
        .context("no embedded API server")?;
    scene
        .home
        .lan()
        .lose(&Loss::between(&[odd], &["control"]))
        .await?;
    // What is on its way to the node ends with the connections.
    api.close_watches();
    let key = json!({"data": {"key": OTHER}});
    let secrets = SECRETS.in_namespace(NAMESPACE);
    scene.home.kube().merge_patch(secrets, SECRET, &key).await?;
    let others = scene.home.node_names().filter(|name| *name != odd);
    told(scene, &others.collect::<Vec<_>>()).await?;
    let asks = Matcher::any().user(SPEAKERS).resource("secrets");
    api.fail_next(asks, ALWAYS, 503);
    scene.home.lan().lose(&[]).await?;
    told(scene, &[odd]).await
}

/// Waits until these nodes say that heartbeats come that are signed with another key.
async fn told(scene: &Scene, nodes: &[&str]) -> Outcome {
    let states = CONFIGURATION_STATES.in_namespace(NAMESPACE);
    let of = |all: &[Value], node: &str| {
        let mut mine = all.iter().filter(|state| {
            state["metadata"]["name"]
                .as_str()
                .unwrap_or_default()
                .contains(node)
        });
        mine.any(|state| {
            let condition = crate::home::condition(state, "heartbeatsHeard");
            condition.is_some_and(|condition| condition["reason"] == "OtherKey")
        })
    };
    let what = format!("{nodes:?} to say that another key is used");
    let all = |states: &[Value]| nodes.iter().all(|node| of(states, node));
    scene.home.kube().wait_list(states, SOON, &what, all).await?;
    Ok(())
}

/// Each node has counted what it did not believe.
async fn counted(scene: &Scene) -> Outcome {
    until(
        "datagrams with another key to be counted by every speaker",
        SOON,
        async || {
            let shown = scene.home.metrics().await?;
            let counts: Result<Vec<u64>> = shown.iter().skip(1).map(|text| dropped(text)).collect();
            let counts = counts?;
            ensure!(counts.iter().all(|count| *count > 0), "{counts:?}");
            Ok(())
        },
    )
    .await
}

fn dropped(metrics: &str) -> Result<u64> {
    let series = "tiklb_speaker_datagrams_total{outcome=\"other_key\"} ";
    let found = metrics.lines().find_map(|line| line.strip_prefix(series));
    found.map_or(Ok(0), |count| count.parse().context("a count"))
}
