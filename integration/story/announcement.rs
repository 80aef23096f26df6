//! One node answers for an address; another takes over when it is cut off or its speaker dies.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use nix::sys::signal::Signal;
use serde_json::Value;

use super::scene::{OBSERVED, PORT, SOON, Scene};
use super::{Outcome, Story, stories};
use crate::home::NAMESPACE;
use crate::home::kind::CONFIGURATION_STATES;
use crate::wire::{Capture, PingAnswer, PingReport, Pinger, Seen};

pub(super) fn stories() -> Vec<Story> {
    stories![announcement:
        a_cut_link_moves_the_address_and_no_return_moves_it_back,
        a_killed_speaker_is_followed,
        a_stopping_speaker_hands_over,
        a_speaker_that_was_stopped_does_not_answer_beside_the_new_one,
        nodes_that_cannot_hear_each_other_agree_by_their_records,
        answers_come_from_one_node_alone,
    ]
}

const ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 210);

/// Pings before something happens: what a person would call steady.
const STEADY: u64 = 200;

/// A silence that a person notices. The bench measures how short it is; a story on a busy machine only tells failover
/// from its absence, and MetalLB's five seconds.
const NOTICED: Duration = Duration::from_secs(2);

async fn pinging(scene: &Scene, node: &str) -> anyhow::Result<Pinger> {
    let pinger = Pinger::start(scene.home.client()?, SocketAddrV4::new(ADDRESS, PORT))?;
    let steady = |answer: &PingAnswer| *answer.node == *node && answer.sequence >= STEADY;
    pinger.wait_for(steady, SOON).await?;
    Ok(pinger)
}

fn judge(report: &PingReport) -> Outcome {
    let silence = &report.silence;
    ensure!(
        silence.length() < NOTICED,
        "silent for {:?} ({:?} -> {:?})",
        silence.length(),
        silence.before,
        silence.after
    );
    ensure!(
        report.repeated == 0,
        "{} datagrams were answered twice",
        report.repeated
    );
    Ok(())
}

async fn other_than(pinger: &Pinger, node: &str) -> anyhow::Result<String> {
    let answer = pinger.wait_for(|answer| *answer.node != *node, SOON).await?;
    Ok(answer.node.to_string())
}

/// It stays where it is.
async fn stays(pinger: &Pinger, node: &str) -> Outcome {
    match pinger.wait_for(|answer| *answer.node != *node, OBSERVED).await {
        Err(_) => Ok(()),
        Ok(answer) => bail!("{ADDRESS} moved from {node} to {} without need", answer.node),
    }
}

async fn a_cut_link_moves_the_address_and_no_return_moves_it_back(scene: &mut Scene) -> Outcome {
    scene.apply_pool().await?;
    let node = scene.settle("web", ADDRESS).await?;
    let pinger = pinging(scene, &node).await?;
    scene.home.lan().cut(&node).await?;
    let heir = other_than(&pinger, &node).await?;
    scene.record("web", &heir).await?;
    scene.home.lan().mend(&node).await?;
    stays(&pinger, &heir).await?;
    judge(&pinger.stop()?)?;
    let serving = scene.serves(ADDRESS).await?;
    ensure!(serving == heir, "{serving}");
    scene.record("web", &heir).await?;
    Ok(())
}

async fn a_killed_speaker_is_followed(scene: &mut Scene) -> Outcome {
    scene.apply_pool().await?;
    let node = scene.settle("web", ADDRESS).await?;
    let client = scene.home.client()?;
    let capture = Capture::start(client, client.interface())?;
    let pinger = pinging(scene, &node).await?;
    scene.home.speaker(&node)?.kill(Signal::SIGKILL)?;
    // The node still forwards what the client's neighbour entry sends there: the new announcer's frame moves it.
    let heir = other_than(&pinger, &node).await?;
    let from_heir = |seen: &Seen| {
        let sender = scene.home.host_with(seen.frame.sender_mac);
        seen.frame.is_gratuitous() && seen.frame.sender_ip == ADDRESS && sender == heir
    };
    capture.wait_for(from_heir, SOON).await?;
    scene.record("web", &heir).await?;
    scene.home.start_speaker(&node).await?;
    stays(&pinger, &heir).await?;
    judge(&pinger.stop()?)?;
    Ok(())
}

async fn a_stopping_speaker_hands_over(scene: &mut Scene) -> Outcome {
    scene.apply_pool().await?;
    let node = scene.settle("web", ADDRESS).await?;
    let pinger = pinging(scene, &node).await?;
    let status = scene.home.speaker(&node)?.end(SOON).await?;
    ensure!(status.success(), "the speaker ended with {status}");
    let heir = other_than(&pinger, &node).await?;
    scene.record("web", &heir).await?;
    judge(&pinger.stop()?)
}

