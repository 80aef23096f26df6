//! One node answers for an address; another takes over when it is cut off or its speaker dies.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use nix::sys::signal::Signal;

use super::scene::{OBSERVED, PORT, SOON, Scene};
use super::{Outcome, Story, stories};
use crate::wire::{Capture, PingAnswer, PingReport, Pinger, Seen};

pub(super) fn stories() -> Vec<Story> {
    stories![announcement:
        a_cut_link_moves_the_address_and_no_return_moves_it_back,
        a_killed_speaker_is_followed,
        a_stopping_speaker_hands_over,
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
