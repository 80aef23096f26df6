//! A LAN that loses frames: all that one node is sent, three of ten everywhere, the heartbeats of one node.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};

use super::announcement::{
    ADDRESS, HEARTBEATS, answers_itself, handed_over, never_twice, other_than, pinging, states_name_the_port,
    stays,
};
use super::answer::{asking, one_answer, one_is_left};
use super::scene::{SOON, Scene};
use super::{Outcome, Story, stories};
use crate::lan::Loss;

pub(super) fn stories() -> Vec<Story> {
    let all = stories![impairment:
        an_owner_that_hears_nothing_is_followed_and_takes_nothing_back,
        where_three_of_ten_frames_are_lost_nothing_moves_and_somebody_answers,
        an_owner_whose_heartbeat_port_alone_is_blocked_keeps_its_address,
        another_node_whose_heartbeat_port_alone_is_blocked_takes_nothing,
    ];
    all.into_iter().map(Story::losing).collect()
}

/// Its card sends, and receives nothing: nothing on the link tells it, and others go on to hear it.
async fn an_owner_that_hears_nothing_is_followed_and_takes_nothing_back(scene: &mut Scene) -> Outcome {
    scene.apply_pool().await?;
    let node = scene.settle("web", ADDRESS).await?;
    let pinger = pinging(scene, &node).await?;
    let asker = asking(scene).await?;
    scene.home.lan().lose(&[Loss::of_all().to(&[&node])]).await?;
    let heir = other_than(&pinger, &node).await?;
    scene.record("web", &heir).await?;
    stays(&pinger, &heir).await?;
    let healed = Instant::now();
    scene.home.lan().lose(&[]).await?;
    one_is_left(scene, asker, healed, &[&heir]).await?;
    never_twice(&pinger.stop()?)
}

/// How long the LAN is bad.
const BAD: Duration = Duration::from_secs(12);

/// Of ten questions half have an answer then, so that a hundred in a row without one are none of chance. The rest is for a
/// busy machine.
const WITHOUT_ANSWER: Duration = Duration::from_secs(5);

async fn where_three_of_ten_frames_are_lost_nothing_moves_and_somebody_answers(scene: &mut Scene) -> Outcome {
    scene.apply_pool().await?;
    let node = scene.settle("web", ADDRESS).await?;
    let asker = asking(scene).await?;
    scene.home.lan().lose(&[Loss::of_all().percent(30)]).await?;
    tokio::time::sleep(BAD).await;
    scene.home.lan().lose(&[]).await?;
    // A silence counts when it has ended.
    asker.wait_for(|_| true, SOON).await?;
    let report = asker.stop()?;
    one_answer(scene, &report, &[&node])?;
    let (at, wait) = report.longest_wait();
    ensure!(wait < WITHOUT_ANSWER, "no answer for {wait:?} from {at:?} on");
    Ok(())
}

async fn an_owner_whose_heartbeat_port_alone_is_blocked_keeps_its_address(scene: &mut Scene) -> Outcome {
    scene.apply_pool().await?;
    let node = scene.settle("web", ADDRESS).await?;
    heartbeats_are_blocked(scene, &node, &node).await
}

async fn another_node_whose_heartbeat_port_alone_is_blocked_takes_nothing(scene: &mut Scene) -> Outcome {
    scene.apply_pool().await?;
    let node = scene.settle("web", ADDRESS).await?;
    let mut others = scene.home.node_names().filter(|name| *name != node);
    let other = others.next().context("no other node")?.to_owned();
    heartbeats_are_blocked(scene, &node, &other).await
}

/// A firewall on one node lets no heartbeat in and none out.
async fn heartbeats_are_blocked(scene: &Scene, owner: &str, on: &str) -> Outcome {
    let before = scene.record("web", owner).await?;
    let pinger = pinging(scene, owner).await?;
    let asker = asking(scene).await?;
    let port = || Loss::of_all().udp_port(HEARTBEATS);
    scene
        .home
        .lan()
        .lose(&[port().from(&[on]), port().to(&[on])])
        .await?;
    states_name_the_port(scene, true).await?;
    stays(&pinger, owner).await?;
    scene.home.lan().lose(&[]).await?;
    states_name_the_port(scene, false).await?;
    answers_itself(scene, owner).await?;
    one_answer(scene, &asker.stop()?, &[owner])?;
    scene.keeps_its_claim("web", owner, &before).await?;
    handed_over(&pinger.stop()?, &[owner])
}