async fn a_speaker_that_was_stopped_does_not_answer_beside_the_new_one(scene: &mut Scene) -> Outcome {
    scene.apply_pool().await?;
    let node = scene.settle("web", ADDRESS).await?;
    let client = scene.home.client()?;
    let pinger = pinging(scene, &node).await?;
    scene.home.speaker(&node)?.kill(Signal::SIGSTOP)?;
    let heir = other_than(&pinger, &node).await?;
    // Whatever it says unasked or answers, from the moment it goes on.
    let capture = Capture::start(client, client.interface())?;
    let asking = Pinger::start(client, SocketAddrV4::new(ADDRESS, PORT))?;
    scene.home.speaker(&node)?.kill(Signal::SIGCONT)?;
    for _ in 0..20 {
        let answerers = scene.home.answerers(ADDRESS).await?;
        let names: Vec<&str> = answerers.iter().map(|one| one.host.as_str()).collect();
        ensure!(names == [heir.as_str()], "{names:?} answer, {heir} took over");
    }
    stays(&pinger, &heir).await?;
    let frames = capture.frames();
    let from_it =
        |seen: &&Seen| seen.frame.sender_ip == ADDRESS && scene.home.host_with(seen.frame.sender_mac) == node;
    if let Some(frame) = frames.iter().find(from_it) {
        bail!("{node} spoke for the address after {heir} had taken over: {frame}");
    }
    asking.stop()?;
    judge(&pinger.stop()?)?;
    scene.record("web", &heir).await?;
    Ok(())
}

/// A firewall on the nodes drops the heartbeats, while everybody sees the gateway.
async fn nodes_that_cannot_hear_each_other_agree_by_their_records(scene: &mut Scene) -> Outcome {
    scene.apply_pool().await?;
    scene.settle("web", ADDRESS).await?;
    let names: Vec<String> = scene.home.node_names().map(str::to_owned).collect();
    bar(scene, &names, true).await?;
    let several = async || {
        let answerers = scene.home.answerers(ADDRESS).await?;
        ensure!(answerers.len() > 1, "the heartbeats are not blocked");
        Ok(())
    };
    crate::wait::until("nodes that cannot hear each other to take over", SOON, several).await?;
    let alone = async || {
        let answerers = scene.home.answerers(ADDRESS).await?;
        ensure!(answerers.len() == 1, "{answerers:?} answer");
        scene.record("web", &answerers[0].host).await?;
        Ok(answerers[0].host.clone())
    };
    let owner = crate::wait::until("one of them to be left", SOON, alone).await?;
    for _ in 0..20 {
        let answerers = scene.home.answerers(ADDRESS).await?;
        let now: Vec<&str> = answerers.iter().map(|one| one.host.as_str()).collect();
        ensure!(now == [owner.as_str()], "{now:?} answer, after {owner} did alone");
    }
    let states = CONFIGURATION_STATES.in_namespace(NAMESPACE);
    let summary = |state: &Value| state["status"]["conditions"].to_string();
    let says = |all: &[Value]| all.iter().any(|state| summary(state).contains("7946"));
    let kube = scene.home.kube();
    kube.wait_list(
        states.clone(),
        SOON,
        "a ConfigurationState that names the port",
        says,
    )
    .await?;
    bar(scene, &names, false).await?;
    kube.wait_list(states, SOON, "ConfigurationStates without it", |all| !says(all))
        .await?;
    scene.record("web", &owner).await?;
    let serving = scene.serves(ADDRESS).await?;
    ensure!(serving == owner, "{serving}");
    Ok(())
}

async fn bar(scene: &Scene, names: &[String], barred: bool) -> Outcome {
    for name in names {
        for other in names.iter().filter(|other| *other != name) {
            let address = scene
                .home
                .address_of(other)
                .context("a node without an address")?;
            scene.home.lan().host(name)?.bar(address, barred).await?;
        }
    }
    Ok(())
}

async fn answers_come_from_one_node_alone(scene: &mut Scene) -> Outcome {
    scene.apply_pool().await?;
    let node = scene.settle("web", ADDRESS).await?;
    for _ in 0..20 {
        let answerers = scene.home.answerers(ADDRESS).await?;
        let names: Vec<&str> = answerers.iter().map(|one| one.host.as_str()).collect();
        ensure!(names == [node.as_str()], "{names:?} answer, {node} did first");
    }
    let other = Ipv4Addr::new(192, 168, 1, 212);
    let strangers = scene.home.answerers(other).await?;
    ensure!(
        strangers.is_empty(),
        "{strangers:?} answer for {other}, which no Service has"
    );
    scene.serves(ADDRESS).await.map(drop).context("at the end")
}
